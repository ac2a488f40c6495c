"""What a plugin's author tests with: `mcp_server.testing`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel

from mcp_server.plugin import (
    USER_ONLY,
    ConfigError,
    Done,
    Fail,
    JobContext,
    JobState,
    Outcome,
    PluginContext,
    handler,
)
from mcp_server.testing import ToolRefused, workspace

pytestmark = pytest.mark.anyio


class Greeting(BaseModel, frozen=True, extra="forbid"):
    """Whom to greet."""

    name: str


class Manners(BaseModel, frozen=True):
    """How to greet."""

    word: Annotated[str, USER_ONLY] = "Hello"


@handler("greet", Greeting)
async def greet(payload: Greeting, context: JobContext) -> Outcome:
    """Greet everybody but one."""
    if payload.name == "Nobody":
        return Fail("nobody", "there is nobody")
    return Done({"said": f"{context.settings(Manners).word}, {payload.name}"})


async def ask(arguments: Greeting, context: PluginContext) -> str:
    """Queue it."""
    return await context.enqueue_job(greet, arguments, subject=arguments.name)


def register(context: PluginContext) -> None:
    """Add all of it."""
    context.register_settings(Manners)
    context.register_job_handler(greet)
    context.register_tool("greet", Greeting, ask, title="Greet", description="A person: greets.")


async def test_a_tool_is_called_and_its_job_ends(tmp_path: Path) -> None:
    """By a client, in a real workspace with a worker of its own."""
    async with workspace(tmp_path, plugins=[register]) as desk:
        queued = await desk.call("greet", name="Ada")
        await desk.finished()
        ended = await desk.context.get_job_status(queued["jobId"])
    assert queued["message"].startswith("Queued: Greet Ada.")
    assert ended is not None
    assert (ended.status, ended.result) == (JobState.COMPLETED, {"said": "Hello, Ada"})
    assert (desk.root / "pressroom" / "site.yaml").is_file()


async def test_a_handler_is_run_without_a_tool(tmp_path: Path) -> None:
    """However it ends; with the settings that the test gives it."""
    settings = '[plugins.manners]\nword = "Good day"\n'
    async with workspace(tmp_path, plugins={"manners": register}, settings=settings) as desk:
        done = await desk.run(greet, Greeting(name="Ada"))
        failed = await desk.run(greet, Greeting(name="Nobody"))
    assert done.result == {"said": "Good day, Ada"}
    assert (failed.status, failed.error) == (JobState.FAILED, "there is nobody")


async def test_what_a_caller_is_refused_is_raised(tmp_path: Path) -> None:
    """In the words that it is told."""
    async with workspace(tmp_path, plugins=[register]) as desk:
        with pytest.raises(ToolRefused, match="greet: name is missing"):
            await desk.call("greet")


async def test_a_workspace_is_as_it_was_left(tmp_path: Path) -> None:
    """A plugin's author tries an upgrade, say, in the second opening."""
    async with workspace(tmp_path, plugins=[register]) as desk:
        queued = await desk.call("greet", name="Ada")
        await desk.finished()
    async with workspace(tmp_path, plugins=[register]) as desk:
        assert await desk.context.get_job_status(queued["jobId"]) is not None


async def test_neither_the_users_settings_nor_their_variables_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test asks no model, and writes nowhere but into its own folder."""
    monkeypatch.setenv("PRESSROOM_MODEL", "anthropic:claude")
    monkeypatch.setenv("PRESSROOM_CONCURRENCY", "no number")
    async with workspace(tmp_path, plugins=[register]) as desk:
        answer = await desk.call("generate-all", dryRun=True)
    assert answer["model"] == "composer"
    assert names_in(tmp_path) == ["site", "state", "user.toml"]


def names_in(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_what_a_test_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    """An assertion that fails is shown by pytest as any other, not in a group of groups."""
    with pytest.raises(AssertionError, match="as it is"):
        async with workspace(tmp_path, plugins=[register]):
            raise AssertionError("as it is")


def wrongly(context: PluginContext) -> None:
    """Fail to register."""
    raise LookupError("not today")


def oddly(context: PluginContext) -> None:
    """Add a tool that cannot be offered."""
    context.register_tool("status", Greeting, ask, title="A", description="A.")


async def test_a_plugin_that_cannot_be_used_is_no_surprise_later(tmp_path: Path) -> None:
    """What a server would only note fails the test at once."""
    with pytest.raises(LookupError, match="not today"):
        async with workspace(tmp_path, plugins=[wrongly]):
            raise AssertionError
    with pytest.raises(ConfigError, match="The tool status of the plugin test_plugin_testing"):
        async with workspace(tmp_path, plugins=[oddly]):
            raise AssertionError
    with pytest.raises(ConfigError, match=r"plugins\.test_plugin_testing\.wrod is no setting"):
        async with workspace(
            tmp_path, plugins=[register], settings="[plugins.test_plugin_testing]\nwrod = 1"
        ):
            raise AssertionError
