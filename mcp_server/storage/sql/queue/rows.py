"""Rows as the values of `jobs` and `entities`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from types import NoneType
from typing import Any, TypeVar, cast

from pydantic_core import from_json

from mcp_server.errors import StorageError
from mcp_server.excerpt import shortened
from mcp_server.jobs import json_text
from mcp_server.jobs.job import Attempt, Batch, BatchState, Job, JobState, Json, Origin, Step
from mcp_server.jobs.records import Host
from mcp_server.storage.sql.transaction import Row

DAMAGED = "a row of it is damaged: put back a copy of its file"
"""What is wrong where a stored document is no JSON: nothing of ours writes such a row."""

SHOWN_MAX = 200
"""How much is shown of a document that cannot be read, in characters."""

NUMBERS = (int, float, NoneType)
"""What a database returns for a number, or for none."""

ALL_PRUNED = 2
"""What stands in a round's `pruned` once all jobs of its batch were forgotten."""

T = TypeVar("T")


def attempt_of(row: Row, batch_id: str | None, terms: Json) -> Attempt:
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


def whole(
    make: Callable[[Row], T], rows: Iterable[Row], damaged: list[str] | None = None
) -> list[T]:
    """Return what is made of these rows, but of damaged ones: those keep no other from being told.

    What is wrong with them is added to `damaged`.
    """
    made: list[T] = []
    for row in rows:
        try:
            made.append(make(row))
        except StorageError as error:
            if damaged is not None:
                damaged.append(str(error))
    return made


def job_of(row: Row) -> Job:
    """Return the job of a `get_job` row; a payload or result that is damaged is shown as such.

    Raises:
        StorageError: something is in the place of a number.
    """
    _check_numbers(row, "attempts", "max_retries", "created_at", "due_at", "started_at", "ended_at")
    return Job(
        id=row["job_id"],
        kind=row["kind"],
        payload=shown(row["payload"]),
        state=JobState(row["state"]),
        subject=row["subject"],
        priority=row["priority"],
        batch_id=row["batch_id"],
        round=row["round"],
        counted=bool(row["counted"]),
        origin=origin_of(row),
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
        result=None if row["result"] is None else shown(row["result"]),
        step=_step(row),
        requires=row["requires"],
        order=row["id"],
    )


def batch_of(
    row: Row,
    *,
    running: Sequence[Job] = (),
    failures: Sequence[Job] = (),
    waiting: Job | None = None,
) -> Batch:
    """Return the batch of a `batches` row with the row of its round, and these of its jobs.

    Raises:
        StorageError: somebody damaged it.
    """
    _check_numbers(row, "total", "completed", "skipped", "failed", "cancelled", "created_at")
    _check_numbers(row, "started_at", "ended_at", "change")
    return Batch(
        id=row["batch_id"],
        kind=row["kind"],
        state=BatchState(row["state"]),
        reason=row["reason"],
        origin=origin_of(row),
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
        waiting=waiting,
        forgotten=row["pruned"] == ALL_PRUNED,
    )


def host_of(row: Row) -> Host:
    """Return the process of a `hosts` row.

    Raises:
        StorageError: somebody damaged it.
    """
    _check_numbers(row, "pid", "seen_at")
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


def origin_of(row: Row) -> Origin:
    """Return who asked for a job or batch."""
    return Origin(owner=row["owner"], interface=row["interface"], destination=row["destination"])


def _payload(text: str) -> Json:
    """Return a payload; one that somebody damaged as the text it is, which no kind takes.

    Its job fails, and says so. An error would come again with every claim, and stop the queue.
    """
    try:
        return from_json(text)
    except ValueError:
        return cast("Json", text)


def terms_of(row: Row) -> Json | None:
    """Return what a round was promised; `None` where somebody damaged it."""
    try:
        return _document(row, "terms")
    except StorageError:
        return None


def shown(text: str) -> Json:
    """Return a document of a job; where somebody damaged it, what is left of it, and that it is."""
    try:
        document: object = json.loads(text)
    except (ValueError, TypeError):
        document = None
    if isinstance(document, dict):
        return cast("Json", document)
    return {"damaged": shortened(str(text), SHOWN_MAX)}


def as_count(value: object) -> int:
    """Return a stored count; 0 where somebody wrote something else in its place."""
    return value if isinstance(value, int) else 0


def _check_numbers(row: Row, *columns: str) -> None:
    if not all(isinstance(row[column], NUMBERS) for column in columns):
        raise StorageError(DAMAGED, shown=DAMAGED)


def _document(row: Row, column: str) -> Any:
    """Return what was stored as JSON.

    Raises:
        StorageError: somebody else has written what is none.
    """
    try:
        return json.loads(row[column])
    except (ValueError, TypeError) as error:
        raise StorageError(DAMAGED, shown=DAMAGED) from error


def _step(row: Row) -> Step | None:
    if row["step_total"] is None:
        return None
    return Step(
        current=row["step_current"], total=row["step_total"], message=row["step_message"] or ""
    )
