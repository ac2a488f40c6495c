"""What search knows of a workspace, compared with its texts: each once, as it is, and no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio

from mcp_server.entities.entity import PREVIEW, PRODUCTION, text_hash
from mcp_server.meaning.local import NAME, vectors
from mcp_server.meaning.words import indexed
from mcp_server.storage.sql.packing import unpacked
from tests import databases
from tests.faults.invariants import database
from tests.faults.meaning.shop import TYPE
from tests.promises.moves import parts_of
from tests.wire import query

Key = tuple[str, str]

TYPES = (PREVIEW, PRODUCTION, TYPE)
NEAR = 1e-4
"""How far a number of a vector may be from the same one that was made among other texts."""
OPEN = ("scheduled", "pending", "processing")


def texts(root: Path) -> Mapping[Key, str]:
    """Return every text that is stored now, by type and id, as the product reads it."""

    async def read() -> Mapping[Key, str]:
        async with parts_of(root) as parts:
            found: dict[Key, str] = {}
            for type in TYPES:
                for id, entity in (await parts.entities.get_all(type)).items():
                    assert entity.current.markdown is not None
                    found[type, id] = entity.current.markdown
            return found

    return anyio.run(read)


def embedder_of(setting: str) -> str | None:
    """Return which embedder all vectors are to be of."""
    return NAME if setting == "local" else None


def is_settled(root: Path, setting: str) -> bool:
    """Whether nothing is to be embedded, and nothing runs or waits."""
    [waiting] = query(
        root,
        "SELECT (SELECT count(*) FROM jobs WHERE state IN (?, ?, ?)), "
        "(SELECT count(*) FROM unembedded), "
        "(SELECT count(*) FROM meanings WHERE coalesce(embedder, '') <> ?)",
        *OPEN,
        embedder_of(setting) or "",
    )
    return waiting == (0, 0, 0)


def problems(root: Path, setting: str) -> list[str]:
    """Return all that is wrong with what search knows, once everything has settled."""
    present = texts(root)
    return [*_of_meanings(root, present, setting), *_of_words(root, present)]


def _of_meanings(root: Path, present: Mapping[Key, str], setting: str) -> Iterator[str]:
    left = query(root, "SELECT type, entity_id FROM unembedded")
    if left:
        yield f"left to embed: {left}"
    rows = query(root, "SELECT type, entity_id, content_hash, embedder, vector FROM meanings")
    known = [(type, id) for type, id, *_ in rows]
    if sorted(known) != sorted(present):
        yield f"known twice, or not there: {sorted(known)}\nthe texts are: {sorted(present)}"
        return
    anew: Mapping[Key, bytes | None] = dict.fromkeys(present)
    if setting == "local":
        anew = dict(zip(present, vectors([*present.values()]), strict=True))
    for type, id, hash, embedder, vector in rows:
        if hash != text_hash(present[type, id]):
            yield f"{type} {id} is known as it was, not as {present[type, id]!r}"
        if embedder != embedder_of(setting):
            yield f"{type} {id} was embedded by {embedder}"
        if not _near(vector, anew[type, id]):
            yield f"{type} {id} has not the vector of its text"


def _near(one: bytes | None, other: bytes | None) -> bool:
    if one is None or other is None:
        return one is other
    a, b = (memoryview(each).cast("f") for each in (one, other))
    return len(a) == len(b) and all(abs(x - y) < NEAR for x, y in zip(a, b, strict=True))


def _of_words(root: Path, present: Mapping[Key, str]) -> Iterator[str]:
    """Say where the index of words is not the one that is made of the texts anew."""
    ids: dict[Key, int] = {}
    for id, type, entity_id, words in query(
        root, "SELECT id, type, entity_id, words FROM meanings"
    ):
        key = type, entity_id
        ids[key] = id
        said = (unpacked(words) or b"").decode()
        if key in present and said != indexed(present[key]):
            yield f"{key} has the words {said!r}"
    if any(key not in ids for key in present):
        return  # that was said
    if databases.address() is None:
        yield from _of_file(root, {ids[key]: indexed(text) for key, text in present.items()})
    else:
        yield from _of_server(root, {ids[key]: indexed(text) for key, text in present.items()})


def _of_file(root: Path, present: Mapping[int, str]) -> Iterator[str]:
    with (
        closing(sqlite3.connect(database(root), timeout=10)) as connection,
        closing(sqlite3.connect(":memory:")) as made,
    ):
        try:
            connection.execute("INSERT INTO word_index (word_index) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            yield f"the index of words: {error}"
        [(ours,)] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'word_index'")
        made.execute(ours)
        for id, text in present.items():
            headings, _, all = text.partition("\n")
            made.execute(
                "INSERT INTO word_index (rowid, headings, words) VALUES (?, ?, ?)",
                (id, headings, all),
            )
        yield from _differences(_places(connection), _places(made))


def _of_server(root: Path, present: Mapping[int, str]) -> Iterator[str]:
    due: set[tuple[object, ...]] = set()
    for id, text in present.items():
        headings, _, all = text.partition("\n")
        due |= {(word, id) for word in all.split()}
        due |= {(f"#{word}", id) for word in headings.split()}
    there = {*query(root, "SELECT unnest(tsvector_to_array(words)), id FROM word_index")}
    yield from _differences(there, due)
    known = {word for (word,) in query(root, "SELECT word FROM words")}
    unknown = {str(word) for word, _ in due if not str(word).startswith("#")} - known
    if unknown:
        yield f"words of a text, and not among all words: {sorted(unknown)[:20]}"


def _differences(there: set[Any], due: set[Any]) -> Iterator[str]:
    if there != due:
        yield f"words in the index, and in no text: {sorted(there - due)[:20]}"
        yield f"words of a text, and not in the index: {sorted(due - there)[:20]}"


def _places(connection: sqlite3.Connection) -> set[tuple[str, int, str, int]]:
    """Return each word of an index with where it stands."""
    connection.execute(
        "CREATE VIRTUAL TABLE temp.places USING fts5vocab (main, word_index, instance)"
    )
    return {*connection.execute("SELECT term, doc, col, offset FROM temp.places")}
