"""What jobs of one key are to each other: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.jobs.job import ENDED_JOB_STATES, Dedup, JobState, NewJob
from mcp_server.jobs.rules import coalescing


def job(dedup: Dedup, key: str | None = "a", subject: str = "", *, counted: bool = True) -> NewJob:
    """Return a new job with a key."""
    return NewJob(
        kind="toy", payload={}, subject=subject, dedup=dedup, dedup_key=key, counted=counted
    )


@st.composite
def calls(draw: st.DrawFn) -> list[tuple[str, NewJob]]:
    """Draw the jobs of one call, with their ids."""
    sorts = st.tuples(st.sampled_from(Dedup), st.sampled_from([None, "a", "b"]), st.booleans())
    drawn = draw(st.lists(sorts))
    return [
        (f"j{number}", job(dedup, key, str(number), counted=counted))
        for number, (dedup, key, counted) in enumerate(drawn)
    ]


@pytest.mark.parametrize(
    ("dedup", "own", "shared"),
    [
        (Dedup.NONE, None, None),
        (Dedup.SKIP, "a", None),
        (Dedup.COALESCE, None, "a"),
        (Dedup.REPLACE, None, "a"),
    ],
)
def test_a_key_is_a_jobs_own_or_shared_or_not_compared(
    dedup: Dedup, own: str | None, shared: str | None
) -> None:
    """As it is handed in, and as it is stored; without a key there is nothing to compare."""
    for written in (dedup, dedup.value):
        assert coalescing.own_key(written, "a") == own
        assert coalescing.shared_key(written, "a") == shared
        assert coalescing.own_key(written, None) is coalescing.shared_key(written, None) is None


def test_a_job_waits_in_every_state_but_running_and_the_ends() -> None:
    """So that what joins another always finds it."""
    runs_or_over = ENDED_JOB_STATES | {JobState.PROCESSING}
    assert set(JobState) - runs_or_over == coalescing.WAITING


def test_a_job_whose_own_key_is_held_is_left_out() -> None:
    """By others, or by one before it in the same call; those without a key never are."""
    keys = ["held", "free", None, "free", "held", None, "other"]
    kept = coalescing.not_repeated(range(7), keys, {"held"})
    assert kept == [1, 2, 5, 6]


def test_jobs_of_one_call_that_coalesce_become_the_first_of_them() -> None:
    """The others of the call keep their places."""
    first, later = job(Dedup.COALESCE, subject="1"), job(Dedup.COALESCE, subject="2")
    other, alone = job(Dedup.COALESCE, "b"), job(Dedup.NONE)
    handed_in = [("j1", first), ("j2", alone), ("j3", later), ("j4", other)]
    assert coalescing.merged(handed_in) == [("j1", first), ("j2", alone), ("j4", other)]


def test_the_last_of_a_call_that_replaces_is_done_under_the_id_of_the_first() -> None:
    """Counted as the first was: somebody may have been given its id."""
    first = job(Dedup.COALESCE, subject="1", counted=False)
    last = job(Dedup.REPLACE, subject="2", counted=True)
    assert coalescing.merged([("j1", first), ("j2", last)]) == [
        ("j1", last._replace(counted=False))
    ]


@given(calls())
def test_of_what_is_handed_in_one_job_is_left_for_each_shared_key(
    jobs: list[tuple[str, NewJob]],
) -> None:
    """In the order in which they came, and nothing else is left out; doing it twice is the same."""
    left = coalescing.merged(jobs)
    keys = [coalescing.shared_key(each.dedup, each.dedup_key) for _, each in left]
    shared = [key for key in keys if key is not None]
    assert len(shared) == len(set(shared))
    ids = [id for id, _ in jobs]
    assert [id for id, _ in left] == sorted((id for id, _ in left), key=ids.index)
    alone = [pair for pair in jobs if coalescing.shared_key(pair[1].dedup, "a") is None]
    without_key = [pair for pair in jobs if pair[1].dedup_key is None]
    assert all(pair in left for pair in [*alone, *without_key])
    assert coalescing.merged(left) == left


@pytest.mark.parametrize(
    ("dedup", "created_at", "takes"),
    [
        (Dedup.REPLACE, 2.0, True),
        (Dedup.REPLACE, 1.0, False),
        (Dedup.REPLACE, 0.5, False),
        (Dedup.COALESCE, 2.0, False),
    ],
)
def test_of_two_that_replace_each_other_the_work_of_the_later_one_is_done(
    dedup: Dedup, created_at: float, takes: bool
) -> None:
    """One that comes back to the queue may be the older one; one that coalesces gives way."""
    found = coalescing.takes_place(dedup, created_at=created_at, other_created_at=1.0)
    assert found is takes


@pytest.mark.parametrize(
    ("batches", "other_waits", "own", "wait"),
    [
        ([], False, None, []),
        ([], True, None, []),
        ([3], False, 3, []),
        ([3, 5, 8], False, 3, [5, 8]),
        ([3, 5, 8], True, None, [3, 5, 8]),
    ],
)
def test_the_work_of_a_cancelled_job_is_done_once_for_all_who_wait_for_it(
    batches: list[int], other_waits: bool, own: int | None, wait: list[int]
) -> None:
    """By the job of its key that waits, or by one that the first of them gets."""
    assert coalescing.heirs(batches, other_waits=other_waits) == (own, wait)
