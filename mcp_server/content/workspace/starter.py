"""Makes a workspace: from the starter site, or of what is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from mcp_server.config import SETTINGS_FILE
from mcp_server.errors import CallerError, Unavailable
from mcp_server.folder import PUBLIC, Folder

_STARTER = files("mcp_server") / "content" / "starter"


class FileInTheWay(CallerError):
    """A file that would be written is there already; nothing was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path} exists already and nothing is overwritten: choose another folder, or move "
            "that file away."
        )


def init_workspace(directory: Path) -> list[Path]:
    """Copy the starter site into `directory` and return the files that were written.

    The folder is made if it is not there; other files in it stay as they are. Nothing is ever
    overwritten, and if something fails half-way, what was written is removed again.

    Raises:
        FileInTheWay: a file is there already.
        Unavailable: the folder cannot be written.
    """
    sources = _sources(_STARTER, "")
    return write_workspace(directory, {path: source.read_bytes() for path, source in sources})


def starter_settings() -> str:
    """Return the starter's `pressroom.toml`, which shows every setting with its default."""
    return (_STARTER / SETTINGS_FILE).read_text("utf-8")


def write_workspace(directory: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files by their paths in `directory`, and return where they are; as `init_workspace`.

    Raises:
        FileInTheWay: a file is there already.
        Unavailable: the folder cannot be written.
    """
    directory = directory.expanduser()
    targets = {directory / path: files[path] for path in sorted(files, key=_order)}
    for target in targets:
        if target.exists() or target.is_symlink():
            raise FileInTheWay(target)
    made: list[Path] = []
    try:
        for target, content in targets.items():
            _write(directory, target, content, made)
    # Also where it is interrupted: what stays would be in the way of the next try.
    except BaseException as error:
        _undo(made)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise Unavailable(
                f"A workspace cannot be made in {directory} ({reason}): choose a folder you may "
                "write to."
            ) from error
        raise
    return list(targets)


def _sources(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{path}{entry.name}/")
        elif entry.name.endswith((".yaml", ".toml", ".md")):
            yield path + entry.name, entry


def _order(path: str) -> tuple[bool, str]:
    """Sort the settings last: their file makes the folder a workspace, once all else is there."""
    return path == SETTINGS_FILE, path


def _write(directory: Path, target: Path, content: bytes, made: list[Path]) -> None:
    # One by one, so that `_undo` removes exactly the folders that were made here.
    for folder in [*reversed(target.parents)]:
        if not folder.is_dir():
            folder.mkdir()
            made.append(folder)
    below = target.parent.relative_to(directory).parts
    with (
        Folder(directory, *below).opened() as opened,
        opened.open(target.name, "xb", permissions=PUBLIC) as file,
    ):
        made.append(target)  # before the write: what fails half-way is removed, too
        file.write(content)


def _undo(made: list[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
