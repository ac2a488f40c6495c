"""What jobs of one key are to each other: who is left out, who joins, who takes whose place.

With dedup `skip` a key belongs to one job, and a later one is left out. With `coalesce` and
`replace` a key is shared: of it at most one job waits, and at most one runs. A later job joins the
one that waits (`coalesce`) or takes its place (`replace`), and all batches that asked wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from mcp_server.jobs.job import Dedup, JobState, NewJob

T = TypeVar("T")

SHARED = frozenset({Dedup.COALESCE, Dedup.REPLACE})
"""What makes jobs of one key share it."""

WAITING = frozenset({JobState.SCHEDULED, JobState.PENDING, JobState.PAUSED})
"""States of a job that waits: of a shared key only one job may be in any of them."""

JOINED = "joined"
"""The code of a job whose work another of its key does."""

JOINED_REASON = "another job of the same key does this work"


def own_key(dedup: str, key: str | None) -> str | None:
    """Return the key that a job has to itself."""
    return key if dedup == Dedup.SKIP else None


def shared_key(dedup: str, key: str | None) -> str | None:
    """Return the key that a job shares."""
    return key if dedup in SHARED else None


def not_repeated(jobs: Iterable[T], keys: Iterable[str | None], held: Collection[str]) -> list[T]:
    """Leave out jobs whose own key (one of `keys` each) is held, by others or one before them."""
    taken, kept = set(held), list[T]()
    for job, key in zip(jobs, keys, strict=True):
        if key is None or key not in taken:
            kept.append(job)
        if key is not None:
            taken.add(key)
    return kept


def merged(jobs: Sequence[tuple[str, NewJob]]) -> list[tuple[str, NewJob]]:
    """Return what is left of jobs (with their ids) where those of a shared key become one.

    It keeps the place and the id of the first, and is counted if that one was.
    """
    if not any(job.dedup in SHARED for _, job in jobs):  # as in nearly all large batches
        return list(jobs)
    left: list[tuple[str, NewJob]] = []
    places: dict[str, int] = {}
    for id, job in jobs:
        key = shared_key(job.dedup, job.dedup_key)
        if key is None:
            left.append((id, job))
        elif key not in places:
            places[key] = len(left)
            left.append((id, job))
        elif job.dedup is Dedup.REPLACE:
            first_id, first = left[places[key]]
            left[places[key]] = (first_id, job._replace(counted=first.counted))
    return left


def takes_place(dedup: str, *, created_at: float, other_created_at: float) -> bool:
    """Whether a job that must wait takes the place of the other of its key that waits already.

    Of two that replace each other, the work of the one that was handed in last is done.
    """
    return dedup == Dedup.REPLACE and created_at > other_created_at


def handed_in_at(now: float, *earlier: float | None) -> float:
    """Return when a job counts as handed in: not before others of its key that were there already.

    The clock may have been set back since; an earlier job must not pass for the later one.
    """
    return max([now, *(at for at in earlier if at is not None)])


def heirs(batches: Sequence[int], *, other_waits: bool) -> tuple[int | None, Sequence[int]]:
    """Return who gets a cancelled job's work for its own, if anybody, and who waits for it.

    `batches` are those that waited for the job and go on. Where another job of its key waits, all
    of them wait for that one; else the first gets a job that does the same.
    """
    if other_waits or not batches:
        return None, batches
    return batches[0], batches[1:]
