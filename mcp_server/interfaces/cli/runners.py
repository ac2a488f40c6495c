"""What the command line can start. `__main__` fills it in; each imports its part when called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
            ConfigError: the address is open to others, and token or allowed hosts are missing.
        """
        ...


class RunWorker(Protocol):
    """Works a workspace: `detached` until there is no work, otherwise until interrupted."""

    def __call__(self, workspace: Path | None, *, detached: bool) -> None:
        """Work.

        Raises:
            Unavailable: there is no workspace, or it is broken.
        """
        ...


class StopWorker(Protocol):
    """Asks the workspace's worker to stop, and says in a sentence what came of it."""

    def __call__(self, workspace: Path | None) -> str:
        """Ask it, and wait a while for its end.

        Raises:
            Unavailable: there is no workspace, or it is broken.
        """
        ...


class ReadStatus(Protocol):
    """Answers as the `status` tool does: `{message, operations, worker}`, wire names."""

    def __call__(self, workspace: Path | None, operation_id: str | None) -> Mapping[str, Any]:
        """Read it.

        Raises:
            NotFound: there is no such batch or job.
            Unavailable: there is no workspace, or it is broken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """What came of a wait."""

    done: bool
    """Whether all is done that was waited for."""
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
    """Where operations are shown that are followed."""

    def show(self, event: ProgressEvent) -> None:
        """Show where an operation stands now."""
        ...

    def say(self, line: str) -> None:
        """Say something about all of them."""
        ...

    def halt(self, line: str) -> None:
        """Say why nothing goes on: no time that was given still holds."""
        ...


class Follow(Protocol):
    """Shows one batch or job until it is over, or all of them until nothing waits or runs."""

    def __call__(
        self, workspace: Path | None, operation_id: str | None, *, interval_s: float, board: Board
    ) -> Waited:
        """Show them, each no more often than the interval says, and say what came of it.

        Raises:
            NotFound: there is no such batch or job.
            Unavailable: there is no workspace, or it is broken.
        """
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


class Examine(Protocol):
    """Looks a workspace over: `check`, `level` (`ok`, `warning`, `error`), `message`, `advice`."""

    def __call__(self, workspace: Path | None) -> Sequence[Mapping[str, str]]:
        """Look; what is wrong is a finding, and raises nothing."""
        ...


class Ask(Protocol):
    """Puts a question to whoever sits at the terminal."""

    def __call__(self, said: Sequence[str], question: str) -> bool:
        """Say what it is about, line by line, and return whether they say yes."""
        ...


class Trust(Protocol):
    """Asks for all that a workspace needs its user's word for, and says what came of it."""

    def __call__(self, workspace: Path | None, ask: Ask) -> str:
        """Ask, and keep what is said.

        Raises:
            Unavailable: there is no workspace, or something cannot be kept or put back.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runners:
    """One callable for each command that needs the application. `None` as workspace: find it."""

    serve_stdio: ServeStdio
    serve_http: ServeHttp
    run_worker: RunWorker
    stop_worker: StopWorker
    status: ReadStatus
    follow: Follow
    wait: Wait
    job: ReadJob
    doctor: Examine
    trust: Trust
