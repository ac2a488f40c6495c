"""What stands in the state folder while a move is at its last steps: it must be brought to its end.

Between them no place is the right one for everybody. So nobody opens the workspace then.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_server.config import database_of
from mcp_server.errors import Unavailable
from mcp_server.folder import Folder

BYTES_MAX = 10_000
COMING = "moving.new"


class Journal(BaseModel):
    """Where the workspace is being moved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    NAME: ClassVar = "moving"

    to: Literal["postgres", "file"]
    address: str
    """Of the shared database, without a password."""
    workspace_id: str

    @property
    def message(self) -> str:
        """What stands, and what brings it to its end."""
        again = "`pressroom database move sqlite`"
        if self.to == "postgres":  # whoever shows this would hide the user's name in an address
            where = f"{database_of(self.address)}, --workspace-id {self.workspace_id}"
            again = f"`pressroom database move` with the same address ({where})"
        return (
            "The workspace's move to another database was interrupted at its last steps. All is "
            f"copied, and nothing is lost: run {again} again, which ends it."
        )


def read_journal(state: Folder) -> Journal | None:
    """Return what stands there, `None` where nothing does.

    Raises:
        Unavailable: it cannot be read.
    """
    try:
        return Journal.model_validate_json(state.read(Journal.NAME, BYTES_MAX))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        where = f"{state.path.name}/{Journal.NAME}"
        raise Unavailable(f"What stands of a move cannot be read: see to {where}.") from error


def check_not_moving(state: Folder) -> None:
    """Return if nothing stands there.

    Raises:
        Unavailable: something does; says how to bring it to its end.
    """
    if (found := read_journal(state)) is not None:
        raise Unavailable(found.message)


def write_journal(state: Folder, journal: Journal) -> None:
    """Have everybody else keep away, also after a power cut."""
    with state.opened() as folder:
        folder.write_whole(COMING, journal.model_dump_json().encode())
        folder.replace(COMING, Journal.NAME)
        folder.sync()


def remove_journal(state: Folder) -> None:
    """Let everybody in."""
    with state.opened() as folder:
        folder.remove(Journal.NAME)
        folder.sync()


def rename_in(state: Folder, name: str, new_name: str) -> None:
    """Rename a file in the state folder, also for after a power cut; nothing has the new name."""
    with state.opened() as folder:
        assert folder.stat(new_name) is None, f"{new_name} is there"
        folder.replace(name, new_name)
        folder.sync()


def free_name(state: Folder, wanted: str) -> str:
    """Return a name that no file has: the wanted one, or with a number."""
    taken = set(os.listdir(state.path))  # noqa: PTH208 - names alone
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbered) if name not in taken)


def remove_beside(file: Path) -> None:
    """Remove what SQLite has left beside a file that is not there any more."""
    for end in ("-wal", "-shm"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)
