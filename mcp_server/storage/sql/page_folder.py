"""Which folder has the files of a workspace's pages, where machines share its database."""

from __future__ import annotations

import hashlib

from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.transaction import Transaction


async def has_pages(database: Database, folder: str, *, take: bool = True) -> bool:
    """Whether the pages' files are in this folder; the first to take them has them from then on.

    What is remembered of the files is true of one folder only: in another, an old file would pass
    for somebody's edit.
    """
    number = int.from_bytes(hashlib.blake2b(folder.encode(), digest_size=7).digest())
    found = await database.read(_found)
    if found is None and not take:
        return True
    if found is None:
        found = await database.write(lambda tx: _taken(tx, number))
    return found == number


def _found(tx: Transaction) -> int | None:
    row = tx.one("find_folder")
    return None if row is None else row["value"]


def _taken(tx: Transaction, number: int) -> int | None:
    tx.run("take_folder", folder=number)
    return _found(tx)
