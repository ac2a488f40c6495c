"""A file of before pages were paths, and before their files were known: after its migration."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mcp_server.entities.entity import PREVIEW, PRODUCTION
from mcp_server.entities.page_files import Intent, KnownFile
from mcp_server.storage.sqlite.file.examine import examine
from mcp_server.storage.sqlite.file.migrate import migrate, newest_schema
from mcp_server.storage.sqlite.file.transaction import PACKAGE
from tests.storage.stores import sqlite

pytestmark = pytest.mark.anyio

BEFORE = 7
"""The last schema without pages of their own."""

TEXTS = [
    (1, PRODUCTION, "menu/hero", "Old", "1", 1),
    (2, PREVIEW, "menu/hero", "New", "2", 2),
    (3, PRODUCTION, "menu/hero", "Live", "3", 3),
    (4, PRODUCTION, "menu/team", None, None, 4),
    (5, PRODUCTION, "menu-2/hero", "Other", "5", 5),
    (6, "photo", "album/2024/sea", "Sea", "6", 6),
    (7, "note", "alone", "Alone", "7", 7),
]
INSERT = """
INSERT INTO revisions (
    id, type, entity_id, template, fields, markdown, content_hash, author_kind, author_name,
    created_at
) VALUES (?, ?, ?, 'note', '{}', ?, ?, 'model', 'm', ?)
"""
CURRENT = """
INSERT OR REPLACE INTO entities (type, entity_id, current, content_hash, base, withdrawn)
VALUES (?, ?, ?, ?, 'b', ?)
"""
EXPORTS = [
    ("menu", "new", "old"),
    ("menu-2", "only", None),
    ("first", "made", ""),
    ("gone", "", "was"),
    ("bad", b"\xff", None),
]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A file of schema 7 with texts, entities and what was exported."""
    folder = resources.files(PACKAGE).joinpath("file", "migrations")
    scripts = {int(file.name[:4]): file.read_text("utf-8") for file in folder.iterdir()}
    path = tmp_path / "pressroom.db"
    migrate(path, migrations={n: scripts[n] for n in sorted(scripts) if n <= BEFORE})
    with closing(sqlite3.connect(path)) as connection:
        for id, type, entity, text, hash, at in TEXTS:
            connection.execute(INSERT, (id, type, entity, text, hash, at))
            connection.execute(CURRENT, (type, entity, id, hash, type == PREVIEW))
        connection.executemany("INSERT INTO exports VALUES (?, ?, ?)", EXPORTS)
        connection.commit()
    return path


def rows(path: Path, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(asked).fetchall()


def test_every_text_is_on_its_page(earlier: Path) -> None:
    """Nothing else of it is another; of other types too the page is before the last slash."""
    texts = "SELECT id, type, entity_id, markdown, content_hash, created_at FROM revisions"
    marks = (
        "SELECT type, entity_id, current, content_hash, base, withdrawn FROM entities ORDER BY 1, 2"
    )
    before = rows(earlier, texts), rows(earlier, marks)
    assert migrate(earlier) == newest_schema()
    assert (rows(earlier, texts), rows(earlier, marks)) == before
    pages = {
        "menu/hero": "menu", "menu/team": "menu", "menu-2/hero": "menu-2",
        "album/2024/sea": "album/2024", "alone": "",
    }  # fmt: skip
    for table in ("revisions", "entities"):
        assert dict(rows(earlier, f"SELECT entity_id, page FROM {table}")) == pages
    examined = examine(earlier)
    assert (examined.problems, examined.strange) == ((), ())
    copy = earlier.with_name(f"{earlier.name}.before-8")
    assert rows(copy, "PRAGMA user_version") == [(BEFORE,)]


async def test_what_was_exported_is_settled_by_the_next_look(earlier: Path) -> None:
    """The last file may not have been written; a page without a file has none to look at."""
    async with sqlite(earlier) as stores:
        found = await stores.entities.page_files()
        assert found == {
            "menu": known("menu", "old", Intent(hash="new", in_file={"hero": "3"})),
            "menu-2": known("menu-2", "only", Intent(hash="only", in_file={"hero": "5"})),
            "first": known("first", None, Intent(hash="made")),
        }
        assert set((await stores.entities.get_all(PRODUCTION)).keys()) == {
            "menu/hero", "menu-2/hero",
        }  # fmt: skip
        entity = await stores.entities.get("photo", "album/2024/sea")
        assert entity is not None and entity.current.markdown == "Sea"


def known(page: str, hash: str | None, intent: Intent) -> KnownFile:
    """Make what is known of a page's file after the migration."""
    return KnownFile(page=page, file=f"{page}.md", layout="", hash=hash, intent=intent, version=1)


def test_a_migrated_file_has_the_schema_of_a_new_one(earlier: Path, tmp_path: Path) -> None:
    """Whatever it was migrated from."""
    migrate(earlier)
    migrate(tmp_path / "new.db")
    asked = "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2"
    assert rows(earlier, asked) == rows(tmp_path / "new.db", asked)
    assert json.loads(rows(earlier, "SELECT intent FROM page_files WHERE page = 'menu'")[0][0])
