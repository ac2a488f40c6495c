"""What is known of the meaning of texts: vectors, an index of words, what is to do."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from mcp_server.entities.effects import SaveVector
from mcp_server.entities.meaning import Known, Unembedded, Vector, Word
from mcp_server.meaning.words import INDEXED_MAX
from mcp_server.storage.sql.content.rows import key_of, revision_text
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.packing import packed, unpacked
from mcp_server.storage.sql.transaction import Row, Transaction

INDEXED_AT_ONCE = 500
"""Texts whose words are read and indexed together."""
_LAST = chr(0x10FFFF)
"""Sorts after every letter."""
_BYTES = 4 * INDEXED_MAX
"""As many as so many characters have at most."""


class SqlMeaningStore:
    """`entities.meaning.MeaningStore` on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unembedded(
        self, ids: Collection[tuple[str, str]] | None = None, *, limit: int
    ) -> Sequence[Unembedded]:
        def look(tx: Transaction) -> Sequence[Unembedded]:
            if ids is None:
                rows = tx.all("list_unembedded", bytes=_BYTES, limit=limit)
            else:
                rows = tx.all("list_unembedded_of", ids=_keys(ids), bytes=_BYTES, limit=limit)
            return [_unembedded(row) for row in rows]

        return await self._database.read(look)

    async def wordless(self, *, before: int | None = None, limit: int) -> Sequence[Unembedded]:
        page = {"before": 2**62 if before is None else before, "limit": limit}

        def look(tx: Transaction) -> Sequence[Unembedded]:
            return [_unembedded(row) for row in tx.all("list_wordless", bytes=_BYTES, **page)]

        return await self._database.read(look)

    async def count(self) -> Mapping[str, int]:
        row = await self._database.read(lambda tx: tx.one("count_meanings"))
        assert row is not None
        return {"known": row["known"], "left": row["unembedded"]}

    async def embedders(self) -> Sequence[str]:
        rows = await self._database.read(lambda tx: tx.all("list_embedders"))
        return [row["embedder"] for row in rows]

    async def embed_again(self, embedder: str | None) -> int:
        return await self._database.write(lambda tx: tx.count("embed_again", embedder=embedder))

    async def vectors(self, *, after: int, embedder: str, limit: int) -> Sequence[Vector]:
        rows = await self._database.read(
            lambda tx: tx.all("list_vectors", after=after, embedder=embedder, limit=limit)
        )
        return [
            Vector(row["id"], row["type"], row["entity_id"], embedder, row["vector"])
            for row in rows
        ]

    async def vector(self, type: str, entity_id: str, *, embedder: str) -> bytes | None:
        key = {"type": type, **key_of(entity_id)}
        row = await self._database.read(lambda tx: tx.one("get_vector", embedder=embedder, **key))
        vector = None if row is None else row["vector"]
        return vector if isinstance(vector, bytes) else None  # or somebody damaged it

    async def with_any(self, words: Sequence[Sequence[Word]], *, limit: int) -> Sequence[int]:
        asked = {"wanted": json.dumps(words), "limit": limit}
        rows = await self._database.read(lambda tx: tx.all("find_any_words", **asked))
        return [row["id"] for row in rows]

    async def with_all(
        self, words: Sequence[Sequence[Word]], *, limit: int, headings: bool = False
    ) -> Sequence[int]:
        asked = {"wanted": json.dumps(words), "headings": headings, "limit": limit}
        rows = await self._database.read(lambda tx: tx.all("find_all_words", **asked))
        return [row["id"] for row in rows]

    async def count_words(self, words: Sequence[Word]) -> Sequence[int]:
        def look(tx: Transaction) -> Sequence[int]:
            rows = [tx.one("count_words", word=w.text, beginning=w.beginning) for w in words]
            return [row["texts"] for row in rows if row is not None]

        return await self._database.read(look)

    async def words_like(self, beginning: str, *, limit: int) -> Collection[str]:
        asked = {"first": beginning, "last": f"{beginning}{_LAST}", "limit": limit}
        rows = await self._database.read(lambda tx: tx.all("list_words_like", **asked))
        return {row["word"] for row in rows}

    async def known(self, orders: Collection[int]) -> Sequence[Known]:
        ids = json.dumps(sorted(orders))
        rows = await self._database.read(lambda tx: tx.all("list_known", ids=ids))
        return [
            Known(row["id"], row["type"], row["entity_id"], row["content_hash"], _words(row))
            for row in rows
        ]

    async def orders(self) -> Sequence[int]:
        rows = await self._database.read(lambda tx: tx.all("list_orders"))
        return [row["id"] for row in rows]

    async def types(self) -> Sequence[str]:
        rows = await self._database.read(lambda tx: tx.all("list_known_types"))
        return [row["type"] for row in rows]

    async def vectors_of(
        self, texts: Mapping[tuple[str, str], str], *, embedder: str
    ) -> Mapping[tuple[str, str], bytes]:
        asked = {"ids": _keys(texts), "embedder": embedder}
        rows = await self._database.read(lambda tx: tx.all("list_vectors_of", **asked))
        return {
            key: row["vector"]
            for row in rows
            if texts[key := (row["type"], row["entity_id"])] == row["content_hash"]
        }


def save(tx: Transaction, effect: SaveVector) -> None:
    """Apply the effect, unless the text is another by now."""
    key = {"type": effect.type, **key_of(effect.entity_id)}
    head = tx.one("get_entity_hash", **key)
    if (None if head is None else head["content_hash"]) != effect.hash:
        return
    known = tx.one("get_meaning", **key)
    if known is not None:
        tx.run("forget_words", id=known["id"], **_columns(_words(known)))
        tx.run("delete_meaning", id=known["id"])
    if effect.hash is not None:
        id = tx.insert(
            "insert_meaning",
            content_hash=effect.hash,
            embedder=effect.embedder,
            vector=effect.vector,
            words=packed(effect.words.encode()),
            **key,
        )
        tx.run("insert_words", id=id, **_columns(effect.words))
    if effect.hash is None or not effect.unfinished:
        tx.run("delete_unembedded", **key)


def index_words(tx: Transaction) -> None:
    """Make the index of words of all that is known, where there is none yet."""
    after = 0
    while rows := tx.all("list_words", after=after, limit=INDEXED_AT_ONCE):
        tx.many("insert_words", [{"id": row["id"], **_columns(_words(row))} for row in rows])
        after = rows[-1]["id"]


def _unembedded(row: Row) -> Unembedded:
    hash = row["content_hash"]
    text = None if hash is None else _beginning(row)
    return Unembedded(row["type"], row["entity_id"], hash, text, row["place"])


def _beginning(row: Row) -> str | None:
    """Return what search takes in of a text: the rest of a large one is not kept in memory."""
    data = row["markdown"]
    text = data.decode(errors="ignore") if isinstance(data, bytes) else revision_text(row)
    return text and text[:INDEXED_MAX]


def _words(row: Row) -> str:
    return (unpacked(row["words"]) or b"").decode()


def _columns(words: str) -> dict[str, str]:
    """Return the words of the headings, and all words, as they are indexed."""
    headings, _, all = words.partition("\n")
    return {"headings": headings, "words": all}


def _keys(ids: Collection[tuple[str, str]]) -> str:
    keys = [{"type": type, **key_of(entity_id)} for type, entity_id in sorted(ids)]
    return json.dumps(keys)
