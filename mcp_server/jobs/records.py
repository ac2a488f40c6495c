"""The values that pass between the queue and its storage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mcp_server.jobs.job import Attempt, Batch, Job, JobState, Json, NewJob, Origin, Step
from mcp_server.jobs.retry import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request key that the caller made up, and a digest of the call that it was first used for.

    The same key with another digest is refused.
    """

    key: str
    digest: str


WrittenBy = Mapping[str, str]
"""Which batch and job done at once a change is written by: `batch_id` and `job_id`."""


class DoneAtOnce(NamedTuple):
    """A job that the submitting transaction does itself, by applying its effects."""

    id: str
    job: NewJob
    result: Json
    effects: Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """The jobs of one call, handed in together. `id` and the job ids are made by the caller."""

    id: str
    kind: str
    origin: Origin
    jobs: Sequence[tuple[str, NewJob]]
    """Pairs of job id and job."""
    terms: Json = field(default_factory=dict[str, Any])
    submit_key: str | None = None
    """While a batch with this key is unfinished, that batch is answered and nothing is stored."""
    request: Request | None = None
    """The same request within 24 hours answers the same batch."""
    spends: Request | None = None
    """What may be handed in once: whoever hands it in again, with the same request, gets the batch
    of the first time."""
    at_once: Sequence[DoneAtOnce] = ()
    """Jobs that are done by the submitting transaction: all of them, or nothing is stored. They may
    not share keys; a key that others hold is a refusal of the whole."""
    effects: tuple[object, ...] = ()
    """Applied in the submitting transaction, before anything is queued."""
    cancels: tuple[str, int] | None = None
    """Batch to cancel in the same transaction, and the change number it must still have."""
    details: Json = field(default_factory=dict[str, Any])
    """Stored for the caller to read again later; opaque to the queue."""
    about: str | None = None
    """The batch that this one is about, such as the one it takes back."""
    left_out: Sequence[tuple[str, str]] = ()
    """Subjects that no job was made for, each with the reason; kept in the batch's record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The result of submitting a batch.

    `batch` is `None` where every job was held by others, or one that was to be done at once.
    `stale` means that the batch to be cancelled has moved on since it was looked at: nothing was
    done, plan again.
    """

    batch: Batch | None
    duplicate: bool = False
    held: Mapping[str, Batch | None] = field(default_factory=dict[str, Batch | None])
    """By dedup key, the unfinished batch that holds it. `None`: a job outside any batch holds it,
    or a batch that the caller may not see."""
    conflict: str | None = None
    """Why an effect could not be applied; nothing was done."""
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of effects outside any job: all were applied, or it says why none was."""

    held: Mapping[str, Batch | None] = field(default_factory=dict[str, Batch | None])
    """As `Submission` has it: those of the keys that had to be free and are not."""
    conflict: str | None = None
    """Why an effect could not be applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker's request for ready jobs that it can run, for its free lanes."""

    id: str
    """New for each claim; the ids of the claim's attempts begin with it."""
    worker_id: str
    limit: int
    """How many at most: one for each free lane."""
    kinds: Collection[str]
    abilities: Collection[str]
    lease_s: float
    ahead: int = 0
    """How many more at most, of quick kinds only; they wait inside the worker for a free lane."""
    quick_kinds: Collection[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    """By kind, how many of its jobs may run at once over all workers; other kinds have no limit."""
    holds_nothing: bool = False
    """Whether the worker has no other job. Only then may it be given a suspect (a job that several
    workers died with), and only that one job."""


SKIPPED = "skipped"
"""In a record, the state of what was left out while the batch was planned, and was never a job."""


class Recorded(NamedTuple):
    """What became of one job of a batch, or what was left out of the batch."""

    subject: str
    state: str
    """A job's state, or `SKIPPED`."""
    counted: bool
    round: int
    """The round in which it was worked on last."""
    code: str | None = None
    reason: str | None = None
    id: str | None = None
    """The job's id as long as the job is there."""


class Tally(NamedTuple):
    """How many batches of one kind there are, and how many jobs of theirs have done something."""

    kind: str
    batches: int
    done: int


class Report(NamedTuple):
    """How an attempt ended, to be recorded."""

    attempt: Attempt
    verdict: Verdict
    step: Step | None = None
    """Its newest progress, if that was not recorded yet."""


class Exchange(NamedTuple):
    """The result of reporting ends and claiming jobs."""

    recorded: Sequence[Verdict | Exception]
    """For each report what was stored, or why nothing was: `LostClaim` where the job belongs to
    another attempt by now, another error where its effects or its result cannot be stored."""
    attempts: Sequence[Attempt]
    version: int
    """The last `version` of the store that this exchange is certain to include. Later commits may
    have landed while it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What a cancellation found: jobs stopped while running, never started, and done before."""

    batch: Batch | None
    stopped: int
    dropped: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far behind the queue is (`None`: nothing is due, nothing was claimed yet)."""

    oldest_due_s: float | None
    """Age of the oldest job that is due and not claimed."""
    last_claim_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How many jobs are stored; pruned ones are not counted."""

    jobs: Mapping[JobState, int]
    """By state; zeros where there are none."""
    kinds: Mapping[str, Mapping[JobState, int]]
    """By kind and state, without the completed ones and without zeros."""

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self.jobs.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A process that takes part: a server, or the worker."""

    id: str
    role: str
    """`server` or `worker`."""
    pid: int
    version: str
    abilities: frozenset[str]
    details: Json = field(default_factory=dict[str, Any])
    seen_at: float = 0.0
    wanted: str | None = None
    """What others ask of it: `drain`, or nothing."""


class Lack(NamedTuple):
    """What to say of an ability that no worker has."""

    what: str
    """As in "no worker has …"."""
    advice: str
    """How it is provided: the beginning of a sentence."""


def unrun(kind: str) -> str:
    """Return what to say of due jobs of a kind that nothing runs."""
    return f"Jobs of kind {kind} are due, and nothing here runs them: is their plugin installed?"


def lack_of(ability: str) -> Lack:
    """Name the ability as it is stored: the default, where the application has no better words."""
    return Lack(f"what it needs ({ability})", "Provide it")


class Cursor(NamedTuple):
    """How far a subscriber has come: he is told of what lies beyond it.

    He is never told of what was over before he subscribed.
    """

    change: int
    """Batch changes up to this change number were told."""
    order: int
    """Jobs outside any batch up to this `Job.order` were told, apart from those in `jobs`."""
    began: int
    """The newest change when he subscribed."""
    complete: int
    """Everything up to this change number was told. Equals `change`, unless there was more to tell
    than one read returns."""
    under_way: int | None = 0
    """Paging cursor (a `Batch.order`) over the batches that were unfinished when listening began;
    `None` when all of them were told."""
    jobs: tuple[int, ...] = ()
    """Jobs outside any batch that were under way when he subscribed, by their `Job.order`."""


class Question(NamedTuple):
    """What a subscriber asks of the store: what became of operations beyond his cursor."""

    cursor: Cursor
    known: Mapping[int, JobState | None]
    """Jobs by their `order`, and in which state he knows them (`None`: not yet). He is told of
    those that are in another state by now, or run."""
    owner: str | None = None
    """Whose operations; `None`: everybody's."""
    only: Collection[str] | None = None
    """Of batches only these, and of jobs only the known ones."""


class Updates(NamedTuple):
    """What became of operations, and from where to ask the next time."""

    batches: Sequence[Batch]
    """Those that changed, with their running jobs and first failures, oldest change first. Before
    them each earlier round that has ended, as it was at its end; while there is more, some come
    again."""
    jobs: Sequence[Job]
    """Jobs outside any batch that are new, and known ones that run or are in another state."""
    gone: Collection[int]
    """Of the known ones, those that were pruned."""
    cursor: Cursor
    more: bool
    """Whether there is more already."""
    damaged: str | None = None
    """Why some operation cannot be told of: somebody else has changed its row."""
