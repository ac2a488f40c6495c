"""What must hold of a workspace's rows after anything that may happen to it.

Reads them past all our own code, so that a mistake in it cannot hide. The statements mean the same
to SQLite and to PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

BEHIND = """
EXISTS (
    SELECT 1 FROM following WHERE following.batch = jobs.batch AND what <> 'retry'
    AND jobs.id > after AND jobs.id <= following.until
)
"""
"""Of a job: that it has not followed yet what was said of its batch."""

CANCELLED = """
(jobs.state = 'cancelled' OR jobs.state IN ('scheduled', 'pending', 'paused') AND EXISTS (
    SELECT 1 FROM following WHERE following.batch = jobs.batch AND what = 'cancel'
    AND jobs.id > after AND jobs.id <= following.until
))
"""
"""Of a counted job: that it is cancelled, whether it has followed or not."""

UNFINISHED = "('scheduled', 'pending', 'processing', 'paused')"
OPEN = "('pending', 'processing', 'paused')"
PRESENT_ROUND = "JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round"


def check_invariants(path: Path) -> None:
    """Fail, naming every row that contradicts another. A file that is not there is fine."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        problems = list(_problems(connection))
    assert not problems, "the file contradicts itself:\n" + "\n".join(problems)


def _problems(connection: sqlite3.Connection) -> Iterator[str]:
    for name, (statement, _why) in CHECKS.items():
        # What SQLite calls IS NOT; it knows the standard's words from 3.39 on.
        for row in connection.execute(statement.replace("IS DISTINCT FROM", "IS NOT")):
            yield f"{name}: {dict(row)}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"a row refers to nothing: {tuple(row)}"
    [(verdict,)] = connection.execute("PRAGMA quick_check").fetchall()[:1]
    if verdict != "ok":
        yield f"the file is damaged: {verdict}"


CHECKS: dict[str, tuple[str, str]] = {
    "a batch does not wait for exactly its unfinished jobs": (
        f"""
        SELECT batch_id, state, outstanding, own, others FROM (
            SELECT *,
                (SELECT count(*) FROM jobs WHERE batch = batches.id AND state IN {UNFINISHED}
                    AND NOT (counted = 1 AND {CANCELLED}))
                    AS own,
                (SELECT count(*) FROM awaited WHERE batch = batches.id) AS others
            FROM batches {PRESENT_ROUND}
        ) WHERE outstanding <> own + others
        """,
        "otherwise it never ends, or ends too early",
    ),
    "a batch's counters are not its jobs": (
        f"""
        SELECT * FROM (
            SELECT batch_id, state, round, total, completed, skipped, failed, cancelled,
                (SELECT count(*) FROM jobs WHERE batch = batches.id AND counted = 1
                    AND round = batches.round) AS n,
                (SELECT count(*) FROM jobs WHERE batch = batches.id AND counted = 1
                    AND round = batches.round AND state = 'completed') AS n_completed,
                (SELECT count(*) FROM jobs WHERE batch = batches.id AND counted = 1
                    AND round = batches.round AND state = 'completed' AND code = 'skipped')
                    AS n_skipped,
                (SELECT count(*) FROM jobs WHERE batch = batches.id AND counted = 1
                    AND round = batches.round AND state = 'failed') AS n_failed,
                (SELECT count(*) FROM jobs WHERE batch = batches.id AND counted = 1
                    AND round = batches.round AND {CANCELLED}) AS n_cancelled,
                ended_at
            FROM batches {PRESENT_ROUND}
        )
        WHERE (total, completed, skipped, failed, cancelled)
            <> (n, n_completed, n_skipped, n_failed, n_cancelled)
        AND NOT (ended_at IS NOT NULL AND n < total)
        """,
        "where an ended batch has fewer jobs than it counted, they were pruned",
    ),
    "a round is over and waits, or waits for nothing and is not over": (
        f"""
        SELECT batch, number, state, outstanding, ended_at FROM rounds
        WHERE ((state IN {OPEN}) = (outstanding = 0) OR (state IN {OPEN}) <> (ended_at IS NULL))
        AND NOT (
            state IN {OPEN} AND outstanding = 0
            AND batch IN (SELECT batch FROM following WHERE what = 'retry')
        )
        """,
        "the end of a round is the moment its last job ends",
    ),
    "a batch has not exactly one row for each of its rounds": (
        """
        SELECT batch_id, round, count(number) AS n, max(number) AS last
        FROM batches LEFT JOIN rounds ON rounds.batch = batches.id
        GROUP BY batches.id HAVING count(number) <> round OR max(number) <> round
        """,
        "the newest is the present one",
    ),
    "another round has followed one that is not over, or that would be pruned": (
        """
        SELECT batch_id, number, rounds.state, rounds.pruned FROM batches
        JOIN rounds ON rounds.batch = batches.id AND rounds.number < batches.round
        WHERE rounds.ended_at IS NULL OR rounds.pruned <> 2
        """,
        "jobs that were taken up again are of the present round",
    ),
    "a running job has no claim, or a job that does not run has a lease": (
        """
        SELECT job_id, state, attempt_id, worker_id, lease_until FROM jobs
        WHERE (state = 'processing') <> (lease_until IS NOT NULL)
        OR (state = 'processing' AND (attempt_id IS NULL OR worker_id IS NULL))
        """,
        "a claim and a lease come and go together",
    ),
    "a job is over without a time, or has one and is not over": (
        """
        SELECT job_id, state, ended_at FROM jobs
        WHERE (state IN ('completed', 'failed', 'cancelled')) <> (ended_at IS NOT NULL)
        """,
        "",
    ),
    "a counted job waits for a worker although its batch is paused": (
        f"""
        SELECT job_id, jobs.state FROM jobs
        JOIN batches ON batches.id = jobs.batch {PRESENT_ROUND}
        WHERE rounds.state = 'paused' AND counted = 1 AND jobs.state IN ('pending', 'scheduled')
        AND NOT {BEHIND}
        """,
        "",
    ),
    "a job is paused and nothing would resume it": (
        f"""
        SELECT job_id FROM jobs
        LEFT JOIN batches ON batches.id = jobs.batch
        LEFT JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
        WHERE jobs.state = 'paused' AND rounds.state IS DISTINCT FROM 'paused' AND NOT {BEHIND}
        """,
        "`retry` resumes the jobs of paused batches only",
    ),
    "two jobs of a shared key run, or two wait": (
        """
        SELECT dedup_key, state = 'processing' AS running, count(*) AS n FROM jobs
        WHERE dedup IN ('coalesce', 'replace') AND dedup_key IS NOT NULL
        AND state IN ('scheduled', 'pending', 'processing', 'paused')
        GROUP BY 1, 2 HAVING count(*) > 1
        """,
        "R20",
    ),
    "jobs are to follow two things that exclude each other, or what their batch does not say": (
        f"""
        SELECT * FROM (
            SELECT following.batch, rounds.state, stopping, count(*) AS n,
                sum(CASE WHEN what = 'retry' THEN 1 ELSE 0 END) AS retries,
                sum(CASE WHEN what = 'cancel' THEN 1 ELSE 0 END) AS cancels,
                sum(CASE WHEN what = 'pause' THEN 1 ELSE 0 END) AS pauses
            FROM following
            JOIN batches ON batches.id = following.batch {PRESENT_ROUND}
            GROUP BY following.batch, rounds.state, stopping
        ) AS said
        WHERE n > 1 + retries OR cancels <> stopping
        OR pauses = 1 AND state IN ('pending', 'processing')
        OR retries = 1 AND state NOT IN {OPEN}
        """,
        "what was said last holds",
    ),
    "two unfinished jobs hold the same key": (
        f"""
        SELECT dedup_key, count(*) AS n FROM jobs
        WHERE dedup = 'skip' AND dedup_key IS NOT NULL AND state IN {UNFINISHED}
        GROUP BY 1 HAVING count(*) > 1
        """,
        "R3",
    ),
    "a batch waits for a job that is over, or for its own twice": (
        f"""
        SELECT awaited.job, awaited.batch FROM awaited JOIN jobs ON jobs.id = awaited.job
        WHERE jobs.state NOT IN {UNFINISHED} OR jobs.batch = awaited.batch
        """,
        "",
    ),
    "a job wrote the same text twice": (
        """
        SELECT job_id, type, entity_id, count(*) AS n FROM revisions
        WHERE job_id IS NOT NULL AND effective = 1
        GROUP BY 1, 2, 3 HAVING count(*) > 1
        """,
        "effects are applied once",
    ),
    "a current revision is not the newest, or not that of its entity": (
        """
        SELECT entities.type, entities.entity_id, current FROM entities
        LEFT JOIN revisions ON revisions.id = entities.current
        WHERE revisions.type IS DISTINCT FROM entities.type
        OR revisions.entity_id IS DISTINCT FROM entities.entity_id
        OR revisions.effective = 0
        OR (
            SELECT CASE
                WHEN count(*) = 0 THEN 0
                WHEN entities.type <> 'site-content-preview' OR revisions.markdown IS NULL THEN 1
                ELSE sum(CASE WHEN later.markdown IS NULL THEN -1 ELSE 1 END)
            END
            FROM revisions AS later
            WHERE later.type = entities.type AND later.entity_id = entities.entity_id
            AND later.effective = 1 AND later.id > current
        ) <> 0
        """,
        "of later drafts each was discarded again",
    ),
    "what is known of a current revision is not what stands in it": (
        """
        SELECT entities.type, entities.entity_id, current FROM entities
        JOIN revisions ON revisions.id = entities.current
        WHERE revisions.content_hash IS DISTINCT FROM entities.content_hash
        OR revisions.base IS DISTINCT FROM entities.base
        OR revisions.withdrawn IS DISTINCT FROM entities.withdrawn
        """,
        "a look at all sections reads the entities alone",
    ),
    "a round changed later than anything": (
        """
        SELECT batch, number, change FROM rounds
        WHERE change > (SELECT value FROM counters WHERE name = 'change')
        """,
        "",
    ),
    "the sums of what models cost are not those of the entries": (
        """
        SELECT * FROM (
            SELECT scope, name, requests, unpriced, reserved, spent, input_tokens, output_tokens
            FROM usage_sums
        )
        EXCEPT
        SELECT scope, name, count(*),
            sum(CASE WHEN coalesce(cost, reserved_cost) IS NULL THEN 1 ELSE 0 END),
            sum(CASE WHEN closed_at IS NULL THEN coalesce(reserved_cost, 0) ELSE 0 END),
            sum(coalesce(cost, 0)), sum(coalesce(input_tokens, 0)),
            sum(coalesce(output_tokens, 0))
        FROM (
            SELECT 'model' AS scope, model AS name, * FROM usage
            UNION ALL SELECT 'day', CAST(day AS TEXT), * FROM usage
            UNION ALL SELECT 'batch', batch_id, * FROM usage WHERE batch_id IS NOT NULL
        )
        GROUP BY scope, name
        """,
        "a budget is held by them",
    ),
}
"""By what is wrong: the rows of which it is true, and why it must not be."""
