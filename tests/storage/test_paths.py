"""Pages whose ids are paths: `docs/guide` beside `docs`, with its section `guide`, and `docs-x`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.content.actions.job_keys import key_of_claim, key_ranges
from mcp_server.entities.effects import ABSENT, ANY, DiscardDraft, MarkWithdrawn, SaveRevision
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Revision, page_of
from mcp_server.entities.store import About, EntityStore
from mcp_server.jobs.job import Dedup
from tests.storage.stores import Bench, a_job, a_text

pytestmark = pytest.mark.anyio

PAGES = {
    "docs": ["docs/body", "docs/guide"],
    "docs-x": ["docs-x/body"],
    "docs/guide": ["docs/guide/body", "docs/guide/guide"],
    "docs/guide/deep": ["docs/guide/deep/body"],
    "docs0": ["docs0/body"],
    "Über uns": ["Über uns/body"],
    "日本/案内": ["日本/案内/body"],
    "\U0001f35e": ["\U0001f35e/body"],
}
IDS = [id for ids in PAGES.values() for id in ids]
PERSON = Author(kind="person", name="ada")


def live(id: str, **different: object) -> Revision:
    """Make a live text."""
    return replace(a_text(id, f"live {id}"), type=PRODUCTION, **different)


@pytest.fixture
async def stored(bench: Bench) -> EntityStore:
    """A draft and a live text of every section, each page by a batch of its own."""
    for page, ids in PAGES.items():
        texts = [text for id in ids for text in (a_text(id), live(id))]
        saved = [SaveRevision(replace(text, batch_id=page), ABSENT) for text in texts]
        await bench.submit(f"of {page}", effects=saved)
    return bench.entities


@pytest.mark.parametrize("page", PAGES)
async def test_of_a_page_is_what_is_on_that_page(stored: EntityStore, page: str) -> None:
    """Texts, heads, histories, what was live, and the batches that wrote them."""
    ids = set(PAGES[page])
    assert set(await stored.get_all(PREVIEW, page=page)) == ids
    snapshot = await stored.snapshot([page], history=True)
    assert set(snapshot.drafts) == set(snapshot.live) == set(snapshot.history) == ids
    for heads in (*await stored.heads([page]), await stored.live_before(9e12, [page])):
        assert set(heads.hash) == ids
    assert await stored.batches_about(About(page)) == {page}
    assert await stored.pages_of_batch(page) == {page: True}
    assert set(await stored.histories(PRODUCTION, batch_id=page)) == ids


async def test_of_all_pages_are_those_in_every_script(stored: EntityStore) -> None:
    """However their names are sorted."""
    assert set(await stored.get_all(PREVIEW)) == set(IDS)
    for heads in (*await stored.heads(), await stored.live_before(9e12)):
        assert set(heads.hash) == set(IDS)
    assert set((await stored.snapshot(history=True)).history) == set(IDS)


async def test_a_section_is_one_by_its_whole_id(stored: EntityStore) -> None:
    """`docs/guide` is a section of `docs`, whatever is on the page of that name."""
    for id in IDS:
        entity = await stored.get(PRODUCTION, id)
        assert entity is not None and entity.current.markdown == f"live {id}\n"
        assert {r.entity_id for r in await stored.history(PRODUCTION, id)} == {id}
        assert {r.entity_id for r in await stored.with_hash(id, entity.hash)} == {id}
        assert await stored.batches_about(About(page_of(id), id)) == {page_of(id)}
    found = await stored.latest(["docs/guide", "docs/guide/body"], before=None, limit=99)
    assert {revision.entity_id for revision in found} == {"docs/guide", "docs/guide/body"}
    assert len(found) == 4
    changed = await stored.changes_of_batch("docs", PREVIEW, IDS)
    assert set(changed) == set(PAGES["docs"])


async def test_marks_and_discards_are_of_one_section(bench: Bench, stored: EntityStore) -> None:
    """Those of `docs/guide` leave the page of that name alone."""
    second = a_text("docs/guide", "second")
    hashes = {id: draft.hash for id, draft in (await stored.get_all(PREVIEW)).items()}
    effects = (
        SaveRevision(second, hashes["docs/guide"]),
        MarkWithdrawn("docs/guide", hashes["docs/guide"]),
        DiscardDraft("docs/guide", second.hash or "", PERSON),
    )
    assert (await bench.submit("b1", effects=effects)).conflict is None
    drafts = await stored.get_all(PREVIEW)
    assert {id: draft.hash for id, draft in drafts.items()} == hashes
    assert {id for id, draft in drafts.items() if draft.withdrawn} == {"docs/guide"}


async def test_edits_are_told_of_a_page_of_a_section_or_of_all(
    bench: Bench, stored: EntityStore
) -> None:
    """Those too that somebody made in a file, once they were taken over."""
    by = {id: PERSON if number % 2 else Author(kind="file") for number, id in enumerate(IDS)}
    for id, author in by.items():
        edited = live(id, author=author, markdown=f"new {id}")
        await bench.store.apply([SaveRevision(edited, ANY)], free=[], now=bench.now)

    async def told(about: About | None) -> list[str]:
        counts = await stored.edit_counts(about, since=0)
        edits = await stored.edits(about, since=0, limit=99)
        assert sum(counts.values()) == len(edits)
        assert {edit.author for edit in edits} == counts.keys()
        return [edit.section for edit in reversed(edits)]

    assert await told(None) == IDS
    for page, ids in PAGES.items():
        assert await told(About(page)) == ids
        for id in ids:
            assert await told(About(page, id)) == [id]


async def test_jobs_are_found_by_their_page_or_section(bench: Bench) -> None:
    """By their keys: drafts and changes of its sections, and the writing of its file."""
    keys = [key_of_claim(claim, id) for claim in ("draft", "change") for id in IDS]
    keys += [f"export:{page}" for page in PAGES]
    jobs = [a_job(dedup=Dedup.SKIP, dedup_key=key, subject=key) for key in keys]
    await bench.submit("b1", *jobs)

    async def found(about: About) -> set[str]:
        jobs = await bench.store.keyed(key_ranges(about), owner="ada", limit=99)
        return {job.subject for job in jobs}

    for page, ids in PAGES.items():
        claims = {id: {f"draft:{id}", f"change:{id}"} for id in ids}
        assert await found(About(page)) == {f"export:{page}"}.union(*claims.values())
        for id in ids:
            assert await found(About(page, id)) == claims[id]
