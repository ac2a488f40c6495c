"""The tools through a real client, over a real workspace and worker, in both eras."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from mcp import Client
from mcp_types import TextContent

from mcp_server.app import Application
from mcp_server.content.workspace.starter import init_workspace
from mcp_server.interfaces.mcp.answers.fit import REPLY_BYTES_MAX
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.job import Origin
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio

Note = tuple[float, float | None, str | None]


@dataclass
class Conversation:
    """A client, and the progress that its latest call has carried."""

    client: Client
    notes: list[Note] = field(default_factory=list[Note])

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its facts; the text must be the same facts."""
        self.notes = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.notes.append((progress, total, message))

        result = await self.client.call_tool(tool, arguments, progress_callback=note)
        (block,) = result.content
        assert isinstance(block, TextContent)
        assert not result.is_error, block.text
        assert json.loads(block.text) == result.structured_content
        return cast("dict[str, Any]", result.structured_content)

    async def refused(self, tool: str, **arguments: Any) -> str:
        """Call a tool and return why it is refused."""
        result = await self.client.call_tool(tool, arguments)
        (block,) = result.content
        assert isinstance(block, TextContent)
        assert result.is_error, block.text
        return block.text


Open = Callable[[], AbstractAsyncContextManager[Conversation]]


@pytest.fixture(params=["legacy", "auto"])
def conversation(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens a conversation about the starter site, with a worker in this process."""
    init_workspace(tmp_path)
    settings = tmp_path / "pressroom.toml"
    settings.write_text(settings.read_text() + "\ncomposer_delay_s = 0.05\n")
    origin = Origin(owner="local", interface="mcp-stdio")

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Conversation]:
        async with Application(tmp_path, default_mode="embedded").running() as application:
            server = build_server(application, version="0.0.0", origin=origin)
            async with Client(server, mode=request.param) as client:
                with anyio.fail_after(PATIENCE_S):
                    yield Conversation(client)

    return opened


def increases(notes: list[Note]) -> bool:
    """Whether the values strictly increase."""
    return all(before[0] < after[0] for before, after in pairwise(notes))


async def test_a_site_is_drafted_reviewed_promoted_and_taken_back(conversation: Open) -> None:
    """The main job, with the sentences that a person hears of it."""
    async with conversation() as chat:
        queued = await chat.call("generate-all")
        total = queued["totalSections"]
        assert queued["message"].startswith(f"Queued generation of {total} sections.")
        assert chat.notes == [(0, total, f"0/{total} queued")]
        batch_id = queued["batchId"]

        seen = await chat.call("status", batchId=batch_id, waitSeconds=30)
        assert seen["message"] == f"{total} of {total} drafted."
        assert increases(chat.notes)
        assert chat.notes[-1] == (total, total, f"{total}/{total} · done")

        planned = await chat.call("promote", dryRun=True)
        assert planned["status"] == "planned"
        promoted = await chat.call("promote", digest=planned["digest"], waitSeconds=30)
        assert promoted["status"] == "completed"
        assert f"{total} of {total} promoted" in promoted["message"]
        assert "written to content/, not deployed" in promoted["message"]
        assert chat.notes[0][2] == f"0/{total} queued"
        assert chat.notes[-1][:2] == (total, total)

        back = await chat.call("rollback", waitSeconds=30)
        assert f"{total} of {total} rolled back" in back["message"]
        again = await chat.call("rollback")
        assert again["status"] == "completed"
        assert again["calls"][0]["arguments"] == {"batchId": back["batchId"]}


async def test_every_answer_fits_two_kilobytes_unasked(conversation: Open) -> None:
    """Of a site with more than twenty sections."""
    async with conversation() as chat:
        answers = [await chat.call("review"), await chat.call("status")]
        answers += [await chat.call("generate-all", dryRun=True)]
        answers += [await chat.call("generate-all", waitSeconds=30)]
        answers += [await chat.call("review"), await chat.call("status")]
        answers += [await chat.call("promote", dryRun=True)]
        answers += [await chat.call("status", batchId=answers[3]["batchId"])]
        sizes = [len(json.dumps(answer, ensure_ascii=False).encode()) for answer in answers]
    assert max(sizes) <= REPLY_BYTES_MAX


async def test_the_cursor_of_a_review_and_of_a_status_reaches_every_row_once(
    conversation: Open,
) -> None:
    """However few rows fit into one answer."""
    async with conversation() as chat:
        batch_id = (await chat.call("generate-all", waitSeconds=30))["batchId"]
        reviewed = await pages(chat, "review", "section", "sections")
        drafted = await pages(chat, "status", "section", "sections", batchId=batch_id)
        whole = await chat.call("review")
    assert len(reviewed) == len(set(reviewed)) == sum(whole["counts"].values())
    static = len(reviewed) - whole["counts"]["draft"]  # left out, which the batch's record says
    assert len(drafted) - static == len(set(drafted)) - static == whole["counts"]["draft"]


async def test_the_cursor_of_the_list_reaches_every_operation_once(conversation: Open) -> None:
    """What runs comes first, then what ended, newest first."""
    async with conversation() as chat:
        ended = [
            (await chat.call("generate", page=page, mode="new", waitSeconds=30))["batchId"]
            for page in ("menu", "home", "menu")
        ]
        listed = await pages(chat, "status", "batchId", "operations", limit=2)
        active = await chat.call("status", activeOnly=True)
        empty = await chat.call("status")
    assert listed == ended[::-1]
    assert active["operations"] == []
    assert empty["message"].startswith("No background operations running. The last one: Content")


async def pages(chat: Conversation, tool: str, key: str, rows: str, **arguments: Any) -> list[str]:
    """Return one value of each row of all pages."""
    answer = await chat.call(tool, **arguments)
    found = [row[key] for row in answer[rows]]
    while "nextCursor" in answer:
        answer = await chat.call(tool, **arguments, cursor=answer["nextCursor"])
        found += [row[key] for row in answer[rows]]
    return found


async def test_a_wait_that_is_cancelled_cancels_nothing(conversation: Open) -> None:
    """A chat that is closed is no wish to stop."""
    async with conversation() as chat:
        async with anyio.create_task_group() as group:
            begun = anyio.Event()

            async def heard(progress: float, total: float | None, message: str | None) -> None:
                begun.set()

            async def wait() -> None:
                arguments = {"waitSeconds": 45}
                await chat.client.call_tool("generate-all", arguments, progress_callback=heard)

            group.start_soon(wait)
            await begun.wait()
            group.cancel_scope.cancel()
        operation = (await chat.call("status"))["operations"][0]
        seen = await chat.call("status", batchId=operation["batchId"], waitSeconds=30)
    assert seen["operations"][0]["status"] == "completed"


async def test_a_cancelled_batch_says_what_was_done_and_retry_takes_up_the_rest(
    conversation: Open,
) -> None:
    """The counts of both answers add up."""
    async with conversation() as chat:
        queued = await chat.call("generate-all")
        stopped = await chat.call("cancel", batchId=queued["batchId"])
        rest = stopped["stopped"] + stopped["neverStarted"]
        assert stopped["status"] == "cancelled"
        assert rest + stopped["alreadyDone"] == queued["totalSections"]
        assert "it is cancelled" in await chat.refused("cancel", batchId=queued["batchId"])
        again = await chat.call("retry", batchId=queued["batchId"], waitSeconds=30)
    assert again["queuedSections"] == rest
    assert again["batchId"] == queued["batchId"]
    assert again["status"] == "completed"


async def test_a_job_is_shown_with_its_payload(conversation: Open) -> None:
    """For whoever looks for a fault."""
    async with conversation() as chat:
        queued = await chat.call("generate", section="menu/hero", waitSeconds=30)
        full = await chat.call("status", batchId=queued["batchId"], detail="full")
        job = (await chat.call("status", jobId=full["sections"][0]["jobId"]))["job"]
    assert job["subject"] == "menu/hero"
    assert job["payload"]["section"] == "menu/hero"


async def test_wrong_ids_name_the_nearest(conversation: Open) -> None:
    """And nothing is queued."""
    async with conversation() as chat:
        assert "Did you mean menu" in await chat.refused("generate", page="menuu")
        assert "Did you mean menu/hero" in await chat.refused("promote", section="menu/herro")
        assert "There is no batch" in await chat.refused("status", batchId="b_1")
        assert "either batchId or jobId" in await chat.refused("cancel")
        assert (await chat.call("status"))["operations"] == []


async def test_a_named_section_is_shown_whole_and_between_marks(conversation: Open) -> None:
    """What a model wrote is data to the next one."""
    async with conversation() as chat:
        await chat.call("generate", section="menu/hero", waitSeconds=30)
        answer = await chat.call("review", section="menu/hero")
        (row,) = answer["sections"]
    opening, *_, closing = row["draft"].split("\n")
    assert opening in answer["marks"]
    assert closing in answer["marks"]
