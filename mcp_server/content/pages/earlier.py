"""Which earlier bytes of a page's file a rollback may put back: those before our last writes. Pure.

A batch may write a page several times, as its changes land before or after an export begins. So
what counts is what stood there before a batch first wrote it, however often it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from mcp_server.entities.page_files import PageVersion

BATCHES_MAX = 8
"""Batches, one after the other, whose writes a rollback may take back at once."""
STANDING_MAX = 4
"""The same of those that no other has taken back since: there may be many between them."""
WRITES_MAX = 6
"""Single writes that may be taken back: with those of its batch before them, they are its rest."""


LAST_MAX = 4
"""Writes, and batches that wrote, that a rollback looks through in a file that others have changed;
nearly always it is the last."""


class Undoable(NamedTuple):
    """Writes to take back of a file that somebody has changed since: hashes of bytes."""

    writes: Sequence[tuple[str, str]] = ()
    """What each replaced and left, newest first; those of one batch together, too."""
    since: str | None = None
    """What stood there when the batch that wrote last began; only we have written since."""


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


def undoable(kept: Sequence[PageVersion], hash: str | None) -> Undoable:
    """Return which writes may be taken back of a file that somebody has changed since them.

    None where nobody has: its earlier bytes are put back.
    """
    written = [each for each in kept if each.kind == "after"]
    steps = list(islice(_steps(kept, hash), len(written)))
    if hash is None or len(steps) >= min(len(written), LAST_MAX):
        return Undoable()
    found: dict[tuple[str, str], None] = {}
    for write in written[:LAST_MAX]:
        if write.before is not None and write.hash is not None:
            found[write.before, write.hash] = None
    for write, first in islice(_together(written), LAST_MAX):
        if first.before is not None and write.hash is not None:
            found[first.before, write.hash] = None
    latest = list(takewhile(lambda step: step.batch == steps[0].batch, steps))
    return Undoable(list(found), latest[-1].hash if latest else None)


def _together(written: Sequence[PageVersion]) -> Iterator[tuple[PageVersion, PageVersion]]:
    """Yield the last and the first write of each batch, where each followed the one before."""
    last = first = None
    for write in written:
        follows = first is not None and first.before is not None and first.before == write.hash
        if last is not None and first is not None:
            if follows and write.batch_id is not None and write.batch_id == last.batch_id:
                first = write
                continue
            yield last, first
        last = first = write
    if last is not None and first is not None:
        yield last, first


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
