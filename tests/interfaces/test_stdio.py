"""A whole conversation over a real pipe: what is on it, and what outlives it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import anyio
import pytest

from tests.harness import Era, small_site
from tests.waiting import wait_until
from tests.wire import ERAS, alter, over_stdio, pipe, revisions

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("era", ERAS),
]

LEAKS = re.compile(r"Traceback|\.py\b|/tmp|/work|site-packages|sk-secret|sqlite3")
"""What no client may be told."""


def test_stdout_is_the_protocols_from_the_first_byte_to_the_last(tmp_path: Path, era: Era) -> None:
    """With every warning on, and a tool that crashes because what is stored is damaged."""
    root = small_site(
        tmp_path / "site", {"menu": 3}, worker="embedded", max_retries=0, composer_delay_s=0.3
    )
    noisy = {"PYTHONWARNINGS": "always", "PYTHONDEVMODE": "1", "ANTHROPIC_API_KEY": "sk-secret"}
    with pipe(root, era, **noisy) as client:
        client.begin()
        tools = client.answer(client.request("tools/list"))["result"]["tools"]
        assert len(tools) >= 8
        batch_id = client.call("generate", section="menu/s1")["structuredContent"]["batchId"]
        client.call("status", batchId=batch_id, waitSeconds=30)
        alter(root, "UPDATE revisions SET author_name = x'00'")
        crashed = client.call("review", section="menu/s1")
        assert crashed["isError"]
        assert crashed["content"][0]["text"].startswith("Something went wrong inside the server")
        unknown = client.answer(client.request("tools/nonsense"))
        assert "error" in unknown
        assert client.hang_up() == 0
    for line in client.lines:
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        assert "id" in message or message["method"].startswith("notifications/")
    assert not LEAKS.search("".join(client.lines))
    errors = (tmp_path / "site.stderr").read_text()
    assert "Traceback" in errors, "the log says what the client is not told"
    assert "sk-secret" not in errors


def test_a_damaged_draft_fails_its_section_and_nothing_of_it_is_on_the_pipe(
    tmp_path: Path, era: Era
) -> None:
    """The draft it would revise is damaged after the batch was planned."""
    settings = {"worker": "embedded", "max_retries": 0, "concurrency": 1, "composer_delay_s": 0.2}
    root = small_site(tmp_path / "site", {"menu": 6}, **settings)
    with pipe(root, era, PYTHONWARNINGS="always") as client:
        client.begin()
        client.call("generate-all", waitSeconds=30)
        queued = client.call("generate-all", mode="with-current")["structuredContent"]
        alter(root, "UPDATE revisions SET markdown = x'00' WHERE entity_id = 'menu/s6'")
        batch_id = queued["batchId"]
        answer = client.call("status", batchId=batch_id, waitSeconds=30)["structuredContent"]
        assert client.hang_up() == 0
    assert answer["message"].startswith("5 of 6 drafted, 1 failed: menu/s6 (")
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in client.lines)
    assert not LEAKS.search("".join(client.lines))


def test_the_batch_goes_on_when_the_client_hangs_up(tmp_path: Path, era: Era) -> None:
    """The server ends at once; the worker, a process of its own, does not."""
    root = small_site(tmp_path / "site", {"menu": 400}, composer_delay_s=1, worker_idle_s=0.5)
    with pipe(root, era) as client:
        client.begin()
        batch_id = client.call("generate-all")["structuredContent"]["batchId"]
        wait_until(lambda: revisions(root) > 0)
        assert client.hang_up() == 0
    written = revisions(root)
    assert written < 400, "the server ended before its batch"
    wait_until(lambda: revisions(root) > written)
    with pipe(root, era) as client:
        client.begin()
        stopped = client.call("cancel", batchId=batch_id)["structuredContent"]
        client.hang_up()
    assert stopped["alreadyDone"] == revisions(root) > written


async def test_a_wait_that_the_client_cancels_cancels_nothing(tmp_path: Path, era: Era) -> None:
    """Closing a chat is no wish to stop."""
    root = small_site(tmp_path / "site", {"menu": 8}, composer_delay_s=0.3, worker_idle_s=0.5)
    async with over_stdio(root, era=era) as chat:
        batch_id = (await chat.call("generate-all"))["batchId"]
        heard = anyio.Event()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            heard.set()

        async def wait() -> None:
            arguments = {"batchId": batch_id, "waitSeconds": 45}
            await chat.client.call_tool("status", arguments, progress_callback=note)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await heard.wait()
            tasks.cancel_scope.cancel()
        seen = await chat.call("status", batchId=batch_id, waitSeconds=30)
        rows = await chat.sections(batch_id)
    assert seen["operations"][0]["status"] == "completed"
    assert {row["state"] for row in rows.values()} == {"completed"}


async def test_names_with_a_hyphen_and_without_lead_to_the_same_tool(
    tmp_path: Path, era: Era
) -> None:
    """Clients that take only letters, digits and `_` are listed what they can call."""
    root = small_site(tmp_path / "site", {"menu": 2}, worker_idle_s=0.5)
    async with over_stdio(root, era=era) as chat:
        listed = {tool.name for tool in (await chat.client.list_tools()).tools}
        assert "generate-all" in listed
        assert "generate_all" not in listed
        assert (await chat.call("generate_all", dryRun=True))["totalSections"] == 2
    async with over_stdio(root, era=era, client_name="cursor-vscode") as chat:
        listed = {tool.name for tool in (await chat.client.list_tools()).tools}
        assert "generate_all" in listed
        assert all(name.replace("_", "").isalnum() for name in listed)
        assert (await chat.call("generate_all", dryRun=True))["totalSections"] == 2
        assert (await chat.call("generate-all", dryRun=True))["totalSections"] == 2
