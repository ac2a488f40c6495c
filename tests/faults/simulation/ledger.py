"""What was committed, kept by somebody who only watches: each step is compared with what may be.

The product's own code has no part in it. The tables say what is true at a moment
(`CHECKS`, and `tests.storage.invariants`); the ledger says which way it may come about.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_server.jobs.job import BATCH_TRANSITIONS, JOB_TRANSITIONS, BatchState, JobState
from tests.storage import invariants

UNFINISHED = "('scheduled', 'pending', 'processing', 'paused')"

OWN_CHECKS: Mapping[str, str] = {
    "a completed job that writes has not exactly the text of the attempt that ended it": """
        SELECT job_id, attempt_id, count(revisions.id) AS n, max(author_name) FROM jobs
        LEFT JOIN revisions USING (job_id)
        WHERE jobs.kind = 'write' AND jobs.state = 'completed' AND jobs.code IS NULL
        GROUP BY jobs.id HAVING n <> 1 OR max(author_name) <> attempt_id
    """,
    "a job that was not completed has written": """
        SELECT job_id, jobs.state, jobs.code FROM revisions JOIN jobs USING (job_id)
        WHERE jobs.state <> 'completed' OR jobs.code IS NOT NULL
    """,
    "a batch was cancelled, and a job that it counts is not over": f"""
        SELECT batches.batch_id, jobs.job_id, jobs.state FROM batches
        JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
        JOIN jobs ON jobs.batch = batches.id
        WHERE stopping AND counted AND jobs.state IN {UNFINISHED} AND NOT {invariants.BEHIND}
    """,
    "one request was answered with two batches": """
        SELECT json_extract(details, '$.request') AS request, count(*) AS n FROM batches
        WHERE request IS NOT NULL GROUP BY request HAVING n > 1
    """,
}
"""What must not be, beside what `tests.storage.invariants` has for every queue."""

CHECKS: Mapping[str, str] = {
    **{name: statement for name, (statement, _) in invariants.CHECKS.items()},
    **OWN_CHECKS,
}

TIME_LIMITS_S: Mapping[str, float] = {"write": 2.0, "plain": 2.0, "hasty": 0.5, "gate": 600.0}
"""By kind of job, how long an attempt may take."""

AGAIN = frozenset({"retrying", "joined", "retries-exhausted"})
CODES: Mapping[str, frozenset[str | None]] = {
    "done": frozenset({None}),
    "careful": frozenset({None, "conflict"}),
    "block": frozenset({None}),
    "skip": frozenset({"skipped"}),
    "retry": AGAIN,
    "raise": AGAIN,
    "late": AGAIN | {None},  # some answer all the same, and in time
    "snooze": frozenset({"snoozed", "joined"}),
    "fail": frozenset({"no"}),
    "pause": frozenset({"paused", "joined", None}),  # none: its batch was resumed since it began
    "rubbish": frozenset({"handler-error"}),
}
"""By what a handler answered, the codes that its job may be left with."""


class Violation(AssertionError):
    """Something happened that must not."""


@dataclass(slots=True)
class Answer:
    """What a handler answered, and how many follow-ups it asked for."""

    act: str
    follow_ups: int = 0


@dataclass(slots=True)
class _Job:
    name: str
    state: str
    batch: int | None
    attempt: str | None = None
    """Which attempt has the claim, where one has."""


@dataclass(slots=True)
class Ledger:
    """Every job and batch that was ever committed, and who claimed what."""

    jobs: dict[int, _Job] = field(default_factory=dict[int, "_Job"])
    names: set[str] = field(default_factory=set[str])
    batches: dict[str, str] = field(default_factory=dict[str, str])
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    claims: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    """By attempt, the process whose transaction claimed it, and when."""
    counts: Counter[str] = field(default_factory=Counter[str])
    _change: int = 0
    _now: float = 0.0

    def note(self, process: str, now: float, moves: Sequence[sqlite3.Row]) -> None:
        """Take down what one transaction of `process` did.

        Raises:
            Violation: it must not have.
        """
        self._now = now
        completed: set[str] = set()
        came: Counter[str] = Counter()
        highest = self._change
        for move in moves:
            if move["what"] == "file":
                self._note_file(process, move)
            elif move["what"] == "batch":
                self._note_batch(move)
                highest = max(highest, move["change"])
            elif move["old"] is None:
                self._note_new(move, came)
            else:
                self._note_move(process, move, completed)
        _require(
            highest > self._change or not any(move["what"] == "batch" for move in moves),
            f"a batch changed, and the change number stayed at {highest}",
        )
        self._change = highest
        for parent in came:
            _require(parent in completed, f"follow-ups of {parent}, which ended nothing")
        for parent in completed:
            asked, n = self.answers[parent].follow_ups, came[parent]
            _require(n == asked, f"{parent} asked for {asked} follow-ups and got {n}")

    def _note_batch(self, move: sqlite3.Row) -> None:
        name, old, new = move["name"], move["old"], move["new"]
        _require(self.batches.get(name) == old, f"batch {name} is not {old}")
        if old is not None and old != new:
            _require(
                BatchState(new) in BATCH_TRANSITIONS[BatchState(old)],
                f"batch {name}: {old} → {new}",
            )
        self.batches[name] = new

    def _note_file(self, process: str, move: sqlite3.Row) -> None:
        """An attempt has recorded a file before its end: it must have had its claim then."""
        attempt = move["attempt"]
        holds = any(job.attempt == attempt for job in self.jobs.values())
        _require(holds and self.claims[attempt][0] == process, f"{attempt} wrote without a claim")

    def _note_new(self, move: sqlite3.Row, came: Counter[str]) -> None:
        _require(move["id"] not in self.jobs, f"job {move['id']} came twice")
        self.jobs[move["id"]] = _Job(move["name"], move["new"], move["batch"])
        self.names.add(move["name"])
        self.counts["jobs"] += 1
        before, _, parent = move["subject"].partition("after ")
        if not before and parent and move["new"] != "failed":  # a shared failure is no new work
            came[parent] += 1

    def _note_move(self, process: str, move: sqlite3.Row, completed: set[str]) -> None:
        job, old, new = self.jobs[move["id"]], move["old"], move["new"]
        _require(job.state == old, f"{job.name} is {job.state}, not {old}")
        if new is None:
            _require(old in ("completed", "failed", "cancelled"), f"{job.name} went while {old}")
            del self.jobs[move["id"]]
            return
        _require(
            old == new or JobState(new) in JOB_TRANSITIONS[JobState(old)],
            f"{job.name}: {old} → {new}",
        )
        job.state = new
        attempt = move["attempt"]
        job.attempt = attempt if new == "processing" else None
        if new == "processing" and old != new:
            _require(attempt not in self.claims, f"{attempt} was claimed twice")
            self.claims[attempt] = (process, self._now)
            self.counts["claims"] += 1
        elif old == "processing" and attempt is not None and attempt == move["old_attempt"]:
            self._note_report(process, job, move, completed)
        elif old == "processing":
            self.counts["lost"] += 1

    def _note_report(self, process: str, job: _Job, move: sqlite3.Row, completed: set[str]) -> None:
        attempt, code, new = move["attempt"], move["code"], move["new"]
        claimer, claimed_at = self.claims[attempt]
        _require(claimer == process, f"{process} ended {attempt} of {claimer}")
        answer = self.answers.get(attempt, Answer("late"))
        # One that took too long may have been given up before it answered.
        late = code in AGAIN and self._now - claimed_at >= TIME_LIMITS_S[move["kind"]]
        _require(
            late or code in CODES[answer.act],
            f"{job.name} is {new} ({code}), and its handler had answered {answer.act}",
        )
        self.counts[f"{answer.act}"] += 1
        if new == "completed" and code is None:
            completed.add(attempt)


def check_tables(connection: sqlite3.Connection, names: Collection[str] = CHECKS.keys()) -> None:
    """See to it that no row contradicts another.

    Raises:
        Violation: one does.
    """
    for name in names:
        rows = connection.execute(CHECKS[name]).fetchall()
        _require(not rows, f"{name}: {[dict(row) for row in rows]}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise Violation(message)
