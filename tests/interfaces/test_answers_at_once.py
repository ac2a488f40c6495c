"""`generate-all` answers with its batch ID before any section is written, on every wire."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Desk, Era, small_site
from tests.wire import BOTH, Transport, over_http, over_stdio, revisions, serving

pytestmark = pytest.mark.anyio

TARGET_MS = 250
"""What an answer may take on our machines, where a person would not notice a second.

Recorded, not asserted: on a busy machine a time says nothing of us. What is asserted is the order,
which no machine can change: the answer comes before the first of 300 sections could be written.
The time is measured by `python -m tests.benchmarks.server --figures answer,generate`.
"""

SLOW: dict[str, Any] = {"composer_delay_s": 2, "worker_idle_s": 0.5}
"""A model that takes two seconds a section."""


def large(root: Path) -> Path:
    """Make a site of 300 sections."""
    return small_site(root, {f"page{n}": 30 for n in range(1, 11)}, **SLOW)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One HTTP server for all, on a site of its own."""
    root = large(tmp_path_factory.mktemp("served") / "site")
    with serving(root) as url:
        yield url, root


@pytest.fixture
def connected(
    served: tuple[str, Path], tmp_path: Path, transport: Transport, era: Era
) -> AbstractAsyncContextManager[Desk]:
    """A client on this transport, in this era."""
    if transport == "http":
        return over_http(*served, era=era)
    return over_stdio(large(tmp_path / "site"), era=era)


@pytest.mark.parametrize(("transport", "era"), BOTH)
async def test_three_hundred_sections_are_queued_before_one_is_written(
    connected: AbstractAsyncContextManager[Desk],
    transport: Transport,
    era: Era,
    record_property: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At the moment of the answer the batch is stored, and no text is."""
    async with connected as chat, cleared(chat):
        await chat.call("status")  # a client has listed and looked before; the workspace is open
        begun = time.perf_counter()
        answer = await chat.call("generate-all")
        took_ms = 1000 * (time.perf_counter() - begun)
        assert revisions(chat.root) == 0
        assert answer["totalSections"] == answer["queuedSections"] == 300
        assert answer["message"].startswith("Queued generation of 300 sections.")
        found = await chat.call("status", batchId=answer["batchId"], waitSeconds=0)
    assert found["operations"][0]["progress"].endswith("/300")
    record_property("answered_ms", round(took_ms))
    with capsys.disabled():
        print(f"\n  {transport}, {era}: answered in {took_ms:.0f} ms (target {TARGET_MS})")


@asynccontextmanager
async def cleared(chat: Desk) -> AsyncGenerator[None]:
    """Cancel afterwards what still runs: it would take minutes."""
    try:
        yield
    finally:
        for operation in (await chat.call("status", activeOnly=True))["operations"]:
            await chat.call("cancel", batchId=operation["batchId"])
