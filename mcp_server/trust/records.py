"""The records of workspaces' state folders, kept in the user's own state folder."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_server.errors import Unavailable
from mcp_server.folder import Folder

LOCK_WAIT_S = 10.0
"""How long another process may take to set one state folder aside."""
RECORD_BYTES_MAX = 64 * 1024
RECORDS_MAX = 1_000
"""That are looked through: more workspaces than anybody has."""

IS_MARK = re.compile(r"[0-9a-f]{32}")


class Record(BaseModel):
    """What is recorded under a state folder's mark: where the folder is, and what it may do."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer Pressroom may keep more

    path: str
    device: int
    inode: int
    trusted: tuple[str, ...] = ()
    """What its settings may do: `provider:anthropic`, `host:https://…`, `folder:/…`."""
    set_aside: tuple[str, ...] = ()
    """Names that folders which were not ours got when they were moved out of its place, newest
    last."""

    def is_of(self, path: Path, found: os.stat_result) -> bool:
        """Whether it is the record of the folder at `path`, whose `lstat` is `found`.

        The folder may have been moved (its inode is the same) or restored from a backup (its path
        is the same). A copy beside the original has neither, and is not ours.
        """
        return self.is_at(found) or self.path == written(path)

    def is_at(self, found: os.stat_result) -> bool:
        """Whether it is the record of exactly the folder whose `lstat` is `found`."""
        return (self.device, self.inode) == (found.st_dev, found.st_ino)


def written(path: Path) -> str:
    """Return a path as text that can be stored, whatever bytes its names are made of."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode()


class Records:
    """The records of one user, by mark."""

    def __init__(self, user_dir: Path) -> None:
        self._user_dir = user_dir
        self._folder = Folder(user_dir, "workspaces")

    def read(self, mark: str | None) -> Record | None:
        """Return the record under a mark, `None` where this user has none."""
        if mark is None:
            return None
        try:
            text = self._folder.read(f"{mark}.json", RECORD_BYTES_MAX)
            return Record.model_validate_json(text)
        except (OSError, ValidationError):
            return None

    def paths(self) -> Sequence[Path]:
        """Return where the state folders were that this user has records of."""
        files = islice(self._folder.path.glob("*.json"), RECORDS_MAX)
        records = (self.read(file.stem) for file in files)
        return [Path(record.path) for record in records if record is not None]

    def write(self, mark: str, record: Record) -> None:
        """Store a record, whole or not at all.

        Raises:
            Unavailable: the user's own folder cannot be written.
        """
        making = f"{mark}.{secrets.token_hex(4)}.tmp"  # several processes may write at once
        with self.explained(), self._folder.opened(create=True) as folder:
            folder.write_whole(making, record.model_dump_json(indent=2).encode())
            folder.replace(making, f"{mark}.json")
            folder.sync()

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep this user's other processes from setting anything aside meanwhile.

        Raises:
            Unavailable: the user's own folder cannot be written, or another process hangs.
        """
        with self.explained():
            self._user_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self._user_dir / "lock", mode=0o600, timeout=LOCK_WAIT_S)
            try:
                lock.acquire()
            except Timeout:
                raise Unavailable(
                    "Another process of yours is looking a state folder over and does not go on: "
                    "end it, then call again."
                ) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def explained(self) -> Generator[None]:
        """Say what helps where the user's own folder cannot be worked with."""
        try:
            yield
        except OSError as error:
            raise Unavailable(
                "The folder in which Pressroom keeps which workspaces are yours cannot be written "
                f"({error.strerror or error}): make the folder of your account's application state "
                "writable, or name a state folder outside the workspace in PRESSROOM_STATE_DIR."
            ) from error
