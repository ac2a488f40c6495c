"""What `status --follow` shows: bars and lines that move, and lines where nothing can."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from mcp_server.interfaces.cli.bars import SHOWN_MAX, Bars
from mcp_server.interfaces.cli.lines import Lines, doing, event_line
from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Step
from mcp_server.progress.event import ProgressEvent, batch_event, job_event
from tests.specimens import BATCH, JOB


def a_job(id: str = "j_1", **different: Any) -> Job:
    """Make a job that runs."""
    made: dict[str, Any] = {"kind": "count-words", "subject": "menu", "batch_id": None}
    return JOB._replace(id=id, **(made | different))


def a_batch(state: BatchState = BatchState.PROCESSING, *running: str, done: int = 7) -> Batch:
    """Make a batch of 21 sections, begun 70 seconds ago; what runs of it, just now."""
    begun = BATCH.created_at + 70
    kind = {"kind": "content-generate", "started_at": begun}
    jobs = [a_job(each, subject=each, **kind) for each in running]
    return replace(BATCH, id="b_1", state=state, completed=done, running=tuple(jobs))


def told(batch: Batch) -> ProgressEvent:
    """The event of a batch after 70 seconds."""
    return batch_event(batch, now=BATCH.created_at + 70)


RUNNING = told(a_batch(BatchState.PROCESSING, "menu/hero"))
ENDED = told(a_batch(BatchState.COMPLETED, done=21))
ASKING = Step(current=1, total=4, message="asking")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (told(a_batch(BatchState.PENDING, done=0)), "Content generation b_1: 0/21 queued"),
        (
            RUNNING,
            "Content generation b_1: 7/21 · drafting menu/hero · about 2 minutes left",
        ),
        (ENDED, "Content generation b_1: 21/21 · done"),
        (job_event(a_job(step=ASKING)), "Count words menu j_1: processing · 25 % · asking"),
        (job_event(a_job()), "Count words menu j_1: processing"),
        (
            job_event(a_job(state=JobState.FAILED, reason="bad luck", step=ASKING)),
            "Count words menu j_1: failed · bad luck",
        ),
        (job_event(a_job(state=JobState.COMPLETED)), "Count words menu j_1: completed"),
    ],
)
def test_an_event_is_a_line(event: ProgressEvent, line: str) -> None:
    """What it is, which, and where it stands."""
    assert event_line(event) == line


def test_a_line_is_not_said_twice() -> None:
    """An event that changes nothing of it is passed over; nothing is kept of what is over."""
    said: list[str] = []
    board = Lines(said.append)
    for event in (RUNNING, RUNNING, ENDED, RUNNING):
        board.show(event)
    assert said == [event_line(event) for event in (RUNNING, ENDED, RUNNING)]


def test_what_runs_side_by_side_is_named_up_to_three() -> None:
    """The rest is counted."""
    names = [f"menu/s{n}" for n in range(1, 6)]
    batch = a_batch(BatchState.PROCESSING, *names)
    assert doing(told(batch)) == "drafting menu/s5, menu/s1, menu/s2, 2 more"
    assert doing(told(a_batch())) == "processing"


def drawn(*events: ProgressEvent, width: int = 80) -> str:
    """What is on a terminal after these events, and what has gone above it."""
    console = Console(
        file=StringIO(), force_terminal=True, width=width, color_system=None, legacy_windows=False
    )
    with Bars(console).shown() as bars:
        for event in events:
            bars.show(event)
        bars.say("")  # draws what is below it anew
        file = console.file
        assert isinstance(file, StringIO)
        text = file.getvalue()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_batch_has_a_bar_and_a_job_has_none() -> None:
    """How many of how many, what runs and how long; the other its step."""
    shown = drawn(RUNNING, job_event(a_job(step=ASKING)), width=120).splitlines()[-2:]
    assert re.search(r"Content generation ━+.* 7/21 drafting menu/hero +about 2 minutes", shown[0])
    assert re.search(r"Count words menu 25 % · asking", shown[1])
    assert "━" not in shown[1]


def test_a_narrow_terminal_has_a_line_for_each_all_the_same() -> None:
    """What is being worked on gives way; the counts do not."""
    names = [f"a-page-with-a-long-name/section-{n}" for n in range(4)]
    shown = drawn(told(a_batch(BatchState.PROCESSING, *names))).splitlines()[-1]
    assert re.search(r" 7/21 drafting a-page.*… +about", shown)
    assert len(shown) <= 80


def test_what_is_over_goes_above_and_stays() -> None:
    """As a line with a mark."""
    assert "✓ Content generation b_1: 21/21 · done\n" in drawn(RUNNING, ENDED)
    failed = job_event(a_job(state=JobState.FAILED, reason="bad luck"))
    assert "✗ Count words menu j_1: failed · bad luck" in drawn(failed)


def test_no_more_move_than_a_screen_has_room_for() -> None:
    """Of the others the end is shown."""
    many = [job_event(a_job(f"j_{n}", subject=f"no{n}.")) for n in range(SHOWN_MAX + 5)]
    shown = drawn(*many)
    assert f"no{SHOWN_MAX - 1}." in shown
    assert f"no{SHOWN_MAX}." not in shown
