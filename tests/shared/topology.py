"""What compose.yaml describes, as processes of this machine: `python -m tests.shared.topology`.

A PostgreSQL server of its own with the role of deploy/role.sql, the server over HTTP with a token,
and two workers, with the very commands and variables of compose.yaml. The main job is run through
the server, and everything is ended again.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import anyio
import yaml

from tests.benchmarks.postgres import Postgres, running
from tests.harness import Desk, content, starter
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import LISTENING, REPOSITORY, command, environment, over_http

TOKEN = "a-token-of-the-topology"
SECRETS = {"PRESSROOM_PASSWORD": "a-password-of-the-topology", "PRESSROOM_TOKEN": TOKEN}
SITE = "acme"


@dataclass(frozen=True, slots=True)
class Running:
    """The topology at work."""

    url: str
    root: Path
    postgres: Postgres
    address: str
    processes: Mapping[str, subprocess.Popen[bytes]]


@contextmanager
def topology(folder: Path) -> Generator[Running]:
    """Run it, its site and logs in `folder`; PostgreSQL's own is elsewhere, as another's."""
    root = starter(folder / "site")
    services: Mapping[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())[
        "services"
    ]
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pressroom-topology-")))
        postgres = stack.enter_context(running(data))
        address = with_role(postgres, data, SITE)
        processes = {
            name: stack.enter_context(_service(name, services[name], folder, root, address))
            for name in ("server", "worker-1", "worker-2")
        }
        log = folder / "server.log"
        wait_until(lambda: _said(log) is not None or processes["server"].poll() is not None)
        url = _said(log)
        assert url is not None, log.read_text()
        yield Running(url, root, postgres, address, processes)


def with_role(postgres: Postgres, data: Path, site: str) -> str:
    """Make a database and a site's role as deploy/role.sql does; return the address for it."""
    postgres.run("psql", "-qc", "CREATE DATABASE pressroom")
    given = {"site": site, "database": "pressroom", "password": SECRETS["PRESSROOM_PASSWORD"]}
    file = data / "role.sql"  # whoever runs PostgreSQL cannot read the repository
    file.write_text((REPOSITORY / "deploy" / "role.sql").read_text())
    file.chmod(0o644)
    named = [part for key, value in given.items() for part in ("-v", f"{key}={value}")]
    postgres.run("psql", "-q", "-v", "ON_ERROR_STOP=1", *named, "-f", str(file), "pressroom")
    return f"postgresql://{site}@/pressroom?host={data}"


@contextmanager
def _service(
    name: str, service: Mapping[str, Any], folder: Path, root: Path, address: str
) -> Generator[subprocess.Popen[bytes]]:
    state = folder / f"state-{name}"
    state.mkdir()
    places = {"/site": str(root), "/state": str(state)}
    variables = {
        key: _here(value, places, address) for key, value in service["environment"].items()
    }
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command(*_arguments(service["command"])),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(**variables),
            cwd=state,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _here(value: str, places: Mapping[str, str], address: str) -> str:
    """Return a variable's value as it is on this machine."""
    value = re.sub(r"\$\{(\w+):\?\}", lambda found: SECRETS[found[1]], value)
    if value.startswith("postgresql://"):
        return address
    for inside, here in places.items():
        if value.startswith(inside):
            return here + value.removeprefix(inside)
    return value


def _arguments(given: Sequence[str]) -> Sequence[str]:
    """Return a service's arguments; only this machine may reach it, on any free port."""
    return [{"0.0.0.0": "127.0.0.1", "8765": "0"}.get(each, each) for each in given]


def _said(log: Path) -> str | None:
    found = LISTENING.search(log.read_text())
    return found[1] if found else None


async def main_job(chat: Desk, root: Path) -> None:
    """Draft, promote and take back the whole site."""
    drafted = await chat.run("generate-all")
    assert drafted["totalSections"] == 21, drafted
    await chat.run("promote")
    assert len(content(root)) == 7
    await chat.run("rollback")
    assert content(root) == {}


async def main() -> None:
    """Run the main job, and say who did it."""
    with (
        tempfile.TemporaryDirectory(prefix="pressroom-topology-") as folder,
        topology(Path(folder)) as found,
    ):
        health = found.url.replace("/mcp", "/health")
        print(f"{health}: {urlopen(health).read().decode().strip()}")  # noqa: ASYNC210
        async with over_http(found.url, found.root, token=TOKEN) as chat:
            await main_job(chat, found.root)
            print((await chat.call("status"))["worker"]["message"])


if __name__ == "__main__":
    anyio.run(main)
