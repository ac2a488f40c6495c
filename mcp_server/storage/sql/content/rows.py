"""Rows of stored content, as what they stand for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, cast

import structlog

from mcp_server.entities.entity import Author, AuthorKind, Entity, Finding, Revision, page_of
from mcp_server.entities.page_files import Source
from mcp_server.entities.store import Edit
from mcp_server.jobs.json_text import dumped
from mcp_server.storage.sql.packing import unpacked
from mcp_server.storage.sql.transaction import Row

DAMAGED_FINDINGS = (Finding(level="refused", kind="findings that cannot be read"),)
"""Not "held": these are looked for again, and this one would not be found."""

logger = structlog.get_logger(__name__)


def key_of(entity_id: str) -> dict[str, str]:
    """Return the columns by which an entity is found, beside its type."""
    return {"page": page_of(entity_id), "entity_id": entity_id}


def keys_of(entity_ids: Iterable[str]) -> str:
    """Return the same of several, as JSON."""
    return json.dumps([[page_of(id), id] for id in entity_ids])


def read_revisions(rows: Iterable[Row]) -> list[Revision]:
    """Return the revisions of rows of `texts`; one whose text somebody damaged is not there."""
    return [found for row in rows if (found := _whole(row)) is not None]


def entity_of(row: Row) -> Entity | None:
    """Return the entity of a row of `texts`, `None` where somebody damaged the text."""
    revision = _whole(row)
    return None if revision is None else Entity(current=revision, withdrawn=revision.withdrawn)


def revision_of(row: Row, text: str | None) -> Revision:
    """Return the revision of a row, with the text that it has."""
    return Revision(
        type=row["type"],
        entity_id=row["entity_id"],
        template=row["template"],
        fields=_fields_of(row),
        markdown=text,
        author=author_of(row),
        base=row["base"],
        batch_id=row["batch_id"],
        job_id=row["job_id"],
        site_hash=row["site_hash"],
        inputs_hash=row["inputs_hash"],
        instructions=row["instructions"],
        material=row["material"],
        related=_related_of(row),
        findings=_findings_of(row),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_usd=row["cost_usd"],
        withdrawn=bool(row["withdrawn"]),
        id=row["id"],
        created_at=row["created_at"],
        effective=bool(row["effective"]),
        source=_source_of(row),
    )


def text_in(data: bytes | None, source: Source) -> str | None:
    """Return the text that stands in a page's bytes, with LF; `None` where there is none."""
    if data is None or not 0 <= source.start <= source.end <= len(data):
        return None
    try:
        text = data[source.start : source.end].decode()
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n")


def revision_text(row: Row) -> str | None:
    """Return the text of a row of `texts`; `None` where it has none, or somebody damaged it."""
    text = row["markdown"]
    if text is None and (source := _source_of(row)) is not None:
        text = text_in(unpacked(row["kept"]), source)
    return text if isinstance(text, str) else None


def author_of(row: Row) -> Author:
    """Return who wrote the revision of a row."""
    return Author(kind=cast("AuthorKind", row["author_kind"]), name=row["author_name"])


def edit_of(row: Row) -> Edit:
    """Return the edit of a `list_edits` row."""
    return Edit(
        order=row["id"],
        type=row["type"],
        section=row["entity_id"],
        author=author_of(row),
        hash=row["content_hash"],
        created_at=row["created_at"],
    )


def dumped_findings(findings: tuple[Finding, ...] | None) -> str | None:
    """Return findings as they are stored."""
    return None if findings is None else dumped([asdict(found) for found in findings])


def _whole(row: Row) -> Revision | None:
    if row["content_hash"] is None:
        return revision_of(row, None)
    if (text := revision_text(row)) is not None:
        return revision_of(row, text)
    logger.warning("a text cannot be read: `pressroom doctor` says which", revision=row["id"])
    return None


def _source_of(row: Row) -> Source | None:
    page_hash, start, end = row["source_page"], row["source_start"], row["source_end"]
    if isinstance(page_hash, str) and isinstance(start, int) and isinstance(end, int):
        return Source(page_hash=page_hash, start=start, end=end)
    return None


def _fields_of(row: Row) -> Mapping[str, Any]:
    """Return a text's fields; none where somebody damaged them: the text itself is whole."""
    if row["fields"] == "{}":
        return {}  # of most: it saves a third of the time of reading them all
    try:
        fields: object = json.loads(row["fields"])
    except (ValueError, TypeError):
        fields = None
    return cast("Mapping[str, Any]", fields) if isinstance(fields, dict) else {}


def _related_of(row: Row) -> Mapping[str, str]:
    """Return what a text was written beside; nothing where somebody damaged that."""
    if row["related"] is None:
        return {}
    with suppress(ValueError, TypeError, AttributeError):
        found = json.loads(row["related"])
        if all(isinstance(hash, str) for hash in found.values()):
            return found
    return {}


def _findings_of(row: Row) -> tuple[Finding, ...] | None:
    """Return what was found in a text, `None` where it was not checked.

    Where somebody damaged that, the text is held: nobody can say that it was found to be sound.
    """
    if row["findings"] is None:
        return None
    with suppress(ValueError, TypeError, AttributeError):
        found = json.loads(row["findings"])
        if all(isinstance(word, str) for each in found for word in each.values()):
            return tuple(Finding(**each) for each in found)
    return DAMAGED_FINDINGS
