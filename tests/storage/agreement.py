"""Whether a workspace holds what the model says, read past all our own code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, TypeVar

from mcp_server.jobs.job import BATCH_TRANSITIONS, JOB_TRANSITIONS, BatchState, JobState
from tests.storage.model import Model
from tests.storage.model_state import ModelJob
from tests.storage.raw import Raw

CANCELLED = "said.what = 'cancel' AND counted = 1 AND state IN ('scheduled', 'pending', 'paused')"
PAUSED = "said.what = 'pause' AND counted = 1 AND state IN ('scheduled', 'pending')"
RESUMED = "state = 'paused' AND (said.what = 'resume' OR said.what = 'cancel' AND counted = 0)"

JOBS = f"""
SELECT CASE WHEN job_id LIKE 'j\\_%' ESCAPE '\\' THEN NULL ELSE job_id END, batches.batch_id,
    CASE
        WHEN {CANCELLED} THEN 'cancelled'
        WHEN {PAUSED} THEN 'paused'
        WHEN {RESUMED} AND due_at > said_at THEN 'scheduled'
        WHEN {RESUMED} THEN 'pending'
        ELSE state
    END,
    counted, jobs.round, payload, priority, dedup, dedup_key,
    CASE WHEN {RESUMED} AND counted = 1 THEN said.requires ELSE jobs.requires END,
    attempts, crashes,
    CASE WHEN {CANCELLED} THEN 'cancelled' WHEN {RESUMED} THEN NULL ELSE code END,
    jobs.created_at,
    CASE WHEN {RESUMED} AND said_at > due_at THEN said_at ELSE due_at END,
    CASE WHEN {CANCELLED} THEN said_at ELSE jobs.ended_at END,
    CASE WHEN {CANCELLED} THEN NULL ELSE attempt_id END,
    lease_until
FROM jobs LEFT JOIN batches ON batches.id = jobs.batch
LEFT JOIN following AS said
ON said.batch = jobs.batch AND said.what <> 'retry'
AND jobs.id > said.after AND jobs.id <= said.until
ORDER BY jobs.id
"""
"""Those that have not followed yet what was said of their batch, as what they will be. Ids that the
store draws are not compared."""

LATE_TO_RUN = f"""
SELECT 1 FROM jobs
JOIN following AS said
ON said.batch = jobs.batch AND said.what <> 'retry'
AND jobs.id > said.after AND jobs.id <= said.until
WHERE {RESUMED}
"""

BATCHES = """
SELECT batch_id, round, state, total, completed, skipped, failed, cancelled, stopping, ended_at
FROM batches
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
ORDER BY id
"""

ENDS = """
SELECT batch_id, number, state, total, completed, skipped, failed, cancelled
FROM rounds JOIN batches ON batches.id = rounds.batch
WHERE ended_at IS NOT NULL
ORDER BY batch, number
"""

CHANGES = """
SELECT batch_id, change, state, round, total, completed, skipped, failed, cancelled, reason, terms,
    started_at, ended_at
FROM batches
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
"""

STATES = f"SELECT batch_id, state FROM ({CHANGES}) AS present"


S = TypeVar("S", JobState, BatchState)


class Agreement:
    """Compares a workspace with a model after each step, and with itself before it."""

    def __init__(self, raw: Raw) -> None:
        self._rows = raw.all
        self._job_states: dict[str, JobState] = {}
        self._batch_states: dict[str, BatchState] = {}
        self._changes: dict[str, tuple[int, object]] = {}
        self._last_change = 0

    def is_late_to_run(self) -> bool:
        """Whether a job is to run that has not followed yet: no claim finds it until it has."""
        return bool(self._rows(LATE_TO_RUN))

    def check(self, model: Model) -> None:
        """Fail at the first row that should be another."""
        batches = model.batches.values()
        figures = [(b.id, *model.figures(b), b.stopping, b.ended_at) for b in batches]
        self._same(JOBS, [_row(job) for job in model.jobs])
        self._same(BATCHES, figures)
        self._same(ENDS, [(b.id, *end) for b in batches for end in b.ends])
        self._check_changes()
        for id, state in self._rows("SELECT job_id, state FROM jobs"):
            _moved(id, self._job_states, JobState(state), JOB_TRANSITIONS)
        for id, state in self._rows(STATES):
            _moved(id, self._batch_states, BatchState(state), BATCH_TRANSITIONS)

    def _same(self, statement: str, expected: list[tuple[Any, ...]]) -> None:
        for row, (here, there) in enumerate(zip_longest(self._rows(statement), expected)):
            assert here == there, f"row {row} is {here}, and should be {there}"

    def _check_changes(self) -> None:
        """Change numbers only grow, and whatever is seen of a batch changes with its number."""
        [(last,)] = self._rows("SELECT value FROM counters WHERE name = 'change'")
        assert last >= self._last_change
        self._last_change = last
        for batch_id, change, *seen in self._rows(CHANGES):
            before = self._changes.get(batch_id, (0, None))
            assert change > before[0] or (change, seen) == before, f"{batch_id} changed unseen"
            self._changes[batch_id] = (change, seen)


def _row(job: ModelJob) -> tuple[object, ...]:
    return (
        job.id,
        job.batch.id if job.batch else None,
        job.state,
        job.counted,
        job.round,
        json.dumps(job.given.payload, separators=(",", ":")),
        job.given.priority,
        job.given.dedup,
        job.key,
        job.requires,
        job.attempts,
        job.crashes,
        job.code,
        job.created_at,
        job.due_at,
        job.ended_at,
        job.attempt,
        job.lease_until,
    )


def _moved(id: str, states: dict[str, S], now: S, table: Mapping[S, frozenset[S]]) -> None:
    """Fail where no two moves of the table lead to a state: one step may make two."""
    before = states.get(id, now)
    reachable = {before, *table[before], *(later for to in table[before] for later in table[to])}
    assert now in reachable, f"{id}: {before} → {now}"
    states[id] = now
