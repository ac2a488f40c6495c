"""deploy/role.sql, run as those who administer a database may run it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.benchmarks.postgres import installed
from tests.storage.postgres_server import server
from tests.waiting import PATIENCE_S
from tests.wire import REPOSITORY

BOSS, DATABASE, SITE = (f"{name}_{os.getpid()}" for name in ("boss", "of_boss", "site"))


@pytest.fixture
def boss() -> Iterator[str]:
    """The address of a database for its owner, who may make roles and is no superuser."""
    owner, database = sql.Identifier(BOSS), sql.Identifier(DATABASE)
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(owner))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        yield _as(BOSS)
        connection.execute(sql.SQL("DROP DATABASE {}").format(database))
        for role in (SITE, BOSS):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def test_an_owner_who_is_no_superuser_makes_a_role_and_cannot_act_as_it(boss: str) -> None:
    """As with most who rent a server."""
    done = _run(boss, SITE)
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(_as(SITE), autocommit=True) as connection:
        connection.execute(f"CREATE TABLE pressroom_{SITE}.own (x int)".encode())
    refused = psycopg.errors.InsufficientPrivilege
    with psycopg.connect(boss, autocommit=True) as connection:
        for statement in (f"SET ROLE {SITE}", f"SELECT * FROM pressroom_{SITE}.own"):
            with pytest.raises(refused):
                connection.execute(statement.encode())


def test_a_name_that_no_workspace_may_have_is_refused_and_nothing_is_made(boss: str) -> None:
    """Its schema would never be used."""
    done = _run(boss, "my-site")
    assert done.returncode != 0
    assert "small letters, digits and _" in done.stderr
    with psycopg.connect(boss) as connection:
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'my-site'").fetchall()
    assert found == []


def _as(user: str) -> str:
    address = urlsplit(server())
    host = address.netloc.rpartition("@")[2]
    return urlunsplit(address._replace(netloc=f"{user}@{host}", path=f"/{DATABASE}"))


def _run(address: str, site: str) -> subprocess.CompletedProcess[str]:
    given = {"site": site, "database": DATABASE, "password": "a-password"}
    named = [part for key, value in given.items() for part in ("-v", f"{key}={value}")]
    script = Path(REPOSITORY) / "deploy" / "role.sql"
    return subprocess.run(
        [str(installed() / "bin" / "psql"), "-q", *named, "-f", str(script), address],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
