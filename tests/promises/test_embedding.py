"""What becomes of a text that is stored: a job, its words and its vector, and then it is found.

A shop's products are the entities; the workers are real, held where a test has to come in between.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest
from mcp import Client
from pydantic import BaseModel

import handlers.embedding
from mcp_server.app import Application
from mcp_server.app.embedders import STANDS_S, Elsewhere, abilities_to_embed, embedded_now
from mcp_server.app.installation import HANDLERS
from mcp_server.entities.effects import ANY, SaveRevision
from mcp_server.entities.entity import PREVIEW, Author, Revision, text_hash
from mcp_server.entities.meaning import (
    BACKGROUND,
    EMBEDDING,
    Unembedded,
    embedder_ability,
    embedding_of_all,
)
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.job import Job, Origin
from mcp_server.jobs.registry import Registry, discover
from mcp_server.meaning.local import NAME
from mcp_server.plugin import EntityService, EntityType, JobState, PluginContext, Priority
from mcp_server.plugin.loading import Plugins
from tests.harness import Desk, desk, small_site, write_settings
from tests.promises.moves import apply, held, parts_of
from tests.waiting import until
from tests.wire import alter, query

pytestmark = pytest.mark.anyio

ORIGIN = Origin(owner="local", interface="test")
WORDS = {"composer_delay_s": 0, "embedder": "words"}
LOCAL = {"composer_delay_s": 0, "embedder": "local"}


class Product(BaseModel, frozen=True):
    """Something that the shop sells."""

    sku: str
    says: str


WAITING = """
SELECT priority, max_retries FROM jobs
WHERE kind = 'embedding' AND state = 'pending' AND dedup_key = 'embedding:product:tent'
AND requires = ?
"""
OF_TENT = """
SELECT payload, requires FROM jobs
WHERE state = 'pending' AND dedup_key = 'embedding:product:tent'
"""
TENT = Product(sku="tent", says="Pitched in four minutes.")
LATER = Product(sku="tent", says="Waterproof up to three metres.")


@dataclass(frozen=True)
class Shop:
    """An open workspace with products."""

    chat: Desk
    type: EntityType[Product]
    entities: EntityService
    context: PluginContext

    async def found(self, query: str) -> Sequence[str]:
        """Return the products that search finds, the best first."""
        answer = await self.chat.call("search", query=query, type="product")
        return [row["id"] for row in answer["found"]]


@asynccontextmanager
async def shop(root: Path) -> AsyncGenerator[Shop]:
    """Run the application on a workspace, worker included, with a plugin that keeps products."""
    types: list[EntityType[Product]] = []

    def register(context: PluginContext) -> None:
        registered = context.register_entity_type(
            "product", Product, id=lambda each: each.sku, text=lambda each: each.says
        )
        types.append(registered)

    plugins = Plugins(Registry(discover(HANDLERS)))
    plugins.add("shop", register)
    application = Application(root, default_mode="embedded", plugins=plugins)
    async with application.running():
        await application.services()
        server = build_server(application, version="0", origin=ORIGIN, plugins=plugins)
        async with Client(server) as client:
            context = plugins.context("shop", ORIGIN)
            yield Shop(Desk(client, root), types[0], context.entities(), context)


def known(root: Path) -> Sequence[tuple[str, str, str, str | None, bool]]:
    """Return what search knows: type, id, hash, embedder, and whether there is a vector."""
    asked = "SELECT type, entity_id, content_hash, embedder, vector NOTNULL FROM meanings"
    return [(*row[:4], bool(row[4])) for row in query(root, f"{asked} ORDER BY type, entity_id")]


def left(root: Path) -> int:
    """Return how many texts are to be embedded."""
    return query(root, "SELECT count(*) FROM unembedded")[0][0]


async def settled(root: Path) -> None:
    """Wait until all is embedded."""
    await until(lambda: not left(root))


def product(made: Product, embedder: str | None = None) -> tuple[str, str, str, str | None, bool]:
    """Return what search is to know of a product."""
    return ("product", made.sku, text_hash(made.says), embedder, embedder is not None)


async def job_of(root: Path, job_id: str) -> Job:
    """Return a job as it is stored."""
    async with parts_of(root) as parts:
        job = await parts.store.job(job_id)
    assert job is not None
    return job


# From a call to what is found


async def test_an_entity_is_saved_embedded_by_a_job_and_found_by_what_it_means(
    tmp_path: Path,
) -> None:
    """004-35: created, queued, a vector made in the worker's own process, found in German."""
    root = small_site(tmp_path / "site", {"menu": 1}, **LOCAL)
    async with shop(root) as at:
        tent = Product(sku="tent", says="Pitched in four minutes, it shelters two from the rain.")
        lamp = Product(sku="lamp", says="Gives light for thirty hours on a single charge.")
        _, job_id = await at.entities.create_entity(tent)
        await at.entities.create_entity(lamp)
        status = await at.context.wait_for_job(job_id)
        assert status.status is JobState.COMPLETED
        await settled(root)
        assert known(root) == [product(lamp, NAME), product(tent, NAME)]
        assert (await at.found("Zelt für zwei Personen bei Regen"))[0] == "tent"
        assert (await at.found("a bright torch"))[0] == "lamp"


async def test_an_entity_is_there_before_anybody_has_embedded_it(tmp_path: Path) -> None:
    """L33, 004-24, 004-29: the call waits for no worker; only search has to."""
    root = small_site(tmp_path / "site", {"menu": 1}, **LOCAL)
    async with held(root), shop(root) as at:
        created = await at.entities.create_entity(TENT)
        assert await at.entities.get_entity(at.type, created.entity_id) == TENT
        assert await at.entities.list_entities(at.type) == [TENT]
        status = await at.entities.get_async_job_status(created.job_id)
        assert status is not None and status.status is JobState.PENDING
        assert known(root) == []
        answer = await at.chat.call("search", query="pitched", type="product")
        assert answer["found"] == []
        assert any(note.startswith("Partly: 1 text") for note in answer["notes"])


async def test_a_job_has_the_priority_and_the_retries_that_its_caller_chose(
    tmp_path: Path,
) -> None:
    """004-23; its payload holds an id and a hash, and no text (C14)."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root), shop(root) as at:
        created = await at.entities.create_entity(TENT, priority=Priority.URGENT, max_retries=1)
        job = await job_of(root, created.job_id)
    assert (job.kind, job.priority, job.max_retries) == (EMBEDDING, Priority.URGENT, 1)
    hash = text_hash(TENT.says)
    assert job.payload == {"type": "product", "id": "tent", "hash": hash}


async def test_the_status_of_an_entity_is_that_of_its_newest_embedding(tmp_path: Path) -> None:
    """004-08, 004-26: none before there is one; jobs of other kinds are none."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root) as hand, shop(root) as at:
        assert await at.entities.get_status_by_entity_id(at.type, "tent") is None
        _, first = await at.entities.create_entity(TENT)
        await hand.work(1, EMBEDDING)
        _, second = await at.entities.update_entity(LATER)
        assert first != second
        newest = await at.entities.get_status_by_entity_id(at.type, "tent")
        assert newest == await at.entities.get_async_job_status(second)
        assert newest is not None and newest.status is JobState.PENDING
        done = await at.entities.get_async_job_status(first)
        assert done is not None
        assert (done.status, done.entity_id, done.error) == (JobState.COMPLETED, "tent", None)
        assert await at.entities.get_async_job_status("j_unknown") is None
        queued = await at.chat.call("generate", section="menu/s1")
        async with parts_of(root) as parts:
            [draft] = await parts.store.jobs(queued["batchId"])
        assert await at.entities.get_async_job_status(draft.id) is None


# Each text once, as it is


async def test_a_job_for_a_text_that_has_changed_since_is_skipped(tmp_path: Path) -> None:
    """L34: it says why, and writes nothing over the later one; whose own job does it."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root) as hand, shop(root) as at:
        _, first = await at.entities.create_entity(TENT)
        attempt = await hand.claim(EMBEDDING)
        assert attempt is not None and attempt.job.id == first
        _, second = await at.entities.update_entity(LATER)
        await hand.run(attempt)
        skipped = await job_of(root, first)
        assert (skipped.state, skipped.code) == (JobState.COMPLETED, "skipped")
        assert skipped.reason is not None and "has changed since" in skipped.reason
        assert known(root) == []
        await hand.finish()
        assert known(root) == [product(LATER)]
        assert (await job_of(root, second)).state is JobState.COMPLETED
        assert await at.found("pitched") == []


async def test_an_attempt_that_has_lost_its_job_leaves_no_vector(tmp_path: Path) -> None:
    """004-13: what is known of a text and the end of its job are one transaction."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root) as hand, shop(root) as at:
        _, job_id = await at.entities.create_entity(TENT)
        attempt = await hand.claim(EMBEDDING)
        assert attempt is not None
        alter(root, "UPDATE jobs SET attempt_id = 'another' WHERE job_id = ?", job_id)
        await hand.run(attempt)
        assert known(root) == [] and left(root) == 1
        assert (await job_of(root, job_id)).state is JobState.PROCESSING
        alter(root, "UPDATE jobs SET attempt_id = ? WHERE job_id = ?", attempt.id, job_id)
        await hand.run(attempt)
        assert known(root) == [product(TENT)] and left(root) == 0
        assert (await job_of(root, job_id)).state is JobState.COMPLETED


async def test_of_many_that_create_an_entity_at_once_one_is_there_in_the_end(
    tmp_path: Path,
) -> None:
    """L37: none is refused, the last one counts, and search knows that one only."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with shop(root) as at:
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                made = Product(sku="tent", says=f"Version {number}.")
                tasks.start_soon(at.entities.create_entity, made)
        await settled(root)
        [stored] = await at.entities.list_entities(at.type)
        assert known(root) == [product(stored)]
        await at.entities.delete_entity(at.type, "tent")
        await settled(root)
        assert known(root) == []


async def test_whatever_changes_a_text_has_it_embedded_and_nobody_is_told(tmp_path: Path) -> None:
    """004-28: draft, edit, promote, a changed file, rollback: each is followed by the same job.

    It belongs to no batch, waits for nobody and is no operation that `status` lists (L12).
    """
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root) as hand, desk(root) as chat:

        async def follows(*ids: tuple[str, str]) -> None:
            queued = "SELECT state, batch FROM jobs WHERE kind = ? AND state <> 'completed'"
            assert query(root, queued, EMBEDDING) == [("scheduled", None)]
            asked = "SELECT type, entity_id FROM unembedded ORDER BY type"
            assert query(root, asked) == [(f"site-content-{type}", id) for type, id in ids]
            listed = await chat.call("status", activeOnly=True)
            assert listed["message"].startswith("No background operations running.")
            await hand.finish()
            assert not left(root)

        await chat.call("generate-all")
        await hand.work(1)
        await follows(("preview", "menu/s1"))
        await chat.call("edit", section="menu/s1", text="## Menu\n\nRhubarb tart.")
        await follows(("preview", "menu/s1"))
        await chat.call("promote")
        await hand.work(2)
        await follows(("production", "menu/s1"))
        file = root / "content" / "menu.md"
        file.write_text(file.read_text().replace("Rhubarb", "Quince"))
        await chat.call("edit", section="menu/s1", text="## Menu\n\nPlum tart.")
        await follows(("preview", "menu/s1"), ("production", "menu/s1"))


async def test_an_entity_that_is_embedded_elsewhere_is_found_by_its_words_until_then(
    tmp_path: Path,
) -> None:
    """Its status is that of the job that waits for who can; a later text takes its place there."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    ability = embedder_ability("other:2")
    async with held(root, embedded_elsewhere=ability) as hand, shop(root) as at:
        _, first = await at.entities.create_entity(TENT, priority=Priority.HIGH, max_retries=1)
        await hand.finish()
        assert (await job_of(root, first)).state is JobState.COMPLETED
        status = await at.entities.get_status_by_entity_id(at.type, "tent")
        assert status is not None and status.status is JobState.PENDING
        assert query(root, WAITING, ability) == [(Priority.HIGH, 1)]
        assert (known(root), left(root)) == ([product(TENT)], 1)
        assert await at.found("pitched") == ["tent"]
        await at.entities.update_entity(LATER)
        await hand.finish()
        assert query(root, WAITING, ability) == [(Priority.NORMAL, 3)]
        assert (known(root), left(root)) == ([product(LATER)], 1)
        kinds = hand.parts.registry.kinds
        assert await hand.parts.store.unclaimable(kinds=kinds, abilities=()) == {ability: []}
        assert not (await at.chat.call("status", activeOnly=True)).get("operations")


async def test_an_earlier_text_that_others_embed_takes_no_later_ones_place(
    tmp_path: Path,
) -> None:
    """Whoever leaves the earlier text to others does not leave them that in place of the later."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    ability = embedder_ability("other:2")
    async with held(root, embedded_elsewhere=ability) as hand, shop(root) as at:
        await at.entities.create_entity(TENT)
        earlier = await hand.claim(EMBEDDING)
        assert earlier is not None
        await at.entities.update_entity(LATER, priority=Priority.HIGH)
        await hand.run(earlier)
        [(payload, requires)] = query(root, OF_TENT)
        assert (json.loads(payload)["hash"], requires) == (text_hash(LATER.says), None)
        await hand.finish()
        [(payload, requires)] = query(root, OF_TENT)
        assert (json.loads(payload)["hash"], requires) == (text_hash(LATER.says), ability)


async def test_one_machine_embeds_for_itself_whatever_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only others with the same database could; a file has none."""
    root = small_site(tmp_path / "site", {"menu": 1}, **LOCAL)
    async with parts_of(root) as parts:
        assert embedder_ability(NAME) in parts.abilities
        shared = bool(parts.workspace.settings.database)
        monkeypatch.setattr("mcp_server.app.embedders.is_installed", lambda: False)
        assert not abilities_to_embed(parts.workspace, parts.grants)
        left_to = await parts.embedded_elsewhere()
        assert left_to == (embedder_ability(NAME) if shared else None)
        text = Unembedded("product", TENT.sku, text_hash(TENT.says), TENT.says)
        [words] = await embedded_now(parts.embedded_elsewhere, None, [text])
        assert words.unfinished == shared, "a vector is still to be made, and who can makes it"
    async with parts_of(small_site(tmp_path / "words", {"menu": 1}, **WORDS)) as parts:
        assert not any(each.startswith("embedder:") for each in parts.abilities)


async def test_it_asks_itself_only_now_and_then_whether_it_can_embed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keyring may be part of the question: not for every text, nor never again."""
    at, answers = 0.0, iter([False, True])
    async with parts_of(small_site(tmp_path / "site", {"menu": 1}, **LOCAL)) as parts:
        shared = parts.workspace.settings.model_copy(update={"database": "postgresql://many"})
        workspace = replace(parts.workspace, settings=shared)
        monkeypatch.setattr("mcp_server.app.embedders.is_installed", lambda: next(answers))
        elsewhere = Elsewhere(workspace, parts.grants, parts.store, parts.meaning, lambda: at)
        async with anyio.create_task_group() as texts:
            for _ in range(9):
                texts.start_soon(elsewhere)
        assert await elsewhere() == embedder_ability(NAME)
        at += STANDS_S
        assert [await elsewhere() for _ in range(9)] == [None] * 9


# What was lost, and what is new


async def test_what_a_crash_has_left_is_made_up_for_at_the_next_start(tmp_path: Path) -> None:
    """L35: the job is gone with the database's last moments, the text is not."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root), shop(root) as at:
        await at.entities.create_entity(TENT)
    alter(root, "DELETE FROM jobs")
    async with shop(root) as at:
        await settled(root)
        assert known(root) == [product(TENT)]
        assert await at.found("pitched") == ["tent"]


async def test_another_embedder_embeds_all_texts_again_and_nothing_is_found_less_meanwhile(
    tmp_path: Path,
) -> None:
    """By words from the first moment; `search` says how far it is. And back to words only."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with shop(root) as at:
        await at.entities.create_entity(TENT)
        await settled(root)
    write_settings(root, **LOCAL)
    async with held(root), shop(root) as at:
        assert await at.found("pitched") == ["tent"]
    async with shop(root) as at:
        await until(lambda: known(root) == [product(TENT, NAME)])
        assert await at.found("Zelt aufbauen") == ["tent"]
    write_settings(root, **WORDS)
    async with shop(root) as at:
        await until(lambda: known(root) == [product(TENT)])
        assert await at.found("Zelt aufbauen") == []


def imported(number: int) -> SaveRevision:
    """Store a text as an import does."""
    text = Revision(
        type=PREVIEW,
        entity_id=f"page{number}/body",
        template="",
        fields={},
        markdown=f"Text number {number}.",
        author=Author(kind="adopted"),
    )
    return SaveRevision(text, ANY)


async def test_ten_thousand_texts_to_embed_hold_up_no_draft(tmp_path: Path) -> None:
    """004-28: a draft that is asked for later is taken first."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root) as hand, desk(root) as chat:
        await apply(root, *[imported(number) for number in range(10_000)])
        await hand.parts.jobs.queue.enqueue(embedding_of_all(), origin=ORIGIN)
        await chat.call("generate", section="menu/s1")
        [first] = await hand.work(1)
        assert first.kind == "content-generate"
        backlog = await hand.claim()
        assert backlog is not None
        assert (backlog.job.kind, backlog.job.priority) == (EMBEDDING, BACKGROUND)
        assert left(root) == 10_001


async def test_a_long_sweep_lets_others_go_first_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that one with few lanes drafts in between; each chunk is kept, whatever comes then."""
    monkeypatch.setattr(handlers.embedding, "CHUNK", 4)
    monkeypatch.setattr(handlers.embedding, "CHUNKS_MAX", 3)  # or it would take 6,400 texts
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    async with held(root) as hand, desk(root) as chat:
        await apply(root, *[imported(number) for number in range(30)])
        await hand.parts.jobs.queue.enqueue(embedding_of_all(), origin=ORIGIN)
        [first] = await hand.work(1)
        assert (first.kind, first.ended_at) == (EMBEDDING, None)
        assert (len(known(root)), left(root)) == (12, 18)
        await chat.call("generate", section="menu/s1")
        done = await hand.finish()
        assert [job.kind for job in done][:1] == ["content-generate"]
        assert (len(known(root)), left(root)) == (31, 0)
