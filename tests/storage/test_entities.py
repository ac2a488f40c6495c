"""Stored content: what is current, what was, and what is known of page files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    DiscardDraft,
    MarkWithdrawn,
    SavePageFile,
    SaveRemoval,
    SaveRevision,
)
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Revision
from mcp_server.entities.page_files import KnownFile
from mcp_server.entities.store import EntityStore
from mcp_server.jobs.job import Dedup
from tests.storage.stores import Bench, a_job, a_text

pytestmark = pytest.mark.anyio


class Writer:
    """Stores content as submissions do, without a job."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._batches = 0

    async def __call__(self, *effects: object) -> None:
        self._batches += 1
        made = await self._bench.submit(f"w{self._batches}", effects=effects)
        assert made.conflict is None


@pytest.fixture
def write(bench: Bench) -> Writer:
    """Store content by effects."""
    return Writer(bench)


def gone(text: Revision) -> Revision:
    """Make the removal of a text."""
    return replace(text, fields={}, markdown=None)


async def test_a_draft_and_a_live_text_of_one_section_are_two_entities(
    write: Writer, entities: EntityStore
) -> None:
    """A change to one does not touch the other."""
    draft = a_text(text="draft")
    live = a_text(text="live").as_type(PRODUCTION)
    await write(SaveRevision(draft, ABSENT), SaveRevision(live, ABSENT))
    await write(SaveRemoval(gone(draft), ANY))
    assert await entities.get(PREVIEW, "menu/hero") is None
    stored = await entities.get(PRODUCTION, "menu/hero")
    assert stored is not None and stored.hash == live.hash
    assert await entities.get_all(PREVIEW) == {}
    assert set(await entities.get_all(PRODUCTION)) == {"menu/hero"}


async def test_all_entities_of_a_type_are_returned_without_a_hidden_limit(
    write: Writer, entities: EntityStore
) -> None:
    """More than a hundred, or just those of a page."""
    ids = [f"menu/s{n}" for n in range(150)] + ["menu-2/a", "menu0/a", "men/a", "menus/a"]
    await write(*[SaveRevision(a_text(id), ABSENT) for id in ids])
    assert len(await entities.get_all(PREVIEW)) == 154
    assert sorted(await entities.get_all(PREVIEW, page="menu")) == sorted(ids[:150])
    assert [*await entities.get_all(PREVIEW, page="menu-2")] == ["menu-2/a"]
    assert await entities.get_all(PREVIEW, page="me") == {}
    assert len(await entities.histories(PREVIEW)) == 154


async def test_the_history_is_all_that_was_ever_current_oldest_first(
    write: Writer, entities: EntityStore
) -> None:
    """Removals included."""
    first, second = a_text(text="one"), a_text(text="two")
    await write(SaveRevision(first, ABSENT))
    await write(SaveRevision(second, first.hash or ""))
    await write(SaveRemoval(gone(first), second.hash or ""))
    history = await entities.history(PREVIEW, "menu/hero")
    assert [revision.hash for revision in history] == [first.hash, second.hash, None]
    assert [revision.is_removal for revision in history] == [False, False, True]
    assert sorted(revision.id for revision in history) == [revision.id for revision in history]
    assert await entities.histories(PREVIEW) == {"menu/hero": history}
    assert await entities.history(PRODUCTION, "menu/hero") == []


async def test_what_a_batch_wrote_is_found_with_its_whole_history(
    write: Writer, entities: EntityStore
) -> None:
    """What others wrote of the same sections before and after it, and nothing else."""
    for batch, text in (("b1", "one"), ("b2", "two"), ("b3", "three")):
        await write(SaveRevision(a_text("menu/hero", text, batch_id=batch), ANY))
    await write(SaveRevision(a_text("team/jo", batch_id="b3"), ABSENT))
    history = await entities.history(PREVIEW, "menu/hero")
    assert [revision.batch_id for revision in history] == ["b1", "b2", "b3"]
    assert await entities.histories(PREVIEW, batch_id="b2") == {"menu/hero": history}
    assert await entities.histories(PRODUCTION, batch_id="b2") == {}
    assert await entities.histories(PREVIEW, batch_id="b4") == {}


async def test_the_pages_of_a_batch_are_those_on_which_it_changed_live_texts(
    write: Writer, entities: EntityStore
) -> None:
    """Each once; removals count, drafts do not. And whether it left any text there, at its time."""
    ids = ("menu/b", "menu/a", "about/a")
    live = [a_text(id, batch_id="b1").as_type(PRODUCTION) for id in ids]
    await write(*[SaveRevision(text, ABSENT) for text in live])
    await write(SaveRevision(a_text("team/jo", batch_id="b1"), ABSENT))
    await write(SaveRemoval(replace(gone(live[2]), batch_id="b2"), ANY))
    assert await entities.pages_of_batch("b1") == {"about": True, "menu": True}
    assert await entities.pages_of_batch("b1", type=PREVIEW) == {"team": True}
    assert await entities.pages_of_batch("b2") == {"about": False}
    assert await entities.pages_of_batch("b3") == {}
    await write(SaveRevision(replace(live[2], batch_id="b4"), ABSENT))
    assert await entities.pages_of_batch("b2") == {"about": False}
    assert await entities.pages_of_batch("b4") == {"about": True}


async def test_a_draft_is_withdrawn_only_if_it_is_the_one_meant(
    write: Writer, entities: EntityStore
) -> None:
    """And every new revision is without the mark, even with equal text (R9)."""
    text = a_text()
    await write(SaveRevision(text, ABSENT), MarkWithdrawn("menu/hero", "0" * 32))
    entity = await entities.get(PREVIEW, "menu/hero")
    assert entity is not None and not entity.withdrawn
    await write(MarkWithdrawn("menu/hero", text.hash or ""))
    entity = await entities.get(PREVIEW, "menu/hero")
    assert entity is not None and entity.withdrawn
    await write(SaveRevision(text, text.hash or ""))
    entity = await entities.get(PREVIEW, "menu/hero")
    assert entity is not None and not entity.withdrawn


async def test_a_discard_brings_the_draft_before_back_and_is_stored(
    write: Writer, entities: EntityStore
) -> None:
    """With its mark, even one that it got meanwhile; at last there is none."""
    first, second = a_text(text="one"), a_text(text="two")
    await write(SaveRevision(first, ABSENT))
    await write(SaveRevision(second, ANY), MarkWithdrawn("menu/hero", first.hash or ""))
    chat = Author(kind="chat", name="claude")
    await write(DiscardDraft("menu/hero", second.hash or "", chat))
    back = await entities.get(PREVIEW, "menu/hero")
    assert back is not None and (back.hash, back.withdrawn) == (first.hash, True)
    await write(DiscardDraft("menu/hero", first.hash or "", chat))
    assert await entities.get(PREVIEW, "menu/hero") is None
    await write(SaveRevision(second, ABSENT))
    history = await entities.history(PREVIEW, "menu/hero")
    assert [r.markdown for r in history] == ["one\n", "two\n", None, None, "two\n"]
    assert history[2].author == chat and history[2].created_at > 0
    assert [r.markdown for r in draft_stack(history)] == ["two\n"]


async def test_texts_are_found_by_the_first_digits_of_their_hash(
    write: Writer, entities: EntityStore
) -> None:
    """Drafts and live ones, those of the section only."""
    draft = a_text(text="one")
    await write(SaveRevision(draft, ABSENT), SaveRevision(draft.as_type(PRODUCTION), ABSENT))
    await write(SaveRevision(a_text("menu/team", "one"), ABSENT), SaveRevision(a_text(), ANY))
    for digits in (draft.hash or "", (draft.hash or "")[:8]):
        found = await entities.with_hash("menu/hero", digits)
        assert [(r.type, r.markdown) for r in found] == [(PREVIEW, "one\n"), (PRODUCTION, "one\n")]
    assert await entities.with_hash("menu/hero", "0" * 8) == []


async def test_effects_are_applied_at_once_if_nobody_holds_the_section(
    bench: Bench, entities: EntityStore
) -> None:
    """All of them or none; who holds it is told."""
    store, text = bench.store, a_text()
    job = a_job(dedup=Dedup.SKIP, dedup_key="change:menu/hero")
    await bench.submit("b1", job)
    save = SaveRevision(text, ABSENT)
    refused = await store.apply([save], free=["change:menu/hero"], now=bench.now)
    assert [batch and batch.id for batch in refused.held.values()] == ["b1"]
    await store.cancel_batch("b1", reason="test", now=bench.now)
    other = SaveRevision(a_text("menu/team"), "0" * 32)
    unmet = await store.apply([save, other], free=["change:menu/hero"], now=bench.now)
    assert unmet.conflict and await entities.get(PREVIEW, "menu/hero") is None
    done = await store.apply([save], free=["change:menu/hero"], now=bench.now)
    assert (done.held, done.conflict) == ({}, None)
    assert await entities.get(PREVIEW, "menu/hero") is not None


async def test_a_snapshot_is_what_the_single_questions_answer(
    write: Writer, entities: EntityStore
) -> None:
    """The history only where it is asked for."""
    live = a_text(text="live").as_type(PRODUCTION)
    await write(SaveRevision(a_text(text="draft"), ABSENT), SaveRevision(live, ABSENT))
    await write(SavePageFile(known_file("menu")))
    found = await entities.snapshot(history=True)
    assert found.drafts == await entities.get_all(PREVIEW)
    assert found.live == await entities.get_all(PRODUCTION)
    assert found.history == await entities.histories(PRODUCTION)
    assert found.files == await entities.page_files()
    assert (await entities.snapshot()).history == {}


async def test_a_snapshot_of_some_pages_holds_nothing_of_the_others(
    write: Writer, entities: EntityStore
) -> None:
    """Not even of those whose names begin so; pages of which nothing is stored are no harm."""
    pages = ("menu", "menu-2", "men", "home")
    for number, page in enumerate(pages):
        live = a_text(f"{page}/hero", text="live", batch_id=f"b{number}").as_type(PRODUCTION)
        await write(SaveRevision(a_text(f"{page}/hero"), ABSENT), SaveRevision(live, ABSENT))
        await write(SavePageFile(known_file(page)))
    whole = await entities.snapshot(history=True)
    assert await entities.snapshot(pages, history=True) == whole
    found = await entities.snapshot({"menu", "home", "unknown"}, history=True)
    ids = {"menu/hero", "home/hero"}
    assert found.drafts == {id: whole.drafts[id] for id in ids}
    assert found.live == {id: whole.live[id] for id in ids}
    assert found.history == {id: whole.history[id] for id in ids}
    assert found.files == {page: whole.files[page] for page in ("menu", "home")}
    assert (await entities.snapshot(())).live == {}


async def test_a_site_is_stored_under_its_hash(entities: EntityStore) -> None:
    """The same again changes nothing."""
    await entities.put_site("h", '{"title": "Café"}')
    await entities.put_site("h", "other")
    assert await entities.get_site("h") == '{"title": "Café"}'
    assert await entities.get_site("unknown") is None


async def test_the_newest_site_is_the_one_that_was_stored_last(entities: EntityStore) -> None:
    """Also where it is one that was stored before: somebody has undone an edit."""
    assert await entities.newest_site() is None
    await entities.put_site("a", "first")
    await entities.put_site("b", "second")
    assert await entities.newest_site() == "second"
    await entities.put_site("a", "first")
    assert await entities.newest_site() == "first"


async def test_all_facts_of_a_revision_come_back(write: Writer, entities: EntityStore) -> None:
    """Who wrote it, from what, for how much."""
    text = a_text(
        base="0" * 32,
        batch_id="elsewhere",
        site_hash="s",
        inputs_hash="i",
        related={"menu/lunch": "0" * 32},
        input_tokens=10,
        output_tokens=20,
        cost_usd=0.25,
        author=Author(kind="person", name="ada"),
        fields={"title": "Größe", "list": ["a", {"b": None}]},
    )
    await write(SaveRevision(text, ABSENT))
    entity = await entities.get(PREVIEW, "menu/hero")
    assert entity is not None
    assert replace(entity.current, id=0, created_at=0.0) == text
    assert entity.current.hash == text.hash


def known_file(page: str) -> KnownFile:
    """Make what is known of a page's file."""
    return KnownFile(page=page, file=f"{page}.md", layout="one")
