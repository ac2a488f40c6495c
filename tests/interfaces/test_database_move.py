"""`pressroom database move`: all of a workspace goes to another database, and comes back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import psycopg
import pytest
from anyio.to_thread import run_sync

from mcp_server.app import move_database
from mcp_server.config import open_workspace
from mcp_server.errors import StorageError, Unavailable
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.storage.moving.journal import Journal
from mcp_server.storage.moving.tables import INDEX_OF_WORDS, OF_EACH_DATABASE, TABLES
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import channel_of
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.migrate import migrate
from mcp_server.storage.postgres.unread import end_unread
from mcp_server.storage.sqlite.file.database import Database
from tests.benchmarks.postgres import running
from tests.harness import desk
from tests.moving import Movable, filled_file, movable, pressroom
from tests.storage.invariants import check_invariants
from tests.storage.moved_rows import (
    columns_of_schema,
    drop_schemas,
    rows_of_file,
    rows_of_schema,
    schemas_of,
)
from tests.waiting import until, wait_until

MANY_SITES = """
WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
INSERT INTO sites SELECT 'h' || n, '{}' FROM n
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that holds something of everything."""
    return anyio.run(filled_file, tmp_path_factory.mktemp("filled") / "site")


@pytest.fixture
def site(filled: Path, tmp_path: Path) -> Iterator[Movable]:
    """A workspace to be moved."""
    made = movable(tmp_path / "site", filled)
    yield made
    drop_schemas(made.address, made.schema)


def test_the_sample_holds_something_of_everything(site: Movable) -> None:
    """Otherwise it would show little that a table came over."""
    rows = site.rows()
    empty = {name for name, found in rows.items() if not found}
    assert empty <= {"hosts", "awaited", "following", "record", "spent", "materials", "unembedded"}
    states = {row[5] for row in rows["jobs"]}
    assert {"pending", "paused", "completed"} <= states


def test_all_tables_of_both_databases_are_copied_or_left_for_a_reason(site: Movable) -> None:
    """And those that are copied have the same columns in both."""
    site.move()
    left = INDEX_OF_WORDS | OF_EACH_DATABASE
    copied = {table.name for table in TABLES}
    shared = columns_of_schema(site.address, site.schema)
    views = {"texts"}
    assert set(shared) - left - views == copied
    [file] = site.file.parent.glob("pressroom.db.moved")
    with closing(sqlite3.connect(file)) as connection:
        asked = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence'"
        names = {name for (name,) in connection.execute(asked)}
        assert names - left == copied
        for name in copied:
            of_table = connection.execute("SELECT name FROM pragma_table_info(?)", [name])
            assert {column for (column,) in of_table} == shared[name]


def test_there_and_back_every_row_is_as_it_was(site: Movable) -> None:
    """Table by table, in both places, with the words that are found and the next numbers."""
    before, settings = site.rows(), site.settings.read_text()
    said, _ = site.move()
    assert "compared one by one" in said
    assert "pressroom.db.moved, which nothing uses any more" in said
    assert site.is_shared
    assert site.rows() == before
    assert not site.file.exists()
    moved = site.file.with_name("pressroom.db.moved")
    assert rows_of_file(moved) == before
    assert not list(site.file.parent.glob("pressroom.db-*"))
    again, _ = site.move()
    assert "already" in again

    said, _ = site.move("sqlite")
    assert f"the schema {site.schema}_moved, which nothing uses any more" in said
    assert not site.is_shared
    assert site.rows() == before
    check_invariants(site.file)
    assert _found_words(site.file) == _found_words(moved)
    assert _numbers(site.file) == _numbers(moved)
    assert rows_of_schema(site.address, f"{site.schema}_moved", moved) == before
    assert site.settings.read_text() == f'database = ""\nworkspace_id = "{site.id}"\n{settings}'
    again, _ = site.move("sqlite")
    assert "already" in again

    said, _ = site.move()
    assert "pressroom.db.moved-2" in said
    assert site.rows() == before


@pytest.mark.anyio
async def test_the_work_goes_on_in_the_new_place(site: Movable) -> None:
    """What was queued is done, what was paused is taken up, and numbers go on."""
    ids = await run_sync(_batches, site.file)
    await run_sync(site.move)
    async with desk(site.root) as chat:
        done = await chat.call("status", batchId=ids["pending"], waitSeconds=45)
        assert done["operations"][0]["status"] == "completed"
        again = await chat.run("retry", batchId=ids["paused"])
        assert again["status"] == "completed"
        await chat.call("edit", section="menu/s2", text="after the move")
        found = await chat.call("search", query="spat")
        assert [each["id"] for each in found["found"]][:1] == ["menu/s1"]
        went = await chat.run("rollback", page="menu")
        assert went["status"] == "completed"
    now = await run_sync(site.rows)
    assert len({row[0] for row in now["revisions"]}) == len(now["revisions"])


def test_settings_keep_every_other_byte(site: Movable) -> None:
    """Comments, blank lines and line ends; the address stands below the comment about it."""
    before = (
        '# mine\r\n\r\nconcurrency = 2  # few\r\n# database = ""\r\nembedder = "words"\r\n'
        'worker = "embedded"\r\n[limits]\r\n'
    )
    site.settings.write_text(before, newline="")
    site.settings.chmod(0o640)
    site.move()
    line = f'database = "{site.address_without_password}"\r\n'
    after = site.settings.read_bytes().decode()
    assert after == (
        f'# mine\r\nworkspace_id = "{site.id}"\r\n\r\nconcurrency = 2  # few\r\n# database = ""\r\n'
        f'{line}embedder = "words"\r\nworker = "embedded"\r\n[limits]\r\n'
    )
    assert site.settings.stat().st_mode & 0o777 == 0o640
    site.move("sqlite")
    assert site.settings.read_bytes().decode() == after.replace(line, 'database = ""\r\n')


def test_a_password_is_used_and_not_written_down(site: Movable) -> None:
    """It is said where it belongs; what the user has typed needs no `pressroom trust`."""
    user, _, rest = site.address.partition("@")
    scheme, _, name = user.partition("://")
    name = name.partition(":")[0]
    done = pressroom(
        site.root,
        *("database", "move", f"{scheme}://{name}:sesame@{rest}", "--workspace-id", site.id),
    )
    assert done.returncode == 0, done.stderr
    assert "put it into PGPASSWORD or ~/.pgpass" in done.stdout
    everything = site.settings.read_text() + done.stdout + done.stderr
    assert "sesame" not in everything
    assert f'database = "{scheme}://{name}@{rest}"' in site.settings.read_text()
    status = pressroom(site.root, "status")
    assert status.returncode == 0, status.stderr
    back = pressroom(site.root, "database", "move", "sqlite")
    assert back.returncode == 0, back.stderr


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://me@here/x", "no address of a database"),
        ("sqlite:///x", "no address of a database"),
        ("postgresql://me@here/my site", "Write a blank within a name as %20."),
        ("postgresql://me@127.0.0.1:1/x", "cannot be reached: nothing listens there"),
        ("postgresql://me@localhost/x?nonsense=1", "a parameter that is none, nonsense"),
    ],
)
def test_a_wrong_address_changes_nothing(site: Movable, address: str, why: str) -> None:
    """It is one line on stderr, and the workspace works as before."""
    before, settings = site.rows(), site.settings.read_bytes()
    done = pressroom(site.root, "database", "move", address, "--workspace-id", site.id)
    assert done.returncode == 2
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert (site.rows(), site.settings.read_bytes()) == (before, settings)


def test_a_database_that_is_not_there_is_named(site: Movable) -> None:
    """It says what to do, too."""
    address = site.address.replace("/postgres?", "/nowhere?")
    if "/nowhere?" not in address:
        address = site.address.replace("/bench1?", "/nowhere?")
    with pytest.raises(StorageError, match="no database of this name: create it"):
        site.move(address)


def test_a_wrong_password_is_refused_in_one_line(site: Movable) -> None:
    """And is nowhere in what is said."""
    folder = Path(tempfile.mkdtemp())  # whose path is short enough for a socket
    with running(folder) as theirs:
        theirs.run("psql", "-qc", "CREATE ROLE guarded LOGIN PASSWORD 'sesame'")
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
        theirs.run("psql", "-qc", "SELECT pg_reload_conf()")
        address = f"postgresql://guarded:open@/postgres?host={folder}"
        wait_until(partial(_is_refused, address))
        done = pressroom(site.root, "database", "move", address, "--workspace-id", site.id)
    shutil.rmtree(folder)
    assert done.returncode == 2
    assert "refuses the password: see PGPASSWORD or ~/.pgpass" in done.stderr
    assert "open@" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert not site.is_shared


def test_a_role_that_may_make_no_schema_moves_in_and_out(site: Movable) -> None:
    """The tables stay where they are then, and nobody takes them for a workspace."""
    role = f"r{site.id}"
    with psycopg.connect(site.address) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute(f"CREATE SCHEMA {site.schema} AUTHORIZATION {role}".encode())
    address = site.address_without_password.replace("//postgres@", f"//{role}@")
    try:
        before = site.rows()
        site.move(address)
        assert site.rows() == before
        said, _ = site.move("sqlite")
        assert f"the schema {site.schema}, which nothing uses any more" in said
        assert site.rows() == before
        with pytest.raises(Unavailable, match="was moved out of the database"):
            migrate(address, site.schema)
        with pytest.raises(Unavailable, match="such as what was moved out of it"):
            site.move(address)
        assert not site.is_shared
    finally:
        drop_schemas(site.address, site.schema)
        with psycopg.connect(site.address) as connection:
            connection.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize("made", ["theirs", "nobody's", "lent"])
def test_a_role_without_a_right_to_the_schema_is_told_so_before_anything_is_copied(
    site: Movable, made: str
) -> None:
    """Be it another role's, in which it may write or not, or one that it may not make."""
    role = f"r{site.id}"
    with psycopg.connect(site.address) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        if made != "nobody's":
            connection.execute(f"CREATE SCHEMA {site.schema}".encode())
        if made == "lent":
            connection.execute(f"GRANT ALL ON SCHEMA {site.schema} TO {role}".encode())
        [owner] = connection.execute("SELECT current_user").fetchone() or [""]
    address = site.address_without_password.replace("//postgres@", f"//{role}@")
    said: list[str] = []
    try:
        with pytest.raises(Unavailable) as refused:
            move_database(site.root, address, workspace_id=site.id, say=said.append)
        assert said == []
        why = (
            f"There is no schema {site.schema} in the database, and the role {role} may not make "
            "it: have the database's owner run deploy/role.sql (docs/scaling.md), or correct "
            "--workspace-id. Nothing was moved."
            if made == "nobody's"
            else f"The schema {site.schema} belongs to the role {owner}, and the role {role} is "
            "another: correct --workspace-id, or name the role that owns it in the address. "
            "Nothing was moved."
        )
        assert str(refused.value) == why
        assert not site.is_shared
    finally:
        drop_schemas(site.address, site.schema)
        with psycopg.connect(site.address) as connection:
            connection.execute(f"DROP ROLE {role}".encode())


def test_a_role_that_does_not_own_the_schema_is_told_so_before_it_is_copied_back(
    site: Movable,
) -> None:
    """It may read all, and could not say there that the workspace is not there any more."""
    site.move()
    with psycopg.connect(site.address) as connection:
        role = f"r{site.id}"
        connection.execute(f"CREATE ROLE {role}".encode())
        connection.execute(f"ALTER SCHEMA {site.schema} OWNER TO {role}".encode())
        connection.execute(f"CREATE ROLE {role}b LOGIN".encode())
        for what in (f"SCHEMA {site.schema}", f"ALL TABLES IN SCHEMA {site.schema}"):
            connection.execute(f"GRANT ALL ON {what} TO {role}b".encode())
    settings = site.settings.read_text()
    site.settings.write_text(settings.replace("//postgres@", f"//{role}b@"))
    said: list[str] = []
    try:
        pressroom(site.root, "trust", "--yes")
        why = f"belongs to the role {role}, and the role {role}b is another: correct workspace_id,"
        with pytest.raises(Unavailable, match=why):
            move_database(site.root, "sqlite", workspace_id=None, say=said.append)
        assert said == []
    finally:
        site.settings.write_text(settings)
        drop_schemas(site.address, site.schema)
        with psycopg.connect(site.address) as connection:
            connection.execute(f"DROP ROLE {role}, {role}b".encode())


def test_an_id_that_is_none_is_refused(site: Movable) -> None:
    """It would be part of a schema's name."""
    done = pressroom(site.root, "database", "move", site.address, "--workspace-id", "My Site")
    assert done.returncode == 2
    assert "is no id" in done.stderr


def test_an_address_that_is_none_is_refused_with_one_that_is(site: Movable) -> None:
    """The example is shown whole: it hides nobody's name."""
    done = pressroom(site.root, "database", "move", "postgres")
    assert done.returncode == 2
    assert "write postgresql://USER@HOST/NAME, or sqlite" in done.stderr


def test_a_schema_that_holds_something_else_is_refused(site: Movable) -> None:
    """Another site, or tables of somebody else; nothing of it is touched."""
    with psycopg.connect(site.address) as connection:
        connection.execute(f"CREATE SCHEMA {site.schema}".encode())
        connection.execute(f"CREATE TABLE {site.schema}.theirs (x int)".encode())
    with pytest.raises(Unavailable, match="holds something"):
        site.move()
    assert set(columns_of_schema(site.address, site.schema)) == {"theirs"}
    assert not site.is_shared


def test_an_empty_schema_that_another_has_made_is_filled(site: Movable) -> None:
    """A role with few rights is given one, and may not make any."""
    before = site.rows()
    with psycopg.connect(site.address) as connection:
        connection.execute(f"CREATE SCHEMA {site.schema}".encode())
    site.move()
    assert site.rows() == before


def test_a_file_in_the_way_is_refused(site: Movable) -> None:
    """Nothing is put in its place."""
    site.move()
    site.file.write_bytes(b"mine")
    with pytest.raises(Unavailable, match="nothing is put in its place"):
        site.move("sqlite")
    assert site.file.read_bytes() == b"mine"
    assert site.is_shared


def test_a_server_that_takes_no_writes_is_said_before_anything_is_copied(
    site: Movable,
) -> None:
    """What is there is not set aside: the workspace can still be read where it is."""
    site.move()
    with psycopg.connect(site.address, autocommit=True) as connection:
        read_only = f"ALTER DATABASE {connection.info.dbname} {{}} default_transaction_read_only"
        connection.execute((read_only.format("SET") + " = on").encode())
        said: list[str] = []
        try:
            with pytest.raises(StorageError, match="takes no writes"):
                move_database(site.root, "sqlite", workspace_id=None, say=said.append)
        finally:
            connection.execute(read_only.format("RESET").encode())
    assert said == []
    assert site.is_shared
    assert not (site.file.parent / Journal.NAME).exists(), "a move is to be brought to its end"
    site.move("sqlite")
    assert not site.is_shared


def test_what_outranks_the_settings_is_named(
    site: Movable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The move would write where nobody reads."""
    monkeypatch.setenv("PRESSROOM_WORKSPACE_ID", "other")
    with pytest.raises(Unavailable, match="PRESSROOM_WORKSPACE_ID says otherwise"):
        site.move()
    monkeypatch.delenv("PRESSROOM_WORKSPACE_ID")
    site.move()
    monkeypatch.setenv("PRESSROOM_DATABASE", site.address)
    monkeypatch.setenv("PRESSROOM_WORKSPACE_ID", site.id)
    with pytest.raises(Unavailable, match="PRESSROOM_DATABASE says otherwise") as refusal:
        site.move("sqlite")
    # Without it nothing may be left to say where the workspace is.
    assert "let it and workspace_id stand there instead, unset it" in str(refusal.value)


def test_no_workspace_is_one_line(tmp_path: Path) -> None:
    """As of every command."""
    done = pressroom(tmp_path, "database", "move", "sqlite")
    assert done.returncode == 2
    assert done.stderr.startswith("pressroom: There is no workspace")


@pytest.mark.anyio
async def test_a_workspace_that_is_in_use_is_refused(site: Movable) -> None:
    """Be it by a server or a worker; it is said what ends them, and nothing was changed."""
    async with desk(site.root):
        await until(lambda: run_sync(_announced, site))
        with pytest.raises(Unavailable, match=r"in use, and was not moved: .*pressroom stop"):
            await run_sync(site.move)
    lock = WorkerLock(open_workspace(site.root, {}).worker_lock)
    assert lock.acquire()
    with pytest.raises(Unavailable, match="a worker lives"):
        await run_sync(site.move)
    lock.release()
    await run_sync(site.move)
    async with desk(site.root):
        await until(lambda: run_sync(_announced, site))
        with pytest.raises(Unavailable, match=r"in use, and was not moved: .*pressroom stop"):
            await run_sync(site.move, "sqlite")
    assert site.is_shared


def test_rows_that_postgres_cannot_hold_are_named_before_anything_is_copied(site: Movable) -> None:
    """A NUL within a text, a fraction among whole numbers, a text that is no UTF-8."""
    with closing(sqlite3.connect(site.file)) as file, file:
        file.execute(
            "UPDATE revisions SET markdown = 'a' || char(0) || 'b' WHERE id = "
            "(SELECT min(id) FROM revisions WHERE markdown IS NOT NULL)"
        )
        file.execute("UPDATE usage SET day = 1.5 WHERE entry = 'open'")
        file.execute("UPDATE batches SET details = CAST(x'ff' AS TEXT) WHERE id = 1")
    with pytest.raises(Unavailable) as refused:
        site.move()
    assert "a NUL in markdown of" in str(refused.value)
    assert "a fraction in day of" in str(refused.value)
    assert "details of" in str(refused.value)
    assert schemas_of(site.address, site.schema) == set()
    assert not site.is_shared


@pytest.mark.anyio
async def test_who_has_the_place_of_before_open_writes_there_no_more(site: Movable) -> None:
    """Neither into the file nor into the schema: it is an error, and the rows stay as they are."""
    async with Database.open(site.file) as opened:
        await run_sync(site.move)
        with pytest.raises(StorageError):
            await opened.write(lambda tx: tx.run("set_back_hosts", now=0.0))
    before = await run_sync(site.rows)
    async with PostgresDatabase.open(site.address, site.schema) as opened:
        await run_sync(site.move, "sqlite")
        with pytest.raises(StorageError, match="moved away"):
            await opened.write(lambda tx: tx.run("set_back_hosts", now=0.0))
        with pytest.raises(StorageError, match="moved away"):
            await opened.read(lambda tx: tx.one("count_commits"))
    assert await run_sync(site.rows) == before


@pytest.mark.anyio
async def test_another_machine_is_told_that_the_workspace_went(site: Movable) -> None:
    """It would make an empty one in the schema otherwise."""
    await run_sync(site.move)
    await run_sync(site.move, "sqlite")
    with pytest.raises(Unavailable, match="moved out of the database, into a file on"):
        async with PostgresDatabase.open(site.address, site.schema):
            raise AssertionError


def test_long_tables_say_how_far_they_are(site: Movable) -> None:
    """Every so many rows a line."""
    with closing(sqlite3.connect(site.file)) as file, file:
        file.execute(MANY_SITES)
    _, said = site.move()
    assert any(line.startswith("sites: 50,000 of 100,") for line in said)
    _, said = site.move("sqlite")
    assert any(line.startswith("sites: 100,000 of 100,") for line in said)


def test_who_wants_to_open_a_workspace_does_not_end_its_move(site: Movable) -> None:
    """It holds the lock for as long as it takes, and is often in the middle of a statement."""
    with closing(sqlite3.connect(site.file)) as file, file:
        file.execute(MANY_SITES)
    ended: list[bool] = []

    def say(line: str) -> None:
        if line.startswith("sites: "):
            with connect(site.address) as other:
                ended.append(end_unread(other, channel_of(site.schema), 0.0))

    for to, id in ((site.address, site.id), ("sqlite", None)):
        move_database(site.root, to, workspace_id=id, say=say)
    assert {*ended} == {False}
    assert not site.is_shared


def _is_refused(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError as error:
        return "password authentication failed" in str(error)
    return False


def _announced(site: Movable) -> bool:
    return bool(site.rows()["hosts"])


def test_a_large_file_is_not_held_in_memory(site: Movable) -> None:
    """There and back, only a few rows at a time."""
    with closing(sqlite3.connect(site.file)) as file, file:
        for number in range(200):
            data = zlib.compress(os.urandom(100_000), 0)
            file.execute("INSERT INTO page_bytes VALUES (?, ?)", (f"h{number}", data))
    for to in (None, "sqlite"):
        tracemalloc.start()
        site.move(to)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 5_000_000


def _batches(path: Path) -> dict[str, str]:
    """Return a batch of each state."""
    with closing(sqlite3.connect(path)) as file:
        asked = "SELECT state, batch_id FROM rounds JOIN batches ON id = batch AND number = round"
        return dict(file.execute(asked).fetchall())


def _found_words(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT term, doc, cnt FROM word_terms ORDER BY term").fetchall()


def _numbers(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name").fetchall()
