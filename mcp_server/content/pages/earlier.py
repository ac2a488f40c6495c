"""Which earlier bytes of a page's file a rollback may put back: those before our last writes. Pure.

A batch may write a page several times, as its changes land before or after an export begins. So
what counts is what stood there before a batch first wrote it, however often it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from mcp_server.entities.page_files import PageVersion

BATCHES_MAX = 8
"""Batches, one after the other, whose writes a rollback may take back at once."""
STANDING_MAX = 4
"""The same of those that no other has taken back since: there may be many between them."""
WRITES_MAX = 6
"""Single writes that may be taken back: with those of its batch before them, they are its rest."""


class _Step(NamedTuple):
    """One write of ours, going back: what it had replaced, for which batch."""

    hash: str | None
    batch: str | None


def earlier_hashes(kept: Sequence[PageVersion], hash: str | None) -> Sequence[str]:
    """Return the hashes of the bytes to try, those that were replaced last first.

    `kept`: what was kept of the page, newest first. `hash`: of its file now; of one that is not
    there, the first returned is what it was last. It goes as far back as nobody else has changed
    the file in between.
    """
    steps = list(_steps(kept, hash))
    begun = {
        n
        for n, step in enumerate(steps)
        if n + 1 == len(steps) or step.batch is None or steps[n + 1].batch != step.batch
    }
    standing = [n for n in _standing([hash, *(step.hash for step in steps)]) if n in begun]
    found = {
        *islice(_distinct(steps, sorted(begun)), BATCHES_MAX),
        *islice(_distinct(steps, standing), STANDING_MAX),
        *islice(_distinct(steps, range(len(steps))), WRITES_MAX),
    }
    hashes = dict.fromkeys(steps[n].hash for n in sorted(found))
    return [each for each in hashes if each is not None and each != hash]


def _steps(kept: Sequence[PageVersion], hash: str | None) -> Iterator[_Step]:
    """Yield our writes that led to this file, going back, each before the one that it followed."""
    position = 0
    while position < len(kept):
        newest = kept[position]
        if hash is None and newest.hash is not None:  # somebody has taken the file away
            hash = newest.hash
            yield _Step(hash, None)
        found = range(position, len(kept))
        n = next((n for n in found if kept[n].kind == "after" and kept[n].hash == hash), None)
        if n is None:
            return
        hash, position = kept[n].before, n + 1
        yield _Step(hash, kept[n].batch_id)


def _standing(hashes: Sequence[str | None]) -> Iterator[int]:
    """Yield the steps back that are left without those that were taken back in between."""
    oldest = {hash: n for n, hash in enumerate(hashes)}
    n = oldest[hashes[0]]
    while n + 1 < len(hashes):
        yield n  # the step from there to the one before it
        n = oldest[hashes[n + 1]]


def _distinct(steps: Sequence[_Step], chosen: Iterable[int]) -> Iterator[int]:
    seen: set[str | None] = {None}
    for n in chosen:
        if steps[n].hash not in seen:
            seen.add(steps[n].hash)
            yield n
