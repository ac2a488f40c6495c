"""What an event says of a batch and of a job, and what it keeps to itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest

from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Origin, Step
from mcp_server.progress.event import ERRORS_MAX, TEXT_LENGTH, batch_event, job_event

MakeBatch = Callable[..., Batch]
MakeJob = Callable[..., Job]


def test_a_batch_that_runs(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """How far it is, what runs and how long it may still take."""
    batch = a_batch(
        completed=7,
        skipped=1,
        running=(
            a_job(0.5, started_at=1_050.0),
            a_job(id="job_2", subject="menu/drinks", started_at=1_055.0),
        ),
    )
    assert batch_event(batch, now=1_060).as_json() == {
        "id": "batch_1",
        "type": "batch",
        "name": "Content generation",
        "status": "processing",
        "message": "7/21 · drafting menu/drinks",
        "progress": {"current": 7, "total": 21, "percentage": 33},
        "batchDetails": {
            "kind": "generate",
            "round": 1,
            "totalOperations": 21,
            "completedOperations": 7,
            "skippedOperations": 1,
            "failedOperations": 0,
            "cancelledOperations": 0,
            "currentOperation": "drafting menu/drinks",
            "runningOperations": ["menu/hero", "menu/drinks"],
            "estimatedCompletion": "about 2 minutes",
        },
        "origin": {"owner": "local", "interface": "test"},
    }


def test_a_batch_that_waits_says_why(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """And when it goes on."""
    waiting = a_job(state=JobState.SCHEDULED, reason="m is busy.", due_at=1_100.0)
    event = batch_event(a_batch(waiting=waiting), now=1_060)
    assert event.message == "0/21 · waiting: m is busy, again in about 40 seconds"


def test_a_batch_that_failed_names_its_failures(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """The first of them; without an estimate, as it is over."""
    failures = tuple(a_job(subject=f"menu/s{n}", reason="no luck") for n in range(15))
    ended = {"state": BatchState.FAILED, "completed": 6, "failed": 15, "ended_at": 1_100.0}
    event = batch_event(a_batch(**ended, failures=failures), now=1_100)
    details = event.as_json()["batchDetails"]
    assert event.ended
    assert event.message == "21/21 · done, 15 failed"
    assert details["errors"] == [f"menu/s{n}: no luck" for n in range(ERRORS_MAX)]
    assert "estimatedCompletion" not in details
    assert "runningOperations" not in details


def test_a_job_that_runs(a_job: MakeJob) -> None:
    """Its own steps, and what it is at."""
    job = a_job(
        batch_id=None,
        kind="site-build",
        subject="menu",
        priority=10,
        attempts=1,
        step=Step(current=1, total=3, message="Building Menu"),
        origin=Origin(owner="local", interface="matrix", destination="!room:example.org"),
    )
    assert job_event(job).as_json() == {
        "id": "job_1",
        "type": "job",
        "name": "Site build menu",
        "status": "processing",
        "message": "Building Menu",
        "progress": {"current": 1, "total": 3, "percentage": 33},
        "jobDetails": {"jobType": "site-build", "subject": "menu", "priority": 10, "retryCount": 1},
        "origin": {"owner": "local", "interface": "matrix", "destination": "!room:example.org"},
    }


@pytest.mark.parametrize(
    ("state", "attempts", "retries"),
    [
        (JobState.PENDING, 0, 0),
        (JobState.SCHEDULED, 1, 1),
        (JobState.PROCESSING, 2, 2),
        (JobState.COMPLETED, 1, 0),
        (JobState.FAILED, 4, 3),
        (JobState.CANCELLED, 0, 0),
    ],
)
def test_retries_are_counted_without_the_first_try(
    a_job: MakeJob, state: JobState, attempts: int, retries: int
) -> None:
    """A try that ended is followed by a retry, unless it was the last."""
    details = job_event(a_job(state=state, attempts=attempts)).job
    assert details is not None
    assert details.retries == retries


def test_only_an_end_is_the_whole(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """A job that says it is through is not over; one that failed is not complete."""
    through = job_event(a_job(step=Step(current=3, total=3))).progress
    assert through is not None
    assert through.percentage == 99
    done = job_event(a_job(state=JobState.COMPLETED)).progress
    assert done is not None
    assert (done.current, done.total, done.percentage) == (1, 1, 100)
    failed = job_event(a_job(state=JobState.FAILED, step=Step(current=1, total=2))).progress
    assert failed is not None
    assert failed.percentage == 50
    assert job_event(a_job()).progress is None


def test_what_is_written_is_not_told(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """Neither payloads nor results, neither terms nor details."""
    secret = {"key": "sk-secret"}
    job = a_job(payload=secret, result=secret, requires="key:anthropic", attempt_id="a_secret")
    batch = a_batch(terms=secret, details=secret, running=(job,))
    for event in (job_event(job), batch_event(batch, now=1_000)):
        assert "secret" not in json.dumps(event.as_json())
        assert "secret" not in repr(event)


def test_texts_are_one_line_and_not_too_long(a_job: MakeJob) -> None:
    """Whatever a handler says: no sink has to look after its terminal or its room."""
    said = "one\ntwo\x1b[31m \u202ethree " + "x" * 500
    event = job_event(a_job(step=Step(current=1, total=2, message=said)))
    assert event.message is not None
    assert event.message.startswith("one two[31m three x")
    assert len(event.message) == TEXT_LENGTH
    assert event.message.endswith("…")


def test_kinds_and_origins_are_printable_too(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """They may be a plugin's words; an address keeps its length, as a part of one is none."""
    odd = "x\x1b[31m\n" + "y" * 300
    origin = Origin(owner=odd, interface=odd, destination=odd)
    batch = batch_event(a_batch(kind=odd, origin=origin), now=1_000).as_json()
    job = job_event(a_job(kind=odd, origin=origin)).as_json()
    texts = [batch["batchDetails"]["kind"], job["jobDetails"]["jobType"]]
    texts += [*batch["origin"].values(), *job["origin"].values()]
    assert all(text.startswith("x[31m y") and text.isprintable() for text in texts)
    assert [len(text) <= TEXT_LENGTH for text in texts] == [True] * 4 + [False, True, True, False]


@pytest.mark.parametrize("done", range(101))
def test_a_percentage_is_never_one_too_low(a_job: MakeJob, done: int) -> None:
    """Though 0.29 times a hundred is less than 29."""
    event = job_event(a_job(step=Step(current=done, total=100)))
    assert event.progress is not None
    assert event.progress.percentage == min(99, done)


def test_an_event_cannot_be_changed(a_job: MakeJob) -> None:
    """It goes to several listeners."""
    event = job_event(a_job())
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, "message", "mine")  # noqa: B010 -- pyright knows that it is not allowed
