"""What a line on the pipe holds: messages for the protocol's library, and refusals of the rest.

The library drops what it cannot read, so that its sender would wait for an answer for ever, and it
takes a request whose id is no id for a notification. Here, whatever is no message has an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any, cast

from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

LINE_BYTES_MAX = 4 * 1024 * 1024
"""As much as the library takes of a request over HTTP if nobody sets it. Up to there a call that is
too large is refused by its tool, in words."""
NESTING_MAX = 100
"""Calls of ours need five. What is nested a thousand deep can be read, but not written again."""
DIGITS_MAX = 1_000
"""Python refuses to read a number of more than 4,300 digits. No number here needs twenty."""
BATCHED_MAX = 100
"""Messages in one JSON-RPC batch, as all are worked on at once."""
HALF = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL
)
"""An escape in JSON: a pair of surrogates, a lone surrogate (`half`), or any other. Pairs are tried
first, and an escaped backslash is an escape, so that neither is mistaken for a half."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is no message: why, and whose request it was if that can be told."""

    id: RequestId | None
    code: int
    why: str

    def error(self) -> JSONRPCError:
        """Return the answer to it."""
        return JSONRPCError(
            jsonrpc="2.0", id=self.id, error=ErrorData(code=self.code, message=self.why)
        )


Found = JSONRPCMessage | Refusal


@dataclass(frozen=True, slots=True)
class Batched:
    """A JSON-RPC batch: what its members are."""

    members: list[Found]


def read_line(line: bytes) -> Found | Batched | None:
    """Return what a line holds; `None` if that needs no answer and means nothing."""
    if len(line) > LINE_BYTES_MAX:
        return Refusal(None, INVALID_REQUEST, f"A message has at most {LINE_BYTES_MAX:,} bytes.")
    text = line.decode(errors="replace").removeprefix("\ufeff").strip()
    if not text:
        return None
    try:
        value, problem = _parsed(text)
    except (ValueError, RecursionError):
        return Refusal(None, PARSE_ERROR, "This line is no JSON. A message is one line of JSON.")
    if problem is None and not _is_utf8(line):
        problem = "A message has to be UTF-8."
    if not isinstance(value, list):
        return _message(value, problem)
    return _batched(cast("list[object]", value), problem)


def _parsed(text: str) -> tuple[object, str | None]:
    """Return a line's value, and why it cannot be used though its sender can be told.

    Raises:
        ValueError, RecursionError: it is no JSON, or cannot be read.
    """
    long: list[str] = []

    def whole(digits: str) -> int | float:
        if len(digits) <= DIGITS_MAX:
            return int(digits)
        long.append(digits)
        return inf

    # Half an emoji (hosts cut texts at any place) could neither be stored nor sent back.
    mended = HALF.sub(lambda found: r"\ufffd" if found["half"] else found[0], text)
    value: object = json.loads(mended, parse_int=whole)
    if long:
        return value, f"A number has at most {DIGITS_MAX:,} digits."
    if text.count("[") + text.count("{") > NESTING_MAX and _is_too_deep(value):
        return value, f"A message is nested at most {NESTING_MAX} deep."
    return value, None


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(NESTING_MAX):
        level = [inner for outer in level for inner in _within(outer)]
    return bool(level)


def _within(value: object) -> Iterator[object]:
    match value:
        case dict():
            yield from cast("dict[str, object]", value).values()
        case list():
            yield from cast("list[object]", value)
        case _:
            pass


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _batched(values: list[object], problem: str | None) -> Found | Batched:
    if not values:
        return Refusal(None, INVALID_REQUEST, "A batch holds at least one message.")
    if len(values) > BATCHED_MAX:
        return Refusal(None, INVALID_REQUEST, f"A batch holds at most {BATCHED_MAX} messages.")
    found = (_message(value, problem) for value in values)
    return Batched([each for each in found if each is not None])


def _message(value: object, problem: str | None) -> Found | None:
    """Return one message. An answer that cannot be read is `None`: it has no answer itself."""
    if not isinstance(value, dict):
        return Refusal(None, INVALID_REQUEST, problem or "A message is a JSON object.")
    members = cast("dict[str, Any]", value)
    if "method" not in members and not members.keys().isdisjoint({"result", "error"}):
        return _answer(members)
    why = problem or _fault(members)
    if why is not None:
        return Refusal(_usable_id(members), INVALID_REQUEST, why)
    method, params = members["method"], members.get("params")
    if "id" not in members:
        return JSONRPCNotification(jsonrpc="2.0", method=method, params=params)
    return JSONRPCRequest(jsonrpc="2.0", id=members["id"], method=method, params=params)


def _fault(members: dict[str, Any]) -> str | None:
    """Return what keeps this from being a request or a notification."""
    if "id" in members and _usable_id(members) is None:
        return "An id is a text or a whole number."
    if members.get("jsonrpc") != "2.0":
        return 'Each message says "jsonrpc": "2.0".'
    if not isinstance(members.get("method"), str):
        return "A request has a method, which is a text."
    if not isinstance(members.get("params"), dict | None):
        return "The params of a request are an object."
    return None


def _usable_id(members: dict[str, Any]) -> RequestId | None:
    id = members.get("id")
    return id if isinstance(id, str | int) and not isinstance(id, bool) else None


def _answer(members: dict[str, Any]) -> JSONRPCMessage | None:
    try:
        return jsonrpc_message_adapter.validate_python(members, by_name=False)
    except ValidationError:
        return None
