"""Stored content, in a database."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Entity, Revision
from mcp_server.entities.page_files import KnownFile, PageVersion
from mcp_server.entities.store import About, Change, Edit, Heads, PastUsage, Snapshot
from mcp_server.storage.sql.content import page_files, reads
from mcp_server.storage.sql.content.rows import (
    author_of,
    edit_of,
    entity_of,
    key_of,
    keys_of,
    read_revisions,
)
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.transaction import Transaction

MAX_ID = 2**63 - 1
"""Larger than the id of any revision."""


class SqlEntityStore:
    """`entities.store.EntityStore` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, type: str, entity_id: str) -> Entity | None:
        row = await self._database.read(
            lambda tx: tx.one("get_entity", type=type, **key_of(entity_id))
        )
        return None if row is None else entity_of(row)

    async def list_after(self, type: str, *, after: str, limit: int) -> Sequence[Entity]:
        asked = {"type": type, "limit": limit, **key_of(after)}
        rows = await self._database.read(lambda tx: tx.all("list_entities_after", **asked))
        return [entity for row in rows if (entity := entity_of(row)) is not None]

    async def get_all(self, type: str, *, page: str | None = None) -> Mapping[str, Entity]:
        return await self._database.read(lambda tx: reads.entities(tx, type, page))

    async def history(self, type: str, entity_id: str) -> Sequence[Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_history", type=type, **key_of(entity_id))
        )
        return read_revisions(rows)

    async def histories(
        self, type: str, *, batch_id: str | None = None
    ) -> Mapping[str, Sequence[Revision]]:
        return await self._database.read(lambda tx: reads.histories(tx, type, batch_id))

    async def snapshot(
        self,
        pages: Collection[str] | None = None,
        *,
        history: bool = False,
        only: Collection[str] | None = None,
    ) -> Snapshot:
        return await self._database.read(
            lambda tx: reads.snapshot(tx, pages, history=history, only=only)
        )

    async def heads(self, pages: Collection[str] | None = None) -> tuple[Heads, Heads]:
        return await self._database.read(
            lambda tx: (reads.heads(tx, PREVIEW, pages), reads.heads(tx, PRODUCTION, pages))
        )

    async def live_before(self, at: float, pages: Collection[str] | None = None) -> Heads:
        return await self._database.read(lambda tx: reads.live_before(tx, at, pages))

    async def latest(
        self, entity_ids: Collection[str] | None, *, before: int | None, limit: int
    ) -> Sequence[Revision]:
        beyond = MAX_ID if before is None else before

        def step(tx: Transaction) -> Sequence[Revision]:
            if entity_ids is None:
                found = tx.all("list_latest", before=beyond, limit=limit)
            else:
                ids = keys_of(sorted(entity_ids))
                found = tx.all("list_latest_of", ids=ids, before=beyond, limit=limit)
            numbers = json.dumps([row["id"] for row in found])
            rows = tx.all("list_revisions", ids=numbers)
            return sorted(read_revisions(rows), key=lambda each: each.id, reverse=True)

        return await self._database.read(step)

    async def revisions(self, ids: Collection[int]) -> Mapping[int, Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_revisions", ids=json.dumps(sorted(ids)))
        )
        return {revision.id: revision for revision in read_revisions(rows)}

    async def with_hash(self, entity_id: str, digits: str) -> Sequence[Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_revisions_of_hash", first=digits, **key_of(entity_id))
        )
        return read_revisions(rows)

    async def revisions_of_batch(self, batch_id: str) -> Sequence[Revision]:
        rows = await self._database.read(
            lambda tx: tx.all("list_revisions_of_batch", batch_id=batch_id)
        )
        return read_revisions(rows)

    async def pages_of_batch(self, batch_id: str, *, type: str = PRODUCTION) -> Mapping[str, bool]:
        rows = await self._database.read(
            lambda tx: tx.all("list_pages_of_batch", type=type, batch_id=batch_id)
        )
        return {row["page"]: bool(row["has_text"]) for row in rows}

    async def changes_of_batch(
        self, batch_id: str, type: str, entity_ids: Collection[str]
    ) -> Mapping[str, Change]:
        asked = {"type": type, "ids": keys_of(entity_ids)}
        rows = await self._database.read(lambda tx: tx.all("list_hashes", **asked))
        return reads.changes(rows, batch_id)

    async def edits(
        self, about: About | None = None, *, since: float, before: int | None = None, limit: int
    ) -> Sequence[Edit]:
        asked = {"since": since, "before": 2**62 if before is None else before, "limit": limit}
        rows = await self._database.read(
            lambda tx: tx.all("list_edits", **asked, **reads.columns_of(about))
        )
        return [edit_of(row) for row in rows]

    async def edit_counts(
        self, about: About | None = None, *, since: float
    ) -> Mapping[Author, int]:
        rows = await self._database.read(
            lambda tx: tx.all("count_edits", since=since, **reads.columns_of(about))
        )
        return {author_of(row): row["edits"] for row in rows}

    async def batches_about(self, about: About) -> Collection[str]:
        rows = await self._database.read(
            lambda tx: tx.all("list_batches_of_texts", **reads.columns_of(about))
        )
        return {row["batch_id"] for row in rows}

    async def past_usage(self, model: str, *, count: int) -> Sequence[PastUsage]:
        rows = await self._database.read(
            lambda tx: tx.all("list_past_usage", type=PREVIEW, model=model, count=count)
        )
        return [
            PastUsage(
                entity_id=row["entity_id"],
                template=row["template"],
                input_tokens=row["input_tokens"],
                output_tokens=row["output_tokens"],
            )
            for row in rows
        ]

    async def page_files(self, pages: Collection[str] | None = None) -> Mapping[str, KnownFile]:
        return await self._database.read(lambda tx: page_files.known_files(tx, pages))

    async def put_seen(self, seen: Sequence[KnownFile]) -> None:
        rows = [page_files.seen_of(known) for known in seen]
        await self._database.write(lambda tx: tx.many("put_seen", rows))

    async def page_bytes(self, hash: str) -> bytes | None:
        return await self._database.read(lambda tx: page_files.kept_bytes(tx, hash))

    async def page_versions(self, page: str) -> Sequence[PageVersion]:
        rows = await self._database.read(lambda tx: tx.all("list_page_versions", page=page))
        return [page_files.version_of(row) for row in rows]

    async def kept(
        self, pages: Collection[str], *, before: int | None, limit: int
    ) -> Sequence[PageVersion]:
        asked = {"pages": json.dumps(sorted(pages)), "limit": limit}
        beyond = MAX_ID if before is None else before
        return await self._database.read(
            lambda tx: [page_files.sized(r) for r in tx.all("list_kept", before=beyond, **asked)]
        )

    async def latest_kept(self, page: str, *, limit: int) -> Sequence[PageVersion]:
        asked = {"page": page, "limit": limit}
        rows = await self._database.read(lambda tx: tx.all("list_latest_kept", **asked))
        return [page_files.version_of(row) for row in rows]

    async def known_paths(self) -> Sequence[str]:
        return await self._database.read(page_files.known_paths)

    async def known_sections(self) -> Mapping[str, Sequence[str]]:
        return await self._database.read(page_files.known_sections)

    async def move_page(self, old: str, new: str, file: str) -> bool:
        types = {"draft": PREVIEW, "live": PRODUCTION}

        def step(tx: Transaction) -> bool:
            if tx.one("find_page", page=new, **types):
                return False
            if tx.one("find_work_on_page", page=old, **types):
                return False
            tx.run("move_revisions", old=old, new=new, **types)
            tx.run("move_entities", old=old, new=new, **types)
            tx.run("move_page_versions", old=old, new=new)
            tx.run("move_page_file", old=old, new=new, file=file)
            return True

        return await self._database.write(step)

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
