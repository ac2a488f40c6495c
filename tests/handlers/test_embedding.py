"""What a worker makes known to search: every text, once, and without a word to anybody."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.entities.entity import PREVIEW, Author, Revision
from mcp_server.entities.meaning import EMBEDDING, Unembedded, Word
from mcp_server.jobs.job import JobState
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.making import effects_of
from mcp_server.meaning.words import INDEXED_MAX, PIECE, indexed
from tests.harness import desk, small_site
from tests.promises.moves import apply, parts_of
from tests.waiting import until
from tests.wire import query

pytestmark = pytest.mark.anyio

WORDS = {"composer_delay_s": 0, "embedder": "words"}


async def write(root: Path, texts: Mapping[str, str]) -> None:
    """Store drafts at once, without a job that follows."""
    author = Author(kind="person", name="test")
    revisions = [
        Revision(
            type=PREVIEW,
            entity_id=id,
            template="note",
            fields={},
            markdown=text,
            author=author,
        )
        for id, text in texts.items()
    ]
    async with parts_of(root):
        pass  # there is a database
    await apply(root, *(SaveRevision(each, ABSENT) for each in revisions))


async def left(root: Path) -> int:
    """Return how many texts search does not know."""
    async with parts_of(root) as parts:
        return (await parts.meaning.count())["left"]


async def finished(root: Path) -> int:
    """Wait until all is known and no job is left; return how many jobs there were."""
    await until(partial(left, root), lambda count: count == 0)
    await until(partial(_unfinished, root), lambda count: count == 0)
    [[jobs]] = query(root, f"SELECT count(*) FROM jobs WHERE kind = '{EMBEDDING}'")
    return int(jobs)


async def _unfinished(root: Path) -> int:
    [[jobs]] = query(root, "SELECT count(*) FROM jobs WHERE ended_at IS NULL")
    return int(jobs)


async def test_many_texts_are_taken_in_by_one_job_which_nobody_is_told_of(tmp_path: Path) -> None:
    """Its own chunks make no other job follow. Who names it sees it."""
    root = small_site(tmp_path, {"menu": 1}, **WORDS)
    await write(root, {f"menu/n{n}": f"Number {n}." for n in range(150)})
    async with desk(root) as chat:
        assert await finished(root) == 1
        status = await chat.call("status")
        assert not status.get("operations") and "embedding" not in status["message"]
    async with parts_of(root) as parts:
        for active in (True, False):
            assert await parts.store.alone(owner=None, active=active, limit=9) == []
        job = await parts.store.newest_with_key(EMBEDDING)
        assert job is not None and job.state is JobState.COMPLETED
        assert await parts.jobs.batches.job(job.id, owner=None) == job


async def test_what_is_more_than_a_job_takes_is_taken_in_by_its_next_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others have theirs in between; nothing is lost."""
    monkeypatch.setattr("handlers.embedding.CHUNKS_MAX", 1)
    root = small_site(tmp_path, {"menu": 1}, **WORDS)
    await write(root, {f"menu/n{n}": f"Number {n}." for n in range(150)})
    async with desk(root):
        assert await finished(root) == 1
    async with parts_of(root) as parts:
        assert (await parts.meaning.count())["known"] == 150


ODD = {
    "menu/empty": "",
    "menu/blank": " \n\t" * 1_000,
    "menu/large": "Marmalade. " + "filler of a book " * 300_000,
    "menu/binary": "\x89PNG\r\n\x1a\n\x00\x00" + "\x01\x7f\ufffd" * 5_000 + "\x00 chutney \x00",
    "menu/mixed": "Grüße à tous, 温かい緑茶 и чай: חומוס! 🎉 e\u0301clair",
    "menu/one-word": "x" * 1_000_000,
}
FOUND = {
    "marmalade": "menu/large",
    "chutney": "menu/binary",
    "grusse": "menu/mixed",
    "緑茶": "menu/mixed",
    "чай": "menu/mixed",
    "חומוס": "menu/mixed",
    "éclair": "menu/mixed",
}


@pytest.mark.parametrize("embedder", ["words", "local"])
async def test_any_text_is_taken_in_and_found_by_its_words(tmp_path: Path, embedder: str) -> None:
    """Nothing, five megabytes, bytes of a picture, five scripts; by the index as by the model."""
    root = small_site(tmp_path, {"menu": 1}, **(WORDS | {"embedder": embedder}))
    await write(root, ODD)
    async with parts_of(root) as parts:
        texts = await parts.meaning.unembedded(limit=9)
        assert max(len(each.text or "") for each in texts) == INDEXED_MAX
    async with desk(root):
        await finished(root)
    async with parts_of(root) as parts:
        for word, id in FOUND.items():
            plain = indexed(word).split()[0]
            orders = await parts.meaning.with_any([[Word(plain)]], limit=9)
            assert [each.entity_id for each in await parts.meaning.known(orders)] == [id], word


async def test_others_go_on_while_large_texts_are_taken_in() -> None:
    """The words of a book are found in a thread, and in pieces."""
    book = "温かい緑茶と抹茶があります。" * (INDEXED_MAX // 14)
    texts = [Unembedded(PREVIEW, f"menu/n{n}", "hash", book) for n in range(8)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(others)
        await effects_of(texts, None)
        tasks.cancel_scope.cancel()
    assert turns > len(texts) * INDEXED_MAX / PIECE / 4


PIECES: Sequence[str] = (
    "Fresh bread, and fruit. " * 5_000,
    "# Menü\n\n" + "größe weiß ändern " * 8_000,
    "温かい緑茶と抹茶があります。" * 5_000,
    "a\u0301" * 3 * PIECE,
)


@pytest.mark.parametrize("text", PIECES, ids=["en", "de", "ja", "signs"])
async def test_a_long_text_has_the_words_of_its_parts(text: str) -> None:
    """Where it is cut to be gone through, no word is torn."""
    known = {*indexed(text[: PIECE // 2]).split()}
    strange = {*indexed(text).split()} - known
    assert len(strange) <= 8 if text.startswith("a\u0301") else not strange


class Careless:
    """An embedder whose vectors cannot be compared."""

    name = "careless:2"

    def __init__(self, *vectors: bytes | None) -> None:
        self.vectors = vectors

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        """Return the same ones, whatever is asked."""
        return self.vectors[: len(texts)]

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "vectors",
    [
        (struct.pack("<2f", 1, 1), None),
        (struct.pack("<2f", 1, 0), struct.pack("<1f", 1)),
        (struct.pack("<2f", float("nan"), 0), None),
        (struct.pack("<2f", 0, 0), None),
    ],
    ids=["too long", "of two widths", "NaN", "zeros"],
)
async def test_no_vector_is_stored_that_cannot_be_compared(
    vectors: tuple[bytes | None, ...],
) -> None:
    """Whoever made it."""
    texts = [Unembedded(PREVIEW, f"menu/n{n}", "hash", "Marmalade.") for n in range(2)]
    with pytest.raises(EmbeddingTrouble, match="not of length one"):
        await effects_of(texts, Careless(*vectors))
