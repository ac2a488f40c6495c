"""Makes texts known to search: what is to be stored of each."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.entities.effects import SaveVector
from mcp_server.entities.meaning import Embedder, Unembedded
from mcp_server.meaning.words import indexed


async def effects_of(
    texts: Sequence[Unembedded], embedder: Embedder | None
) -> Sequence[SaveVector]:
    """Return what stores the words of each text, and its vector where there is an embedder.

    Raises:
        EmbeddingTrouble: the embedder makes none of them.
    """
    there = [each for each in texts if each.text is not None]
    made: Sequence[bytes | None] = [None] * len(there)
    if embedder is not None and there:
        made = await embedder.embed([each.text or "" for each in there])
    vectors = {
        (each.type, each.entity_id): vector for each, vector in zip(there, made, strict=True)
    }
    return [
        SaveVector(
            each.type,
            each.entity_id,
            each.hash,
            words=indexed(each.text or ""),
            embedder=embedder.name if embedder is not None else None,
            vector=vectors.get((each.type, each.entity_id)),
        )
        for each in texts
    ]
