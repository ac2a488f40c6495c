"""What is near to a text or to a question; and that nobody waits for it, or fails by it."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from mcp_server.entities.effects import ABSENT, ANY, SaveRevision, SaveVector
from mcp_server.entities.entity import PREVIEW, PRODUCTION, text_hash
from mcp_server.meaning import near as module
from mcp_server.meaning.embedder import embed_what_is_missing
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.near import Near, Neighbours
from tests.harness import small_site
from tests.promises.moves import QUICK, apply, parts_of
from tests.unit.content.texts import text

pytestmark = pytest.mark.anyio

TYPES = (PREVIEW, PRODUCTION)
NAME = "test:2"


def vector(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


class Fixed:
    """An embedder that gives every question one vector, unless it is in trouble."""

    name = NAME

    def __init__(self) -> None:
        self.asked = 0
        self.trouble: Exception | None = None
        self.hangs = False

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        self.asked += 1
        if self.hangs:
            await anyio.sleep_forever()
        if self.trouble is not None:
            raise self.trouble
        return [vector(1, 0) for _ in texts]

    async def aclose(self) -> None:
        """Nothing is open."""


async def put(root: Path, id: str, said: str, data: bytes | None, type: str = PREVIEW) -> None:
    """Store a text with its vector."""
    draft = text(id, said, type=type)
    embedder = None if data is None else NAME
    known = SaveVector(type, id, draft.hash, words=said, embedder=embedder, vector=data)
    await apply(root, SaveRevision(draft, ABSENT), known)


@asynccontextmanager
async def neighbours(root: Path, embedder: Fixed | None) -> AsyncGenerator[Neighbours]:
    """Open the store of a workspace, and look for neighbours there."""
    async with parts_of(root) as parts:
        yield Neighbours(parts.meaning, embedder)


@pytest.fixture
async def root(tmp_path: Path) -> Path:
    """A workspace with four texts, of which one has no vector."""
    made = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with parts_of(made):
        pass
    await put(made, "menu/a", "a", vector(1, 0))
    await put(made, "menu/c", "c", vector(0.8, 0.6))
    await put(made, "menu/b", "b", vector(0.8, 0.6), PRODUCTION)
    await put(made, "menu/d", "d", None)
    return made


async def test_the_nearest_come_first_in_an_order_that_never_changes(root: Path) -> None:
    """Of a text itself too; just as near ones by their ids."""
    embedder = Fixed()
    expected = [("menu/a", 1.0), ("menu/b", 0.8), ("menu/c", 0.8)]
    async with neighbours(root, embedder) as near:
        by_text = await near.of_text(PREVIEW, "menu/a", types=TYPES, count=9)
        by_question = await near.of_question("where", types=TYPES, count=9)
        assert by_text == by_question
        assert [(each.id, round(each.cosine, 6)) for each in by_question] == expected
        assert by_question[0].hash == text_hash("a")
        assert [each.id for each in await near.of_question("where", types=TYPES, count=1)] == [
            "menu/a"
        ]
        assert embedder.asked == 1, "a question is embedded once"
        assert await near.of_text(PREVIEW, "menu/d", types=TYPES, count=9) is None
        assert await near.of_text(PREVIEW, "menu/none", types=TYPES, count=9) is None


async def test_a_text_that_has_changed_since_is_not_near(root: Path) -> None:
    """Until it is embedded again; nor is anything near to it."""
    async with neighbours(root, Fixed()) as near:
        assert len(await near.of_question("where", types=TYPES, count=9)) == 3
        await apply(root, SaveRevision(text("menu/c", "other"), ANY))
        assert await near.of_text(PREVIEW, "menu/c", types=TYPES, count=9) is None
        found = await near.of_question("where", types=TYPES, count=9)
        assert [each.id for each in found] == ["menu/a", "menu/b"]


@pytest.mark.parametrize("trouble", [EmbeddingTrouble("it died", passes=True), KeyError(), None])
async def test_an_embedder_in_trouble_is_left_alone_for_a_while(
    root: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception | None
) -> None:
    """No draft fails by it, or waits for it again and again; what is stored is still found.

    It may say so, break, or never answer.
    """
    embedder = Fixed()
    embedder.hangs, embedder.trouble = trouble is None, trouble
    if embedder.hangs:
        monkeypatch.setattr(module, "FIRST_S", 0)

    async def asked(question: str) -> Sequence[Near]:
        return await near.of_question(question, types=TYPES, count=9)

    async with neighbours(root, embedder) as near:
        assert [await asked("one"), await asked("two")] == [[], []]
        assert embedder.asked == 1
        assert await near.of_text(PREVIEW, "menu/a", types=TYPES, count=9)
        embedder.hangs, embedder.trouble = False, None
        monkeypatch.setattr(near, "_rests_until", anyio.current_time())
        monkeypatch.setattr(module, "PATIENCE_S", 60)
        assert len(await asked("one")) == 3


async def test_an_embedder_is_loaded_before_it_is_asked_if_there_are_texts(
    root: Path, tmp_path: Path
) -> None:
    """Whatever trouble that brings: drafting goes on without it."""
    embedder = Fixed()
    async with neighbours(small_site(tmp_path / "new", {"menu": 1}, **QUICK), embedder) as near:
        await near.get_ready()
        assert embedder.asked == 0
    embedder.trouble = EmbeddingTrouble("it died", passes=False)
    async with neighbours(root, embedder) as near:
        await near.get_ready()
        assert embedder.asked == 1
        embedder.trouble = None
        assert await near.of_question("where", types=TYPES, count=9)
    async with neighbours(root, None) as near:
        await near.get_ready()


async def test_a_damaged_vector_or_none_at_all_is_near_to_nothing(root: Path) -> None:
    """And without an embedder nothing is looked for."""
    await put(root, "menu/e", "e", b"odd")
    async with neighbours(root, Fixed()) as near:
        assert await near.of_text(PREVIEW, "menu/e", types=TYPES, count=9) == []
        assert await near.of_question(" ", types=TYPES, count=9) == []
    async with neighbours(root, None) as near:
        assert not near.can_find
        assert await near.of_text(PREVIEW, "menu/a", types=TYPES, count=9) is None
        assert await near.of_question("where", types=TYPES, count=9) == []


async def test_vectors_stay_where_only_the_package_is_missing(root: Path) -> None:
    """A machine without it takes them from no other; a setting that wants words alone does."""
    async with parts_of(root) as parts:
        for setting, left in (("auto", 0), ("openai:m", 0), ("words", 3)):
            await embed_what_is_missing(parts.meaning, parts.jobs.queue, None, setting=setting)
            assert len(await parts.meaning.unembedded(limit=9)) == left, setting
