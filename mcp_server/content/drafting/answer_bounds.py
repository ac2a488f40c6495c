"""Bounds on a model's answer that no honest answer comes near, and the checks for them.

A model server may be anybody's, and whatever it sends is read by parsers that we did not write. So
an answer is counted while it arrives (`content.drafting.http`) and checked before it is parsed, and
one that is out of bounds is read no further.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

ANSWER_BYTES_MAX = 2**20
"""Bytes of an answer, unpacked. A section takes a few kilobytes, but the model's reasoning may come
with it, and OpenAI repeats the question. Half of this holds 128,000 tokens, the longest
that most models write."""

TEXT_BYTES_MAX = 400_000
"""Bytes of one string: 100,000 letters of any script, as many as a template may ask for. Libraries
may take time that grows with the square of its length (14 s for 2 MB of `<think></think>`), and
block the event loop meanwhile."""

ERROR_BYTES_MAX = 64 * 2**10
"""Bytes of an error's body: we use only the error code in it, beside the HTTP status."""

HEAD_BYTES_MAX = 64 * 2**10
"""Bytes of everything before the body: the headers, and the interim answers (1xx) that precede
them. Servers and proxies commonly stop at 8 to 32 kB."""

PIECES_MAX = 20_000
"""Chunks of a body. Each costs time whatever its size, and a megabyte may come as a million."""

DEPTH_MAX = 64
"""Levels of objects and lists. Parsers give up, each in its own way, at 200 to 1,000."""

PARTS_MAX = 100_000
"""Strings, numbers, brackets and commas. Each costs time, and far more memory than its bytes. A
list of 1,000 items, as many as a template may ask for, of 20 fields each has 63,000."""

DIGITS_MAX = 100
"""Digits of one number. Python refuses to read very long ones, with a `ValueError` that few
expect."""

CALLS_MAX = 20
"""Tool calls in one answer. One is expected; each is checked, and complained about if need be."""

TOKENS_MAX = 2**31 - 1
"""The largest count of tokens that is believed. A section takes thousands."""

_PARTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{},]|[0-9]++', re.DOTALL)
"""The parts of a JSON text that are counted; a string is one part, whatever is in it. Possessive
quantifiers (`*+`, `++`) never backtrack, so that the time grows only with the length."""

_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
"""The change of depth at a bracket."""

_BLANK = b"\xef\xbb\xbf \t\r\n"
"""What may stand before a JSON text: a byte order mark, and white space."""


class AnswerOutOfBounds(Exception):
    """A model server's answer is out of bounds; `what` says how, in words for people.

    Do not ask again: the next answer would be like it, and each may cost money.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


def check_json(body: bytes) -> None:
    """Check a body that a parser would take for JSON; any other passes after its first byte.

    Raises:
        AnswerOutOfBounds: it is nested too deep, of too many parts, or holds too long a number.
    """
    if b"\0" in body:  # Python reads JSON in UTF-16 too, where the parts below look different
        raise AnswerOutOfBounds("it is no text in UTF-8")
    if body.lstrip(_BLANK)[:1] not in (b"{", b"["):
        return
    depth = 0
    for count, part in enumerate(_PARTS.finditer(body), start=1):
        if count > PARTS_MAX:
            raise _too_many()
        first, length = body[part.start()], part.end() - part.start()
        depth += _STEPS.get(first, 0)
        if depth > DEPTH_MAX:
            raise _too_deep()
        if length > TEXT_BYTES_MAX:
            raise AnswerOutOfBounds(f"it holds a text of more than {TEXT_BYTES_MAX // 1000} kB")
        if length > DIGITS_MAX and first != ord('"'):
            raise AnswerOutOfBounds(f"it holds a number of more than {DIGITS_MAX} digits")


def check_calls(arguments: Sequence[str | Mapping[str, Any] | None]) -> None:
    """Check the arguments of a model's tool calls. Some servers send them as a string of JSON.

    Raises:
        AnswerOutOfBounds: there are too many calls, or one is nested too deep or of too many parts.
    """
    if len(arguments) > CALLS_MAX:
        raise AnswerOutOfBounds(f"it was handed in more than {CALLS_MAX} times at once")
    for given in arguments:
        if isinstance(given, str):
            # JSON can escape half of a surrogate pair, which UTF-8 proper cannot hold.
            check_json(given.encode(errors="surrogatepass"))
        elif given is not None:
            _check_fields(given)


def counted(tokens: object) -> int | None:
    """Return a server's count of tokens if it is credible: it is stored, and becomes a price."""
    return tokens if isinstance(tokens, int) and 0 <= tokens <= TOKENS_MAX else None


def _check_fields(fields: Mapping[str, Any]) -> None:
    # Level by level: recursion would let a deeply nested answer overflow the stack.
    level: list[object] = [fields]
    count = 0
    for _ in range(DEPTH_MAX):
        level = [value for parent in level for value in _values(parent)]
        count += len(level)
        if count > PARTS_MAX:
            raise _too_many()
        if not level:
            return
    raise _too_deep()


def _values(parent: object) -> list[object]:
    match parent:
        case Mapping():
            return list(cast("Mapping[str, object]", parent).values())
        case list():
            return cast("list[object]", parent)
        case _:
            return []


def _too_many() -> AnswerOutOfBounds:
    return AnswerOutOfBounds(f"it consists of more than {PARTS_MAX:,} parts")


def _too_deep() -> AnswerOutOfBounds:
    return AnswerOutOfBounds(f"it is nested more than {DEPTH_MAX} levels deep")
