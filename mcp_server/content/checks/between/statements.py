"""What a section says of a thing in figures: a value, and the words that say of what. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcp_server.content.checks.between.pieces import HEADING, pieces
from mcp_server.content.checks.between.reader import PieceReader
from mcp_server.content.checks.between.statement import Statement
from mcp_server.content.checks.between.subjects import heading_stems
from mcp_server.content.checks.mentions.mention import Mention
from mcp_server.content.checks.mentions.phones import plain_phone
from mcp_server.content.checks.mentions.scan import scan
from mcp_server.content.checks.prepare import figures_of, prose_of
from mcp_server.content.checks.words import LANGUAGES

TEXT_MAX = 50_000
"""Characters of a section that are read; the longest page of prose has a tenth of it."""
_STATEMENTS_MAX = 200
"""Statements of a section that are compared: a price list of a thousand rows is a catalogue."""


@dataclass(frozen=True, slots=True)
class Read:
    """A section as it was read."""

    statements: tuple[Statement, ...]
    heading: frozenset[str]
    """What its first heading says, as far as it tells it from others."""
    values: Mapping[str, frozenset[object]]
    """All that it says in figures, by kind: who has both values knows that there are two."""


def read(text: str, language: str = "") -> Read:
    """Return what a section says in figures, and of what."""
    text = text[:TEXT_MAX]
    prose = prose_of(text)
    languages = (language,) if language in LANGUAGES else LANGUAGES
    mentions = scan(figures_of(prose), languages)
    parts = [*pieces(prose)]
    starts = [part.start for part in parts]
    by_piece: dict[int, list[Mention]] = {}
    for mention in mentions:
        at = bisect_right(starts, mention.start) - 1
        if at >= 0 and mention.start < parts[at].end:
            by_piece.setdefault(at, []).append(mention)
    found = [
        each
        for at, inside in by_piece.items()
        for each in PieceReader(prose, parts[at], inside).statements()
    ]
    first = next((h for line in prose.split("\n") if (h := HEADING.match(line))), None)
    return Read(
        tuple(found[:_STATEMENTS_MAX]),
        heading_stems(first[1]) if first else frozenset(),
        _values_of(mentions),
    )


def _values_of(mentions: Sequence[Mention]) -> Mapping[str, frozenset[object]]:
    values: dict[str, set[object]] = {}
    for mention in mentions:
        for q in mention.quantities:
            value = (
                plain_phone(q.value)
                if q.dimension == "phone" and isinstance(q.value, str)
                else q.value
            )
            values.setdefault(q.dimension.partition(":")[0], set()).add(value)
    return {name: frozenset(each) for name, each in values.items()}
