"""One row that somebody damaged costs nobody else anything, and is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from mcp_server.entities.entity import PREVIEW
from mcp_server.entities.usage import Limits
from mcp_server.errors import StorageError
from mcp_server.jobs.job import JobState
from mcp_server.jobs.outcome import Done
from mcp_server.jobs.records import Host
from mcp_server.storage.sqlite.content.rows import DAMAGED_FINDINGS
from mcp_server.storage.sqlite.file.examine import damaged_rows
from tests.storage.stores import Bench, a_job, a_text
from tests.storage.test_attempts import ids
from tests.storage.test_usage import reserve

pytestmark = pytest.mark.anyio

BAD = "CAST(x'7b2261223a2261ff227d' AS TEXT)"
"""`{"a":"a\\xff"}`: JSON, but for a byte that is no UTF-8."""

PAYLOADS = [BAD, "'{'", "x'ff'", "'[]'", "7", "''"]
"""What somebody may have written in place of a payload."""


def alter(bench: Bench, damage: str) -> None:
    """Change rows past all our own code."""
    with closing(sqlite3.connect(bench.path)) as connection, connection:
        assert connection.execute(f"UPDATE {damage}").rowcount == 1


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


@pytest.mark.parametrize("terms", [BAD, "'{'", "x'ff'"])
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
    alter(bench, f"rounds SET terms = {BAD} WHERE batch = 1")
    assert ids(await bench.claim(2)) == ["b2.1"]


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


async def test_a_host_that_cannot_be_read_hides_no_other(bench: Bench) -> None:
    """Who starts workers, and who tells how they are, goes by all of them."""
    for id in ("a", "b"):
        host = Host(id=id, role="server", pid=1, version="1", abilities=frozenset())
        await bench.store.announce(host, now=bench.now)
    alter(bench, f"hosts SET details = {BAD} WHERE id = 'a'")
    assert [host.id for host in await bench.store.hosts(seen_after=0)] == ["b"]


@pytest.mark.parametrize("fields", [BAD, "'{'", "x'ff'", "'[]'"])
async def test_a_text_whose_fields_cannot_be_read_hides_no_other(bench: Bench, fields: str) -> None:
    """It has no fields then, and is the same text: its hash is that of its Markdown."""
    await bench.entities.adopt([a_text("a/b"), a_text("c/d")], {}, now=bench.now)
    before = await bench.entities.get_all(PREVIEW)
    alter(bench, f"revisions SET fields = {fields} WHERE entity_id = 'a/b'")
    after = await bench.entities.get_all(PREVIEW)
    assert after["c/d"] == before["c/d"]
    assert (dict(after["a/b"].current.fields), after["a/b"].hash) == ({}, before["a/b"].hash)


@pytest.mark.parametrize(
    "findings", [BAD, "'{'", "x'ff'", "'[7]'", '\'[{"level":"held","kind":7}]\'']
)
async def test_a_draft_whose_findings_cannot_be_read_is_kept_back(
    bench: Bench, findings: str
) -> None:
    """R32: nobody can say that nothing was found in it."""
    await bench.entities.adopt([a_text("a/b"), a_text("c/d")], {}, now=bench.now)
    alter(bench, f"revisions SET findings = {findings} WHERE entity_id = 'a/b'")
    after = await bench.entities.get_all(PREVIEW)
    assert after["c/d"].current.findings is None
    assert after["a/b"].current.findings == DAMAGED_FINDINGS


async def test_where_amounts_cannot_be_read_nothing_is_paid_for(bench: Bench) -> None:
    """No budget is passed; whoever asks is told who names the row, and it is named."""
    await bench.submit("b1")
    attempt = await bench.start()
    assert (await reserve(bench, attempt, 5))[1].verdict == "granted"
    alter(bench, "usage_sums SET spent = 'x' WHERE scope = 'day'")
    with pytest.raises(StorageError, match="pressroom doctor"):
        await reserve(bench, attempt, 5, Limits(day=100))
    [named] = damaged_rows(bench.path)
    assert named.startswith("spent of ") and named.endswith(" in usage_sums")
    alter(bench, "usage_sums SET spent = 0 WHERE scope = 'day'")


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
        (f"jobs SET payload = {BAD}", ["payload of b1.1 in jobs"]),
        ("jobs SET due_at = 'x'", ["due_at of b1.1 in jobs"]),
        (f"jobs SET subject = {BAD}, result = '{{'", ["subject of b1.1 in jobs"]),
        ("batches SET details = '{'", ["details of b1 in batches"]),
        ("rounds SET terms = x'ff'", ["terms of 1 in rounds"]),
    ],
)
async def test_what_is_damaged_is_named(bench: Bench, damage: str, named: list[str]) -> None:
    """A file in order has none of it."""
    await bench.submit()
    assert damaged_rows(bench.path) == []
    alter(bench, damage)
    assert list(damaged_rows(bench.path))[: len(named)] == named
