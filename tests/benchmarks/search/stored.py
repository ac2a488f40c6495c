"""Texts in a database as a worker leaves them: stored, live, and known to search."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mcp_server.app.parts import Parts
from mcp_server.entities.effects import ABSENT, SaveRevision, SaveVector
from mcp_server.entities.entity import PRODUCTION, Author, Revision
from mcp_server.meaning.local import NAME
from mcp_server.meaning.words import indexed
from tests.harness import write_settings
from tests.promises.moves import parts_of

WRITTEN_AT = 1_700_000_000.0


@asynccontextmanager
async def stored(
    root: Path, texts: Sequence[tuple[str, str]], vectors: Sequence[bytes | None]
) -> AsyncGenerator[Parts]:
    """Open a workspace with these live texts, by `page/section`, and their vectors."""
    write_settings(root, embedder="off")
    async with parts_of(root) as parts:
        await store(parts, texts, vectors)
        yield parts


async def store(
    parts: Parts, texts: Sequence[tuple[str, str]], vectors: Sequence[bytes | None]
) -> None:
    """Store these texts, and what search knows of them."""
    revisions = [
        Revision(
            type=PRODUCTION,
            entity_id=id,
            template="note",
            fields={"text": text},
            markdown=text,
            author=Author(kind="model", name="bench"),
        )
        for id, text in texts
    ]
    saved = [SaveRevision(revision, ABSENT) for revision in revisions]
    known = [
        SaveVector(
            PRODUCTION, each.entity_id, each.hash, indexed(each.markdown or ""), NAME, vector
        )
        for each, vector in zip(revisions, vectors, strict=True)
    ]
    for effects in (saved, known):
        assert (await parts.store.apply(effects, free=(), now=WRITTEN_AT)).conflict is None
