"""A real PostgreSQL server for the tests, one for each process of pytest."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.migrate import migrate
from tests.benchmarks.postgres import running

ADDRESS = "PRESSROOM_TEST_POSTGRES"
"""Names a server that runs already, which is used then."""

EMPTIED = """
DO $$
DECLARE
    found record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN
        SELECT oid, oid::regclass AS name, relkind FROM pg_class
        WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'S')
        AND relname <> 'migrations'
    LOOP
        IF found.relkind = 'S' THEN
            PERFORM setval(found.oid, 1, false);
        ELSIF pg_relation_size(found.oid) > 200000 THEN
            EXECUTE format('TRUNCATE %s CASCADE', found.name);
        ELSE
            EXECUTE format('DELETE FROM %s', found.name);
        END IF;
    END LOOP;
    INSERT INTO {schema}.counters
    VALUES ('change', 0), ('last_claim_ms', 0), ('newest_job', 0), ('commits', 0);
END
$$
"""
"""Makes a schema as it was when it was new, which takes a tenth of the time of a new one."""


@cache
def server() -> str:
    """Return the address of a database, on a server that ends with this process."""
    if address := os.environ.get(ADDRESS):
        return address
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(tempfile.mkdtemp(prefix="pressroom-postgres-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    # Nobody pulls the plug of this machine; and a server that is killed loses nothing by it.
    return stack.enter_context(running(folder, fsync="off")).fresh("NORMAL")


class Schemas:
    """Schemas with a workspace's tables: each path has its own, and is the only one to use it."""

    def __init__(self) -> None:
        self._of: dict[Path, str] = {}
        self._free: list[str] = []
        self._made: list[str] = []

    def of(self, path: Path) -> str:
        """Return the schema of a path, with nothing in it where it is new."""
        if path not in self._of:
            self._of[path] = self._free.pop() if self._free else self._new()
        return self._of[path]

    def give_back(self, path: Path) -> None:
        """Empty the schema of a path, for the next test."""
        schema = self._of.pop(path, None)
        if schema is not None:
            with connect(server()) as connection:
                connection.execute(EMPTIED.format(schema=schema).encode())
            self._free.append(schema)

    def _new(self) -> str:
        if not self._made and os.environ.get(ADDRESS):
            atexit.register(self._drop)
        schema = f"test_{os.getpid()}_{len(self._made)}"
        self._made.append(schema)
        migrate(server(), schema)
        return schema

    def _drop(self) -> None:
        with connect(server()) as connection:
            for schema in self._made:
                connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


SCHEMAS = Schemas()
