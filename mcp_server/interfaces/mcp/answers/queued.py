"""The answers of the tools that queue work. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_server.content.actions.calls import NextCall, Planned, Skipped, Submitted
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.batch import BatchView
from mcp_server.interfaces.mcp.answers.cost import estimated
from mcp_server.interfaces.mcp.answers.fit import REPLY_BYTES_MAX, ROWS, fitted
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import (
    NextCallRow,
    PlannedRow,
    QueueReply,
    QueueStatus,
    SkippedRow,
)
from mcp_server.jobs.job import Batch

HASH_LENGTH = 12
"""Digits of a content hash: enough to tell two apart. The digest covers whole hashes."""
NOTES_MAX = 4
NOTE_LENGTH = 200
"""How many notes and calls an answer has room for beside its rows, and their length."""
NOTE_LENGTH_MIN = 60
"""Their length if there is no room even for one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What a call has led to: the submission, whether it was a retry, and the batch after a wait.

    `outlives`: whether the worker goes on after this client's server has ended.
    """

    submitted: Submitted
    marks: Marks
    again: bool = False
    outlives: bool = True
    seen: BatchView | None = None

    def reply(self) -> QueueReply:
        """Return the answer, with as many rows as it has room for."""
        lists = (self._listed, self.submitted.skipped, self._files)
        rows = min(ROWS, max(1, *(len(rows) for rows in lists)))
        return fitted(self._with, rows, bytes_max=REPLY_BYTES_MAX)

    @property
    def _listed(self) -> tuple[Planned, ...]:
        return self.submitted.planned if self.submitted.dry_run else ()

    @property
    def _plans(self) -> bool:
        """Whether the call without `dryRun` would do something."""
        return bool(self._listed) or (self.submitted.dry_run and self.submitted.files > 0)

    @property
    def _files(self) -> Sequence[str]:
        return self.seen.files if self.seen is not None else ()

    @property
    def _paused_holder(self) -> str | None:
        """The paused batch that holds sections of this call, if there is one."""
        found = (each.batch_id for each in self.submitted.skipped if each.paused_reason)
        return next(found, None)

    @property
    def _queued_count(self) -> int:
        """How many sections this call itself has queued."""
        nothing = self.submitted.batch_id is None or self.submitted.duplicate
        return 0 if nothing else self.submitted.count

    def _with(self, rows: int) -> QueueReply:
        outcome, seen = self.submitted, self.seen
        length = NOTE_LENGTH if rows else NOTE_LENGTH_MIN
        model = self.marks.value(outcome.model, length) if outcome.model else None
        notes = [self.marks.note(note, length) for note in outcome.notes[:NOTES_MAX]]
        return QueueReply(
            status=self._status(),
            message=self._message(rows),
            batch_id=outcome.batch_id,
            tip=self._tip(),
            next=self._next(),
            total_sections=outcome.total_sections,
            queued_sections=self._queued_count,
            sections=[planned_row(p) for p in self._listed[:rows]] or None,
            skipped=[skipped_row(s) for s in outcome.skipped[:rows]] or None,
            skipped_count=len(outcome.skipped) or None,
            duplicate=outcome.duplicate or None,
            model=model,
            estimate=estimated(outcome.estimate),
            digest=outcome.digest,
            sections_with_findings=outcome.with_findings or None,
            notes=notes or None,
            marks=self.marks.meaning_if_in(model, *notes),
            calls=[_call(c, length) for c in outcome.next_calls[:NOTES_MAX]] or None,
            operation=seen.operation if seen is not None else None,
            files=list(self._files[:rows]) or None,
            file_count=len(self._files) or None,
        )

    def _status(self) -> QueueStatus:
        if self.submitted.batch_id is None:
            if self._paused_holder is not None:
                return "paused"
            if any(skipped.held for skipped in self.submitted.skipped):
                return "processing"  # by others; nothing of this call is left to do
            return "planned" if self._plans else "completed"
        if self.submitted.paused_reason is not None:
            return "paused"
        if self.seen is not None:
            return _STATES[self.seen.operation.status]
        ended_as = self.submitted.ended_as
        return "queued" if ended_as is None else _STATES[ended_as]

    def _tip(self) -> str | None:
        outcome = self.submitted
        if outcome.batch_id is not None:
            return sentences.BACKGROUND if self._runs() else None
        if not self._plans:
            said = sentences.no_sections(outcome)
            return None if said in self._message(0) else said
        if outcome.digest:
            return "The same call with this digest and without dryRun does exactly this."
        return "The same call without dryRun queues this."

    def _message(self, rows: int) -> str:
        over = self.seen is not None and not self._runs()
        message = sentences.submitted(
            self.submitted, again=self.again, over=over, outlives=self.outlives
        )
        if rows < len(self._listed):
            message = f"{message} The first {rows} are listed; all of them are meant."
        if self.seen is None or self.submitted.paused_reason is not None:
            return message
        return f"{message} {self.seen.sentence}"

    def _runs(self) -> bool:
        return self._status() in {"queued", "pending", "processing"}

    def _next(self) -> str | None:
        if self.submitted.batch_id is None:
            holder = self._paused_holder
            return None if holder is None else sentences.call("retry", {"batchId": holder})
        if self.seen is not None and not self._runs():
            return self.seen.next
        tool = "status" if self.submitted.paused_reason is None else "retry"
        return sentences.call(tool, {"batchId": self.submitted.batch_id})


def retried_reply(queued: Batch | None, seen: BatchView) -> QueueReply:
    """Return the answer to a retry of a plugin's batch; `queued` is `None` if nothing was left."""
    left = queued.total - queued.finished if queued is not None else 0
    return QueueReply(
        status=_STATES[seen.operation.status],
        message=sentences.retried_batch(queued),
        batch_id=seen.operation.batch_id,
        next=seen.next,
        total_sections=left,
        queued_sections=left,
        operation=seen.operation,
    )


def resumed_reply(waiting: Batch, seen: BatchView) -> QueueReply:
    """Return the answer to a retry of a batch that only waits because the worker was stopped."""
    return QueueReply(
        status=_STATES[seen.operation.status],
        message=f"{sentences.RESUMED} {seen.sentence}",
        batch_id=seen.operation.batch_id,
        next=seen.next,
        total_sections=waiting.total - waiting.finished,
        queued_sections=0,
        operation=seen.operation,
    )


def followed_reply(reply: QueueReply, seen: BatchView) -> QueueReply:
    """Return the answer to a call as of the end of its batch, which was followed until then."""
    return reply.model_copy(
        update={
            "status": _STATES[seen.operation.status],
            "message": seen.sentence,
            "tip": None,
            "next": seen.next,
            "operation": seen.operation,
            "files": list(seen.files[:ROWS]) or None,
            "file_count": len(seen.files) or None,
        }
    )


_STATES: dict[str, QueueStatus] = {
    "pending": "pending",
    "processing": "processing",
    "paused": "paused",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


def planned_row(planned: Planned) -> PlannedRow:
    """Return the row of a section that a dry run would change."""
    return PlannedRow(
        section=planned.section,
        change=planned.change,
        hash_from=_short_hash(planned.hash_from),
        hash_to=_short_hash(planned.hash_to),
        placeholder=planned.placeholder or None,
        conflict=sentences.short(planned.conflict),
    )


def skipped_row(skipped: Skipped) -> SkippedRow:
    """Return the row of a section that is left out."""
    return SkippedRow(
        section=skipped.section,
        reason=sentences.short(skipped.reason) or "",
        batch_id=skipped.batch_id,
    )


def _call(call: NextCall, length: int) -> NextCallRow:
    why = sentences.short(call.why, length) or ""
    return NextCallRow(tool=call.tool, arguments=call.arguments, why=why)


def _short_hash(hash: str | None) -> str | None:
    return hash[:HASH_LENGTH] if hash is not None else None
