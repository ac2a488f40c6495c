"""Which variables hold a provider's key: the names that pydantic-ai reads, and no invented ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_ai import providers

from mcp_server.content.drafting.http import ModelHTTPClient
from mcp_server.content.drafting.keys import (
    announced_abilities,
    key_owner,
    key_variables,
    lack_of_key,
)
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.provider import KEY_ARGUMENTS, model_of

_QUOTED = re.compile(r"'([A-Z_]+_(?:KEY|TOKEN))'")
FOLDER = Path(providers.__file__).parent
READ = {
    file.stem.replace("_", "-"): frozenset(_QUOTED.findall(file.read_text("utf-8")))
    for file in FOLDER.glob("*.py")
}
"""By provider, the variables that pydantic-ai's module for it reads."""


@pytest.mark.parametrize("provider", sorted(name for name, read in READ.items() if read))
def test_every_variable_named_for_a_provider_is_one_that_it_reads(provider: str) -> None:
    """Somebody who is told to set it is not sent the wrong way."""
    owner = key_owner(provider)
    named = () if owner is None else key_variables(owner)
    assert set(named) <= READ[provider]


@pytest.mark.parametrize(
    "provider", sorted(name for name in READ if READ[name] and key_owner(name) is not None)
)
def test_every_provider_with_a_key_takes_it_under_a_name_that_we_use(provider: str) -> None:
    """Otherwise its model cannot be made, and nobody is told why."""
    module = ast.parse((FOLDER / f"{provider.replace('-', '_')}.py").read_text("utf-8"))
    arguments = [
        {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and node.name in {"__init__", "gateway_provider"}
    ]
    assert any(names & {*KEY_ARGUMENTS} for names in arguments)


def test_snowflake_is_given_the_key_as_the_token_that_it_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its account is named by a variable of its own."""
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "myorg-myaccount")
    choice = ModelChoice(name="snowflake:claude-sonnet-5")
    model = model_of(choice, SecretStr("pat-1"), ModelHTTPClient())
    assert model.base_url == "https://myorg-myaccount.snowflakecomputing.com/api/v2/cortex/v1/"
    client: object = getattr(model, "client", None)
    assert getattr(client, "api_key", None) == "pat-1"


def test_a_gateway_s_key_is_the_gateway_s_whatever_is_behind_it() -> None:
    """The provider behind it never sees a key."""
    assert key_owner("gateway/openai") == key_owner("gateway/groq") == "gateway"
    assert set(key_variables("gateway")) <= READ["gateway"]


@pytest.mark.parametrize(
    ("ability", "advice"),
    [
        ("key:azure", "Set AZURE_OPENAI_API_KEY where the server runs"),
        ("key:gateway", "Set PYDANTIC_AI_GATEWAY_API_KEY or PAIG_API_KEY where the server runs"),
        ("key:anthropic", "Set ANTHROPIC_API_KEY where the server runs"),
        ("printer", "Provide it"),
    ],
)
def test_who_lacks_a_key_is_told_the_variable_that_is_read(ability: str, advice: str) -> None:
    """What is no key is told of by its name."""
    lack = lack_of_key(ability)
    assert lack.advice == advice
    assert ability.removeprefix("key:") in lack.what


def test_a_key_that_an_older_round_may_need_is_announced() -> None:
    """If its variable is set to something."""
    assert announced_abilities({"OPENAI_API_KEY": "sk", "ANTHROPIC_API_KEY": ""}) == {"key:openai"}


def test_what_a_client_left_literal_is_announced_as_no_key() -> None:
    """R25: this worker hands over to one that has the key, instead of pausing the batch."""
    assert announced_abilities({"ANTHROPIC_API_KEY": "${ANTHROPIC_API_KEY}"}) == frozenset()
