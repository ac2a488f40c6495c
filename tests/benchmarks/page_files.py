"""Measures what a site that is there costs: its import, looking at its files, writing into them.

    uv run python -m tests.benchmarks.page_files [--quick] [--json] …

Each figure stands beside a bare loop over the same files, measured in the same run.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from typing import Any

from mcp_server.app import Parts, open_parts
from mcp_server.clock import SystemClock
from mcp_server.config import find_workspace
from mcp_server.content.actions.looks import look_effects
from mcp_server.content.actions.page_look import ask_of, layout_for
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.existing.importing import import_site
from mcp_server.content.existing.search import place_of
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.entities.effects import SaveRevision, expect_hash
from mcp_server.entities.entity import PREVIEW, Author, Revision
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.database import Database
from tests.benchmarks.measuring import OWN, Part, ServerFigure, ServerSizes, Values
from tests.benchmarks.partners import both, ended, no_worker, server
from tests.benchmarks.server import main
from tests.benchmarks.sites import LONG

BARE = "bare loop"
FEW = "10 pages"
LATER_S = 3_600.0
"""So much later the files are looked at: new ones would be looked at twice, 2 s apart."""
END_S = 600.0
FOLDERS = 20
PAGE = "posts/f0/note-0"
CALLS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "review": ("review", {"page": PAGE}),
    "promote": ("promote", {"page": PAGE, "dryRun": True}),
    "edit": ("edit", {"section": f"{PAGE}/body"}),
}
"""Calls about one page."""


def figures(sizes: ServerSizes) -> Mapping[str, ServerFigure]:
    """Return what can be measured, by name."""
    read = f"a loop that reads the {sizes.pages:,} files"
    return {
        "import": ServerFigure(
            words=f"making a workspace of {sizes.pages:,} pages of Hugo: in a process that is "
            "there, and `pressroom init` as a whole",
            parts={
                "import": Part(unit="ms", to=(BARE, "import"), words=read),
                "import-process": Part(unit="ms", to=(BARE, "import"), words=read),
            },
            measure=imported,
        ),
        "look": ServerFigure(
            words=f"the first look at {sizes.pages:,} pages, which reads and parses them; storing "
            "it in one transaction; looking again where nothing has changed, all of it, and the "
            "folder alone; the database after it",
            parts={
                "look-first": Part(unit="ms", to=(BARE, "look-first"), words=read),
                "look-store": Part(unit="ms", to=(BARE, "look-first"), words=read),
                "look-again": Part(unit="ms", to=(BARE, "look-again"), words="a loop of os.stat"),
                "look-stats": Part(unit="ms", to=(BARE, "look-again"), words="a loop of os.stat"),
                "look-database": Part(
                    unit="kB", to=(BARE, "look-database"), words="the bytes of the files"
                ),
            },
            measure=looked_at,
        ),
        "one-page": ServerFigure(
            words=f"calls about one page of {sizes.pages:,}, all stored, and the most memory that "
            "the server had; the same of a site of 10 pages",
            parts={
                f"one-page-{name}": Part(
                    unit=unit, to=(FEW, f"one-page-{name}"), words="a site of 10 pages"
                )
                for name, unit in [*((name, "ms") for name in CALLS), ("memory", "kB")]
            },
            measure=one_page,
        ),
        "write": ServerFigure(
            words=f"promote of {sizes.written:,} sections on as many pages, until the last file "
            "is written",
            parts={
                "write": Part(
                    unit="ms",
                    to=(BARE, "write"),
                    words="a loop that writes, syncs and renames the same files",
                )
            },
            measure=written,
        ),
    }


async def imported(folder: Path, sizes: ServerSizes) -> Values:
    """Make a workspace of a site, in this process and in one of its own."""
    files = site_that_is_there(folder / "a", sizes.pages)
    shutil.copytree(folder / "a", folder / "b")
    bare = _ms(lambda: [path.read_bytes() for path in files])
    plan = _ms(lambda: _import(folder / "a"))
    command = [sys.executable, "-m", "mcp_server", "init", str(folder / "b")]
    process = _ms(lambda: subprocess.run(command, check=True, capture_output=True))
    return {(OWN, "import"): plan, (OWN, "import-process"): process, (BARE, "import"): bare}


async def looked_at(folder: Path, sizes: ServerSizes) -> Values:
    """Look at a site's files for the first time, and again."""
    files = site_that_is_there(folder / "site", sizes.pages)
    _import(folder / "site")
    values = {(BARE, "look-first"): _ms(lambda: [path.read_bytes() for path in files])}
    values[OWN, "look-first"], values[OWN, "look-store"] = await _first_look(folder / "site")
    async with _site(folder / "site") as site:
        values[OWN, "look-again"], _ = await site.look()
        values[OWN, "look-stats"] = site.stats_ms()
    names = [os.fspath(path) for path in files]
    values[BARE, "look-again"] = _ms(lambda: [os.stat(name) for name in names])  # noqa: PTH116 - bare
    values[OWN, "look-database"] = _database_kb(folder / "site")
    values[BARE, "look-database"] = sum(path.stat().st_size for path in files) / 1024
    return values


async def one_page(folder: Path, sizes: ServerSizes) -> Values:
    """Ask about a page of a large site, and of a small one, in turns."""
    roots = {OWN: folder / "many", FEW: folder / "few"}
    for system, root in roots.items():
        site_that_is_there(root, sizes.pages if system == OWN else 10)
        _import(root)
        await _first_look(root)
    taken: dict[tuple[str, str], list[float]] = {}
    many, few = roots[OWN], roots[FEW]
    async with no_worker(many), no_worker(few), server(many) as a, server(few) as b:
        for round in range(sizes.paged_calls + 1):
            for system, serving in ((OWN, a), (FEW, b)):
                for name, (tool, arguments) in CALLS.items():
                    text = {"text": f"Note {round}. {LONG}"} if tool == "edit" else {}
                    begun = time.perf_counter()
                    await serving.desk.call(tool, **arguments, **text)
                    if round:  # the first one opens the workspace
                        ms = (time.perf_counter() - begun) * 1000
                        taken.setdefault((system, f"one-page-{name}"), []).append(ms)
    values = {key: statistics.median(times) for key, times in taken.items()}
    for system, serving in ((OWN, a), (FEW, b)):
        values[system, "one-page-memory"] = max(s.peak_kb for s in serving.report.samples)
    return values


async def written(folder: Path, sizes: ServerSizes) -> Values:
    """Promote a section on each page; then write the same files in a loop."""
    root = folder / "site"
    files = site_that_is_there(root, sizes.written)
    _import(root)
    await _first_look(root)
    await _draft_all(root)
    async with both(root) as (serving, _):
        begun = time.perf_counter()
        answer = await serving.desk.call("promote")
        assert answer["queuedSections"] == sizes.written, answer
        await ended(root, answer["batchId"], seconds=END_S)
        taken = (time.perf_counter() - begun) * 1000
    texts = {path: path.read_bytes() for path in files}
    assert all(b"A new text" in text for text in texts.values())
    return {(OWN, "write"): taken, (BARE, "write"): _ms(lambda: _write_all(texts))}


def site_that_is_there(root: Path, pages: int) -> Sequence[Path]:
    """Write a site of Hugo with so many pages in 20 folders, and return their files."""
    root.mkdir()
    (root / "hugo.toml").write_text('title = "Notes"\nlanguageCode = "en"\n', "utf-8")
    paths: list[Path] = []
    for number in range(pages):
        path = root / "content" / "posts" / f"f{number % FOLDERS}" / f"note-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f'---\ntitle: "Note {number}"\ndate: 2024-01-01\ntags: [a, b]\nweight: {number}\n---\n'
            f"\nNote {number}. {LONG * 6}\n\n## Why {number}\n\n{LONG * 8}\n\n- one\n- two\n",
            "utf-8",
        )
        paths.append(path)
    return paths


@dataclass(frozen=True, slots=True)
class _Site:
    """An open workspace, as a call reads it."""

    reader: ContentReader
    files: PageFiles
    content: SiteContent

    async def look(self) -> tuple[float, SiteContent]:
        """Look at all pages; return how long that took, in milliseconds, and what was found."""
        begun = time.perf_counter()
        found = await self.reader.look(self.content, list(self.content.site.section_ids))
        return (time.perf_counter() - begun) * 1000, found

    def stats_ms(self) -> float:
        """Return how long the files alone take, with all that is asked of them put together."""
        layouts = [layout_for(self.content, page.id) for page in self.content.site.pages]
        asks = [ask_of(self.content, layout) for layout in layouts if layout is not None]
        return _ms(lambda: self.files.look(asks))


@asynccontextmanager
async def _site(root: Path) -> AsyncGenerator[_Site]:
    async with open_parts(find_workspace(root, {}, root), SystemClock()) as parts:
        files = _files(parts)
        loader = SiteLoader(parts.workspace)
        reader = ContentReader(loader, parts.entities, files, SystemClock())
        content, _ = await reader.read()
        yield _Site(reader, files, content)


def _files(parts: Parts) -> PageFiles:
    workspace = parts.workspace
    return PageFiles(
        workspace.root,
        workspace.content_dir,
        workspace.export_locks,
        wall=lambda: time.time() + LATER_S,
    )


def _import(root: Path) -> None:
    place = place_of(root)
    assert place is not None
    import_site(place, today="2026-01-01")


async def _first_look(root: Path) -> tuple[float, float]:
    """Look at all pages and store what was found; return how long each took."""
    async with _site(root) as site:
        looked, content = await site.look()
        begun = time.perf_counter()
        await _apply(root, look_effects(content, [page.id for page in content.site.pages]))
        return looked, (time.perf_counter() - begun) * 1000


async def _draft_all(root: Path) -> None:
    """Write a draft of each page's body, as if somebody had edited it."""
    async with _site(root) as site:
        ids = [id for id in site.content.site.section_ids if id.endswith("/body")]
        live = {id: site.content.live_hash(id) for id in ids}
    drafts = [SaveRevision(_draft(id, live[id]), expect_hash(None)) for id in ids]
    await _apply(root, drafts)


def _draft(section: str, base: str | None) -> Revision:
    return Revision(
        type=PREVIEW,
        entity_id=section,
        template="body",
        fields={},
        markdown=f"A new text of {section}. {LONG * 10}",
        author=Author(kind="model", name="bench"),
        base=base,
    )


async def _apply(root: Path, effects: Sequence[object]) -> None:
    def step(tx: Transaction) -> list[str]:
        now = time.time()
        found = [ContentEffects().apply(tx, effect, job=None, now=now) for effect in effects]
        return [conflict for conflict in found if conflict is not None]

    async with Database.open(find_workspace(root, {}, root).database) as database:
        assert await database.write(step) == []


def _write_all(texts: Mapping[Path, bytes]) -> None:
    """Do with these files what keeps them whole in a power cut, and nothing else."""
    for path, text in texts.items():
        beside = path.with_suffix(".tmp")
        with beside.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _database_kb(root: Path) -> float:
    path = find_workspace(root, {}, root).database
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size / 1024


def _ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], figures, "tests.benchmarks.page_files"))
