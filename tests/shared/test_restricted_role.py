"""A role that may not write any more, and a table that is damaged: that is said, and it goes on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.faults.processes import ENDED
from tests.shared.site import Site, id_of
from tests.storage.postgres_server import server
from tests.waiting import wait_until
from tests.wire import Pipe, pipe

PAGES = {"menu": 8, "home": 8}
ONCE = [(f"{page}/s{n}", 1) for page in ("home", "menu") for n in range(1, 9)]
QUICK = {"concurrency": 2, "lease_s": 1, "heartbeat_s": 0.3, "composer_delay_s": 0.3}
DRAFTED = "SELECT count(*) FROM jobs WHERE kind = 'content-generate' AND state = 'completed'"
REFUSE = sql.SQL("""
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'invalid page in block 0' USING ERRCODE = {code}; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {schema}.{table}
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
""")


class Owned:
    """A site whose role is its own, as docs/scaling.md has it, and which a superuser restricts."""

    def __init__(self, site: Site) -> None:
        self.site, self.role = site, sql.Identifier(site.id)
        self.schema = sql.Identifier(f"pressroom_{site.id}")

    def run(self, statement: LiteralString | sql.SQL, **more: sql.Composable) -> None:
        """Run a statement as the server's superuser."""
        text = statement if isinstance(statement, sql.SQL) else sql.SQL(statement)
        with psycopg.connect(server(), autocommit=True) as connection:
            connection.execute(text.format(role=self.role, schema=self.schema, **more))

    def disconnect(self) -> None:
        """End the role's connections, as a restart of the server does."""
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {name}",
            name=sql.Literal(self.site.id),
        )

    @contextmanager
    def read_only(self) -> Generator[None]:
        """Let the role write nothing; what it has open when that is over stays so."""
        self.run("ALTER ROLE {role} SET default_transaction_read_only = on")
        self.disconnect()
        yield
        self.run("ALTER ROLE {role} RESET default_transaction_read_only")

    @contextmanager
    def without_rights(self) -> Generator[None]:
        """Take from the role what it may write."""
        self.run("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} FROM {role}")
        yield
        self.run("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}")

    @contextmanager
    def refusing(self, code: str, table: str = "jobs") -> Generator[None]:
        """Have every statement that changes a table fail with this code of the server's."""
        self.run(REFUSE, code=sql.Literal(code), table=sql.Identifier(table))
        yield
        self.run("DROP FUNCTION {schema}.refuse() CASCADE")


@pytest.fixture
def owned(request: pytest.FixtureRequest) -> Iterator[Owned]:
    """A site's place in the database, under a role that may make schemas and no more."""
    address = urlsplit(server())
    with psycopg.connect(server(), autocommit=True) as connection:
        id = id_of(request.node.nodeid)
        role, database = sql.Identifier(id), sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, role))
        host = address.netloc.rpartition("@")[2]
        with Site.made(
            request.node.nodeid, urlunsplit(address._replace(netloc=f"{id}@{host}"))
        ) as site:
            yield Owned(site)
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("read-only", "the database server takes no writes"),
        ("rights", "this role may not do that"),
        ("XX001", "finds its data damaged"),
    ],
)
def test_what_the_server_refuses_is_said_and_once_it_does_not_all_goes_on(
    tmp_path: Path, owned: Owned, how: str, said: str
) -> None:
    """Calls are refused in those words, reading goes on; nothing needs a restart after."""
    site = owned.site
    root = site.checkout(tmp_path / "site", PAGES, **QUICK)
    worker = site.worker(root, "anna")
    ways = {"read-only": owned.read_only, "rights": owned.without_rights}
    with pipe(root, "auto", **site.variables) as chat:
        chat.begin()
        batch = queued(chat, "menu")
        wait_until(lambda: site.rows(DRAFTED)[0][0] >= 2)
        with ways[how]() if how in ways else owned.refusing(how):
            refusal = chat.call("generate", page="home")
            assert refusal["isError"]
            told = refusal["content"][0]["text"]
            assert said in told and "\n" not in told and "Traceback" not in told
            wait_until(lambda: said in message(chat))
            assert site.state(batch) not in ENDED
        site.wait_ended(batch)
        wait_until(lambda: not chat.call("status").get("isError"))
        other = queued(chat, "home")
        site.wait_ended(other)
        assert said not in message(chat)
    assert worker.poll() is None
    assert site.written() == ONCE


def test_what_only_a_worker_is_refused_is_said_by_status(tmp_path: Path, owned: Owned) -> None:
    """It can write that it lives, so nothing else would say why nothing comes to its end."""
    site, said = owned.site, "not all that it does can be recorded: the database server finds its"
    root = site.checkout(tmp_path / "site", PAGES, **QUICK)
    site.worker(root, "anna")
    with pipe(root, "auto", **site.variables) as chat:
        chat.begin()
        with owned.refusing("XX001", "revisions"):
            batch = queued(chat, "menu")
            wait_until(lambda: f"is unhealthy: {said}" in message(chat))
            assert ".." not in message(chat)
            assert f"unhealthy: {said}" in site.pressroom(root, "doctor")
        site.wait_ended(batch)
        wait_until(lambda: said not in message(chat))


def queued(chat: Pipe, page: str) -> str:
    """Ask for a page's drafts; return the batch."""
    answer = chat.call("generate", page=page)
    assert not answer.get("isError"), answer
    return answer["structuredContent"]["batchId"]


def message(chat: Pipe) -> str:
    """Return what `status` says of the worker, or why it says nothing."""
    answer = chat.call("status")
    if answer.get("isError"):
        return answer["content"][0]["text"]
    return answer["structuredContent"]["worker"]["message"]
