"""How long a search of many sections takes, and how much memory, beside numpy and FTS5 alone.

    python -m tests.benchmarks.search.large 100000
    uv run --group bench python -m tests.benchmarks.search.large 100000    # beside sqlite-vec, too

Texts and vectors are drawn by lot, with words as rare as those of a language are. The questions
are of two to four such words. They are asked in turns: in this process, and as calls of the tool of
a server that is a process of its own, by a client over its pipes.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from mcp_server.app.services import health_of, services_of
from mcp_server.content.actions.searched import SearchCall
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import Origin
from mcp_server.meaning.numbers import numpy
from mcp_server.meaning.words import words_of
from mcp_server.progress.stream import Events
from tests.benchmarks.memory import memory_kb
from tests.benchmarks.partners import no_worker
from tests.benchmarks.search.stored import store
from tests.benchmarks.sites import SECTIONS_PER_PAGE, site_of
from tests.harness import Desk
from tests.promises.moves import parts_of
from tests.wire import over_stdio, query

np = numpy()  # on one core, as in the product
WIDTH = 512
WORDS = 90
QUESTIONS = 200
AT_ONCE = 1_000
DECLARED = 10_000
"""Sections that site.yaml names, which may have a megabyte. The others are stored all the same."""
NEAREST = 50
ALONE = "numpy and FTS5 alone"
ME = Origin(owner="bench", interface="test")

Way = Callable[[int, str], Awaitable[None]]
"""Takes the number of a vector to look for, and a question."""


def vocabulary(draw: Any) -> tuple[list[str], Any]:
    """Return 60,000 made-up words, and how often each is used."""
    parts = [f"{c}{v}" for c in "bcdfghjklmnprstvwz" for v in "aeiou"] + ["st", "er", "en", "ung"]
    sizes: list[int] = draw.choice((2, 3, 3, 4, 5), size=120_000).tolist()
    drawn: list[list[int]] = draw.integers(len(parts), size=(len(sizes), 5)).tolist()
    made = {
        "".join(parts[each] for each in row[:size]) for row, size in zip(drawn, sizes, strict=True)
    }
    words: list[str] = sorted(made)[:60_000]
    draw.shuffle(words)
    often: Any = 1 / np.arange(1, len(words) + 1) ** 0.95
    return words, often / often.sum()


def _text_of(words: Sequence[str], chosen: Sequence[int]) -> str:
    return " ".join(words[each] for each in chosen)


async def main(count: int) -> None:
    """Print the figures."""
    draw: Any = np.random.default_rng(7)
    words, often = vocabulary(draw)
    numbers: Any = draw.standard_normal((count, WIDTH), dtype=np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    questions: list[str] = [
        _text_of(words, draw.choice(len(words), size=draw.integers(2, 5), p=often).tolist())
        for _ in range(QUESTIONS)
    ]
    with TemporaryDirectory() as folder:
        root = site_of(Path(folder) / "site", min(count, DECLARED), embedder="local")
        async with parts_of(root) as parts:
            for first in range(0, count, AT_ONCE):
                rows = range(first, min(count, first + AT_ONCE))
                drawn = draw.choice(len(words), size=(len(rows), WORDS), p=often)
                texts = [
                    _text(n, _text_of(words, row).split())
                    for n, row in zip(rows, drawn.tolist(), strict=True)
                ]
                await store(parts, texts, [numbers[n].tobytes() for n in rows])
        async with AsyncExitStack() as stack:
            ways = await _ways(stack, root, numbers)
            taken = await _asked(ways, questions)
    print(f"{count:,} sections, {QUESTIONS} questions: p50 and p95 in ms")
    alone = _ranks(taken[ALONE])
    for name, times in taken.items():
        p50, p95 = _ranks(times)
        print(f"  {name:32} {p50:8.1f} {p95:8.1f}   {p50 / alone[0]:5.2f} {p95 / alone[1]:5.2f}")


async def _ways(stack: AsyncExitStack, root: Path, numbers: Any) -> Mapping[str, Way]:
    """Return what a question can be asked, by name."""
    connection = stack.enter_context(closing(sqlite3.connect(root / ".pressroom" / "pressroom.db")))
    ways: dict[str, Way] = {ALONE: partial(_alone, connection, numbers)}
    if (vec := _sqlite_vec(numbers)) is not None:
        ways["sqlite-vec and FTS5 alone"] = partial(_with_vec, connection, vec, numbers)
    await stack.enter_async_context(no_worker(root))
    parts = await stack.enter_async_context(parts_of(root))
    health = health_of(parts, "detached", StopMark(parts.state_folder))
    search = services_of(parts, Events(parts.hub, parts.clock), health).content.search

    async def in_process(_: int, question: str) -> None:
        await search(SearchCall(query=question, limit=10), ME)

    ways["search, in this process"] = in_process
    for name, embedder in (("the tool search", "local"), ("the tool, by words only", "words")):
        desk = await stack.enter_async_context(over_stdio(root, PRESSROOM_EMBEDDER=embedder))
        ways[name] = partial(_call, desk)
        if embedder == "local":
            await _say_memory(desk, numbers.nbytes)
    ways["the tool status"] = partial(_status, desk)
    return ways


async def _say_memory(desk: Desk, vectors: int) -> None:
    """Print by how much a server grows with the first search among all, by the vectors."""
    await desk.call("search", query="the model is loaded", type="fact")
    pids = [row[0] for row in query(desk.root, "SELECT pid FROM hosts WHERE role = 'server'")]
    [pid] = [pid for pid in pids if pid != os.getpid() and memory_kb(pid)]
    before = memory_kb(pid)
    await desk.call("search", query="warm")
    grown = (memory_kb(pid) - before) * 1024
    print(
        f"memory of the server above that with its embedder: {grown / vectors:.2f} of the vectors"
    )


async def _asked(ways: Mapping[str, Way], questions: Sequence[str]) -> Mapping[str, list[float]]:
    """Return what each question takes in each way, in ms."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        await way(0, questions[0])
    for number, question in enumerate(questions):
        for name, way in ways.items():
            begun = time.perf_counter()
            await way(number, question)
            taken[name].append(1000 * (time.perf_counter() - begun))
    return taken


def _ranks(times: Sequence[float]) -> Sequence[float]:
    return statistics.quantiles(times, n=20, method="inclusive")[9::9]


def _text(number: int, words: Sequence[str]) -> tuple[str, str]:
    page, section = divmod(number, SECTIONS_PER_PAGE)
    return f"p{page}/s{section}", f"## {' '.join(words[:4])}\n\n{' '.join(words)}.\n"


async def _call(desk: Desk, _: int, question: str) -> None:
    await desk.call("search", query=question)


async def _status(desk: Desk, _: int, question: str) -> None:
    await desk.call("status")


async def _alone(connection: sqlite3.Connection, numbers: Any, number: int, question: str) -> None:
    """Do the same where nobody asks what became of the texts."""
    cosines = numbers @ numbers[number]
    np.argpartition(cosines, len(cosines) - NEAREST)
    _fts5(connection, question)


async def _with_vec(
    connection: sqlite3.Connection, vec: Any, numbers: Any, number: int, question: str
) -> None:
    nearest = "SELECT rowid FROM vectors WHERE vector MATCH ? AND k = ?"
    vec.execute(nearest, (numbers[number].tobytes(), NEAREST)).fetchall()
    _fts5(connection, question)


def _fts5(connection: sqlite3.Connection, question: str) -> None:
    asked = " OR ".join(f'"{word}"' for word in words_of(question))
    best = "SELECT rowid FROM word_index WHERE word_index MATCH ? ORDER BY rank LIMIT ?"
    connection.execute(best, (asked, NEAREST)).fetchall()


def _sqlite_vec(numbers: Any) -> Any:
    """Return a database of sqlite-vec with these vectors; `None` where it cannot be loaded."""
    try:
        apsw, sqlite_vec = import_module("apsw"), import_module("sqlite_vec")
    except ImportError:
        return None
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    made = f"CREATE VIRTUAL TABLE vectors USING vec0(vector float[{numbers.shape[1]}])"
    connection.execute(made)
    with connection:
        rows = ((number, row.tobytes()) for number, row in enumerate(numbers))
        connection.executemany("INSERT INTO vectors(rowid, vector) VALUES (?, ?)", rows)
    return connection


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
