"""Finishing attempts: how each ended is written down, with its effects.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from mcp_server.errors import LostClaim
from mcp_server.jobs.job import (
    ENDED_JOB_STATES,
    JOB_TRANSITIONS,
    Attempt,
    BatchState,
    JobState,
    Step,
)
from mcp_server.jobs.records import Report
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import coalescing, pauses
from mcp_server.jobs.rules.coalescing import WAITING
from mcp_server.storage.sql.queue import counters, following, sharing, stopping
from mcp_server.storage.sql.queue.rows import encoded, shown
from mcp_server.storage.sql.transaction import Row, Transaction

ApplyAll = Callable[[Transaction, Row, Sequence[object]], "str | None"]
"""Applies a job's effects; returns why they cannot be, and then none may stay applied."""

JOINED = Verdict(JobState.COMPLETED, coalescing.JOINED, coalescing.JOINED_REASON)
"""How a job ends that would have to wait, where another of its key does."""

Keep = Callable[[Transaction, Row, Sequence[object]], None]
"""Stores what is kept of effects that came too late."""


def finish(
    tx: Transaction, reports: Sequence[Report], apply: ApplyAll, keep: Keep, *, now: float
) -> list[Verdict | Exception]:
    """Record each report, with its effects; or that an effect met something else.

    Ends that are only written down are written together; if one of those has lost its claim, and
    for all others, each has a savepoint of its own.
    """
    plain = [r for r in reports if r.verdict.state in ENDED_JOB_STATES and not r.verdict.effects]
    together = plain and not isinstance(
        tx.trial(lambda: _finish_together(tx, plain, now)), Exception
    )
    done = {id(report) for report in plain} if together else set[int]()
    return [
        report.verdict
        if id(report) in done  # not its attempt: that may be in several reports
        else tx.trial(partial(_finish_alone, tx, report, apply, keep, now))
        for report in reports
    ]


def _finish_together(tx: Transaction, reports: Sequence[Report], now: float) -> None:
    """Write down ends, one statement for all that are alike but for their results."""
    alike: dict[tuple[object, ...], list[Report]] = {}
    for report in reports:
        (_, job, _), verdict, _ = report
        key = (job.batch_id, job.counted, verdict.state, verdict.code, verdict.reason)
        alike.setdefault(key, []).append(report)
    _write_steps(tx, reports)
    ends = [_ends(group, group[0].verdict, group[0].verdict.state, now) for group in alike.values()]
    found = tx.together([*(("finish_jobs", end) for end in ends), ("find_awaited", {})])
    batches: dict[str | None, int] = {}
    for group, rows in zip(alike.values(), found[:-1], strict=True):
        job = group[0].attempt.job
        if len(rows) != len(group):
            raise LostClaim(job.id, "one of several")
        batches[job.batch_id] = rows[0]["batch"]
    ended = [(group[0].attempt.job, group[0].verdict, len(group)) for group in alike.values()]
    counters.note_ends(tx, ended, batches, now=now)
    if found[-1]:  # hardly ever
        _tell_others(tx, reports, now)


def _tell_others(tx: Transaction, reports: Sequence[Report], now: float) -> None:
    """Count ends in the batches of others that wait for them."""
    ended = {report.attempt.job.order: report.verdict for report in reports}
    for row in tx.all("list_awaited", jobs=encoded([*ended])):
        verdict = ended[row["job"]]
        counters.note_others(tx, row["job"], verdict.state, code=verdict.code, now=now)


def _finish_alone(
    tx: Transaction, report: Report, apply: ApplyAll, keep: Keep, now: float
) -> Verdict:
    attempt, verdict = report.attempt, report.verdict
    job = held(tx, attempt)
    if job["state"] != JobState.PROCESSING:
        return _verdict_of(job)  # the same attempt reporting twice
    effects = verdict.effects
    conflict = tx.kept_unless(
        lambda: apply(tx, job, effects), failed=lambda found: found is not None
    )
    if conflict is not None:
        keep(tx, job, effects)
        verdict = Verdict(state=JobState.FAILED, code="conflict", reason=conflict)
    return _record(tx, job, report, verdict, now)


def _record(tx: Transaction, job: Row, report: Report, verdict: Verdict, now: float) -> Verdict:
    """Write down how a job's attempt ended; return what its row says of that."""
    assert verdict.state in JOB_TRANSITIONS[JobState.PROCESSING]
    verdict = _as_the_batch_allows(tx, job, verdict)
    joins = sharing.joined(tx, job) if verdict.state in WAITING else None
    state = verdict.state if joins is None else JobState.PROCESSING
    _write_steps(tx, [report])
    tx.run("finish_jobs", **_ends([report._replace(verdict=verdict)], verdict, state, now))
    if verdict.state in ENDED_JOB_STATES:
        counters.note_end(tx, job, verdict.state, code=verdict.code, now=now)
    elif joins is not None:
        sharing.absorb(tx, job, joins, now=now)
        return JOINED
    elif job["batch"] is not None:
        if verdict.state is JobState.PAUSED:
            stopping.pause(tx, job["batch"], verdict.reason or "")
        tx.run("touch_batch", batch_id=job["batch_id"], change=counters.next_change(tx))
    due_at = verdict.due_at if verdict.state is JobState.SCHEDULED else None
    return Verdict(verdict.state, verdict.code, verdict.reason, verdict.result, due_at)


def _as_the_batch_allows(tx: Transaction, job: Row, verdict: Verdict) -> Verdict:
    if verdict.state not in WAITING:
        return verdict
    batch = None if job["batch"] is None else tx.one("get_batch_by_row", id=job["batch"])
    return pauses.as_the_batch_allows(
        verdict,
        code=job["code"],
        counted=bool(job["counted"]),
        batch=None if batch is None else BatchState(batch["state"]),
        stopping=batch is not None and bool(batch["stopping"]),
        reason=None if batch is None else batch["reason"],
    )


def _write_steps(tx: Transaction, reports: Iterable[Report]) -> None:
    steps = [(report.attempt, report.step) for report in reports if report.step is not None]
    if steps:
        tx.many("step_job", _step_rows(steps))


def _ends(
    reports: Sequence[Report], verdict: Verdict, state: JobState, now: float
) -> Mapping[str, object]:
    """Return what is written of attempts that ended with `verdict`, but for their results."""
    ends = [
        (attempt.job.order, attempt.id, None if v.result is None else encoded(v.result))
        for attempt, v, _ in reports
    ]
    return {
        "ends": encoded(ends),
        "state": state,
        "counts": verdict.attempts,
        "due_at": verdict.due_at,
        "ended_at": now if verdict.state in ENDED_JOB_STATES else None,
        "code": verdict.code,
        "reason": verdict.reason,
    }


def step(tx: Transaction, steps: Sequence[tuple[Attempt, Step]]) -> int:
    """Write down how far attempts have come; return how many still had their claim."""
    return tx.count_many("step_job", _step_rows(steps))


def _step_rows(steps: Sequence[tuple[Attempt, Step]]) -> list[Mapping[str, object]]:
    return [{"id": a.job.order, "attempt_id": a.id, **step._asdict()} for a, step in steps]


def held(tx: Transaction, attempt: Attempt) -> Row:
    """Return the job of an attempt that has its claim, or had when it ended.

    Raises:
        LostClaim: the job belongs to another attempt, or to nobody.
    """
    job = tx.one("get_job_by_row", id=attempt.job.order)
    if job is not None and job["state"] != JobState.PROCESSING:
        job = following.follow_one(tx, job)  # cancelled with its batch, it is nobody's any more
    if job is None or job["attempt_id"] != attempt.id:
        raise LostClaim(attempt.job.id, attempt.id)
    return job


def fail(tx: Transaction, job: Row, code: str, reason: str, now: float) -> None:
    """Let a job fail of which no attempt reports."""
    tx.run("end_job", id=job["id"], state=JobState.FAILED, code=code, reason=reason, now=now)
    counters.note_end(tx, job, JobState.FAILED, code=code, now=now)


def _verdict_of(job: Row) -> Verdict:
    return Verdict(
        state=JobState(job["state"]),
        code=job["code"],
        reason=job["reason"],
        result=None if job["result"] is None else shown(job["result"]),
        due_at=job["due_at"] if job["state"] == JobState.SCHEDULED else None,
    )
