"""Plugins: distributions of their own that add kinds of jobs, and tools that queue them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from mcp import Client
from pydantic import BaseModel
from structlog.testing import capture_logs

from mcp_server.app import Application
from mcp_server.errors import CallerError, ConfigError, UnknownKind
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.job import Origin
from mcp_server.jobs.registry import Registry, discover
from mcp_server.plugin import (
    BatchStatus,
    Dedup,
    Done,
    Enqueue,
    Fail,
    Handler,
    InvalidPayload,
    JobContext,
    JobState,
    NewJob,
    Outcome,
    PluginContext,
    Words,
    handler,
)
from mcp_server.plugin.loading import Plugins
from tests.harness import Desk, small_site
from tests.waiting import until
from tests.wire import BOTH, ERAS, Era, Transport, command, environment, over_http, over_stdio
from tests.wire import serving as serving_http

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


def listing() -> str:
    """The plugin in the README, as it stands there."""
    found = re.search(r"## A plugin\n.*?```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def install(folder: Path, name: str, code: str, value: str | None = None) -> None:
    """Put a distribution into `folder` as an installer would: one module, and its metadata."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(code, "utf-8")
    metadata = folder / f"{name}_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n"
    )
    points = f"[pressroom.plugins]\n{name} = {value or f'{name}:register'}\n"
    (metadata / "entry_points.txt").write_text(points)


def on_path(folder: Path) -> str:
    """The `PYTHONPATH` of a process that finds what was installed into `folder`."""
    before = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(folder), *([before] if before else [])])


def run(name: str, root: Path, *arguments: str, **variables: str) -> str:
    """What a command prints."""
    line = command(name, *arguments, "--workspace", str(root))
    where = environment(**variables)
    return subprocess.run(line, env=where, capture_output=True, text=True, check=True).stdout


@asynccontextmanager
async def client_of(
    root: Path, packages: Path, transport: Transport, era: Era
) -> AsyncGenerator[Desk]:
    """A client of a server in a process of its own, which finds these packages."""
    path = on_path(packages)
    if transport == "stdio":
        async with over_stdio(root, era=era, PYTHONPATH=path) as chat:
            yield chat
    else:
        with serving_http(root, PYTHONPATH=path) as url:
            async with over_http(url, root, era=era) as chat:
                yield chat


# The README's plugin


@pytest.mark.parametrize(("transport", "era"), BOTH)
async def test_the_readmes_plugin_is_listed_queues_and_runs_in_a_worker_of_its_own(
    tmp_path: Path, transport: Transport, era: Era
) -> None:
    """Installed as a distribution: server and detached worker both find it by its entry point."""
    root = small_site(tmp_path / "site", {"menu": 2}, worker="detached", worker_idle_s=0.5)
    install(tmp_path / "packages", "words", listing())
    async with client_of(root, tmp_path / "packages", transport, era) as chat:
        tools = {tool.name: tool for tool in (await chat.client.list_tools()).tools}
        await chat.run("generate-all")
        await chat.run("promote")
        queued = await chat.call("count-words", page="menu")
        seen = await chat.call("status", jobId=queued["jobId"], waitSeconds=45)
        overview = await chat.call("status")
    listed = tools["count-words"]
    assert listed.title == "Count words"
    assert listed.input_schema["properties"]["page"] == {
        "type": "string",
        "maxLength": 64,
        "description": "Id of a page, such as menu.",
    }
    assert listed.input_schema["required"] == ["page"]
    assert listed.input_schema["additionalProperties"] is False
    assert "waitSeconds" in listed.input_schema["properties"]
    hints = listed.annotations
    assert hints is not None
    assert (hints.read_only_hint, hints.destructive_hint, hints.open_world_hint) == (False,) * 3
    assert hints.idempotent_hint is False
    assert queued["status"] == "queued"
    assert queued["message"] == "Queued: Count words menu. Work goes on after this chat is closed."
    assert queued["next"] == f'status {{"jobId": "{queued["jobId"]}"}}'
    assert seen["message"] == "Count words menu is completed."
    assert seen["job"]["kind"] == "count-words"
    assert seen["job"]["payload"] == {"page": "menu"}
    assert seen["job"]["result"]["words"] > 10
    assert overview["worker"]["mode"] == "detached"
    assert "notes" not in overview


def test_the_readmes_plugin_has_fewer_than_thirty_lines() -> None:
    """Kind, payload, tool and registration together, blank lines and imports included."""
    assert len(listing().splitlines()) < 30


WRONG = (
    ("count_words, arguments", 'count_words, {"page": "menu"}', "reportArgumentType"),
    ("count_words, arguments", "count_words, CountWords(page=7)", "reportArgumentType"),
    ("count_words, arguments", "count_words, CountWords(pages='a')", "reportCallIssue"),
    ("count_words, arguments", "count_words, Other(page='menu')", "reportArgumentType"),
    ("        CountWords,\n        ask", "        Other,\n        ask", "reportArgumentType"),
    ("CountWords, context: JobContext", "CountWords, context: PluginContext", "reportArgumentType"),
    ("CountWords, context: JobContext", "Other, context: JobContext", "reportArgumentType"),
    ('("count-words", CountWords)', '("c", CountWords, isolation="thread")', "reportArgumentType"),
    ("context.entities", "context.enqueue_job", "reportAttributeAccessIssue"),
    ("import PRODUCTION", "import PRODUCTON", "reportAttributeAccessIssue"),
)
"""What stands in the listing, what somebody may write instead, and the rule that it breaks."""


def test_another_payload_is_a_type_error(tmp_path: Path) -> None:
    """Strict pyright finds nothing in what is shown, and each mistake where it was made."""
    other = "from pydantic import BaseModel\n\nclass Other(BaseModel):\n    page: str\n"
    code = f"# pyright: strict\n{other}\n{listing()}"
    (tmp_path / "good.py").write_text(code)
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8").split("```python\n")[1]
    (tmp_path / "page.py").write_text(f"# pyright: strict\n{page.split('```')[0]}")
    for number, (right, wrong, _) in enumerate(WRONG):
        assert code.count(right) == 1
        (tmp_path / f"bad{number}.py").write_text(code.replace(right, wrong))
    line = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "."]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    found: dict[str, set[str]] = {}
    for error in json.loads(done.stdout)["generalDiagnostics"]:
        found.setdefault(Path(error["file"]).stem, set()).add(error["rule"])
    assert not found.keys() & {"good", "page"}, done.stdout
    for number, (_, wrong, rule) in enumerate(WRONG):
        assert rule in found[f"bad{number}"], wrong


async def test_a_worker_that_was_started_without_the_plugin_makes_room_for_one_that_has_it(
    tmp_path: Path,
) -> None:
    """It would stay as long as the job waits, and never run it."""
    root = small_site(tmp_path / "site", {"menu": 1}, heartbeat_s=0.3, worker_idle_s=600)
    install(tmp_path / "packages", "words", listing())
    async with over_stdio(root) as plain:
        await plain.run("generate-all")
        before = (await plain.call("status"))["worker"]["pid"]
        async with over_stdio(root, PYTHONPATH=on_path(tmp_path / "packages")) as chat:
            counted = await chat.call("count-words", page="menu", waitSeconds=45)
            after = (await chat.call("status"))["worker"]["pid"]
        waiting = await plain.refused("count-words", page="menu")
        assert "has stopped" in run("stop", root)
    assert counted["status"] == "completed"
    assert before != after
    assert "There is no tool 'count-words'" in waiting


async def test_a_job_whose_plugin_is_gone_waits_and_says_why(tmp_path: Path) -> None:
    """Installed again, it would run."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins) as chat:
        context = plugins.context("test", Origin(owner="local", interface="test"))
        job_id = await context.enqueue_job(a_task, Task(name="one"), delay_s=3600)
        context.unregister_job_handler("test-task")
        seen = await chat.call("status", jobId=job_id)
        stopped = await chat.call("cancel", jobId=job_id)
        after = await chat.call("status", jobId=job_id)
    assert seen["message"] == (
        "Test task is scheduled. Nothing here runs jobs of kind test-task: is its plugin installed?"
    )
    assert seen["next"] == f'status {{"jobId": "{job_id}"}}'
    assert stopped["neverStarted"] == 1
    assert after["message"] == "Test task is cancelled: cancelled by its owner."


# What callers are told


@pytest.mark.parametrize("era", ERAS)
async def test_a_wrong_argument_is_refused_in_plain_words(tmp_path: Path, era: Era) -> None:
    """As with our own tools: all mistakes at once, and nothing is queued."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker="embedded")
    install(tmp_path / "packages", "words", listing())
    async with over_stdio(root, era=era, PYTHONPATH=on_path(tmp_path / "packages")) as chat:
        unknown = await chat.refused("count-words", pages="menu")
        wrong = await chat.refused("count-words", page=7)
        wait = await chat.refused("count-words", page="menu", waitSeconds=99)
        plain = await chat.call("count_words", page="menu", waitSeconds=45)
    assert unknown == (
        'count-words: unknown argument "pages"; did you mean page? (known: page, waitSeconds); '
        "page is missing"
    )
    assert wrong == "count-words: page: Input should be a valid string"
    assert wait == "count-words: waitSeconds must be a number from 0 to 45, not 99"
    assert plain["status"] == "completed"
    assert plain["job"]["result"] == {"words": 0}


# Plugins that cannot be loaded

BROKEN = {
    "absent": "import no_such_module\n",
    "typo": "def register(context):\n    raise RuntimeError('/secret/path')\n",
    "late": "async def register(context):\n    pass\n",
    "taken": (
        "from pydantic import BaseModel\n"
        "from mcp_server.plugin import handler\n"
        "@handler('of-taken', BaseModel)\n"
        "async def mine(payload, context): ...\n"
        "@handler('content-generate', BaseModel)\n"
        "async def theirs(payload, context): ...\n"
        "def register(context):\n"
        "    context.register_job_handler(mine)\n"
        "    context.register_job_handler(theirs)\n"
    ),
}


async def test_a_broken_plugin_stops_nothing_and_is_named_in_status_and_in_the_log(
    tmp_path: Path,
) -> None:
    """The others are there; a client is told no path, and the log has the traceback."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker="embedded")
    packages = tmp_path / "packages"
    for name, code in {**BROKEN, "words": listing()}.items():
        install(packages, name, code)
    async with over_stdio(root, PYTHONPATH=on_path(packages)) as chat:
        assert (await chat.run("generate-all"))["status"] == "completed"
        assert (await chat.call("count-words", page="menu", waitSeconds=45))[
            "status"
        ] == "completed"
        notes = "\n".join((await chat.call("status"))["notes"])
    assert "The plugin absent (absent-plugin) was not loaded: the module no_such_module" in notes
    assert "The plugin late (late-plugin) was not loaded: late:register must be a plain" in notes
    assert "a handler for jobs of kind 'content-generate' already" in notes
    assert "/secret" not in notes
    log = (tmp_path / "site.stderr").read_text()
    assert "Traceback" in log
    assert "/secret/path" in log
    assert "The plugin absent (absent-plugin) was not loaded" in run(
        "status", root, PYTHONPATH=on_path(packages)
    )


async def test_a_plugin_that_only_takes_a_handler_away_is_not_loaded(tmp_path: Path) -> None:
    """What it took is there again: our tools could still queue it."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker="embedded")
    taking = "def register(context):\n    context.unregister_job_handler('content-promote')\n"
    install(tmp_path / "packages", "taker", taking)
    async with over_stdio(root, PYTHONPATH=on_path(tmp_path / "packages")) as chat:
        await chat.run("generate-all")
        assert (await chat.run("promote"))["status"] == "completed"
        (note,) = (await chat.call("status"))["notes"]
    assert note.startswith(
        "The plugin taker (taker-plugin) was not loaded: it takes away the handler of "
        "content-promote and puts none in its place; register(context) has to do both."
    )


# In this process: what a plugin can do


class Task(BaseModel, frozen=True, extra="forbid"):
    """What a job of the tests is to do."""

    name: str
    fails: bool = False


class Several(BaseModel, frozen=True, extra="forbid"):
    """The names of tasks."""

    task_names: list[str]
    failing: str = ""


@handler("test-task", Task)
async def a_task(payload: Task, context: JobContext) -> Outcome:
    """Do it. Safe to run twice: it does nothing."""
    await context.progress(1, 2, f"half of {payload.name}")
    return Fail("bad-luck", "it was told to") if payload.fails else Done({"name": payload.name})


@handler("careless-task", Task)
async def a_careless_task(payload: Task, context: JobContext) -> Outcome:
    """Ask for a job of a kind that nobody has, before its own end."""
    await context.checkpoint([Enqueue(NewJob("no-such-kind", {}))])
    return Done()


async def queue_several(arguments: Several, context: PluginContext) -> str:
    """Queue a batch of them."""
    tasks = [Task(name=n, fails=n == arguments.failing) for n in arguments.task_names]
    jobs = [a_task.job(task, subject=task.name) for task in tasks]
    return await context.enqueue_batch("test-tasks", jobs)


def registering(*kinds: Handler[Any]) -> Plugins:
    """The plugins of a process in which one has registered these kinds, and a tool."""
    plugins = Plugins(Registry(discover("handlers")))
    context = plugins.context("test")
    for kind in kinds:
        context.register_job_handler(kind)
    context.register_tool(
        "queue-several",
        Several,
        queue_several,
        title="Queue several",
        description="Tasks of the tests: queues them as one batch.",
        idempotent=True,
    )
    return plugins


@asynccontextmanager
async def working(root: Path, plugins: Plugins, *, owner: str = "local") -> AsyncGenerator[Desk]:
    """Run the application with these plugins in this process, with a client."""
    application = Application(root, default_mode="embedded", plugins=plugins)
    async with application.running():
        origin = Origin(owner=owner, interface="test")
        server = build_server(application, version="0", origin=origin, plugins=plugins)
        async with Client(server) as client:
            yield Desk(client, root, await application.services(), progress=[])


ADA = Origin(owner="ada", interface="test")
BOB = Origin(owner="bob", interface="test")


async def test_a_job_that_a_handler_asks_for_on_the_way_is_checked(tmp_path: Path) -> None:
    """As those of its outcome are: nothing is queued, and the reason names the kinds there are."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_careless_task)
    async with working(root, plugins):
        context = plugins.context("test", ADA)
        job_id = await context.enqueue_job(a_careless_task, Task(name="a"))
        status = await context.wait_for_job(job_id)
    assert status is not None
    assert status.status is JobState.FAILED
    assert status.error is not None
    assert "no-such-kind" in status.error
    assert "careless-task" in status.error


async def test_a_plugin_queues_sees_and_waits_for_a_job(tmp_path: Path) -> None:
    """Its status is that of the stored job, and its result what the handler answered."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins):
        context = plugins.context("test", ADA)
        job_id = await context.enqueue_job(a_task, Task(name="one"), subject="one", priority=10)
        ended = await context.wait_for_job(job_id)
        failing = await context.enqueue_job("test-task", {"name": "two", "fails": True})
        failed = await context.wait_for_job(failing)
        assert await context.get_job_status("j_none") is None
    assert (ended.status, ended.result, ended.error) == (JobState.COMPLETED, {"name": "one"}, None)
    assert (ended.kind, ended.subject, ended.batch_id) == ("test-task", "one", None)
    assert (failed.status, failed.result, failed.error) == (JobState.FAILED, None, "it was told to")


async def test_the_step_of_one_running_job_is_seen(tmp_path: Path) -> None:
    """By its plugin, by `status` of that job, and by who waits for it."""
    let_through = anyio.Event()

    @handler("held-task", Task)
    async def held(payload: Task, context: JobContext) -> Outcome:
        await context.progress(1, 2, f"half of {payload.name}")
        await let_through.wait()
        return Done()

    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(held)
    async with working(root, plugins) as chat:
        assert chat.services is not None
        context = plugins.context("test", Origin(owner="local", interface="test"))
        job_id = await context.enqueue_job(held, Task(name="one"), subject="one")
        queue = chat.services.queue
        await until(lambda: queue.get(job_id), lambda job: job.step is not None)
        status = await context.get_job_status(job_id)
        seen = await chat.call("status", jobId=job_id, waitSeconds=0.2)
        let_through.set()
        await context.wait_for_job(job_id)
    assert status is not None
    assert (status.status, status.step) == (JobState.PROCESSING, (1, 2, "half of one"))
    assert (seen["job"]["state"], seen["job"]["step"]) == ("processing", "half of one")
    assert chat.progress == [(0.5, 1, "half of one")]


async def test_what_is_anothers_does_not_exist(tmp_path: Path) -> None:
    """In a tool a plugin sees what the caller may see; by itself it sees everything."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins, owner="bob") as chat:
        ada, bob = plugins.context("test", ADA), plugins.context("test", BOB)
        job_id = await ada.enqueue_job(a_task, Task(name="one"))
        batch_id = await ada.enqueue_batch("test-tasks", [a_task.job(Task(name="one"))])
        assert await bob.get_job_status(job_id) is None
        assert await bob.get_batch_status(batch_id) is None
        assert "There is no job" in await chat.refused("status", jobId=job_id)
        with pytest.raises(CallerError):
            await bob.wait_for_job(job_id)
        with pytest.raises(CallerError):
            await bob.wait_for_batch(batch_id)
        alone = plugins.context("test")
        assert await alone.get_job_status(job_id) is not None
        assert (await alone.wait_for_batch(batch_id)).completed == 1


async def test_a_payload_that_does_not_fit_is_refused_before_it_is_stored(tmp_path: Path) -> None:
    """Whatever an untyped plugin hands in."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins):
        context = plugins.context("test", ADA)
        untyped = cast("Any", context.enqueue_job)
        for payload in ({"name": 1}, {"nome": "x"}, "one", Several(task_names=[]), None):
            with pytest.raises(InvalidPayload) as caught:
                await untyped(a_task if not isinstance(payload, dict) else "test-task", payload)
            assert "payload of test-task" in str(caught.value)
        with pytest.raises(UnknownKind):
            await untyped("test-tsk", {})
        with pytest.raises(InvalidPayload, match="dedup_key"):
            await context.enqueue_job(a_task, Task(name="one"), dedup=Dedup.SKIP)
        with pytest.raises(InvalidPayload, match=r"context\.job\.origin"):
            await plugins.context("test").enqueue_job(a_task, Task(name="one"))
        with pytest.raises(InvalidPayload, match="no jobs"):
            await context.enqueue_batch("test-tasks", [])
        with pytest.raises(InvalidPayload, match="Pressroom's own"):
            await context.enqueue_batch("promote", [a_task.job(Task(name="one"))])
        with pytest.raises(InvalidPayload, match="printable characters only"):
            await context.enqueue_batch("red\x1b[31m", [a_task.job(Task(name="one"))])
        assert await context.get_active_batches() == []


async def test_the_same_key_is_the_same_job_while_it_waits(tmp_path: Path) -> None:
    """Keys are compared within a kind and an owner: no plugin learns of another's jobs."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins):
        context = plugins.context("test", ADA)

        async def queue(origin: Origin | None = None) -> str:
            return await context.enqueue_job(
                a_task,
                Task(name="one"),
                delay_s=3600,
                dedup=Dedup.SKIP,
                dedup_key="one",
                origin=origin,
            )

        first, second = await queue(), await queue()
        other = await queue(BOB)
        status = await context.get_job_status(first)
    assert first == second != other
    assert status is not None
    assert status.status is JobState.SCHEDULED


async def test_who_waits_for_a_batch_is_told_how_far_it_is(tmp_path: Path) -> None:
    """Where it stands now, after changes and at its end; an error of theirs ends the wait alone."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins):
        context = plugins.context("test", Origin(owner="local", interface="test"))
        told: list[tuple[int, int]] = []

        async def tell(status: BatchStatus) -> None:
            told.append((status.completed, status.total))

        async def fail(status: BatchStatus) -> None:
            raise ValueError(status.batch_id)

        jobs = [a_task.job(Task(name=name)) for name in "abc"]
        batch_id = await context.enqueue_batch("test-tasks", jobs)
        ended = await context.wait_for_batch(batch_id, on_progress=tell)
        with pytest.raises(ValueError, match=batch_id):
            await context.wait_for_batch(batch_id, on_progress=fail)
    assert ended.completed == 3
    assert told == sorted(set(told))
    assert told[-1] == (3, 3)


async def test_a_tool_may_queue_a_batch_and_its_end_is_told(tmp_path: Path) -> None:
    """With progress while the call is open; `retry` takes up what failed, without a site's plan."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins) as chat:
        queued = await chat.call("queue-several", taskNames=["a", "b", "c"])
        ended = await chat.call("status", batchId=queued["batchId"], waitSeconds=45)
        context = plugins.context("test", Origin(owner="local", interface="test"))
        answer = await chat.run("queue-several", taskNames=["a", "b"], failing="b")
        batch = await context.get_batch_status(answer["batchId"])
        again = await chat.run("retry", batchId=answer["batchId"])
        waited = await context.wait_for_batch(answer["batchId"])
        assert chat.progress
        undone = await chat.call("rollback", batchId=queued["batchId"])
    assert undone["message"].startswith("No sections to roll back.")
    assert queued["message"].startswith("Queued: Test tasks, 3 jobs.")
    assert queued["status"] == "queued"
    assert ended["operations"][0]["type"] == "Test tasks"
    assert ended["operations"][0]["progress"] == "3/3"
    assert answer["status"] == "failed"
    assert "1 of 2 done, 1 failed: b (it was told to)" in answer["message"]
    assert batch == BatchStatus(
        batch_id=answer["batchId"],
        name="test-tasks",
        status=batch.status if batch else pytest.fail("no such batch"),
        total=2,
        completed=1,
        failed=1,
        cancelled=0,
        current=None,
        errors=("b: it was told to",),
    )
    assert again["queuedSections"] == 1
    assert waited.failed == 1


class Size(BaseModel, frozen=True, extra="forbid"):
    """How many bytes to answer with."""

    count: int


@handler("bytes-task", Size)
async def of_bytes(payload: Size, context: JobContext) -> Outcome:
    """Answer with as many bytes, each different from the one before."""
    return Done(bytes(n % 256 for n in range(payload.count)))


async def test_a_result_in_bytes_is_read_as_it_was_answered(tmp_path: Path) -> None:
    """None are bytes, too; in a chat and by a command only their number is shown."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(of_bytes)
    async with working(root, plugins) as chat:
        context = plugins.context("test", Origin(owner="local", interface="test"))
        full = await context.enqueue_job(of_bytes, Size(count=1000))
        empty = await context.enqueue_job(of_bytes, Size(count=0))
        ended = await context.wait_for_job(full)
        await context.wait_for_job(empty)
        assert await context.result(full) == bytes(n % 256 for n in range(1000))
        assert await context.result(empty) == b""
        assert await plugins.context("test", BOB).result(full) is None
        assert await context.result("j_none") is None
        seen = await chat.call("status", jobId=full)
    assert ended.result == seen["job"]["result"] == {"bytes": 1000}
    assert '"bytes": 1000' in run("job", root, full)


async def test_more_bytes_than_a_payload_may_have_are_no_result(tmp_path: Path) -> None:
    """Nor is a mapping that could be taken for bytes; the job fails, and says why."""

    @handler("forged-task", Task)
    async def forged(payload: Task, context: JobContext) -> Outcome:
        return Done({"$bytes": payload.name})

    root = small_site(tmp_path / "site", {"menu": 1}, payload_bytes_max=2048)
    plugins = registering(of_bytes, forged)
    async with working(root, plugins):
        context = plugins.context("test", ADA)
        large = await context.enqueue_job(of_bytes, Size(count=2049))
        exact = await context.enqueue_job(of_bytes, Size(count=2048))
        taken = await context.enqueue_job(forged, Task(name="AAAA"))
        ends = [await context.wait_for_job(id) for id in (large, exact, taken)]
    assert [end.error for end in ends] == [
        "its handler answered Done, whose result has 2,049 bytes: at most 2,048 may be",
        None,
        "its handler answered Done, whose result has the name $bytes, which is Pressroom's own",
    ]


COUNTING = Words(
    name="Word count", past="counted", doing="counting", kept="What was counted stays so."
)


async def test_a_plugins_batch_is_spoken_of_in_its_words(tmp_path: Path) -> None:
    """While it runs and at its end, in a list, when cancelled, and by a process without it."""
    let_through = anyio.Event()

    @handler("held-task", Task)
    async def held(payload: Task, context: JobContext) -> Outcome:
        await let_through.wait()
        return Done()

    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(held)
    async with working(root, plugins) as chat:
        context = plugins.context("test", Origin(owner="local", interface="test"))
        jobs = [held.job(Task(name=name), subject=name) for name in "ab"]
        batch_id = await context.enqueue_batch("word-counts", jobs, words=COUNTING)
        await until(lambda: context.get_batch_status(batch_id), lambda b: b and b.current)
        running = await chat.call("status", batchId=batch_id, waitSeconds=0)
        let_through.set()
        ended = await chat.call("status", batchId=batch_id, waitSeconds=45)
        later = [held.job(Task(name="c"), delay_s=3600)]
        dropped = await context.enqueue_batch("word-counts", later, words=COUNTING)
        cancelled = await chat.call("cancel", batchId=dropped)
    assert running["message"].startswith("Word count: 0/2 · counting ")
    assert ended["message"] == "2 of 2 counted."
    assert ended["operations"][0]["type"] == "Word count"
    assert cancelled["message"].endswith("What was counted stays so.")
    assert run("status", root, batch_id).startswith("2 of 2 counted.")


@pytest.mark.parametrize(
    "words",
    [
        Words(name=""),
        Words(name="a\nb"),
        Words(name="a", past="b" * 101),
        Words(name=cast("str", 3)),
    ],
)
async def test_words_that_cannot_be_part_of_a_sentence_are_refused(
    tmp_path: Path, words: Words
) -> None:
    """Before anything is queued."""
    plugins = registering(a_task)
    async with working(small_site(tmp_path / "site", {"menu": 1}), plugins):
        context = plugins.context("test", ADA)
        with pytest.raises(InvalidPayload, match="of its words: 100 printable characters at most"):
            await context.enqueue_batch("tasks", [a_task.job(Task(name="a"))], words=words)
        assert await context.get_active_batches() == []


async def test_unfinished_batches_are_listed_until_they_end(tmp_path: Path) -> None:
    """Newest first."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins) as chat:
        context = plugins.context("test", Origin(owner="local", interface="test"))

        def later(name: str) -> NewJob:
            return a_task.job(Task(name=name), delay_s=3600)

        ids = [await context.enqueue_batch("test-tasks", [later(n)]) for n in ("a", "b")]
        active = await context.get_active_batches()
        for id in ids:
            await chat.call("cancel", batchId=id)
        assert await context.get_active_batches() == []
    assert [batch.batch_id for batch in active] == ids[::-1]


async def test_a_plugin_may_put_its_own_handler_in_the_place_of_ours(tmp_path: Path) -> None:
    """Unregistered first, or its name is taken."""
    asked = anyio.Event()
    plugins = registering()
    context = plugins.context("test")
    ours = plugins.registry.get("content-generate")

    @handler("content-generate", ours.payload)
    async def mine(payload: BaseModel, context: JobContext) -> Outcome:
        asked.set()
        return Fail("no", (await context.site()).title)

    with pytest.raises(ConfigError):
        context.register_job_handler(mine)
    context.unregister_job_handler("content-generate")
    assert "content-generate" not in context.job_kinds
    context.register_job_handler(mine)
    async with working(small_site(tmp_path / "site", {"menu": 1}), plugins) as chat:
        answer = await chat.run("generate-all")
    assert asked.is_set()
    assert "menu/s1 (Notes)" in answer["message"]


async def test_a_plugins_log_lines_say_whose_they_are(tmp_path: Path) -> None:
    """Those of its tools and of its jobs; a job's say which job it is."""

    @handler("logged-task", Task)
    async def logged(payload: Task, context: JobContext) -> Outcome:
        context.logger.info("begun", name=payload.name)
        return Done()

    plugins = registering(logged)
    context = plugins.context("test", ADA)
    with capture_logs() as lines:
        async with working(small_site(tmp_path / "site", {"menu": 1}), plugins):
            context.logger.warning("asked")
            job_id = await context.enqueue_job(logged, Task(name="x"))
            await context.wait_for_job(job_id)
    asked, begun = [line for line in lines if line["event"] in {"asked", "begun"}]
    assert asked == {"event": "asked", "log_level": "warning", "plugin": "test"}
    assert begun == {
        "event": "begun",
        "log_level": "info",
        "name": "x",
        "plugin": "test",
        "job_id": job_id,
        "kind": "logged-task",
    }


async def test_a_handler_outside_any_batch_has_the_site_as_it_is_now(tmp_path: Path) -> None:
    """It was promised none."""

    @handler("site-title", Task)
    async def title(payload: Task, context: JobContext) -> Outcome:
        return Done({"title": (await context.site()).title})

    plugins = registering(title)
    async with working(small_site(tmp_path / "site", {"menu": 1}), plugins):
        context = plugins.context("test", ADA)
        ended = await context.wait_for_job(await context.enqueue_job(title, Task(name="x")))
    assert ended.result == {"title": "Notes"}


async def test_tools_that_cannot_be_offered_are_left_out_and_named(tmp_path: Path) -> None:
    """A name of ours in either spelling, and arguments that no schema can hold."""

    class Node(BaseModel):
        children: list[Node] = []

    async def none(arguments: BaseModel, context: PluginContext) -> str:
        raise AssertionError

    plugins = registering()
    context = plugins.context("test")

    def add(name: str, arguments: type[BaseModel]) -> None:
        context.register_tool(name, arguments, none, title="A tool", description="A tool.")

    add("generate_all", Task)
    add("endless", Node)
    for name in ("queue-several", "Big", "a b"):
        with pytest.raises(ConfigError):
            add(name, Task)
    async with working(small_site(tmp_path / "site", {"menu": 1}), plugins) as chat:
        listed = [tool.name for tool in (await chat.client.list_tools()).tools]
        notes = (await chat.call("status"))["notes"]
    assert listed[-1] == "queue-several"
    assert [name for name in listed if name.startswith(("generate", "endless"))] == [
        "generate-all",
        "generate",
    ]
    assert _all_begin(notes, ["The tool generate_all of the plugin test", "The tool endless"])


def _all_begin(texts: Sequence[str], beginnings: Sequence[str]) -> bool:
    pairs = zip(texts, beginnings, strict=True)
    return all(text.startswith(beginning) for text, beginning in pairs)


async def test_a_later_job_of_a_key_replaces_the_one_that_waits(tmp_path: Path) -> None:
    """In a batch too; keys are the plugin's own there as they are for a job by itself."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins):
        context = plugins.context("test", ADA)

        def job(name: str, dedup: Dedup = Dedup.REPLACE) -> NewJob:
            task = Task(name=name)
            return a_task.job(task, subject=name, delay_s=3600, dedup=dedup, dedup_key="k")

        first = await context.enqueue_job(
            a_task, Task(name="a"), delay_s=3600, dedup=Dedup.REPLACE, dedup_key="k"
        )
        waiting = await context.enqueue_batch("test-tasks", [job("b")])
        second = await context.enqueue_job(
            a_task, Task(name="c"), subject="c", dedup=Dedup.REPLACE, dedup_key="k"
        )
        ended = await context.wait_for_job(first)
        batch = await context.wait_for_batch(waiting)
    assert first == second
    assert (ended.result, ended.subject) == ({"name": "c"}, "c")
    assert (batch.total, batch.status) == (0, "completed")


async def test_a_plugin_waits_until_its_caller_has_nothing_left(tmp_path: Path) -> None:
    """What others have does not count; a wait that runs out names what is outstanding."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins):
        context = plugins.context("test", ADA)
        jobs = [a_task.job(Task(name=name)) for name in "abc"]
        batch_id = await context.enqueue_batch("test-tasks", jobs)
        job_id = await context.enqueue_job(a_task, Task(name="d"))
        await context.enqueue_job(a_task, Task(name="e"), delay_s=3600, origin=BOB)
        await context.wait_for_idle()
        job, batch = await context.get_job_status(job_id), await context.get_batch_status(batch_id)
        assert job is not None and job.status is JobState.COMPLETED
        assert batch is not None and batch.completed == 3
        with pytest.raises(TimeoutError, match=r"outstanding: j_\w+ \(scheduled\)$"):
            await context.wait_for_idle(timeout_s=0.01, origin=BOB)


async def test_status_lists_jobs_outside_any_batch_among_the_operations(tmp_path: Path) -> None:
    """Under way and over, newest first; without a batch there is nothing to retry, and no id."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins) as chat:
        context = plugins.context("test", Origin(owner="local", interface="test"))
        drafted = (await chat.run("generate-all"))["batchId"]
        done = await context.enqueue_job(a_task, Task(name="one"), subject="one")
        await context.wait_for_job(done)
        idle = await chat.call("status")
        waits = await context.enqueue_job(a_task, Task(name="two"), subject="two", delay_s=3600)
        busy = await chat.call("status", waitSeconds=0)
        active = await chat.call("status", activeOnly=True)
        first = await chat.call("status", limit=2)
        rest = await chat.call("status", limit=2, cursor=first["nextCursor"])
    assert idle["message"].startswith("No background operations running. The last one: Test task")
    assert busy["message"] == "1 operation in progress."
    listed = [each.get("jobId") or each.get("batchId") for each in busy["operations"]]
    assert listed == [waits, done, drafted]
    assert busy["operations"][0] == {
        "type": "Test task",
        "status": "scheduled",
        "progress": "0/1",
        "percentComplete": 0,
        "currentTask": "two",
        "startedAt": "just now",
        "jobId": waits,
    }
    assert busy["operations"][1]["percentComplete"] == 100
    assert [each["jobId"] for each in active["operations"]] == [waits]
    assert [each.get("jobId") for each in first["operations"]] == [waits, done]
    assert [each.get("batchId") for each in rest["operations"]] == [drafted]
    assert "nextCursor" not in rest


async def test_a_due_job_that_nobody_can_run_is_told_of(tmp_path: Path) -> None:
    """It waits for whoever can: nothing is lost, and somebody knows."""
    root = small_site(tmp_path / "site", {"menu": 1})
    plugins = registering(a_task)
    async with working(root, plugins) as chat:
        services = chat.services
        assert services is not None
        needy = NewJob(kind="test-task", payload={"name": "one"}, requires="key:nobody")
        job_id = await services.queue.enqueue(needy, origin=ADA)
        answer = await chat.call("status")
        job = await services.queue.get(job_id)
    [note] = answer["notes"]
    assert note.startswith("Jobs are due, and no worker has the key for nobody. Set NOBODY_API_KEY")
    assert job.state is JobState.PENDING
