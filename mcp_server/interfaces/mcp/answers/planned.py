"""The answer of `review` about what a call would do. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mcp_server.content.actions.calls import Planned, Submitted
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.fit import DETAIL_BYTES_MAX, REPLY_BYTES_MAX, ROWS, fitted
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.queued import (
    NOTE_LENGTH,
    NOTES_MAX,
    planned_row,
    skipped_row,
)
from mcp_server.interfaces.mcp.answers.replies import ReviewReply


def plan_reply(
    dry_run: Submitted, marks: Marks, *, call: Mapping[str, object], start: int, limit: int
) -> ReviewReply:
    """Return what a dry run says, with its rows from position `start`: planned, then skipped ones.

    `call` has the arguments of the call that would do it.
    """
    everything = (*dry_run.planned, *dry_run.skipped)
    rows = everything[start : start + limit]
    notes = [marks.note(note, NOTE_LENGTH) for note in dry_run.notes[:NOTES_MAX]]
    counts = Counter(each.change for each in dry_run.planned)
    if dry_run.skipped:
        counts["skipped"] = len(dry_run.skipped)
    digest = {"digest": dry_run.digest} if dry_run.digest else {}
    next_call = sentences.call(dry_run.verb.kind, {**call, **digest})

    def build(count: int) -> ReviewReply:
        shown, beyond = rows[:count], start + count
        return ReviewReply(
            message=sentences.submitted(dry_run),
            counts=dict(counts),
            marks=marks.meaning_if_in(*notes),
            sections=[],
            planned=[planned_row(row) for row in shown if isinstance(row, Planned)] or None,
            skipped=[skipped_row(row) for row in shown if not isinstance(row, Planned)] or None,
            digest=dry_run.digest,
            notes=notes or None,
            next=next_call if dry_run.planned or dry_run.files else None,
            next_cursor=beyond if beyond < len(everything) else None,
        )

    most = REPLY_BYTES_MAX if limit <= ROWS else DETAIL_BYTES_MAX
    return fitted(build, len(rows), bytes_max=most, least=min(len(rows), 1))
