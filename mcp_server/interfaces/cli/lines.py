"""Progress as lines of text: what `status --follow` prints where nothing can move."""

from __future__ import annotations

from collections.abc import Callable

from mcp_server.interfaces.cli.spelling import command
from mcp_server.jobs.job import BatchState, JobState
from mcp_server.progress.event import ProgressEvent
from mcp_server.progress.words import full_stop

NAMED_MAX = 3
"""How many of the jobs that run side by side are named."""


class Lines:
    """A board for where nothing can move: a line for each event that says something new."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown: dict[str, str] = {}

    def show(self, event: ProgressEvent) -> None:
        line = event_line(event)
        if self._shown.get(event.id) != line:
            self._write(line)
        self._shown[event.id] = line
        if event.ended:
            del self._shown[event.id]

    def say(self, line: str) -> None:
        self._write(line)

    def halt(self, line: str) -> None:
        self._write(line)


class Unseen:
    """A board for whoever only wants the end."""

    def show(self, event: ProgressEvent) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""

    def halt(self, line: str) -> None:
        """Say nothing."""


def stands_still(event: ProgressEvent) -> bool:
    """Whether nothing more happens by itself: it is over, or waits for a person."""
    return event.ended or event.status in (BatchState.PAUSED, JobState.PAUSED)


def outcome_line(name: str, id: str, status: str, said: str | None, *, is_batch: bool) -> str:
    """Return how an operation ended; for a paused batch, also which commands go on from there."""
    line = full_stop(f"{name} {id} is {status}" + (f": {said}" if said else ""))
    if not is_batch or status != BatchState.PAUSED:
        return line
    return f"{line} `{command('retry', {'batchId': id})}` goes on with it, cancel gives it up."


def event_line(event: ProgressEvent) -> str:
    """Return where an operation stands: `Content generation b_01…: 7/21 · drafting menu/hero`."""
    parts = [event.message or event.status.value]
    if event.job is not None:
        parts = [event.status.value, *([event.message] if event.message else [])]
        if event.progress is not None and not event.ended:
            parts.insert(1, f"{event.progress.percentage} %")
    elif left := time_left(event):
        parts.append(left)
    return f"{event.name} {event.id}: {' · '.join(parts)}"


def time_left(event: ProgressEvent) -> str | None:
    """Return how long a batch may still take, such as `about 2 minutes left`."""
    if event.batch is None or event.batch.estimate is None:
        return None
    return f"{event.batch.estimate} left"


def doing(event: ProgressEvent) -> str:
    """Return what is being worked on in a batch: `drafting menu/hero, menu/drinks, 3 more`."""
    if event.batch is None or event.batch.current is None:
        return event.status.value
    # `current` is the verb and one of the running subjects, which must not be named twice.
    others = [each for each in event.batch.running if not event.batch.current.endswith(each)]
    named = [event.batch.current, *others[: NAMED_MAX - 1]]
    more = len(others) - (NAMED_MAX - 1)
    return ", ".join([*named, *([f"{more} more"] if more > 0 else [])])
