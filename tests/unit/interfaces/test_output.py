"""What `pressroom job` prints: whatever is stored can be shown."""

from __future__ import annotations

import math

import pytest

from mcp_server.interfaces.cli.output import job_lines
from mcp_server.jobs.job import Job, JobState


def due(job: Job, at: float) -> str:
    """Return what is printed of when a job is due."""
    waiting = job._replace(state=JobState.SCHEDULED, due_at=at)
    [line] = [line for line in job_lines(waiting) if line.startswith("  due")]
    return line


def test_a_time_is_shown_as_a_date(job: Job) -> None:
    """In UTC, to the second."""
    assert due(job, 1_767_312_245.9) == "  due       2026-01-02 00:04:05 UTC"


@pytest.mark.parametrize("at", [1.7e12, 1e18, -1e18, 2**62, math.inf, -math.inf])
def test_a_time_that_is_no_date_is_shown_as_the_number_it_is(job: Job, at: float) -> None:
    """It was stored before such times were refused."""
    assert due(job, at) == f"  due       {at:g} s after 1970"
