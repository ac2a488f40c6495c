"""Texts are found by their words, and all that is known of them goes with them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mcp_server.entities.effects import ABSENT, SaveRevision, SaveVector
from mcp_server.entities.entity import PREVIEW
from mcp_server.entities.meaning import Word
from mcp_server.meaning.words import indexed
from mcp_server.storage.sql.content.meanings import SqlMeaningStore
from tests.storage.stores import Bench, a_text

pytestmark = pytest.mark.anyio

TEXTS = {
    "a/jackets": "# Rain jackets\n\nVests and jackets for the rain.",
    "a/shoes": "# Shoes\n\nFor the rain, and for the snow.",
    "a/snow": "# Snow\n\nNothing is as white. Une élève y joue.",
}
VECTOR = b"\0\0\x80?"


@pytest.fixture
async def meaning(bench: Bench) -> SqlMeaningStore:
    """What is known of three texts."""
    for id, text in TEXTS.items():
        await learn(bench, id, text)
    return SqlMeaningStore(bench.database)


async def learn(bench: Bench, id: str, text: str) -> None:
    """Store a text, and make it known to search."""
    head = await bench.entities.get(PREVIEW, id)
    saved = SaveRevision(a_text(id, markdown=text), ABSENT if head is None else head.hash)
    assert (await bench.store.apply([saved], free=(), now=bench.now)).conflict is None
    head = await bench.entities.get(PREVIEW, id)
    assert head is not None
    known = SaveVector(PREVIEW, id, head.hash, indexed(text), "test", VECTOR)
    assert (await bench.store.apply([known], free=(), now=bench.now)).conflict is None


async def named(meaning: SqlMeaningStore, orders: Sequence[int]) -> list[str]:
    """Return the ids of these texts, in this order."""
    known = {each.order: each.entity_id for each in await meaning.known(orders)}
    return [known[order] for order in orders]


async def test_who_has_more_of_the_rarer_words_comes_first(meaning: SqlMeaningStore) -> None:
    """A word, or one of several, or what begins with it."""
    some = [[Word("rain")], [Word("vest", beginning=True), Word("hat")]]
    found = await meaning.with_any(some, limit=9)
    assert await named(meaning, found) == ["a/jackets", "a/shoes"]
    assert await meaning.with_any(some, limit=1) == found[:1]
    assert await meaning.with_any([[Word("vest")]], limit=9) == []


async def test_all_words_are_in_a_text_or_in_its_headings(meaning: SqlMeaningStore) -> None:
    """Accents and capitals are none of the index's."""
    both = [[Word("rain")], [Word("snow"), Word("sun")]]
    assert await named(meaning, await meaning.with_all(both, limit=9)) == ["a/shoes"]
    assert await meaning.with_all(both, limit=9, headings=True) == []
    snow = await meaning.with_all([[Word("sno", beginning=True)]], limit=9, headings=True)
    assert await named(meaning, snow) == ["a/snow"]
    assert len(await meaning.with_all([[Word("snow")]], limit=9)) == 2
    assert len(await meaning.with_all([[Word("eleve")]], limit=9)) == 1


async def test_words_are_counted_by_text(meaning: SqlMeaningStore) -> None:
    """However often they are in it."""
    asked = [Word("rain"), Word("jackets"), Word("j", beginning=True), Word("none")]
    assert list(await meaning.count_words(asked)) == [2, 1, 2, 0]
    assert {*await meaning.words_like("j", limit=9)} == {"jackets", "joue"}
    assert len(await meaning.words_like("", limit=2)) == 2


async def test_a_text_that_is_another_by_now_is_found_by_what_it_says(
    bench: Bench, meaning: SqlMeaningStore
) -> None:
    """And no more by what it said."""
    await learn(bench, "a/shoes", "# Boots\n\nFor the sun.")
    assert list(await meaning.count_words([Word("rain"), Word("sun"), Word("shoes")])) == [1, 1, 0]
    [boots] = await meaning.with_all([[Word("boots")]], limit=9, headings=True)
    assert await named(meaning, [boots]) == ["a/shoes"]


async def test_a_word_of_any_length_is_found(bench: Bench, meaning: SqlMeaningStore) -> None:
    """As is what stands beside it: no text is too strange to be known."""
    long = "x" * 5_000
    pairs = "".join(chr(0x4E00 + n % 20_000) for n in range(0, 199_000 * 7, 7))
    await learn(bench, "a/strange", f"{long} beside\n{pairs[:190_000]}")
    assert list(await meaning.count_words([Word(long), Word("beside")])) == [1, 1]


async def test_who_asks_for_signs_is_answered(meaning: SqlMeaningStore) -> None:
    """What is no word is in no text, and is no part of a query either."""
    assert list(await meaning.count_words([Word("it's"), Word("a:b"), Word("c\\d")])) == [0, 0, 0]
