"""What `pressroom job` and `pressroom status` print: whatever is stored can be shown."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mcp_server.content.actions.calls import Quoted
from mcp_server.content.actions.checked import Checked
from mcp_server.interfaces.cli.check_result import check_result
from mcp_server.interfaces.cli.output import check_lines, job_lines, status_lines
from mcp_server.jobs.job import Job, JobState


def due(job: Job, at: float) -> str:
    """Return what is printed of when a job is due."""
    waiting = job._replace(state=JobState.SCHEDULED, due_at=at)
    [line] = [line for line in job_lines(waiting) if line.startswith("  due")]
    return line


def test_a_time_is_shown_as_a_date(job: Job) -> None:
    """In UTC, to the second."""
    assert due(job, 1_767_312_245.9) == "  due       2026-01-02 00:04:05 UTC"


@pytest.mark.parametrize("at", [1.7e12, 1e18, -1e18, 2**62, math.inf, -math.inf])
def test_a_time_that_is_no_date_is_shown_as_the_number_it_is(job: Job, at: float) -> None:
    """It was stored before such times were refused."""
    assert due(job, at) == f"  due       {at:g} s after 1970"


BATCH: dict[str, Any] = {
    "message": "2 of 3 promoted, 1 failed.",
    "operations": [{"batchId": "b_1", "type": "Content promotion", "status": "failed"}],
    "sections": [
        {
            "section": "menu/list",
            "state": "failed",
            "code": "conflict",
            "reason": "the draft is\x1b[2J\nanother",
            "jobId": "j_2",
        },
        {"section": "menu/a", "state": "completed", "jobId": "j_1"},
    ],
    "files": ["content/menu.md"],
    "fileCount": 12,
    "next": 'retry {"batchId": "b_1"}',
    "worker": {"alive": True, "message": "A worker is running."},
}


def test_one_batch_is_shown_with_its_sections_files_and_the_next_call() -> None:
    """All that the tool answers, with nothing in it that a terminal would obey."""
    assert list(status_lines(BATCH)) == [
        "2 of 3 promoted, 1 failed.",
        "  b_1 · Content promotion · failed",
        "    menu/list  failed      j_2  conflict: the draft is[2J another",
        "    menu/a     completed   j_1",
        "  Files: content/menu.md, and 11 more",
        "Next: pressroom retry b_1",
        "A worker is running.",
    ]


def test_where_not_all_is_shown_it_is_said() -> None:
    """Of one batch the sections, of all there is the older ones."""
    assert (
        "  … and more; those that failed, run or are paused come first. --cursor 50 shows them."
        in status_lines({**BATCH, "nextCursor": 50})
    )
    assert "  … and older ones. --cursor 50 shows them." in status_lines(
        {**BATCH, "sections": [], "nextCursor": 50}
    )


def test_a_job_is_shown_with_the_command_that_shows_all_of_it() -> None:
    """Its payload may be long."""
    assert list(status_lines({"message": "It is done.", "job": {"jobId": "j_1"}})) == [
        "It is done.",
        "`pressroom job j_1` shows its payload and its result.",
    ]


def test_a_check_is_a_line_for_each_finding_and_a_sentence() -> None:
    """What stands in a text cannot move the terminal's cursor."""
    found = {"section": "menu/hero", "level": "held", "kind": "unfinished text"}
    result = {
        "well": False,
        "texts": 2,
        "findings": [{**found, "message": "unfinished text: 'TODO\x1b[2J'"}],
        "notes": [],
    }
    assert list(check_lines(result)) == [
        "HELD     menu/hero: unfinished text: 'TODO[2J'",
        "2 texts checked: 1 held.",
    ]
    assert list(check_lines({**result, "findings": []})) == ["2 texts checked: all is well."]


def test_a_check_says_what_is_wrong_with_the_site() -> None:
    """A note's own words, and those of the file that it quotes."""
    note = Quoted("The site is used as it was before these mistakes:", "site.yaml:3: no such page")
    result = check_result(Checked(count=1, texts=(), notes=(note,)))
    assert f"{note.said} {note.words}" in list(check_lines(result))
