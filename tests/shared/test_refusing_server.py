"""A server that takes no writes for a while: that is said, and then all goes on by itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest

from tests.benchmarks.postgres import Postgres, running
from tests.harness import content
from tests.shared.site import Site
from tests.storage.standby import pair_of_servers
from tests.waiting import wait_until
from tests.wire import http_server, pipe

PAGES = {"menu": 10, "home": 10}
ONCE = [(f"{page}/s{n}", 1) for page in ("home", "menu") for n in sorted(range(1, 11), key=str)]
DRAFTED = "SELECT count(*) FROM jobs WHERE kind = 'content-generate' AND state = 'completed'"
MEGABYTES = 48


class Refusing:
    """A server of the test's own, which can be made to refuse every write."""

    def __init__(self, why: str, stack: ExitStack) -> None:
        self._why = why
        self._folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        )
        self.server: Postgres = stack.enter_context(running(self._folder, fsync="off"))
        self.address = f"postgresql://postgres@/site?host={self._folder}"
        self._disk = self._folder / "disk"
        self._disk.mkdir()
        if why == "full":
            stack.enter_context(_small_disk(self._disk, self.server.data.stat().st_uid))
            self._run(f"CREATE TABLESPACE small LOCATION '{self._disk}'")
            self._run("CREATE DATABASE site TABLESPACE small")
        else:
            self._run("CREATE DATABASE site")

    def begin(self) -> None:
        """Refuse writes from now on."""
        if self._why == "full":
            with suppress(OSError), (self._disk / "filler").open("wb", 0) as filler:
                for size in (2**20, 2**12):
                    with suppress(OSError):
                        while True:
                            filler.write(b"x" * size)
        else:
            self._set("on")

    def end(self) -> None:
        """Take them again."""
        if self._why == "full":
            (self._disk / "filler").unlink()
        else:
            self._set("off")

    def _set(self, value: str) -> None:
        self._run(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        self._run("SELECT pg_reload_conf()")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.address.replace("/site", "/postgres"), autocommit=True) as made:
            made.execute(statement.encode())


@contextmanager
def _small_disk(folder: Path, user: int) -> Generator[None]:
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    what = ["-t", "tmpfs", "-o", f"size={MEGABYTES}m,uid={user},mode=700", "tmpfs"]
    done = subprocess.run([*as_root, "mount", *what, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("nobody here may mount a small disk")
    try:
        yield
    finally:
        subprocess.run([*as_root, "umount", "-l", str(folder)], check=True)


@pytest.fixture(params=["full", "read-only"])
def refusing(request: pytest.FixtureRequest) -> Iterator[tuple[Refusing, str, str]]:
    """A server, what a call is told once it refuses, and what the doctor says."""
    full = "the disk of the database server is full: make room on it"
    said = {
        "full": (full, full),
        "read-only": ("takes no writes: it is a standby, or was made read-only", "made read-only"),
    }
    with ExitStack() as stack:
        told, found = said[request.param]
        yield Refusing(request.param, stack), told, found


def health(url: str) -> tuple[int, dict[str, Any]]:
    """Return what `/health` answers."""
    try:
        with urlopen(url.replace("/mcp", "/health")) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_server_that_takes_no_writes_is_waited_for(
    tmp_path: Path, refusing: tuple[Refusing, str, str], request: pytest.FixtureRequest
) -> None:
    """Calls, `/health` and the doctor say why; nothing is lost, and nothing done twice."""
    server, told, found = refusing
    with Site.made(request.node.nodeid, server.address) as site:
        root = site.checkout(
            tmp_path / "site", PAGES, concurrency=2, composer_delay_s=0.5, lease_s=30
        )
        worker = site.worker(root, "anna")
        with (
            http_server(root, **site.variables) as (_, url),
            pipe(root, "auto", **site.variables) as chat,
        ):
            chat.begin()
            batch = chat.call("generate-all")["structuredContent"]["batchId"]
            wait_until(lambda: site.rows(DRAFTED)[0][0] >= 3)
            assert health(url)[0] == 200
            server.begin()
            refused, number = list[str](), count()

            def is_refused() -> bool:
                answer = chat.call("generate", section="home/s1", requestKey=str(next(number)))
                refused.extend(part["text"] for part in answer["content"] if answer["isError"])
                return bool(refused)

            wait_until(is_refused)
            assert refused == [
                f"The database could not be read or written: {refused[0].partition(': ')[2]}"
            ]
            assert told in refused[0] and "Nothing was changed." in refused[0]
            checks = json.loads(site.pressroom(root, "doctor", "--json"))
            [said] = [each for each in checks if each["check"] == "database"]
            assert said["level"] == "error" and found in said["message"]
            if found == "made read-only":
                wait_until(lambda: health(url)[0] == 503)
                assert health(url)[1]["reason"] == "the database cannot be written"
            server.end()
            site.wait_ended(batch)
            wait_until(lambda: health(url)[0] == 200)
            again = chat.call("promote", waitSeconds=30)["structuredContent"]
            site.wait_ended(again["batchId"])
        assert worker.poll() is None
        assert site.written() == ONCE
        assert sorted(content(root)) == ["home.md", "menu.md"]


def test_a_standby_takes_over_while_a_batch_runs(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """By an address that names both, worker and server go over to it by themselves."""
    with pair_of_servers() as pair, Site.made(request.node.nodeid, pair.both) as site:
        root = site.checkout(tmp_path / "site", PAGES, concurrency=2, lease_s=4, heartbeat_s=1)
        worker = site.worker(root, "anna")
        with pipe(root, "auto", **site.variables) as chat:
            chat.begin()
            batch = chat.call("generate-all")["structuredContent"]["batchId"]
            wait_until(lambda: site.rows(DRAFTED)[0][0] >= 3)
            pair.catch_up()
            pair.take_over()
            site.wait_ended(batch)
            assert "20 of 20 drafted." in chat.call("status", batchId=batch)["content"][0]["text"]
            again = chat.call("promote", waitSeconds=30)["structuredContent"]
            site.wait_ended(again["batchId"])
            review = chat.call("review")["structuredContent"]
            assert review["counts"] == {"live": 20}
        assert worker.poll() is None
        assert site.written() == ONCE
        assert sorted(content(root)) == ["home.md", "menu.md"]


def test_files_that_are_newer_than_their_texts_count_as_they_are(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A standby took over that had not heard of a promotion: that is unknown, its texts are not."""
    with pair_of_servers() as pair, Site.made(request.node.nodeid, pair.both) as site:
        root = site.checkout(tmp_path / "site", {"menu": 3}, concurrency=2)
        site.worker(root, "anna")
        with pipe(root, "auto", **site.variables) as chat:
            chat.begin()
            site.wait_ended(chat.call("generate-all")["structuredContent"]["batchId"])
            pair.cut_off()
            lost = chat.call("promote")["structuredContent"]["batchId"]
            site.wait_ended(lost)
            before = content(root)
            pair.take_over()
            told = chat.call("status", batchId=lost)
            assert told["isError"] and "no batch" in told["content"][0]["text"].lower()
            live = {"live": 3}
            wait_until(lambda: chat.call("review")["structuredContent"]["counts"] == live)
            assert content(root) == before
