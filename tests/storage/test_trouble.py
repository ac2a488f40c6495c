"""What a server refuses stands as trouble for as long as it holds, and no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_server.errors import StorageError
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.sql.transaction import Transaction
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.stores import Bench, opened, postgres

pytestmark = pytest.mark.anyio

REFUSE = """
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'invalid page in block 0' USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON {schema}.sites
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
"""
DAMAGED = "the database server finds its data damaged: put back a copy"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A store in a schema of its own."""
    async with opened(postgres, tmp_path / "one") as bench:
        yield bench


@contextmanager
def refusing(bench: Bench, code: str) -> Generator[None]:
    """Have every INSERT into one table fail with this code of the server's."""
    schema = SCHEMAS.of(bench.path)
    with connect(server()) as connection:
        connection.execute(REFUSE.format(schema=schema, code=code).encode())
        try:
            yield
        finally:
            connection.execute(f"DROP FUNCTION {schema}.refuse() CASCADE".encode())


def _site(tx: Transaction) -> None:
    tx.run("put_site", hash="one", document="{}")


@pytest.mark.parametrize(
    ("code", "said"),
    [("XX001", DAMAGED), ("XX002", DAMAGED), ("58030", "cannot read or write its files")],
)
async def test_a_damaged_table_is_said_until_what_met_it_works_again(
    bench: Bench, code: str, said: str
) -> None:
    """What is written to other tables proves nothing of it."""
    database = bench.database
    with refusing(bench, code):
        with pytest.raises(StorageError, match=said):
            await database.write(_site)
        await bench.submit("b1")
        assert said in (database.trouble or "")
    await bench.submit("b2")
    assert said in (database.trouble or ""), "nobody has touched the table since"
    await database.write(_site)
    assert database.trouble is None


async def test_a_damaged_table_outlasts_another_trouble(bench: Bench) -> None:
    """That one is over with the first thing that is written; then the older is said again."""
    database = bench.database
    with refusing(bench, "XX001"), pytest.raises(StorageError):
        await database.write(_site)
    with refusing(bench, "25006"):
        with pytest.raises(StorageError):
            await database.write(_site)
        assert "takes no writes" in (database.trouble or "")
    await bench.submit("b1")
    assert database.trouble == DAMAGED


async def test_any_other_trouble_is_over_once_something_is_written(bench: Bench) -> None:
    """Whatever it is: the server takes writes again."""
    database = bench.database
    with refusing(bench, "42501"):
        with pytest.raises(StorageError):
            await database.write(_site)
        assert "this role may not do that" in (database.trouble or "")
    await bench.submit("b1")
    assert database.trouble is None
