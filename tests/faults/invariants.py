"""What is true of a workspace's database at every moment, whoever was killed before it.

No job is lost and none is finished twice; counters equal the jobs; a round has one end; a finished
job that writes has one revision, and no other has any.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

BROKEN: Mapping[str, str] = {
    "the counters of a batch are not those of its jobs": """
        SELECT batch_id, state, counted.* FROM batches
        JOIN (
            SELECT batches.id AS batch,
                count(jobs.id) AS jobs,
                coalesce(sum(jobs.state = 'completed'), 0) AS completed,
                coalesce(sum(jobs.state = 'completed' AND jobs.code IS 'skipped'), 0) AS skipped,
                coalesce(sum(jobs.state = 'failed'), 0) AS failed,
                coalesce(sum(jobs.state = 'cancelled'), 0) AS cancelled
            FROM batches
            LEFT JOIN jobs
                ON jobs.batch = batches.id AND jobs.round = batches.round AND jobs.counted
            GROUP BY batches.id
        ) AS counted ON counted.batch = batches.id
        WHERE (total, batches.completed, batches.skipped, batches.failed, batches.cancelled)
        IS NOT (jobs, counted.completed, counted.skipped, counted.failed, counted.cancelled)
    """,
    "a batch waits for other jobs than those that are left": """
        SELECT batch_id, state, outstanding, open FROM (
            SELECT batches.*,
                (
                    SELECT count(*) FROM jobs WHERE jobs.batch = batches.id
                    AND jobs.state NOT IN ('completed', 'failed', 'cancelled')
                ) + (SELECT count(*) FROM awaited WHERE awaited.batch = batches.id) AS open
            FROM batches
        )
        WHERE outstanding <> open
    """,
    "a batch has ended while jobs are left, or goes on without any": """
        SELECT batch_id, state, outstanding FROM batches
        WHERE (state IN ('completed', 'failed', 'cancelled')) <> (outstanding = 0)
    """,
    "a batch has ended without the time of it, or has one without an end": """
        SELECT batch_id, state, ended_at FROM batches
        WHERE (state IN ('completed', 'failed', 'cancelled')) <> (ended_at IS NOT NULL)
    """,
    "a round has no end of its own": """
        SELECT batch_id, round, count(rounds.number) FROM batches
        LEFT JOIN rounds ON rounds.batch = batches.id
        GROUP BY batches.id
        HAVING count(rounds.number) <> round - (batches.ended_at IS NULL)
        OR coalesce(max(rounds.number), 0) <> round - (batches.ended_at IS NULL)
    """,
    "the end of a round says something else than its batch": """
        SELECT batch_id, batches.state, rounds.state FROM batches
        JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
        WHERE (rounds.state, rounds.total, rounds.completed, rounds.failed, rounds.cancelled)
        IS NOT (
            batches.state, batches.total, batches.completed, batches.failed, batches.cancelled
        )
    """,
    "a job has ended without the time of it, or has one without an end": """
        SELECT job_id, state, ended_at FROM jobs
        WHERE (state IN ('completed', 'failed', 'cancelled')) <> (ended_at IS NOT NULL)
    """,
    "a job is worked on by nobody, or a lease is held for nothing": """
        SELECT job_id, state, attempt_id, lease_until FROM jobs
        WHERE (state = 'processing') <> (lease_until IS NOT NULL)
        OR (state = 'processing' AND attempt_id IS NULL)
    """,
    "a job that writes and was completed has not one revision": """
        SELECT jobs.job_id, subject, count(revisions.id) FROM jobs
        LEFT JOIN revisions ON revisions.job_id = jobs.job_id AND revisions.effective
        WHERE jobs.state = 'completed' AND jobs.code IS NULL
        AND kind IN ('content-generate', 'content-promote', 'content-rollback')
        GROUP BY jobs.id
        HAVING count(revisions.id) <> 1
    """,
    "a job that was not completed has written": """
        SELECT jobs.job_id, jobs.state, revisions.id FROM jobs
        JOIN revisions ON revisions.job_id = jobs.job_id AND revisions.effective
        WHERE jobs.state <> 'completed' OR jobs.code IS NOT NULL
    """,
    "an entity shows another revision than its newest": """
        SELECT entities.type, entities.entity_id, current, max(revisions.id) FROM entities
        JOIN revisions USING (type, entity_id)
        WHERE revisions.effective
        GROUP BY entities.type, entities.entity_id
        HAVING current <> max(revisions.id)
    """,
    "two unfinished jobs hold the same key": """
        SELECT dedup_key, count(*) FROM jobs
        WHERE dedup = 'skip' AND state NOT IN ('completed', 'failed', 'cancelled')
        GROUP BY dedup_key HAVING count(*) > 1
    """,
    "a page is exported twice at once": """
        SELECT dedup_key, count(*) FROM jobs WHERE dedup = 'coalesce' AND state = 'processing'
        GROUP BY dedup_key HAVING count(*) > 1
    """,
}
"""For each thing that must not be, the statement that finds it. Nothing may have been pruned."""


def database(root: Path) -> Path:
    """Return where the workspace's database lies."""
    return root / ".pressroom" / "pressroom.db"


def violations(file: Path) -> list[str]:
    """Return what is wrong in a database, one line each; all of it is read from one snapshot."""
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        connection.execute("BEGIN")
        return list(_violations(connection))


def assert_sound(root: Path) -> None:
    """Fail with everything that is wrong in the workspace's database."""
    found = violations(database(root))
    assert not found, "\n".join(found)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a batch ended: its state and the counters of its last round."""

    state: str
    total: int
    completed: int
    failed: int
    revisions: int
    """Effective revisions that it wrote."""
    sections: int
    """Different sections among them."""
    crashes: int
    """Attempts that were lost with their worker."""


def ended(root: Path, batch_id: str) -> Ended:
    """Return how a batch ended, after the check that the whole database is sound."""
    assert_sound(root)
    with closing(sqlite3.connect(database(root), timeout=10)) as connection:
        row = connection.execute(
            """
            SELECT state, total, completed, failed,
                (SELECT count(*) FROM revisions AS r WHERE r.batch_id = b.batch_id AND effective),
                (
                    SELECT count(DISTINCT entity_id) FROM revisions AS r
                    WHERE r.batch_id = b.batch_id AND effective
                ),
                (SELECT sum(crashes) FROM jobs WHERE jobs.batch = b.id)
            FROM batches AS b WHERE batch_id = ? AND ended_at IS NOT NULL
            """,
            (batch_id,),
        ).fetchone()
    assert row is not None, f"batch {batch_id} has not ended"
    return Ended(*row)


def assert_each_section_once(root: Path, batch_id: str, sections: int) -> Ended:
    """Fail unless the batch completed and wrote each of so many sections exactly once."""
    end = ended(root, batch_id)
    assert end.state == "completed", end
    assert (end.total, end.completed, end.failed) == (sections, sections, 0), end
    assert (end.revisions, end.sections) == (sections, sections), end
    return end


def _violations(connection: sqlite3.Connection) -> Generator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"the file is damaged: {line}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"a row refers to nothing: {row}"
    for what, statement in BROKEN.items():
        for row in connection.execute(statement):
            yield f"{what}: {row}"
