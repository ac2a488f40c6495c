"""For all tests: backend, plain logs, few examples, a user whose folders are elsewhere, samples."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from tests import databases

USER = Path(tempfile.mkdtemp(prefix="pressroom-user-"))
"""Where the user of the tests keeps settings and state, in every process that they start."""
os.environ |= {"XDG_STATE_HOME": str(USER / "state"), "XDG_CONFIG_HOME": str(USER / "config")}
_SETTINGS = USER / "config" / "pressroom" / "pressroom.toml"
_SETTINGS.parent.mkdir(parents=True)
# A process that embeds would be started with every draft. A test of search sets it for itself.
PLAIN = 'embedder = "off"\n'
_SETTINGS.write_text(PLAIN)

# Nothing is timed here: a busy machine draws slowly, and takes long over some example.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", UNHURRIED, max_examples=50)
settings.register_profile("long", UNHURRIED, max_examples=5000)
settings.register_profile("brief", UNHURRIED, max_examples=10)  # where all else was tried before
settings.load_profile("quick")  # unless `--hypothesis-profile` names another

PLAIN_LOG = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    # A traceback drawn with all its values would hold up the event loop for seconds.
    structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
]

atexit.register(shutil.rmtree, USER, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a part of the tests be run, drawn by a seed."""
    parser.addoption("--sample", type=int, default=1, help="run one test in so many")
    parser.addoption(
        "--cases", type=int, default=0, help="run half of a test's cases, so many at most"
    )
    parser.addoption("--sample-seed", default="", help="which ones: any text draws others")
    parser.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="where workspaces keep what they store",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the server that all workspaces of the tests share, if that is asked for."""
    if config.getoption("--database") == "postgres" and databases.address() is None:
        from tests.storage.postgres_server import ADDRESS, server

        os.environ[databases.VARIABLE] = server()
        os.environ.pop(ADDRESS, None)  # it would be taken for a misspelt setting


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the sample does not hold."""
    seed = str(config.getoption("--sample-seed"))
    one_in, cases_max = (int(str(config.getoption(name))) for name in ("--sample", "--cases"))
    lots = {item: zlib.crc32(f"{seed}{item.nodeid}".encode()) for item in items}
    drawn = [item for item in items if lots[item] % one_in == 0]
    if cases_max:
        of_tests: dict[str, list[pytest.Item]] = {}
        for item in drawn:
            of_tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
        few: set[pytest.Item] = set()
        for cases in of_tests.values():
            count = min((len(cases) + 1) // 2, cases_max)
            few |= {*sorted(cases, key=lambda case: lots[case])[:count]}
        drawn = [item for item in drawn if item in few]
    if len(drawn) < len(items):
        config.hook.pytest_deselected(items=[*{*items} - {*drawn}])
        items[:] = drawn
    if databases.address() is not None:
        for item in drawn:
            why = databases.FILE.get(item.path.name) or databases.FILE.get(_name(item))
            if why is not None:
                item.add_marker(pytest.mark.skip(reason=f"not on a shared database: {why}"))


def _name(item: pytest.Item) -> str:
    return item.name.partition("[")[0]


@pytest.fixture(autouse=True)
def _shared_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give each test places of its own on the server, if there is one."""
    if databases.address() is None:
        yield
        return
    _SETTINGS.write_text(PLAIN + databases.begin(request.node.nodeid))
    yield
    databases.end()


@pytest.fixture
def anyio_backend() -> str:
    """The backend: aiosqlite needs asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    """Set up the log of this process anew: a test may have set its level or where it goes."""
    structlog.reset_defaults()
    structlog.configure(processors=[*PLAIN_LOG])


BLOCKING = ("time.sleep", "socket.", "ssl.", "sqlite3.", "os.fsync")
"""What our code may not do in the event loop. A look at a file is short, and may."""


@pytest.fixture(scope="session")
def block_buster() -> BlockBuster:
    """Fails a call that would hold up the event loop, wherever our code is the cause."""
    made = BlockBuster(["mcp_server", "handlers"])
    made.functions = {
        name: function for name, function in made.functions.items() if name.startswith(BLOCKING)
    }
    return made


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop(
    request: pytest.FixtureRequest, block_buster: BlockBuster
) -> Iterator[None]:
    """Hold for every test, less those that block it to see what becomes of it.

    And less those that call the database's own functions from where they stand, without a worker.
    """
    at_hand = request.path.parent.name in {"storage", "benchmarks"}
    if at_hand or request.node.get_closest_marker("blocks_the_loop"):
        yield
        return
    block_buster.activate()
    yield
    block_buster.deactivate()
