"""Prices: `€12`, `EUR 12`, `12,-`, `drei Euro fünfzig`. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.number import Number, next_in_words
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.mentions.units import DASH_PRICE, unit_at
from mcp_server.content.checks.mentions.weekdays import is_friday
from mcp_server.content.checks.words import CURRENCY_CODES, CURRENCY_SIGNS, UNITS

_AMOUNT = re.compile(
    rf"\d{{1,3}}\.\d{{2}}{GAP}?(?:[€$£%]|(?:eur|euros?|chf|franken|francs?|pounds?|dollars?|usd|gbp"
    r"|km|kg|m|ha|l|meter|metres?|meters?|litres?|liter)\b)"
)
_SMALL_MONEY = re.compile(rf"{GAP}?(\d{{2}})(?![\d.,:]\d|\d|{GAP}?[^\W\d_]|{GAP}?[€%])")
_IN_WORDS = frozenset({"money:EUR", "money:USD", "money:GBP", "money:CHF"})
"""Money of which the small one is said in words as well."""


def is_amount(reading: Reading, start: int) -> bool:
    """Whether `9.50` at a place is so much money, or a measure, and no time."""
    before = reading.lower[max(0, start - 2) : start].rstrip()
    return before[-1:] in CURRENCY_SIGNS or _AMOUNT.match(reading.lower, start) is not None


def price(reading: Reading, start: int, number: Number) -> Mention | None:
    """Return the price of which the currency stands before the number, or is left out."""
    before = reading.lower[max(0, start - 2) : start]
    sign = before.rstrip("\u00a0\u202f ")
    currency = CURRENCY_SIGNS.get(sign[-1:]) or _code_before(reading, start)
    end = number.end
    if dash := DASH_PRICE.match(reading.lower, end):
        end = dash.end()
        known = UNITS.get((dash[1] or "").strip())
        currency = currency or (known[0].dimension.partition(":")[2] if known else "ANY")
    if currency is None:
        return None
    dimension = f"money:{currency}"
    unit = unit_at(reading, end)
    if unit is not None and all(each.dimension == dimension for each in unit[0]):
        end = unit[1]
    if sign[-1:] in CURRENCY_SIGNS:
        start -= len(before) - len(sign) + 1
    values = tuple(Quantity(dimension, v, v) for v in sorted(number.values))
    return Mention("price", start, end, values)


def small_money(reading: Reading, end: int, dimension: str) -> tuple[float, int]:
    """Return what follows the unit of a price: `deux euros cinquante`; and where it ends."""
    if not dimension.startswith("money"):
        return 0.0, end
    if found := _SMALL_MONEY.match(reading.lower, end):
        return int(found[1]) / 100, found.end()
    number = next_in_words(reading, end) if dimension in _IN_WORDS else None
    if number is None or number.whole is None or not 5 <= number.whole < 100:
        return 0.0, end
    return (0.0, end) if unit_at(reading, number.end) else (number.whole / 100, number.end)


def _code_before(reading: Reading, start: int) -> str | None:
    code = reading.preceding(start)
    return None if code == "fr" and is_friday(reading, start) else CURRENCY_CODES.get(code)
