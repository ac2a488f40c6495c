"""Handlers in processes of their own: they can be killed, and a crash takes nothing else along."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream

from mcp_server.folder import neutral_folder
from mcp_server.jobs.isolation.child import (
    HEADER,
    MESSAGE_BYTES_MAX,
    Answer,
    Crash,
    Said,
    Task,
    packed,
)
from mcp_server.jobs.isolation.context import HandlerCrashed
from mcp_server.jobs.job import Step
from mcp_server.jobs.outcome import Fail, Outcome, Retry

BEGIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from mcp_server.jobs.isolation.child import main; main()"
)
"""What a child runs. It imports from where its worker does, and not from the folder it is in."""

LEAVE_S = 1.0
"""How long a process may take to end that has nothing more to say."""

END_S = 5.0
"""How long a killed process may take to end. One that takes longer hangs in the kernel."""


class Processes:
    """Runs handlers in processes; one that has done its task is kept for the next."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []

    async def run(self, task: Task, step: Callable[[Step], None]) -> Outcome:
        """Return the outcome of a task; `step` is called with each step that its handler reports.

        If this is cancelled, the process is killed. A process that dies gives a `Retry`.

        Raises:
            HandlerCrashed: the handler raised something.
        """
        while self._idle:
            child = self._idle.pop()
            answer = await child.ask(task, step)
            if answer is None and await child.end() == 0:
                continue  # it was just leaving for want of work; it has not begun this
            return await self._outcome(child, answer)
        child = await _Child.start()
        return await self._outcome(child, await child.ask(task, step))

    async def aclose(self) -> None:
        """End the processes that are kept."""
        while self._idle:
            child = self._idle.pop()
            child.kill()
            await child.end()

    async def _outcome(self, child: _Child, answer: Answer | Fail | None) -> Outcome:
        if answer is None:
            return Retry(_death(await child.end()))
        if isinstance(answer, Fail):  # the rest of what it said is still on the wire
            child.kill()
            await child.end()
            return answer
        self._idle.append(child)
        if isinstance(answer.value, Crash):
            raise HandlerCrashed(answer.value.name, answer.value.traceback)
        return answer.value


def _death(code: int | None) -> str:
    """Say how a process came to an unexpected end."""
    if code is None:
        return "its process does not end"
    if code >= 0:
        return f"its process ended by itself, with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = ", perhaps since memory had run out" if name == "SIGKILL" else ""
    return f"its process was killed ({name}){memory}"


class _Child:
    """A process, and the wire to it."""

    def __init__(self, process: anyio.abc.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._wire = process, process.stdin
        self._said = BufferedByteReceiveStream(process.stdout)

    @classmethod
    async def start(cls) -> _Child:
        """Start a process, in a session of its own: an interrupt is for the worker to act on."""
        path = json.dumps([entry or str(Path.cwd()) for entry in sys.path])
        # With `-P`, or the modules of the folder that we are in would be taken for Python's own.
        command = [sys.executable, "-P", "-c", BEGIN, path]
        process: anyio.abc.Process | None = None
        with anyio.CancelScope(shield=True):  # or nobody might know of a process just started
            process = await anyio.open_process(
                command, stderr=None, cwd=neutral_folder(), start_new_session=True
            )
        assert process is not None
        return cls(process)

    async def ask(self, task: Task, step: Callable[[Step], None]) -> Answer | Fail | None:
        """Return the answer to a task; a failure if it cannot be read, `None` if the child died."""
        try:
            await self._wire.send(packed(task))
            while isinstance(said := await self._hear(), Step):
                step(said)
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return None
        except BaseException:
            # Cancelled, say: what it still answers would be taken for the answer to the next task.
            self.kill()
            await self.end()
            raise
        if isinstance(said, Answer) and said.step is not None:
            step(said.step)
        return said

    async def _hear(self) -> Said | Fail:
        (size,) = HEADER.unpack(await self._said.receive_exactly(HEADER.size))
        if size > MESSAGE_BYTES_MAX:
            return Fail("handler-error", "what its handler answered is too large to be read")
        body = await self._said.receive_exactly(size)
        try:
            said = pickle.loads(body)  # noqa: S301 -- our own child is at the other end
        except Exception as error:  # noqa: BLE001 -- whatever a value raises as it is put together
            name = type(error).__name__
            return Fail("handler-error", f"what its handler answered cannot be read ({name})")
        assert isinstance(said, Step | Answer)
        return said

    def kill(self) -> None:
        """Kill the process, and whatever it has started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                if sys.platform == "win32":
                    self._process.kill()
                else:
                    os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> int | None:
        """Wait for its end, killing it after `LEAVE_S`; return its code, `None` if it hangs."""
        with anyio.CancelScope(shield=True):
            for patience_s in (LEAVE_S, END_S):
                with anyio.move_on_after(patience_s):
                    await self._process.wait()
                    await self._process.aclose()
                    return self._process.returncode
                self.kill()
        return None
