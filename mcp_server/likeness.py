"""The names there are that look most like one that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LIKENESS = 0.6
"""How alike, from 0 to 1, two names must be that somebody may have confused."""

COMPARED_LENGTH_MAX = 200
"""Of a name that somebody gave, so much is compared: it takes time by length."""


def nearest(
    name: str, known: Iterable[str], *, likeness: float = LIKENESS, most: int = 1
) -> tuple[str, ...]:
    """Return the (up to `most`) names of `known` that are most like `name`, whatever their case."""
    written = {each.lower(): each for each in known}
    asked = name.lower()[:COMPARED_LENGTH_MAX]
    near = difflib.get_close_matches(asked, list(written), n=most, cutoff=likeness)
    return tuple(written[each] for each in near)


def did_you_mean(name: str, known: Iterable[str], *, likeness: float = LIKENESS) -> str:
    """Return the end of a sentence, `; did you mean menu?`, empty where nothing is alike."""
    near = nearest(name, known, likeness=likeness)
    return f"; did you mean {near[0]}?" if near else ""
