"""Words that the site does not want, where its glossary has another for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

WORDS_MAX = 500
"""Words that are looked for; a glossary is read by people, and has fewer."""


def avoided_words(prose: str, glossary: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield the words in a text that are to be avoided, each with the one to say instead."""
    instead = {word.lower(): term for term, avoid in glossary.items() for word in avoid if word}
    listed = sorted(instead, key=len, reverse=True)[:WORDS_MAX]
    if not listed:
        return
    any_of_them = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)", re.IGNORECASE)
    for found in any_of_them.finditer(prose):
        yield found[0], instead.get(found[0].lower(), "")
