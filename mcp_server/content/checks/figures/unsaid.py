"""The door: what a text says in figures that stands in none of its sources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from mcp_server.content.checks.figures.claims import is_claim
from mcp_server.content.checks.figures.derived import ALWAYS, ALWAYS_SAID
from mcp_server.content.checks.figures.known import Known
from mcp_server.content.checks.figures.known_in import known_in
from mcp_server.content.checks.figures.names import is_in_name
from mcp_server.content.checks.figures.reasons import Read, follows
from mcp_server.content.checks.figures.shown import NEVER_SHOWN, shown_counts, small_count
from mcp_server.content.checks.mentions.mention import Mention
from mcp_server.content.checks.mentions.phones import without_phones
from mcp_server.content.checks.mentions.scan import scan
from mcp_server.content.checks.prepare import figures_of
from mcp_server.content.checks.sources import LISTED_MAX, Sources

_TWO = frozenset({"two", "zwei", "deux"})
_BESIDE = 8
"""Characters between a weekday and its date: `Monday, the 14th of …`."""


def unsaid(prose: str, whole: str, sources: Sources, languages: Sequence[str]) -> Iterator[Mention]:
    """Yield what `prose` says in figures and no source does."""
    known = [known_in(text) for text in sources.said]
    phones = frozenset[str]().union(*(each.runs for each in known))
    shown: frozenset[int] | None = None
    mentions = scan(figures_of(without_phones(prose, phones)), languages)
    said = [any(each.says(mention) for each in known) for mention in mentions]
    read = Read(prose, mentions, said, known, sources)
    for index, (mention, following) in enumerate(zip_longest(mentions, mentions[1:])):
        if said[index] or _is_said(prose, mention, following, known) or follows(read, index):
            continue
        if (count := small_count(prose, mention)) is not None:
            if shown is None:
                texts = (whole, *sources.said)
                shown = frozenset(count for text in texts for count in shown_counts(text))
            if count in sources.counts or count in shown:
                continue
        yield mention
    if not any(ALWAYS_SAID.search(text) for text in sources.said):
        for found in ALWAYS.finditer(prose):
            yield Mention("time", *found.span(), ())


def _is_said(
    prose: str, mention: Mention, following: Mention | None, known: Sequence[Known]
) -> bool:
    """Whether it is in a name that a source has, a date's own weekday, or says nothing."""
    return (
        is_in_name(prose, mention, [each.words for each in known])
        or _is_manner_of_speaking(prose, mention)
        or not is_claim(prose, mention)
        or (following is not None and _is_day_of(mention, following, known))
    )


def _is_manner_of_speaking(text: str, mention: Mention) -> bool:
    """Whether it is two of something, in a word: bicycles have two wheels in any source.

    Nor is a small number a claim where it counts nothing: `all four`.
    """
    word = text[mention.start : mention.end].lower()
    if word.isalpha() and all(
        q.dimension == "bare" and q.figure <= LISTED_MAX for q in mention.quantities
    ):
        return True
    return word in _TWO and mention.kind != "time" and NEVER_SHOWN.match(text, mention.end) is None


def _is_day_of(mention: Mention, following: Mention, known: Sequence[Known]) -> bool:
    """Whether a weekday is the right one for the date after it, which a source has."""
    return following.start - mention.end <= _BESIDE and any(
        each.falls_on(following, day) for day in mention.values_of("weekday") for each in known
    )
