"""Progress in the words of the people who watch it. Pure."""

from __future__ import annotations

from mcp_server.excerpt import as_name, on_one_line
from mcp_server.jobs.job import Batch, BatchState
from mcp_server.progress.verbs import doing

JUST_NOW_S = 5
"""Below this "2 seconds ago" would be wrong by the time it is read."""
ABOUT_A_MINUTE_S = 55
"""From here on a length of time reads as a minute."""
REASON_LENGTH = 160
"""Characters of why a batch waits: a plugin may give a long reason."""


def progress_line(batch: Batch, *, now: float | None = None) -> str:
    """Return where the batch stands, in a line such as `7/21 · drafting menu/hero`.

    With `now`, it says of a batch that waits when it goes on.
    """
    if batch.state is BatchState.PENDING and batch.finished == 0 and not batch.running:
        return f"0/{batch.total} queued" if batch.total else "queued"
    counts = f"{batch.finished}/{batch.total} · " if batch.total else ""  # it only writes files
    return counts + _doing(batch, now)


def current_task(batch: Batch) -> str | None:
    """Return what is being worked on, such as `drafting menu/hero`; `None` if nothing is.

    Of several jobs it is the one that started last, and a job that the batch counts goes before
    one that follows from another (an export).
    """
    if not batch.running:
        return None
    job = max(batch.running, key=lambda job: (job.counted, job.started_at or 0.0, job.id))
    return f"{doing(batch, job)} {as_name(job.subject)}".rstrip()


def waits_for(batch: Batch, *, now: float | None = None) -> str | None:
    """Return why nothing of a batch is worked on; `None` if something is, or nothing says why.

    Such as `waiting: m could not answer now, again in about 40 seconds`.
    """
    if batch.waiting is None or batch.waiting.reason is None:
        return None
    why = on_one_line(batch.waiting.reason, REASON_LENGTH).rstrip(".")
    again = "" if now is None else f", again in {duration(batch.waiting.due_at - now)}"
    return f"waiting: {why}{again}"


def relative_time(seconds: float) -> str:
    """Return how long ago something was, such as `30 seconds ago`."""
    if seconds < JUST_NOW_S:
        return "just now"
    return f"{_amount(seconds)} ago"


def duration(seconds: float) -> str:
    """Return a rough length of time, such as `about 2 minutes`."""
    if seconds < JUST_NOW_S:
        return "a few seconds"
    if seconds < ABOUT_A_MINUTE_S:
        return f"about {5 * round(seconds / 5)} seconds"
    return f"about {_amount(max(60.0, seconds), nearest=True)}"


def full_stop(text: str) -> str:
    """Return `text` as a sentence that ends, and only once."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _doing(batch: Batch, now: float | None) -> str:
    match batch.state:
        case BatchState.COMPLETED:
            return "done"
        case BatchState.FAILED:
            return f"done, {batch.failed} failed" if batch.failed else "failed"
        case BatchState.CANCELLED:
            return "cancelled"
        case BatchState.PAUSED:
            return f"paused: {batch.reason}" if batch.reason else "paused"
        case BatchState.PENDING | BatchState.PROCESSING:
            doing_now = current_task(batch) or waits_for(batch, now=now) or "waiting"
            return doing_now + _so_far(batch)


def _so_far(batch: Batch) -> str:
    return f", {batch.failed} failed so far" if batch.failed else ""


def _amount(seconds: float, *, nearest: bool = False) -> str:
    """The largest unit that fits: whole ones that have passed, or the nearest number of them."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length) if nearest else int(seconds // length)
            return f"{count} {unit}" + ("s" if count > 1 else "")
    count = int(seconds)
    return f"{count} second" + ("s" if count != 1 else "")
