"""What is stored of pages' files: what is known of each, its bytes, and texts that stand there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    Effect,
    KeepPage,
    PutBack,
    SavePageFile,
    SaveRemoval,
    SaveRevision,
)
from mcp_server.entities.entity import PRODUCTION, Author, Revision
from mcp_server.entities.page_files import Intent, KnownFile, Source, Stat, bytes_hash
from mcp_server.entities.store import EntityStore
from mcp_server.jobs.outcome import Done
from tests.storage.stores import Bench, a_job, a_text

pytestmark = pytest.mark.anyio

STAT = Stat(size=5, modified_ns=2**62, changed_ns=7, inode=2**64 - 1)
KNOWN = KnownFile(
    page="docs/guide",
    file="docs/Guide é.mdx",
    layout="0123456789abcdef",
    stat=STAT,
    hash="a" * 32,
    in_file={"body": "b" * 32, "meta": "c" * 32},
    gone=frozenset({"intro"}),
    front={"title": "d" * 32},
    intent=Intent(hash=None, in_file={"body": "e" * 32}, front={"title": "f" * 32}),
)
PAGE = b"\xef\xbb\xbf---\r\nt: 1\r\n---\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\nzwei\r\n"
START, END = PAGE.index(b"Gr"), len(PAGE) - 2


def ground(text: str = "Grüße\nzwei", **different: Any) -> Revision:
    """Make a section's first text, as it stands in `PAGE`."""
    made: dict[str, Any] = {
        "type": PRODUCTION,
        "author": Author(kind="adopted"),
        "source": Source(page_hash=bytes_hash(PAGE), start=START, end=END),
        "markdown": text,
        "fields": {},
    }
    return a_text("docs/guide/body", **(made | different))


class Writer:
    """Stores content as submissions do, without a job."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._batches = 0

    async def __call__(self, *effects: Effect) -> str | None:
        self._batches += 1
        return (await self._bench.submit(f"w{self._batches}", effects=effects)).conflict


@pytest.fixture
def write(bench: Bench) -> Writer:
    """Store content by effects; returns the conflict, if there is one."""
    return Writer(bench)


async def test_what_is_known_of_a_file_comes_back(write: Writer, entities: EntityStore) -> None:
    """All of it, by page; of some pages or of all, also in a snapshot."""
    bare = KnownFile(page="docs", file="docs.md", layout="")
    assert await write(SavePageFile(KNOWN), SavePageFile(bare)) is None
    stored = {"docs/guide": replace(KNOWN, version=1), "docs": replace(bare, version=1)}
    assert await entities.page_files() == stored
    assert await entities.page_files(["docs", "docs-x"]) == {"docs": stored["docs"]}
    assert await entities.page_files([]) == {}
    assert (await entities.snapshot()).files == stored
    assert (await entities.snapshot(["docs/guide"])).files == {"docs/guide": stored["docs/guide"]}


async def test_a_look_that_another_has_overtaken_is_made_again(
    write: Writer, entities: EntityStore
) -> None:
    """And nothing of what it found is stored."""
    assert await write(SavePageFile(KNOWN)) is None
    first = replace(KNOWN, version=1, hash="1" * 32)
    assert await write(SavePageFile(first)) is None
    for late in (KNOWN, first):
        said = await write(KeepPage("docs/guide", b"x", "met"), SavePageFile(late))
        assert said is not None and "docs/Guide é.mdx" in said and "look at it again" in said
    assert await entities.page_files() == {"docs/guide": replace(first, version=2)}
    assert await entities.page_versions("docs/guide") == []
    assert await write(SavePageFile(replace(KNOWN, page="new", version=3))) is not None


async def test_who_only_looked_leaves_the_version_as_it_is(
    write: Writer, entities: EntityStore
) -> None:
    """Stat and hash are remembered, unless another has stored the page since."""
    await write(SavePageFile(KNOWN))
    known = (await entities.page_files())["docs/guide"]
    seen = replace(known, stat=replace(STAT, inode=1), hash="9" * 32)
    changed = replace(seen, in_file={}, gone=frozenset[str](), intent=None)
    await entities.put_seen([changed, replace(seen, page="nobody")])
    assert await entities.page_files() == {"docs/guide": seen}
    await write(SavePageFile(replace(seen, hash="8" * 32)))
    await entities.put_seen([seen])
    assert (await entities.page_files())["docs/guide"].hash == "8" * 32


async def test_what_was_taken_out_comes_back_by_name(write: Writer, entities: EntityStore) -> None:
    """A look that is under way is overtaken by that."""
    known = replace(
        KNOWN, gone=frozenset({"body", "intro"}), in_file={"body": "b" * 32, "meta": "c" * 32}
    )
    await write(SavePageFile(known))
    await write(PutBack("docs/guide", frozenset({"body", "meta"})), PutBack("docs", frozenset()))
    back = (await entities.page_files())["docs/guide"]
    assert (back.gone, back.in_file) == (frozenset({"intro"}), {"meta": "c" * 32})
    assert back == replace(known, gone=back.gone, in_file=back.in_file, version=2)
    await write(PutBack("docs/guide", frozenset({"meta"})))
    assert (await entities.page_files())["docs/guide"] == back


async def test_of_a_file_that_is_gone_all_comes_back(write: Writer, entities: EntityStore) -> None:
    """Whichever of its sections is named."""
    await write(SavePageFile(replace(KNOWN, hash=None)))
    await write(PutBack("docs/guide", frozenset({"body"})))
    back = (await entities.page_files())["docs/guide"]
    assert (back.gone, back.in_file, back.version) == (frozenset(), {}, 2)


async def test_the_bytes_of_a_page_are_kept_as_they_were(
    write: Writer, entities: EntityStore
) -> None:
    """P9: once for each hash, of all pages; what a write replaced is found by what it left."""
    after, none = b"\x00\xff" * 3000, bytes_hash(b"")
    first, last = bytes_hash(PAGE), bytes_hash(after)
    await write(KeepPage("docs", PAGE, "met"), KeepPage("docs/guide", PAGE, "met"))
    await write(KeepPage("docs", PAGE, "before"), KeepPage("docs", after, "after", first))
    await write(KeepPage("docs", None, "after", last), KeepPage("docs", b"", "taken"))
    await write(KeepPage("docs", None, "before"), KeepPage("docs", after, "after", None))
    assert await entities.page_bytes(first) == PAGE
    assert await entities.page_bytes(last) == after
    assert await entities.page_bytes(none) == b""
    assert await entities.page_bytes("0" * 32) is None
    versions = await entities.page_versions("docs")
    assert [(v.hash, v.kind, v.before) for v in versions] == [
        (first, "met", None),
        (first, "before", None),
        (last, "after", first),
        (None, "after", last),
        (none, "taken", None),
        (None, "before", None),
        (last, "after", None),
    ]
    latest = [version for version in reversed(versions) if version.kind != "before"]
    assert await entities.latest_kept("docs", limit=9) == latest
    assert await entities.latest_kept("docs", limit=2) == latest[:2]


async def test_what_a_job_keeps_twice_is_one_version(bench: Bench, entities: EntityStore) -> None:
    """It may be done twice, by one attempt or by two; it says by which batch, and when."""
    await bench.submit("b1", a_job())
    attempt = await bench.start()
    keep = KeepPage("docs", PAGE, "before")
    await bench.store.checkpoint(attempt, [keep], now=bench.now)
    await bench.finish(attempt, Done(effects=(keep, KeepPage("docs", b"x", "after", "h"))))
    await bench.submit("b2", effects=(KeepPage("docs", b"x", "after", "h"),))
    found = await entities.page_versions("docs")
    assert [(v.kind, v.batch_id) for v in found][:2] == [("before", "b1"), ("after", "b1")]
    assert [v.at for v in found] == [bench.now] * 3


async def test_a_text_that_stands_in_a_kept_page_is_stored_once(
    bench: Bench, write: Writer, entities: EntityStore
) -> None:
    """It is read from there, decoded and with LF, however it is asked for."""
    text = ground()
    await write(KeepPage("docs/guide", PAGE, "met"), SaveRevision(text, ABSENT))
    entity = await entities.get(PRODUCTION, "docs/guide/body")
    assert entity is not None
    assert replace(entity.current, id=0, created_at=0.0) == text
    assert entity.hash == text.hash
    assert await entities.get_all(PRODUCTION) == {"docs/guide/body": entity}
    assert await entities.history(PRODUCTION, "docs/guide/body") == [entity.current]
    assert await entities.revisions([entity.current.id]) == {entity.current.id: entity.current}
    assert await entities.with_hash("docs/guide/body", entity.hash[:8]) == [entity.current]
    assert await entities.latest(None, before=None, limit=9) == [entity.current]
    snapshot = await entities.snapshot(["docs/guide"], history=True)
    assert snapshot.live == {"docs/guide/body": entity}
    assert snapshot.history == {"docs/guide/body": [entity.current]}
    async with bench.another() as other:
        again = entity.current.as_type(PRODUCTION)  # as a rollback stores it
        await other.submit("again", effects=(SaveRevision(again, entity.hash),))
        back = await other.entities.get(PRODUCTION, "docs/guide/body")
    assert back is not None and back.current.markdown == text.markdown


@pytest.mark.parametrize(
    ("page", "text", "start", "end"),
    [
        (None, "Grüße\nzwei", START, END),
        (PAGE, "t: 1\n", START, END),
        (PAGE, "Grüße", START + 3, END),
        (PAGE, "Grüße", START, 10_000),
        (PAGE, "Grüße", END, START),
    ],
)
async def test_a_text_that_does_not_stand_there_as_it_is_is_stored_itself(
    write: Writer, entities: EntityStore, page: bytes | None, text: str, start: int, end: int
) -> None:
    """The keys of a `meta` section; or the page was not kept."""
    source = Source(page_hash=bytes_hash(PAGE), start=start, end=end)
    found = ground(text, source=source)
    await write(KeepPage("docs/guide", page, "met"), SaveRevision(found, ABSENT))
    entity = await entities.get(PRODUCTION, "docs/guide/body")
    assert entity is not None
    assert (entity.current.markdown, entity.current.source) == (text, source)


async def test_an_empty_text_in_a_page_is_no_removal(write: Writer, entities: EntityStore) -> None:
    """An existing file's empty body is live (P14); a removal is one by its hash."""
    source = Source(page_hash=bytes_hash(PAGE), start=END, end=END)
    empty = ground("", source=source, batch_id="b1")
    await write(KeepPage("docs/guide", PAGE, "met"), SaveRevision(empty, ABSENT))
    entity = await entities.get(PRODUCTION, "docs/guide/body")
    assert entity is not None and entity.current.markdown == ""
    assert await entities.pages_of_batch("b1") == {"docs/guide": True}
    removed = replace(empty, markdown=None, source=None)
    await write(SaveRemoval(removed, entity.hash))
    assert await entities.get(PRODUCTION, "docs/guide/body") is None
    [_, last] = await entities.history(PRODUCTION, "docs/guide/body")
    assert last.is_removal


async def test_a_text_from_a_file_is_as_old_as_the_file(
    bench: Bench, entities: EntityStore
) -> None:
    """But not older than what it follows, nor from the future; and no job has written it."""
    store, now = bench.store, bench.now
    await bench.submit("b1", *[a_job() for _ in range(4)])
    found, changed = Author(kind="adopted"), Author(kind="file")
    times = ((100.0, found), (90.0, changed), (now + 50, changed), (0.0, changed))
    for number, (at, author) in enumerate(times):
        text = ground(f"text {number}", author=author, created_at=at, source=None)
        attempt = await bench.start()
        await store.checkpoint(attempt, [SaveRevision(text, ANY)], now=now)
    history = await entities.history(PRODUCTION, "docs/guide/body")
    assert [revision.created_at for revision in history] == [100.0, 100.0, now, now]
    assert {(revision.batch_id, revision.job_id) for revision in history} == {(None, None)}
