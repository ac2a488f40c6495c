"""The terminal that the demo prints to: lines, and a bar below them while something runs.

Only the demo imports this module, because it imports rich.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

Move = Callable[[float, float | None, str | None], None]
"""Moves a bar to (done, total, message): what a progress notification carries."""

BAR_WIDTH = 30
"""Columns of the bar; `21/21 · rolling back menu/hero` fits beside it into 80."""


class Screen:
    """Standard output: coloured and with a moving bar on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        stdout: TextIO = sys.stdout
        if isinstance(stdout, TextIOWrapper):
            # A site may hold letters that the terminal's encoding lacks: print a `?` for them.
            stdout.reconfigure(errors="replace")
        self._console = _Console(highlight=False, emoji=False)

    def title(self, text: str) -> None:
        """Begin a step."""
        self._print(f"\n{text}", style="bold")

    def say(self, text: str) -> None:
        """Print lines below the step's title."""
        for line in text.splitlines() or [""]:
            self._print(f"   {line}".rstrip())

    def whole(self, text: str) -> None:
        """Print text that is to be copied, unchanged: neither indented nor wrapped."""
        self._print(text)

    def diff(self, text: str) -> None:
        """Print a difference word by word: what goes in red, what comes in green."""
        shown = Text(text)
        shown.highlight_regex(r"(?s)\[-.*?-\]", "red")
        shown.highlight_regex(r"(?s)\{\+.*?\+\}", "green")
        for line in shown.split("\n"):
            self._console.print(Text("   ") + line, soft_wrap=True)

    def patch(self, text: str) -> None:
        """Print what `git diff` says, in the same colours."""
        shown = Text(text)
        shown.highlight_regex(r"(?m)^-.*$", "red")
        shown.highlight_regex(r"(?m)^\+.*$", "green")
        for line in shown.split("\n"):
            self._console.print(Text("   ") + line, soft_wrap=True)

    @contextmanager
    def bar(self) -> Generator[Move]:
        """Show a bar until the context ends; what is printed meanwhile goes above it."""
        if not self._console.is_interactive:
            yield self._lines()
            return
        columns = (
            TextColumn("  "),
            BarColumn(BAR_WIDTH),
            TextColumn("{task.description}", markup=False),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task("")

            def move(done: float, total: float | None, message: str | None) -> None:
                progress.update(task, completed=done, total=total, description=message or "")

            yield move

    def _lines(self) -> Move:
        """Return a substitute for the bar where nothing can move: a line for each new message."""
        shown = ""

        def move(done: float, total: float | None, message: str | None) -> None:
            nonlocal shown
            line = message or (f"{done:g}/{total:g}" if total else f"{done:g}")
            if line != shown:
                shown = line
                self.say(line)

        return move

    def _print(self, text: str, *, style: str | None = None) -> None:
        self._console.print(text, style=style, markup=False, soft_wrap=True)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # The reader has seen enough (`| head`). Go on in silence, as a batch is under way; rich
        # would end the process.
        with suppress(SystemExit):
            super().on_broken_pipe()
