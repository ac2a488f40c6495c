"""What a database knows of the meaning of texts: asked for by text, and by nobody else's vector."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mcp_server.entities.effects import ANY, SaveRevision, SaveVector
from mcp_server.entities.entity import PREVIEW
from mcp_server.entities.meaning import MeaningStore, Word
from mcp_server.meaning.words import indexed
from mcp_server.storage.sql.content.meanings import SqlMeaningStore
from tests.storage.stores import Bench, a_text

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Known:
    """A workspace, and what it knows."""

    bench: Bench
    meaning: MeaningStore

    async def embed(self, id: str, text: str, *, embedder: str | None = "ours") -> str:
        """Store a text with its vector; return its hash."""
        made = a_text(id, text)
        assert made.hash is not None
        words, vector = indexed(text), None if embedder is None else text[:4].encode()
        known = SaveVector(PREVIEW, id, made.hash, words=words, embedder=embedder, vector=vector)
        await self.bench.store.apply([SaveRevision(made, ANY), known], free=(), now=self.bench.now)
        return made.hash


@pytest.fixture
def known(bench: Bench) -> Known:
    """A workspace, and what it knows."""
    return Known(bench, SqlMeaningStore(bench.database))


async def test_the_vectors_of_texts_are_those_of_one_embedder_and_of_the_very_text(
    known: Known,
) -> None:
    """Of another version, of another's making, or of none: left out."""
    one, two = await known.embed("menu/one", "first"), await known.embed("menu/two", "second")
    other = await known.embed("menu/other", "third", embedder="theirs")
    words = await known.embed("menu/words", "fourth", embedder=None)
    asked = {
        (PREVIEW, "menu/one"): one,
        (PREVIEW, "menu/two"): one,
        (PREVIEW, "menu/other"): other,
        (PREVIEW, "menu/words"): words,
        (PREVIEW, "menu/gone"): two,
    }
    found = await known.meaning.vectors_of(asked, embedder="ours")
    assert found == {(PREVIEW, "menu/one"): b"firs"}
    assert await known.meaning.vectors_of({}, embedder="ours") == {}


async def test_a_text_that_has_changed_is_to_be_embedded_and_an_unchanged_one_is_not(
    known: Known,
) -> None:
    """Whoever stores it; and a later vector takes the place of the one before."""
    await known.embed("menu/one", "first")
    assert not await known.meaning.unembedded(limit=9)
    later = SaveRevision(a_text("menu/one", "later"), ANY)
    await known.bench.store.apply([later], free=(), now=known.bench.now)
    [left] = await known.meaning.unembedded(limit=9)
    assert (left.entity_id, left.text) == ("menu/one", "later\n")
    await known.embed("menu/one", "later")
    assert not await known.meaning.unembedded(limit=9)
    assert await known.meaning.count() == {"known": 1, "left": 0}
    vectors = await known.meaning.vectors(after=0, embedder="ours", limit=9)
    assert [each.data for each in vectors] == [b"late"]
    assert await known.meaning.with_any([[Word("first")]], limit=9) == []
