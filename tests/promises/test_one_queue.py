"""One queue for all background work: what a tool begins is a job, and nothing runs beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcp_server
from tests import databases
from tests.harness import Desk, content, desk, small_site
from tests.promises.moves import QUICK, held
from tests.wire import query

pytestmark = pytest.mark.anyio

HAVING = """
SELECT tables.name FROM sqlite_master AS tables
JOIN pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' AND columns.name = ?
"""
HAVING_SHARED = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = current_schema() AND column_name = ?
"""
"""Finds the tables that have a column, in a file and in a shared database."""

SOURCE = Path(mcp_server.__file__).parent

QUEUE = {"batches", "counters", "hosts", "jobs", "requests", "rounds", "sites", "writers"}
"""Tables that a queueing tool may write before it answers: the queue's, and what a round is of."""

ANSWERING = ("content", "entities", "interfaces/mcp", "plugin")
"""What runs while a tool is called."""

BEGINNING = {
    "create_task",
    "ensure_future",
    "start_soon",
    "Thread",
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
    "Popen",
    "open_process",
    "run_process",
    "call_later",
}
"""Calls by which something begins that may outlive its caller."""

WATCHING = {
    ("content/drafting/system_keyring.py", "Thread"): "asks the keyring, which may not answer",
    ("interfaces/mcp/conversation.py", "start_soon"): "passes messages in and out",
    ("interfaces/mcp/stdio.py", "Thread"): "reads stdin",
    ("interfaces/mcp/stdio.py", "start_soon"): "watches for the end of the parent",
}
"""What begins all the same, and is no work."""


def stored(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all that is in the database, by table."""
    tables = query(root, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name: query(root, f"SELECT * FROM {name}") for (name,) in tables}


def waiting(root: Path, batch_id: str) -> int:
    """Return how many jobs of a batch wait in the one table."""
    asked = """
        SELECT count(*) FROM jobs JOIN batches ON batches.id = jobs.batch
        WHERE batches.batch_id = ? AND jobs.state = 'pending'
    """
    return query(root, asked, batch_id)[0][0]


async def begin(chat: Desk, tool: str, **arguments: object) -> str:
    """Call a queueing tool; all that has changed when it answers is in the queue."""
    before, files = stored(chat.root), content(chat.root)
    answer = await chat.call(tool, **arguments)
    after = stored(chat.root)
    assert {table for table in after if after[table] != before[table]} <= QUEUE, tool
    assert content(chat.root) == files, tool
    assert waiting(chat.root, answer["batchId"]) == answer["queuedSections"] == 3, tool
    return answer["batchId"]


async def test_whatever_a_tool_begins_is_jobs_of_the_one_table(tmp_path: Path) -> None:
    """Each tool that queues answers with its jobs stored and nothing done; a worker does the rest.

    In the end every text that was written, and every file, is the work of a stored job.
    """
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        await begin(chat, "generate-all")
        await hand.finish()
        drafting = await begin(chat, "generate", page="menu", mode="new", instructions="Shorter.")
        await chat.call("cancel", batchId=drafting)
        await begin(chat, "retry", batchId=drafting)
        await hand.finish()
        await begin(chat, "promote")
        await hand.finish()
        await begin(chat, "rollback")
        done = await hand.finish()
    assert {job.kind for job in done} == {"content-rollback", "content-export"}
    written = query(root, "SELECT count(*), count(DISTINCT job_id) FROM revisions")
    by_jobs = query(root, "SELECT count(*) FROM revisions JOIN jobs USING (job_id)")
    assert written == [(12, 12)]
    assert by_jobs == [(12,)]
    exported = query(root, "SELECT DISTINCT subject FROM jobs WHERE kind = 'content-export'")
    assert exported == query(root, "SELECT page FROM page_files") == [("menu",)]


async def test_one_table_holds_work(tmp_path: Path) -> None:
    """Whatever can be claimed lies there: no other table knows a lease or an attempt."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
    having = HAVING if databases.address() is None else HAVING_SHARED
    for column in ("lease_until", "attempt_id", "worker_id"):
        assert query(root, having, column) == [("jobs",)]


def test_nothing_that_answers_a_tool_begins_work_of_its_own() -> None:
    """Neither a task nor a thread nor a process: what is left to do is handed to the queue."""
    begun = {
        (path.relative_to(SOURCE).as_posix(), name)
        for folder in ANSWERING
        for path in (SOURCE / folder).rglob("*.py")
        for name in calls(path)
        if name in BEGINNING
    }
    assert begun == set(WATCHING)


def test_only_the_composition_root_runs_a_worker() -> None:
    """Outside of the queue itself: no tool, no plugin and no command has one of its own."""
    users = {
        path.relative_to(SOURCE).parts[0].removesuffix(".py")
        for path in SOURCE.rglob("*.py")
        if "mcp_server.jobs.worker.worker" in imports(path)
    }
    assert users - {"jobs"} == {"app"}


def calls(path: Path) -> Iterator[str]:
    """Yield the name of everything that a module calls, without what it is an attribute of."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                yield name
            case _:
                pass


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(module=str(module)):
                yield module
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case _:
                pass
