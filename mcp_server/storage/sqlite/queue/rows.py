"""Rows as the values of `jobs` and `entities`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, cast

from pydantic_core import from_json

from mcp_server.errors import StorageError
from mcp_server.jobs import json_text
from mcp_server.jobs.job import Attempt, Batch, BatchState, Job, JobState, Json, Origin, Step
from mcp_server.jobs.records import Host

DAMAGED = "a row of it is damaged: put back a copy of its file"
"""What is wrong where a stored document is no JSON: nothing of ours writes such a row."""


def attempt_of(row: sqlite3.Row, batch_id: str | None, terms: Json) -> Attempt:
    """Return the attempt of a `claim_jobs` row, of a batch of which this is known.

    By position: a row is asked for a name ten times as slowly, and this is made for every job.
    """
    (
        order, id, kind, payload, subject, priority, _, round, counted, owner, interface,
        destination, attempts, crashes, max_retries, created_at, due_at, started_at, attempt_id,
        requires,
    ) = row  # fmt: skip
    job = Job._make((
        id, kind, _payload(payload), JobState.PROCESSING, subject, priority, batch_id, round,
        bool(counted), Origin(owner, interface, destination), attempts, crashes, max_retries,
        created_at, due_at, started_at, None, attempt_id, None, None, None, None, requires, order,
    ))  # fmt: skip
    return Attempt(attempt_id, job, terms)


def job_of(row: sqlite3.Row) -> Job:
    """Return the job of a `get_job` row."""
    return Job(
        id=row["job_id"],
        kind=row["kind"],
        payload=_document(row, "payload"),
        state=JobState(row["state"]),
        subject=row["subject"],
        priority=row["priority"],
        batch_id=row["batch_id"],
        round=row["round"],
        counted=bool(row["counted"]),
        origin=_origin(row),
        attempts=row["attempts"],
        crashes=row["crashes"],
        max_retries=row["max_retries"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        attempt_id=row["attempt_id"],
        code=row["code"],
        reason=row["reason"],
        result=None if row["result"] is None else _document(row, "result"),
        step=_step(row),
        requires=row["requires"],
        order=row["id"],
    )


def batch_of(
    row: sqlite3.Row,
    *,
    running: Sequence[Job] = (),
    failures: Sequence[Job] = (),
) -> Batch:
    """Return the batch of a `batches` row with the row of its round, and these of its jobs."""
    return Batch(
        id=row["batch_id"],
        kind=row["kind"],
        state=BatchState(row["state"]),
        reason=row["reason"],
        origin=_origin(row),
        terms=_document(row, "terms"),
        round=row["round"],
        total=row["total"],
        completed=row["completed"],
        skipped=row["skipped"],
        failed=row["failed"],
        cancelled=row["cancelled"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        change=row["change"],
        order=row["id"],
        details=_document(row, "details"),
        running=tuple(running),
        failures=tuple(failures),
    )


def host_of(row: sqlite3.Row) -> Host:
    """Return the process of a `hosts` row."""
    return Host(
        id=row["id"],
        role=row["role"],
        pid=row["pid"],
        version=row["version"],
        abilities=frozenset(_document(row, "abilities")),
        details=_document(row, "details"),
        seen_at=row["seen_at"],
        wanted=row["wanted"],
    )


def encoded(value: object) -> str:
    """Return `value` as JSON, as it is.

    Raises:
        ValueError: something in it is no JSON, NaN and Infinity among it.
    """
    return json_text.encoded(value)


def _origin(row: sqlite3.Row) -> Origin:
    return Origin(owner=row["owner"], interface=row["interface"], destination=row["destination"])


def _payload(text: str) -> Json:
    """Return a payload; one that somebody damaged as the text it is, which no kind takes.

    Its job fails, and says so. An error would come again with every claim, and stop the queue.
    """
    try:
        return from_json(text)
    except ValueError:
        return cast("Json", text)


def _document(row: sqlite3.Row, column: str) -> Any:
    """Return what was stored as JSON.

    Raises:
        StorageError: somebody else has written what is none.
    """
    try:
        return json.loads(row[column])
    except ValueError as error:
        raise StorageError(DAMAGED, shown=DAMAGED) from error


def _step(row: sqlite3.Row) -> Step | None:
    if row["step_total"] is None:
        return None
    return Step(
        current=row["step_current"], total=row["step_total"], message=row["step_message"] or ""
    )
