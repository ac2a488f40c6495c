"""Batches and jobs as the store would hand them out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Origin

ORIGIN = Origin(owner="local", interface="mcp-stdio")


@pytest.fixture
def batch() -> Batch:
    """Forty sections to draft, of which seven are over."""
    return Batch(
        id="batch_01k0000000000000000000000",
        kind="generate",
        state=BatchState.PROCESSING,
        reason=None,
        origin=ORIGIN,
        terms={},
        round=1,
        total=40,
        completed=7,
        skipped=0,
        failed=0,
        cancelled=0,
        created_at=1_000.0,
        started_at=1_000.0,
        ended_at=None,
        change=1,
        order=1,
    )


@pytest.fixture
def ended(batch: Batch) -> Batch:
    """The same, all drafted."""
    return replace(batch, state=BatchState.COMPLETED, completed=40, ended_at=1_100.0)


@pytest.fixture
def job(batch: Batch) -> Job:
    """One of its jobs, that failed."""
    return Job(
        id="job_01k0000000000000000000000",
        kind="content-generate",
        payload={"entity_id": "menu/hero"},
        state=JobState.FAILED,
        subject="menu/hero",
        priority=0,
        batch_id=batch.id,
        round=1,
        counted=True,
        origin=ORIGIN,
        attempts=4,
        crashes=0,
        max_retries=3,
        created_at=1_000.0,
        due_at=1_000.0,
        code="timeout",
        reason="the model did not answer in time",
    )
