"""A newer Pressroom is started beside an older one that works: nothing is lost, nothing is twice.

The newer one is this one's modules under a higher version, with one more migration where it says.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcp_server.entities.entity import PRODUCTION
from tests.faults.builds import NEXT_MIGRATION, NEXT_SCHEMA, make_build
from tests.faults.invariants import assert_each_section_once, database
from tests.faults.processes import (
    Moment,
    end_workers,
    hasten,
    hasty_site,
    kill,
    queued,
    reach,
    take_back,
    wait_ended,
    workers,
    working,
)
from tests.faults.saying import assert_one_clear_line, text
from tests.harness import content, desk, small_site
from tests.promises.moves import QUICK, lives, parts_of, redraft
from tests.waiting import wait_until
from tests.wire import pipe, query

DATABASES = Path(__file__).parents[1] / "promises" / "databases"
SAYS = {"menu/s1": "one", "menu/s2": "two", "menu/s3": "three again", "news/s1": "one"}
"""What is live in the workspace of schema 7."""


def test_a_newer_server_lets_the_older_worker_finish_and_starts_its_own(tmp_path: Path) -> None:
    """What runs is finished by who began it, the rest is done by the newer."""
    newer = make_build(tmp_path / "newer", version="99.0.0")
    root = hasty_site(tmp_path / "site", 1, 60, composer_delay_s=2)
    with pipe(root, "auto") as old:
        old.begin()
        batch = queued(old)
        older = working(root)
        reach(root, batch, Moment(1, 0))
        hasten(root)
        with pipe(root, "auto", **newer) as new:
            new.begin()
            wait_until(lambda: worker_versions(root) == {"99.0.0"})
            assert older not in workers(root)
            wait_ended(root, batch)
            assert not old.call("status").get("isError")
    assert assert_each_section_once(root, batch, 60).crashes == 0
    end_workers(root)


def test_a_migration_beside_an_older_server_and_worker_loses_nothing(tmp_path: Path) -> None:
    """The older ones touch nothing after it and say so; the newer ones do what is left."""
    newer = make_build(tmp_path / "newer", version="99.0.0", migration=NEXT_MIGRATION)
    root = hasty_site(tmp_path / "site", 1, 60, composer_delay_s=2)
    with pipe(root, "auto") as old:
        old.begin()
        batch = queued(old)
        older = working(root)
        reach(root, batch, Moment(1, 0.1))
        hasten(root)
        with pipe(root, "auto", **newer) as new:
            new.begin()
            assert not new.call("status").get("isError")
            wait_until(lambda: older not in workers(root))
            for tool in ("status", "generate-all"):
                refusal = old.call(tool)
                assert_one_clear_line(refusal)
                assert f"schema {NEXT_SCHEMA}" in text(refusal)
            wait_until(lambda: "99.0.0" in worker_versions(root))
            wait_ended(root, batch)
            assert old.process.poll() is None
    assert query(root, "SELECT name FROM colours") == [("green",)]
    assert_each_section_once(root, batch, 60)
    end_workers(root)


def test_the_copy_made_before_a_migration_opens_with_the_older_version(tmp_path: Path) -> None:
    """It holds all that had been committed, and its batch goes on."""
    newer = make_build(tmp_path / "newer", version="99.0.0", migration=NEXT_MIGRATION)
    root, back = hasty_site(tmp_path / "site", 1, 8, composer_delay_s=3), tmp_path / "back"
    with pipe(root, "auto") as old:
        old.begin()
        batch = queued(old)
        worker = working(root)
        reach(root, batch, Moment(3, 0))
        kill(old.process.pid)
        kill(worker)
    end_workers(root)
    hasten(root)
    before = standing(database(root))
    with pipe(root, "auto", **newer) as new:
        new.begin()
        wait_ended(root, batch)
    end_workers(root)
    copy = database(root).with_name(f"pressroom.db.before-{NEXT_SCHEMA}")
    assert standing(copy) == before
    (back / ".pressroom").mkdir(parents=True)
    for name in ("pressroom.toml", "pressroom"):
        (shutil.copytree if (root / name).is_dir() else shutil.copy)(root / name, back / name)
    shutil.copy(copy, database(back))
    take_back(back)
    with pipe(root, "auto") as old:
        old.begin()
        refusal = old.call("status")
        assert_one_clear_line(refusal)
        assert "newer Pressroom" in text(refusal)
    with pipe(back, "auto") as old:
        old.begin()
        wait_ended(back, batch)
    for folder in (root, back):
        assert_each_section_once(folder, batch, 8)
        end_workers(folder)


def exported_site(root: Path) -> Path:
    """Make the workspace that the last version has left which wrote whole files (schema 7)."""
    small_site(root, {"menu": 3, "news": 1}, **QUICK)
    for folder in ("content", ".pressroom"):
        (root / folder).mkdir()
    for page in ("menu", "news"):
        shutil.copy(DATABASES / f"schema-7-{page}.md", root / "content" / f"{page}.md")
    with closing(sqlite3.connect(database(root))) as connection:
        connection.executescript((DATABASES / "schema-7.sql").read_text("utf-8"))
    take_back(root)
    return root


@pytest.mark.anyio
async def test_files_that_were_exported_go_on_as_page_files(tmp_path: Path) -> None:
    """All is live, nothing counts as edited; a write changes its span and drops `sections:`."""
    root = exported_site(tmp_path)
    before = content(root)
    async with desk(root) as chat:
        assert await chat.states() == dict.fromkeys(SAYS, "live")
        rows = (await chat.call("review"))["sections"]
        assert [row for row in rows if "note" in row] == []
        assert "No sections to promote" in (await chat.call("promote"))["message"]
        assert content(root) == before
        await redraft(chat, menu_s2="new")
        done = await chat.run("promote", section="menu/s2")
        assert (done["status"], done["files"]) == ("completed", ["content/menu.md"])
        assert "edited" not in str(done.get("notes"))
        front, _, body = before["menu.md"].partition(b"\n---\n")
        kept = front.partition(b"sections:")[0] + b"---\n" + body
        assert content(root) == {
            "menu.md": kept.replace(b"notes: two", b"notes: new"),
            "news.md": before["news.md"],
        }
        assert [each.author.kind for each in await lives(root, "menu/s1")] == ["composer"]
        await chat.run("rollback")
        assert content(root) == before
    async with parts_of(root) as parts:
        stored = await parts.entities.get_all(PRODUCTION)
        assert stored.keys() == SAYS.keys()
        assert all(says in (stored[id].current.markdown or "") for id, says in SAYS.items())


@pytest.mark.anyio
async def test_what_somebody_changed_before_the_upgrade_is_taken_over(tmp_path: Path) -> None:
    """The version before would have called it a conflict; now the file is right."""
    root = exported_site(tmp_path)
    path = root / "content" / "menu.md"
    path.write_bytes(path.read_bytes().replace(b"three again", b"four").replace(b"Menu 1", b"One"))
    async with desk(root) as chat:
        await redraft(chat, menu_s2="new")
        await chat.run("promote", section="menu/s2")
        for section in ("menu/s1", "menu/s3"):
            *_, last = await lives(root, section)
            assert last.author.kind == "file"
        assert b"four" in path.read_bytes() and b"## One" in path.read_bytes()
        assert b"sections:" not in path.read_bytes()


def worker_versions(root: Path) -> set[str]:
    """Return the versions of the workers that have announced themselves and not left."""
    return {row[0] for row in query(root, "SELECT version FROM hosts WHERE role = 'worker'")}


def standing(path: Path) -> list[tuple[Any, ...]]:
    """Return the jobs and revisions in a file."""
    with closing(sqlite3.connect(path)) as connection:
        jobs = connection.execute("SELECT job_id, state, attempt_id FROM jobs ORDER BY id")
        texts = connection.execute("SELECT entity_id, content_hash FROM revisions ORDER BY id")
        return [*jobs.fetchall(), *texts.fetchall()]
