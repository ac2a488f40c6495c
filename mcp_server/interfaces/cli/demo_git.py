"""Git, as `pressroom demo --existing` runs it in the folder that it made."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from mcp_server.errors import ServerError

GIT_S_MAX = 20
"""Far longer than git takes for a dozen files."""


class NoGit(ServerError):
    """There is no git to show the changes with."""

    def __init__(self) -> None:
        super().__init__(
            "this demo shows with git what changes in the files of a site, and there is no `git` "
            "here: install it, or run `pressroom demo` without --existing, which needs none."
        )


class GitFailed(ServerError):
    """A git command failed; the message is git's."""


class Git:
    """The repository in one folder. What the user has set up for git elsewhere does not count."""

    def __init__(self, folder: Path) -> None:
        """Find git.

        Raises:
            NoGit: it is not installed.
        """
        program = shutil.which("git")
        if program is None:
            raise NoGit
        self._program, self._folder = program, folder
        # Hooks, signing and line ends of the user would make this another demo.
        own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        self._environment = {**own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def begin(self) -> None:
        """Make a repository whose commits have an author of its own."""
        self.run("init", "--quiet")
        for key, value in {
            "user.name": "Pressroom demo",
            "user.email": "demo@bakery.example",
            "core.autocrlf": "false",
        }.items():
            self.run("config", "--local", key, value)

    def commit(self, message: str) -> None:
        """Commit all that is there, if anything has changed."""
        self.run("add", "--all")
        if self.run("status", "--porcelain"):
            self.run("commit", "--quiet", "--message", message)

    def run(self, *arguments: str) -> str:
        """Return what a git command prints.

        Raises:
            GitFailed: it failed, or hung.
        """
        try:
            done = subprocess.run(  # noqa: S603 - git, by its full path, with words of ours
                [self._program, *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=GIT_S_MAX,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitFailed(f"git {arguments[0]}: {error}") from error
        if done.returncode != 0:
            raise GitFailed(f"git {arguments[0]}: {done.stderr.strip() or 'it failed'}")
        return done.stdout
