"""Other processes that open the same file: they do one thing, and wait to be told to end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO sites VALUES ('from outside', '{}')")
print("ready", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""
"""Holds the write lock from `ready` until it is told to commit."""

OPENER = """
import sys
from pathlib import Path
from mcp_server.storage.sqlite.file.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
print(migrate(Path(sys.argv[1])))
"""
"""Opens the file when it is told to, and says which schema it has."""

WRITER = """
import sys
from pathlib import Path
import anyio, structlog
from mcp_server.errors import StorageError
from mcp_server.storage.sqlite.file.database import Database

def put(hash, wait=lambda: None):
    def write(tx):
        tx.count("put_site", hash=hash, document="{}")
        wait()
    return write

def ready():
    print("ready", flush=True)
    sys.stdin.readline()

async def main():
    async with Database.open(Path(sys.argv[1])) as database:
        await database.write(put("at hand", ready))
        print("committed", flush=True)
        for line in sys.stdin:
            try:
                await database.write(put(line.strip()))
                print("committed", flush=True)
            except StorageError as error:
                print(error, flush=True)

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
anyio.run(main)
"""
"""Is inside a write from `ready` until it is told to go on; then stores a site for each line, and
says what became of it."""

SERVED_WRITER = WRITER.replace(
    "from mcp_server.storage.sqlite.file.database import Database",
    "from mcp_server.storage.postgres import connection\n"
    "from mcp_server.storage.postgres.database import PostgresDatabase\n"
    "connection.STILL_S = float(sys.argv[3])",
).replace(
    "Database.open(Path(sys.argv[1])) as", "PostgresDatabase.open(sys.argv[1], sys.argv[2]) as"
)
"""The same on a server, in a schema of it; its transactions may stand still for so many seconds."""

SUBMITTER = """
import sys
import anyio, structlog
from mcp_server.jobs.job import NewJob, Origin
from mcp_server.jobs.records import NewBatch
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.queue.store import SqlJobStore

async def main():
    address, schema, name, batches = sys.argv[1:]
    async with PostgresDatabase.open(address, schema) as database:
        store = SqlJobStore(database, ContentEffects(), lambda: "j")
        print("ready", flush=True)
        sys.stdin.readline()
        for n in range(int(batches)):
            id = f"{name}{n}"
            origin = Origin(owner="ada", interface="test", destination="")
            jobs = [(f"{id}.1", NewJob(kind="work", payload={}))]
            await store.submit(NewBatch(id=id, kind="k", origin=origin, jobs=jobs), now=1.0)
    print("done", flush=True)

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
anyio.run(main)
"""
"""Hands in so many batches of a name, one after the other, once it is told to."""


@contextmanager
def running(script: str, *arguments: Path | str) -> Generator[subprocess.Popen[str]]:
    """Run a script in a process of its own, up to its `ready`; it is killed if it is left."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str]) -> None:
    """Let a process go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def ask(process: subprocess.Popen[str], line: str = "") -> str:
    """Give a process a line; return the one it answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str]) -> None:
    """Let a process come to its end, and wait for that."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
