"""Kinds that run in threads and processes, and misbehave there when they are asked to.

In a module of their own: a process imports it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from mcp_server.errors import InvalidPayload
from mcp_server.jobs.job import NewJob
from mcp_server.plugin import Done, Fail, IsolatedContext, Outcome, Skip, handler


class Deed(BaseModel, frozen=True, extra="forbid"):
    """What to do, and a folder in which a test leaves word and finds it."""

    name: str
    folder: str = ""


@handler("threaded", Deed, isolation="thread")
def threaded(payload: Deed, context: IsolatedContext) -> Outcome:
    """Do it in a thread."""
    return DEEDS[payload.name](payload, context)


@handler("hasty-thread", Deed, isolation="thread", timeout_s=0.05)
def hasty_thread(payload: Deed, context: IsolatedContext) -> Outcome:
    """Do it in a thread, with little time."""
    return DEEDS[payload.name](payload, context)


@handler("processed", Deed, isolation="process")
def processed(payload: Deed, context: IsolatedContext) -> Outcome:
    """Do it in a process."""
    return DEEDS[payload.name](payload, context)


@handler("hasty-process", Deed, isolation="process", timeout_s=3.0)
def hasty_process(payload: Deed, context: IsolatedContext) -> Outcome:
    """Do it in a process, with little time for one that has to be started first."""
    return DEEDS[payload.name](payload, context)


KINDS = (threaded, hasty_thread, processed, hasty_process)


def a_deed(kind: str, name: str, folder: Path | str = "", **different: Any) -> NewJob:
    """Make a job that does `name`."""
    payload = {"name": name, "folder": str(folder)}
    made: dict[str, Any] = {"kind": kind, "payload": payload, "subject": name}
    return NewJob(**(made | different))


def tell(folder: str, name: str) -> None:
    """Leave word in the test's folder: who does it, in one step."""
    part = Path(folder, f"{name}.part")
    part.write_text(f"{os.getpid()}", encoding="ascii")
    part.rename(Path(folder, name))


def told(folder: Path, name: str) -> int | None:
    """Return which process has left this word, if it is there."""
    path = folder / name
    return int(path.read_text("ascii")) if path.exists() else None


# Deeds


def _who(payload: Deed, context: IsolatedContext) -> Outcome:
    thread = threading.current_thread() is not threading.main_thread()
    return Done({"pid": os.getpid(), "thread": thread, "job": context.job.id})


def _steps(payload: Deed, context: IsolatedContext) -> Outcome:
    for n in range(1000):
        context.progress(n, 1000, f"step {n}")
    return Done()


def _stay(payload: Deed, context: IsolatedContext) -> Outcome:
    """Stay until the test says to go."""
    tell(payload.folder, "entered")
    while not Path(payload.folder, "go").exists():
        time.sleep(0.01)
    return Done({"late": True})


def _heed(payload: Deed, context: IsolatedContext) -> Outcome:
    """Stay until the attempt is stopped."""
    tell(payload.folder, "entered")
    while not context.stopped:
        time.sleep(0.01)
    context.progress(1, 1)
    raise AssertionError("progress of a stopped attempt ends it")


def _crash(payload: Deed, context: IsolatedContext) -> Outcome:
    raise RuntimeError("secret")


def _interrupt(payload: Deed, context: IsolatedContext) -> Outcome:
    raise KeyboardInterrupt


def _refused(payload: Deed, context: IsolatedContext) -> Outcome:
    raise InvalidPayload("the deed", ["it is none"])


def _fail(payload: Deed, context: IsolatedContext) -> Outcome:
    return Fail("no", "not this one")


def _rubbish(payload: Deed, context: IsolatedContext) -> Outcome:
    return cast("Outcome", lambda: None)


def _unsendable(payload: Deed, context: IsolatedContext) -> Outcome:
    return Done({"call": lambda: None})


def _huge(payload: Deed, context: IsolatedContext) -> Outcome:
    return Done({"text": "x" * (65 * 1024 * 1024)})


def _noise(payload: Deed, context: IsolatedContext) -> Outcome:
    """Print where a protocol may be spoken, in Python and past it."""
    print("NOISE")
    os.write(1, b"NOISE\n")
    return Skip(repr(sys.stdin.read()))


def _die(payload: Deed, context: IsolatedContext) -> Outcome:
    """Be killed, as by a system that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")


def _leave(payload: Deed, context: IsolatedContext) -> Outcome:
    os._exit(3)


def _close(payload: Deed, context: IsolatedContext) -> Outcome:
    """Close every file, the wire to the worker among them."""
    os.closerange(0, 256)
    time.sleep(60)
    raise AssertionError("not reached")


Act = Callable[[Deed, IsolatedContext], Outcome]

DEEDS: dict[str, Act] = {
    "who": _who,
    "steps": _steps,
    "stay": _stay,
    "heed": _heed,
    "crash": _crash,
    "interrupt": _interrupt,
    "refused": _refused,
    "fail": _fail,
    "rubbish": _rubbish,
    "unsendable": _unsendable,
    "huge": _huge,
    "noise": _noise,
    "die": _die,
    "leave": _leave,
    "close": _close,
}
