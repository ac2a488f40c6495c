"""The sites of one PostgreSQL database: no statement meets another's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
from psycopg import sql

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.postgres.transaction import PACKAGE, query
from mcp_server.storage.sql.transaction import statements_of
from tests.storage.postgres_server import SCHEMAS, server

VALUE = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[psycopg.Connection[PostgresRow], str]]:
    """A connection to a site that has neighbours, as the product makes it, and its schema."""
    here, beside = (tmp_path_factory.mktemp("site") for _ in range(2))
    schema = SCHEMAS.of(here)
    SCHEMAS.of(beside)
    with connect(server()) as connection:
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
        yield connection, schema
    for path in (here, beside):
        SCHEMAS.give_back(path)


@pytest.mark.parametrize("name", sorted(statements_of(PACKAGE)))
def test_a_statement_reads_and_writes_the_tables_of_its_own_site_only(
    name: str, found: tuple[psycopg.Connection[PostgresRow], str]
) -> None:
    connection, schema = found
    places: dict[str, str] = {}
    text = VALUE.sub(lambda m: places.setdefault(m[1], f"${len(places) + 1}"), query(name))
    explained = connection.execute(
        f"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) {text.replace('%%', '%')}".encode()
    ).fetchone()
    assert explained is not None
    assert set(_schemas(explained[0])) <= {schema}
    assert not re.search(r"\bpressroom_|\bpublic\.|search_path", text), "it names a schema"


def _schemas(plan: Any) -> Iterator[str]:
    """Yield the schema of each table that a plan meets."""
    parts = cast("list[Any]", plan if isinstance(plan, list) else [])
    if isinstance(plan, dict):
        node = cast("dict[str, Any]", plan)
        parts = list(node.values())
        if "Relation Name" in node:
            yield node["Schema"]
    for part in parts:
        yield from _schemas(part)
