"""How much a model's answer may be: bounds that no honest answer comes near, and what checks them.

A model server may be anybody's, and whatever it sends is read by parsers that we did not write. So
an answer is counted while it arrives (`content.model_http`) and looked at before it is parsed, and
one that is out of bounds is not read any further.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

ANSWER_BYTES_MAX = 2**20
"""Unpacked. A section takes a few kilobytes, but a model may think aloud beside it, and OpenAI
repeats what it was told: half of this has room for 128,000 tokens, most models' longest."""

TEXT_BYTES_MAX = 400_000
"""Of one string in it: 100,000 letters of any script, as many as a template may ask for. What a
library does with one may take the square of its length (with nothing but `<think></think>` in it,
14 s for 2 MB), and all else in this process waits for that."""

ERROR_BYTES_MAX = 64 * 2**10
"""Of an answer that is an error: only its code is of use, and the status says the rest."""

HEAD_BYTES_MAX = 64 * 2**10
"""Of everything before the body: the headers and the "wait a moment" answers (1xx) that precede
them. Servers and proxies commonly stop at 8 to 32 kB."""

PIECES_MAX = 20_000
"""Chunks of a body. Each costs time whatever its size, and a megabyte may be a million of them."""

DEPTH_MAX = 64
"""Levels of objects and lists. Parsers give up, each in its own way, at 200 to 1,000."""

PARTS_MAX = 100_000
"""Strings, numbers, brackets and commas. Each costs time, and far more memory than its bytes. A
list of 1,000 items, as many as a template may ask for, of 20 fields each has 63,000."""

DIGITS_MAX = 100
"""Of one number. Python refuses to read the longest, with an error that few expect."""

CALLS_MAX = 20
"""Of the one tool there is, in one answer. Each is checked, and one that does not fit is argued."""

TOKENS_MAX = 2**31 - 1
"""Of one count of tokens. A section takes thousands."""

_PARTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{},]|[0-9]++', re.DOTALL)
"""What of a JSON text is looked at. A string is one part, whatever stands in it. Nothing is tried
twice (`+` after a quantifier), so that no text takes longer than its length."""

_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
"""How much deeper it is after a part."""

_BLANK = b"\xef\xbb\xbf \t\r\n"
"""What may stand before a JSON text: a byte order mark, and white space."""


class AnswerOutOfBounds(Exception):
    """A model server answered with something that nobody could use; `what` says what, to people.

    It is the server's doing and will be the same the next time, while each time may cost money:
    whoever catches this does not ask again.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


def check_json(body: bytes) -> None:
    """Look through a body that a parser would take for JSON; it leaves any other at its first byte.

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
    """Look through what a model calls tools with: some servers send it as a text that is JSON.

    Raises:
        AnswerOutOfBounds: there are too many calls, or one is nested too deep or of too many parts.
    """
    if len(arguments) > CALLS_MAX:
        raise AnswerOutOfBounds(f"it was handed in more than {CALLS_MAX} times at once")
    for given in arguments:
        if isinstance(given, str):
            check_json(given.encode(errors="surrogatepass"))
        elif given is not None:
            _check_fields(given)


def counted(tokens: object) -> int | None:
    """Return a count that a server gave if it can be one: it is stored, and becomes a price."""
    return tokens if isinstance(tokens, int) and 0 <= tokens <= TOKENS_MAX else None


def _check_fields(fields: Mapping[str, Any]) -> None:
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
