"""The board of `status --follow` on a terminal: a bar for each batch, a line for each job.

It imports rich, so it is only imported when such a board is shown.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

from mcp_server.interfaces.cli.lines import doing, event_line, stands_still, time_left
from mcp_server.progress.event import ProgressEvent

SHOWN_MAX = 20
"""Operations shown moving at a time; of any beyond these only the end is shown."""
WIDE = 100
"""From this many columns on there is room for a long bar."""
BAR_WIDTHS = (12, 24)
"""Columns of a short bar and of a long one; a short one leaves room for the rest of 80 columns."""
MARKS = {"completed": "✓", "failed": "✗", "cancelled": "–", "paused": "…"}


class Bars:
    """Shows operations moving while they run; the end of each is printed above them, to stay."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._batches = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR_WIDTHS[console.width >= WIDE], table_column=Column(no_wrap=True)),
            MofNCompleteColumn(),
            _GivingWay("{task.fields[doing]}", markup=False, table_column=Column()),
            TextColumn("{task.fields[left]}", markup=False, style="dim"),
            console=console,
        )
        self._jobs = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            _GivingWay("{task.fields[step]}", markup=False, table_column=Column()),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._still: dict[str, str] = {}
        """By paused operation, the line that was printed for it: it is not printed twice."""

    @contextmanager
    def shown(self) -> Generator[Bars]:
        """Show the operations until the context ends."""
        # `transient`: the bars vanish at the end. What was printed above them stays.
        with Live(Group(self._batches, self._jobs), console=self._console, transient=True):
            yield self

    def show(self, event: ProgressEvent) -> None:
        if stands_still(event):
            self._remove(event)
            self._say_once(event, f"{MARKS[event.status.value]} {event_line(event)}")
        elif event.id in self._tasks or len(self._tasks) < SHOWN_MAX:
            self._move(event)

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def halt(self, line: str) -> None:
        for task in self._batches.task_ids:
            self._batches.update(task, left="")
        self.say(line)

    def _say_once(self, event: ProgressEvent, line: str) -> None:
        if self._still.pop(event.id, None) != line:
            self.say(line)
        if not event.ended:
            self._still[event.id] = line

    def _move(self, event: ProgressEvent) -> None:
        self._still.pop(event.id, None)
        progress = self._of(event)
        if event.id not in self._tasks:
            self._tasks[event.id] = progress.add_task(event.name, doing="", left="", step="")
        task = self._tasks[event.id]
        if event.progress is not None:
            progress.update(task, completed=event.progress.current, total=event.progress.total)
        if event.batch is not None:
            progress.update(task, doing=doing(event), left=time_left(event) or "")
        else:
            progress.update(task, step=_step(event))

    def _remove(self, event: ProgressEvent) -> None:
        task = self._tasks.pop(event.id, None)
        if task is not None:
            self._of(event).remove_task(task)

    def _of(self, event: ProgressEvent) -> Progress:
        return self._batches if event.type == "batch" else self._jobs


def terminal() -> Console | None:
    """Return stdout's console if something can move on it, else `None`."""
    console = Console(highlight=False, emoji=False)
    return console if console.is_interactive else None


class _GivingWay(TextColumn):
    """A column that is cut off if the terminal is too narrow for the line."""

    def render(self, task: Task) -> Text:
        text = super().render(task)
        text.no_wrap, text.overflow = True, "ellipsis"
        return text


def _step(event: ProgressEvent) -> str:
    percentage = f"{event.progress.percentage} %" if event.progress is not None else ""
    return " · ".join(part for part in (percentage, event.message or event.status.value) if part)
