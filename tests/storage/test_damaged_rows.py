"""One row that somebody damaged costs nobody else anything, and is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcp_server.entities.effects import ABSENT, KeepPage, PutBack, SavePageFile, SaveRevision
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Revision
from mcp_server.entities.page_files import KnownFile, Source, Stat, bytes_hash
from mcp_server.entities.usage import Limits
from mcp_server.errors import StorageError
from mcp_server.jobs.job import JobState
from mcp_server.jobs.outcome import Done
from mcp_server.jobs.records import Host
from mcp_server.storage.sql.content.rows import DAMAGED_FINDINGS
from tests.storage.stores import Bench, a_job, a_text
from tests.storage.test_attempts import ids
from tests.storage.test_usage import reserve

pytestmark = pytest.mark.anyio

BAD = "CAST(x'7b2261223a2261ff227d' AS TEXT)"
"""`{"a":"a\\xff"}`: JSON, but for a byte that is no UTF-8."""

STAT = Stat(size=1, modified_ns=2, changed_ns=3, inode=4)
PAGE = b"One.\n\nTwo.\n"

SQLITE = pytest.mark.engines("sqlite")
"""PostgreSQL takes only text into a column of text, and only numbers into one of numbers."""


def possible(*damages: str) -> list[Any]:
    """Return damages, of which some are possible only in SQLite."""
    return [
        pytest.param(each, marks=SQLITE) if "x'" in each or each.startswith("version") else each
        for each in damages
    ]


PAYLOADS = possible(BAD, "'{'", "x'ff'", "'[]'", "7", "''")
"""What somebody may have written in place of a payload."""


async def save(bench: Bench, *texts: Revision) -> None:
    """Store texts, as a call does that queues nothing."""
    effects = [SaveRevision(text, ABSENT) for text in texts]
    assert (await bench.store.apply(effects, free=(), now=bench.now)).conflict is None


def alter(bench: Bench, damage: str) -> None:
    """Change rows past all our own code."""
    assert bench.raw.run(f"UPDATE {damage}") == 1


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_payload_that_cannot_be_read_keeps_no_other_job_from_being_claimed(
    bench: Bench, payload: str
) -> None:
    """It is claimed with what is left of it, which its kind refuses."""
    await bench.submit("b1", a_job(), a_job(), a_job())
    alter(bench, f"jobs SET payload = {payload} WHERE job_id = 'b1.2'")
    claimed = await bench.claim(9)
    assert ids(claimed) == ["b1.1", "b1.2", "b1.3"]
    assert [type(attempt.job.payload) is dict for attempt in claimed] == [True, False, True]
    for attempt in claimed:
        await bench.finish(attempt)
    assert (await bench.batch()).completed == 3


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_job_whose_payload_or_result_cannot_be_read_is_still_shown(
    bench: Bench, payload: str
) -> None:
    """With its state and its reason, and what is left of them."""
    await bench.submit()
    await bench.work(Done({"n": 1}))
    alter(bench, f"jobs SET payload = {payload}, result = {payload}")
    for job in (await bench.job(), *await bench.store.jobs("b1")):
        assert job.state is JobState.COMPLETED
        assert job.result is not None
        assert (list(job.payload), list(job.result)) == (["damaged"], ["damaged"])


@pytest.mark.parametrize("terms", possible(BAD, "'{'", "x'ff'"))
async def test_jobs_whose_terms_cannot_be_read_fail_alone_and_say_why(
    bench: Bench, terms: str
) -> None:
    """Nobody knows with which site and model they would have to be done."""
    await bench.submit("b1", a_job(), a_job())
    await bench.submit("b2")
    alter(bench, f"rounds SET terms = {terms} WHERE batch = 1")
    assert ids(await bench.claim(9)) == ["b2.1"]
    for job in await bench.store.jobs("b1"):
        assert (job.state, job.code) == (JobState.FAILED, "damaged")
        assert job.reason is not None and "damaged" in job.reason
    assert [batch.id for batch in await bench.store.batches(owner="ada", limit=9)] == ["b2"]


async def test_what_is_behind_a_damaged_batch_is_claimed_at_once(bench: Bench) -> None:
    """Its jobs fail a few at a time, and no claim ends with none of what is behind them."""
    await bench.submit("b1", *[a_job() for _ in range(20)])
    await bench.submit("b2")
    alter(bench, "rounds SET terms = '{' WHERE batch = 1")
    assert ids(await bench.claim(2)) == ["b2.1"]


@SQLITE
@pytest.mark.parametrize("column", ["priority", "crashes", "attempts", "max_retries", "due_at"])
async def test_what_is_no_number_keeps_no_other_job_from_being_claimed(
    bench: Bench, column: str
) -> None:
    """SQLite stores whatever is written, and sorts it before all numbers, or behind them."""
    await bench.submit("b1", a_job())
    await bench.submit("b2", a_job())
    alter(bench, f"jobs SET {column} = 'x' WHERE job_id = 'b1.1'")
    assert sorted(ids(await bench.claim(9))) == ["b1.1", "b2.1"]
    await bench.rescue(except_worker="alive")
    assert await bench.states("b2") == ["pending"]


@pytest.mark.parametrize("details", possible(BAD, "'{'"))
async def test_a_host_that_cannot_be_read_hides_no_other(bench: Bench, details: str) -> None:
    """Who starts workers, and who tells how they are, goes by all of them."""
    for id in ("a", "b"):
        host = Host(id=id, role="server", pid=1, version="1", abilities=frozenset())
        await bench.store.announce(host, now=bench.now)
    alter(bench, f"hosts SET details = {details} WHERE id = 'a'")
    assert [host.id for host in await bench.store.hosts(seen_after=0)] == ["b"]


@pytest.mark.parametrize("fields", possible(BAD, "'{'", "x'ff'", "'[]'"))
async def test_a_text_whose_fields_cannot_be_read_hides_no_other(bench: Bench, fields: str) -> None:
    """It has no fields then, and is the same text: its hash is that of its Markdown."""
    await save(bench, a_text("a/b"), a_text("c/d"))
    before = await bench.entities.get_all(PREVIEW)
    alter(bench, f"revisions SET fields = {fields} WHERE entity_id = 'a/b'")
    after = await bench.entities.get_all(PREVIEW)
    assert after["c/d"] == before["c/d"]
    assert (dict(after["a/b"].current.fields), after["a/b"].hash) == ({}, before["a/b"].hash)


@pytest.mark.parametrize(
    "findings", possible(BAD, "'{'", "x'ff'", "'[7]'", '\'[{"level":"held","kind":7}]\'')
)
async def test_a_draft_whose_findings_cannot_be_read_is_kept_back(
    bench: Bench, findings: str
) -> None:
    """R32: nobody can say that nothing was found in it."""
    await save(bench, a_text("a/b"), a_text("c/d"))
    alter(bench, f"revisions SET findings = {findings} WHERE entity_id = 'a/b'")
    after = await bench.entities.get_all(PREVIEW)
    assert after["c/d"].current.findings is None
    assert after["a/b"].current.findings == DAMAGED_FINDINGS


@pytest.mark.parametrize("related", [BAD, "'{'", "x'ff'", "'[7]'", "'{\"a/b\": 7}'"])
async def test_what_a_draft_was_written_beside_may_be_damaged(bench: Bench, related: str) -> None:
    """It says nothing of that then, and is the same draft."""
    await save(bench, a_text("a/b", related={"c/d": "0" * 32}))
    alter(bench, f"revisions SET related = {related} WHERE entity_id = 'a/b'")
    after = await bench.entities.get_all(PREVIEW)
    assert dict(after["a/b"].current.related) == {}


NO_TEXTS = [BAD, "'{'", "x'ff'", "'7'", "'[7]'", "'null'"]
DAMAGED_FILES = possible(
    *[f"{column} = {bad}" for column in ("in_file", "front") for bad in (*NO_TEXTS, "'[]'")],
    *[f"gone = {bad}" for bad in (*NO_TEXTS, "'{}'", "'\"ab\"'")],
    *[f"intent = {bad}" for bad in (*NO_TEXTS, "'{}'", "'{\"hash\":7}'")],
    *("in_file = '{\"a\":7}'", "hash = x'ff'", "file = x'ff'", "layout = x'ff'"),
    *("version = 'x'", "version = 1.5"),
)
"""What somebody may have written in place of what is known of a file."""


@pytest.mark.parametrize("damage", DAMAGED_FILES)
async def test_what_is_known_of_a_file_and_cannot_be_read_hides_no_other(
    bench: Bench, damage: str
) -> None:
    """The file is met as if for the first time, and what is found in it is stored."""
    known = [KnownFile(page=page, file=f"{page}.md", layout="l") for page in ("a", "b")]
    await bench.submit("b1", effects=[SavePageFile(each) for each in known])
    alter(bench, f"page_files SET {damage} WHERE page = 'a'")
    whole = replace(known[1], version=1)
    assert await bench.entities.page_files() == {"b": whole}
    assert await bench.entities.page_files(["a"]) == {}
    assert (await bench.entities.snapshot()).files == {"b": whole}
    effects = (PutBack("a", frozenset({"x"})), SavePageFile(known[0]))
    assert (await bench.submit("b2", effects=effects)).conflict is None
    found = await bench.entities.page_files()
    assert found == {"a": replace(known[0], version=1), "b": whole}


@pytest.mark.parametrize("stat", possible(*NO_TEXTS, "'[1,2,3]'", "'[1,2,3,\"4\"]'"))
async def test_a_file_is_read_where_nobody_can_say_how_it_was_last_seen(
    bench: Bench, stat: str
) -> None:
    """All else that is known of it holds."""
    known = KnownFile(page="a", file="a.md", layout="l", stat=STAT, hash="h")
    await bench.submit("b1", effects=[SavePageFile(known)])
    alter(bench, f"page_files SET stat = {stat}")
    assert await bench.entities.page_files() == {"a": replace(known, stat=None, version=1)}


@pytest.mark.parametrize(
    "damage",
    possible(
        "page_bytes SET data = x'ff'",
        "page_bytes SET data = 'text'",
        "page_bytes SET hash = 'x'",
        "revisions SET source_start = 'x' WHERE entity_id = 'a/b'",
        "revisions SET source_end = 99 WHERE entity_id = 'a/b'",
        "revisions SET source_page = x'ff' WHERE entity_id = 'a/b'",
        "revisions SET markdown = x'ff' WHERE entity_id = 'a/b'",
    ),
)
async def test_a_text_that_cannot_be_read_is_no_other_text(bench: Bench, damage: str) -> None:
    """It is not there, and not a removal either; another text is."""
    hash = bytes_hash(PAGE)
    text = a_text("a/b", markdown="Two.", source=Source(page_hash=hash, start=6, end=10)).as_type(
        PRODUCTION
    )
    other = a_text("c/d").as_type(PRODUCTION)
    saved = [SaveRevision(each, ABSENT) for each in (text, other)]
    await bench.submit("b1", effects=[KeepPage("a", PAGE, "met"), *saved])
    alter(bench, damage)
    entities = bench.entities
    assert [*await entities.get_all(PRODUCTION)] == ["c/d"]
    assert await entities.get(PRODUCTION, "a/b") is None
    assert await entities.history(PRODUCTION, "a/b") == []
    latest = await entities.latest(None, before=None, limit=9)
    assert [revision.entity_id for revision in latest] == ["c/d"]
    _, live = await entities.heads()
    assert (live.hash["a/b"], live.removed) == (text.hash, frozenset())
    unmet = await bench.submit("b2", effects=[SaveRevision(text, ABSENT)])
    assert unmet.conflict is not None
    assert bench.raw.damaged() != [] or "source" in damage or "hash" in damage


async def test_bytes_that_somebody_damaged_are_kept_anew(bench: Bench) -> None:
    """By whoever meets them again; until then there are none."""
    keep = KeepPage("a", PAGE, "met")
    await bench.submit("b1", effects=[keep])
    alter(bench, f"page_bytes SET data = {bench.raw.bytes('789c030000000001')}")  # of another page
    assert await bench.entities.page_bytes(bytes_hash(PAGE)) is None
    await bench.submit("b2", effects=[keep])
    assert await bench.entities.page_bytes(bytes_hash(PAGE)) == PAGE


@SQLITE
async def test_where_amounts_cannot_be_read_nothing_is_paid_for(bench: Bench) -> None:
    """No budget is passed; whoever asks is told who names the row, and it is named."""
    await bench.submit("b1")
    attempt = await bench.start()
    assert (await reserve(bench, attempt, 5))[1].verdict == "granted"
    alter(bench, "usage_sums SET spent = 'x' WHERE scope = 'day'")
    with pytest.raises(StorageError, match="pressroom doctor"):
        await reserve(bench, attempt, 5, Limits(day=100))
    [named] = bench.raw.damaged()
    assert named.startswith("spent of ") and named.endswith(" in usage_sums")
    alter(bench, "usage_sums SET spent = 0 WHERE scope = 'day'")


@SQLITE
async def test_a_byte_that_is_no_text_undoes_no_write_beside_it(bench: Bench) -> None:
    """Whatever shares its transaction, and in whatever order."""
    await bench.submit("b1", a_job(), a_job())
    first, second = await bench.claim(2)
    alter(bench, f"jobs SET subject = {BAD} WHERE job_id = 'b1.1'")
    assert (await bench.finish(first)).state is JobState.COMPLETED
    assert (await bench.finish(second)).state is JobState.COMPLETED
    assert "xff" in (await bench.job("b1.1")).subject


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        pytest.param(f"jobs SET payload = {BAD}", ["payload of b1.1 in jobs"], marks=SQLITE),
        pytest.param("jobs SET due_at = 'x'", ["due_at of b1.1 in jobs"], marks=SQLITE),
        pytest.param(
            f"jobs SET subject = {BAD}, result = '{{'", ["subject of b1.1 in jobs"], marks=SQLITE
        ),
        ("jobs SET payload = '{'", ["payload of b1.1 in jobs"]),
        ("batches SET details = '{'", ["details of b1 in batches"]),
        pytest.param("rounds SET terms = x'ff'", ["terms of 1 in rounds"], marks=SQLITE),
        ("rounds SET terms = ''", ["terms of 1 in rounds"]),
        ("page_files SET in_file = '{'", ["in_file of a in page_files"]),
        ("page_bytes SET data = BYTES", [f"data of {bytes_hash(PAGE)} in page_bytes"]),
    ],
)
async def test_what_is_damaged_is_named(bench: Bench, damage: str, named: list[str]) -> None:
    """A database in order has none of it."""
    known = KnownFile(page="a", file="a.md", layout="l")
    await bench.submit(effects=[SavePageFile(known), KeepPage("a", PAGE, "met")])
    assert bench.raw.damaged() == []
    alter(bench, damage.replace("BYTES", bench.raw.bytes("00")))
    assert list(bench.raw.damaged())[: len(named)] == named


@pytest.mark.parametrize(
    "damage", possible("batches SET details = '{'", "rounds SET terms = x'ff'")
)
async def test_a_batch_that_somebody_damaged_is_told_as_such(bench: Bench, damage: str) -> None:
    """Who reads it meets an error as where the disk refuses, and gets over it when it is mended."""
    await bench.submit()
    alter(bench, damage)
    with pytest.raises(StorageError, match="damaged") as caught:
        await bench.batch()
    assert isinstance(caught.value.__cause__, ValueError)
    alter(bench, damage.partition(" =")[0] + " = '{}'")
    await bench.batch()
