"""The environment variables that hold providers' keys. No other module knows their names.

A key has an owner: the provider before the model's name, or another whose key that provider uses.
"""

from __future__ import annotations

from collections.abc import Mapping

from mcp_server.config import left_literal
from mcp_server.jobs.records import Lack, lack_of

_KEYLESS = frozenset(
    {
        "bedrock",
        "bedrock-mantle",
        "google-cloud",
        "ollama",
        "openai-chatgpt",
        "openai-codex",
        "test",
        "vllm",
    }
)
"""Providers that need no key, or whose credentials are not a key that we could look for."""

# Providers that use another one's key.
_OWNERS = {
    "azure-responses": "azure",
    "google-decisions": "google",
    "openai-chat": "openai",
    "openai-decisions": "openai",
    "openai-responses": "openai",
}

_VARIABLES = {
    "alibaba": ("ALIBABA_API_KEY", "DASHSCOPE_API_KEY"),
    "azure": ("AZURE_OPENAI_API_KEY",),
    "cohere": ("CO_API_KEY",),
    "gateway": ("PYDANTIC_AI_GATEWAY_API_KEY", "PAIG_API_KEY"),
    "github-copilot": (
        "GITHUB_COPILOT_API_KEY",
        "GITHUB_COPILOT_API_TOKEN",
        "COPILOT_GITHUB_TOKEN",
    ),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "heroku": ("HEROKU_INFERENCE_KEY",),
    "huggingface": ("HF_TOKEN",),
    "snowflake": ("SNOWFLAKE_TOKEN",),
    "vercel": ("VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
    "voyageai": ("VOYAGE_API_KEY",),
}
"""By owner, as pydantic-ai reads them, where it is not the owner's name and `_API_KEY`."""

_ALWAYS_ANNOUNCED = ("anthropic", "openai")
"""Owners of keys worth announcing whatever model is configured: an older round may need them."""

_ABILITY = "key:"


def key_owner(provider: str) -> str | None:
    """Return whose key `provider` asks with, `None` if it wants no key."""
    if provider in _KEYLESS:
        return None
    return "gateway" if provider.startswith("gateway/") else _OWNERS.get(provider, provider)


def key_variables(owner: str) -> tuple[str, ...]:
    """Return the variables that may hold the owner's key; the first one that does counts."""
    return _VARIABLES.get(owner, (owner.upper().replace("-", "_") + "_API_KEY",))


def key_ability(owner: str) -> str:
    """Return the ability of a worker that holds the owner's key, such as `key:anthropic`."""
    return _ABILITY + owner


def announced_abilities(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the abilities for keys that are set here, whatever model is configured."""
    return frozenset(
        key_ability(owner)
        for owner in _ALWAYS_ANNOUNCED
        if any(_holds_key(environ.get(variable, "")) for variable in key_variables(owner))
    )


def _holds_key(value: str) -> bool:
    """Whether a variable holds a key, and not the `${…}` that a client failed to fill in."""
    return bool(value.strip()) and left_literal(value) is None


def lack_of_key(ability: str) -> Lack:
    """Return what to say of an ability that no worker has: which key, and where it is put."""
    owner = ability.removeprefix(_ABILITY)
    if owner == ability:
        return lack_of(ability)
    variables = " or ".join(key_variables(owner))
    return Lack(f"the key for {owner}", f"Set {variables} where the server runs")
