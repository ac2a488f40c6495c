"""A folder with a site in it, and where its parts lie."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcp_server.config.database import holds_password
from mcp_server.config.settings import Settings
from mcp_server.config.sources import (
    SETTINGS_FILE,
    STATE_DIR_VARIABLE,
    WORKSPACE_VARIABLE,
    SettingsProblems,
    load_settings,
    named_in,
    still_literal,
)
from mcp_server.config.tables import PluginTable
from mcp_server.config.user import user_settings_file
from mcp_server.config.words import left_literal, shown
from mcp_server.errors import Unavailable
from mcp_server.folder import Folder

STATE_DIR = ".pressroom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder with a site in it, its settings, and where its parts lie (absolute paths)."""

    root: Path
    settings: Settings
    state_dir: Path
    content_dir: Path
    brought: frozenset[str] = frozenset()
    """Settings whose value in force comes from the workspace's own file, not from its user."""
    warnings: tuple[str, ...] = ()
    """One for each environment variable that looks like a setting and is none."""
    model_problem: str | None = None
    """Why the model may not be asked; everything else works."""
    plugins: Mapping[str, PluginTable] = field(default_factory=dict[str, PluginTable])
    """What is set for plugins, by the plugin's name."""

    @property
    def site_file(self) -> Path:
        """The pages, sections and facts."""
        return self.root / "pressroom" / "site.yaml"

    @property
    def templates_dir(self) -> Path:
        """One YAML file for each template."""
        return self.root / "pressroom" / "templates"

    @property
    def database(self) -> Path:
        """Jobs, batches and texts."""
        return self.state_dir / "pressroom.db"

    @property
    def worker_lock(self) -> Path:
        """Held by the worker while it lives."""
        return self.state_dir / "worker.lock"

    @property
    def export_locks(self) -> Path:
        """The folder of the locks by which one export writes a page's file at a time."""
        return self.state_dir / "export-locks"

    @property
    def worker_log(self) -> Path:
        """What detached workers write to stdout and stderr."""
        return self.state_dir / "worker.log"

    @property
    def keeps_state_inside(self) -> bool:
        """Whether the state lies in the workspace, and so may have come with it."""
        return self.state_dir.is_relative_to(self.root)

    @property
    def writes_outside(self) -> bool:
        """Whether the pages lie outside the workspace."""
        return not self.content_dir.resolve().is_relative_to(self.root.resolve())

    def folder(self, path: Path) -> Folder:
        """Return a folder to open files in; inside the workspace no symbolic link is followed."""
        if path.is_relative_to(self.root):
            return Folder(self.root, *path.relative_to(self.root).parts)
        return Folder(path)


def find_workspace(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Workspace:
    """Return the workspace that is meant.

    That is `explicit`, else the folder `PRESSROOM_WORKSPACE` names, else the nearest folder from
    `cwd` upward that holds a `pressroom.toml`. Without one, `cwd` is not taken instead.

    Raises:
        Unavailable: there is none; says how to make one.
        SettingsProblems: its settings cannot be used.
    """
    named = named_in(environ, WORKSPACE_VARIABLE)
    if explicit is not None:
        return open_workspace(_named(explicit, cwd, "--workspace"), environ)
    if named:
        return open_workspace(_named(Path(named), cwd, WORKSPACE_VARIABLE), environ)
    start = Path(os.path.abspath(cwd))  # noqa: PTH100 - a link stays as its user wrote it
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return open_workspace(folder, environ)
    raise Unavailable(
        f"There is no workspace: no folder from here upward holds {SETTINGS_FILE}. Make one with "
        f"`pressroom init DIR`, then name it by --workspace DIR or {WORKSPACE_VARIABLE}."
    )


def open_workspace(
    root: Path,
    environ: Mapping[str, str],
    *,
    user_file: Path | None = None,
    text: str | None = None,
) -> Workspace:
    """Return the workspace in `root`; its settings are read, nothing is made.

    `user_file` is where the user's own settings are, if not in their usual place. With a `text`, it
    is the workspace that this would be with that in its `pressroom.toml`.

    Raises:
        SettingsProblems: its settings cannot be used.
    """
    root = Path(os.path.abspath(root.expanduser()))  # noqa: PTH100 - as above
    loaded = load_settings(root, environ, user_file or user_settings_file(), text=text)
    settings = loaded.settings
    state = named_in(environ, STATE_DIR_VARIABLE) or STATE_DIR
    state_dir = Path(os.path.abspath(root / Path(state).expanduser()))  # noqa: PTH100 - as above
    # The state folder is ignored by git and may be renamed whole: nothing else may lie in it.
    for own in (root, root / "pressroom", root / ".git"):
        if own == state_dir or own.is_relative_to(state_dir):
            raise SettingsProblems([f"{STATE_DIR_VARIABLE} names a folder that holds other things"])
    if "database" in loaded.brought and holds_password(settings.database):
        where = "put it into the variable PGPASSWORD or the file ~/.pgpass"
        raise SettingsProblems([f"{SETTINGS_FILE}: database holds a password; {where}"])
    content_dir = _content_dir(root, state_dir, settings.content_dir)
    return Workspace(
        root=root,
        settings=settings,
        state_dir=state_dir,
        content_dir=content_dir,
        brought=loaded.brought,
        warnings=loaded.warnings,
        model_problem=loaded.model_problem,
        plugins=loaded.plugins,
    )


def _named(folder: Path, cwd: Path, by: str) -> Path:
    if literal := left_literal(str(folder)):
        raise SettingsProblems([still_literal(by, literal)])
    folder = cwd / folder.expanduser()
    if (folder / SETTINGS_FILE).is_file():
        return folder
    what = f"holds no {SETTINGS_FILE}" if folder.is_dir() else "is no folder"
    raise Unavailable(
        f"The workspace that {by} names {what}: name one that was made with `pressroom init DIR`, "
        "or make it there."
    )


def _content_dir(root: Path, state_dir: Path, setting: Path) -> Path:
    """Return the content folder: a link or `..` must not lead out of the workspace unseen."""
    setting = setting.expanduser()
    folder = Path(os.path.abspath(root / setting))  # noqa: PTH100 - as above
    # Judged by where links lead, but returned as written: `PageFiles` follows links at each use.
    real = folder.resolve()
    where = f"{SETTINGS_FILE}: content_dir {shown(str(setting))}"
    if not setting.is_absolute() and not real.is_relative_to(root.resolve()):
        raise SettingsProblems(
            [f"{where} leads out of the workspace; write a folder inside it, or an absolute path"]
        )
    if real == root.resolve() and folder != root:  # it would be found in itself
        raise SettingsProblems([f'{where} is a link to the workspace itself; write "."'])
    for own in (root / "pressroom", root / ".git", state_dir):
        if real.is_relative_to(own.resolve()):
            raise SettingsProblems(
                [f'{where} lies in {own.name}/, which holds other things; write "content"']
            )
    return folder
