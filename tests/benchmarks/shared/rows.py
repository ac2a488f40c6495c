"""Our rows, written by plain SQL: for tables that are full already."""

from __future__ import annotations

from tests.benchmarks.pressroom import ORIGIN, SCHEMA
from tests.benchmarks.shared.systems import statement

BATCH = """
INSERT INTO batches (batch_id, kind, owner, interface, details, created_at)
VALUES ('b_kept', 'benchmark', '{owner}', 'test', '{{}}', extract(epoch FROM now()))
"""
ROUND = """
INSERT INTO rounds (
    batch, number, state, terms, total, completed, outstanding, started_at, ended_at, change
)
SELECT
    id, 1, 'completed', '{{}}', {count}, {count}, 0, created_at, created_at,
    (SELECT value FROM counters WHERE name = 'change')
FROM batches WHERE batch_id = 'b_kept'
"""
JOBS = """
INSERT INTO jobs (
    id, job_id, kind, payload, subject, state, priority, batch, counted, owner, interface, dedup,
    max_retries, attempts, created_at, due_at, started_at, ended_at, attempt_id, worker_id, result
)
SELECT
    number, 'j_' || lpad(CAST(number AS text), 26, '0'), 'noop',
    '{{"number":' || number || '}}', CAST(number AS text), 'completed', 0, batches.id, 1, '{owner}',
    'test', 'none', 3, 1, created_at, created_at, created_at, created_at,
    'a_' || lpad(CAST(number AS text), 26, '0'), 'w_' || lpad('1', 26, '0'), '{{}}'
FROM batches, generate_series(1, {count}) AS given (number) WHERE batch_id = 'b_kept'
"""
NEWEST = "UPDATE counters SET value = greatest(value, {count}) WHERE name = 'newest_job'"


def keep(address: str, count: int) -> None:
    """Fill our tables with a batch of jobs that have ended, cleared up as in time the server does.

    That is not to happen while something is measured.
    """
    texts = (BATCH, ROUND, JOBS, NEWEST) if count else ()
    made = [text.format(count=count, owner=ORIGIN.owner) for text in texts]
    statement(address, f"SET search_path = {SCHEMA}", *made, "VACUUM ANALYZE")
