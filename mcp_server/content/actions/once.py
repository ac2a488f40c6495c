"""Notes that a server says once, such as what is odd in the site as it is written now."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_server.content.actions.calls import Note


class NotesOnce:
    """Hands a note out with every look until a call has answered with it: a call may yet fail."""

    def __init__(self) -> None:
        self._told: set[tuple[str, Note]] = set()
        self._handed_out: dict[Note, str] = {}

    def untold(self, notes: Iterable[Note], *, of: str) -> list[Note]:
        """Return the notes not told yet of `of`, which names a version of what they are about."""
        untold = [note for note in notes if (of, note) not in self._told]
        self._handed_out |= dict.fromkeys(untold, of)
        return untold

    def told(self, notes: Iterable[Note]) -> None:
        """Take the notes of an answer as told; those that were not handed out here are none."""
        self._told |= {(self._handed_out[note], note) for note in notes if note in self._handed_out}
