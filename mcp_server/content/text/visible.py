"""Removes from a model's text what no person would see: nothing hidden gets into a page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, cast

from mcp_server.excerpt import BLANKS
from mcp_server.redaction import without

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_JOINERS = frozenset("\u200c\u200d")
"""Persian and Indic words and joined emoji need one, between two letters or signs."""
_ENDS = 4
"""Characters at the end of a part that the whole may show otherwise: half a letter, a joiner."""
_HALF = re.compile("[\ud800-\udfff]")
_STRAY_JOINERS = re.compile(
    "(?<=[\u200c\u200d])[\u200c\u200d]|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def visible_fields(fields: Mapping[str, Any], secrets: Collection[str] = ()) -> dict[str, Any]:
    """Return `fields` with each text in them made `visible_text`, at any depth, without secrets."""
    return {name: _visible_value(value, secrets) for name, value in fields.items()}


def visible(text: str) -> str:
    """Return `text` without invisible and control characters and without space around it.

    Line ends become newlines and tabs become spaces. A joiner stays where it joins.
    """
    return visible_part(text).replace("\t", " ").strip()


def visible_text(text: str) -> str:
    """Return the same of a whole text: where it has several lines, tabs may indent its code."""
    return visible_part(text).strip() if "\n" in text.strip() else visible(text)


def visible_part(text: str) -> str:
    """Return the same of a part of a text: the space around it, and its tabs, may matter there."""
    # Line ends first: as control characters they would be dropped below.
    text = BLANKS.sub("", _LINE_ENDS.sub("\n", whole_letters(text)))
    kept = "".join(character for character in text if _is_kept(character))
    # Joiners last: dropping what stood between them may have put two in a row.
    return _STRAY_JOINERS.sub("", kept)


def visible_start(text: str, length: int, *, one_line: bool = False) -> str:
    """Return the beginning of `visible` text, more than `length` characters if there are as many.

    With `one_line`, blanks and line ends become single spaces. It takes as long as what is
    returned, not as `text`: a list of excerpts looks at no whole text.
    """
    taken = 2 * length + _ENDS
    while True:
        shown = visible(text[:taken])
        shown = " ".join(shown.split()) if one_line else shown
        if taken >= len(text):
            return shown
        if len(shown) > length + _ENDS:
            return shown[:-_ENDS]
        taken *= 4


def whole_letters(text: str) -> str:
    """Return `text` with halves of a surrogate pair joined, and without what stays half.

    JSON can escape each half of an emoji, and whatever cuts a text may leave one alone.
    """
    if _HALF.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _is_kept(character: str) -> bool:
    if character in "\n\t" or character in _JOINERS:
        return True
    return unicodedata.category(character) not in _HIDDEN_CATEGORIES


def _visible_value(value: object, secrets: Collection[str]) -> object:
    match value:
        case str():
            return without(visible_text(value), secrets)
        case list():
            return [_visible_value(item, secrets) for item in cast("list[object]", value)]
        case Mapping():
            return visible_fields(cast("Mapping[str, Any]", value), secrets)
        case _:
            return value
