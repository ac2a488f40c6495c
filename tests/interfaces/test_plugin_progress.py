"""Plugins that are told of progress: by a real server, in words that any sink can use."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

import pytest

from mcp_server.app import Application
from mcp_server.errors import ConfigError
from mcp_server.jobs.registry import Registry, discover
from mcp_server.plugin import ProgressEvent
from mcp_server.plugin.loading import GROUP, Plugins
from tests.harness import small_site
from tests.interfaces.test_plugins import install, listing, on_path
from tests.waiting import until
from tests.wire import Transport, over_http, over_stdio
from tests.wire import serving as serving_http

pytestmark = pytest.mark.anyio

DIARY = """
import json
import os
from pathlib import Path

import anyio

from mcp_server.plugin import EventSink, PluginContext, ProgressEvent


class Diary:
    def __init__(self) -> None:
        self.pages = Path(os.environ["DIARY"])

    async def emit(self, event: ProgressEvent) -> None:
        async with await anyio.open_file(self.pages, "a", encoding="utf-8") as pages:
            await pages.write(json.dumps(event.as_json()) + "\\n")


class Torn:
    async def emit(self, event: ProgressEvent) -> None:
        raise OSError(f"no page left for {event.id}")


def register(context: PluginContext) -> None:
    sinks: tuple[EventSink, ...] = (Torn(), Diary())
    for sink in sinks:
        context.on_progress(sink)
"""


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_plugin_is_told_of_progress_by_the_server(
    tmp_path: Path, transport: Transport
) -> None:
    """Batches and jobs outside any, from nothing to their one end; a sink that fails stops none."""
    root = small_site(tmp_path / "site", {"menu": 3}, composer_delay_s=0.6, concurrency=1)
    packages, diary = tmp_path / "packages", tmp_path / "diary.jsonl"
    install(packages, "diary", DIARY)
    install(packages, "words", listing())
    path = on_path(packages)
    async with AsyncExitStack() as stack:
        if transport == "stdio":
            client = over_stdio(root, PYTHONPATH=path, DIARY=str(diary))
        else:
            url = stack.enter_context(serving_http(root, PYTHONPATH=path, DIARY=str(diary)))
            client = over_http(url, root)
        chat = await stack.enter_async_context(client)
        batch_id = (await chat.run("generate-all"))["batchId"]
        job_id = (await chat.call("count-words", page="menu", waitSeconds=45))["jobId"]
        both = {batch_id, job_id}
        await until(lambda: both <= {event["id"] for event in entries(diary) if over(event)})
    of_batch = [event for event in entries(diary) if event["id"] == batch_id]
    of_job = [event for event in entries(diary) if event["id"] == job_id]
    assert [over(event) for event in of_batch] == [False] * (len(of_batch) - 1) + [True]
    assert len(of_batch) > 2, "a beginning, something in between, and an end"
    assert [event["progress"]["current"] for event in of_batch] == sorted(
        event["progress"]["current"] for event in of_batch
    )
    assert of_batch[-1]["progress"] == {"current": 3, "total": 3, "percentage": 100}
    assert (of_job[-1]["type"], of_job[-1]["status"]) == ("job", "completed")
    assert of_job[-1]["jobDetails"]["jobType"] == "count-words"
    assert "payload" not in diary.read_text("utf-8")
    log = (tmp_path / ("site.stderr" if transport == "stdio" else "site.http.stderr")).read_text()
    assert f"Torn did not take the progress of {batch_id}" in log
    assert "no page left" in log


def entries(diary: Path) -> list[dict[str, Any]]:
    """The events that the plugin has written down."""
    if not diary.exists():
        return []
    *lines, _ = diary.read_text("utf-8").split("\n")  # the last may be half written
    return [json.loads(line) for line in lines]


def over(event: Mapping[str, Any]) -> bool:
    """Whether the operation has ended."""
    return event["status"] in {"completed", "failed", "cancelled"}


class Sink:
    """Takes what it is given."""

    async def emit(self, event: ProgressEvent) -> None:
        """Take it."""


class Plain:
    """Would block the server's loop while it writes."""

    def emit(self, event: ProgressEvent) -> None:
        """Take it."""


async def test_what_is_no_sink_or_comes_too_late_is_refused(tmp_path: Path) -> None:
    """In words."""
    plugins = Plugins(Registry(discover("handlers")))
    context = plugins.context("test")
    with pytest.raises(ConfigError, match="str is no progress sink"):
        context.on_progress(cast("Any", "a room"))
    for no_sink, why in ((Sink, "is a class"), (Plain(), "is no async def")):
        with pytest.raises(ConfigError, match=why):
            context.on_progress(cast("Any", no_sink))
    context.on_progress(Sink())
    root = small_site(tmp_path / "site", {"menu": 1})
    async with Application(root, default_mode="embedded", plugins=plugins).running() as running:
        await running.services()
        with pytest.raises(ConfigError, match="while a plugin registers"):
            context.on_progress(Sink())
    assert len(plugins.sinks) == 1


def test_a_plugin_that_fails_leaves_no_sink_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is loaded whole, or not at all."""
    fails = DIARY.replace('Path(os.environ["DIARY"])', "None") + "    raise RuntimeError\n"
    (tmp_path / "half_a_diary.py").write_text(fails, "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    plugins = Plugins(Registry(discover("handlers")))
    plugins.load([EntryPoint("half", "half_a_diary:register", GROUP)])
    assert (len(plugins.problems), plugins.sinks) == (1, ())
