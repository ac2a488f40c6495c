"""Locked sections, such as legal texts: no tool changes them, only a person in the file. Pure.

A lock holds from the moment that it is written: a job that runs looks at the site as it is then,
whatever its round was promised.
"""

from __future__ import annotations

from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.entities.entity import split_id
from mcp_server.errors import InvalidTransition

SITE_FILE = "pressroom/site.yaml"


def why_untouchable(content: SiteContent, id: str) -> str | None:
    """Return why the live text of a section is not changed: it is locked, or its file blocked."""
    return why_locked(content, id) or content.why_blocked(id)


def why_locked(content: SiteContent, id: str) -> str | None:
    """Return why nothing is done to a section; `None` if it is not locked."""
    if not content.site.is_locked(id):
        return None
    return locked_in(_place(content, id))


def locked_in(place: str) -> str:
    """Return the reason for which a locked section is left out."""
    return f"is locked in {place}; only a person lifts that, in the file"


def refuse_locked(selection: Selection, content: SiteContent, action: str) -> None:
    """Refuse a call that names locked sections only; among others they are skipped.

    Raises:
        InvalidTransition: all that was named is locked; names the file, and the line.
    """
    ids = selection.ids
    if selection.named and ids and all(content.site.is_locked(id) for id in ids):
        raise locked_error(ids[0], content, action)


def locked_error(id: str, content: SiteContent, action: str) -> InvalidTransition:
    """Return the error on a locked section."""
    return InvalidTransition(
        id,
        state=f"locked in {_place(content, id)}",
        action=action,
        advice="Only a person lifts that, in the file.",
    )


def _place(content: SiteContent, id: str) -> str:
    page, _ = split_id(id)
    return content.locks.get(id) or content.locks.get(page) or SITE_FILE
