"""Progress in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mcp_server.jobs.job import Batch, BatchState, Job, JobState
from mcp_server.progress.verbs import PROMOTE, kind_name, plain_verb, verb_of
from mcp_server.progress.words import current_task, duration, progress_line, relative_time

MakeBatch = Callable[..., Batch]
MakeJob = Callable[..., Job]


def test_a_batch_that_has_not_started_is_queued(a_batch: MakeBatch) -> None:
    """The first thing every queueing call says."""
    assert progress_line(a_batch(state=BatchState.PENDING, total=40)) == "0/40 queued"


@pytest.mark.parametrize(
    ("kind", "subject", "line"),
    [
        ("content-generate", "menu/hero", "7/21 · drafting menu/hero"),
        ("content-promote", "menu/hero", "7/21 · promoting menu/hero"),
        ("content-rollback", "menu/hero", "7/21 · rolling back menu/hero"),
        ("content-export", "menu", "7/21 · writing menu"),
        ("translate", "menu/hero", "7/21 · translate menu/hero"),
        ("translate", "", "7/21 · translate"),
    ],
)
def test_a_running_batch_says_what_it_does(
    a_batch: MakeBatch, a_job: MakeJob, kind: str, subject: str, line: str
) -> None:
    """A kind that nobody here knows is shown by its name."""
    assert progress_line(a_batch(completed=7, running=(a_job(kind=kind, subject=subject),))) == line


def test_of_several_jobs_the_newest_counted_one_is_named(
    a_batch: MakeBatch, a_job: MakeJob
) -> None:
    """An export that started later does not hide the promotion."""
    running = (
        a_job(id="a", subject="menu/old", started_at=1_001.0),
        a_job(id="b", subject="menu/new", started_at=1_002.0),
        a_job(id="c", kind="content-export", subject="menu", started_at=1_003.0, counted=False),
    )
    assert current_task(a_batch(running=running)) == "drafting menu/new"
    assert current_task(a_batch()) is None


@pytest.mark.parametrize(
    ("different", "line"),
    [
        ({"state": BatchState.COMPLETED, "completed": 21}, "21/21 · done"),
        ({"state": BatchState.FAILED, "completed": 20, "failed": 1}, "21/21 · done, 1 failed"),
        ({"state": BatchState.FAILED, "completed": 21}, "21/21 · failed"),
        ({"state": BatchState.CANCELLED, "completed": 3}, "3/21 · cancelled"),
        ({"state": BatchState.PENDING, "total": 0}, "queued"),
        ({"state": BatchState.COMPLETED, "total": 0}, "done"),
        ({"state": BatchState.PAUSED, "completed": 3}, "3/21 · paused"),
        (
            {"state": BatchState.PAUSED, "completed": 3, "reason": "the key was refused"},
            "3/21 · paused: the key was refused",
        ),
        ({"completed": 3}, "3/21 · waiting"),
        ({"completed": 3, "failed": 1}, "4/21 · waiting, 1 failed so far"),
        ({"state": BatchState.PENDING, "completed": 3}, "3/21 · waiting"),
    ],
)
def test_every_state_has_its_words(
    a_batch: MakeBatch, different: dict[str, object], line: str
) -> None:
    """What is over is said first, and why it stands still after it."""
    assert progress_line(a_batch(**different)) == line


def test_a_batch_that_waits_says_why_and_when_it_goes_on(
    a_batch: MakeBatch, a_job: MakeJob
) -> None:
    """On one line, and not before it has begun to wait for nothing; without `now`, not when."""
    job = a_job(
        state=JobState.SCHEDULED, reason="m could not answer\nnow (HTTP 429).", due_at=1_040.0
    )
    batch = a_batch(completed=3, failed=1, waiting=job)
    why = "4/21 · waiting: m could not answer now (HTTP 429)"
    assert progress_line(batch) == f"{why}, 1 failed so far"
    assert progress_line(batch, now=1_000.0) == (
        f"{why}, again in about 40 seconds, 1 failed so far"
    )
    assert "a few seconds" in progress_line(batch, now=2_000.0)
    long = progress_line(replace(batch, waiting=job._replace(reason="x" * 999)))
    assert len(long) < 250


def test_batches_are_named_for_people() -> None:
    """And a plugin's by its own name."""
    assert kind_name("generate") == "Content generation"
    assert kind_name("promote") == "Content promotion"
    assert kind_name("rollback") == "Content rollback"
    assert kind_name("site-build") == "Site build"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3.0, "just now"),
        (4.9, "just now"),
        (30.2, "30 seconds ago"),
        (59.9, "59 seconds ago"),
        (60.0, "1 minute ago"),
        (150.0, "2 minutes ago"),
        (3_600.0, "1 hour ago"),
        (200_000.0, "2 days ago"),
    ],
)
def test_how_long_ago_something_was(seconds: float, words: str) -> None:
    """Only time that has passed is counted."""
    assert relative_time(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "a few seconds"),
        (28.0, "about 30 seconds"),
        (54.9, "about 55 seconds"),
        (55.0, "about 1 minute"),
        (110.0, "about 2 minutes"),
        (5_000.0, "about 1 hour"),
        (90_000.0, "about 1 day"),
    ],
)
def test_how_long_something_takes(seconds: float, words: str) -> None:
    """Rounded, as it is a guess."""
    assert duration(seconds) == words


def test_a_batchs_own_words_are_taken_as_far_as_they_are_texts(a_batch: MakeBatch) -> None:
    """Whoever wrote the row: nothing else of a verb can be set, and nothing breaks."""
    given = {"name": "Word count", "past": 3, "writes_files": True, "next_tool": "promote"}
    batch = a_batch(kind="counts", details={"words": given})
    assert verb_of(batch) == replace(plain_verb("counts"), name="Word count")
    assert verb_of(replace(batch, details={"words": 3})) == plain_verb("counts")
    assert verb_of(replace(batch, kind="promote")) == PROMOTE
