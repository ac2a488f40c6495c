"""Progress over plain HTTP, from a real server: lines of JSON and server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import anyio
import anyio.to_thread
import httpx2
import pytest

from tests.harness import small_site
from tests.promises.moves import held
from tests.waiting import PATIENCE_S
from tests.wire import http_server, over_http, query, serving

pytestmark = pytest.mark.anyio

NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
TOKEN = "sk-long-and-secret"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small site whose sections take a moment."""
    return small_site(tmp_path / "site", {"menu": 6}, composer_delay_s=0.3)


@asynccontextmanager
async def stream(
    url: str, path: str, **headers: str
) -> AsyncGenerator[tuple[httpx2.Response, AsyncIterator[str]]]:
    """Ask the server at `url` for events; yield its answer, and the lines as they come."""
    async with (
        httpx2.AsyncClient(timeout=PATIENCE_S) as http,
        http.stream("GET", urljoin(url, path), headers=headers) as answer,
    ):
        yield answer, answer.aiter_lines()


async def followed(url: str, path: str) -> list[dict[str, Any]]:
    """Read events until the server ends them."""
    async with stream(url, path) as (answer, lines):
        assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON)
        return [json.loads(line) async for line in lines]


async def test_a_batch_is_a_line_for_each_event_and_ends_with_it(root: Path) -> None:
    """From where it stands to its end, 100 only there; then the server closes (003-17, -18)."""
    async with AsyncExitStack() as waiting:
        await waiting.enter_async_context(held(root))  # nothing ends before it is followed
        with serving(root) as url:
            async with over_http(url, root) as chat:
                batch = (await chat.call("generate-all"))["batchId"]
            async with stream(url, f"/batches/{batch}/events") as (answer, lines):
                assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON)
                events = [json.loads(await anext(lines))]
                await waiting.aclose()
                events += [json.loads(line) async for line in lines]
    assert {(event["id"], event["type"]) for event in events} == {(batch, "batch")}
    *before, last = events
    assert before
    assert all(event["progress"]["percentage"] < 100 for event in before)
    assert (last["status"], last["progress"]["percentage"]) == ("completed", 100)
    assert last["batchDetails"]["completedOperations"] == 6


async def test_who_asks_for_an_event_stream_gets_one(root: Path) -> None:
    """Named as seed 003 names them, so that a page listens with `EventSource`."""
    with serving(root) as url:
        async with over_http(url, root) as chat:
            batch = (await chat.call("generate-all"))["batchId"]
            async with stream(url, f"/batches/{batch}/events", Accept=SSE) as (answer, lines):
                assert answer.headers["content-type"].startswith(SSE)
                sent = [line async for line in lines if line and not line.startswith(":")]
    names, data = sent[::2], sent[1::2]
    assert set(names) == {"event: job-progress"}
    assert json.loads(data[-1].removeprefix("data: "))["status"] == "completed"


async def test_a_job_is_followed_by_its_id_and_a_cancelled_batch_ends_too(tmp_path: Path) -> None:
    """Jobs and batches both (003-19); whatever the end is, the stream has it (003-18)."""
    root = small_site(tmp_path / "site", {"menu": 12}, composer_delay_s=2)
    with serving(root) as url:
        async with over_http(url, root) as chat:
            batch = (await chat.call("generate-all"))["batchId"]
            ((first,),) = query(root, "SELECT job_id FROM jobs ORDER BY id LIMIT 1")
            ((newest,),) = query(root, "SELECT job_id FROM jobs ORDER BY id DESC LIMIT 1")
            ends: dict[str, dict[str, Any]] = {}

            async def follow(path: str) -> None:
                ends[path] = (await followed(url, path))[-1]

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(follow, f"/jobs/{newest}/events")
                tasks.start_soon(follow, f"/batches/{batch}/events")
                await follow(f"/jobs/{first}/events")
                await chat.call("cancel", batchId=batch)
    done, job, whole = (
        ends[f"/jobs/{first}/events"],
        ends[f"/jobs/{newest}/events"],
        ends[f"/batches/{batch}/events"],
    )
    assert (done["type"], done["status"]) == ("job", "completed")
    assert done["jobDetails"]["jobType"] == "content-generate"
    assert job["status"] == whole["status"] == "cancelled"


async def test_all_operations_are_followed_until_the_client_leaves(root: Path) -> None:
    """One that begins later is found; leaving stops nothing, and the server answers others."""
    with serving(root) as url:
        async with over_http(url, root) as chat:
            async with stream(url, "/events") as (_, lines):
                batch = (await chat.call("generate-all"))["batchId"]
                assert json.loads(await anext(lines))["id"] == batch
            seen = await chat.call("status", batchId=batch, waitSeconds=30)
    assert seen["message"] == "6 of 6 drafted."


@pytest.mark.parametrize("accepted", [NDJSON, SSE])
async def test_a_server_that_is_told_to_end_does_not_wait_for_listeners(
    root: Path, accepted: str
) -> None:
    """Somebody who listens to everything would keep it for ever."""
    with http_server(root) as (process, url):
        async with stream(url, "/events", Accept=accepted) as (answer, lines):
            assert answer.status_code == 200
            process.terminate()
            assert [line async for line in lines if line and not line.startswith(":")] == []
        assert await anyio.to_thread.run_sync(process.wait, PATIENCE_S) == 0
    assert "Traceback" not in (root.parent / f"{root.name}.http.stderr").read_text()


async def test_what_is_not_there_is_told_in_a_sentence(root: Path, tmp_path: Path) -> None:
    """An unknown id is 404; a workspace that cannot be opened is 503, and says what to do."""
    with serving(root) as url:
        async with stream(url, "/batches/b_nobody/events") as (answer, _):
            said = json.loads(await answer.aread())
    assert answer.status_code == 404
    assert said["error"].startswith("There is no batch or job 'b_nobody'.")
    with serving(tmp_path / "nowhere") as url:
        async with stream(url, "/events") as (answer, _):
            said = json.loads(await answer.aread())
    assert answer.status_code == 503
    assert "pressroom init DIR" in said["error"]


async def test_the_checks_are_those_of_the_protocol(root: Path) -> None:
    """No token, another host, another page's script: refused."""
    names = ("--allowed-host", "press.example.org")
    with serving(root, *names, PRESSROOM_TOKEN=TOKEN) as url:
        async with stream(url, "/events") as (answer, _):
            assert answer.status_code == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        async with stream(url, "/events", Host="evil.example", **bearer) as (answer, _):
            assert answer.status_code == 421
        async with stream(url, "/events", Origin="https://evil.example", **bearer) as (answer, _):
            assert answer.status_code == 403
        async with stream(url, "/events", **bearer) as (answer, _):
            assert answer.status_code == 200
