"""The life of an attempt: claimed, started, renewed, finished, or lost.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from mcp_server.errors import LostClaim
from mcp_server.jobs.job import (
    ENDED_JOB_STATES,
    JOB_TRANSITIONS,
    Attempt,
    BatchState,
    JobState,
    Json,
    Step,
)
from mcp_server.jobs.records import Claim, Report
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import limits, pauses, suspects
from mcp_server.jobs.rules.coalescing import WAITING
from mcp_server.storage.sql.queue import counters, following, sharing, stopping
from mcp_server.storage.sql.queue.rows import as_count, attempt_of, encoded, shown, terms_of
from mcp_server.storage.sql.transaction import Row, Transaction

ApplyAll = Callable[[Transaction, Row, Sequence[object]], "str | None"]
"""Applies a job's effects; returns why they cannot be, and then none may stay applied."""

DAMAGED_CODE = "damaged"
"""The code of a job that cannot be run, as what is stored of its batch cannot be read."""

DAMAGED_TERMS = "what its batch was promised cannot be read: its row in the database is damaged"

DAMAGED_CLAIMS_MAX = 50
"""How often a transaction claims again where all that it has claimed was damaged: a few thousand
jobs of a damaged batch keep nobody waiting, and no writer longer than half a second."""

ANY_CRASHES = 2**62
"""More often than any job has crashed."""

Keep = Callable[[Transaction, Row, Sequence[object]], None]
"""Stores what is kept of effects that came too late."""


def exchange(
    tx: Transaction,
    reports: Sequence[Report],
    claim: Claim | None,
    apply: ApplyAll,
    keep: Keep,
    *,
    now: float,
) -> tuple[Sequence[Verdict | Exception], Sequence[Attempt]]:
    """Record how attempts ended, then claim ready jobs: in this order, for an end frees a lane."""
    recorded = finish(tx, reports, apply, keep, now=now) if reports else ()
    return recorded, _claim(tx, claim, now) if claim is not None and claim.limit > 0 else ()


def finish(
    tx: Transaction, reports: Sequence[Report], apply: ApplyAll, keep: Keep, *, now: float
) -> list[Verdict | Exception]:
    """Record each report, with its effects; or that an effect met something else.

    Ends that are only written down are written together; if one of those has lost its claim, and
    for all others, each has a savepoint of its own.
    """
    plain = _plain(tx, reports)
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


def _plain(tx: Transaction, reports: Sequence[Report]) -> list[Report]:
    """Return the reports of jobs that are over, ask for nothing, and that nobody else awaits."""
    plain = [r for r in reports if r.verdict.state in ENDED_JOB_STATES and not r.verdict.effects]
    if tx.one("find_awaited") is None:  # almost always
        return plain
    rows = encoded([report.attempt.job.order for report in plain])
    awaited = {row["job"] for row in tx.all("list_awaited", jobs=rows)}
    return [report for report in plain if report.attempt.job.order not in awaited]


def _finish_together(tx: Transaction, reports: Sequence[Report], now: float) -> None:
    """Write down ends, one statement for all that are alike but for their results."""
    alike: dict[tuple[object, ...], list[Report]] = {}
    for report in reports:
        (_, job, _), verdict, _ = report
        key = (job.batch_id, job.counted, verdict.state, verdict.code, verdict.reason)
        alike.setdefault(key, []).append(report)
    _write_steps(tx, reports)
    for group in alike.values():
        verdict = group[0].verdict
        if _write_ends(tx, group, verdict, verdict.state, now) != len(group):
            raise LostClaim(group[0].attempt.job.id, "one of several")
    ended = [(group[0].attempt.job, group[0].verdict, len(group)) for group in alike.values()]
    counters.note_ends(tx, ended, now=now)


def _write_steps(tx: Transaction, reports: Iterable[Report]) -> None:
    steps = [(report.attempt, report.step) for report in reports if report.step is not None]
    if steps:
        step(tx, steps)


def _write_ends(
    tx: Transaction, reports: Sequence[Report], verdict: Verdict, state: JobState, now: float
) -> int:
    """Write down that attempts ended with `verdict`, but for their results; return how many."""
    ends = [
        (attempt.job.order, attempt.id, None if v.result is None else encoded(v.result))
        for attempt, v, _ in reports
    ]
    return tx.run(
        "finish_jobs",
        ends=encoded(ends),
        state=state,
        counts=verdict.attempts,
        due_at=verdict.due_at,
        ended_at=now if verdict.state in ENDED_JOB_STATES else None,
        code=verdict.code,
        reason=verdict.reason,
    )


def step(tx: Transaction, steps: Sequence[tuple[Attempt, Step]]) -> int:
    """Write down how far attempts have come; return how many still had their claim."""
    rows = [{"id": a.job.order, "attempt_id": a.id, **step._asdict()} for a, step in steps]
    return tx.many("step_job", rows)


def _finish_alone(
    tx: Transaction, report: Report, apply: ApplyAll, keep: Keep, now: float
) -> Verdict:
    attempt, verdict = report.attempt, report.verdict
    job = _held(tx, attempt)
    if job["state"] != JobState.PROCESSING:
        return _verdict_of(job)  # the same attempt reporting twice
    effects = verdict.effects
    conflict = tx.kept_unless(
        lambda: apply(tx, job, effects), failed=lambda found: found is not None
    )
    if conflict is not None:
        keep(tx, job, effects)
        verdict = Verdict(state=JobState.FAILED, code="conflict", reason=conflict)
    _record(tx, job, report, verdict, now)
    stored = tx.one("get_job_by_row", id=job["id"])
    assert stored is not None
    return _verdict_of(stored)


def _claim(tx: Transaction, claim: Claim, now: float) -> list[Attempt]:
    """Claim ready jobs, by priority and then age; damaged ones fail, and those behind them come."""
    for _ in range(DAMAGED_CLAIMS_MAX):
        attempts = _claim_next(tx, claim, now)
        if attempts is None:
            return []
        if attempts:
            return attempts
    return []


def _claim_next(tx: Transaction, claim: Claim, now: float) -> list[Attempt] | None:
    """Claim ready jobs, if there are any, and return those that can be run."""
    quick = claim.quick_kinds if claim.ahead else ()
    ids = claimable(
        tx,
        claim.kinds,
        claim.abilities,
        limit=claim.limit,
        ahead=claim.ahead,
        quick_kinds=quick,
        room=_room(tx, claim),
        holds_nothing=claim.holds_nothing,
        now=now,
    )
    if not ids:
        return None
    rows = tx.all(
        "claim_jobs",
        ids=encoded(ids),
        started=encoded(ids[: claim.limit]),
        claim=claim.id,
        worker_id=claim.worker_id,
        lease_until=now + claim.lease_s,
        now=now,
    )
    assert len(rows) == len(ids), "they were read in this transaction"
    rows.sort(key=lambda row: (-row["priority"], row["id"]))  # RETURNING keeps no order
    batches = {id: _started_batch(tx, id, now) for id in {row["batch"] for row in rows}}
    tx.run("note_claim", now_ms=int(now * 1000))
    attempts: list[Attempt] = []
    for row in rows:
        batch_id, terms = batches[row["batch"]]
        if terms is None:
            _fail(tx, row, DAMAGED_CODE, DAMAGED_TERMS, now)
        else:
            attempts.append(attempt_of(row, batch_id, terms))
    return attempts


def _room(tx: Transaction, claim: Claim) -> Mapping[str, int]:
    """Return, of kinds that are limited, how many more may run; all that run are counted."""
    if not claim.limits:
        return {}
    rows = tx.all("count_running", kinds=json.dumps(list(claim.limits)))
    running = {row["kind"]: row["jobs"] for row in rows}
    return limits.room(claim.limits, running)


def claimable(
    tx: Transaction,
    kinds: Collection[str],
    abilities: Collection[str],
    *,
    limit: int,
    ahead: int = 0,
    quick_kinds: Collection[str] = (),
    room: Mapping[str, int] | None = None,
    holds_nothing: bool = True,
    now: float = 0.0,
) -> list[int]:
    """Return the rows of the next jobs that a worker could claim, and of quick kinds so many more.

    `room` is how many there may be of a kind, where there may not be any number. A suspect is
    returned by itself, to a worker that `holds_nothing`; it is passed by until its turn has come.

    Each kind has its own run in the index, and in it each ability that is needed: ready jobs that
    this worker cannot run are not walked past, however many there are.
    """
    needed, passed = _needed(tx, abilities), tx.all("list_passed_by")

    def look(crashes: int) -> list[limits.Candidate]:
        """Find jobs that have crashed less often."""
        found: list[limits.Candidate] = []
        for kind in sorted(kinds):
            quick = kind in quick_kinds
            most = limits.most_of(kind, limit=limit, ahead=ahead, quick=quick, room=room or {})
            rows = _candidates(tx, kind, needed, passed, limit=most, crashes=crashes)
            found += [
                (-row["priority"], row["id"], quick, row["crashes"], row["due_at"]) for row in rows
            ]
        return sorted(found)

    found = look(ANY_CRASHES)
    if any(suspects.is_suspect(crashes) for _, _, _, crashes, _ in found):  # hardly ever
        alone = suspects.to_run_alone(found, holds_nothing=holds_nothing, now=now)
        if alone is not None:
            return [alone[1]] if holds_nothing else []
        found = look(suspects.SUSPECT_CRASHES)
    return limits.chosen(found, limit=limit, ahead=ahead)


def _needed(tx: Transaction, abilities: Collection[str]) -> list[str]:
    """Return those of these abilities that ready jobs need."""
    if not abilities:
        return []
    rows = tx.all("list_needed", abilities=json.dumps(sorted(abilities)))
    return [row["ability"] for row in rows]


def _candidates(
    tx: Transaction,
    kind: str,
    needed: Collection[str],
    passed: Sequence[Row],
    *,
    limit: int,
    crashes: int,
) -> list[Row]:
    """Return the next ready jobs of a kind that need nothing, or one of the abilities `needed`."""
    rows: list[Row] = []
    for ability in (None, *needed):
        line = {"kind": kind, "ability": ability}
        asked = {**line, "limit": limit, "crashes": crashes}
        if passed:
            rows += _candidates_beside(tx, passed, line, asked)
        else:  # almost always
            rows += tx.all("claim_candidates", **asked)
    if len(rows) > limit:
        rows.sort(key=lambda row: (-row["priority"], row["id"]))
    return rows[:limit]


def _candidates_beside(
    tx: Transaction,
    passed: Sequence[Row],
    line: Mapping[str, str | None],
    asked: Mapping[str, Any],
) -> list[Row]:
    """Return the next ready jobs, but none of where large batches were cancelled or paused.

    What is still to follow there may be 100,000 jobs at the head of the line: they are not walked
    past, but jumped over. Jobs of others among them wait until it has followed, some seconds.
    """
    found: list[Row] = []
    gaps = _gaps(passed)
    priority = _next_priority(tx, line, below=2**62)
    while priority is not None and len(found) < asked["limit"]:
        for after, before in gaps:
            part = {"priority": priority, "after": after, "before": before}
            found += tx.all("claim_candidates_between", **asked, **part)
        priority = _next_priority(tx, line, below=priority)
    return found


def _next_priority(tx: Transaction, line: Mapping[str, str | None], *, below: int) -> int | None:
    row = tx.one("next_priority", **line, below=below)
    return None if row is None else row["priority"]


def _gaps(passed: Sequence[Row]) -> list[tuple[int, int]]:
    """Return between which numbers nothing is passed by; `passed` is in order of its beginnings."""
    gaps: list[tuple[int, int]] = []
    free_after = 0
    for row in passed:
        if row["after"] > free_after:
            gaps.append((free_after, row["after"] + 1))
        free_after = max(free_after, row["until"])
    return [*gaps, (free_after, 2**62)]


def _started_batch(tx: Transaction, id: int | None, now: float) -> tuple[str | None, Json | None]:
    """Mark a batch as started, if it was not; return its id and what its round was promised.

    What it was promised is `None` where somebody damaged that.
    """
    row = None if id is None else tx.one("get_batch_by_row", id=id)
    if row is None:
        return None, {}
    change = counters.next_change(tx)
    tx.run("mark_round_started", batch=id, number=row["round"], now=now, change=change)
    return row["batch_id"], terms_of(row)


def checkpoint(
    tx: Transaction, attempt: Attempt, effects: Sequence[object], apply: ApplyAll
) -> str | None:
    """Apply effects while the attempt goes on; all or none.

    Raises:
        LostClaim: the job belongs to another attempt, or to nobody.
    """
    job = _held(tx, attempt)
    if job["state"] != JobState.PROCESSING:
        raise LostClaim(attempt.job.id, attempt.id)
    return tx.kept_unless(lambda: apply(tx, job, effects), failed=lambda found: found is not None)


def give_back(tx: Transaction, attempt_ids: Collection[str], *, now: float) -> None:
    """Return claimed jobs to the queue; it costs them nothing."""
    for job in tx.all("list_claims", attempts=json.dumps(list(attempt_ids))):
        _return(tx, job, crashed=False, now=now)


def list_lost(tx: Transaction, *, now: float, except_worker: str | None, limit: int) -> list[Row]:
    """Return jobs whose attempt is lost."""
    return tx.all("list_lost_jobs", now=now, except_worker=except_worker, limit=limit)


def rescue(
    tx: Transaction, *, now: float, except_worker: str | None, crashes_max: int, limit: int
) -> int:
    """Return jobs of lost attempts to the queue; fail those that crashed too often."""
    lost = list_lost(tx, now=now, except_worker=except_worker, limit=limit)
    for job in lost:
        started_at, crashes = job["started_at"], as_count(job["crashes"])
        reason = suspects.why_given_up(
            started_at=started_at, crashes=crashes, crashes_max=crashes_max
        )
        if reason is None:
            _return(tx, job, crashed=suspects.is_crash(started_at), now=now)
        else:
            _fail(tx, job, suspects.CRASHED, reason, now)
    return len(lost)


def _fail(tx: Transaction, job: Row, code: str, reason: str, now: float) -> None:
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


def _held(tx: Transaction, attempt: Attempt) -> Row:
    job = tx.one("get_job_by_row", id=attempt.job.order)
    if job is not None and job["state"] != JobState.PROCESSING:
        job = following.follow_one(tx, job)  # cancelled with its batch, it is nobody's any more
    if job is None or job["attempt_id"] != attempt.id:
        raise LostClaim(attempt.job.id, attempt.id)
    return job


def _record(tx: Transaction, job: Row, report: Report, verdict: Verdict, now: float) -> None:
    assert verdict.state in JOB_TRANSITIONS[JobState.PROCESSING]
    verdict = _as_the_batch_allows(tx, job, verdict)
    joins = sharing.joined(tx, job) if verdict.state in WAITING else None
    state = verdict.state if joins is None else JobState.PROCESSING
    _write_steps(tx, [report])
    changed = _write_ends(tx, [report._replace(verdict=verdict)], verdict, state, now)
    assert changed == 1, "the row was read in this transaction"
    if verdict.state in ENDED_JOB_STATES:
        counters.note_end(tx, job, verdict.state, code=verdict.code, now=now)
    elif joins is not None:
        sharing.absorb(tx, job, joins, now=now)
    elif job["batch"] is not None:
        if verdict.state is JobState.PAUSED:
            stopping.pause(tx, job["batch"], verdict.reason or "")
        tx.run("touch_batch", batch_id=job["batch_id"], change=counters.next_change(tx))


def _as_the_batch_allows(tx: Transaction, job: Row, verdict: Verdict) -> Verdict:
    if verdict.state not in WAITING:
        return verdict
    batch = None if job["batch"] is None else tx.one("get_batch_by_row", id=job["batch"])
    return pauses.as_the_batch_allows(
        verdict,
        code=job["code"],
        counted=bool(job["counted"]),
        batch=None if batch is None else _state_of(batch),
        stopping=batch is not None and bool(batch["stopping"]),
        reason=None if batch is None else batch["reason"],
    )


def _return(tx: Transaction, job: Row, *, crashed: bool, now: float) -> None:
    batch = None if job["batch"] is None else tx.one("get_batch_by_row", id=job["batch"])
    batch_state = None if batch is None else _state_of(batch)
    state = pauses.waiting_state(batch_state, counted=bool(job["counted"]))
    sharing.requeue(tx, job, state, crashed=crashed, now=now)
    if batch is not None:
        tx.run("touch_batch", batch_id=batch["batch_id"], change=counters.next_change(tx))


def _state_of(batch: Row) -> BatchState:
    return BatchState(batch["state"])
