"""Makes an answer of a server that is nearly OpenAI's one that a library for OpenAI's can read.

The libraries check an answer strictly, or not at all, and drop the whole of it for one odd value
that nobody needs. Pure. What was done about whom: docs/models.md.
"""

from __future__ import annotations

import json
from array import array
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, cast

from mcp_server.content.drafting.near_json import whole_strings
from mcp_server.content.drafting.server_errors import error_within, status_of

_ENDS = {
    **dict.fromkeys(
        (
            "max_length",
            "max_output_tokens",
            "max_tokens",
            "model_context_window_exceeded",
            "model_length",
        ),
        "length",
    ),
    **dict.fromkeys(
        (
            "content_filtered",
            "guardrail_intervened",
            "prohibited_content",
            "recitation",
            "safety",
            "sensitive",
        ),
        "content_filter",
    ),
}
"""Other servers' words for an answer that is a part only, or none; they come in capitals, too."""

_COUNTS = ("prompt_tokens", "completion_tokens")


def mended(status: int, body: bytes) -> tuple[int, bytes] | None:
    """Return an answer's status and body as OpenAI would have sent them; `None` if it is no JSON.

    An error within a 200 gets the status that it would have had of its own.
    """
    answer = _parsed(body)
    if isinstance(answer, list):  # Gemini puts its errors into a list
        answer = next(iter(cast("list[object]", answer)), None)
    if not isinstance(answer, dict):
        return None
    found = cast("dict[str, Any]", answer)
    if status in range(200, 300):
        if (error := error_within(found)) is not None:
            status, found = status_of(error), {"error": error}
        elif isinstance(found.get("choices"), list):
            found = _completion(found)
        elif _has_vectors(found.get("data")):
            found = _vectors(found)
    return status, json.dumps(whole_strings(found)).encode()


def _parsed(body: bytes) -> object:
    try:
        text = body.decode("utf-8-sig", "surrogatepass")
    except UnicodeDecodeError:
        text = body.decode("utf-8-sig", "ignore")  # half a letter, where an answer was cut
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _completion(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of Chat Completions with what its library insists on."""
    return {
        **answer,
        "id": _text(answer.get("id")),
        "object": "chat.completion",
        "created": _whole(answer.get("created")),
        "model": _text(answer.get("model")),
        "usage": _usage(answer.get("usage")),
        "choices": [
            _choice(cast("dict[str, Any]", choice)) if isinstance(choice, dict) else choice
            for choice in answer["choices"]
        ],
    }


def _has_vectors(data: object) -> bool:
    rows = cast("list[object]", data) if isinstance(data, list) else []
    return any(isinstance(row, dict) and "embedding" in row for row in rows)


def _vectors(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with embeddings with what its library insists on.

    The numbers are packed, as OpenAI's own are: a library would take a long look at each.
    """
    rows = [cast("dict[str, Any]", each) for each in answer["data"] if isinstance(each, dict)]
    if sorted(map(_place, rows)) == [*range(len(answer["data"]))]:
        rows.sort(key=_place)
    return {
        **answer,
        "object": "list",
        "model": _text(answer.get("model")),
        "usage": _usage(answer.get("usage")),
        "data": [
            {"object": "embedding", "index": at, "embedding": _packed(row.get("embedding"))}
            for at, row in enumerate(rows)
        ],
    }


def _place(row: Mapping[str, Any]) -> int:
    """Return where a vector belongs, -1 where it does not say so: then all are in their order."""
    place = row.get("index")
    return place if isinstance(place, int) and not isinstance(place, bool) else -1


def _packed(numbers: object) -> object:
    if not isinstance(numbers, list):
        return numbers
    try:
        return b64encode(array("f", cast("list[float]", numbers)).tobytes()).decode()
    except (TypeError, OverflowError):  # who asked for them says what is wrong
        return cast("object", numbers)


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    reason = choice.get("finish_reason")
    named = _ENDS.get(reason.lower(), reason) if isinstance(reason, str) and reason else None
    logged = choice.get("logprobs")
    return {
        **choice,
        "index": 0,
        "finish_reason": named,
        "logprobs": logged if isinstance(logged, dict) else None,
        "message": _message(choice),
    }


def _message(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return a choice's message; one that was meant for a stream is called `delta`."""
    message = choice.get("message") or choice.get("delta")
    if not isinstance(message, dict):
        message = {"content": choice.get("text")}
    found = cast("dict[str, Any]", message)
    given = found.get("tool_calls") or _old_call(found.get("function_call"))
    calls = cast("list[object]", given) if isinstance(given, list) else []
    refusal = found.get("refusal")
    kept = {name: value for name, value in found.items() if name not in _UNUSED}
    return {
        **kept,
        "role": "assistant",
        "content": _content(found.get("content")),
        "refusal": refusal if isinstance(refusal, str) else None,
        "tool_calls": [_call(call, at) for at, call in enumerate(calls)] or None,
    }


_UNUSED = frozenset({"annotations", "audio", "function_call"})


def _content(content: object) -> object:
    match content:
        case None | str():
            return content
        case list():
            return "".join(map(_text_of, cast("list[object]", content)))
        case dict():
            return json.dumps(content)
        case _:
            return None


def _text_of(part: object) -> str:
    match part:
        case str():
            return part
        case {"text": str() as text}:
            return text
        case _:
            return ""


def _old_call(call: object) -> list[object] | None:
    return [{"function": call}] if isinstance(call, dict) else None


def _call(call: object, at: int) -> object:
    """Return a tool call with an id and a type, and with its arguments in a string."""
    if not isinstance(call, dict) or "custom" in call:
        return cast("object", call)
    found = cast("dict[str, Any]", call)
    function = found["function"] if isinstance(found.get("function"), dict) else found
    given = function.get("arguments")
    arguments = given if isinstance(given, str) else json.dumps({} if given is None else given)
    return {
        **found,
        "id": _text(found.get("id")) or f"call_{at}",
        "type": "function",
        "function": {"name": _text(function.get("name")), "arguments": arguments},
    }


def _usage(usage: object) -> dict[str, Any] | None:
    if not isinstance(usage, dict):
        return None
    found = cast("dict[str, Any]", usage)
    odd = {
        name: None
        for name, value in found.items()
        if name.endswith("_details") and not isinstance(value, dict)
    }
    counts = {name: _whole(found.get(name)) for name in _COUNTS}
    return {**found, **odd, **counts, "total_tokens": sum(counts.values())}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
