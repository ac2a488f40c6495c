"""The child process that runs handlers with isolation `process`, and the messages on its wire.

The wire is the stdin and stdout that the child was started with. What a handler prints goes to
stderr, and so to the worker's log. A message is its length, then a pickle. When the worker ends,
its end of the wire is closed and the child exits at once, even in the middle of a handler.
"""

from __future__ import annotations

import importlib
import os
import pickle
import struct
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, cast

from mcp_server.errors import CallerError, ConfigError, StorageError
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.isolation.context import IsolatedContext
from mcp_server.jobs.job import Attempt, Step
from mcp_server.jobs.outcome import OUTCOMES, Fail, Outcome, checked, refused

HEADER = struct.Struct(">I")

MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""The largest answer: it is unpickled in the worker's event loop, which must not block for long."""

IDLE_S = 60.0
"""How long a process without work is kept, since starting one and its imports is slow."""

STEP_INTERVAL_S = 0.1
"""A step is sent at most this often; the newest unsent one goes with the answer."""


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt, and where to import its handler from."""

    attempt: Attempt
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Crash:
    """A handler raised something."""

    name: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a task, and its newest step if that was not sent yet."""

    value: Outcome | Crash
    step: Step | None = None


Said = Step | Answer
"""What a child sends for a task: any number of steps, then an answer."""


def task_of(attempt: Attempt, handler: Handler[Any]) -> Task:
    """Return the task for an attempt, to be sent to a child."""
    return Task(attempt, handler.run.__module__, handler.run.__qualname__)


def packed(message: object) -> bytes:
    """Return a message as it goes over the wire."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def main() -> None:
    """Run the tasks that come over the wire, until it is closed or none has come for a while."""
    wire_in, wire_out = _taken_wire()
    _offer_to_be_killed_first()
    tasks = SimpleQueue[Task]()
    # In a thread, so that the end of the wire is noticed while a handler runs.
    Thread(target=_listen, args=(wire_in, tasks), daemon=True).start()
    while True:
        try:
            task = tasks.get(timeout=IDLE_S)
        except Empty:
            os._exit(0)  # waits for no thread that a handler may have left behind
        _say(wire_out, _answer(task, wire_out))


def _taken_wire() -> tuple[BinaryIO, BinaryIO]:
    """Keep stdin and stdout for ourselves; handlers read nothing, and print to stderr."""
    wire = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return wire


def _offer_to_be_killed_first() -> None:
    """Tell Linux to kill this process first when memory runs out, not the worker or the server."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _listen(wire: BinaryIO, tasks: SimpleQueue[Task]) -> None:
    while len(header := wire.read(HEADER.size)) == HEADER.size:
        body = wire.read(HEADER.unpack(header)[0])
        tasks.put(pickle.loads(body))  # noqa: S301 -- our own worker is at the other end
    os._exit(0)


def _say(wire: BinaryIO, said: Said) -> None:
    wire.write(_packed(said))
    wire.flush()


def _packed(said: Said) -> bytes:
    """Return the message to send; one that cannot be pickled or is too large becomes a failure."""
    try:
        message = packed(said)
    except Exception as error:  # noqa: BLE001 -- whatever its pickling raises
        why = f"{type(error).__name__}: {error}"
        why = f"what its handler answered cannot leave its process ({why})"
        return packed(Answer(Fail("handler-error", why)))
    if len(message) > MESSAGE_BYTES_MAX:
        why = f"its handler answered {len(message):,} bytes; at most {MESSAGE_BYTES_MAX:,} may be"
        return packed(Answer(Fail("handler-error", why)))
    return message


class _Steps:
    """Sends a handler's progress over the wire, at most every `STEP_INTERVAL_S`."""

    def __init__(self, wire: BinaryIO) -> None:
        self._wire, self._said_at = wire, 0.0
        self.unsaid: Step | None = None

    def __call__(self, current: float, total: float, message: str) -> None:
        self.unsaid = Step(current, total, message)
        if time.monotonic() - self._said_at < STEP_INTERVAL_S:
            return
        self._said_at = time.monotonic()
        step, self.unsaid = self.unsaid, None
        _say(self._wire, step)


def _answer(task: Task, wire: BinaryIO) -> Answer:
    steps = _Steps(wire)
    value = _value(task, IsolatedContext(task.attempt, steps))
    sys.stdout.flush()  # what the handler printed belongs in the log now, not with the next task
    return Answer(value, steps.unsaid)


def _value(task: Task, context: IsolatedContext) -> Outcome | Crash:
    try:
        handler = _found(task)
        payload = handler.payload.model_validate(task.attempt.job.payload)
        answer = handler.run(payload, context)
        return answer if isinstance(answer, OUTCOMES) else checked(answer)
    except (CallerError, StorageError) as error:
        return refused(error)
    except BaseException as error:  # noqa: BLE001 -- the worker logs it
        return Crash(type(error).__name__, traceback.format_exc())


def _found(task: Task) -> Handler[Any]:
    found: object = importlib.import_module(task.module)
    for name in task.name.split("."):
        found = getattr(found, name, None)
    if not isinstance(found, Handler):
        raise ConfigError(
            f"{task.module}.{task.name} is no handler: one that runs in a process is found under "
            "the name of its function."
        )
    return cast("Handler[Any]", found)
