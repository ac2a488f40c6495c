"""`pressroom database move`: takes a workspace to another database, and its settings after it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mcp_server.config import (
    SETTINGS_FILE,
    Workspace,
    database_of,
    find_workspace,
    holds_password,
    open_workspace,
    rewritten,
    without_its_password,
    write_settings_file,
)
from mcp_server.errors import Unavailable
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.storage.moving.journal import Journal, read_journal, remove_journal
from mcp_server.storage.moving.living import ENDS
from mcp_server.storage.moving.plan import Outcome, Plan
from mcp_server.storage.opening import lack_of_access, lack_of_driver, schema_of
from mcp_server.storage.sqlite.file.platform import check_sqlite
from mcp_server.trust import Grants, StateFolder

FILE = "sqlite"
"""What is written in place of an address."""
ID_LENGTH = 40

Say = Callable[[str], None]


def move_database(workspace: Path | None, to: str, *, workspace_id: str | None, say: Say) -> str:
    """Move the workspace to an address, or to a file; return in words what was done.

    Whoever types an address permits it: so it is recorded that the workspace may use it.

    Raises:
        Unavailable: there is no workspace, it is in use, or the place is taken.
        ConfigError: a setting cannot be used.
        StorageError: a database refuses.
    """
    found = find_workspace(workspace, os.environ, Path.cwd())
    check_sqlite()
    state = StateFolder(found)
    state.prepare()
    move = _Move(found, state, say)
    if to == FILE:
        return move.to_file()
    return move.to_shared(to.strip(), workspace_id)


class _Move:
    """One command."""

    def __init__(self, found: Workspace, state: StateFolder, say: Say) -> None:
        self._found, self._state, self._say = found, state, say
        self._folder = found.folder(found.state_dir)
        self._journal = read_journal(self._folder)

    def to_shared(self, address: str, workspace_id: str | None) -> str:
        """Move it from the file."""
        if (place := database_of(address)) is None:
            blank = " Write a blank within a name as %20." if " " in address else ""
            raise Unavailable(
                f"That is no address of a database: write postgresql://USER@HOST/NAME, or {FILE} "
                f"for a file.{blank}"
            )
        bare = without_its_password(address)
        begun, settings = self._journal, self._found.settings
        id = workspace_id or (begun.workspace_id if begun else None) or self._id()
        journal = Journal(to="postgres", address=bare, workspace_id=id)
        self._check_journal(journal)
        if settings.database and begun is None:
            here = database_of(settings.database), settings.workspace_id
            if here == (place, id):
                return f"The workspace is in the database {place} already, where it is called {id}."
            raise Unavailable(
                f"The workspace is in the database {here[0]} already, where it is called "
                f"{here[1]}: run `pressroom database move {FILE}` first, then this again."
            )
        if (lack := lack_of_driver()) is not None:
            raise Unavailable(lack)
        values = {"database": bare, "workspace_id": id}
        coming = self._coming(values)
        # The driver, and only here.
        from mcp_server.storage.moving.to_postgres import move_to_postgres  # noqa: PLC0415

        missing = Grants(coming, self._state).missing()
        grants = {need.grant for need in missing if need.setting == "database"}

        def switch() -> None:
            self._state.trust(grants)
            self._write(values)

        with self._alone():
            plan = self._plan(address, schema_of(coming), journal, switch)
            outcome = move_to_postgres(plan)
        counted = _counted(outcome)
        left = f"What was there before is {self._found.state_dir.name}/{outcome.left}, which "
        return " ".join(
            [
                f"The workspace is in the database {place} now, where it is called {id}{counted}.",
                f"{left}nothing uses any more." if outcome.left else "",
                "The password is not in pressroom.toml: put it into PGPASSWORD or ~/.pgpass."
                if holds_password(address)
                else "",
                *self._stopped(),
            ]
        )

    def to_file(self) -> str:
        """Move it from the shared database."""
        begun, settings = self._journal, self._found.settings
        name = self._found.database.name
        if not settings.database:
            if begun is None:
                return f"The workspace is in the file {name} already."
            if begun.to != "file":
                raise Unavailable(begun.message)
            remove_journal(self._folder)  # all else was done
            return f"The workspace is in the file {name} now."
        journal = Journal(
            to="file",
            address=without_its_password(settings.database),
            workspace_id=settings.workspace_id,
        )
        self._check_journal(journal)
        if (lack := lack_of_access(self._found, Grants(self._found, self._state))) is not None:
            raise Unavailable(lack)
        values = {"database": ""}
        self._coming(values)
        from mcp_server.storage.moving.to_file import move_to_file  # noqa: PLC0415 - the driver

        with self._alone():
            plan = self._plan(
                settings.database, schema_of(self._found), journal, lambda: self._write(values)
            )
            outcome = move_to_file(plan)
        left = f"What was there before is the schema {outcome.left}, which nothing uses any more."
        return " ".join(
            [
                f"The workspace is in the file {name} now{_counted(outcome)}.",
                left if outcome.left else "",
                *self._stopped(),
            ]
        )

    def _plan(
        self, address: str, schema: str, journal: Journal, switch: Callable[[], None]
    ) -> Plan:
        mark = self._state.mark or ""
        return Plan(
            state=self._folder,
            file=self._found.database,
            mark=self._state.demanded_mark(),
            address=address,
            schema=schema,
            by=hashlib.blake2b(mark.encode(), digest_size=8).hexdigest(),
            journal=journal,
            begun=self._journal is not None,
            switch=switch,
            say=self._say,
        )

    def _check_journal(self, journal: Journal) -> None:
        """Return unless another move is to be brought to its end first."""
        if self._journal not in (None, journal):
            assert self._journal is not None
            raise Unavailable(self._journal.message)

    def _coming(self, values: Mapping[str, str]) -> Workspace:
        """Return the workspace as it will be with these settings.

        Raises:
            Unavailable: they do not take effect, as others outrank them.
        """
        root = self._found.root
        coming = open_workspace(root, os.environ, text=rewritten(root, values))
        for name, value in values.items():
            if getattr(coming.settings, name) != value:
                # Taken away, the variable would leave nobody to say where the workspace is.
                first = "" if value else "let it and workspace_id stand there instead, "
                raise Unavailable(
                    f"PRESSROOM_{name.upper()} says otherwise, and outranks {SETTINGS_FILE}, where "
                    f"the move would write it: {first}unset it, then run this again."
                )
        return coming

    def _write(self, values: Mapping[str, str]) -> None:
        root = self._found.root
        write_settings_file(root, rewritten(root, values))

    def _id(self) -> str:
        """Return what the workspace is called where nobody has said it."""
        if id := self._found.settings.workspace_id:
            return id
        words = re.sub(r"[^a-z0-9]+", "_", self._found.root.name.lower()).strip("_")
        name = words if words[:1].isalpha() else f"site_{words}"
        return name[:ID_LENGTH].strip("_")

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Keep every worker of this machine from starting."""
        lock = WorkerLock(self._found.worker_lock)
        if not lock.acquire():
            raise Unavailable(
                f"The workspace is in use, and was not moved: a worker lives. {ENDS}."
            )
        try:
            yield
        finally:
            lock.release()

    def _stopped(self) -> list[str]:
        """Say that the worker stays as it is."""
        if not StopMark(self._folder).is_set:
            return []
        return ["The worker is still stopped: the next call that queues work starts it."]


def _counted(outcome: Outcome) -> str:
    """Say how much was moved."""
    counts = outcome.counts
    if not counts:
        return ""
    kinds = {"batches": "batches", "jobs": "jobs", "revisions": "texts", "page_bytes": "page files"}
    said = ", ".join(f"{counts[table]:,} {name}" for table, name in kinds.items())
    return f": {said}, {sum(counts.values()):,} rows in all, compared one by one"
