"""A batch and a job as the store would return them; who asks says what is different."""

from __future__ import annotations

from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Origin

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
"""Twenty-one sections that are being drafted, and none is yet."""

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
"""One of them, that runs."""
