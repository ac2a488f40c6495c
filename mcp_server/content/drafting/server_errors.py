"""What a model server's error means where its status does not say, or comes as a 200. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from mcp_server.content.drafting.error_rules import ANY_ERROR, RULES, Meaning

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

_OUR_WORDS = frozenset({"body", "ctx", "input", "messages", "prompt"})
"""Where an error sends back our request, as FastAPI's do: the site may speak of limits."""

SECONDS_LENGTH_MAX = 20
"""Characters of a wait such as `25.46s`."""


def meaning_of(status: int, error: object) -> Meaning | None:
    """Return what an error with this status and body means, `None` where the status says it."""
    theirs = _without_our_words(error)
    said = json.dumps(theirs, ensure_ascii=False, default=str).lower().replace("%20", " ")
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


def _without_our_words(value: object) -> object:
    """Return an error without what it sends back of the request; its depth is bounded."""
    match value:
        case Mapping():
            found = cast("Mapping[str, object]", value)
            kept = {name: inner for name, inner in found.items() if name not in _OUR_WORDS}
            return {name: _without_our_words(inner) for name, inner in kept.items()}
        case list():
            return [_without_our_words(inner) for inner in cast("list[object]", value)]
        case _:
            return value


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
