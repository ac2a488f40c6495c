"""What is read of stored content, each in one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from mcp_server.entities.entity import PREVIEW, PRODUCTION, Entity, Revision
from mcp_server.entities.store import About, Change, Heads, Snapshot
from mcp_server.storage.sql.content.page_files import known_files
from mcp_server.storage.sql.content.rows import entity_of, key_of, read_revisions
from mcp_server.storage.sql.transaction import Row, Transaction

EVERY = {"first": "", "last": chr(0x10FFFF)}
"""The bounds of all pages: no id of a page holds the last character that there is."""


def entities(tx: Transaction, type: str, page: str | None = None) -> dict[str, Entity]:
    """Return the entities of a type by id, of one page or of all."""
    rows = (
        tx.all("list_entities", type=type)
        if page is None
        else tx.all("list_entities_of_page", type=type, page=page)
    )
    found = map(entity_of, rows)
    return {entity.current.entity_id: entity for entity in found if entity is not None}


def heads(tx: Transaction, type: str, pages: Collection[str] | None) -> Heads:
    """Return what is known of a type's entities of these pages, or of all, without a text."""
    columns: list[list[Any]] = [[] for _ in range(7)]
    for bounds in _bounds(pages):
        [row] = tx.all("list_heads", type=type, **bounds)
        # A column at a time, as JSON: row by row, 10,000 of them would take five times as long.
        for column, values in zip(columns, row, strict=True):
            column.extend(json.loads(values))
    ids, revisions, hashes, bases, withdrawn, removed, superseded = columns
    return Heads(
        revision=dict(zip(ids, revisions, strict=True)),
        hash=dict(zip(ids, hashes, strict=True)),
        base=dict(zip(ids, bases, strict=True)),
        withdrawn=frozenset(withdrawn),
        removed=frozenset(removed),
        superseded=frozenset(superseded),
    )


def live_before(tx: Transaction, at: float, pages: Collection[str] | None) -> Heads:
    """Return what was live at a moment on these pages, or on all."""
    rows = [row for each in _bounds(pages) for row in tx.all("list_live_before", at=at, **each)]
    there = [row for row in rows if row["content_hash"] is not None]
    return Heads(
        revision={row["entity_id"]: row["id"] for row in there},
        hash={row["entity_id"]: row["content_hash"] for row in there},
    )


def histories(
    tx: Transaction, type: str, batch_id: str | None = None, *, page: str | None = None
) -> dict[str, list[Revision]]:
    """Return all revisions of a type by id: those of what a batch wrote, of a page, or all."""
    found: dict[str, list[Revision]] = {}
    if batch_id is not None:
        rows = tx.all("list_histories_of_batch", type=type, batch_id=batch_id)
    elif page is not None:
        rows = tx.all("list_histories_of_page", type=type, page=page)
    else:
        rows = tx.all("list_histories", type=type)
    for revision in read_revisions(rows):
        found.setdefault(revision.entity_id, []).append(revision)
    return found


def named(tx: Transaction, type: str, ids: Collection[str]) -> dict[str, Entity]:
    """Return the entities of a type with these ids, as far as there are any."""
    rows = [row for id in ids for row in tx.all("get_entity", type=type, **key_of(id))]
    found = map(entity_of, rows)
    return {entity.current.entity_id: entity for entity in found if entity is not None}


def snapshot(
    tx: Transaction,
    pages: Collection[str] | None,
    *,
    history: bool,
    only: Collection[str] | None = None,
) -> Snapshot:
    """Return what is stored of these pages, or of all; of `only` some sections the texts."""
    each = (None,) if pages is None else sorted(pages)

    def texts(type: str) -> dict[str, Entity]:
        if only is not None:
            return named(tx, type, only)
        return {id: found for page in each for id, found in entities(tx, type, page).items()}

    return Snapshot(
        drafts=texts(PREVIEW),
        live=texts(PRODUCTION),
        history={
            id: past
            for page in (each if history else ())
            for id, past in histories(tx, PRODUCTION, page=page).items()
        },
        files=known_files(tx, pages),
    )


def changes(rows: Sequence[Row], batch_id: str) -> dict[str, Change]:
    """Return what a batch has changed of what these texts have been, oldest first."""
    found: dict[str, Change] = {}
    before: dict[str, str | None] = {}
    for row in rows:
        id, hash = row["entity_id"], row["hash"]
        if row["batch_id"] == batch_id:
            was = found.get(id)
            costs = [cost for cost in (was and was.cost_usd, row["cost_usd"]) if cost is not None]
            found[id] = Change(
                hash_from=was.hash_from if was else before.get(id),
                hash_to=hash,
                cost_usd=sum(costs) if costs else None,
            )
        before[id] = hash
    return found


def columns_of(about: About | None) -> dict[str, str | None]:
    """Return the columns of what a question is about; `None` for each that does not matter."""
    if about is None:
        return {"page": None, "section": None}
    return {"page": about.page, "section": about.section}


def _bounds(pages: Collection[str] | None) -> list[dict[str, str]]:
    """Return the first and the last page of each stretch of these pages, or of all."""
    return [EVERY] if pages is None else [{"first": p, "last": p} for p in sorted(pages)]
