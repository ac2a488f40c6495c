"""How a connection is made. It blocks."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper

from mcp_server.storage.postgres.refusals import Unreadable, why_unreadable
from mcp_server.storage.postgres.rows import PostgresRow, made_by_name

LOST = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
"""After 25 seconds without a sign of its machine, a server is lost; after 5, one that lets nobody
in. The system's own defaults are a quarter of an hour, or two. What the address says counts more.
"""


def connect(address: str, *, prepared: bool = True) -> psycopg.Connection[PostgresRow]:
    """Return a new connection that begins no transaction by itself.

    Without `prepared`, the server keeps no statements: behind a pooler it is often another one.

    Raises:
        psycopg.Error: there is none.
    """
    try:
        said = conninfo_to_dict(address)
        unsaid = {name: value for name, value in LOST.items() if name not in said}
        connection = psycopg.Connection[PostgresRow].connect(
            make_conninfo(address, **unsaid),
            autocommit=True,
            row_factory=made_by_name,
            client_encoding="utf8",  # whatever the environment says, or the database's own is
            application_name="pressroom",
            prepare_threshold=5 if prepared else None,
        )
    except psycopg.ProgrammingError as error:
        raise Unreadable(why_unreadable(error)) from None
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_loader("numeric", _Number)
    return connection


class _Number(Loader):
    """Reads sums, which are numerics, as the numbers that they are of."""

    def load(self, data: Any) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)
