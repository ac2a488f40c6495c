"""The file that marks a worker as stopped by hand."""

from __future__ import annotations

from contextlib import suppress

from mcp_server.errors import Unavailable
from mcp_server.folder import Folder
from mcp_server.jobs.store import JobStore


class StopMark:
    """A file that says the worker was stopped by hand: none is started until something changes."""

    NAME = "stopped"
    BYTES_MAX = 100

    def __init__(self, state: Folder) -> None:
        self._state = state

    def set(self, change: int, *, until: float = 0.0) -> None:
        """Have no worker started while the newest change is at most `change`, or before `until`.

        `until` covers the changes that a worker still makes on its way out. It is a time, as the
        process that stops the worker may be killed before it can set the final mark.

        Raises:
            Unavailable: it cannot be written.
        """
        try:
            with self._state.opened() as folder:
                folder.write_whole(self.NAME, f"{change} {until}".encode("ascii"))
        except OSError as error:
            where = f"{self._state.path.name}/{self.NAME}"
            raise Unavailable(
                f"The worker cannot be kept from starting again: {where} cannot be written "
                f"({error.strerror or error}). Make the folder writable, and room on its disk."
            ) from error

    @property
    def is_set(self) -> bool:
        """Whether somebody stopped the worker, and none has been started since."""
        return self._read() is not None

    async def holds(self, store: JobStore, *, now: float) -> bool:
        """Whether no worker is to be started."""
        if (read := self._read()) is None:
            return False
        change, until = read
        return now < until or await store.last_change() <= change

    def clear(self) -> None:
        """Let workers be started again."""
        with suppress(FileNotFoundError), self._state.opened() as folder:
            folder.remove(self.NAME)

    def _read(self) -> tuple[int, float] | None:
        try:
            change, until = self._state.read(self.NAME, self.BYTES_MAX).decode("ascii").split()
            return int(change), float(until)
        except (OSError, ValueError):
            return None
