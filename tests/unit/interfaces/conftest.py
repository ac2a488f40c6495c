"""Batches and jobs as the store would hand them out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Origin
from tests.specimens import BATCH, JOB

ORIGIN = Origin(owner="local", interface="mcp-stdio")


@pytest.fixture
def batch() -> Batch:
    """Forty sections to draft, of which seven are over."""
    return replace(
        BATCH, id="batch_01k0000000000000000000000", origin=ORIGIN, total=40, completed=7
    )


@pytest.fixture
def ended(batch: Batch) -> Batch:
    """The same, all drafted."""
    return replace(batch, state=BatchState.COMPLETED, completed=40, ended_at=1_100.0)


@pytest.fixture
def job(batch: Batch) -> Job:
    """One of its jobs, that failed."""
    return JOB._replace(
        id="job_01k0000000000000000000000",
        payload={"entity_id": "menu/hero"},
        state=JobState.FAILED,
        batch_id=batch.id,
        origin=ORIGIN,
        attempts=4,
        started_at=None,
        code="timeout",
        reason="the model did not answer in time",
    )
