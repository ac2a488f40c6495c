"""The door: reads a text from its start to its end, and says what is at each place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mcp_server.content.checks.mentions.amounts import amount, part, vague_amount
from mcp_server.content.checks.mentions.clock import clock, hour_of_day
from mcp_server.content.checks.mentions.counts import counted
from mcp_server.content.checks.mentions.dates import day_of_month, holiday, month, numeric_date
from mcp_server.content.checks.mentions.mention import Kind, Mention, Quantity
from mcp_server.content.checks.mentions.number import Number, number_in_words, scaled
from mcp_server.content.checks.mentions.numerals import DIGITS, values_of_digits
from mcp_server.content.checks.mentions.ordinals import compound_ordinal, ordinal
from mcp_server.content.checks.mentions.phones import phone_at
from mcp_server.content.checks.mentions.prices import is_amount, price
from mcp_server.content.checks.mentions.ranges import with_ranges
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.mentions.spoken_times import minutes_past, spoken_time
from mcp_server.content.checks.mentions.weekdays import weekday
from mcp_server.content.checks.words import LANGUAGES, words

_ANCHOR = re.compile(r"[+(]{0,2}\d|[¼½¾]|[^\W\d_]+(?:-[^\W\d_]+)*")
"""Where something may begin: a figure, or a word."""
_ABOUT = frozenset(
    words(
        "about around nearly almost over some roughly approximately circa ca than rund etwa"
        " ungefähr knapp knappe knappen fast gut gute guten reichlich über"
        " bald beinahe environ près presque quelque plus moins"
    )
)
_ONE_COIN = re.compile(rf"(?:un|ein|one)(?={GAP}(?:euro|pound|dollar|franken|franc)\b)")
"""`ein Euro`: elsewhere the word is an article."""


def scan(text: str, languages: Sequence[str] = LANGUAGES) -> tuple[Mention, ...]:
    """Return what `text` (as `figures_of` gives it) says in figures, in order.

    Number words are read in `languages`; figures, months and weekdays in all.
    """
    reading = Reading(text, tuple(languages))
    return tuple(with_ranges(text, list(_mentions(reading))))


def _mentions(reading: Reading) -> Iterator[Mention]:
    done = 0
    for anchor in _ANCHOR.finditer(reading.lower):
        if anchor.start() < done:
            continue
        found = _at(reading, anchor.start(), anchor[0])
        if found is not None:
            done = found.end
            yield found
        if not anchor[0][-1].isdecimal():
            reading.word, reading.word_end = anchor[0], anchor.end()


def _at(reading: Reading, start: int, anchor: str) -> Mention | None:
    if anchor[-1].isdecimal():
        return _at_figure(reading, start, anchor)
    if anchor in "¼½¾":
        return _at_number(reading, start, Number(values_of_digits(anchor), start + 1, True))
    return _at_word(reading, start, anchor)


def _at_figure(reading: Reading, start: int, anchor: str) -> Mention | None:
    lower = reading.lower
    if phone := phone_at(lower, start, after_word=reading.preceding(start)):
        end, digits = phone
        start += lower[start] == "(" and ")" not in lower[start:end]
        return Mention("phone number", start, end, (Quantity("phone", digits),))
    start += len(anchor) - 1
    if not is_amount(reading, start) and (
        found := numeric_date(reading, start) or clock(reading, start)
    ):
        return found
    written = DIGITS.match(lower, start)
    assert written is not None, "an anchor begins with a digit"
    values = values_of_digits(written[0], reading.languages)
    if not values:  # a version, or a date that is none
        return Mention("number", start, written.end(), (Quantity("code", written[0]),))
    digits = re.sub(r"\D", "", written[0])
    return _at_number(reading, start, Number(values, written.end(), True, digits))


def _at_number(reading: Reading, start: int, number: Number) -> Mention | None:
    if found := day_of_month(reading, start, number) or hour_of_day(reading, start, number):
        return found
    before = reading.preceding(start)
    number = scaled(reading, number)
    if found := price(reading, start, number):
        return replace(found, about=before in _ABOUT)
    quantities, end = counted(reading, number)
    if before == "années" and number.in_digits:
        quantities += tuple(Quantity("decade", v, v) for v in number.values)
    kind: Kind = "number"
    if any(q.dimension.startswith("money") for q in quantities):
        kind = "price"
    elif number.in_digits and number.is_year and end == number.end:
        kind = "date"
    return Mention(kind, start, end, quantities, before in _ABOUT)


def _at_word(reading: Reading, start: int, word: str) -> Mention | None:
    """Return what a word begins. Those that begin with a number are tried before the number."""
    for read in (month, weekday, compound_ordinal, part):
        if (found := read(reading, start, word)) is not None:
            return found
    if (number := number_in_words(reading, start, word)) is not None:
        return minutes_past(reading, start, number) or _at_number(reading, start, number)
    if coin := _ONE_COIN.match(reading.lower, start):
        return _at_number(reading, start, Number(frozenset({1.0}), coin.end(), in_digits=False))
    for read in (spoken_time, amount, ordinal, vague_amount, holiday):
        if (found := read(reading, start, word)) is not None:
            return found
    return None
