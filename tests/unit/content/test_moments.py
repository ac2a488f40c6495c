"""Moments as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_server.content.actions.moments import begin_of, end_of, said, stamp
from mcp_server.errors import InvalidPayload

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026-11-24", "2026-11-25T00:00:00Z"),
        (" 2026-11-30 ", "2026-12-01T00:00:00Z"),
        ("2026-11-24T09:11", "2026-11-24T09:12:00Z"),
        ("2026-11-24 09:11", "2026-11-24T09:12:00Z"),
        ("2026-11-24T09:11:05Z", "2026-11-24T09:11:06Z"),
        ("2026-11-24T09:11+01:00", "2026-11-24T08:12:00Z"),
        ("0001-01-01T00:00+14:00", "1970-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_meant_to_its_end(text: str, end: str) -> None:
    """A day with its evening, a minute with its seconds; without a zone, of UTC."""
    assert stamp(end_of(text, now=NOW)) == end


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "24.11.2026", "9999-12-31", "", "12"])
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    """And what has not come yet."""
    with pytest.raises(InvalidPayload, match="2026-11-29, or a time such as 2026-11-29T12:00"):
        end_of(text, now=NOW)


def test_a_moment_is_said_with_its_zone() -> None:
    """In every language of the machine alike."""
    assert said(NOW) == "30 Nov 2026, 12:00 UTC"


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("2026-11-24", "2026-11-24T00:00:00Z"),
        ("2026-11-24T09:11+01:00", "2026-11-24T08:11:00Z"),
        (" 7d ", "2026-11-23T12:00:00Z"),
        ("12 H", "2026-11-30T00:00:00Z"),
        ("1w", "2026-11-23T12:00:00Z"),
        ("0001-01-01T00:00+14:00", "1970-01-01T00:00:00Z"),
    ],
)
def test_what_came_since_a_moment_came_after_its_beginning(text: str, begin: str) -> None:
    """Or since so many hours, days or weeks ago: not every model knows today's date."""
    assert stamp(begin_of(text, now=NOW)) == begin


@pytest.mark.parametrize("text", ["", "last week", "7", "99999d", "2026-13-01"])
def test_since_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    """In the same words."""
    with pytest.raises(InvalidPayload, match="or 7d or 12h ago"):
        begin_of(text, now=NOW)
