"""The drafts of a section as a stack: a new one goes on top, a discard takes the top one off. Pure.

Nothing is deleted: a discard is a revision too, one without a text, by whoever asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.entities.entity import Entity, Revision


def draft_stack(history: Sequence[Revision]) -> tuple[Revision, ...]:
    """Return the drafts that discards would bring back one after the other, the present one last.

    `history` are all drafts of one section that were ever current, and the discards, oldest first.
    """
    stack: list[Revision] = []
    for revision in history:
        if not revision.is_removal:
            stack.append(revision)
        elif stack:
            stack.pop()
    return tuple(stack)


def is_superseded(draft: Entity | None, live: Entity | None) -> bool:
    """Whether the draft was live, and somebody has gone on from it in the page's file (P4)."""
    if draft is None or live is None:
        return False
    return draft.withdrawn and live.current.author.kind == "file"
