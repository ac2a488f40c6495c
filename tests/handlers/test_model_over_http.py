"""Drafting by a model over real HTTP, against a server that speaks OpenAI and Anthropic."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar, cast

import anyio
import keyring
import pytest
from keyring.backends.null import Keyring as NullKeyring
from llmock.pytest_plugin import LLMock

from mcp_server.content.drafting.drafter import (
    Drafted,
    Drafter,
    DraftRequest,
    ModelAccountEmpty,
    ModelBusy,
    ModelKeyRefused,
    ModelRefused,
    ModelRejected,
    ModelTrouble,
    ModelUnknown,
    drafter_for,
    inputs_hash,
)
from mcp_server.content.drafting.http import ModelHTTPClient
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.provider import model_of
from mcp_server.content.site import Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.workspace.starter import init_workspace
from mcp_server.entities.entity import Author
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio

T = TypeVar("T", bound=ModelTrouble)
KEY = "sk-only-for-this-test-0123456789"
TOOL = "write_section"
README = Path(__file__).resolve().parents[2] / "README.md"
HERO = Template(
    name="hero",
    prompt="Write a warm opening.",
    fields=(
        Field(name="headline", type=FieldType.LINE, length_max=20),
        Field(name="intro", type=FieldType.TEXT, required=False),
    ),
    format="# {headline}\n\n{intro}",
)
SECTION = Section(page="home", id="hero", template="hero", brief="Say what is fresh.")
SITE = Site(
    title="Bakkerij Zon",
    description="A bakery in Delft",
    language="en",
    facts={"name": "Bakkerij Zon"},
    pages=(Page(id="home", title="Home", sections=(SECTION,)),),
    templates={"hero": HERO},
)
REQUEST = DraftRequest(site=SITE, section=SECTION, template=HERO, mode="new")
GOOD = {"headline": "Fresh at seven", "intro": "Bread from our own oven."}
TOO_LONG = {"headline": "A headline that goes on for ever"}

PROVIDERS: dict[str, Callable[[LLMock], ModelChoice]] = {
    "openai": lambda _: ModelChoice(name="openai:gpt-5.2"),
    "anthropic": lambda _: ModelChoice(name="anthropic:claude-sonnet-5"),
    "url": lambda llmock: ModelChoice(name="llama3.2:3b", url=llmock.base_url("openai")),
}


@pytest.fixture
def no_keyring() -> Generator[None]:
    """The machine's own keyring is not asked, whoever runs this."""
    before = keyring.get_keyring()
    keyring.set_keyring(NullKeyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture(params=PROVIDERS)
def choice(request: pytest.FixtureRequest, llmock: LLMock) -> ModelChoice:
    """Each way to speak to a model: OpenAI, Anthropic, and an OpenAI-compatible URL."""
    return PROVIDERS[request.param](llmock)


async def test_a_fitting_answer_becomes_a_draft(llmock: LLMock, choice: ModelChoice) -> None:
    """With its Markdown, its author, what it was made from and what it cost."""
    llmock.call_tool(TOOL, GOOD)
    drafted = await draft(choice)
    assert drafted.fields == GOOD
    assert drafted.markdown == "# Fresh at seven\n\nBread from our own oven."
    assert drafted.author == Author(kind="model", name=choice.name)
    assert drafted.inputs_hash == inputs_hash(REQUEST, choice.name)
    assert drafted.output_tokens is not None
    assert (drafted.cost_usd is not None) == (choice.url is None)


async def test_the_model_is_sent_site_template_and_brief(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """The site first, where a prompt cache can serve it."""
    llmock.call_tool(TOOL, GOOD)
    await draft(choice)
    body = llmock.last_request.body
    system, user = _sent(body)
    assert "A bakery in Delft" in system
    assert "Write a warm opening." in user
    assert "Say what is fresh." in user
    if choice.provider == "anthropic":
        assert "cache_control" in body["system"][-1]


async def test_a_misfit_is_sent_back_with_the_complaint(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """In words that say what to change; the second answer is taken, and both are paid for."""
    llmock.call_tool(TOOL, TOO_LONG).call_tool(TOOL, GOOD)
    drafted = await draft(choice)
    assert drafted.fields == GOOD
    assert len(llmock.requests) == 2
    assert "headline has 32 characters; write at most 20" in json.dumps(llmock.last_request.body)


async def test_an_answer_that_never_fits_is_refused_after_being_asked_again_twice(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """The last complaint is kept, and what it cost."""
    llmock.call_tool(TOOL, TOO_LONG, times=None)
    refused = await trouble(ModelRefused, choice)
    assert len(llmock.requests) == 3
    assert refused.complaint == "headline has 32 characters; write at most 20"
    assert refused.usage.output_tokens is not None


async def test_talk_instead_of_an_answer_is_refused(llmock: LLMock, choice: ModelChoice) -> None:
    """A model that only chats never gets a word into the site."""
    llmock.reply("Sure! Here is your section.", times=None)
    refused = await trouble(ModelRefused, choice)
    assert len(llmock.requests) == 3
    assert "did not fill in the fields" in refused.complaint


async def test_a_text_that_would_not_survive_the_round_trip_is_sent_back(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """A heading inside of a text would be read back as something else."""
    llmock.call_tool(TOOL, {**GOOD, "intro": "# Not yours\n\nText."}).call_tool(TOOL, GOOD)
    assert (await draft(choice)).fields == GOOD
    assert len(llmock.requests) == 2


async def test_an_answer_that_was_cut_off_is_not_taken(llmock: LLMock, choice: ModelChoice) -> None:
    """Not even if what there is of it looks whole."""
    from llmock.scenarios import Reply, ToolCall

    llmock.add(Reply(tool_calls=(ToolCall(TOOL, GOOD),), finish_reason="length"))
    llmock.call_tool(TOOL, {"headline": "Shorter"})
    assert (await draft(choice)).fields == {"headline": "Shorter"}
    assert "cut off" in json.dumps(llmock.last_request.body)


async def test_answers_that_are_always_cut_off_are_refused(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """With that as the complaint."""
    from llmock.scenarios import Reply, ToolCall

    call = ToolCall(TOOL, GOOD)
    llmock.add(Reply(tool_calls=(call,), finish_reason="length", times=None))
    assert "cut off" in (await trouble(ModelRefused, choice)).complaint


async def test_invisible_characters_do_not_get_into_the_site(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """Nor do control characters; line breaks stay."""
    hidden = {"headline": "Fresh\u200b at\u202e seven\U000e0041", "intro": "One.\r\n\r\nTwo.\x07"}
    llmock.call_tool(TOOL, hidden)
    assert (await draft(choice)).fields == {"headline": "Fresh at seven", "intro": "One.\n\nTwo."}


@pytest.mark.parametrize("after_s", [7.0, 0.25])
async def test_a_rate_limit_is_busy_for_as_long_as_the_provider_says(
    llmock: LLMock, choice: ModelChoice, after_s: float
) -> None:
    """And the request is not repeated here: the queue retries, without holding a lane."""
    llmock.rate_limit(times=None, retry_after=after_s)
    assert (await trouble(ModelBusy, choice)).after_s == after_s
    assert len(llmock.requests) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 529])
async def test_an_error_of_the_provider_is_busy(
    llmock: LLMock, choice: ModelChoice, status: int
) -> None:
    """Another time may be better."""
    llmock.fail(status, times=None)
    assert (await trouble(ModelBusy, choice)).cause == f"HTTP {status}"
    assert len(llmock.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_told_from_other_trouble(
    llmock: LLMock, choice: ModelChoice, status: int
) -> None:
    """Every section would fail alike, so the batch is to pause; the message says where keys go."""
    llmock.fail(status)
    refused = await trouble(ModelKeyRefused, choice)
    assert refused.status == status
    assert "_KEY" in str(refused)


@pytest.mark.parametrize(("status", "code"), [(402, None), (429, "insufficient_quota")])
async def test_an_empty_account_is_told_from_a_rate_limit(
    llmock: LLMock, choice: ModelChoice, status: int, code: str | None
) -> None:
    """By the provider's code: both may come as a 429."""
    llmock.fail(status, code=code)
    await trouble(ModelAccountEmpty, choice)


async def test_anthropic_s_empty_account_comes_as_a_bad_request(llmock: LLMock) -> None:
    """Told by the text that pydantic-ai knows."""
    llmock.fail(400, message="Your credit balance is too low to access the Anthropic API.")
    await trouble(ModelAccountEmpty, PROVIDERS["anthropic"](llmock))


async def test_an_unknown_model_is_told_from_a_request_that_is_rejected(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """The one concerns every section, the other this one."""
    llmock.fail(404)
    assert (await trouble(ModelUnknown, choice)).status == 404
    llmock.fail(413)
    assert (await trouble(ModelRejected, choice)).status == 413
    llmock.fail(400)
    assert (await trouble(ModelRejected, choice)).status == 400


async def test_a_request_that_is_too_long_says_so(llmock: LLMock) -> None:
    """Whichever section it was, its facts and text are what is too long."""
    llmock.context_overflow()
    rejected = await trouble(ModelRejected, PROVIDERS["openai"](llmock))
    assert "too long" in str(rejected)


async def test_a_refused_connection_is_busy(
    llmock: LLMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ollama that is not started yet, or a network that is down."""
    nobody = f"http://127.0.0.1:{_free_port()}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", nobody)
    for choice in (PROVIDERS["openai"](llmock), ModelChoice(name="llama", url=nobody)):
        assert (await trouble(ModelBusy, choice)).cause == "no connection"


async def test_a_reply_that_is_no_answer_is_busy(llmock: LLMock) -> None:
    """A captive portal says 200 and sends a page."""
    with _portal() as url:
        await trouble(ModelBusy, ModelChoice(name="llama", url=url))


async def test_no_key_shows_in_any_message(
    llmock: LLMock, choice: ModelChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if the provider repeats it, and not in the chain of causes that is printed."""
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "PRESSROOM_MODEL_KEY"):
        monkeypatch.setenv(variable, KEY)
    for status in (400, 401, 404, 429, 500):
        llmock.fail(status, message=f"Incorrect API key provided: {KEY}", code=f"no {KEY}")
        with pytest.raises(ModelTrouble) as caught:
            await draft(choice)
        assert KEY not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
        assert caught.value.__suppress_context__
        assert caught.value.__cause__ is None


async def test_a_url_with_a_password_is_sent_and_never_shown(llmock: LLMock) -> None:
    """Neither in the choice's repr nor in an error."""
    url = llmock.base_url("openai").replace("://", "://me:hush@")
    choice = ModelChoice(name="llama", url=url)
    llmock.fail(500)
    shown = str(await trouble(ModelBusy, choice))
    assert "hush" not in f"{shown} {choice!r}"


async def test_a_url_is_sent_the_key_that_is_documented_for_it_and_no_other(
    no_keyring: None, tmp_path: Path
) -> None:
    """Not the vendor's: that server is somebody else's. README and pressroom.toml name it."""
    sent: list[str | None] = []

    class Portal(_Portal):
        def do_POST(self) -> None:
            sent.append(self.headers["authorization"])
            super().do_POST()

    init_workspace(tmp_path)
    for text in (README.read_text("utf-8"), (tmp_path / "pressroom.toml").read_text("utf-8")):
        assert "PRESSROOM_MODEL_KEY" in text
    vendor = {"OPENAI_API_KEY": "sk-vendor"}
    with _portal(Portal) as url:
        choice = ModelChoice(name="llama", url=url)
        await trouble(ModelBusy, choice, vendor | {"PRESSROOM_MODEL_KEY": "sk-local"})
        await trouble(ModelBusy, choice, vendor)
    assert sent[0] == "Bearer sk-local"
    assert "sk-vendor" not in str(sent) and "sk-local" not in str(sent[-1])


async def test_a_missing_key_is_refused_before_anything_is_sent(
    llmock: LLMock, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which variable to set."""
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    refused = await trouble(ModelKeyRefused, PROVIDERS["anthropic"](llmock))
    assert refused.status is None
    assert "ANTHROPIC_API_KEY" in str(refused)
    assert llmock.requests == []


async def test_a_key_that_was_refused_is_looked_for_anew(llmock: LLMock, no_keyring: None) -> None:
    """Whoever mends it and retries need not restart the worker."""
    environ = {"ANTHROPIC_API_KEY": "sk-old"}
    llmock.fail(401).call_tool(TOOL, GOOD)
    async with opened(PROVIDERS["anthropic"](llmock), environ) as drafter:
        with pytest.raises(ModelKeyRefused):
            await drafter.draft(REQUEST, _silent)
        environ.clear()
        with pytest.raises(ModelKeyRefused) as caught:
            await drafter.draft(REQUEST, _silent)
        assert caught.value.status is None
        environ["ANTHROPIC_API_KEY"] = "sk-new"
        assert (await drafter.draft(REQUEST, _silent)).fields == GOOD


async def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(
    llmock: LLMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pasted with a quotation mark from a web page, say."""
    monkeypatch.setenv("OPENAI_API_KEY", "\u201csk-pasted\u201d")
    refused = await trouble(ModelKeyRefused, PROVIDERS["openai"](llmock))
    assert "sk-pasted" not in str(refused)
    assert llmock.requests == []


async def test_an_unknown_provider_is_an_unknown_model(llmock: LLMock) -> None:
    """Every section would fail alike."""
    environ = {"NOBODY_API_KEY": "x", "MISTRAL_API_KEY": "x"}
    await trouble(ModelUnknown, ModelChoice(name="nobody:nothing"), environ)
    assert llmock.requests == []


async def test_one_drafter_writes_many_sections_at_once_and_can_be_used_after_closing(
    llmock: LLMock, choice: ModelChoice
) -> None:
    """The worker keeps one for each model, and its lanes share it."""
    llmock.call_tool(TOOL, GOOD, times=None)
    async with opened(choice) as drafter:
        async with anyio.create_task_group() as lanes:
            for _ in range(4):
                lanes.start_soon(drafter.draft, REQUEST, _silent)
        await drafter.aclose()
        assert (await drafter.draft(REQUEST, _silent)).fields == GOOD
    assert len(llmock.requests) == 5


async def test_a_draft_reports_three_steps(llmock: LLMock, choice: ModelChoice) -> None:
    """Reading, writing, checking."""
    steps: list[tuple[int, int, str]] = []

    async def report(current: int, total: int, message: str) -> None:
        steps.append((current, total, message))

    llmock.call_tool(TOOL, GOOD)
    async with opened(choice) as drafter:
        await drafter.draft(REQUEST, report)
    assert steps == [(1, 3, "reading the facts"), (2, 3, "writing"), (3, 3, "checking")]


async def draft(choice: ModelChoice) -> Drafted:
    """Return the draft of the one request."""
    async with opened(choice) as drafter:
        return await drafter.draft(REQUEST, _silent)


async def trouble(kind: type[T], choice: ModelChoice, environ: dict[str, str] | None = None) -> T:
    """Return the trouble that drafting ends in, of exactly this kind."""
    async with opened(choice, environ) as drafter:
        with pytest.raises(kind) as caught:
            await drafter.draft(REQUEST, _silent)
    assert type(caught.value) is kind
    return caught.value


@asynccontextmanager
async def opened(
    choice: ModelChoice, environ: dict[str, str] | None = None
) -> AsyncGenerator[Drafter]:
    """Hold a drafter open, with a limit on how long a test may take."""
    drafter = drafter_for(choice, environ=os.environ if environ is None else environ)
    with anyio.fail_after(PATIENCE_S):
        try:
            yield drafter
        finally:
            await drafter.aclose()


async def _silent(_current: int, _total: int, _message: str) -> None:
    """Report to nobody."""


def _sent(body: Any) -> tuple[str, str]:
    """Return what the model was sent as system and as user text, of any of the three dialects."""
    if "input" in body:
        return body["instructions"], json.dumps(body["input"])
    if "system" in body:
        return json.dumps(body["system"]), json.dumps(body["messages"])
    return body["messages"][0]["content"], json.dumps(body["messages"][1:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Portal(BaseHTTPRequestHandler):
    """Answers everything with a page."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Please log in to the hotel's network.</html>")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _portal(handler: type[_Portal] = _Portal) -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("url", "newer"),
    [
        ("https://api.openai.com/v1", True),
        ("https://mine.openai.azure.com/openai/v1", True),
        ("https://openrouter.ai/api/v1", False),
    ],
)
async def test_a_server_is_told_the_limit_of_an_answer_by_the_name_it_knows(
    url: str, newer: bool
) -> None:
    """OpenAI refuses the older one, and others do not heed the newer."""
    http = ModelHTTPClient(bare=True)
    model = model_of(ModelChoice(name="writer", url=url), None, http)
    profile = cast("dict[str, object]", model.profile)
    assert profile["openai_chat_supports_max_completion_tokens"] is newer
    await http.aclose()
