"""What a workspace's database holds, read past the product's stores."""

from __future__ import annotations

from pathlib import Path

from mcp_server.entities.page_files import bytes_hash
from mcp_server.storage.sql.packing import unpacked
from tests.faults.page_campaign.told import as_kept
from tests.wire import query

LIVE, DRAFT = "site-content-production", "site-content-preview"
_TEXT = "entity_id, author_kind, content_hash, markdown, source_start, source_end, kept"


def of_batch(root: Path, batch_id: str, type: str) -> dict[str, str | None]:
    """Return what a batch has written, by section: the last text, or `None`."""
    rows = query(
        root,
        f"SELECT {_TEXT} FROM texts WHERE batch_id = ? AND type = ? AND effective = 1 "
        "AND author_kind NOT IN ('file', 'adopted') ORDER BY id",
        batch_id,
        type,
    )
    return {row[0]: _text(row) for row in rows}


def history(root: Path) -> dict[str, set[str]]:
    """Return all texts that are kept, by section."""
    found: dict[str, set[str]] = {}
    for row in query(root, f"SELECT {_TEXT} FROM texts"):
        found.setdefault(row[0], set()).add(_text(row) or "")
    return found


def heads(root: Path, type: str) -> dict[str, str | None]:
    """Return the present text of each section."""
    rows = query(
        root,
        f"SELECT {', '.join(f'texts.{name.strip()}' for name in _TEXT.split(','))} FROM entities "
        "JOIN texts ON texts.id = entities.current WHERE entities.type = ?",
        type,
    )
    return {row[0]: _text(row) for row in rows}


def is_of_now(root: Path, id: str) -> bool:
    """Whether a section's draft was made from the text that is live."""
    rows = query(
        root,
        "SELECT draft.base, live.content_hash FROM entities AS draft LEFT JOIN entities AS live "
        "ON live.entity_id = draft.entity_id AND live.type = ? "
        "WHERE draft.entity_id = ? AND draft.type = ?",
        LIVE,
        id,
        DRAFT,
    )
    return bool(rows) and rows[0][0] == rows[0][1]


def kept_pages(root: Path) -> set[bytes]:
    """Return all versions of pages that are kept and told of."""
    rows = query(
        root,
        "SELECT DISTINCT page_bytes.hash, data FROM page_versions JOIN page_bytes "
        "ON page_bytes.hash = page_versions.hash",
    )
    found: set[bytes] = set()
    for hash, packed in rows:
        data = unpacked(packed)
        assert data is not None and bytes_hash(data) == hash, f"what is kept as {hash} is damaged"
        found.add(data)
    return found


def _text(row: tuple[object, ...]) -> str | None:
    id, _, hash, markdown, start, end, kept = row
    assert isinstance(id, str)
    if hash is None:
        return None
    if markdown is None:
        data = unpacked(kept)
        assert data is not None and isinstance(start, int) and isinstance(end, int), f"{id} is lost"
        markdown = data[start:end].decode()
    assert isinstance(markdown, str)
    return as_kept(id.rpartition("/")[2], markdown)
