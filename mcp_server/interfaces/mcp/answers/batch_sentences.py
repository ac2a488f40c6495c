"""The sentences on one batch: where it stands, what failed of it, and what helps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import commonpath

from mcp_server.content.actions.aftermath import TakenBack
from mcp_server.content.actions.retry import is_left_out
from mcp_server.content.text.visible import visible
from mcp_server.excerpt import as_name
from mcp_server.interfaces.mcp.answers.sentences import (
    NAMED_MAX,
    PAUSED_ADVICE,
    job_name,
    sections,
    short,
)
from mcp_server.jobs.job import Batch, BatchState, Job
from mcp_server.jobs.records import Cancelled, Recorded
from mcp_server.progress.verbs import KEPT, verb_of
from mcp_server.progress.words import full_stop, progress_line

REMOVED = " (removed)"
"""Behind a file that a batch has removed."""


def last_one(ended: Batch | Job, ago: str) -> str:
    """Return the sentence on the latest ended operation."""
    if isinstance(ended, Job):
        return f"The last one: {job_name(ended)}, {ended.state} {ago}."
    batch = ended
    return f"The last one: {verb_of(batch).name}, {batch.state} {ago} ({_tally(batch)})."


def batch_sentence(
    batch: Batch,
    failures: Sequence[Job | Recorded],
    files: Sequence[str],
    left: str | None,
    *,
    taken_back: TakenBack | None = None,
    now: float | None = None,
) -> str:
    """Return the sentence on one batch: its state, and what helps if something failed.

    `failures` are its failed jobs, including those that write files; `left` is the estimated time
    left; `taken_back` what a rollback has taken back, after which a retry is not offered.
    """
    if batch.state is BatchState.PAUSED:
        return (
            f"{verb_of(batch).name} is paused after {batch.finished} of {batch.total}: "
            f"{full_stop(short(batch.reason) or 'no reason was given')} "
            f"{PAUSED_ADVICE}"
        )
    if not batch.ended:
        rest = f", {left} left" if left else ""
        return f"{verb_of(batch).name}: {visible(progress_line(batch, now=now))}{rest}."
    parts = [_tally(batch), *_failed(failures, batch)]
    advice = _taken_back(taken_back) if taken_back else _advice(batch, failures)
    sentence = ". ".join([", ".join(parts) + advice, *_files(files)]) + "."
    return sentence[0].upper() + sentence[1:]


def goes_on(batch: Batch) -> bool:
    """Whether the batch goes on without anybody's doing: it has neither ended nor paused."""
    return not batch.ended and batch.state is not BatchState.PAUSED


def cancelled(found: Cancelled, *, alone: bool = False) -> str:
    """Return the sentence on what was stopped, what never started and what was already done.

    `alone`: a single job was cancelled, and its batch may go on without it.
    """
    if found.stopped + found.dropped == 0:
        return f"Nothing was left to cancel: {found.done} already done."
    if alone and found.batch is not None and goes_on(found.batch):
        what = "stopped while running" if found.stopped else "never started"
        return f"Cancelled: 1 {what}. Its batch goes on; once that is over, retry takes it up."
    kept = verb_of(found.batch).kept if found.batch is not None else KEPT
    return (
        f"Cancelled: {found.stopped} stopped while running, {found.dropped} never started, "
        f"{found.done} already done. {kept}"
    )


def _tally(batch: Batch) -> str:
    """Return the counts of a batch, such as `39 of 40 drafted, 1 skipped, 2 cancelled`."""
    if batch.total == 0:  # a round that only writes files: their jobs are not counted
        return "its files are written" if batch.state is BatchState.COMPLETED else "no file written"
    parts = [f"{batch.completed - batch.skipped} of {batch.total} {verb_of(batch).past}"]
    if batch.skipped:
        parts.append(f"{batch.skipped} skipped")
    if batch.cancelled:
        parts.append(f"{batch.cancelled} cancelled")
    return ", ".join(parts)


def _failed(failures: Sequence[Job | Recorded], batch: Batch) -> list[str]:
    counted = [job for job in failures if job.counted]
    files = [job for job in failures if not job.counted]
    parts: list[str] = []
    if batch.failed:
        named = f": {_named(counted)}" if counted else ""
        parts.append(f"{batch.failed} failed{named}")
    if files:
        parts.append(f"{len(files)} not written to a file: {_named(files)}")
    return parts


def _named(jobs: Sequence[Job | Recorded]) -> str:
    named = [f"{as_name(job.subject)} ({_why(job)})" for job in jobs[:NAMED_MAX]]
    more = len(jobs) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")


def _why(job: Job | Recorded) -> str:
    return (short(job.reason) or job.code or "no reason was given").rstrip(".")


def _taken_back(found: TakenBack) -> str:
    if not found.by.ended:
        return f"; {found.by.id} is taking it back"
    some = "" if found.is_whole else f"{found.sections} of its {sections(found.total)} "
    return f"; {some}taken back by {found.by.id}"


def _advice(batch: Batch, failures: Sequence[Job | Recorded]) -> str:
    """Return how many failures `retry` takes up; conflicts need a decision instead (R17)."""
    if batch.forgotten:
        return ""
    conflicts = sum(map(is_left_out, failures))
    rest = len(failures) - conflicts + batch.cancelled
    parts: list[str] = []
    if rest:
        parts.append(f"; retry takes up only {'that one' if rest == 1 else f'those {rest}'}")
    if conflicts:
        them = "that one" if conflicts == 1 else "those"
        parts.append(f"; a conflict is not retried: look at {them} with review and diff")
    return "".join(parts)


def _files(files: Sequence[str]) -> list[str]:
    if not files:
        return []
    named = ", ".join(map(_as_file, files[:NAMED_MAX]))
    folder = commonpath([file.rpartition("/")[0] for file in files])  # none outside the workspace
    written = (
        f"written to {as_name(f'{folder}/')}, not deployed" if folder else "written, not deployed"
    )
    more = f" and {len(files) - NAMED_MAX} more" if len(files) > NAMED_MAX else ""
    return [f"Files: {named}{more}; {written}"]


def _as_file(file: str) -> str:
    name = file.removesuffix(REMOVED)
    return as_name(name) + file[len(name) :]
