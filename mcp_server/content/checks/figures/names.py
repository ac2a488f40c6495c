"""Figures that are part of a name: `Gate 12`, `7 Harbour Road`, `J18`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from mcp_server.content.checks.mentions.mention import Mention

_STREET = re.compile(r"str(?:aße|asse|\.)")
_WORD_BEFORE = re.compile(r"[^\W\d_]{3,40}\.?[ \u00a0]$")
_LETTERS_BEFORE = re.compile(r"(?<![\w.])([A-Z]{1,3})[ \u00a0]$")
"""`D 104` is the road that a source calls `D104`."""
_NUMBERED = re.compile(
    r"\b(?:number|no\.?|nr\.?|nummer|numéro|n°|junction|exit|gate|platform|bus|tram|line|linie|gleis"
    r"|ausfahrt|haltestelle|sortie|quai|ligne|porte)[ \u00a0]$",
    re.IGNORECASE,
)
"""After these a figure is a name: `junction 18`."""
_WORD_AFTER = re.compile(r"[ \u00a0][^\W\d_]{3,40}")


def is_in_name(text: str, mention: Mention, sources: Collection[str]) -> bool:
    """Whether a source has a figure beside the same word: `Gate 12`, `7 Harbour Road`."""
    before = _WORD_BEFORE.search(text, max(0, mention.start - 40), mention.start)
    after = _WORD_AFTER.match(text, mention.end)
    figure = text[mention.start : mention.end]
    if code := _LETTERS_BEFORE.search(text, max(0, mention.start - 5), mention.start):
        letters = code[1].lower()
        names = (f"{letters}{figure}", f"{letters} {figure}")
        if any(_is_word_of(each, name) for each in sources for name in names):
            return True
    if figure.isdigit() and _NUMBERED.search(text, max(0, mention.start - 16), mention.start):
        return any(_has_figure(each, figure) for each in sources)
    around = [before[0] + figure] if before else []
    around += [figure + after[0]] if after else []
    places = [named(each) for each in around]
    return any(place in each for place in places for each in sources)


def named(text: str) -> str:
    """Return a text in which names with figures are looked up, in one spelling."""
    return " ".join(_STREET.sub("str", text.lower()).split())


def _has_figure(text: str, figure: str) -> bool:
    """Whether a figure stands in a text, alone or in a name: `J18`."""
    place = text.find(figure)
    around = text[place - 1 : place] + text[place + len(figure) : place + len(figure) + 1]
    return place >= 0 and not any(letter.isdigit() for letter in around)


def _is_word_of(text: str, name: str) -> bool:
    """Whether a name stands in a text, and is no part of a longer one."""
    place = text.find(name)
    around = text[place - 1 : place] + text[place + len(name) : place + len(name) + 1]
    return place >= 0 and not any(letter.isalnum() for letter in around)
