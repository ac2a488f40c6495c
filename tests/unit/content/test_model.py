"""Which model writes, and where its key comes from."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import TypeVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailKeyring

from mcp_server.content.drafting.model import ModelChoice, abilities, find_key, key_hint
from mcp_server.content.drafting.system_keyring import keyring_key
from mcp_server.errors import ConfigError

T = TypeVar("T", bound=KeyringBackend)
OPENAI = ModelChoice(name="openai:gpt-5.2")
ANTHROPIC = ModelChoice(name="anthropic:claude-sonnet-5")
LOCAL = ModelChoice(name="llama3.2:3b", url="http://127.0.0.1:11434/v1")


class ReadOnly(KeyringBackend):
    """A keyring that nothing is written to."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


class HeldKeys(ReadOnly):
    """A keyring that holds one key, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        return "sk-from-keyring" if username == "anthropic" else None


class WaitingKeys(ReadOnly):
    """A keyring that waits for somebody to unlock it."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.unlocked.wait()
        return None


@pytest.fixture
def held() -> Generator[HeldKeys]:
    """A keyring with a key for Anthropic."""
    yield from _installed(HeldKeys())


@pytest.fixture
def waiting() -> Generator[WaitingKeys]:
    """A keyring that does not answer before the test is over."""
    for backend in _installed(WaitingKeys()):
        yield backend
        backend.unlocked.set()


@pytest.mark.parametrize(
    ("name", "url", "ability"),
    [
        ("composer", None, None),
        ("openai:gpt-5.2", None, "key:openai"),
        ("openai-chat:gpt-5.2", None, "key:openai"),
        ("anthropic:claude-sonnet-5", None, "key:anthropic"),
        ("mistral:large", None, "key:mistral"),
        ("ollama:llama3.2", None, None),
        ("llama3.2:3b", "http://127.0.0.1:11434/v1", None),
        ("openai:gpt-5.2", "http://127.0.0.1:1234/v1", None),
    ],
)
def test_a_model_needs_the_key_of_its_provider(
    name: str, url: str | None, ability: str | None
) -> None:
    """The composer and a local server need none."""
    assert ModelChoice(name=name, url=url).ability == ability


@pytest.mark.parametrize("name", ["gpt-5.2", "", ":x", "openai:"])
def test_a_name_without_a_provider_is_refused_with_what_to_write(name: str) -> None:
    """At start-up, not in the middle of a batch."""
    with pytest.raises(ConfigError, match="write the provider before it"):
        ModelChoice(name=name)


def test_a_url_keeps_the_colons_of_a_model_s_name() -> None:
    """Ollama names a model's size after one."""
    assert LOCAL.model == "llama3.2:3b"
    assert ModelChoice(name="openai:qwen3:8b", url="http://127.0.0.1/v1").model == "qwen3:8b"


def test_the_url_is_not_in_the_repr() -> None:
    """It may hold a password."""
    choice = ModelChoice(name="llama", url="https://me:hush@models.example.org/v1")
    assert "hush" not in repr(choice)


def test_the_environment_comes_before_the_keyring(held: HeldKeys) -> None:
    """And then the keyring is not asked at all."""
    key = find_key(ANTHROPIC, {"ANTHROPIC_API_KEY": " sk-from-environment\n"})
    assert key is not None
    assert key.get_secret_value() == "sk-from-environment"
    assert held.asked == []


def test_the_keyring_is_asked_only_for_the_providers_that_are_chosen(held: HeldKeys) -> None:
    """Under the service `pressroom`, by provider."""
    composer = ModelChoice(name="composer")
    found = abilities({"OPENAI_API_KEY": "sk"}, composer, OPENAI, ANTHROPIC)
    assert found == {"key:openai", "key:anthropic"}
    assert held.asked == [("pressroom", "anthropic")]


def test_a_key_shows_in_no_repr(held: HeldKeys) -> None:
    """Whatever is logged by mistake is stars."""
    assert "sk-" not in repr(find_key(ANTHROPIC, {}))


def test_an_empty_variable_is_no_key(held: HeldKeys) -> None:
    """As a shell profile leaves it."""
    assert abilities({"OPENAI_API_KEY": " "}, OPENAI) == frozenset()


def test_a_machine_without_a_keyring_has_no_keys() -> None:
    """A container, say: no error, no key."""
    for _ in _installed(FailKeyring()):
        assert abilities({}, ANTHROPIC, OPENAI) == frozenset()


def test_a_keyring_that_waits_for_somebody_is_not_waited_for(waiting: WaitingKeys) -> None:
    """It counts as having no key."""
    assert keyring_key("anthropic", wait_s=0.01) is None


def test_an_openai_key_is_not_sent_to_somebody_else_s_server(held: HeldKeys) -> None:
    """A URL has a variable of its own."""
    assert find_key(LOCAL, {"OPENAI_API_KEY": "sk"}) is None
    key = find_key(LOCAL, {"PRESSROOM_MODEL_KEY": "sk-local"})
    assert key is not None
    assert key.get_secret_value() == "sk-local"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("openai:gpt-5.2", "set OPENAI_API_KEY, or run: keyring set pressroom openai"),
        ("google:gemini", "set GOOGLE_API_KEY or GEMINI_API_KEY, or run: keyring set pressroom"),
        ("deep-seek:x", "set DEEP_SEEK_API_KEY"),
        ("bedrock:x", "set the provider's credentials"),
    ],
)
def test_the_hint_says_where_a_key_is_put(name: str, hint: str) -> None:
    """The variable, or the keyring's command."""
    assert key_hint(ModelChoice(name=name)).startswith(hint)


def _installed(backend: T) -> Generator[T]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield backend
    finally:
        keyring.set_keyring(before)
