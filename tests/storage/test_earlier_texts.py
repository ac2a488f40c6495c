"""A file whose texts were hashed with their fields: after its migration all of it fits together."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mcp_server.entities.entity import PREVIEW, PRODUCTION, text_hash
from mcp_server.storage.sqlite.file.migrate import migrate, newest_schema
from mcp_server.storage.sqlite.file.transaction import PACKAGE

BEFORE = 6
"""The last schema whose hashes were made of fields, Markdown and template."""

FILL = """
INSERT INTO revisions (
    id, type, entity_id, template, fields, markdown, content_hash, base, author_kind, author_name,
    created_at
) VALUES
(1, 'site-content-production', 'menu/hero', 'note', '{}', 'Old', 'old', NULL, 'model', 'm', 1),
(2, 'site-content-preview', 'menu/hero', 'note', '{}', 'New', 'new', 'old', 'model', 'm', 2),
(3, 'site-content-production', 'menu/gone', 'note', '{}', NULL, NULL, 'x', 'person', 'p', 3),
(4, 'site-content-preview', 'menu/bad', 'note', '{}', x'ff', 'bad', 'unknown', 'model', 'm', 4),
(5, 'site-content-preview', 'menu/hero', 'note', '{}', 'New', 'new', 'old', 'model', 'm', 5);
INSERT INTO entities (type, entity_id, current, content_hash, withdrawn) VALUES
('site-content-production', 'menu/hero', 1, 'old', 0),
('site-content-preview', 'menu/hero', 5, 'new', 1),
('site-content-production', 'menu/gone', 3, NULL, 0),
('site-content-preview', 'menu/bad', 4, 'bad', 0);
"""
JOB = """
INSERT INTO jobs (
    job_id, kind, payload, subject, state, priority, counted, owner, interface, dedup, max_retries,
    created_at, due_at
) VALUES (?, ?, ?, 'menu/hero', ?, 0, 1, 'o', 'i', 'none', 3, 1, 1)
"""
PROMOTE = {"section": "menu/hero", "draft": "new", "base": "old", "live": "old", "expect": "base"}


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    """A file of schema 6 with texts and jobs, as this version opens it."""
    folder = resources.files(PACKAGE).joinpath("file", "migrations")
    scripts = {int(file.name[:4]): file.read_text("utf-8") for file in folder.iterdir()}
    path = tmp_path / "pressroom.db"
    migrate(path, migrations={n: scripts[n] for n in sorted(scripts) if n <= BEFORE})
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FILL)
        for id, kind, payload, state in (
            ("waits", "content-promote", json.dumps(PROMOTE), "pending"),
            ("done", "content-promote", json.dumps(PROMOTE), "completed"),
            ("broken", "content-promote", "{", "paused"),
            ("plugin", "photo", json.dumps(PROMOTE), "pending"),
        ):
            connection.execute(JOB, (id, kind, payload, state))
        connection.commit()
    assert migrate(path) == newest_schema()
    return path


def rows(path: Path, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(asked).fetchall()


def test_texts_have_their_new_hash_wherever_it_is_named(migrated: Path) -> None:
    """As current text and as base; a removal has none, and what is damaged keeps what it had."""
    old, new = text_hash("Old"), text_hash("New")
    assert rows(migrated, "SELECT content_hash, base FROM revisions ORDER BY id") == [
        (old, None), (new, old), (None, "x"), ("bad", "unknown"), (new, old),
    ]  # fmt: skip
    withdrawn = rows(migrated, "SELECT id FROM revisions WHERE withdrawn")
    assert withdrawn == [(2,), (5,)]  # a discard may bring the earlier one back
    found = rows(migrated, "SELECT type, entity_id, content_hash, withdrawn FROM entities")
    assert set(found) == {
        (PRODUCTION, "menu/hero", old, 0),
        (PREVIEW, "menu/hero", new, 1),
        (PRODUCTION, "menu/gone", None, 0),
        (PREVIEW, "menu/bad", "bad", 0),
    }


def test_jobs_that_were_planned_before_expect_the_texts_that_are_there(migrated: Path) -> None:
    """Only our own that have something to do; the others are left as they were."""
    payloads = dict(rows(migrated, "SELECT job_id, payload FROM jobs"))
    old, new = text_hash("Old"), text_hash("New")
    assert json.loads(payloads["waits"]) == {**PROMOTE, "draft": new, "base": old, "live": old}
    assert payloads["broken"] == "{"
    for id in ("done", "plugin"):
        assert json.loads(payloads[id]) == PROMOTE
