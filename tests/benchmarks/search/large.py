"""How long a search of many sections takes, and how much memory, beside numpy and FTS5 alone.

    python -m tests.benchmarks.search.large 100000

Texts and vectors are drawn by lot, with words as rare as those of a language are. The questions
are of two to four such words. Everything is measured in one process, in turns.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from mcp_server.app.parts import Parts
from mcp_server.app.services import health_of, services_of
from mcp_server.content.actions.searched import SearchCall
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import Origin
from mcp_server.meaning.local import LocalEmbedder
from mcp_server.meaning.numbers import numpy
from mcp_server.meaning.words import words_of
from mcp_server.progress.stream import Events
from tests.benchmarks.search.stored import store
from tests.benchmarks.sites import SECTIONS_PER_PAGE, site_of
from tests.promises.moves import parts_of

np = numpy()  # on one core, as in the product
WIDTH = 512
WORDS = 90
QUESTIONS = 200
AT_ONCE = 1_000
DECLARED = 10_000
"""Sections that site.yaml names, which may have a megabyte. The others are stored all the same."""
ME = Origin(owner="bench", interface="test")


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
            taken, memory = await _asked(parts, numbers, questions)
    print(f"{count:,} sections, {QUESTIONS} questions: p50 and p95 in ms, and the same of the CPU")
    for name, pairs in taken.items():
        ranks = [
            1000 * each
            for values in zip(*pairs, strict=True)
            for each in statistics.quantiles(values, n=20, method="inclusive")[9::9]
        ]
        print(f"  {name:22} " + " ".join(f"{each:8.1f}" for each in ranks))
    print(f"  memory: {memory:.2f} times the vectors")


def _text(number: int, words: Sequence[str]) -> tuple[str, str]:
    page, section = divmod(number, SECTIONS_PER_PAGE)
    return f"p{page}/s{section}", f"## {' '.join(words[:4])}\n\n{' '.join(words)}.\n"


async def _asked(
    parts: Parts, numbers: Any, questions: Sequence[str]
) -> tuple[Mapping[str, Sequence[tuple[float, float]]], float]:
    """Return what each question takes, in both ways by turns; and the memory, by the vectors'."""
    await LocalEmbedder(beside=True).embed(["the model is loaded"])
    health = health_of(parts, "detached", StopMark(parts.state_folder))
    search = services_of(parts, Events(parts.hub, parts.clock), health).content.search
    await search(SearchCall(query="warm", types=("fact",), limit=1), ME)
    before = _memory_kb()
    await search(SearchCall(query="warm", limit=10), ME)
    memory = (_memory_kb() - before) * 1024 / numbers.nbytes
    taken: dict[str, list[tuple[float, float]]] = {"numpy and FTS5 alone": [], "search": []}
    with closing(sqlite3.connect(parts.workspace.database)) as connection:
        for number, question in enumerate(questions):
            clocks = time.perf_counter(), time.process_time()
            _alone(connection, numbers, number, question)
            between = time.perf_counter(), time.process_time()
            await search(SearchCall(query=question, limit=10), ME)
            end = time.perf_counter(), time.process_time()
            for name, (start, stop) in zip(taken, ((clocks, between), (between, end)), strict=True):
                taken[name].append((stop[0] - start[0], stop[1] - start[1]))
    return taken, memory


def _alone(connection: sqlite3.Connection, numbers: Any, number: int, question: str) -> None:
    """Do the same where nobody asks what became of the texts."""
    cosines = numbers @ numbers[number]
    np.argpartition(cosines, len(cosines) - 50)
    asked = " OR ".join(f'"{word}"' for word in words_of(question))
    best = "SELECT rowid FROM word_index WHERE word_index MATCH ? ORDER BY rank LIMIT 50"
    connection.execute(best, (asked,)).fetchall()


def _memory_kb() -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
