"""How the effects that concern content are applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never, cast

from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    DiscardDraft,
    Effect,
    Expectation,
    KeepPage,
    MarkWithdrawn,
    PutBack,
    Require,
    SaveMaterial,
    SavePageFile,
    SaveRemoval,
    SaveRevision,
    SaveVector,
)
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Revision
from mcp_server.jobs.job import NewJob
from mcp_server.jobs.json_text import dumped
from mcp_server.jobs.outcome import Enqueue
from mcp_server.jobs.records import WrittenBy
from mcp_server.storage.sql.content import meanings, page_files
from mcp_server.storage.sql.content.rows import dumped_findings, key_of, revision_of, text_in
from mcp_server.storage.sql.transaction import Row, Transaction

NOUNS = {PREVIEW: "draft", PRODUCTION: "live text"}
FROM_FILES = frozenset({"adopted", "file"})
"""Authors whose texts stood in a file: no job has written them, and they are as old as it is."""


class ContentEffects:
    """Applies the effects of `entities.effects` within the transaction that asks for them.

    `embeds` is the job that makes changed texts known to search, `None` where nobody searches.
    """

    def __init__(self, embeds: NewJob | None = None) -> None:
        self._embeds = embeds

    def follow_up(self, tx: Transaction, applied: Iterable[object]) -> NewJob | None:
        """Return the job that is to follow these effects, where there is something to do.

        None follows vectors: who makes some knows whether there are texts left. Nor what is only
        queued: it changes no text.
        """
        if self._embeds is None or all(isinstance(each, SaveVector | Enqueue) for each in applied):
            return None
        return None if tx.one("find_unembedded") is None else self._embeds

    def apply(
        self, tx: Transaction, effect: object, *, job: Row | WrittenBy | None, now: float
    ) -> str | None:
        """Apply `effect`; return why it cannot be where it met something else than it expects."""
        change = cast("Effect", effect)
        match change:
            case Require(type, entity_id, expects):
                return _unmet(tx, type, entity_id, expects)
            case SaveRevision(revision, expects) | SaveRemoval(revision, expects):
                if unmet := _unmet(tx, revision.type, revision.entity_id, expects):
                    return unmet
                save(tx, _of_job(revision, job), now=now)
            case DiscardDraft(entity_id, expects, author):
                if unmet := _unmet(tx, PREVIEW, entity_id, expects):
                    return unmet
                _discard(tx, entity_id, author, now=now)
            case MarkWithdrawn(entity_id, hash):
                key = key_of(entity_id)
                tx.run("mark_withdrawn", type=PREVIEW, hash=hash, **key)
                tx.run("mark_revisions_withdrawn", type=PREVIEW, hash=hash, **key)
            case SaveMaterial(hash, text):
                tx.run("put_material", hash=hash, text=text, now=now)
            case SaveVector():
                meanings.save(tx, change)
            case SavePageFile() | PutBack() | KeepPage():
                return page_files.apply(tx, change, job=job, now=now)
            case _:
                assert_never(change)
        return None

    def keep(self, tx: Transaction, effect: object, *, job: Row, now: float) -> None:
        """Store text that came too late, so that what was paid for is not thrown away (R5)."""
        match effect:
            case SaveRevision(revision, keep_on_conflict=True):
                _insert(tx, _of_job(revision, job), revision.hash, effective=False, now=now)
            case _:
                pass


def save(tx: Transaction, revision: Revision, *, now: float) -> None:
    """Store a revision as the current one of its entity."""
    hash = revision.hash  # made of the text each time that it is asked for
    _insert(tx, revision, hash, effective=True, now=now)
    tx.run(
        "put_entity",
        type=revision.type,
        content_hash=hash,
        base=revision.base,
        **key_of(revision.entity_id),
    )


def _unmet(tx: Transaction, type: str, entity_id: str, expects: Expectation) -> str | None:
    """Say in words how the entity differs from what was expected, if it does."""
    if expects is ANY:
        return None
    row = tx.one("get_entity_hash", type=type, **key_of(entity_id))
    found: str | None = None if row is None else row["content_hash"]
    if found == (None if expects is ABSENT else expects):
        return None
    noun = NOUNS.get(type, type)
    if found is None:
        return f"the {noun} of {entity_id} is gone by now"
    if expects is ABSENT:
        return f"{entity_id} has a {noun} by now, and had none before"
    return f"the {noun} of {entity_id} is another by now"


def _of_job(revision: Revision, job: Row | WrittenBy | None) -> Revision:
    if job is None or revision.author.kind in FROM_FILES:
        return revision
    return replace(revision, batch_id=job["batch_id"], job_id=job["job_id"])


def _discard(tx: Transaction, entity_id: str, author: Author, *, now: float) -> None:
    rows = tx.all("list_history", type=PREVIEW, **key_of(entity_id))
    # What the texts are does not matter, only whether there is one.
    stack = draft_stack([revision_of(row, row["content_hash"]) for row in rows])
    if not stack:
        return  # there is no draft
    discard = Revision(
        type=PREVIEW,
        entity_id=entity_id,
        template=stack[-1].template,
        fields={},
        markdown=None,
        author=author,
    )
    save(tx, discard, now=now)
    if len(stack) > 1:
        tx.run("bring_back", type=PREVIEW, revision=stack[-2].id, **key_of(entity_id))


def _insert(
    tx: Transaction, revision: Revision, hash: str | None, *, effective: bool, now: float
) -> None:
    source = revision.source
    tx.run(
        "insert_revision",
        type=revision.type,
        template=revision.template,
        fields=dumped(revision.fields),
        markdown=_own_text(tx, revision),
        content_hash=hash,
        base=revision.base,
        author_kind=revision.author.kind,
        author_name=revision.author.name,
        batch_id=revision.batch_id,
        job_id=revision.job_id,
        site_hash=revision.site_hash,
        inputs_hash=revision.inputs_hash,
        instructions=revision.instructions,
        material=revision.material,
        findings=dumped_findings(revision.findings),
        related=dumped(revision.related) if revision.related else None,
        input_tokens=revision.input_tokens,
        output_tokens=revision.output_tokens,
        cost_usd=revision.cost_usd,
        effective=int(effective),
        created_at=_written_at(tx, revision, now),
        source_page=None if source is None else source.page_hash,
        source_start=None if source is None else source.start,
        source_end=None if source is None else source.end,
        **key_of(revision.entity_id),
    )


def _own_text(tx: Transaction, revision: Revision) -> str | None:
    """Return the text that is stored with the revision: none if it stands in a page that is kept.

    One that does not stand there as it is, such as the keys of a `meta` section, is stored.
    """
    if revision.source is None or revision.markdown is None:
        return revision.markdown
    kept = page_files.kept_bytes(tx, revision.source.page_hash)
    return None if text_in(kept, revision.source) == revision.markdown else revision.markdown


def _written_at(tx: Transaction, revision: Revision, now: float) -> float:
    """Return when a text was written: now, or when its file was, in the order of its history."""
    if revision.author.kind not in FROM_FILES or not revision.created_at:
        return now
    newest = tx.one("get_newest_time", type=revision.type, **key_of(revision.entity_id))
    earliest = revision.created_at if newest is None else newest["created_at"]
    return min(max(revision.created_at, earliest), now)
