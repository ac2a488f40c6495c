"""Moments as people write and read them, in UTC. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not `%b`, which speaks the language of the machine."""
_AGO = re.compile(r"(\d{1,4}) ?([hdw])")
_AGO_S = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SECONDS = re.compile(r":\d\d:\d\d")


def end_of(text: str, *, now: float) -> float:
    """Return the end of the day, minute or second that `text` names; without a zone, of UTC.

    The end: what went live in the minute that an answer names is found by that minute.

    Raises:
        InvalidPayload: it is no such moment, or has not begun.
    """
    try:
        begin, length = _parsed(text.strip())
        end = begin + length
        if begin.timestamp() <= now:
            return max(0.0, end.timestamp())
    except (ValueError, OverflowError):
        why = "is no day or time"
    else:
        why = "has not come yet"
    raise InvalidPayload("asOf", [f"{in_quotes(text)} {why}; {_examples(now)}"])


def begin_of(text: str, *, now: float) -> float:
    """Return the beginning of the day or time that `text` names, or when `7d` or `12h` ago was.

    Raises:
        InvalidPayload: it is no such moment.
    """
    if ago := _AGO.fullmatch(text.strip().lower()):
        return now - int(ago[1]) * _AGO_S[ago[2]]
    try:
        return max(0.0, _parsed(text.strip())[0].timestamp())
    except (ValueError, OverflowError):
        why = f"{in_quotes(text)} is no day or time; {_examples(now)}, or 7d or 12h ago"
        raise InvalidPayload("since", [why]) from None


def said(at: float) -> str:
    """Return a moment for a sentence: `24 Nov 2026, 09:11 UTC`."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} UTC"


def stamp(at: float) -> str:
    """Return a moment as data: `2026-11-24T09:11:05Z`, which `end_of` understands."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parsed(text: str) -> tuple[datetime, timedelta]:
    with suppress(ValueError):  # it is more than a day
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC), timedelta(days=1)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment, timedelta(seconds=1 if _SECONDS.search(text) else 60)


def _examples(now: float) -> str:
    yesterday = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    return (
        f"write a day such as {yesterday:%Y-%m-%d}, or a time such as {yesterday:%Y-%m-%dT%H:%M} "
        "(UTC) or with its zone"
    )
