"""Batches and jobs as the store would return them, with only what a test is about spelled out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Origin, Step

ORIGIN = Origin(owner="local", interface="test")

BATCH = Batch(
    id="batch_1",
    kind="generate",
    state=BatchState.PROCESSING,
    reason=None,
    origin=ORIGIN,
    terms={},
    round=1,
    total=21,
    completed=0,
    skipped=0,
    failed=0,
    cancelled=0,
    created_at=1_000.0,
    started_at=1_000.0,
    ended_at=None,
    change=1,
)

JOB = Job(
    id="job_1",
    kind="content-generate",
    payload={},
    state=JobState.PROCESSING,
    subject="menu/hero",
    priority=0,
    batch_id="batch_1",
    round=1,
    counted=True,
    origin=ORIGIN,
    attempts=0,
    crashes=0,
    max_retries=3,
    created_at=1_000.0,
    due_at=1_000.0,
    started_at=1_000.0,
)

MakeBatch = Callable[..., Batch]
MakeJob = Callable[..., Job]


@pytest.fixture
def a_batch() -> MakeBatch:
    """Make a batch of 21 that is being worked on; keywords say what is different."""

    def make(**different: Any) -> Batch:
        return replace(BATCH, **different)

    return make


@pytest.fixture
def a_job() -> MakeJob:
    """Make a running job; `done` is the fraction it last reported, keywords what is different."""

    def make(done: float | None = None, **different: Any) -> Job:
        step = None if done is None else Step(current=done, total=1.0)
        return JOB._replace(**({"step": step} | different))

    return make
