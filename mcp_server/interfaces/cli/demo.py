"""`pressroom demo`: the main job with a real client and server, and a worker that is killed.

Everything it shows comes from an answer of the server, or from the disk.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from hashlib import sha256
from pathlib import Path

import anyio

from mcp_server.config import SETTINGS_FILE, Workspace, open_workspace
from mcp_server.content.workspace.starter import init_workspace
from mcp_server.errors import ServerError
from mcp_server.interfaces.cli.connect import claude_code_line, desktop_config, server_command
from mcp_server.interfaces.cli.conversation import (
    Conversation,
    Json,
    conversation,
    finished,
    has_ended,
)
from mcp_server.interfaces.cli.spelling import unmarked
from mcp_server.interfaces.cli.terminal import Move, Screen

COMPOSER_DELAY_S = 1.5
"""Delay of each section. Without a model it takes milliseconds: too fast to watch, or to kill the
worker half-way."""
LOOK_S = 1
"""How often to look for the moment to kill the worker, and then for its successor."""
DEMO_S_MAX = 120
"""Far more than the demo takes; if something hangs, it ends with an error."""
REVIEW_ROWS = 200
"""As many rows as an answer may have; rows that do not fit come with the next page."""


class DemoFailed(ServerError):
    """A step of the demo did not do what it shows; the message says which and why."""


def run_demo(folder: Path) -> None:
    """Show the main job in `folder`, which becomes a workspace if it is none.

    Raises:
        DemoFailed: a step failed, or the whole took too long.
        CallFailed: a tool answered with an error, or the server is gone.
    """
    screen = Screen()
    screen.title("The workspace")
    anyio.run(_connect_and_play, _prepared(folder.resolve(), screen), screen)


def _prepared(folder: Path, screen: Screen) -> Workspace:
    if (folder / SETTINGS_FILE).exists():
        screen.say(f"{folder} is there already and is used again.")
    else:
        init_workspace(folder)
        screen.say(f"Made {folder} from the starter site.")
    # Without our environment: the server that a client starts does not have it either.
    return open_workspace(folder, {})


async def _connect_and_play(workspace: Workspace, screen: Screen) -> None:
    command = server_command(workspace.root)
    environment = {
        "PRESSROOM_MODEL": "composer",
        "PRESSROOM_COMPOSER_DELAY_S": str(COMPOSER_DELAY_S),
    }
    screen.title("A client starts the server, as Claude Desktop would")
    screen.say(" ".join(command))
    try:
        with anyio.fail_after(DEMO_S_MAX):
            async with conversation(command, environment) as talk:
                screen.say(f"Connected over stdin and stdout, protocol {talk.protocol_version}.")
                await Demo(talk, screen, workspace.content_dir).play()
    except TimeoutError as error:
        raise DemoFailed(f"the demo was not through after {DEMO_S_MAX} seconds") from error
    _show_how_to_connect(workspace, screen)


class Stage:
    """Calls tools that queue something, and shows how that goes."""

    def __init__(self, talk: Conversation, screen: Screen) -> None:
        self._talk, self._screen = talk, screen

    async def publish(self, tool: str, arguments: Json, title: str) -> str:
        """Promote or roll back, wait for the end, and return the batch.

        Raises:
            DemoFailed: nothing was queued, or it did not come through.
        """
        self._screen.title(title)
        answer = await self.submit(tool, arguments)
        batch_id = str(answer["batchId"])
        with self._screen.bar() as move:
            end = await self._talk.follow(batch_id, move=move)
        self.end_of(tool, end)
        return batch_id

    async def submit(self, tool: str, arguments: Json) -> Json:
        """Return the answer of a call that has queued a batch.

        Raises:
            DemoFailed: nothing was queued.
        """
        self._screen.say(f"{tool} {_shown(arguments)}")
        answer = await self._talk.call(tool, arguments)
        self._screen.say(f"→ {answer['message']}")
        if "batchId" not in answer:
            raise DemoFailed(f"{tool} queued nothing: {answer['message']}")
        self._screen.say(f"  batchId: {answer['batchId']}")
        return answer

    def end_of(self, tool: str, end: Json) -> None:
        """Show how a batch has ended.

        Raises:
            DemoFailed: it did not come through.
        """
        if end["operations"][0]["status"] != "completed":
            raise DemoFailed(f"{tool} did not come through: {end['message']}")
        self._screen.say(f"→ {end['message']}")


class Demo:
    """The steps, in the order in which they are shown."""

    def __init__(self, talk: Conversation, screen: Screen, content_dir: Path) -> None:
        self._talk = talk
        self._screen = screen
        self._content_dir = content_dir
        self._stage = Stage(talk, screen)

    async def play(self) -> None:
        """Show everything, from the first draft to the last rollback."""
        drafted_before = await self._take_back_what_is_live()
        drafted = await self._generate(again=drafted_before)
        await self._review()
        promoted = await self._publish("promote", {"batchId": drafted}, "Promote: make it live")
        live = _files(self._content_dir)
        taken_back = await self._publish(
            "rollback", {"batchId": promoted}, "Roll back: take the whole batch back"
        )
        await self._publish(
            "rollback", {"batchId": taken_back}, "Roll the rollback back: put it all there again"
        )
        self._compare(live)

    async def _take_back_what_is_live(self) -> bool:
        """Undo what an earlier demo left live; return whether anything was drafted before."""
        # `diff`, as rows have the hashes that tell what is drafted and live only with it.
        rows = await self._talk.pages_of("review", {"diff": True, "limit": REVIEW_ROWS})
        live = [row["section"] for row in rows if "liveHash" in row]
        if live:
            await self._publish(
                "rollback", {"sections": live}, "What the last demo left live is taken back first"
            )
        return any("draftHash" in row for row in rows)

    async def _generate(self, *, again: bool) -> str:
        self._screen.title("Generate all pages")
        answer = await self._stage.submit("generate-all", {"mode": "new"} if again else {})
        batch_id = str(answer["batchId"])
        self._screen.say(
            f"Model: {answer.get('model', 'composer')}, which needs no key. It is slowed down to "
            f"{COMPOSER_DELAY_S:g} seconds a section (PRESSROOM_COMPOSER_DELAY_S), or there would "
            "be nothing to see."
        )
        with self._screen.bar() as move:
            await self._kill_the_worker_half_way(batch_id, move)
            end = await self._talk.follow(batch_id, move=move)
        self._stage.end_of("generate-all", end)
        return batch_id

    async def _kill_the_worker_half_way(self, batch_id: str, move: Move) -> None:
        half = await self._talk.follow(batch_id, move=move, until=_is_half_done, wait_s=LOOK_S)
        if has_ended(half):
            self._screen.say("All was drafted before the worker could be killed half-way.")
            return
        pid = _pid(half)
        if pid is None or not _kill(pid):
            self._screen.say(
                "The worker has no process of its own here, so it is not killed. If the server "
                "ends, its batch goes on with the next start."
            )
            return
        self._screen.say(f"Killed the worker: process {pid}, SIGKILL, at {_progress(half)}.")
        later = await self._talk.follow(
            batch_id, move=move, until=lambda answer: _pid(answer) not in (None, pid), wait_s=LOOK_S
        )
        if (successor := _pid(later)) not in (None, pid):
            self._screen.say(
                f"The batch goes on: process {successor} took it up, at {_progress(later)}."
            )

    async def _review(self) -> None:
        self._screen.title("Review: what would change on the live site")
        answer = await self._talk.call("review", {"diff": True, "limit": 1})
        self._screen.say(str(answer["message"]))
        for row in answer["sections"]:
            self._screen.say(f"{row['section']}, written by: {row.get('author', 'nobody')}")
            self._screen.diff(unmarked(str(row.get("diff", "no difference"))).strip("\n"))

    async def _publish(self, tool: str, arguments: Json, title: str) -> str:
        """Promote or roll back, wait for the end, show the files, and return the batch."""
        batch_id = await self._stage.publish(tool, arguments, title)
        files = _files(self._content_dir)
        self._screen.say(f"On the disk: {', '.join(files) or 'no pages'}.")
        return batch_id

    def _compare(self, live: dict[str, str]) -> None:
        if _files(self._content_dir) != live:
            raise DemoFailed("the files differ from those before the rollback")
        self._screen.say("Byte for byte the files of before.")


def _is_half_done(answer: Json) -> bool:
    done, total = finished(answer)
    return 2 * done >= total


def _progress(answer: Json) -> str:
    return str(answer["operations"][0]["progress"])


def _pid(answer: Json) -> int | None:
    """Return the worker's process id, if it is alive and has a process of its own."""
    worker: Json = answer.get("worker", {})
    pid = worker.get("pid")
    detached = worker.get("alive") is True and worker.get("mode") == "detached"
    return pid if detached and isinstance(pid, int) else None


def _kill(pid: int) -> bool:
    """Kill the process as a power cut would; return False if that is impossible, or it is gone."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _files(content_dir: Path) -> dict[str, str]:
    """The pages on the disk with the hashes of their bytes."""
    return {
        path.relative_to(content_dir.parent).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(content_dir.glob("**/*.md"))
    }


def _shown(arguments: Json) -> str:
    sections = arguments.get("sections")
    if sections and len(sections) > 2:
        return f'{{"sections": ["{sections[0]}", … {len(sections)} in all]}}'
    return json.dumps(arguments) if arguments else ""


def _show_how_to_connect(workspace: Workspace, screen: Screen) -> None:
    screen.title("Now yours")
    screen.say(f"The Markdown lies in {workspace.content_dir}")
    screen.say(f"The site is described in {workspace.site_file}")
    screen.title("Claude Desktop: put this into claude_desktop_config.json, and start it again")
    screen.whole(desktop_config(workspace.root))
    screen.title("Claude Code: run this")
    screen.whole(claude_code_line(workspace.root))
