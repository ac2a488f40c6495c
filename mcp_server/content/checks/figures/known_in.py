"""Reads what a source says in figures. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from mcp_server.content.checks.figures.days import days_a_week, months_between, weekdays_in
from mcp_server.content.checks.figures.derived import derived
from mcp_server.content.checks.figures.known import Known, is_year
from mcp_server.content.checks.figures.names import named
from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.phones import plain_phone, runs_of
from mcp_server.content.checks.mentions.scan import scan
from mcp_server.content.checks.prepare import figures_of
from mcp_server.content.checks.words import MONTHS, UNITS, UNSURE_MONTHS

_DAY = 86_400.0
_SINGLE = re.compile(
    r"\b(?:an?|one|per|pro|par|la|le|l['’]|je|eine[nrm]?|each|every|chaque|jede[nrms]?"
    r"|une?)[ \u00a0]?([^\W\d_]{3,12})",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:^|[:\n;|=(€$£]|\b(?:is|are|now|be|ist|sind|jetzt|nun|est|sont|only|nur|auf|to|von|from"
    r"|of|costs?|ca\.?|circa|env\.|environ|approx\.?|roughly|nearly|ungefähr|knapp|gut|kostet|kosten"
    r"|co[uû]te|max\.?|min\.?|maximal|höchstens|mindestens|over|about|around|up|über|etwa|rund|zu"
    r"|à|de|and|und|et|or|oder"
    r"|ou|bis|under|unter|moins de|ab|dès|[–-]))[ \u00a0]*$",
    re.IGNORECASE,
)
"""What stands before a figure that says what a fact is; other figures are part of a name."""
_SHORT_MONTH = re.compile(
    rf"\b({'|'.join(sorted((m.capitalize() for m in UNSURE_MONTHS), key=len, reverse=True))})\b"
)
"""A month in a source, where nobody can be held for it."""
_PRICED = re.compile(
    r"(?:pric|prix|tarif|preis|eintritt|entrée|fee|admission|ticket|karte|carte|billet|plein|réduit"
    r"|normal|ermäßigt|adult|child|erwachsen|kind|enfant|adulte|student|étudiant|concession)"
    r"[^\n;.|]{0,24}(?<=[^\W\d_])[.:]? $",
    re.IGNORECASE,
)
_ENDS = re.compile(r" ?(?:[,;/|)\n]|$)")
"""What stands around a figure that is a price, although it has no currency."""


def _is_full_hour(q: Quantity) -> bool:
    """Whether a time is written as an hour: `7 pm`, and the figure can stand alone."""
    return q.value in {q.figure * 60, q.figure * 60 + 720}


def _dimension(name: str, value: float, text: str, mention: Mention) -> str:
    """Return what a figure of a source counts; one in a name counts nothing, an amount does."""
    if name == "count" and not value.is_integer():
        return "bare"
    is_named = (
        name == "bare"
        and value.is_integer()
        and not _is_alone(text, mention.start)
        and not text.startswith(": ", mention.end)  # the name of a fact: `pass 10: 68 €`
    )
    if is_named and _is_price(text, mention):
        return "money:ANY"
    return "in a name" if is_named else name


@lru_cache(maxsize=64)
def known_in(text: str) -> Known:
    """Return what a source says in figures. The same source is read once."""
    read = figures_of(text)
    mentions = scan(read)
    values: dict[str, set[float]] = {}
    figures: set[float] = set()
    for mention in mentions:
        for q in mention.quantities:
            if q.dimension != "time" or _is_full_hour(q):
                figures.add(q.figure)
            if isinstance(q.value, float):
                name = _dimension(q.dimension, q.value, text, mention)
                values.setdefault(name, set()).add(q.value)
    days, closed, others = weekdays_in(text, mentions)
    values["weekday"] = {float(day) for day in days}
    values.setdefault("closed", set()).update(float(day) for day in closed)
    values["days a week"] = {float(count) for count in days_a_week(text, mentions)}
    values["not open"] = {float(day) for day in others}
    if len(days) >= 4:
        values.setdefault("duration", set()).add(len(days) * _DAY)
    dates = {q.value for m in mentions for q in m.quantities if isinstance(q.value, tuple)}
    dates |= {(0, MONTHS[short.lower()], 0) for short in _SHORT_MONTH.findall(text)}
    dates |= months_between(text, mentions)
    figures |= {float(date[0]) for date in dates if date[0]}
    for name, value in (*_singles(text), *derived(text, mentions)):
        values.setdefault(name, set()).add(value)
    for year in [f for f in figures if is_year(f)]:
        figures.add(year // 10 * 10)
        values.setdefault("century", set()).add(year // 100 + 1)
    return Known(
        by_dimension={name: frozenset(each) for name, each in values.items()},
        figures=frozenset(figures),
        dates=frozenset(dates),
        phones=frozenset(
            q.value
            for m in mentions
            for q in m.quantities
            if isinstance(q.value, str) and q.dimension == "phone"
        )
        | frozenset(
            re.sub(r"\D", "", run) for run in re.findall(r"\+?\d[\d ()/.–-]{5,24}\d", text)
        ),
        runs=frozenset(plain_phone(digits) for _, _, digits in runs_of(text)),
        words=named(text),
        codes=frozenset(
            q.value for m in mentions for q in m.quantities if isinstance(q.value, str)
        ),
    )


def _is_alone(text: str, start: int) -> bool:
    return _ALONE.search(text, max(0, start - 16), start) is not None


def _is_price(text: str, mention: Mention) -> bool:
    """Whether a figure is a price in a list of them: `tickets: full 22, reduced 14`."""
    return (
        _ENDS.match(text, mention.end) is not None
        and _PRICED.search(text, max(0, mention.start - 60), mention.start) is not None
    )


def _singles(text: str) -> Iterator[tuple[str, float]]:
    """Yield one of each unit that stands without a number: `a week`, `pro Nacht`."""
    for found in _SINGLE.finditer(text):
        for unit in UNITS.get(found[1].lower(), ()):
            if unit.dimension != "duration" or unit.factor > _DAY:
                yield unit.dimension, unit.factor
