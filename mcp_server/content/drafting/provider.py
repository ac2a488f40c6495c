"""Makes the model that a choice names, with an HTTP client that bounds its answers.

Some of pydantic-ai's providers cannot be given our client. Cohere, Groq and GitHub Models want the
older httpx; Bedrock, Hugging Face and xAI bring their own transport. Their answers are bounded in
time, and so are the arguments of the tool calls in them (`answer_bounds.check_calls`), but not the
bytes that arrive.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr
from pydantic_ai import exceptions as trouble
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider, gateway, infer_provider_class
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from mcp_server.content.drafting.errors import ModelKeyRefused, ModelUnknown
from mcp_server.content.drafting.http import ModelHTTPClient
from mcp_server.content.drafting.model import ModelChoice, key_hint

M = TypeVar("M")

OWN_TRANSPORT = frozenset({"bedrock", "cohere", "converse", "github", "groq", "huggingface", "xai"})
"""Providers that our client cannot be given to, in pydantic-ai 2.68."""

NEWER_LIMIT = ("openai.com", "azure.com")
"""Hosts that call the limit of an answer `max_completion_tokens`. Others know `max_tokens`: some of
them do not heed the newer name, and what was reserved for the answer would not be true."""

KEY_ARGUMENTS = ("api_key", "token")
"""What providers call their key: `token` is Snowflake's word, `api_key` everybody else's."""


def model_of(choice: ModelChoice, key: SecretStr | None, http: ModelHTTPClient) -> Model:
    """Return the model of `choice`, which asks with `key` through `http`; nothing is sent yet.

    Raises:
        ModelKeyRefused: there is no key, or it holds characters that no key has.
        ModelUnknown: there is no such provider here, or its address is none.
    """
    return made_for(choice, key, lambda: (_by_url if choice.url else _by_name)(choice, key, http))


def made_for(choice: ModelChoice, key: SecretStr | None, make: Callable[[], M]) -> M:
    """Return what is made for a choice, if there is a key for it that could be sent.

    Raises:
        ModelKeyRefused, ModelUnknown: as `model_of`.
    """
    if key is not None and not _could_be_sent(key):
        hint = "it holds characters that no key has"
        raise ModelKeyRefused(choice.name, status=None, hint=f"{hint}; {key_hint(choice)}")
    if key is None and choice.ability is not None:
        raise ModelKeyRefused(choice.name, status=None, hint=key_hint(choice))
    try:
        return make()
    except httpx2.InvalidURL:
        advice = f"Its address is none: correct {address_setting(choice)}."
    except (trouble.UserError, ValueError):
        advice = "No such provider, or its settings are incomplete: check the model's name."
    except ImportError:
        advice = f"Install it: pip install 'pydantic-ai-slim[{choice.provider}]'."
    # Raised outside of the `except` blocks: inside, the caught error would become the context of
    # this one, and that may quote the address.
    raise ModelUnknown(choice.name, advice=advice)


def address_setting(choice: ModelChoice) -> str:
    """Return, in words, the setting that a person corrects if the server's address is wrong."""
    return "model_url" if choice.url else "the address that its provider's settings give"


def _by_url(choice: ModelChoice, key: SecretStr | None, http: ModelHTTPClient) -> Model:
    provider = provider_at(choice.url or "", key, http)
    newer = (urlsplit(choice.url or "").hostname or "").endswith(NEWER_LIMIT)
    profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=newer)
    return OpenAIChatModel(choice.model, provider=provider, profile=profile)


def provider_at(url: str, key: SecretStr | None, http: ModelHTTPClient) -> Provider[Any]:
    """Return the server at an address, which speaks like OpenAI's."""
    return OpenAICompatibleProvider(
        "openai-compatible",
        base_url=url,
        api_key=key.get_secret_value() if key else None,
        http_client=http,
    )


def _by_name(choice: ModelChoice, key: SecretStr | None, http: ModelHTTPClient) -> Model:
    return infer_model(choice.name, lambda name: _untraced(provider_named(name, key, http)))


def provider_named(name: str, key: SecretStr | None, http: ModelHTTPClient) -> Provider[Any]:
    """Return the provider before a model's name."""
    upstream = name.removeprefix("gateway/")
    if upstream != name:
        make = partial(cast("Any", gateway).gateway_provider, upstream)
    else:
        make = cast("Callable[..., Provider[Any]]", infer_provider_class(name))
    takes = inspect.signature(make).parameters
    secret = None if key is None else key.get_secret_value()
    options: dict[str, Any] = {name: secret for name in KEY_ARGUMENTS if secret and name in takes}
    if "http_client" in takes and upstream not in OWN_TRANSPORT:
        options["http_client"] = http
    return make(**options)


def _untraced(provider: Provider[Any]) -> Provider[Any]:
    """Return the provider with its SDK's tracing off: the spans hold the server's ids and headers.

    Only Anthropic's SDK makes any.
    """
    client = provider.client
    if provider.name != "anthropic" or not hasattr(client, "open_telemetry"):
        return provider
    from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415 -- it is loaded

    return AnthropicProvider(anthropic_client=client.with_options(open_telemetry=False))


def _could_be_sent(key: SecretStr) -> bool:
    return re.fullmatch(r"[\x21-\x7e]+", key.get_secret_value()) is not None
