"""How PostgreSQL finds jobs, where it has kept many: by an index, however a statement is written.

It plans by its statistics, so that there have to be jobs. Of SQLite, see `test_plans`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.transaction import query
from mcp_server.storage.sql.transaction import EVERYTHING
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.raw import PostgresRaw

KEPT = 20_000
MANY_JOBS = f"""
INSERT INTO batches (id, batch_id, kind, owner, interface, details, created_at)
SELECT n, 'b' || n, 'generate', 'ada', 'test', '{{}}', n
FROM generate_series(1, {KEPT // 100}) AS n;
INSERT INTO rounds (batch, number, state, terms, total, outstanding, change, ended_at)
SELECT id, 1, 'completed', '{{}}', 100, 0, id, id FROM batches;
INSERT INTO jobs (
    id, job_id, kind, payload, subject, state, priority, batch, counted, owner, interface, dedup,
    dedup_key, max_retries, created_at, due_at, attempt_id, lease_until, started_at, ended_at
)
SELECT
    n, 'j' || n, 'work', '{{}}', 'one', state, 0, 1 + (n - 1) / 100, 1, 'ada', 'test', 'skip',
    'draft:page' || n, 1, n, n, 'a' || n,
    CASE state WHEN 'processing' THEN n END, CASE state WHEN 'processing' THEN n END,
    CASE state WHEN 'completed' THEN n END
FROM (
    SELECT n, CASE WHEN n <= {KEPT - 100} THEN 'completed' WHEN n % 4 = 0 THEN 'processing'
    ELSE 'pending' END AS state
    FROM generate_series(1, {KEPT}) AS n
) AS made;
ANALYZE
"""
MANY_BATCHES = """
INSERT INTO batches (id, batch_id, kind, owner, interface, details, created_at)
SELECT n, 'b' || n, 'generate', 'ada', 'test', '{}', n FROM generate_series(1, 60000) AS n;
INSERT INTO rounds (batch, number, state, terms, total, outstanding, change, ended_at)
SELECT id, 1, 'completed', '{}', 100, 0, id, id FROM batches;
ANALYZE batches, rounds
"""
TEN = json.dumps([*range(1, 11)])
KEYS = json.dumps(["draft:page1", "draft:page2"])
ASKED: dict[str, tuple[str, dict[str, object]]] = {
    "cancel_jobs": ("jobs_pkey", {"jobs": TEN, "now": 1.0, "reason": None}),
    "claim_candidates": (
        "jobs_ready",
        {"kind": "work", "ability": None, "crashes": EVERYTHING, "limit": 10},
    ),
    "find_holders": ("jobs_key", {"keys": KEYS, "except_batch": None}),
    "list_claims": ("jobs_running", {"attempts": KEYS}),
    "list_jobs": (
        "jobs_of_batch",
        {"batch_id": "b7", "states": None, "limit": EVERYTHING, "after": 0},
    ),
    "list_jobs_at": ("jobs_pkey", {"jobs": TEN}),
    "list_keyed_jobs": (
        "jobs_key",
        {"ranges": json.dumps([["draft:page1", "draft:page1~"]]), "owner": None, "limit": 50},
    ),
    "list_lost_jobs": ("jobs_running", {"now": 1.0, "except_worker": "w", "limit": 10}),
    "list_running_jobs": ("jobs_running", {"batches": TEN}),
    "prune_jobs": ("jobs_pkey", {"jobs": TEN}),
    "put_record": ("jobs_pkey", {"jobs": TEN}),
    "renew_leases": ("jobs_running", {"attempts": KEYS, "lease_until": 1.0}),
}
"""What is asked often of the jobs, and by which index they are found."""
FEW = {"jobs_running", "jobs_skip"}
"""Indexes that hold few of these jobs, and may be gone through."""


@pytest.fixture
def schema(tmp_path: Path) -> Iterator[str]:
    """One that keeps many jobs, of which few are under way."""
    raw = PostgresRaw(tmp_path)
    for statement in MANY_JOBS.split(";"):
        raw.run(statement)
    yield SCHEMAS.of(tmp_path)
    raw.end()


def test_jobs_are_found_by_an_index_among_many(schema: str) -> None:
    """Lists that are handed in are looked up, whatever is the newest."""
    walked: dict[str, list[Any]] = {}
    with connect(server()) as planner:
        planner.execute(f"SET search_path = {schema}".encode())
        for name, (index, values) in ASKED.items():
            asked = f"EXPLAIN (FORMAT JSON) {query(name)}"
            row = planner.execute(asked.encode(), values).fetchone()
            assert row is not None
            found = [*_looks(row[0])]
            assert index in {look.get("Index Name") for look in found}, (name, found)
            if walks := [look for look in found if _is_walk(look)]:
                walked[name] = walks
    assert walked == {}


def test_batches_that_were_pruned_are_marked_by_an_index_among_many(tmp_path: Path) -> None:
    """Fewer are read as a whole, which costs less than to look up the hundred of one step."""
    raw = PostgresRaw(tmp_path)
    for statement in MANY_BATCHES.split(";"):
        raw.run(statement)
    with connect(server()) as planner:
        planner.execute(f"SET search_path = {SCHEMAS.of(tmp_path)}".encode())
        asked = f"EXPLAIN (FORMAT JSON) {query('mark_pruned')}"
        row = planner.execute(asked.encode(), {"batches": TEN, "until": 2}).fetchone()
    assert row is not None
    plan = json.dumps(row[0])
    assert "batches_pkey" in plan and "rounds_pkey" in plan
    assert not re.search(r'"Seq Scan", [^}]*"Relation Name"', plan)
    raw.end()


def _looks(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield the parts of a plan that look at jobs."""
    if isinstance(plan, dict):
        node = cast("dict[str, Any]", plan)
        index = str(node.get("Index Name", ""))
        if re.match("jobs_", index) or node.get("Relation Name") == "jobs":
            yield {key: value for key, value in node.items() if key != "Plans"}
        for value in node.values():
            yield from _looks(value)
    elif isinstance(plan, list):
        for each in cast("list[Any]", plan):
            yield from _looks(each)


def _is_walk(look: dict[str, Any]) -> bool:
    kind = look["Node Type"]
    if kind in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}:
        return "Index Cond" not in look and look["Index Name"] not in FEW
    return kind == "Seq Scan"
