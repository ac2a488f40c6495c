"""The storage protocol of the queue. Each method is one transaction.

Defined here, implemented in `storage`; nothing of SQL shows. Every write on behalf of an attempt
carries the attempt id, and an attempt that lost its claim changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from mcp_server.jobs.job import Attempt, Batch, Job, JobState, Json, NewJob, Origin, Step
from mcp_server.jobs.records import (
    Applied,
    Cancelled,
    Claim,
    Cursor,
    Exchange,
    Host,
    Lag,
    NewBatch,
    Question,
    Recorded,
    Report,
    Request,
    Stats,
    Submission,
    Tally,
    Updates,
)


class JobStore(Protocol):
    """Durable jobs and batches. Times are seconds since the epoch, handed in by the caller."""

    async def submit(self, batch: NewBatch, *, now: float) -> Submission:
        """Store a batch with all its jobs and its duplicate keys, or find the one it repeats."""
        ...

    async def apply(
        self, effects: Sequence[object], *, free: Collection[str], now: float
    ) -> Applied:
        """Apply effects outside any job, unless an unfinished job holds one of the keys in `free`.

        All are applied, or none: each has to find what it expects.
        """
        ...

    async def enqueue(
        self,
        id: str,
        job: NewJob,
        *,
        origin: Origin,
        effects: Sequence[object] = (),
        now: float,
    ) -> tuple[str, bool]:
        """Store a job outside any batch; return its id, and whether a job was added.

        If another job holds its dedup key, no job is added and the holder's id is returned; with
        `replace`, the holder has taken over what this job is to do. The effects are applied with
        it, or nothing is done.

        Raises:
            Overtaken: an effect does not find what it expects.
        """
        ...

    async def exchange(
        self, reports: Sequence[Report], claim: Claim | None, *, now: float
    ) -> Exchange:
        """Record how attempts ended, then claim ready jobs, by priority and then age.

        All of it is one transaction. For each report, effects, job state, batch counters and change
        number are written together. If an effect does not find what it expects, none is applied and
        the job fails with `conflict`. An attempt that reports twice gets what is stored. A report
        that cannot be recorded is answered with the error, and the others are recorded all the
        same. A claimed attempt counts as started: if it is lost from here on, that is a crash,
        unless it was claimed ahead and still waited for its lane.
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
        """Apply effects while the attempt goes on; return the conflict if one does not apply.

        For facts that must be stored before something outside the database is changed.

        Raises:
            LostClaim: the job belongs to another attempt now.
        """
        ...

    async def note_started(self, attempts: Mapping[str, float]) -> None:
        """Record when attempts that were claimed ahead began; losing one now counts as a crash."""
        ...

    async def give_back(self, attempt_ids: Collection[str], *, now: float) -> None:
        """Return claimed jobs to the queue as if they had never been claimed."""
        ...

    async def rescue(
        self, *, now: float, except_worker: str | None, crashes_max: int, limit: int
    ) -> int:
        """Put jobs whose worker is gone back into the queue; return how many.

        With `except_worker`, all attempts of other workers count as lost: the caller holds the
        worker's lock, so no other lives. Without it, those whose lease ran out. A started attempt
        counts as a crash; after more than `crashes_max` crashes the job fails with `crashed`.
        """
        ...

    async def release_due(self, *, now: float, limit: int) -> int:
        """Make scheduled jobs that are due ready to be claimed; return how many."""
        ...

    async def next_due(self) -> float | None:
        """Return when the next scheduled job becomes due."""
        ...

    async def unclaimable(
        self, *, kinds: Collection[str], abilities: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """Return, by missing ability, the ids of the batches whose ready jobs need it.

        The list of an ability is empty if only jobs outside any batch need it.
        """
        ...

    async def unknown_kinds(self, kinds: Collection[str]) -> Sequence[str]:
        """Return the kinds of ready jobs that are not among these."""
        ...

    async def pause(self, batch_id: str, reason: str) -> None:
        """Pause a batch: waiting jobs are paused, running ones go on to their end.

        Of a large batch the jobs follow (see `follow`); none is claimed meanwhile.
        """
        ...

    async def cancel_batch(self, batch_id: str, *, reason: str, now: float) -> Cancelled:
        """Cancel every unfinished job. Running attempts lose their claim at once.

        Of a large batch the jobs follow (see `follow`); batch and jobs read as cancelled at once.
        """
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
        """Queue again the jobs of a batch that failed, were cancelled or are paused.

        Counted jobs that failed with a code in `leave_out` stay as they are. A paused batch goes on
        with its round, an ended one opens the next. `terms` replace those of the round (`None`
        keeps them), `requires` replaces the ability that the counted jobs need. Of a large batch
        they come in by steps, a transaction each; after a crash between two, `follow` goes on.
        """
        ...

    async def follow(self, *, now: float) -> bool:
        """Let the next jobs, a bounded number, follow what was said of their batch.

        Return whether any were to; call it until none are.
        """
        ...

    async def remember(self, request: Request, batch_id: str, *, owner: str, now: float) -> None:
        """Remember which batch a request was answered with, if it did not submit that batch."""
        ...

    async def requested(self, request: Request, *, owner: str, now: float) -> Batch | None:
        """Return the batch that this request was answered with within the last 24 hours.

        Raises:
            InvalidPayload: the key was used for something else.
        """
        ...

    async def spent(self, request: Request, *, owner: str) -> Batch | None:
        """Return the batch that this request has spent what it hands in for, `None` if none has.

        Raises:
            InvalidPayload: another request has, or another owner.
        """
        ...

    async def batch(
        self, batch_id: str, *, running: bool = False, failures: bool = False
    ) -> Batch | None:
        """Return a batch, where asked with what it works on or waits for, and first failures."""
        ...

    async def batches(
        self,
        *,
        owner: str | None,
        active: bool | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Batch]:
        """Return batches of an owner (`None`: of everybody), newest first, with their running jobs.

        `active` True: the unfinished ones; False: the ended ones; `before`: older than this
        `Batch.order` only.
        """
        ...

    async def batches_since(
        self,
        since: float,
        *,
        owner: str | None,
        ids: Collection[str] | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Batch]:
        """Return batches that have ended since then, or have not ended, newest first.

        With `ids` only these; `before` and `owner` as for `batches`.
        """
        ...

    async def tallies(
        self, since: float, *, owner: str | None, ids: Collection[str] | None = None
    ) -> Sequence[Tally]:
        """Return how many `batches_since` then there are of each kind, and what they have done."""
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

    async def record(
        self,
        batch_id: str,
        *,
        states: Collection[str] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Recorded]:
        """Return what became of a batch's jobs, also of those that were pruned, as `jobs` orders.

        Behind them what was left out while the batch was planned, with the state `SKIPPED`.
        """
        ...

    async def job(self, job_id: str) -> Job | None:
        """Return a job."""
        ...

    async def newest_with_key(self, dedup_key: str) -> Job | None:
        """Return the job with this key that was stored last, ended or not; of any owner."""
        ...

    async def alone(
        self, *, owner: str | None, active: bool, before: int | None = None, limit: int
    ) -> Sequence[Job]:
        """Return an owner's (`None`: everybody's) jobs outside any batch, newest first.

        Everybody is whoever asks for work: what Pressroom does by itself (`OURS`) is found by its
        id only. `active` True: the unfinished ones; False: the ended ones that were not pruned;
        `before`: older than this `Job.order` only.
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
        """Delete at most `limit` old finished jobs (R18); return how many, 0 when none are left.

        The completed jobs of a completed batch go if the batch ended before `completed_before`, its
        other jobs if it ended before `ended_before`. Batches and rounds stay. The rows read per
        call are bounded, however many jobs and batches are kept.
        """
        ...

    async def forget_requests(self, *, now: float, limit: int) -> int:
        """Delete at most `limit` requests that have expired; return how many."""
        ...

    async def shrink(self) -> bool:
        """Give some room that nothing uses back to the disk, a bounded amount.

        Return whether there was any; call it until there is none.
        """
        ...

    async def claimable(self, *, kinds: Collection[str], abilities: Collection[str]) -> bool:
        """Whether a job is ready that a worker of these kinds and abilities could run."""
        ...

    async def lag(self, *, now: float) -> Lag:
        """Return how far behind the queue is. Takes the same time however many jobs there are."""
        ...

    async def stats(self) -> Stats:
        """Count the jobs, on a connection of its own so that other reads need not wait."""
        ...

    async def under_way(self, *, owner: str | None, limit: int) -> Sequence[Batch | Job]:
        """Return an owner's (`None`: everybody's) unfinished batches, then jobs outside any.

        Paused ones are left out, and what is Pressroom's own: see `alone`.
        """
        ...

    async def keyed(
        self, ranges: Sequence[tuple[str, str]], *, owner: str | None, limit: int
    ) -> Sequence[Job]:
        """Return an owner's jobs whose dedup key lies in one of these ranges, newest first.

        A range includes its first text and excludes its second. Keys are paths: one that has a
        further `/` behind the first text of its range is of another folder, and left out. Ended
        jobs are included.
        """
        ...

    async def work_before(self, *, now: float, horizon_s: float) -> bool:
        """Whether anything is pending, processing, or due within `horizon_s`."""
        ...

    async def announce(self, host: Host, *, now: float) -> Host:
        """Record that a process is alive; return its row, with `wanted` as others have set it.

        Where `now` is long before what was written down last (the machine's clock was set back),
        what was stored as due later, and the leases, are set back as far.
        """
        ...

    async def withdraw(
        self, host_id: str, *, unless_work_within_s: float | None, now: float
    ) -> bool:
        """Delete a process's row. With `unless_work_within_s`, only if no work is due (R26)."""
        ...

    async def hosts(self, *, seen_after: float) -> Sequence[Host]:
        """Return the processes that announced themselves after this time."""
        ...

    async def ask(self, host_id: str, wanted: str) -> None:
        """Set `wanted` on another process's row."""
        ...

    @property
    def version(self) -> int:
        """How many commits, of this process or another, were noticed so far."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why nothing, or not everything, could be stored of late by this process.

        It is `None` again once that is over, as far as is known.
        """
        ...

    def arriving(self, notice: Callable[[], None]) -> AbstractContextManager[None]:
        """While entered, call `notice` whenever this process is about to store ready jobs.

        A claim made right then, before the event loop's next turn, may share their transaction and
        so get the jobs one commit earlier. The jobs may still be refused.
        """
        ...

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float | None = None
    ) -> bool:
        """Wait until `version` is past `since`; False: the time ran out first.

        Commits of other processes are looked for every `poll_s`, if that is given. Read `version`
        before you read anything else, so that a commit in between is not missed.
        """
        ...
