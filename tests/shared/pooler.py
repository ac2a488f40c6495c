"""PgBouncer, as Debian has it, before the tests' server: connections are lent for a transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.waiting import wait_until

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooler(address: str, *, connections: int) -> Generator[str]:
    """Run one before the server at `address`; yield its own. It has so few `connections`."""
    assert PROGRAM is not None, "asked for only where it is installed"
    at = conninfo_to_dict(address)
    with tempfile.TemporaryDirectory(prefix="pressroom-pgbouncer-") as name:
        folder = Path(name)
        user: int | None = None
        if os.geteuid() == 0:  # it refuses to run as root, and only its owner may use the socket
            user = Path(str(at["host"])).stat().st_uid
            shutil.chown(folder, user)
        settings = {
            "listen_addr": "",
            "unix_socket_dir": folder,
            "listen_port": 6432,
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": connections,
            "max_client_conn": 200,
            "logfile": folder / "log",
        }
        file = folder / "pgbouncer.ini"
        lines = [f"{key} = {value}" for key, value in settings.items()]
        where = f"host={at['host']} port={at.get('port', 5432)} user={at.get('user', 'postgres')}"
        file.write_text("\n".join(["[databases]", f"* = {where}", "[pgbouncer]", *lines]) + "\n")
        process = subprocess.Popen(
            [PROGRAM, "-q", str(file)],
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        own = f"postgresql://postgres@/{at['dbname']}?host={folder}&port=6432"
        try:
            wait_until(lambda: _answers(own) or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield own
        finally:
            process.terminate()
            process.wait(10)


def _answers(address: str) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(address, connect_timeout=2).close()
        return True
    return False
