"""The state folder of a workspace: made here for this user, or set aside.

A folder that came with a workspace holds what its author wants done: jobs, texts, a database with
triggers. So each state folder that we make carries a random mark, and the user's own state folder
holds a record under that mark. A folder without a record is renamed, never deleted, and replaced by
a new one; `pressroom trust` takes it back. A folder outside the workspace was named by the user,
and needs no record.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from mcp_server.config import STATE_DIR, Workspace, user_state_dir
from mcp_server.errors import Unavailable
from mcp_server.trust.records import IS_MARK, Record, Records, written

MARK = "mark"
"""The file that holds the mark."""
SET_ASIDE = f"{STATE_DIR}-set-aside"
"""The beginning of the name of each folder that was set aside; a number follows."""
MARK_BYTES_MAX = 64

logger = structlog.get_logger(__name__)


def new_mark() -> str:
    """Return a mark that nobody can guess: 32 hex digits."""
    return secrets.token_hex(16)


def known_workspaces(user_dir: Path | None = None) -> Collection[Path]:
    """Return the folders of the workspaces in which this user has worked, as far as is known.

    Some may be gone by now. One whose state lies outside of it is not known.
    """
    return {path.parent for path in Records(user_dir or user_state_dir()).paths()}


class StateFolder:
    """The state folder of one workspace. Nothing is cached: it may be replaced at any time."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        user_dir: Path | None = None,
        new_mark: Callable[[], str] = new_mark,
    ) -> None:
        self._workspace, self._new_mark = workspace, new_mark
        self._records = Records(user_dir or user_state_dir())
        self.path = workspace.state_dir

    def prepare(self) -> None:
        """Make sure that the folder is there and ours; one that is not ours is set aside.

        Raises:
            Unavailable: it, or the user's own folder, cannot be written.
        """
        with self._explained():
            if not self._workspace.keeps_state_inside:
                self._prepare_outside()
            elif not self._is_ours():
                with self._records.locked():
                    if not self._is_ours():  # another process may have been faster
                        self._replace()

    @property
    def mark(self) -> str | None:
        """The mark that the folder carries."""
        return self._mark_in(self.path)

    def demanded_mark(self) -> str | None:
        """Return the mark that the database in the folder must carry, `None` if it need not.

        Raises:
            Unavailable: the folder is not ours by now: somebody has replaced it, or its mark.
        """
        if not self._workspace.keeps_state_inside:
            return None
        if (mark := self.mark) is None or self.record is None:
            raise Unavailable(
                f"{self.path.name} was replaced while it was in use; nothing in it is used. End "
                "every server of this workspace and start again: what is not ours is set aside."
            )
        return mark

    @property
    def record(self) -> Record | None:
        """This user's record of the folder, `None` where the folder is not theirs."""
        record = self._records.read(self.mark)
        found = _looked_at(self.path)
        return record if record and found and record.is_of(self._real, found) else None

    @property
    def set_aside(self) -> str | None:
        """The name of the newest folder that was set aside and is still there, if any."""
        names = self.record.set_aside if self.record else ()
        there = (name for name in reversed(names) if _looked_at(self.path.with_name(name)))
        return next(there, None)

    def trust(self, grants: Collection[str]) -> None:
        """Record that the user permits this workspace these things.

        Raises:
            Unavailable: it cannot be recorded.
        """
        self.prepare()
        mark = self.mark
        assert mark is not None, "it was prepared"
        with self._records.locked():
            record = self.record or self._described(self.path)
            trusted = tuple(sorted({*record.trusted, *grants}))
            self._records.write(mark, record.model_copy(update={"trusted": trusted}))

    def leave_aside(self) -> None:
        """Forget what was set aside, so that no notice speaks of it; it stays where it is."""
        with self._records.locked():
            if (mark := self.mark) and (record := self.record):
                self._records.write(mark, record.model_copy(update={"set_aside": ()}))

    def take_back(self, name: str) -> str:
        """Put a folder that was set aside in place of the present one, which is set aside instead.

        What the user permits this workspace stays permitted. Returns the name that the present one
        has from then on.

        Raises:
            Unavailable: it is no folder, or something cannot be renamed or written.
        """
        aside = self.path.with_name(name)
        found = _looked_at(aside)
        if found is None or not stat.S_ISDIR(found.st_mode):
            raise Unavailable(f"{name} is no folder: there is nothing to take back.")
        with self._explained(), self._records.locked():
            own, before = self.mark, self.record
            present = self._set_aside()
            try:
                aside.rename(self.path)
            except OSError:
                if present is not None:
                    self.path.with_name(present).rename(self.path)
                raise
            mark, record = self.mark, self._records.read(self.mark)
            # A copy carries the mark of its original, which keeps it: the copy gets a new one.
            if mark is None or record is None or not record.is_at(found):
                mark = self._new_mark()
                self._sign(self.path, mark)
            kept = {"trusted": before.trusted if before else ()}
            self._records.write(mark, self._described(self.path).model_copy(update=kept))
            # The user chose to put it aside: recorded at its new path, `_found` passes it by.
            if own and before and present:
                place = written(self._real.with_name(present))
                self._records.write(own, before.model_copy(update={"path": place}))
        return present or ""

    def _is_ours(self) -> bool:
        """Whether the folder is ours; if it has moved, its record is brought up to date."""
        mark, record, found = self.mark, self.record, _looked_at(self.path)
        if mark is None or record is None or found is None:
            return False
        # Other accounts must neither read the texts in it nor queue anything.
        if stat.S_IMODE(found.st_mode) & 0o077:
            with suppress(PermissionError):  # another account owns it and lets us use it
                self.path.chmod(0o700)
        moved = self._described(self.path)
        before = (record.path, record.device, record.inode)
        if before != (moved.path, moved.device, moved.inode):
            kept = {"trusted": record.trusted, "set_aside": record.set_aside}
            self._records.write(mark, moved.model_copy(update=kept))
        return True

    def _prepare_outside(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.mark is None:
            with suppress(FileExistsError):  # another process was faster
                self._sign(self.path, self._new_mark())

    def _replace(self) -> None:
        """Put a folder of ours in its place: one that another account has set aside, or a new one.

        The coming folder first gets a temporary name and a record of what it replaces; only then is
        the present one renamed. So if we are killed half-way, the next call finds it and goes on.
        """
        there = _looked_at(self.path) is not None
        name = self._name_aside()
        coming = self._found(f"{STATE_DIR}-*.tmp")
        if coming is None and there and (left := self._found(f"{SET_ASIDE}-*")) is not None:
            coming = self._coming(left.name.removeprefix(STATE_DIR))
            left.rename(coming)
        if coming is None:
            coming = self._made()
        if there:
            mark = self._mark_in(coming)
            record = self._records.read(mark)
            assert mark is not None, "it was made or found by it"
            assert record is not None, "so was it by this"
            others = tuple(each for each in record.set_aside if each != name)
            kept = {"set_aside": (*others, name)}
            self._records.write(mark, record.model_copy(update=kept))
            self._set_aside(name)
        coming.rename(self.path)

    def _found(self, pattern: str) -> Path | None:
        """Return a folder beside this one that is recorded as belonging in this very place."""
        parent = self.path.parent
        for path in sorted(parent.glob(pattern)) if parent.is_dir() else ():
            record = self._records.read(self._mark_in(path))
            # Recorded as this very folder: a copy carries the same mark and is not ours.
            if record and record.path == written(self._real) and record.is_at(path.lstat()):
                return path
        return None

    def _name_aside(self) -> str:
        """Return an unused name for a folder to be set aside."""
        parent = self.path.parent
        taken = {entry.name for entry in parent.iterdir()} if parent.is_dir() else set[str]()
        numbered = (f"{SET_ASIDE}-{number}" for number in range(1, len(taken) + 2))
        return next(name for name in numbered if name not in taken)

    def _set_aside(self, name: str | None = None) -> str | None:
        """Rename what has the folder's name; return the new name, `None` if there is nothing."""
        if (found := _looked_at(self.path)) is None:
            return None
        if stat.S_ISREG(found.st_mode):
            raise FileExistsError(errno.EEXIST, "a file has its name", os.fspath(self.path))
        name = name or self._name_aside()
        self.path.rename(self.path.with_name(name))
        logger.warning("set a state folder aside", name=name)
        return name

    def _made(self) -> Path:
        """Make a folder under a temporary name, marked and recorded."""
        mark = self._new_mark()
        making = self._coming(f"-{mark[:8]}")
        making.mkdir(mode=0o700, parents=True)
        self._sign(making, mark)
        self._records.write(mark, self._described(making))
        return making

    def _coming(self, end: str) -> Path:
        """Return the temporary name of a folder that is about to become the state folder."""
        return self.path.with_name(f"{STATE_DIR}{end}.tmp")

    def _mark_in(self, folder: Path) -> str | None:
        try:
            text = self._workspace.folder(folder).read(MARK, MARK_BYTES_MAX)
        except OSError:
            return None
        mark = text.decode("ascii", "replace").strip()
        return mark if IS_MARK.fullmatch(mark) else None

    def _sign(self, folder: Path, mark: str) -> None:
        """Write the mark into a folder, and hide the folder from git."""
        with self._workspace.folder(folder).opened() as opened:
            if opened.stat(".gitignore") is None:
                opened.write_whole(".gitignore", b"*\n")
            opened.write_whole(MARK, mark.encode())
            opened.sync()

    def _described(self, folder: Path) -> Record:
        found = folder.lstat()
        return Record(path=written(self._real), device=found.st_dev, inode=found.st_ino)

    @property
    def _real(self) -> Path:
        """Where the folder is, with links resolved: a workspace may be named in several ways."""
        return self.path.parent.resolve() / self.path.name

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unavailable(
                f"The state folder cannot be written ({reason}): make {STATE_DIR} writable, or "
                "name another folder in PRESSROOM_STATE_DIR."
            ) from error


def _looked_at(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None
