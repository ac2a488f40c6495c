"""The context of handlers that run outside the event loop, and the error of one that crashed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from mcp_server.errors import LostClaim, ServerError
from mcp_server.jobs.job import Attempt, Job, Json


class IsolatedContext:
    """What a handler in a thread or a process is given beside its payload.

    It gives no access to storage: what the handler needs is in its payload, and what it changes are
    the effects of its outcome.
    """

    __slots__ = ("_attempt", "_step", "_stop")

    def __init__(self, attempt: Attempt, step: Callable[[float, float, str], object]) -> None:
        self._attempt, self._step = attempt, step
        self._stop = Event()

    @property
    def job(self) -> Job:
        """The job, as it was claimed."""
        return self._attempt.job

    @property
    def terms(self) -> Json:
        """What the round was promised; empty for jobs outside any batch."""
        return self._attempt.terms

    def progress(self, current: float, total: float, message: str = "") -> None:
        """Report step `current` of `total`. Never waits.

        Raises:
            LostClaim: the attempt was stopped: what it answers would not be recorded.
        """
        if self._stop.is_set():
            raise LostClaim(self.job.id, self._attempt.id)
        self._step(current, total, message)

    @property
    def stopped(self) -> bool:
        """Whether the attempt was stopped; a thread cannot be ended, and has to look for itself."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Tell the handler that its work is not wanted any more."""
        self._stop.set()


class HandlerCrashed(ServerError):
    """A handler raised `name` in another process; `traceback` says where."""

    def __init__(self, name: str, traceback: str) -> None:
        self.name, self.traceback = name, traceback
        super().__init__(f"{name}, in a process of its own")
