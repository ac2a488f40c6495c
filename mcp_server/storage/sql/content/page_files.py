"""What is stored of pages' files: what is known of each, and their bytes as they were."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

from pydantic_core import from_json

from mcp_server.entities.effects import KeepPage, PutBack, SavePageFile
from mcp_server.entities.page_files import (
    Intent,
    KnownFile,
    PageVersion,
    Stat,
    VersionKind,
    bytes_hash,
)
from mcp_server.jobs.json_text import dumped
from mcp_server.jobs.records import WrittenBy
from mcp_server.storage.sql.packing import packed, unpacked
from mcp_server.storage.sql.transaction import Row, Transaction


def known_files(tx: Transaction, pages: Collection[str] | None = None) -> dict[str, KnownFile]:
    """Return what is known of the files of these pages, or of all.

    What somebody damaged is not there: such a file is met as if for the first time.
    """
    rows = (
        tx.all("list_page_files")
        if pages is None
        else [row for page in sorted(pages) for row in tx.all("get_page_file", page=page)]
    )
    found = map(_known_of, rows)
    return {known.page: known for known in found if known is not None}


def known_paths(tx: Transaction) -> Sequence[str]:
    """Return the paths of the page files that are there, or that somebody took away."""
    [row] = tx.all("list_known_paths")
    return cast("list[str]", from_json(row["files"]))


def known_sections(tx: Transaction) -> Mapping[str, Sequence[str]]:
    """Return, by page, the sections that its file had when it was last seen."""
    [row] = tx.all("list_known_sections")
    found = cast("dict[str, dict[str, object]]", from_json(row["sections"]))
    return {page: tuple(sections) for page, sections in found.items()}


def apply(
    tx: Transaction,
    effect: SavePageFile | PutBack | KeepPage,
    *,
    job: Row | WrittenBy | None,
    now: float,
) -> str | None:
    """Apply `effect`; return why it cannot be where it met something else than it expects."""
    match effect:
        case SavePageFile(known):
            return _save(tx, known)
        case PutBack():
            _put_back(tx, effect)
        case KeepPage():
            _keep(tx, effect, job=job, now=now)
    return None


def _save(tx: Transaction, known: KnownFile) -> str | None:
    stored = known_files(tx, [known.page]).get(known.page)
    if known.version != (0 if stored is None else stored.version):
        return f"{known.file} was looked at or written by another meanwhile: look at it again"
    tx.run("put_page_file", **_row_of(replace(known, version=known.version + 1)))
    return None


def _put_back(tx: Transaction, effect: PutBack) -> None:
    known = known_files(tx, [effect.page]).get(effect.page)
    if known is None:
        return  # nobody has seen it otherwise
    # Where the whole file is gone, all that was in it is written again.
    back = {*known.gone, *known.in_file} if known.hash is None else known.gone & effect.sections
    if back:
        in_file = {section: hash for section, hash in known.in_file.items() if section not in back}
        again = replace(known, in_file=in_file, gone=known.gone - back, version=known.version + 1)
        tx.run("put_page_file", **_row_of(again))


def _keep(tx: Transaction, effect: KeepPage, *, job: Row | WrittenBy | None, now: float) -> None:
    hash = None if effect.data is None else bytes_hash(effect.data)
    if effect.data is not None:
        tx.run("put_page_bytes", hash=hash, data=packed(effect.data))
    tx.run(
        "put_page_version",
        page=effect.page,
        hash=hash,
        kind=effect.kind,
        before=effect.before,
        batch_id=None if job is None else job["batch_id"],
        job_id=None if job is None else job["job_id"],
        now=now,
    )


def kept_bytes(tx: Transaction, hash: str) -> bytes | None:
    """Return the bytes that have this hash, `None` where they are not kept, or damaged."""
    row = tx.one("get_page_bytes", hash=hash)
    data = None if row is None else unpacked(row["data"])
    return data if data is not None and bytes_hash(data) == hash else None


def sized(row: Row) -> PageVersion:
    """Return the page's version of a row that has its bytes, with their number."""
    data = None if row["data"] is None else unpacked(row["data"])
    return replace(version_of(row), size=None if data is None else len(data))


def version_of(row: Row) -> PageVersion:
    """Return the page's version of a row."""
    return PageVersion(
        page=row["page"],
        hash=row["hash"],
        kind=cast("VersionKind", row["kind"]),
        before=row["before"],
        at=row["at"],
        batch_id=row["batch_id"],
        id=row["id"],
    )


def seen_of(known: KnownFile) -> Mapping[str, object]:
    """Return the columns in which it is stored how a file was last seen."""
    return {
        "page": known.page,
        "stat": _dumped_stat(known.stat),
        "hash": known.hash,
        "version": known.version,
    }


def _row_of(known: KnownFile) -> Mapping[str, Any]:
    return {
        **seen_of(known),
        "file": known.file,
        "layout": known.layout,
        "in_file": dumped(known.in_file),
        "gone": dumped(sorted(known.gone)),
        "front": dumped(known.front),
        "intent": None if known.intent is None else dumped(asdict(known.intent)),
    }


def _known_of(row: Row) -> KnownFile | None:
    """Return what is known of a file, `None` where somebody damaged that."""
    try:
        return KnownFile(
            page=_text(row["page"]),
            file=_text(row["file"]),
            layout=_text(row["layout"]),
            stat=None if row["stat"] is None else _stat_of(row["stat"]),
            hash=_text_or_none(row["hash"]),
            in_file=_hashes(from_json(row["in_file"])),
            gone=frozenset(_texts(from_json(row["gone"]))),
            front=_hashes(from_json(row["front"])),
            intent=_intent_of(row["intent"]),
            version=_number(row["version"]),
        )
    except (ValueError, TypeError, KeyError):
        return None


def _stat_of(text: str) -> Stat | None:
    """Return how a file was last seen, `None` where somebody damaged that: then it is read."""
    try:
        size, modified_ns, changed_ns, inode = map(_number, from_json(text))
    except (ValueError, TypeError):
        return None
    return Stat(size=size, modified_ns=modified_ns, changed_ns=changed_ns, inode=inode)


def _dumped_stat(stat: Stat | None) -> str | None:
    if stat is None:
        return None
    return dumped([stat.size, stat.modified_ns, stat.changed_ns, stat.inode])


def _intent_of(text: str | None) -> Intent | None:
    if text is None:
        return None
    found = from_json(text)
    return Intent(
        hash=_text_or_none(found["hash"]),
        in_file=_hashes(found["in_file"]),
        front=_hashes(found["front"]),
    )


def _hashes(found: object) -> Mapping[str, str]:
    if not isinstance(found, dict):
        raise TypeError
    texts = cast("dict[str, str]", found)
    for text in texts.values():
        _text(text)
    return texts


def _texts(found: object) -> list[str]:
    if not isinstance(found, list):
        raise TypeError
    return [_text(each) for each in cast("list[object]", found)]


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError
    return found


def _text_or_none(found: object) -> str | None:
    return None if found is None else _text(found)


def _number(found: object) -> int:
    if not isinstance(found, int):
        raise TypeError
    return found
