"""Servers and workers that start in no time, and die where they are told to.

They are the product's own processes, forked from one that has loaded everything: a start costs a
tenth of what it costs from a command line, so that hundreds can be killed.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import pkgutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.page_campaign.loaded"])

POINTS = ("before the data is synced", "before the rename", "after the rename")
"""Where a worker can be told to die: each is between the intention and the record of its end."""


def strike_file(root: Path) -> Path:
    """Return where it is written at which point the next worker of a workspace is to die."""
    return root.parent / f"{root.name}.strike"


def load() -> None:
    """Load all that a server or worker loads, in the process that they are forked from."""
    for package in ("mcp_server", "handlers"):
        for found in pkgutil.walk_packages(
            importlib.import_module(package).__path__, f"{package}."
        ):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    gc.freeze()  # what all have in common is not looked through by each


class Forked:
    """A server or worker of a workspace."""

    def __init__(self, root: Path, *words: str, ends: tuple[Connection, Connection] | None) -> None:
        line = [*words, "--workspace", str(root)]
        self.process: BaseProcess = FORKS.Process(target=_run, args=(root, line, ends), daemon=True)
        self.process.start()
        for end in ends or ():
            end.close()

    @property
    def pid(self) -> int:
        """Its id."""
        assert self.process.pid is not None
        return self.process.pid

    def lives(self) -> bool:
        """Whether it runs."""
        return self.process.is_alive()

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.join()


def _run(root: Path, line: list[str], ends: tuple[Connection, Connection] | None) -> None:
    """Become a server or worker, as its command line would have it."""
    os.setsid()
    log = os.open(root.parent / f"{root.name}.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    reads = os.open(os.devnull, os.O_RDONLY) if ends is None else ends[0].fileno()
    for number, end in enumerate((reads, log if ends is None else ends[1].fileno(), log)):
        os.dup2(end, number)
    for end in ends or ():
        end.close()
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - they are there
    for name in [name for name in os.environ if name.startswith("PRESSROOM_")]:
        del os.environ[name]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    sys.argv = ["pressroom", *line]
    sys.orig_argv = [sys.executable, "-P", "-m", "mcp_server", *line]
    _age_by_modification()
    _die_on_demand(strike_file(root))
    from mcp_server.__main__ import main

    main()


def _age_by_modification() -> None:
    """Let a page's file be as old as its modification, which a test can put back.

    A disk that keeps no other time says the same. What is to be met as being saved stays young.
    """
    plain = os.stat

    def aged(path: Any, **more: Any) -> os.stat_result:
        found = plain(path, **more)
        if "dir_fd" not in more or not str(path).endswith(".md"):
            return found
        parts: Any = found.__reduce__()  # numbers, and those that have names only
        numbers, named = parts[1]
        times = {"st_ctime": found.st_mtime, "st_ctime_ns": found.st_mtime_ns}
        return os.stat_result(numbers, {**named, **times})

    os.stat = aged


def _die_on_demand(told: Path) -> None:
    """Let this process die in the middle of writing a page, where the file `told` says."""

    def die(point: str) -> None:
        with suppress(OSError):
            if told.read_text("utf-8") == point:
                told.unlink()
                os.kill(os.getpid(), signal.SIGKILL)

    def at(name: str, before: str | None, after: str | None, of: Callable[..., bool]) -> None:
        plain = getattr(os, name)

        def wrapped(*given: Any, **more: Any) -> Any:
            ours = of(*given, **more)
            if ours and before:
                die(before)
            result = plain(*given, **more)
            if ours and after:
                die(after)
            return result

        setattr(os, name, wrapped)

    def is_page(source: object, target: object, **more: object) -> bool:
        return "src_dir_fd" in more and str(target).endswith(".md") and str(source).endswith("tmp")

    def is_temporary(descriptor: int) -> bool:
        with suppress(OSError):
            return Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith(".md.tmp")
        return False

    at("replace", POINTS[1], POINTS[2], is_page)
    at("fsync", POINTS[0], None, is_temporary)
