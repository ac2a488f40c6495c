"""What a model server's error means, where its status alone does not say. Pure.

Servers that are nearly OpenAI's say the same things with different statuses: Gemini answers a bad
key with 400, OpenRouter a model without tools with 404, a gateway an empty account with 200. So
each error is looked up by its words in one table. They are only compared, and never shown: a
server may write what it likes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

ANY_ERROR = range(400, 600)
OF_THE_REQUEST = range(400, 500)


class Meaning(Enum):
    """What an error is about, as far as that decides what happens to the batch."""

    KEY = auto()
    """The key is wrong, for every section alike."""
    ACCOUNT = auto()
    """There is no money or quota left, and waiting a minute does not help."""
    MODEL = auto()
    """The server has no such model, or has not loaded it."""
    TOOLS = auto()
    """This model, or its server as it was started, cannot fill in fields."""
    ADDRESS = auto()
    """The server is there, but this is not where it is asked."""
    PLACE = auto()
    """The provider does not serve the country that the request comes from."""
    PROXY = auto()
    """A proxy on the way wants to know who asks."""
    LENGTH = auto()
    """This section's material is too long for the model."""
    FILTER = auto()
    """A filter stopped the request for what is in it."""
    LATER = auto()
    """The server is busy, or loads the model."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An error means this if it has one of the statuses and holds one of the words."""

    meaning: Meaning
    statuses: range
    words: tuple[str, ...]
    """In lower case; `""` is in every error."""


RULES = (
    Rule(Meaning.PROXY, range(407, 408), ("",)),
    Rule(
        Meaning.LENGTH,
        ANY_ERROR,  # llama.cpp and gateways send it with 500, too
        (
            "context length",  # OpenAI, vLLM, OpenRouter, LM Studio
            "context_length",
            "context window",
            "context size",  # llama.cpp, LM Studio
            "context_size",
            "input token count",  # Gemini
            "prompt is too long",  # Anthropic
            "reduce the length of the messages",  # Groq
            "request too large",  # a limit per minute that is smaller than the request
        ),
    ),
    Rule(
        Meaning.KEY,
        OF_THE_REQUEST,
        (
            "api_key_invalid",  # Gemini: 400
            "api key not valid",
            "api key expired",
            "incorrect api key",  # xAI: 400
            "invalid api key",
            "invalid_api_key",
            "api key is invalid",  # DeepSeek: "Your api key: … is invalid" comes as 401
            "invalid x-api-key",
            "missing api key",
            "no api key",
            "you didn't provide an api key",
        ),
    ),
    Rule(
        Meaning.ACCOUNT,
        OF_THE_REQUEST,
        (
            "insufficient_quota",  # OpenAI: 429
            "insufficient quota",
            "insufficient_user_quota",  # one-api and its kin: 403
            "insufficient balance",  # DeepSeek: 402; Z.ai: 429
            "balance is insufficient",  # SiliconFlow: 403
            "insufficient credits",  # OpenRouter
            "more credits",
            "not enough credits",
            "have any credits",  # xAI: 403
            "credit balance is too low",  # Anthropic: 400
            "credit_balance_exhausted",
            "exceeded_current_quota_error",  # Moonshot: 429
            "billing_hard_limit_reached",  # OpenAI: 400
            "billing_not_active",  # OpenAI: 429
            "account is not active",
            "enable billing",  # Gemini: 400
            "arrearage",  # Alibaba: 400
            "perday",  # Gemini: 429, a quota of the day, beside those of the minute
            "limit: 0,",  # Gemini: 429, a model that the free tier has not
            "余额不足",
            "额度不足",
        ),
    ),
    Rule(
        Meaning.TOOLS,
        OF_THE_REQUEST,
        (
            "support tool",  # Ollama: 400 "does not support tools"; OpenRouter: 404
            "support function calling",
            "support the provided 'tool_choice'",  # OpenRouter: 404
            "support this tool_choice",  # DeepSeek: 400
            "enable-auto-tool-choice",  # vLLM: 400
            "tool calling is not supported",
            "tools are not supported",
            "tools is not supported",
        ),
    ),
    Rule(
        Meaning.ADDRESS,
        OF_THE_REQUEST,
        ("unexpected endpoint",),  # LM Studio, with 200
    ),
    Rule(
        Meaning.PLACE,
        OF_THE_REQUEST,
        (
            "user location is not supported",  # Gemini: 400
            "unsupported_country",  # OpenAI: 403
            "not available in your country",
            "not available in your region",
        ),
    ),
    Rule(
        Meaning.LATER,
        OF_THE_REQUEST,
        (
            "overloaded",
            "model unloaded",  # LM Studio: 400, when another program loads its own
            "model is unloaded",
            "model has crashed",
            "model is loading",
            "loading model",
            "rate limit",
            "rate_limit",
        ),
    ),
    Rule(
        Meaning.MODEL,
        ANY_ERROR,  # one-api and its kin: 503 where no channel has the model
        (
            "model_not_found",
            "model not exist",  # DeepSeek: 400
            "model not found",
            "is not a valid model",  # OpenRouter: 400
            "unknown model",
            "no models loaded",  # LM Studio
            "multiple models are loaded",
            "failed to load model",
            "try pulling it first",  # Ollama: 404
            "no available channel for model",
            "no endpoints found",  # OpenRouter: 404
        ),
    ),
    Rule(
        Meaning.FILTER,
        OF_THE_REQUEST,
        (
            "content_filter",  # Azure: 400
            "content_policy_violation",
            "content management policy",
            "content exists risk",  # DeepSeek: 400
            "data_inspection_failed",  # Alibaba: 400
            "datainspectionfailed",
            "flagged_input",  # OpenRouter: 403
            "input was flagged",
            "prohibited_content",
        ),
    ),
    Rule(Meaning.MODEL, range(404, 405), ("model",)),
    Rule(Meaning.ADDRESS, range(404, 406), ("",)),
)
"""The first that applies counts: what is said clearly stands before what is only likely."""

_STATUSES = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "resource_exhausted": 429,
    "too_many_requests": 429,
    "overloaded": 503,
    "overloaded_error": 503,
    "server_is_overloaded": 503,
    "service_unavailable": 503,
    "unavailable": 503,
    "unauthenticated": 401,
}
"""The status that an error has by its code, type or status in words, where no number is given."""

UNTOLD = 500
"""The status of an error that comes within a 200 and of which nothing is known."""

SECONDS_LENGTH_MAX = 20
"""Characters of a wait such as `25.46s`."""


def meaning_of(status: int, error: object) -> Meaning | None:
    """Return what an error with this status and body means, `None` where the status says it."""
    said = json.dumps(error, ensure_ascii=False, default=str).lower().replace("%20", " ")
    for rule in RULES:
        if status in rule.statuses and any(word in said for word in rule.words):
            return rule.meaning
    return None


def error_within(answer: Mapping[str, Any]) -> object | None:
    """Return the error that an answer with status 200 is in truth, `None` if it is none.

    An error beside text that was written is one, too, where its own choice says so: the text is
    a part, and the rest never came.
    """
    if (error := _error_of_choice(answer)) is not None:
        return error
    if any(answer.get(name) for name in ("choices", "output", "content")):
        return None
    if answer.get("object") == "error":
        return answer
    return answer.get("error") or None


def status_of(error: object) -> int:
    """Return the status that an error within a 200 would have had of its own."""
    facts: Mapping[str, object] = next(_mappings(error), dict[str, object]())
    named = [facts.get(name) for name in ("code", "status", "type")]
    for name in named:
        if isinstance(name, int | str) and str(name).isdecimal() and int(name) in ANY_ERROR:
            return int(name)
    for name in named:
        if isinstance(name, str) and name.lower() in _STATUSES:
            return _STATUSES[name.lower()]
    return UNTOLD if meaning_of(400, error) is None else 400


def wait_within(error: object) -> float | None:
    """Return the seconds that Gemini asks to wait in an error's details, `None` if it does not."""
    for details in _mappings(error):
        text = details.get("retryDelay")
        if isinstance(text, str) and len(text) <= SECONDS_LENGTH_MAX and text.endswith("s"):
            number = text.removesuffix("s")
            if number.replace(".", "", 1).isdecimal():
                return float(number)
    return None


def _error_of_choice(answer: Mapping[str, Any]) -> object | None:
    match answer:
        case {"choices": [{"error": {**error}}, *_]} if error:
            return cast("object", error)
        case {"choices": [{"finish_reason": str() as reason}, *_]} if reason.lower() in _BROKEN_OFF:
            return {"code": 503, "message": "it was broken off"}
        case _:
            return None


_BROKEN_OFF = frozenset({"error", "network_error", "insufficient_system_resource", "abort"})
"""Ends for which the server is to blame: OpenRouter's, Z.ai's, DeepSeek's, vLLM's."""


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    """Yield all objects in a JSON value; its depth is bounded."""
    match value:
        case Mapping():
            found = cast("Mapping[str, object]", value)
            yield found
            for inner in found.values():
                yield from _mappings(inner)
        case list():
            for inner in cast("list[object]", value):
                yield from _mappings(inner)
        case _:
            pass
