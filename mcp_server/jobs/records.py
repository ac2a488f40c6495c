"""What the queue and its storage hand each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mcp_server.jobs.job import Attempt, Batch, Job, JobState, Json, NewJob, Origin, Step
from mcp_server.jobs.retry import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A key that the caller made up, and what it stands for; with another digest it is refused."""

    key: str
    digest: str


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
    """The same key while a batch is unfinished answers that batch."""
    request: Request | None = None
    """The same request within 24 hours answers the same batch."""
    effects: tuple[object, ...] = ()
    """Applied in the submitting transaction, before anything is queued."""
    cancels: tuple[str, int] | None = None
    """Batch to cancel in the same transaction, if its change number is still this one."""
    details: Json = field(default_factory=dict[str, Any])
    """What the caller wants to read again later; opaque."""
    about: str | None = None
    """The batch that this one is about, such as the one it takes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What became of a submitted batch.

    `batch` is `None` where every job was held by others. `stale` means that the batch to be
    cancelled has moved on since it was looked at: nothing was done, plan again.
    """

    batch: Batch | None
    duplicate: bool = False
    held: Mapping[str, Batch | None] = field(default_factory=dict[str, Batch | None])
    """By dedup key, the unfinished batch that holds it (`None`: none, or one that is not told)."""
    conflict: str | None = None
    """Why an effect could not be applied; nothing was done."""
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker asks for: ready jobs for its free lanes, of what it can run."""

    id: str
    """A new one each time: the ids of its attempts begin with it."""
    worker_id: str
    limit: int
    """How many at most: one for each free lane."""
    kinds: Collection[str]
    abilities: Collection[str]
    lease_s: float
    ahead: int = 0
    """How many more at most, of quick kinds only: they wait for their lane in the worker."""
    quick_kinds: Collection[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    """Of a kind at most so many run at once, whoever runs them; other kinds are not limited."""
    holds_nothing: bool = False
    """Whether the worker holds nothing else: then it may be given a suspect, and nothing beside."""


class Report(NamedTuple):
    """How an attempt ended, to be recorded."""

    attempt: Attempt
    verdict: Verdict
    step: Step | None = None
    """How far it had come, where that was not recorded yet."""


class Exchange(NamedTuple):
    """What became of reports and of a claim."""

    recorded: Sequence[Verdict | Exception]
    """For each report what was stored, or why nothing was: `LostClaim` where it belongs to another
    attempt by now, and anything else where its effects or its result are not what can be stored."""
    attempts: Sequence[Attempt]
    version: int
    """The store's `version` with this step: what is committed later is another."""


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
    """Age of the oldest job that is due and that nobody works on."""
    last_claim_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How many jobs there are, those that were not pruned."""

    jobs: Mapping[JobState, int]
    """By state; zeros where there are none."""
    kinds: Mapping[str, Mapping[JobState, int]]
    """By kind and state, less the completed ones, and only where there are some."""

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


def lack_of(ability: str) -> Lack:
    """Say it by the ability's name alone; whoever opens the queue may know better words."""
    return Lack(f"what it needs ({ability})", "Provide it")


class Cursor(NamedTuple):
    """How far a subscriber has come: he is told of what lies beyond it.

    He is never told of what was over before he subscribed.
    """

    change: int
    """Changes of batches up to this one are known."""
    order: int
    """Jobs outside any batch up to this one are known, but for `jobs`."""
    began: int
    """The newest change when he subscribed."""
    complete: int
    """The change up to which all is known: `change`, unless there was more."""
    under_way: int | None = 0
    """Of the batches that were under way then, those up to this `Batch.order` are known.

    `None`: all are.
    """
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
