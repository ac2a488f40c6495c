"""Telephone numbers, and whether two of them are the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from mcp_server.content.checks.words import words

_PHONE = re.compile(r"\+?\(?\d[\d()/.\-–\u00a0\u2009\u202f ]{4,24}\d")
_DATE = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}\.\d{2} ?[–-]"
    r"|[0-3]?\d\.[01]?\d\.?(?!\d)(?: ?[–-] ?[0-3]?\d\.[01]?\d\.?(?!\d))?$"
    r"|[0-3]?\d/[01]?\d ?[–-] ?[0-3]?\d/[01]?\d(?!\d)"
)
_FRENCH = re.compile(r"0\d(?:[ .\-\u00a0\u2009\u202f]\d\d){4}")
_AREA = re.compile(r"\(\+?\d{2,6}\)")
_GROUPED = re.compile(r"\d{1,3}(?:[.\u00a0\u2009\u202f ]\d{3})+(?![\d ])")
_YEARS = re.compile(r"\d{4} ?[–/-] ?\d{2,4}(?!\d)")
_CALLED = frozenset(
    words(
        "tel telefon telephone phone call ring fax mobil mobile handy nummer number téléphone"
        " tél appelez portable"
        " whatsapp unter telefonisch hotline rufnummer ruf fon au"
    )
)
DIGITS_MIN = 6
"""Digits of a telephone number; shorter ones are numbers like others."""
_RUN = re.compile(r"\+?\(?\d[\d ()/.–\-\u00a0\u2009\u202f]{5,40}")
_GROUP = re.compile(r"\d+")
_COUNTRY = re.compile(r"(?:\+|00)\d{1,3}[ ()0.\-/\u00a0\u202f]{0,5}$")
_GOES_ON = re.compile(r"[ .\-\u00a0\u2009\u202f]?\d")
_GROUPS_MAX, _DIGITS_MAX = 12, 15


def phone_at(text: str, start: int, *, after_word: str) -> tuple[int, str] | None:
    """Return where a telephone number at a place ends, and its digits; `None` if none is there."""
    if text[start] == "(" and _AREA.match(text, start) is None:
        start += 1  # the number stands in brackets
    found = _PHONE.match(text, start)
    if found is None:
        return None
    shown = found[0].rstrip(" ./-–(")
    digits = re.sub(r"\D", "", shown.replace("(0)", ""))
    if _FRENCH.fullmatch(shown):
        return start + len(shown), digits
    if not DIGITS_MIN <= len(digits) <= _DIGITS_MAX or _is_other(shown):
        return None
    begins = shown[0] in "+(" or shown.startswith("0")
    called = after_word in _CALLED
    if not called and (not begins or _GROUPED.fullmatch(shown)):
        groups = re.findall(r"\d+", shown)
        if not (len(groups) >= 3 and shown.count("-") >= 2 and len(digits) >= 9):
            return None
    if not called and "(" in shown and ")" not in shown:
        return None
    return start + len(shown), digits


def _is_other(shown: str) -> bool:
    """Whether it is a date, or a remark in brackets."""
    is_date = _DATE.match(shown) or _YEARS.fullmatch(shown)
    return is_date is not None or (shown[0] == "(" and _AREA.match(shown) is None)


def is_same_phone(one: str, other: str) -> bool:
    """Whether the digits of two numbers are one number: with and without the country's code."""
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    return len(short) >= DIGITS_MIN and long.endswith(short)


def runs_of(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield places and digits of all groups of digits side by side that may be one number.

    What stands beside a number, such as `24h` after it, is not part of each of them.
    """
    for run in _RUN.finditer(text):
        groups = [*_GROUP.finditer(run[0].replace("(0)", "   "))][:_GROUPS_MAX]
        for first, one in enumerate(groups):
            for last in range(len(groups), first, -1):
                digits = "".join(each[0] for each in groups[first:last])
                if DIGITS_MIN <= len(digits) <= _DIGITS_MAX:
                    yield run.start() + one.start(), run.start() + groups[last - 1].end(), digits


def without_phones(text: str, said: Collection[str]) -> str:
    """Return `text` with spaces for the telephone numbers that are among the `said`."""
    done, kept = 0, list[str]()
    for start, end, digits in runs_of(text) if said else ():
        goes_on = _GOES_ON.match(text, end)
        if start >= done and goes_on is None and plain_phone(digits) in said:
            country = _COUNTRY.search(text, max(done, start - 10), start)
            first = country.start() if country else start
            kept += [text[done:first], " " * (end - first)]
            done = end
    return "".join([*kept, text[done:]])


def plain_phone(digits: str) -> str:
    """Return a number as it is looked up: with or without the zero of its area."""
    return digits.lstrip("0")
