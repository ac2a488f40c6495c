"""Payloads of the content jobs: ids, hashes, instructions; never whole texts or the site.

There are thousands of payloads, and they are stored and shown. So a handler reads texts itself.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from mcp_server.content.drafting.prompt import Mode
from mcp_server.entities.entity import split_id
from mcp_server.entities.meaning import EMBEDDING
from mcp_server.jobs.job import Dedup, NewJob, Priority
from mcp_server.jobs.outcome import Enqueue
from mcp_server.jobs.records import unrun
from mcp_server.progress.verbs import VERBS

EXPORT = "content-export"
LOOK = "content-look"
OF_FILES = frozenset({EXPORT, LOOK})
"""Kinds of jobs that are run where the pages' files are; all others, anywhere."""
JOB_KINDS = (*(verb.job_kind for verb in VERBS.values()), EXPORT, LOOK, EMBEDDING)
"""What our tools queue, and what that queues in turn: nothing starts unless each has a handler."""


def unrun_kind(kind: str) -> str:
    """Return what to say of due jobs of a kind that no worker runs."""
    if kind in OF_FILES:
        return "The pages' files are due, and no worker runs where they are: start one there."
    return unrun(kind)


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ContentGenerate(_Payload):
    """A section to draft, and the hash of the draft that the plan saw (`None`: there was none)."""

    section: str
    mode: Mode
    instructions: str = ""
    material: str | None = None
    """Hash of the text that was pasted as a source."""
    draft: str | None = None


class ContentPromote(_Payload):
    """One draft to be made live, with what the plan saw."""

    section: str
    draft: str
    base: str | None = None
    live: str | None = None
    expect: Literal["base", "live", "any"] = "base"
    """What must be live, or the job fails with a conflict: the text that the draft was made
    against. With `force` anything; `live` (the text that the plan saw) with `force` and a digest,
    and where a draft that was unpublished comes back."""
    blocked: str | None = None
    """Why it cannot be done, if the plan knows already: the job fails with it as a conflict."""


class ContentRollback(_Payload):
    """One live text to be replaced by an earlier revision, or removed (`restore` is `None`)."""

    section: str
    live: str | None = None
    restore: int | None = None
    expect: Literal["live", "any"] = "live"
    blocked: str | None = None


class ContentUnpublish(_Payload):
    """One live text to be taken off production, with the hash that the plan saw."""

    section: str
    live: str
    expect: Literal["live", "any"] = "live"
    blocked: str | None = None


class ContentExport(_Payload):
    """A page whose file is to be written from its live texts."""

    page: str


class ContentLook(_Payload):
    """Pages whose files are to be looked at for the first time."""

    pages: tuple[str, ...]


def export_of(section: str) -> Enqueue:
    """Return the effect that queues writing a page's file, as after every change to a live text.

    At most one export of a page runs, and one waits (R20). The batch waits for the export, but does
    not count it (R21).
    """
    page, _ = split_id(section)
    return Enqueue(
        NewJob(
            kind=EXPORT,
            payload=ContentExport(page=page).model_dump(),
            subject=page,
            priority=Priority.HIGH,
            dedup=Dedup.COALESCE,
            dedup_key=f"export:{page}",
            counted=False,
        )
    )
