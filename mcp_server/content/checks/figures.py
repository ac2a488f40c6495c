"""What a text says in figures that stands in none of its sources. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest

from mcp_server.content.checks.claims import is_claim
from mcp_server.content.checks.derived import ALWAYS, ALWAYS_SAID
from mcp_server.content.checks.known import Known, has_figure, is_word_of, known_in, named
from mcp_server.content.checks.mentions import Mention
from mcp_server.content.checks.phones import without_phones
from mcp_server.content.checks.prepare import figures_of
from mcp_server.content.checks.reasons import Read, follows
from mcp_server.content.checks.scan import scan
from mcp_server.content.checks.sources import LISTED_MAX, Sources

_BULLET = re.compile(r"^[ \t]{0,8}(?:[-*+]|\d{1,3}[.)])[ \t]")
_ROW = re.compile(r"^[ \t]{0,3}\|(?![ \t]*:?-)")
_ENUMERATION = re.compile(r"[^.!?\n:;]{3,400}")
_NEVER_SHOWN = re.compile(
    r"[ -](?:generation|générations|star|sterne|étoile|guest|gäste|client|kund|customer|visitor"
    r"|besucher"
    r"|floor|etage|étage|stock|prize|preise|prix|award|branch"
    r"|filiale|location|standort|room|zimmer|chambre|seat|plätze|places|sitz|bed|bett|couvert"
    r"|table|tisch"
    r"|time|mal|fois|kind|child|enfant)",
    re.IGNORECASE,
)
"""Things that no list of a text or of the facts is likely to be of."""
_TWO = frozenset({"two", "zwei", "deux"})
_BESIDE = 8
"""Characters between a weekday and its date: `Monday, the 14th of …`."""
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
_AND = re.compile(r"(?:,)? (?:and|und|et|sowie|&) ", re.IGNORECASE)


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
        if (count := _small_count(prose, mention)) is not None:
            if shown is None:
                texts = (whole, *sources.said)
                shown = frozenset(count for text in texts for count in _shown_counts(text))
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
    if _is_in_name(prose, mention, known) or _is_manner_of_speaking(prose, mention):
        return True
    if not is_claim(prose, mention):
        return True
    return following is not None and _is_day_of(mention, following, known)


def _is_manner_of_speaking(text: str, mention: Mention) -> bool:
    """Whether it is two of something, in a word: bicycles have two wheels in any source.

    Nor is a small number a claim where it counts nothing: `all four`.
    """
    word = text[mention.start : mention.end].lower()
    if word.isalpha() and all(
        q.dimension == "bare" and q.figure <= LISTED_MAX for q in mention.quantities
    ):
        return True
    return word in _TWO and mention.kind != "time" and _NEVER_SHOWN.match(text, mention.end) is None


def _is_day_of(mention: Mention, following: Mention, known: Sequence[Known]) -> bool:
    """Whether a weekday is the right one for the date after it, which a source has."""
    days = [q.value for q in mention.quantities if q.dimension == "weekday"]
    return following.start - mention.end <= _BESIDE and any(
        each.falls_on(following, day) for day in days if isinstance(day, float) for each in known
    )


def _is_in_name(text: str, mention: Mention, known: Sequence[Known]) -> bool:
    """Whether a source has a figure beside the same word: `Gate 12`, `7 Harbour Road`."""
    before = _WORD_BEFORE.search(text, max(0, mention.start - 40), mention.start)
    after = _WORD_AFTER.match(text, mention.end)
    figure = text[mention.start : mention.end]
    if code := _LETTERS_BEFORE.search(text, max(0, mention.start - 5), mention.start):
        letters = code[1].lower()
        names = (f"{letters}{figure}", f"{letters} {figure}")
        if any(is_word_of(each.words, name) for each in known for name in names):
            return True
    if figure.isdecimal() and _NUMBERED.search(text, max(0, mention.start - 16), mention.start):
        return any(has_figure(each.words, figure) for each in known)
    around = [before[0] + figure] if before else []
    around += [figure + after[0]] if after else []
    places = [named(each) for each in around]
    return any(place in each.words for place in places for each in known)


def _small_count(text: str, mention: Mention) -> int | None:
    """Return the number of a few things: the text or the facts may show them one by one."""
    if _NEVER_SHOWN.match(text, mention.end):
        return None
    for q in mention.quantities:
        whole = q.figure == int(q.figure)
        if q.dimension in {"count", "ordinal"} and 1 < q.figure <= LISTED_MAX and whole:
            return int(q.figure)
    return None


@lru_cache(maxsize=64)
def _shown_counts(text: str) -> frozenset[int]:
    """Return how long the lists, tables and enumerations of a text are."""
    counts: set[int] = set()
    for pattern in (_BULLET, _ROW, re.compile(r"^#{2,6} ")):
        run = 0
        total = 0
        for line in [*text.split("\n"), "end"]:
            if pattern.match(line):
                run += 1
                total += 1
            elif line.strip() and not line.startswith(" "):
                counts |= {run, run - 1} if pattern is _ROW else {run}
                run = 0
        counts.add(total)
    for clause in _ENUMERATION.finditer(text):
        if (length := _length_of(clause[0])) > 1:
            counts.add(length)
    return frozenset(counts)


def _length_of(clause: str) -> int:
    """Return how many things a clause lists: `flour, water and salt` are three."""
    joined = [*_AND.finditer(clause)]
    if not joined:
        return 0
    commas = clause.count(",", 0, joined[-1].start())
    if commas:
        return commas + 2
    return 2 if re.search(r"[A-ZÄÖÜ]\w+ (?:and|und|et|&) [A-ZÄÖÜ]", clause) else 0
