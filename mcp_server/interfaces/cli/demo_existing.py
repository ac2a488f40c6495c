"""`pressroom demo --existing`: a site that is there, in git, and what a change does to its files.

Everything it shows comes from an answer of the server, from git, or from the disk.
"""

from __future__ import annotations

import json
from pathlib import Path

import anyio

from mcp_server.clock import SystemClock
from mcp_server.config import SETTINGS_FILE
from mcp_server.folder import Folder
from mcp_server.interfaces.cli.connect import claude_code_line, server_command
from mcp_server.interfaces.cli.conversation import Conversation, conversation
from mcp_server.interfaces.cli.demo import DEMO_S_MAX, DemoFailed, Stage
from mcp_server.interfaces.cli.demo_git import Git
from mcp_server.interfaces.cli.demo_site import AFTER, BEFORE, FILES, PAGE
from mcp_server.interfaces.cli.init import init_lines
from mcp_server.interfaces.cli.spelling import unmarked
from mcp_server.interfaces.cli.terminal import Screen

BODY = f"{PAGE}/body"
"""The section that is redrafted."""
WHY_EDIT = """\
The composer is what writes without a key, and it must not touch what people wrote.
A model redrafts such a text, and its shortcodes, HTML and footnotes come back as they were.
Here one paragraph is edited instead, as the chat does when you tell it what to change.
Of a file that is so new, two looks 2 seconds apart say that nobody is saving it."""


def run_demo_existing(folder: Path) -> None:
    """Show a change to a site that is there, in `folder`, which is made if it is not.

    Raises:
        NoGit: there is no git to show the changes with; nothing was made.
        FileInTheWay: the folder holds something else.
        DemoFailed: a step failed, or the whole took too long.
        CallFailed: a tool answered with an error, or the server is gone.
    """
    root, screen = folder.resolve(), Screen()
    git = Git(root)
    _prepare(root, git, screen)
    anyio.run(_connect_and_play, root, git, screen)
    screen.title(
        "Now yours: run `pressroom init` in your site's folder. For this one, Claude Code:"
    )
    screen.whole(claude_code_line(root))


def _prepare(root: Path, git: Git, screen: Screen) -> None:
    screen.title("A site that is there")
    if (root / SETTINGS_FILE).exists():
        screen.say(f"{root} is there already and is used again.")
        git.commit("What was changed by hand since")
        return
    _write_site(root)
    git.begin()
    git.commit("The site as it is")
    screen.say(f"Made {root}: a small site of Hugo, in git, written by hand.")
    screen.say(git.run("ls-files", "content").strip())
    screen.title(f"pressroom init {root}")
    for line in init_lines(root, None, split=False, clock=SystemClock()):
        if line.startswith("To use it"):
            break  # it is said at the end
        screen.say(line)
    git.commit("Settings of Pressroom")
    screen.say("git log: " + ", ".join(git.run("log", "--format=%s").splitlines()))


def _write_site(root: Path) -> None:
    """Write the site.

    Raises:
        DemoFailed: the folder holds something already.
    """
    if root.exists() and any(root.iterdir()):
        raise DemoFailed(f"{root} is not empty; name another folder by --dir")
    for path, text in FILES.items():
        *folders, name = path.split("/")
        with Folder(root, *folders).opened(create=True) as opened:
            opened.write_whole(name, text.encode())


async def _connect_and_play(root: Path, git: Git, screen: Screen) -> None:
    try:
        with anyio.fail_after(DEMO_S_MAX):
            async with conversation(server_command(root), {"PRESSROOM_MODEL": "composer"}) as talk:
                await Existing(talk, screen, git).play()
    except TimeoutError as error:
        raise DemoFailed(f"the demo was not through after {DEMO_S_MAX} seconds") from error


class Existing:
    """The steps, in the order in which they are shown."""

    def __init__(self, talk: Conversation, screen: Screen, git: Git) -> None:
        self._talk, self._screen, self._git = talk, screen, git
        self._stage = Stage(talk, screen)

    async def play(self) -> None:
        """Show everything, from the first look to the clean end."""
        await self._look()
        await self._redraft()
        await self._review()
        promoted = await self._stage.publish(
            "promote", {"page": PAGE}, "Promote: write it into the file"
        )
        self._show_what_git_sees()
        await self._stage.publish("rollback", {"batchId": promoted}, "Roll back: take it out again")
        self._check_it_is_clean()

    async def _look(self) -> None:
        self._screen.title("What is live is what the files say")
        answer = await self._talk.call("review", {"limit": 1})
        self._screen.say(f"review → {answer['message']}")
        [row] = await self._talk.pages_of("review", {"section": BODY, "diff": True})
        if "draftHash" in row:
            self._screen.say("What an earlier demo left as a draft is dropped.")
            await self._talk.call("edit", {"section": BODY, "discard": True})

    async def _redraft(self) -> None:
        self._screen.title(f"Redraft {BODY}")
        asked = {"section": BODY, "instructions": "shorter"}
        self._screen.say(f"generate {json.dumps(asked)}")
        answer = await self._talk.call("generate", asked)
        self._screen.say(f"→ {answer['message']}")
        if "batchId" in answer:
            raise DemoFailed("the composer has rewritten an existing text")
        self._screen.say(WHY_EDIT)
        change = {"section": BODY, "replace": [{"old": BEFORE, "new": AFTER}]}
        self._screen.say(f"edit {json.dumps(change)}")
        answer = await self._talk.call("edit", change)
        self._screen.say(f"→ {answer['message']}")

    async def _review(self) -> None:
        self._screen.title("Review: what would change on the live site")
        for row in await self._talk.pages_of("review", {"page": PAGE, "diff": True}):
            if "diff" in row:
                self._screen.say(f"{row['section']}, {row['state']}")
                self._screen.diff(unmarked(str(row["diff"])).strip("\n"))

    def _show_what_git_sees(self) -> None:
        self._screen.title("git diff: that paragraph, and not a byte beside it")
        changed = self._git.run("diff", "--name-only").split()
        if changed != [f"content/{PAGE}/index.md"]:
            raise DemoFailed(f"not one file has changed, but: {', '.join(changed) or 'none'}")
        self._screen.patch(self._git.run("diff", "--unified=1").strip("\n"))
        self._screen.say(self._git.run("diff", "--shortstat").strip())

    def _check_it_is_clean(self) -> None:
        self._screen.title("git status")
        if left := self._git.run("status", "--porcelain"):
            raise DemoFailed(f"the files are not as they were: {left.strip()}")
        self._screen.say(self._git.run("status").strip())
        self._screen.say("Byte for byte the files of before.")
