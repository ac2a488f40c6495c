"""What the queue asks of its storage: each method is one step, whole, in one transaction.

Owned here, implemented in `storage`. Nothing of SQL shows. Every write after `claim` carries the
attempt id, and an attempt that lost its claim changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from mcp_server.jobs.job import Attempt, Batch, Job, JobState, Json, NewJob, Origin, Step
from mcp_server.jobs.records import (
    Cancelled,
    Claim,
    Cursor,
    Exchange,
    Host,
    Lag,
    NewBatch,
    Question,
    Report,
    Request,
    Stats,
    Submission,
    Updates,
)


class JobStore(Protocol):
    """Durable jobs and batches. Times are seconds since the epoch, handed in by the caller."""

    async def submit(self, batch: NewBatch, *, now: float) -> Submission:
        """Store a batch with all its jobs and its duplicate keys, or find the one it repeats."""
        ...

    async def enqueue(
        self, id: str, job: NewJob, *, origin: Origin, now: float
    ) -> tuple[str, bool]:
        """Store a job outside any batch; return its id, or the holder's, and whether it is new.

        The holder is the job that holds its dedup key: with `replace` it is another job now.
        """
        ...

    async def exchange(
        self, reports: Sequence[Report], claim: Claim | None, *, now: float
    ) -> Exchange:
        """Record how attempts ended, then claim ready jobs, by priority and then age.

        One transaction. Of each report, effects, job state, batch counters and change number are
        written together. Where an effect finds something else than it expects, none is applied and
        the job fails with `conflict`. The same attempt reporting twice gets what is stored.
        A report that cannot be recorded is answered with why, and is the only one that is not.
        A claim is a start: an attempt that is lost from here on is a crash, unless it was claimed
        ahead and waited for its lane.
        """
        ...

    async def renew(self, attempt_ids: Collection[str], *, lease_s: float, now: float) -> set[str]:
        """Extend the leases of these attempts; return those whose claim is gone."""
        ...

    async def lost(self, attempt_ids: Collection[str]) -> set[str]:
        """Return those of these attempts whose claim is gone; extends nothing."""
        ...

    async def step(self, steps: Sequence[tuple[Attempt, Step]]) -> None:
        """Record how far attempts have come; those whose claim is gone are passed over."""
        ...

    async def checkpoint(
        self, attempt: Attempt, effects: Sequence[object], *, now: float
    ) -> str | None:
        """Apply effects while the attempt goes on; return the conflict where one does not apply.

        For what must be stored before something outside the database is changed.

        Raises:
            LostClaim: the job belongs to another attempt now.
        """
        ...

    async def note_started(self, attempts: Mapping[str, float]) -> None:
        """Write down since when attempts run that were claimed ahead; lost, they crash from now."""
        ...

    async def give_back(self, attempt_ids: Collection[str], *, now: float) -> None:
        """Return claimed jobs to the queue as if they had never been claimed."""
        ...

    async def rescue(
        self, *, now: float, except_worker: str | None, crashes_max: int, limit: int
    ) -> int:
        """Return jobs whose worker is gone to the queue, and return how many.

        With `except_worker` all attempts of others count as lost (the caller holds the worker's
        lock); without, those whose lease ran out. A started attempt counts as a crash, and the
        job fails with `crashed` when it has more than `crashes_max`.
        """
        ...

    async def release_due(self, *, now: float, limit: int) -> int:
        """Make scheduled jobs ready whose time has come; return how many."""
        ...

    async def next_due(self) -> float | None:
        """Return when the next scheduled job becomes due."""
        ...

    async def unclaimable(
        self, *, kinds: Collection[str], abilities: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """Return, by missing ability, the ids of the batches whose ready jobs need it.

        There may be none: a job outside any batch counts, too.
        """
        ...

    async def unknown_kinds(self, kinds: Collection[str]) -> Sequence[str]:
        """Return the kinds of ready jobs that are not among these."""
        ...

    async def pause(self, batch_id: str, reason: str) -> None:
        """Pause a batch: what waits is paused, what runs goes on to its end."""
        ...

    async def cancel_batch(self, batch_id: str, *, reason: str, now: float) -> Cancelled:
        """Cancel all that has not finished; a running attempt is fenced at once."""
        ...

    async def cancel_job(self, job_id: str, *, reason: str, now: float) -> Cancelled:
        """Cancel one job, if it has not finished."""
        ...

    async def retry(
        self,
        batch_id: str,
        *,
        terms: Json | None,
        requires: str | None,
        leave_out: Collection[str],
        request: Request | None,
        now: float,
    ) -> Submission:
        """Take up again what failed, was cancelled or is paused.

        Counted jobs that failed with one of the codes in `leave_out` stay as they are.
        A paused batch goes on with its round, an ended one opens the next. `terms` replace the
        round's (`None` keeps them), `requires` the ability of the counted jobs.
        """
        ...

    async def remember(self, request: Request, batch_id: str, *, owner: str, now: float) -> None:
        """Let this request stand for a batch that it was answered with, and did not submit."""
        ...

    async def requested(self, request: Request, *, owner: str, now: float) -> Batch | None:
        """Return the batch that this request was answered with within the last 24 hours.

        Raises:
            InvalidPayload: the key was used for something else.
        """
        ...

    async def batch(
        self, batch_id: str, *, running: bool = False, failures: bool = False
    ) -> Batch | None:
        """Return a batch, with its running jobs and its first failures where asked."""
        ...

    async def batches(
        self, *, owner: str, active: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[Batch]:
        """Return batches of an owner, newest first, with their running jobs.

        `active` True: the unfinished ones; False: the ended ones; `before`: older than this
        `Batch.order` only.
        """
        ...

    async def about(self, batch_id: str) -> Sequence[Batch]:
        """Return the batches that are about this one, newest first."""
        ...

    async def jobs(
        self,
        batch_id: str,
        *,
        states: Collection[JobState] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Job]:
        """Return the jobs of a batch in the order they were handed in, from position `after`."""
        ...

    async def job(self, job_id: str) -> Job | None:
        """Return a job."""
        ...

    async def alone(
        self, *, owner: str, active: bool, before: int | None = None, limit: int
    ) -> Sequence[Job]:
        """Return an owner's jobs outside any batch, newest first.

        `active` True: the unfinished ones; False: the ended ones that were not pruned; `before`:
        older than this `Job.order` only.
        """
        ...

    async def last_change(self) -> int:
        """Return the newest change number."""
        ...

    async def cursor(self, *, owner: str | None) -> Cursor:
        """Return where somebody begins who subscribes to an owner (`None`: to all) from now on."""
        ...

    async def updates(self, questions: Sequence[Question], *, limit: int) -> Sequence[Updates]:
        """Return for each question what became of operations, all as of the same moment.

        An operation is a batch, or a job outside any. Each answer has at most `limit` batches that
        changed, as many that were under way at the beginning, and as many new jobs.
        """
        ...

    async def prune(self, *, completed_before: float, ended_before: float, limit: int) -> int:
        """Delete finished jobs (R18) and return how many, at most `limit`; 0: none are left.

        Completed jobs of batches that completed, ended before `completed_before`; other jobs whose
        batch ended before `ended_before`. Batches and rounds stay. What is looked at is bounded,
        however many jobs and batches are kept.
        """
        ...

    async def forget_requests(self, *, now: float, limit: int) -> int:
        """Delete requests that stand for nothing any more; return how many, at most `limit`."""
        ...

    async def claimable(self, *, kinds: Collection[str], abilities: Collection[str]) -> bool:
        """Whether a job is ready that a worker of these kinds and abilities could run."""
        ...

    async def lag(self, *, now: float) -> Lag:
        """Return how far behind the queue is. Takes the same time however many jobs there are."""
        ...

    async def stats(self) -> Stats:
        """Count the jobs, in a snapshot of its own: other reads do not wait for it."""
        ...

    async def under_way(self, *, owner: str, limit: int) -> Sequence[Batch | Job]:
        """Return an owner's unfinished batches, then jobs outside any, that are not paused."""
        ...

    async def keyed(
        self, ranges: Sequence[tuple[str, str]], *, owner: str, limit: int
    ) -> Sequence[Job]:
        """Return an owner's jobs whose dedup key lies in one of these ranges, newest first.

        Each range is from the first text up to but not with the second. Ended jobs count, too.
        """
        ...

    async def work_before(self, *, now: float, horizon_s: float) -> bool:
        """Whether anything is pending, processing, or due within `horizon_s`."""
        ...

    async def announce(self, host: Host, *, now: float) -> Host:
        """Record that a process lives, and return its row with what others want of it."""
        ...

    async def withdraw(
        self, host_id: str, *, unless_work_within_s: float | None, now: float
    ) -> bool:
        """Delete a process's row. With `unless_work_within_s`, only if no work is due (R26)."""
        ...

    async def hosts(self, *, seen_after: float) -> Sequence[Host]:
        """Return the processes that announced themselves since."""
        ...

    async def ask(self, host_id: str, wanted: str) -> None:
        """Ask something of another process."""
        ...

    @property
    def version(self) -> int:
        """How many commits, of this process or another, were noticed so far."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why nothing could be stored of late by this process; `None` once something was."""
        ...

    def arriving(self, notice: Callable[[], None]) -> AbstractContextManager[None]:
        """Have `notice` called while entered, whenever this process is about to store ready jobs.

        What is asked of the store before the event loop comes round again may share their
        transaction: who claims then has the jobs a commit earlier. They may yet be refused.
        """
        ...

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float | None = None
    ) -> bool:
        """Wait until `version` is past `since`; False: the time ran out first.

        Commits of other processes are looked for every `poll_s`, if that is given. Take `version`
        before you read, and no commit after your read goes unnoticed.
        """
        ...
