"""One section of a rollback: what goes, what comes, and the job that does it. Pure."""

from __future__ import annotations

from mcp_server.content.actions.calls import Planned
from mcp_server.content.actions.payloads import ContentRollback
from mcp_server.content.actions.plan import new_job
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.text.tree import same_text
from mcp_server.entities.entity import Revision
from mcp_server.jobs.job import NewJob, Priority
from mcp_server.progress.verbs import ROLLBACK


def restoration(
    id: str,
    before: Revision | None,
    content: SiteContent,
    conflict: str | None,
    *,
    force: bool,
    exact: bool,
) -> tuple[Planned, NewJob]:
    """Return the step that makes `before` live again, or removes what is live (`None`).

    With `exact`, even `force` replaces only the text that the dry run showed.
    """
    live, draft = content.live.get(id), content.drafts.get(id)
    blocked = None if force else conflict
    hashes = {live.hash if live else None, before.hash if before else None}
    planned = Planned(
        section=id,
        change="restore" if before else "remove",
        hash_from=live.hash if live else None,
        hash_to=before.hash if before else None,
        placeholder=before.is_placeholder if before else False,
        conflict=blocked,
        live_since=live.current.created_at if live else None,
        comes_from=before.created_at if before else None,
        newer_draft=draft is not None and draft.hash not in hashes and not draft.withdrawn,
    )
    payload = ContentRollback(
        section=id,
        live=live.hash if live else None,
        restore=before.id if before else None,
        expect="any" if force and not exact else "live",
        blocked=blocked,
    )
    return planned, new_job(ROLLBACK.job_kind, payload, id, claim="change", priority=Priority.HIGH)


def same(one: Revision | None, other: Revision | None) -> bool:
    """Whether two texts, or none, are the same apart from their form (P10)."""
    if one is None or other is None:
        return one is other
    return one.hash == other.hash or same_text(one.markdown or "", other.markdown or "")


def text_of(revision: Revision) -> Revision | None:
    """Return the revision, `None` if it says that there was no text."""
    return None if revision.is_removal else revision
