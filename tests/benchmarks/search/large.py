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
from collections.abc import Sequence
from contextlib import closing

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np

from mcp_server.app.services import health_of, services_of
from mcp_server.content.actions.searched import SearchCall
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import Origin
from mcp_server.meaning.local import LocalEmbedder
from mcp_server.meaning.words import in_index, words_of
from mcp_server.progress.stream import Events
from tests.benchmarks.search.stored import store
from tests.benchmarks.sites import SECTIONS_PER_PAGE, site_of
from tests.promises.moves import parts_of

WIDTH = 512
WORDS = 90
QUESTIONS = 200
AT_ONCE = 1_000
ME = Origin(owner="bench", interface="test")


def vocabulary(draw: np.random.Generator) -> tuple[Sequence[str], Any]:
    """Return 60,000 made-up words, and how often each is used."""
    parts = [f"{c}{v}" for c in "bcdfghjklmnprstvwz" for v in "aeiou"] + ["st", "er", "en", "ung"]
    sizes = draw.choice((2, 3, 3, 4, 5), size=120_000)
    made = {"".join(draw.choice(parts, size=size)) for size in sizes}
    words = sorted(made)[:60_000]
    draw.shuffle(words)
    often = 1 / np.arange(1, len(words) + 1) ** 0.95
    return words, often / often.sum()


async def main(count: int) -> None:
    """Print the figures."""
    draw = np.random.default_rng(7)
    words, often = vocabulary(draw)
    numbers = draw.standard_normal((count, WIDTH), dtype=np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    questions = [
        " ".join(words[word] for word in draw.choice(len(words), size=draw.integers(2, 5), p=often))
        for _ in range(QUESTIONS)
    ]
    with TemporaryDirectory() as folder:
        root = site_of(Path(folder) / "site", count, embedder="local")
        async with parts_of(root) as parts:
            for first in range(0, count, AT_ONCE):
                rows = range(first, min(count, first + AT_ONCE))
                drawn = draw.choice(len(words), size=(len(rows), WORDS), p=often)
                texts = [
                    _text(n, [words[w] for w in row]) for n, row in zip(rows, drawn, strict=True)
                ]
                await store(parts, texts, [numbers[n].tobytes() for n in rows])
            own, memory = await _own(parts, questions)
            alone = _alone(parts.workspace.database, numbers, questions)
    print(f"{count:,} sections, {QUESTIONS} questions: p50 and p95 in ms")
    for name, taken in (("numpy and FTS5 alone", alone), ("search", own)):
        ranks = statistics.quantiles(taken, n=20, method="inclusive")
        print(f"  {name:22} {1000 * ranks[9]:8.1f} {1000 * ranks[18]:8.1f}")
    print(f"  memory: {memory:.2f} times the vectors")


def _text(number: int, words: Sequence[str]) -> tuple[str, str]:
    page, section = divmod(number, SECTIONS_PER_PAGE)
    return f"p{page}/s{section}", f"## {' '.join(words[:4])}\n\n{' '.join(words)}.\n"


async def _own(parts: Any, questions: Sequence[str]) -> tuple[Sequence[float], float]:
    """Return what each question takes, and how much memory the vectors take more than they are."""
    await LocalEmbedder(beside=True).embed(["the model is loaded"])
    services = services_of(
        parts,
        Events(parts.hub, parts.clock),
        health_of(parts, "detached", StopMark(parts.state_folder)),
    )
    await services.content.search(SearchCall(query="warm", types=("fact",), limit=1), ME)
    before = _memory_kb()
    await services.content.search(SearchCall(query="warm", limit=10), ME)
    grown = _memory_kb() - before
    rows = await parts.meaning.count(None)
    taken: list[float] = []
    for question in questions:
        begun = time.perf_counter()
        await services.content.search(SearchCall(query=question, limit=10), ME)
        taken.append(time.perf_counter() - begun)
    return taken, grown * 1024 / (rows["known"] * WIDTH * 4)


def _alone(database: Path, numbers: Any, questions: Sequence[str]) -> Sequence[float]:
    """Return what the same takes where nobody asks what became of the texts."""
    taken: list[float] = []
    with closing(sqlite3.connect(database)) as connection:
        for number, question in enumerate(questions):
            asked = " OR ".join(in_index(word, beginning=False) for word in words_of(question))
            begun = time.perf_counter()
            cosines = numbers @ numbers[number]
            np.argpartition(cosines, len(cosines) - 50)
            connection.execute(
                "SELECT rowid FROM word_index WHERE word_index MATCH ? ORDER BY rank LIMIT 50",
                (asked,),
            ).fetchall()
            taken.append(time.perf_counter() - begun)
    return taken


def _memory_kb() -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
