"""What the pages in `docs/` show is what the code does."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_server.jobs.job import Job, JobState, Origin, Step
from mcp_server.jobs.registry import Registry
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.event import ProgressEvent, batch_event, job_event
from tests.specimens import BATCH, JOB

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
EVENTS = (ROOT / "docs" / "progress-events.md").read_text("utf-8")
ORIGIN = Origin(owner="local", interface="mcp-stdio")


def blocks(language: str) -> list[str]:
    """The code on the page about progress events."""
    return re.findall(rf"```{language}\n(.*?)```", EVENTS, flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_short_and_linked_from_the_readme(page: Path) -> None:
    """Or nobody would read it."""
    assert len(page.read_text("utf-8").splitlines()) < 100
    assert f"docs/{page.name}" in (ROOT / "README.md").read_text("utf-8")


def test_its_events_are_those_of_the_code() -> None:
    """A batch and a job, as they go over a wire."""
    shown = [json.loads(block) for block in blocks("json")]
    assert shown == [of_a_batch().as_json(), of_a_job().as_json()]


def of_a_batch() -> ProgressEvent:
    """The event of a batch after 70 seconds, with one failure so far."""
    running = a_job("content-generate", "menu/hero", batch_id="b_01m8171k18bypchewmk22dhccc")
    failed = a_job("content-generate", "about/team", reason="the model answered with no text")
    batch = replace(
        BATCH,
        id="b_01m8171k18bypchewmk22dhccc",
        origin=ORIGIN,
        completed=6,
        failed=1,
        running=(running,),
    )
    return batch_event(batch, now=BATCH.created_at + 70, failures=[failed])


def of_a_job() -> ProgressEvent:
    """The event of a job that says how far it is."""
    return job_event(a_job("site-build", "menu", step=Step(1, 3, "Building Menu")))


def a_job(kind: str, subject: str, **different: Any) -> Job:
    """Make a job that runs."""
    made: dict[str, Any] = {"id": "j_01m8172m5c8k67v66mpbnvhjsh", "batch_id": None}
    return JOB._replace(kind=kind, subject=subject, origin=ORIGIN, **(made | different))


def test_its_plugin_takes_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing runs as it stands: what has ended is written down, and nothing else."""
    monkeypatch.chdir(tmp_path)
    [listing] = blocks("python")
    module: dict[str, Any] = {}
    exec(compile(listing, "diary", "exec"), module)  # the listing is what is tested
    plugins = Plugins(Registry([]))
    module["register"](plugins.context("diary"))
    [sink] = plugins.sinks
    ended = job_event(a_job("site-build", "menu", state=JobState.COMPLETED))
    for event in (of_a_batch(), of_a_job(), ended):
        anyio.run(sink.emit, event)
    written = (tmp_path / "diary.txt").read_text("utf-8")
    assert written == f"Site build menu {ended.id}: completed\n"
