"""Stored content on SQLite, and how the effects that concern it are applied."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, assert_never, cast

from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    DiscardDraft,
    Effect,
    Expectation,
    KeepPage,
    MarkWithdrawn,
    PutBack,
    RecordExport,
    Require,
    SaveMaterial,
    SavePageFile,
    SaveRemoval,
    SaveRevision,
)
from mcp_server.entities.entity import (
    PREVIEW,
    PRODUCTION,
    Author,
    AuthorKind,
    Entity,
    Finding,
    Revision,
)
from mcp_server.entities.store import Change, Edit, Heads, PastUsage, Snapshot
from mcp_server.jobs.json_text import dumped
from mcp_server.jobs.records import WrittenBy
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.file.transaction import Transaction

MAX_ID = 2**63 - 1
"""Larger than the id of any revision."""
EVERY = {"first": "", "beyond": "~"}
"""The bounds of all ids: their characters are letters, digits, `-`, `_` and `/`."""
DAMAGED_FINDINGS = (Finding(level="refused", kind="findings that cannot be read"),)
"""Not "held": these are looked for again, and this one would not be found."""
NOUNS = {PREVIEW: "draft", PRODUCTION: "live text"}


class SqliteEntityStore:
    """`entities.store.EntityStore` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, type: str, entity_id: str) -> Entity | None:
        row = await self._database.read(
            lambda tx: tx.one("get_entity", type=type, entity_id=entity_id)
        )
        return None if row is None else _entity_of(row)

    async def get_all(self, type: str, *, page: str | None = None) -> Mapping[str, Entity]:
        return await self._database.read(lambda tx: _entities(tx, type, page))

    async def history(self, type: str, entity_id: str) -> Sequence[Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_history", type=type, entity_id=entity_id)
        )
        return [_revision_of(row) for row in rows]

    async def histories(
        self, type: str, *, batch_id: str | None = None
    ) -> Mapping[str, Sequence[Revision]]:
        return await self._database.read(lambda tx: _histories(tx, type, batch_id))

    async def snapshot(
        self, pages: Collection[str] | None = None, *, history: bool = False
    ) -> Snapshot:
        return await self._database.read(
            lambda tx: _merged(
                [
                    Snapshot(
                        drafts=_entities(tx, PREVIEW, page),
                        live=_entities(tx, PRODUCTION, page),
                        history=_histories(tx, PRODUCTION, page=page) if history else {},
                        exported=_exported(tx, page),
                    )
                    for page in ((None,) if pages is None else sorted(pages))
                ]
            )
        )

    async def heads(self, pages: Collection[str] | None = None) -> tuple[Heads, Heads]:
        return await self._database.read(
            lambda tx: (_heads(tx, PREVIEW, pages), _heads(tx, PRODUCTION, pages))
        )

    async def live_before(self, at: float, pages: Collection[str] | None = None) -> Heads:
        return await self._database.read(lambda tx: _live_before(tx, at, pages))

    async def latest(
        self, entity_ids: Collection[str] | None, *, before: int | None, limit: int
    ) -> Sequence[Revision]:
        beyond = MAX_ID if before is None else before

        def step(tx: Transaction) -> Sequence[Revision]:
            if entity_ids is None:
                found = tx.all("list_latest", before=beyond, limit=limit)
            else:
                ids = json.dumps(sorted(entity_ids))
                found = tx.all("list_latest_of", ids=ids, before=beyond, limit=limit)
            numbers = json.dumps([row["id"] for row in found])
            rows = tx.all("list_revisions", ids=numbers)
            return sorted(map(_revision_of, rows), key=lambda each: each.id, reverse=True)

        return await self._database.read(step)

    async def revisions(self, ids: Collection[int]) -> Mapping[int, Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_revisions", ids=json.dumps(sorted(ids)))
        )
        return {row["id"]: _revision_of(row) for row in rows}

    async def with_hash(self, entity_id: str, digits: str) -> Sequence[Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_revisions_of_hash", entity_id=entity_id, first=digits)
        )
        return [_revision_of(row) for row in rows]

    async def revisions_of_batch(self, batch_id: str) -> Sequence[Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_revisions_of_batch", batch_id=batch_id)
        )
        return [_revision_of(row) for row in rows]

    async def pages_of_batch(self, batch_id: str, *, type: str = PRODUCTION) -> Mapping[str, bool]:
        rows = await self._database.read(
            lambda tx: tx.all("list_pages_of_batch", type=type, batch_id=batch_id)
        )
        return {row["page"]: bool(row["has_text"]) for row in rows}

    async def changes_of_batch(
        self, batch_id: str, type: str, entity_ids: Collection[str]
    ) -> Mapping[str, Change]:
        asked = {"type": type, "entity_ids": json.dumps(list(entity_ids))}
        rows = await self._database.read(lambda tx: tx.all("list_hashes", **asked))
        return _changes(rows, batch_id)

    async def edits(
        self, about: str | None = None, *, since: float, before: int | None = None, limit: int
    ) -> Sequence[Edit]:
        asked = {"since": since, "before": 2**62 if before is None else before, "limit": limit}
        rows = await self._database.read(
            lambda tx: tx.all("list_edits", **asked, **_ids_about(about))
        )
        return [_edit_of(row) for row in rows]

    async def edit_counts(self, about: str | None = None, *, since: float) -> Mapping[Author, int]:
        rows = await self._database.read(
            lambda tx: tx.all("count_edits", since=since, **_ids_about(about))
        )
        return {_author_of(row): row["edits"] for row in rows}

    async def batches_about(self, about: str) -> Collection[str]:
        rows = await self._database.read(
            lambda tx: tx.all("list_batches_of_texts", **_ids_about(about))
        )
        return {row["batch_id"] for row in rows}

    async def past_usage(self, model: str, *, count: int) -> Sequence[PastUsage]:
        rows = await self._database.read(
            lambda tx: tx.all("list_past_usage", type=PREVIEW, model=model, count=count)
        )
        return [PastUsage(**row) for row in rows]

    async def exported(self, page: str | None = None) -> Mapping[str, tuple[str | None, ...]]:
        return await self._database.read(lambda tx: _exported(tx, page))

    async def put_site(self, hash: str, document: str) -> None:
        def step(tx: Transaction) -> None:
            tx.run("put_site", hash=hash, document=document)
            tx.run("put_newest_site", hash=hash)

        await self._database.write(step)

    async def get_site(self, hash: str) -> str | None:
        row = await self._database.read(lambda tx: tx.one("get_site", hash=hash))
        return None if row is None else row["document"]

    async def get_material(self, hash: str) -> str | None:
        row = await self._database.read(lambda tx: tx.one("get_material", hash=hash))
        return None if row is None else row["text"]

    async def newest_site(self) -> str | None:
        row = await self._database.read(lambda tx: tx.one("get_newest_site"))
        return None if row is None else row["document"]

    async def adopt(
        self, revisions: Sequence[Revision], files: Mapping[str, str], *, now: float
    ) -> bool:
        def step(tx: Transaction) -> bool:
            if tx.one("find_content") is not None:
                return False
            for revision in revisions:
                _save(tx, revision, now=now)
            for page, hash in files.items():
                tx.run("put_export", page=page, hash=hash, replaces=None)
            return True

        return await self._database.write(step)


def _entities(tx: Transaction, type: str, page: str | None = None) -> dict[str, Entity]:
    rows = (
        tx.all("list_entities", type=type)
        if page is None
        else tx.all("list_entities_of_page", type=type, **_ids_of(page))
    )
    return {row["entity_id"]: _entity_of(row) for row in rows}


def _heads(tx: Transaction, type: str, pages: Collection[str] | None) -> Heads:
    ranges = [EVERY] if pages is None else [_ids_of(page) for page in sorted(pages)]
    columns: list[list[Any]] = [[] for _ in range(6)]
    for bounds in ranges:
        [row] = tx.all("list_heads", type=type, **bounds)
        # A column at a time, as JSON: row by row, 10,000 of them would take five times as long.
        for column, values in zip(columns, row, strict=True):
            column.extend(json.loads(values))
    ids, revisions, hashes, bases, withdrawn, removed = columns
    return Heads(
        revision=dict(zip(ids, revisions, strict=True)),
        hash=dict(zip(ids, hashes, strict=True)),
        base=dict(zip(ids, bases, strict=True)),
        withdrawn=frozenset(withdrawn),
        removed=frozenset(removed),
    )


def _live_before(tx: Transaction, at: float, pages: Collection[str] | None) -> Heads:
    ranges = [EVERY] if pages is None else [_ids_of(page) for page in sorted(pages)]
    rows = [row for ids in ranges for row in tx.all("list_live_before", at=at, **ids)]
    there = [row for row in rows if row["content_hash"] is not None]
    return Heads(
        revision={row["entity_id"]: row["id"] for row in there},
        hash={row["entity_id"]: row["content_hash"] for row in there},
    )


def _histories(
    tx: Transaction, type: str, batch_id: str | None = None, *, page: str | None = None
) -> dict[str, list[Revision]]:
    found: dict[str, list[Revision]] = {}
    if batch_id is not None:
        rows = tx.all("list_histories_of_batch", type=type, batch_id=batch_id)
    elif page is not None:
        rows = tx.all("list_histories_of_page", type=type, **_ids_of(page))
    else:
        rows = tx.all("list_histories", type=type)
    for row in rows:
        found.setdefault(row["entity_id"], []).append(_revision_of(row))
    return found


def _changes(rows: Sequence[sqlite3.Row], batch_id: str) -> dict[str, Change]:
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


def _ids_of(page: str) -> dict[str, str]:
    """Return the bounds of all ids of a page's sections: `0` comes after `/`."""
    return {"first": f"{page}/", "beyond": f"{page}0"}


def _ids_about(about: str | None) -> dict[str, str]:
    """Return the bounds of the ids of one section, of a page's sections, or of all."""
    if about is None:
        return {"first": "", "beyond": "~"}
    # A space sorts before every character of an id.
    return {"first": about, "beyond": f"{about} "} if "/" in about else _ids_of(about)


def _merged(parts: Sequence[Snapshot]) -> Snapshot:
    """Return as one what was read page by page."""
    return Snapshot(
        drafts={id: entity for part in parts for id, entity in part.drafts.items()},
        live={id: entity for part in parts for id, entity in part.live.items()},
        history={id: past for part in parts for id, past in part.history.items()},
        exported={page: hashes for part in parts for page, hashes in part.exported.items()},
    )


def _exported(tx: Transaction, page: str | None = None) -> dict[str, tuple[str | None, ...]]:
    rows = tx.all("list_exports") if page is None else tx.all("get_export", page=page)
    return {
        row["page"]: tuple(
            hash or None for hash in (row["latest"], row["previous"]) if hash is not None
        )
        for row in rows
    }


def _author_of(row: sqlite3.Row) -> Author:
    return Author(kind=cast("AuthorKind", row["author_kind"]), name=row["author_name"])


def _edit_of(row: sqlite3.Row) -> Edit:
    return Edit(
        order=row["id"],
        type=row["type"],
        section=row["entity_id"],
        author=_author_of(row),
        hash=row["content_hash"],
        created_at=row["created_at"],
    )


def _revision_of(row: sqlite3.Row) -> Revision:
    """Return the revision of a `revisions` row."""
    return Revision(
        type=row["type"],
        entity_id=row["entity_id"],
        template=row["template"],
        fields=_fields_of(row),
        markdown=row["markdown"],
        author=_author_of(row),
        base=row["base"],
        batch_id=row["batch_id"],
        job_id=row["job_id"],
        site_hash=row["site_hash"],
        inputs_hash=row["inputs_hash"],
        instructions=row["instructions"],
        material=row["material"],
        findings=_findings_of(row),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_usd=row["cost_usd"],
        withdrawn=bool(row["withdrawn"]),
        id=row["id"],
        created_at=row["created_at"],
        effective=bool(row["effective"]),
    )


def _fields_of(row: sqlite3.Row) -> Mapping[str, Any]:
    """Return a text's fields; none where somebody damaged them: the text itself is whole."""
    try:
        fields: object = json.loads(row["fields"])
    except (ValueError, TypeError):
        fields = None
    return cast("Mapping[str, Any]", fields) if isinstance(fields, dict) else {}


def _findings_of(row: sqlite3.Row) -> tuple[Finding, ...] | None:
    """Return what was found in a text, `None` where it was not checked.

    Where somebody damaged that, the text is held: nobody can say that it was found to be sound.
    """
    if row["findings"] is None:
        return None
    with suppress(ValueError, TypeError, AttributeError):
        found = json.loads(row["findings"])
        if all(isinstance(word, str) for each in found for word in each.values()):
            return tuple(Finding(**each) for each in found)
    return DAMAGED_FINDINGS


def _dumped_findings(findings: tuple[Finding, ...] | None) -> str | None:
    return None if findings is None else dumped([asdict(found) for found in findings])


def _entity_of(row: sqlite3.Row) -> Entity:
    """Return the entity of a `get_entity` row."""
    revision = _revision_of(row)
    return Entity(current=revision, withdrawn=revision.withdrawn)


class ContentEffects:
    """Applies the effects of `entities.effects` within the transaction that asks for them."""

    def apply(
        self, tx: Transaction, effect: object, *, job: sqlite3.Row | WrittenBy | None, now: float
    ) -> str | None:
        """Apply `effect`; return why it cannot be where it met something else than it expects."""
        change = cast("Effect", effect)
        match change:
            case Require(type, entity_id, expects):
                return _unmet(tx, type, entity_id, expects)
            case SaveRevision(revision, expects) | SaveRemoval(revision, expects):
                if unmet := _unmet(tx, revision.type, revision.entity_id, expects):
                    return unmet
                _save(tx, _of_job(revision, job), now=now)
            case DiscardDraft(entity_id, expects, author):
                if unmet := _unmet(tx, PREVIEW, entity_id, expects):
                    return unmet
                _discard(tx, entity_id, author, now=now)
            case MarkWithdrawn(entity_id, hash):
                tx.run("mark_withdrawn", type=PREVIEW, entity_id=entity_id, hash=hash)
                tx.run("mark_revisions_withdrawn", type=PREVIEW, entity_id=entity_id, hash=hash)
            case RecordExport(page, hash, replaces):
                tx.run("put_export", page=page, hash=hash or "", replaces=replaces)
            case SaveMaterial(hash, text):
                tx.run("put_material", hash=hash, text=text, now=now)
            case SavePageFile() | PutBack() | KeepPage():
                raise NotImplementedError
            case _:
                assert_never(change)
        return None

    def keep(self, tx: Transaction, effect: object, *, job: sqlite3.Row, now: float) -> None:
        """Store text that came too late, so that what was paid for is not thrown away (R5)."""
        match effect:
            case SaveRevision(revision, keep_on_conflict=True):
                _insert(tx, _of_job(revision, job), revision.hash, effective=False, now=now)
            case _:
                pass


def _unmet(tx: Transaction, type: str, entity_id: str, expects: Expectation) -> str | None:
    """Say in words how the entity differs from what was expected, if it does."""
    if expects is ANY:
        return None
    row = tx.one("get_entity_hash", type=type, entity_id=entity_id)
    found: str | None = None if row is None else row["content_hash"]
    if found == (None if expects is ABSENT else expects):
        return None
    noun = NOUNS.get(type, type)
    if found is None:
        return f"the {noun} of {entity_id} is gone by now"
    if expects is ABSENT:
        return f"{entity_id} has a {noun} by now, and had none before"
    return f"the {noun} of {entity_id} is another by now"


def _of_job(revision: Revision, job: sqlite3.Row | WrittenBy | None) -> Revision:
    if job is None or revision.author.kind == "adopted":
        return revision
    return replace(revision, batch_id=job["batch_id"], job_id=job["job_id"])


def _save(tx: Transaction, revision: Revision, *, now: float) -> None:
    hash = revision.hash  # made of the text each time that it is asked for
    tx.run(
        "put_entity",
        type=revision.type,
        entity_id=revision.entity_id,
        current=_insert(tx, revision, hash, effective=True, now=now),
        content_hash=hash,
        base=revision.base,
    )


def _discard(tx: Transaction, entity_id: str, author: Author, *, now: float) -> None:
    rows = tx.all("list_history", type=PREVIEW, entity_id=entity_id)
    stack = draft_stack([_revision_of(row) for row in rows])
    if not stack:
        return  # there is no draft
    discard = Revision(
        type=PREVIEW,
        entity_id=entity_id,
        template=stack[-1].template,
        fields={},
        markdown=None,
        author=author,
    )
    _save(tx, discard, now=now)
    if len(stack) > 1:
        tx.run("bring_back", type=PREVIEW, entity_id=entity_id, revision=stack[-2].id)


def _insert(
    tx: Transaction, revision: Revision, hash: str | None, *, effective: bool, now: float
) -> int:
    return tx.insert(
        "insert_revision",
        type=revision.type,
        entity_id=revision.entity_id,
        template=revision.template,
        fields=dumped(revision.fields),
        markdown=revision.markdown,
        content_hash=hash,
        base=revision.base,
        author_kind=revision.author.kind,
        author_name=revision.author.name,
        batch_id=revision.batch_id,
        job_id=revision.job_id,
        site_hash=revision.site_hash,
        inputs_hash=revision.inputs_hash,
        instructions=revision.instructions,
        material=revision.material,
        findings=_dumped_findings(revision.findings),
        input_tokens=revision.input_tokens,
        output_tokens=revision.output_tokens,
        cost_usd=revision.cost_usd,
        effective=int(effective),
        now=now,
    )
