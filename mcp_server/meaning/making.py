"""Makes texts known to search: what is to be stored of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio.to_thread

from mcp_server.entities.effects import SaveVector
from mcp_server.entities.meaning import Embedder, Unembedded
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.numbers import numpy
from mcp_server.meaning.words import indexed


async def effects_of(
    texts: Sequence[Unembedded], embedder: Embedder | None
) -> Sequence[SaveVector]:
    """Return what stores the words of each text, and its vector where there is an embedder.

    It is worked out in threads, as a text may be a book.

    Raises:
        EmbeddingTrouble: the embedder makes none of them.
    """
    there = [each for each in texts if each.text is not None]
    made: Sequence[bytes | None] = [None] * len(there)
    if embedder is not None and there:
        made = await embedder.embed([each.text or "" for each in there])
        await anyio.to_thread.run_sync(_check, made, embedder.name)
    vectors = {
        (each.type, each.entity_id): vector for each, vector in zip(there, made, strict=True)
    }
    name = None if embedder is None else embedder.name

    def effects() -> Sequence[SaveVector]:
        return [
            replace(
                with_words(each), embedder=name, vector=vectors.get((each.type, each.entity_id))
            )
            for each in texts
        ]

    return await anyio.to_thread.run_sync(effects)


async def words_of_all(texts: Sequence[Unembedded]) -> Sequence[SaveVector]:
    """Return what lets texts be found by their words until there are vectors of them."""
    return await anyio.to_thread.run_sync(
        lambda: [replace(with_words(each), unfinished=True) for each in texts]
    )


def _check(made: Sequence[bytes | None], name: str) -> None:
    """Make sure that vectors can be compared, whoever made them.

    Raises:
        EmbeddingTrouble: one cannot.
    """
    found = [vector for vector in made if vector is not None]
    if not found:
        return
    np = numpy()
    lengths = {len(vector) for vector in found}
    table = np.frombuffer(b"".join(found), "<f4") if len(lengths) == 1 else np.empty(0)
    ones = np.linalg.norm(table.reshape(len(found), -1), axis=1) if len(table) else np.zeros(1)
    if not (abs(ones - 1) < 1e-3).all():  # false of what is no number, too
        raise EmbeddingTrouble(f"{name} makes vectors that are not of length one", passes=False)


def with_words(text: Unembedded) -> SaveVector:
    """Return what stores the words of a text."""
    return SaveVector(text.type, text.entity_id, text.hash, words=indexed(text.text or ""))
