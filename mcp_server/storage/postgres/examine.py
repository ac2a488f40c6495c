"""What `pressroom doctor` asks of a database server. Nothing is changed. It blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from mcp_server.storage.postgres.connection import Opened
from mcp_server.storage.postgres.errors import moving_error
from mcp_server.storage.postgres.migrate import OLDEST, migrations
from mcp_server.storage.postgres.rows import PostgresRow

CLOCKS_S = 5.0
"""Clocks that differ by more are worth a word: times are the server's."""
SERVER = """
SELECT
    current_setting('server_version') AS version,
    CAST(current_setting('server_version_num') AS bigint) / 10000 AS major,
    current_setting('synchronous_commit') AS commits,
    current_setting('synchronous_standby_names') AS synchronous,
    current_setting('fsync') AS fsync,
    current_setting('autovacuum') AS autovacuum,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS standby,
    current_setting('transaction_read_only') = 'on' AS read_only,
    to_regnamespace(quote_ident(%(schema)s)) IS NOT NULL AS there,
    coalesce(
        has_schema_privilege(to_regnamespace(quote_ident(%(schema)s)), 'CREATE'),
        has_database_privilege(current_database(), 'CREATE')
    ) OR to_regclass(quote_ident(%(schema)s) || '.migrations') IS NOT NULL AS may_create,
    CAST(current_setting('max_connections') AS bigint) AS connections_max,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
    (SELECT count(*) FROM pg_stat_replication) AS replicas,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
    (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted,
    inet_server_addr() IS NOT NULL AS remote
"""
"""What of the server bears on what is promised; `replicas` is 0 where the role may not see them."""
SPILL = """
BEGIN READ ONLY; SET LOCAL work_mem = '64kB';
SELECT count(*) FROM (SELECT n FROM generate_series(1, 20000) AS n ORDER BY -n OFFSET 0) AS sorted
"""
"""Puts some hundred kB on the server's disk for a moment, without writing to any table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A database server, as a workspace finds it."""

    version: str
    schema: int | None
    """The number of the workspace's tables; `None` where there are none yet."""
    newest_schema: int
    ahead_s: float
    """By how much its clock is ahead of this machine's."""
    warnings: tuple[tuple[str, str], ...]
    """What may cost something, and what helps."""
    unusable: tuple[str, str] | None = None
    """Why nothing can be written, and what helps."""


def examine(address: str, schema: str) -> Server:
    """Look at the server, and at the workspace's tables.

    Raises:
        StorageError: it cannot be reached.
    """
    opened = Opened(address, schema)
    try:
        connection = opened.connected()
        row = connection.execute(SERVER, {"schema": schema}).fetchone()
        assert row is not None
        unusable = _unusable(row, schema)
        if unusable is None:
            with suppress(psycopg.errors.ConfigurationLimitExceeded):  # no room by its settings
                connection.execute(SPILL)
            connection.execute("ROLLBACK")
        return Server(
            version=row["version"],
            schema=_schema(connection, schema),
            newest_schema=max(migrations()),
            ahead_s=opened.ahead_s,
            warnings=tuple(_warnings(row, opened.ahead_s)),
            unusable=unusable,
        )
    except psycopg.Error as error:
        raise moving_error(error) from error
    finally:
        opened.close()


def _schema(connection: psycopg.Connection[PostgresRow], schema: str) -> int | None:
    found = connection.execute(
        "SELECT to_regclass(format('%%I.migrations', CAST(%s AS text))) IS NOT NULL AS there",
        [schema],
    ).fetchone()
    if found is None or not found["there"]:
        return None
    asked = sql.SQL("SELECT max(number) AS number FROM {}.migrations").format(
        sql.Identifier(schema)
    )
    row = connection.execute(asked).fetchone()
    return None if row is None else row["number"]


def _unusable(row: PostgresRow, schema: str) -> tuple[str, str] | None:
    if row["major"] < OLDEST:
        return (
            f"the server is PostgreSQL {row['version']}: Pressroom needs {OLDEST} or newer",
            "Upgrade PostgreSQL first, then Pressroom on all machines.",
        )
    if row["encoding"] != "UTF8":
        return (
            f"the database keeps texts as {row['encoding']}, which lacks most letters",
            "Make one with ENCODING 'UTF8' TEMPLATE template0, and name it in the address.",
        )
    if row["standby"]:
        return (
            "the server is a standby, and takes no writes",
            "Name the one that leads, or both: ...@ONE,TWO/NAME?target_session_attrs=read-write.",
        )
    if row["read_only"]:
        return (
            "the server takes no writes: it was made read-only",
            "See why default_transaction_read_only is on, such as a full disk, and turn it off.",
        )
    if not row["may_create"]:
        return (
            f"the role may not make {'tables in' if row['there'] else 'the'} schema {schema}",
            "The owner runs deploy/role.sql (docs/scaling.md); or correct workspace_id.",
        )
    return None


def _warnings(row: PostgresRow, ahead_s: float) -> Iterator[tuple[str, str]]:
    if row["commits"] == "off" or row["fsync"] == "off":
        setting = "fsync" if row["fsync"] == "off" else "synchronous_commit"
        yield (
            f"{setting} is off: a crash of the server loses what was promised to be kept",
            f"Set {setting} = on, for this database at least.",
        )
    if row["replicas"] and not row["synchronous"]:
        yield (
            "replicas follow without synchronous replication: a failover loses the last commits",
            "Set synchronous_standby_names, or take it that a failover may undo some seconds.",
        )
    if row["autovacuum"] == "off":
        yield "autovacuum is off: the tables of jobs grow without bound", "Set autovacuum = on."
    if row["connections"] > 0.9 * row["connections_max"]:
        yield (
            f"{row['connections']} of {row['connections_max']} connections are taken",
            "Raise max_connections, or put PgBouncer in front: see docs/scaling.md.",
        )
    if row["superuser"]:
        yield (
            "the role is a superuser: it may do far more than Pressroom needs",
            "Use a role of its own: see docs/scaling.md.",
        )
    if row["remote"] and not row["encrypted"]:
        yield (
            "the connection is not encrypted",
            "Add ?sslmode=verify-full to the address, or keep it to a private network.",
        )
    if abs(ahead_s) > CLOCKS_S:
        way = "behind" if ahead_s > 0 else "ahead of"
        yield (
            f"this machine's clock is {abs(ahead_s):.0f} seconds {way} the server's",
            "Times are the server's, so nothing is lost; let NTP set both clocks.",
        )
