"""Checks that need no database: the settings, the site, the model, room to write."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from mcp_server.config import SETTINGS_FILE, Workspace
from mcp_server.content.drafting.model import KeyLeftLiteral, ModelChoice, find_key, key_hint
from mcp_server.content.workspace.loader import SiteLoader, SiteProblems
from mcp_server.doctor.diagnosis import Diagnosis, Level, size
from mcp_server.doctor.neighbours import of_neighbours
from mcp_server.errors import ConfigError
from mcp_server.storage.sqlite.file.place import unsafe_place
from mcp_server.storage.sqlite.file.platform import ELSEWHERE, lack_of_locks
from mcp_server.trust import Grants, StateFolder

FREE_BYTES_MIN = 100 * 1024**2
"""With less space than this, the next few batches and SQLite's write-ahead log fill the disk."""
FREE_BYTES_ENOUGH = 1024**3


def of_folder(
    workspace: Workspace, environ: Mapping[str, str], kinds: Collection[str]
) -> Iterator[Diagnosis]:
    """Make all checks that need no database."""
    yield Diagnosis(check="workspace", level="ok", message=str(workspace.root))
    yield from _limits(workspace, kinds)
    for check in (_variables, _site, _trust, _key, _content_folder, _state_folder, _place, _disk):
        yield from check(workspace, environ)


def _limits(workspace: Workspace, kinds: Collection[str]) -> Iterator[Diagnosis]:
    """Warn of a limit on an unknown kind: the name is misspelt, or its plugin is missing."""
    for kind in workspace.settings.limits:
        if kind not in kinds:
            known = ", ".join(sorted(kinds))
            message = f"{SETTINGS_FILE} limits jobs of kind {kind}, which nothing here runs"
            advice = f"Kinds are: {known}."
            yield Diagnosis(check="limits", level="warning", message=message, advice=advice)


def _site(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Diagnosis]:
    loader = SiteLoader(workspace)
    try:
        site = loader.load()
    except SiteProblems as error:
        for problem in error.problems:
            yield Diagnosis(check="site", level="error", message=problem)
        return
    for warning in loader.warnings:
        yield Diagnosis(check="site", level="warning", message=warning)
    pages, sections = len(site.pages), len(site.section_ids)
    message = f"{workspace.site_file.name}: {pages} pages, {sections} sections"
    if count := len(site.collections):
        message += f", and those of {'a collection' if count == 1 else f'{count} collections'}"
    yield Diagnosis(check="site", level="ok", message=message)


def _variables(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Diagnosis]:
    for warning in workspace.warnings:
        yield Diagnosis(check="settings", level="warning", message=warning)


def _trust(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Name what the workspace asks for and its user has not permitted."""
    state = StateFolder(workspace)
    advice = "If you want that, run `pressroom trust` in this folder; if not, change the setting."
    for need in Grants(workspace, state).missing():
        message = f"not trusted yet: {need.setting} would {need.would}"
        yield Diagnosis(check="trust", level="warning", message=message, advice=advice)
    if (name := state.set_aside) is not None:
        yield Diagnosis(
            check="trust",
            level="warning",
            message=f"{name} is a state folder that was not made here, and is not used",
            advice="If it is yours, `pressroom trust` in this folder takes it back.",
        )


def _key(workspace: Workspace, environ: Mapping[str, str]) -> Iterator[Diagnosis]:
    settings = workspace.settings
    try:
        choice = ModelChoice(name=settings.model or "composer", url=settings.model_url)
    except ConfigError as error:
        yield Diagnosis(check="model", level="error", message=str(error))
        return
    if choice.is_composer:
        message = "none is configured: the composer writes placeholders from the site's facts"
        yield Diagnosis(check="model", level="ok", message=message)
    elif workspace.model_problem is not None:
        yield Diagnosis(check="model", level="error", message=workspace.model_problem)
    elif literal := _left_literal(choice, environ):
        yield Diagnosis(check="model", level="error", message=literal)
    elif choice.ability is not None and find_key(choice, environ) is None:
        yield Diagnosis(
            check="model",
            level="error",
            message=f"{choice.name}: there is no key for it here",
            advice=f"To draft with it, {key_hint(choice)}; where the server runs, and the worker.",
        )
    else:
        yield Diagnosis(
            check="model", level="ok", message=f"{choice.name}: {_has(choice, environ)}"
        )


def _left_literal(choice: ModelChoice, environ: Mapping[str, str]) -> str | None:
    try:
        find_key(choice, environ)
    except KeyLeftLiteral as error:
        return str(error)
    return None


def _has(choice: ModelChoice, environ: Mapping[str, str]) -> str:
    """Say whether there is a key. Only the server at a URL knows whether it wants one."""
    if choice.ability is None and not choice.url:
        return "it needs no key"
    if find_key(choice, environ) is not None:
        return "there is a key for it"
    return f"it is asked without a key; if its server wants one, {key_hint(choice)}"


def _content_folder(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Diagnosis]:
    trusted = Grants(workspace, StateFolder(workspace)).of_content_folder()
    if trusted:  # trying to write there is what still needs the user's permission
        yield _writable("content folder", workspace.content_dir)
    yield from of_neighbours(workspace)


def _state_folder(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Diagnosis]:
    folder = _writable("state folder", workspace.state_dir)
    database = workspace.database
    if folder.level == "ok" and database.exists() and not os.access(database, os.W_OK):
        yield Diagnosis(
            check="state folder",
            level="error",
            message=f"{database.name} is read-only",
            advice=f"Make {database} writable.",
        )
    else:
        yield folder


def _writable(check: str, folder: Path) -> Diagnosis:
    nearest = _nearest(folder)
    # By writing: permissions tell nothing of a read-only file system or a full disk.
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"\0")
    except OSError as error:
        return Diagnosis(
            check=check,
            level="error",
            message=f"nothing can be written to {nearest}: {error.strerror or error}",
            advice=f"Make {nearest} writable, and room on its disk.",
        )
    made = "" if nearest == folder else " (not there yet)"
    return Diagnosis(check=check, level="ok", message=f"{folder}{made} can be written to")


def _nearest(folder: Path) -> Path:
    """Return the folder, or of those that it is to be made in the nearest that is there."""
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)


def _place(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Diagnosis]:
    if (lack := lack_of_locks(_nearest(workspace.state_dir))) is not None:
        message = f"{workspace.state_dir} cannot be used: {lack}"
        yield Diagnosis(check="place", level="error", message=message, advice=f"{ELSEWHERE}.")
    if (why := unsafe_place(workspace.database)) is not None:
        yield Diagnosis(
            check="place",
            level="warning",
            message=f"the database may be damaged: {why}",
            advice=f"{ELSEWHERE}.",
        )


def _disk(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Diagnosis]:
    folder = workspace.state_dir
    nearest = _nearest(folder)
    free = shutil.disk_usage(nearest).free
    message = f"{size(free)} free"
    if free >= FREE_BYTES_ENOUGH:
        yield Diagnosis(check="disk", level="ok", message=message)
        return
    level: Level = "error" if free < FREE_BYTES_MIN else "warning"
    advice = f"Make room on the disk of {nearest}, or name another in PRESSROOM_STATE_DIR."
    yield Diagnosis(check="disk", level=level, message=message, advice=advice)
