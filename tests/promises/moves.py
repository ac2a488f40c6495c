"""The moves that the rules are tested with: words for sections, a held worker, a gate."""

from __future__ import annotations

import http.client
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import anyio.to_thread
from llmock.pytest_plugin import LLMock

from mcp_server.app import Parts, open_parts
from mcp_server.clock import Clock, SystemClock
from mcp_server.config import Workspace, find_workspace
from mcp_server.content.pages.layout import Blocked, Layout, Part, with_orphans
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.page_text import parse
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.entities.effects import SaveRevision, expect_hash
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Revision
from mcp_server.errors import LostClaim
from mcp_server.jobs.job import Attempt, Job, JobState
from mcp_server.jobs.worker.attempt import AttemptRunner
from mcp_server.plugin.job_context import context_maker
from mcp_server.plugin.workbench import Workbench
from mcp_server.storage.opening import open_database
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.transaction import Transaction
from tests.attempts import claim_one, run_one
from tests.harness import Desk, read_site, write_site
from tests.waiting import PATIENCE_S

SAYS = "Ada's notes: "
"""What the composer puts before the brief in the `note` sections of `small_site`."""
TOOL = "write_section"
"""The tool a model answers with."""
QUICK = {"synchronous": "NORMAL"}
"""Settings for tests that pull no plug."""


# Words


def brief(root: Path, **words: str) -> None:
    """Change briefs in `site.yaml`; `menu_s1="new"` is for `menu/s1`. The composer says them."""
    site = read_site(root)
    for page in site["pages"]:
        for section in page.get("sections", []):
            key = f"{page['id']}_{section['id']}"
            section["brief"] = words.get(key, section.get("brief", ""))
    write_site(root, site)


async def redraft(chat: Desk, **words: str) -> str:
    """Let the composer draft these sections with new words; return the batch."""
    brief(chat.root, **words)
    drafted = await chat.run("generate", sections=ids(words), mode="new")
    assert drafted["status"] == "completed", drafted
    return drafted["batchId"]


async def publish(chat: Desk, **words: str) -> str:
    """Draft and promote these sections with new words; return the promote batch."""
    await redraft(chat, **words)
    promoted = await chat.run("promote", sections=ids(words))
    assert promoted["status"] == "completed", promoted
    return promoted["batchId"]


async def write(chat: Desk, **says: str) -> None:
    """Draft by hand, as the composer may not write over what stands in a file."""
    for id, said in zip(ids(says), says.values(), strict=True):
        page, _, section = id.partition("/")
        title = f"{page.title()} {section.removeprefix('s')}"
        await chat.call("edit", section=id, text=f"## {title}\n\n{SAYS}{said}\n")


def ids(words: Collection[str]) -> list[str]:
    """Return `menu/s1` for `menu_s1`."""
    return [word.replace("_", "/") for word in words]


def live(root: Path) -> dict[str, str]:
    """Return what the page files say, section by section, in their order."""
    site = {page["id"]: page for page in read_site(root)["pages"]}
    found: dict[str, str] = {}
    for path in sorted((root / "content").glob("*.md")):
        sections = site.get(path.stem, {}).get("sections", [])
        drafted = [each["id"] for each in sections if "text" not in each]
        for section, text in texts_in(path, [*drafted, *(each["id"] for each in sections)]).items():
            found[f"{path.stem}/{section}"] = words(text)
    return found


def texts_in(path: Path, sections: Sequence[str]) -> dict[str, str]:
    """Return the texts of one file by section; a body without a mark is the first section's."""
    parts = tuple(Part(section=section) for section in dict.fromkeys(sections or ["s1"]))
    layout = Layout(page=path.stem, file=path.name, parts=parts)
    page = parse(path.read_bytes(), layout)
    assert not isinstance(page, Blocked), page
    page = parse(page.data, with_orphans(layout, dict.fromkeys(page.strays, ())))
    assert not isinstance(page, Blocked), page
    return {section: span.text for section, span in page.spans.items() if span.text}


def words(markdown: str) -> str:
    """Return the words that make a note different from the next one."""
    return markdown.strip().split("\n")[-1].removeprefix(SAYS)


def edit_file(root: Path, page: str, old: str, new: str, *, count: int = -1) -> bytes:
    """Edit a page's file as a person does, so many times from its beginning; return its bytes."""
    path = root / "content" / f"{page}.md"
    data = path.read_bytes()
    assert old.encode() in data
    path.write_bytes(data.replace(old.encode(), new.encode(), count))
    return path.read_bytes()


# Behind the tools


@asynccontextmanager
async def parts_of(root: Path, clock: Clock | None = None) -> AsyncGenerator[Parts]:
    """Open the workspace's store beside whoever has it open."""
    workspace = find_workspace(root, {}, root)
    async with open_parts(workspace, clock or SystemClock()) as parts:
        yield parts


def database_of(parts: Parts) -> AbstractAsyncContextManager[Database]:
    """Open the workspace's database once more, for transactions of our own."""
    return open_database(parts.workspace, parts.state, parts.grants)


async def write_draft(root: Path, section: str, says: str) -> Revision:
    """Write a draft as a person does, with the base that R7 gives an edit."""
    async with parts_of(root) as parts:
        draft = await parts.entities.get(PREVIEW, section)
        live = await parts.entities.get(PRODUCTION, section)
        assert draft is not None and draft.current.markdown is not None
        shown = words(draft.current.markdown)
        live_hash = live.hash if live else None
        revision = replace(
            draft.current,
            fields={**draft.current.fields, "text": f"{SAYS}{says}"},
            markdown=draft.current.markdown.replace(shown, says),
            author=Author(kind="person", name="test"),
            base=live_hash if draft.hash == live_hash else draft.current.base,
            batch_id=None,
            job_id=None,
            inputs_hash=None,
        )
    await apply(root, SaveRevision(revision, expect_hash(draft.hash)))
    return revision


async def apply(root: Path, *effects: object) -> None:
    """Apply effects in one transaction, as a job's end does."""
    now = time.time()

    def step(tx: Transaction) -> list[str]:
        found = [ContentEffects().apply(tx, effect, job=None, now=now) for effect in effects]
        return [conflict for conflict in found if conflict is not None]

    async with parts_of(root) as parts, database_of(parts) as opened:
        assert await opened.write(step) == []


async def drafts(root: Path, section: str) -> list[Revision]:
    """Return the drafts of a section that were ever current, oldest first."""
    async with parts_of(root) as parts:
        return list(await parts.entities.history(PREVIEW, section))


async def lives(root: Path, section: str) -> list[Revision]:
    """Return the live texts that a section has had, oldest first; removals too."""
    async with parts_of(root) as parts:
        return list(await parts.entities.history(PRODUCTION, section))


async def jobs_of(root: Path, batch_id: str) -> list[Job]:
    """Return the stored jobs of a batch, files included."""
    async with parts_of(root) as parts:
        return list(await parts.store.jobs(batch_id))


# Holding the worker


@dataclass
class Later:
    """The machine's clock, and as much later as a test says."""

    ahead_s: float = 0.0

    def now(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class Hand:
    """Does the worker's work job by job, while the workspace's worker is kept away."""

    parts: Parts
    clock: Later
    runner: AttemptRunner
    _numbers: count[int] = field(default_factory=count)

    async def work(self, jobs: int, *kinds: str) -> list[Job]:
        """Run so many jobs, the next ones or the next of these kinds; return them as they end."""
        done: list[Job] = []
        for _ in range(jobs):
            job = await self._next(kinds)
            assert job is not None, f"there is no job to run after {len(done)}"
            done.append(job)
        return done

    async def finish(self) -> list[Job]:
        """Run all there is, retries included, without waiting for their time."""
        done: list[Job] = []
        while True:
            while (job := await self._next(())) is not None:
                done.append(job)
            due = await self.parts.store.next_due()
            if due is None:
                return done
            self.clock.ahead_s += max(0.0, due - self.clock.now()) + 0.001
            await self.parts.store.release_due(now=self.clock.now(), limit=100)

    async def claim(self, *kinds: str) -> Attempt | None:
        """Claim the next job, without running it."""
        return await claim_one(
            self.parts.store,
            f"hand-{next(self._numbers)}",
            kinds=kinds or self.parts.registry.kinds,
            abilities=self.parts.abilities,
            lease_s=3600,
            now=self.clock.now(),
        )

    async def claims(self, kind: str) -> AsyncGenerator[Attempt]:
        """Claim all jobs of this kind, one after the other, without running them."""
        while (attempt := await self.claim(kind)) is not None:
            yield attempt

    async def run(self, attempt: Attempt) -> None:
        """Run an attempt, and record how it ended."""
        with suppress(LostClaim):
            await run_one(self.parts.store, self.runner, attempt, now=self.clock.now())

    async def in_two_rounds(self, chat: Desk, batch_id: str, kind: str, *, first: int) -> None:
        """Run `first` jobs of a batch, cancel the rest, and run that after a retry."""
        await self.work(first, kind)
        await chat.call("cancel", batchId=batch_id)
        await self.finish()
        await chat.call("retry", batchId=batch_id)
        await self.finish()

    async def _next(self, kinds: Collection[str]) -> Job | None:
        attempt = await self.claim(*kinds)
        if attempt is None:
            return None
        await self.run(attempt)
        job = await self.parts.store.job(attempt.job.id)
        assert job is not None and job.state is not JobState.PROCESSING
        return job


@asynccontextmanager
async def held(
    root: Path,
    *,
    files_of: Callable[[Workspace], PageFiles] | None = None,
    embedded_elsewhere: str | None = None,
) -> AsyncGenerator[Hand]:
    """Keep every worker away from the workspace; enter it before the desk.

    `files_of`: the page files that jobs are given, if not the usual ones. `embedded_elsewhere`: the
    ability with which other machines are to embed, as on one that cannot.
    """

    async def elsewhere() -> str | None:
        return embedded_elsewhere

    clock = Later()
    async with parts_of(root, clock) as parts:
        assert parts.lock.acquire()
        delay_s = parts.workspace.settings.composer_delay_s
        bench = Workbench(
            parts.store,
            parts.entities,
            parts.meaning,
            files_of(parts.workspace) if files_of is not None else parts.files,
            parts.registry,
            clock,
            embedded_elsewhere=elsewhere,
            composer_delay_s=delay_s,
            model=parts.model,
            grants=parts.grants,
            present_site=SiteLoader(parts.workspace),
        )
        runner = AttemptRunner(
            parts.registry,
            clock,
            context_maker(bench),
            time_limit_s=60,
            random=lambda: 1.0,
        )
        try:
            yield Hand(parts, clock, runner)
        finally:
            parts.lock.release()
            await bench.aclose()


# A model


def settings(url: str, **more: object) -> dict[str, object]:
    """Return the settings of a workspace whose model is at `url`."""
    return {**QUICK, "model": "writer", "model_url": url, **more}


def says(llmock: LLMock, text: str, times: int | None = 1) -> None:
    """Let the model answer with a note that says `text`."""
    llmock.call_tool(TOOL, {"title": "Note", "text": text}, times=times)


def asked(llmock: LLMock) -> str:
    """Return what the model was sent last, as one text."""
    body: Mapping[str, Any] = llmock.last_request.body
    return "\n\n".join(str(message["content"]) for message in body["messages"])


class Gate:
    """A real HTTP server before the model's: it holds every request until it is opened."""

    def __init__(self, target: str) -> None:
        self._arrived, self._open = Event(), Event()
        self.keys: list[str] = []
        """What came along as the key of each request."""
        self.headers: set[str] = set()
        """The names of all headers that came along."""
        host = target.removeprefix("http://").partition("/")[0]
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                gate.keys.append(self.headers.get("authorization", ""))
                gate.headers |= {name.lower() for name in self.headers}
                gate._arrived.set()
                assert gate._open.wait(PATIENCE_S), "nobody opened the gate"
                connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
                connection.request("POST", self.path, body, {"content-type": "application/json"})
                answer = connection.getresponse()
                data = answer.read()
                connection.close()
                self.send_response(answer.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    async def reached(self) -> None:
        """Wait until a request is held."""
        assert await anyio.to_thread.run_sync(self._arrived.wait, PATIENCE_S), "no request came"

    def open(self) -> None:
        """Let every request pass, from now on."""
        self._open.set()


@contextmanager
def gate(llmock: LLMock) -> Generator[Gate]:
    """Run a gate before `llmock`."""
    found = Gate(llmock.base_url("openai"))
    thread = Thread(target=found.server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        found.open()
        found.server.shutdown()
        found.server.server_close()
        thread.join()
