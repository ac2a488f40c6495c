"""Machines that work one site of a shared database: each has a server to call, and workers."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from tests.faults.processes import kill
from tests.waiting import PATIENCE_S
from tests.wire import Pipe, command, environment, own_module


class Died(Exception):
    """A server is gone before it has answered."""


class Refused(AssertionError):
    """A server has answered that it cannot do it now."""


@dataclass
class Machine:
    """One of them. Nothing of it is shared with others but the database, and perhaps the folder."""

    name: str
    root: Path
    variables: Mapping[str, str]
    """By which its processes find the site."""
    struck: Counter[str]
    chat: Pipe | None = None
    _worker: subprocess.Popen[bytes] | None = None

    def works(self) -> bool:
        """Whether the worker lives that was started here last."""
        return self._worker is not None and self._worker.poll() is None

    def work(self) -> None:
        """Start a worker here, whatever becomes of it."""
        line, environ = own_module(
            "tests.shared.machine", self.name, "0", "worker", "--workspace", str(self.root)
        )
        with self.log.open("ab") as log:
            self._worker = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environ, **self.variables},
            )
        self.struck["workers started"] += 1

    def ask(self, tool: str, **arguments: Any) -> int:
        """Call a tool of the server here, which is started where none is; return the call's id.

        Raises:
            Died: it was gone.
        """
        with self._patience():
            return self.server().call_soon(tool, **arguments)

    def answer(self, call: int) -> dict[str, Any]:
        """Return what the server says to a call.

        Raises:
            Died: it was gone, or fell silent.
            Refused: it said that it cannot be done.
        """
        assert self.chat is not None, "it was asked"
        with self._patience():
            said = self.chat.answer(call)
        if "error" in said:
            raise Refused(said["error"]["message"])
        result = said["result"]
        if result.get("isError"):
            raise Refused("\n".join(block["text"] for block in result["content"]))
        return result["structuredContent"]

    def server(self) -> Pipe:
        """Return the conversation with a server that lives, as far as is known."""
        if self.chat is None or self.chat.process.poll() is not None:
            self._hang_up()
            self.chat = self._serve()
            self.struck["servers started"] += 1
            self.chat.begin()
        return self.chat

    def end(self) -> None:
        """End the server, and the worker that was started here last."""
        self._hang_up()
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()

    def _hang_up(self) -> None:
        """End the server, if there is one, and the conversation with it."""
        if self.chat is None:
            return
        process = self.chat.process
        process.kill()
        process.wait()
        for end in (process.stdin, process.stdout):
            with suppress(OSError):  # there is something that it has not read
                end.close() if end else None
        self.chat = None

    @property
    def log(self) -> Path:
        """Where its processes write what they do."""
        return self.root.parent / f"{self.name}.log"

    def _serve(self) -> Pipe:
        with self.log.open("a") as log:
            process = subprocess.Popen(
                command("serve", "--workspace", str(self.root)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=environment(**self.variables),
            )
        return Pipe(process, "auto")

    @contextmanager
    def _patience(self) -> Generator[None]:
        """Turn what is heard of a server that is gone into `Died`; end one that says nothing."""
        patience = threading.Timer(PATIENCE_S, self._give_up)
        patience.start()
        try:
            yield
        except (OSError, JSONDecodeError) as error:  # it died in the middle of a line
            raise Died from error
        except AssertionError as error:
            if "hung up" not in str(error):
                raise
            raise Died from error
        finally:
            patience.cancel()

    def _give_up(self) -> None:
        self.struck["SERVERS THAT DID NOT ANSWER"] += 1
        if self.chat is not None:
            kill(self.chat.process.pid)
