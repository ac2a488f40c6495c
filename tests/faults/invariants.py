"""What is true of a workspace's database at every moment, whoever was killed before it.

Beside what holds of any queue (no job lost, none finished twice, counters equal to the jobs, one
end for each round): a completed job that writes has one revision, and no other has any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import databases
from tests.storage.invariants import CHECKS, check_invariants
from tests.wire import query

BROKEN: Mapping[str, str] = {
    "a job that writes and was completed has not one revision": """
        SELECT jobs.job_id, subject, count(revisions.id) FROM jobs
        LEFT JOIN revisions ON revisions.job_id = jobs.job_id AND revisions.effective = 1
        WHERE jobs.state = 'completed' AND jobs.code IS NULL
        AND kind IN ('content-generate', 'content-promote', 'content-rollback')
        GROUP BY jobs.id
        HAVING count(revisions.id) <> 1
    """,
    "a job that was not completed has written": """
        SELECT jobs.job_id, jobs.state, revisions.id FROM jobs
        JOIN revisions ON revisions.job_id = jobs.job_id AND revisions.effective = 1
        WHERE jobs.state <> 'completed' OR jobs.code IS NOT NULL
    """,
}
"""For each thing that must not be, the statement that finds it."""


def database(root: Path) -> Path:
    """Return where the workspace's database lies."""
    return root / ".pressroom" / "pressroom.db"


def assert_sound(root: Path) -> None:
    """Fail with what is wrong in the workspace's database. Nothing may have been pruned."""
    if databases.address() is None:
        check_invariants(database(root))
    else:
        for what, (statement, _why) in CHECKS.items():
            found = query(root, statement)
            assert not found, f"{what}: {found}"
    for what, statement in BROKEN.items():
        found = query(root, statement)
        assert not found, f"{what}: {found}"


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
    rows = query(
        root,
        """
        SELECT rounds.state, total, completed, failed,
            (SELECT count(*) FROM revisions AS r WHERE r.batch_id = b.batch_id AND effective = 1),
            (
                SELECT count(DISTINCT entity_id) FROM revisions AS r
                WHERE r.batch_id = b.batch_id AND effective = 1
            ),
            (SELECT sum(crashes) FROM jobs WHERE jobs.batch = b.id)
        FROM batches AS b
        JOIN rounds ON rounds.batch = b.id AND rounds.number = b.round
        WHERE batch_id = ? AND rounds.ended_at IS NOT NULL
        """,
        batch_id,
    )
    assert rows, f"batch {batch_id} has not ended"
    return Ended(*rows[0])


def assert_each_section_once(root: Path, batch_id: str, sections: int) -> Ended:
    """Fail unless the batch completed and wrote each of so many sections exactly once."""
    end = ended(root, batch_id)
    assert end.state == "completed", end
    assert (end.total, end.completed, end.failed) == (sections, sections, 0), end
    assert (end.revisions, end.sections) == (sections, sections), end
    return end
