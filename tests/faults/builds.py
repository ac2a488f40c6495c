"""Another version of Pressroom: this one's modules in a folder of their own, and what differs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mcp_server.storage.postgres.migrate import migrations
from mcp_server.storage.sqlite.file.migrate import newest_schema
from tests import databases

REPOSITORY = Path(__file__).parents[2]
SHARED = databases.address() is not None
NEXT_SCHEMA = 1 + (max(migrations()) if SHARED else newest_schema())
NEXT_MIGRATION = """
ALTER TABLE jobs ADD COLUMN colour TEXT;
CREATE TABLE colours (name TEXT PRIMARY KEY);
INSERT INTO colours VALUES ('green');
"""


def make_build(folder: Path, *, version: str, migration: str | None = None) -> dict[str, str]:
    """Copy the packages; return the environment in which `pressroom` is that build.

    With `migration`, it has one more than this version.
    """
    for package in ("mcp_server", "handlers"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, folder / package, ignore=leave)
    if migration is not None:
        name = f"{NEXT_SCHEMA:04}_next.sql"
        storage = folder / "mcp_server" / "storage"
        place = storage / "postgres" if SHARED else storage / "sqlite" / "file"
        (place / "migrations" / name).write_text(migration)
    about = folder / f"pressroom-{version}.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: pressroom\nVersion: {version}\n"
    )
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}  # or the folder we are in would come first
