"""The two tables: complete, and with a way to every state and out of every one but the ends."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from mcp_server.jobs.job import (
    BATCH_TRANSITIONS,
    ENDED_BATCH_STATES,
    ENDED_JOB_STATES,
    JOB_TRANSITIONS,
    BatchState,
    JobState,
    Step,
)

TABLES = pytest.mark.parametrize(
    ("table", "states", "ends", "starts"),
    [
        (JOB_TRANSITIONS, JobState, ENDED_JOB_STATES, {"pending", "scheduled"}),
        (BATCH_TRANSITIONS, BatchState, ENDED_BATCH_STATES, {"pending"}),
    ],
    ids=["job", "batch"],
)
Table = Mapping[Any, frozenset[Any]]


def reachable(table: Table, starts: set[Any]) -> set[Any]:
    """Return every state that there is a way to."""
    seen = set(starts)
    while more := {to for state in seen for to in table[state]} - seen:
        seen |= more
    return seen


@TABLES
def test_every_state_is_in_the_table_and_can_be_reached(
    table: Table, states: type[StrEnum], ends: frozenset[Any], starts: set[Any]
) -> None:
    """From what a new one is."""
    assert set(table) == set(states)
    assert reachable(table, starts) == set(states)


@TABLES
def test_from_every_state_there_is_a_way_to_an_end(
    table: Table, states: type[StrEnum], ends: frozenset[Any], starts: set[Any]
) -> None:
    """Nothing is stuck for ever."""
    for state in states:
        assert reachable(table, {state}) & ends


@TABLES
def test_no_state_goes_to_itself(
    table: Table, states: type[StrEnum], ends: frozenset[Any], starts: set[Any]
) -> None:
    """That would be no change."""
    assert all(state not in table[state] for state in states)


def test_a_completed_job_stays_completed() -> None:
    """`retry` takes up the others."""
    assert not JOB_TRANSITIONS[JobState.COMPLETED]


def test_only_a_pending_job_is_claimed() -> None:
    """A scheduled one must become due first, a paused one be resumed."""
    to = JobState.PROCESSING
    assert [state for state in JobState if to in JOB_TRANSITIONS[state]] == [JobState.PENDING]


@pytest.mark.parametrize(
    ("current", "total", "fraction"),
    [(1, 4, 0.25), (0, 0, 0.0), (5, 4, 1.0), (-1, 4, 0.0), (1, -4, 0.0)],
)
def test_a_step_is_a_fraction_between_nothing_and_all(
    current: float, total: float, fraction: float
) -> None:
    """Whatever the handler says."""
    assert Step(current=current, total=total).fraction == fraction
