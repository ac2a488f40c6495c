"""A server that lets nobody in: each reason is one clear sentence, which says what helps."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import anyio.to_thread
import psycopg
import pytest

from mcp_server.errors import StorageError, Unavailable
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.errors import is_machines, moving_error, storage_error
from mcp_server.storage.postgres.examine import examine
from mcp_server.storage.postgres.migrate import migrate
from tests.benchmarks.postgres import Postgres, running

LOST = "the database server cannot be reached"
ENTRY = "# from the tests\nlocal all pw scram-sha-256\nlocal all out reject\n"
MADE = (
    "CREATE ROLE pw LOGIN PASSWORD 'right'",
    "CREATE ROLE out LOGIN",
    "CREATE ROLE shut NOLOGIN",
    "CREATE ROLE full LOGIN CONNECTION LIMIT 0",
    "CREATE ROLE bare LOGIN",
    "CREATE DATABASE closed",
    "REVOKE CONNECT ON DATABASE closed FROM public",
    "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
)


@pytest.fixture(scope="module")
def own_server() -> Iterator[tuple[Postgres, str]]:
    """A server with roles and databases that are not to be used, and the folder of its socket."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running(Path(folder), fsync="off") as found,
    ):
        address = f"postgresql://postgres@/postgres?host={folder}"
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in MADE:
                connection.execute(statement.encode())
            entries = found.data / "pg_hba.conf"
            entries.write_text(ENTRY + entries.read_text())
            connection.execute("SELECT pg_reload_conf()")
        yield found, folder


def why_not(address: str) -> str:
    """Return what is said of an address by which nobody gets in."""
    with pytest.raises(psycopg.Error) as caught:
        connect(address).close()
    found = storage_error(caught.value)
    assert found.shown == str(found)
    return str(found)


@pytest.mark.parametrize("statement", ["EXECUTE theirs", "PREPARE theirs AS SELECT 1"])
def test_a_connection_that_a_pooler_lends_unannounced_is_known_by_what_it_lacks_or_has(
    own_server: tuple[Postgres, str], statement: str
) -> None:
    """What was prepared is on another of the server's connections, or was by somebody else."""
    with connect(f"postgresql://postgres@/postgres?host={own_server[1]}") as connection:
        if statement.startswith("PREPARE"):
            connection.execute(statement.encode())
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(statement.encode())
    assert "set database_pooled = true" in str(storage_error(caught.value))
    assert is_machines(caught.value)


@pytest.mark.parametrize(
    ("user", "name", "why"),
    [
        ("postgres", "nowhere", "there is no database of this name: create it"),
        ("stranger", "postgres", "lets nobody of this name in: make the role"),
        ("shut", "postgres", "lets nobody of this name in: make the role"),
        ("pw:wrong", "postgres", "refuses the password: see PGPASSWORD or ~/.pgpass"),
        ("pw", "postgres", "asks for a password: set PGPASSWORD"),
        ("pw:", "postgres", "asks for a password: set PGPASSWORD"),
        ("out", "postgres", "see its pg_hba.conf"),
        ("full", "postgres", "no connection left: see max_connections"),
        ("bare", "closed", "see docs/scaling.md for its rights"),
        ("bare", "postgres?options=-cnonsense%3D1", "name a setting that its server does not"),
        ("bare", "postgres?options=-cwork_mem%3Dfew", "name a setting that its server does not"),
        ("bare", "postgres?target_session_attrs=standby", LOST),
    ],
)
def test_a_server_refuses_who_comes(
    own_server: tuple[Postgres, str],
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    name: str,
    why: str,
) -> None:
    """The driver has no code for it, only words."""
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    at = "&" if "?" in name else "?"
    assert why in why_not(f"postgresql://{user}@/{name}{at}host={own_server[1]}")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("postgresql://me:secret@h/db?nonsense=1", "a parameter that is none, nonsense: correct"),
        ("postgresql://me:sec%zz@h/db", "cannot be read: write one such as"),
        ("postgresql://me@h/db?connect_timeout=soon", "cannot be read: write one such as"),
        ("postgresql://me@127.0.0.1:99999/db", "cannot be read: write one such as"),
        ("postgresql://me@127.0.0.1:1/db?sslmode=often", "cannot be read: write one such as"),
        ("postgresql://me@127.0.0.1:1/db?sslmode=require&sslrootcert=system", "verify-full"),
        ("postgresql://me@127.0.0.1:1/db", f"{LOST}: nothing listens there. Start it, or"),
        ("postgresql://me@/db?host=/nowhere", f"{LOST}: nothing listens there. Start it, or"),
        ("postgresql://me@nowhere.invalid/db", f"{LOST}: nobody knows its host. Correct"),
        ("postgresql:///db?service=none", "service that the address names is not defined"),
    ],
)
def test_an_address_leads_nowhere(address: str, why: str) -> None:
    """What is said of it never holds a password."""
    said = why_not(address)
    assert why in said
    assert "sec" not in said.replace("second", "")


def test_a_server_that_does_not_answer_is_given_up_when_the_address_says() -> None:
    """Its queue takes the connection, and nobody ever greets."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        said = why_not(f"postgresql://me@127.0.0.1:{port}/db?connect_timeout=2")
    assert said.startswith(f"{LOST}: it does not answer. See to the network")


@contextmanager
def _saying(words: str) -> Generator[int]:
    """Run what refuses everybody in these words, as a server does; yield its port."""
    fields = "".join(f"{part}\0" for part in ("SFATAL", "VFATAL", "C28P01", f"M{words}"))
    body = f"{fields}\0".encode()
    refusal = b"E" + struct.pack("!i", len(body) + 4) + body

    def refuse() -> None:
        with suppress(OSError):
            while True:
                made, _ = listens.accept()
                with made:
                    made.recv(4096)
                    made.sendall(refusal)

    with socket.create_server(("127.0.0.1", 0)) as listens:
        thread = threading.Thread(target=refuse)
        thread.start()
        yield listens.getsockname()[1]
        listens.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_server_that_speaks_another_language_is_not_told_as_one_that_is_away() -> None:
    """Whoever calls is told who knows more; who sees to it, what the server has said."""
    words = "Passwort-Authentifizierung für Benutzer »acme« fehlgeschlagen"
    with _saying(words) as port:
        address = f"postgresql://acme@127.0.0.1:{port}/x?sslmode=disable&gssencmode=disable"
        told = why_not(address)
        with pytest.raises(psycopg.Error) as caught:
            connect(address).close()
    assert told == (
        "the database server refuses the connection, in words that are not known here: "
        "`pressroom doctor` shows them"
    )
    assert str(moving_error(caught.value)) == (
        f"the database server refuses the connection: {words}. See to that; where its "
        "lc_messages is C, it says so in English, and what helps is said here"
    )


@pytest.mark.parametrize(
    ("user", "name", "why", "helps"),
    [
        ("bare", "postgres", "the role may not make the schema pressroom_x", "role.sql"),
        ("bare", "postgres", "the role may not make", "or correct workspace_id"),
        ("postgres", "latin", "keeps texts as LATIN1, which lacks most letters", "ENCODING"),
        ("bare", "postgres?options=-cdefault_transaction_read_only%3Don", "read-only", "turn it"),
    ],
)
def test_a_database_that_cannot_be_used_is_known_before_it_is_opened(
    own_server: tuple[Postgres, str], user: str, name: str, why: str, helps: str
) -> None:
    """By whoever asks the doctor; who opens it is refused, and nothing is made."""
    at = "&" if "?" in name else "?"
    address = f"postgresql://{user}@/{name}{at}host={own_server[1]}"
    unusable = examine(address, "pressroom_x").unusable
    assert unusable is not None
    assert why in unusable[0] and helps in unusable[1]
    with pytest.raises((StorageError, Unavailable)):
        migrate(address, "pressroom_x")
    with psycopg.connect(address) as connection:
        [there] = connection.execute("SELECT to_regnamespace('pressroom_x')").fetchall()
    assert there == (None,)


@pytest.mark.anyio
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_a_certificate_that_nobody_knows_is_not_taken(
    own_server: tuple[Postgres, str], tmp_path: Path
) -> None:
    """Its signer is named, or known to the system; and it is for the host that the address has."""
    key, signed = tmp_path / "key.pem", tmp_path / "signed.pem"
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(  # noqa: ASYNC221
        [*made, "-keyout", key, "-out", signed, *about], check=True, capture_output=True
    )
    async with _with_tls(own_server[1], key, signed) as port:
        for host, roots, why in (
            ("localhost", "system", "signed by nobody whom sslrootcert names"),
            ("127.0.0.1", str(signed), "for another host: write the name in it as the host"),
            ("localhost", "/nowhere", "the file that sslrootcert names cannot be read"),
        ):
            asked = f"postgres?sslmode=verify-full&sslrootcert={roots}"
            address = f"postgresql://postgres@{host}:{port}/{asked}"
            assert why in await anyio.to_thread.run_sync(why_not, address)
        good = f"postgresql://postgres@localhost:{port}/postgres?sslmode=verify-full"
        (await anyio.to_thread.run_sync(connect, f"{good}&sslrootcert={signed}")).close()


@asynccontextmanager
async def _with_tls(folder: str, key: Path, signed: Path) -> AsyncGenerator[int]:
    """Offer TLS before a server whose programs were built without; yield the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed, key)
    context.set_alpn_protocols(["postgresql"])
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await reader.readexactly(8)  # it asks whether there is TLS
                writer.write(b"S")
                await writer.start_tls(context)
                far = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_pass_on(reader, far[1]))
                    tasks.create_task(_pass_on(far[0], writer))
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*serving, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # either side may be gone
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
