"""`pressroom trust`: asks the user what a workspace may do, and records the answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mcp_server.app.commands import stop_worker
from mcp_server.config import Workspace, find_workspace
from mcp_server.errors import ServerError, Unavailable
from mcp_server.folder import Folder
from mcp_server.interfaces.cli.runners import Ask
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.storage.sqlite.file.examine import mark_of
from mcp_server.storage.sqlite.file.migrate import adopt
from mcp_server.trust import Grants, StateFolder


def trust(workspace: Path | None, ask: Ask) -> str:
    """Ask the user about everything that needs their permission; return the outcome in words.

    That is what the settings would send or write elsewhere, a state folder that was set aside, and
    a database that somebody put into the present one.

    Raises:
        Unavailable: there is no workspace, or something cannot be kept or put back.
    """
    found = find_workspace(workspace, os.environ, Path.cwd())
    state = StateFolder(found)
    state.prepare()
    said = [
        *_trust_settings(found, state, ask),
        *_take_back(found, state, ask),
        *_adopt_database(found, state, ask),
    ]
    return " ".join(said) or "There is nothing to trust: all that this workspace needs, it may do."


def _trust_settings(found: Workspace, state: StateFolder, ask: Ask) -> Iterator[str]:
    if not (missing := Grants(found, state).missing()):
        return
    lines = [f"The settings of {found.root} would:"]
    lines += [f"  {need.would} ({need.setting})" for need in missing]
    if ask(lines, "Do you trust this workspace with that?"):
        state.trust({need.grant for need in missing})
        yield "It may do that from now on."
    else:
        yield "It may not do that; everything else works."


def _take_back(found: Workspace, state: StateFolder, ask: Ask) -> Iterator[str]:
    if (name := state.set_aside) is None:
        return
    lines = [
        f"{found.state_dir.name} in {found.root} was not made here by you, and was set aside as",
        f"  {name} ({_described(found.state_dir.with_name(name))})",
        "It holds what is queued and every text that was written. Whoever made it decides what is",
        "done: take it back only if you did, here, in a backup or with an earlier Pressroom.",
    ]
    if not ask(lines, "Is it yours?"):
        state.leave_aside()
        yield f"{name} stays where it is, unused; it may be deleted."
        return
    # A running worker has the database open in the folder that is about to be renamed.
    if WorkerLock(found.worker_lock).is_held():
        said = stop_worker(found.root)
        if WorkerLock(found.worker_lock).is_held():
            raise Unavailable(f"{said} Nothing was taken back yet: run this again once it has.")
    present = state.take_back(name)
    try:
        _sign_database(found, state)
    except ServerError:
        # The database in it cannot be used: go back to the folder of before.
        state.take_back(present)
        raise
    yield f"{name} is in use again; the state folder of until now is {present}."


def _adopt_database(found: Workspace, state: StateFolder, ask: Ask) -> Iterator[str]:
    """Ask about a database that somebody put into the state folder, such as one from a backup."""
    mark = state.demanded_mark()
    if mark is None or not found.database.exists() or mark_of(found.database) == mark:
        return
    lines = [
        f"{found.database} was not made in this state folder.",
        "Whoever made it decides what is done: use it only if you put it there yourself.",
    ]
    if ask(lines, "Is it yours?"):
        _sign_database(found, state)
        yield f"{found.database.name} is used from now on."
    else:
        yield f"{found.database.name} is not used: move it away, and a new one is made."


def _sign_database(found: Workspace, state: StateFolder) -> None:
    if (mark := state.demanded_mark()) is not None and found.database.exists():
        adopt(found.database, mark)


def _described(folder: Path) -> str:
    """Say how much is in a folder and how old it is, without opening anything in it."""
    try:
        with Folder(folder.parent, folder.name).opened() as opened:
            found = [each for name in opened.names() if (each := opened.stat(name))]
    except OSError as error:
        return error.strerror or "it cannot be read"
    if not found:
        return "empty"
    newest = datetime.fromtimestamp(max(each.st_mtime for each in found), UTC)
    size = sum(each.st_size for each in found)
    return f"{size:,} bytes, last changed on {newest:%Y-%m-%d at %H:%M} UTC"
