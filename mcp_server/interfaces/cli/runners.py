"""What the command line can start. `__main__` supplies it; each part is imported when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mcp_server.jobs.job import Job
from mcp_server.progress.event import ProgressEvent


class ServeStdio(Protocol):
    """Serves one client over stdin and stdout, until it hangs up."""

    def __call__(self, workspace: Path | None) -> None:
        """Serve."""
        ...


class ServeHttp(Protocol):
    """Serves clients over HTTP until interrupted."""

    def __call__(
        self,
        workspace: Path | None,
        *,
        host: str,
        port: int,
        token: str | None,
        allowed_hosts: Sequence[str],
        allowed_origins: Sequence[str],
    ) -> None:
        """Serve.

        Raises:
            ConfigError: others can reach the address, and token or allowed hosts are missing.
        """
        ...


class RunWorker(Protocol):
    """Works a workspace: if `detached` until there is no work, otherwise until interrupted."""

    def __call__(self, workspace: Path | None, *, detached: bool) -> None:
        """Work.

        Raises:
            Unavailable: there is no workspace, or it is broken.
        """
        ...


class StopWorker(Protocol):
    """Asks the workspace's worker to stop, and returns a sentence on the result."""

    def __call__(self, workspace: Path | None) -> str:
        """Ask the worker to stop, and wait a while for its end.

        Raises:
            Unavailable: there is no workspace, or it is broken.
        """
        ...


class ReadStatus(Protocol):
    """Answers as the `status` tool does: `{message, operations, worker}`, wire names."""

    def __call__(
        self, workspace: Path | None, operation_id: str | None, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Read it; without an id what these arguments of the tool ask for.

        Raises:
            NotFound: there is no such batch or job.
            Unavailable: there is no workspace, or it is broken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How a wait ended."""

    done: bool
    """Whether everything that was waited for is done."""
    message: str


class Wait(Protocol):
    """Waits for one batch, or until nothing waits or runs."""

    def __call__(self, workspace: Path | None, batch_id: str | None, *, timeout_s: float) -> Waited:
        """Wait.

        Raises:
            NotFound: there is no such batch.
            Unavailable: there is no workspace, or it is broken.
        """
        ...


class Board(Protocol):
    """Shows operations that are followed."""

    def show(self, event: ProgressEvent) -> None:
        """Show where an operation stands now."""
        ...

    def say(self, line: str) -> None:
        """Say something about all operations."""
        ...

    def halt(self, line: str) -> None:
        """Say why nothing goes on, and take back the remaining times that were shown."""
        ...


class Follow(Protocol):
    """Shows one batch or job until it is over, or all of them until nothing waits or runs."""

    def __call__(
        self, workspace: Path | None, operation_id: str | None, *, interval_s: float, board: Board
    ) -> Waited:
        """Show them, each at most once per interval, and return how it ended.

        Raises:
            NotFound: there is no such batch or job.
            Unavailable: there is no workspace, or it is broken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a call of a tool has led to: its answer, in wire names."""

    answer: Mapping[str, Any]
    worker: str | None = None
    """Of a call that left something to be done by a worker: whether one lives, in words."""


class Call(Protocol):
    """Calls a tool as a client would, for the workspace's user."""

    def __call__(
        self,
        workspace: Path | None,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        board: Board | None,
        answered: Callable[[Mapping[str, Any]], None],
    ) -> Called:
        """Call it, and hand its answer to `answered` at once; see that a worker works on it.

        With a `board` the batch is shown there until it is over; the answer returned is as of then.

        Raises:
            CallerError: the arguments do not fit, or the call cannot be carried out.
        """
        ...


class ReadIds(Protocol):
    """Returns the ids of the pages and sections of a site, to complete what is being typed."""

    def __call__(self, workspace: Path | None) -> Sequence[str]:
        """Read them; none where there is no workspace, or its site cannot be read."""
        ...


class ReadJob(Protocol):
    """Returns one job, whoever asked for it, as it is stored."""

    def __call__(self, workspace: Path | None, job_id: str) -> Job:
        """Read it.

        Raises:
            NotFound: there is no such job.
            Unavailable: there is no workspace, or it is broken.
        """
        ...


class Check(Protocol):
    """Checks all texts of a site: `count`, and for each finding `section`, `level`, `kind`."""

    def __call__(self, workspace: Path | None, *, live: bool) -> Mapping[str, Any]:
        """Check the drafts, or what is live.

        Raises:
            Unavailable: there is no workspace, or it is broken.
        """
        ...


class Examine(Protocol):
    """Looks a workspace over: `check`, `level` (`ok`, `warning`, `error`), `message`, `advice`."""

    def __call__(self, workspace: Path | None) -> Sequence[Mapping[str, str]]:
        """Return the findings; what is wrong becomes a finding, not an error."""
        ...


class Ask(Protocol):
    """Asks the user at the terminal."""

    def __call__(self, said: Sequence[str], question: str) -> bool:
        """Print what it is about, line by line, ask, and return whether the answer is yes."""
        ...


class Trust(Protocol):
    """Asks the user about everything that a workspace may only do with consent."""

    def __call__(self, workspace: Path | None, ask: Ask) -> str:
        """Ask, store the answers, and return a sentence on them.

        Raises:
            Unavailable: there is no workspace, or something cannot be kept or put back.
        """
        ...


class MoveDatabase(Protocol):
    """Moves a workspace to another database."""

    def __call__(
        self,
        workspace: Path | None,
        to: str,
        *,
        workspace_id: str | None,
        say: Callable[[str], None],
    ) -> str:
        """Move it to an address, or to a file (`sqlite`); return a sentence on what was done.

        Raises:
            Unavailable: there is no workspace, it is in use, or the place is taken.
            StorageError: a database refuses.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runners:
    """One callable for each command that needs the application.

    They find the workspace themselves if they are given `None`.
    """

    serve_stdio: ServeStdio
    serve_http: ServeHttp
    run_worker: RunWorker
    stop_worker: StopWorker
    call: Call
    ids: ReadIds
    status: ReadStatus
    follow: Follow
    wait: Wait
    job: ReadJob
    check: Check
    doctor: Examine
    trust: Trust
    move_database: MoveDatabase
