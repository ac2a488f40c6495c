"""A workspace's own file with another value in it, and every other byte as its user left it."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcp_server.config.sources import SETTINGS_BYTES_MAX, SETTINGS_FILE
from mcp_server.errors import Unavailable
from mcp_server.folder import Folder

COMING = f"{SETTINGS_FILE}.new"
"""The name of the file until it is whole."""
BOM = "\ufeff"
_TEXT = r'("(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
_COMMENTS = re.compile(r"(?:[ \t]*#.*(?:\n|\Z))*")


def rewritten(root: Path, values: Mapping[str, str]) -> str:
    """Return what the workspace's file would hold if it set these texts, outside any table.

    Raises:
        Unavailable: it is written in a way that is not understood; says what to write by hand.
    """
    text = Folder(root).read(SETTINGS_FILE, SETTINGS_BYTES_MAX).decode()
    for name, value in reversed([*values.items()]):  # those that are new stand in their order
        wanted = {**(_read(text) or {}), name: value}
        fitting = (each for each in _tries(text, name, value) if _read(each) == wanted)
        found = next(fitting, None)
        if found is None:
            raise Unavailable(
                f"{SETTINGS_FILE} sets {name} in a way that is not understood here: write it as "
                f"one line, {name} = {_quoted(value)}, then run this again."
            )
        text = found
    return text


def write_settings_file(root: Path, text: str) -> None:
    """Make `text` the workspace's file, whole or not at all, with the permissions that it has.

    Raises:
        Unavailable: it cannot be written.
    """
    try:
        with Folder(root).opened() as folder:
            found = folder.stat(SETTINGS_FILE)
            folder.remove(COMING)
            with folder.open(COMING, "xb") as file:
                if found is not None and sys.platform != "win32":
                    with suppress(OSError):
                        os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            folder.replace(COMING, SETTINGS_FILE)
            folder.sync()
    except OSError as error:
        raise Unavailable(
            f"{SETTINGS_FILE} cannot be written ({error.strerror or error}): make it and its "
            "folder writable, then run this again."
        ) from error


def _tries(text: str, name: str, value: str) -> Iterator[str]:
    """Yield texts that may set it: in its own line, below its comment, above everything else."""
    key = rf"(?:{name}|\"{name}\"|'{name}')"
    for line in re.finditer(rf"^({BOM}?[ \t]*{key}[ \t]*=[ \t]*){_TEXT}", text, re.MULTILINE):
        yield f"{text[: line.end(1)]}{_quoted(value)}{text[line.end() :]}"
    end = "\r\n" if "\r\n" in text else "\n"
    added = f"{name} = {_quoted(value)}{end}"
    for line in re.finditer(rf"^[ \t]*#[ \t]*{name}[ \t]*=.*\n", text, re.MULTILINE):
        yield f"{text[: line.end()]}{added}{text[line.end() :]}"
    start = len(BOM) if text.startswith(BOM) else 0
    comments = _COMMENTS.match(text, start)
    above = comments.end() if comments is not None else start
    for place in (above, start):
        yield f"{text[:place]}{added}{text[place:]}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text.removeprefix(BOM))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
