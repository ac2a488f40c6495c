"""What a call is about to do: its jobs, each beside what is said of it. Pure.

A plan lists the sections that a call works from, with the hashes it saw (R1). The jobs carry those,
and check them in the transaction that writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from mcp_server.content.actions.calls import Planned, Skipped
from mcp_server.content.pages.page_files import KeptEdits
from mcp_server.entities.effects import RecordExport, SaveRevision, expect_hash
from mcp_server.entities.entity import split_id
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes
from mcp_server.jobs.job import Dedup, NewJob, Priority
from mcp_server.progress.verbs import Verb

STATIC = "has a static text in site.yaml"
"""Why a section is neither drafted nor promoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Jobs to queue, each beside what is said of it, and what was left out."""

    steps: tuple[tuple[Planned, NewJob], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    files: Mapping[str, NewJob] = field(default_factory=dict[str, NewJob])
    """By the file as people are told of it, the job that writes it though no text changes."""

    @property
    def planned(self) -> tuple[Planned, ...]:
        """What is said of the jobs."""
        return tuple(planned for planned, _ in self.steps)

    @property
    def jobs(self) -> tuple[NewJob, ...]:
        """The jobs."""
        return (*(job for _, job in self.steps), *self.files.values())


def kept_effects(kept: KeptEdits, plan: Plan) -> tuple[object, ...]:
    """Return the changes that store kept edits of the pages that `plan` touches (R23)."""
    pages = {split_id(planned.section)[0] for planned in plan.planned}
    live = kept.live or {}
    saved = [
        SaveRevision(revision, expect_hash(live.get(revision.entity_id)))
        for revision in kept.revisions
        if split_id(revision.entity_id)[0] in pages
    ]
    recorded = [RecordExport(p, h) for p, h in (kept.files or {}).items() if p in pages]
    return (*saved, *recorded)


def digest_of(verb: Verb, planned: Sequence[Planned]) -> str | None:
    """Return 16 hex digits that stand for what a promote or rollback changes, as its dry run shows.

    `None` where nothing is changed, and for verbs that change no live text.
    """
    if not planned or not verb.writes_files:
        return None
    rows = sorted([p.section, p.hash_from or "", p.hash_to or ""] for p in planned)
    text = json.dumps([verb.noun, rows])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def check_digest(digest: str | None, verb: Verb, plan: Plan) -> None:
    """Refuse a call whose plan is no longer what its dry run showed.

    Raises:
        InvalidPayload: the digests differ.
    """
    if digest is not None and digest != digest_of(verb, plan.planned):
        raise InvalidPayload(
            "digest",
            [
                (
                    f"what would be changed is no longer what {in_quotes(digest)} stood for; "
                    "nothing was changed: look at a new dry run and pass its digest"
                )
            ],
        )


def new_job(
    kind: str,
    payload: BaseModel,
    section: str,
    *,
    claim: str,
    priority: int = Priority.NORMAL,
    requires: str | None = None,
    retries: int = 3,
) -> NewJob:
    """Return the job for one section; `claim` is what keeps two jobs of a kind off the section."""
    return NewJob(
        kind=kind,
        payload=payload.model_dump(mode="json", exclude_none=True),
        subject=section,
        priority=priority,
        max_retries=retries,
        dedup=Dedup.SKIP,
        dedup_key=f"{claim}:{section}",
        requires=requires,
    )
