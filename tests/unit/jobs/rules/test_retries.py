"""What `retry` takes up: pure."""

from __future__ import annotations

import pytest

from mcp_server.jobs.job import BatchState
from mcp_server.jobs.rules import retries
from mcp_server.jobs.rules.retries import Way


@pytest.mark.parametrize(
    ("state", "way"),
    [
        (BatchState.PENDING, Way.NOTHING),
        (BatchState.PROCESSING, Way.NOTHING),
        (BatchState.PAUSED, Way.RESUME),
        (BatchState.COMPLETED, Way.NEXT_ROUND),
        (BatchState.FAILED, Way.NEXT_ROUND),
        (BatchState.CANCELLED, Way.NEXT_ROUND),
    ],
)
def test_what_is_paused_goes_on_and_what_has_ended_gets_a_round(
    state: BatchState, way: Way
) -> None:
    """What is at work is left at it."""
    assert retries.way(state) is way


@pytest.mark.parametrize(
    ("counted", "code", "taken_up"),
    [
        (True, "crashed", True),
        (True, "conflict", False),
        (True, None, True),
        (False, "crashed", True),
        (False, "conflict", True),
    ],
)
def test_failures_are_left_out_that_another_try_would_only_repeat(
    counted: bool, code: str | None, taken_up: bool
) -> None:
    """By their code, and only where the batch counts them."""
    found = retries.takes_up(counted=counted, code=code, leave_out=["conflict"])
    assert found is taken_up
    assert retries.takes_up(counted=counted, code=code, leave_out=[])
