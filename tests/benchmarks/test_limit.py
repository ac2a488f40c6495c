"""The limit is worth its name only while it changes the rows that the queue changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.benchmarks import limit, pressroom
from tests.benchmarks.place import Place

JOBS = 30
COUNTERS = "SELECT total, completed, failed, cancelled, outstanding FROM rounds"
CHANGED = "SELECT value > 0 FROM counters ORDER BY name"
JOB_COLUMNS_OF_OUR_OWN = {"job_id", "attempt_id", "worker_id"}


@pytest.mark.anyio
async def test_the_bare_loop_leaves_the_rows_that_the_queue_leaves(tmp_path: Path) -> None:
    """Drained by either, jobs, counters and change number hold the same."""
    places = [Place(folder=tmp_path / name, durability="NORMAL") for name in ("limit", "pressroom")]
    for place, open_queue in zip(places, (limit.open_queue, pressroom.open_queue), strict=True):
        place.folder.mkdir()
        async with open_queue(place) as queue:
            await queue.enqueue_many(JOBS)
            await queue.drain(JOBS, 10)
    bare, full = (_left(place.file) for place in places)
    assert bare == full


def _left(path: Path) -> list[object]:
    """Return what is in the file, times and ids as whether there are any."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        jobs = [_shape(row) for row in connection.execute("SELECT * FROM jobs ORDER BY id")]
        counters = [tuple(row) for row in connection.execute(COUNTERS)]
        changed = [tuple(row) for row in connection.execute(CHANGED)]
    return [jobs, counters, changed]


def _shape(row: sqlite3.Row) -> dict[str, object]:
    return {
        key: row[key] is not None
        if key in JOB_COLUMNS_OF_OUR_OWN or key.endswith("_at")
        else row[key]
        for key in row.keys()  # noqa: SIM118 -- a row iterates over its values
    }
