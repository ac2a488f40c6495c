"""For all tests: backend, plain logs, few examples, and a user whose folders are elsewhere."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

USER = Path(tempfile.mkdtemp(prefix="pressroom-user-"))
"""Where the user of the tests keeps settings and state, in every process that they start."""
os.environ |= {"XDG_STATE_HOME": str(USER / "state"), "XDG_CONFIG_HOME": str(USER / "config")}

settings.register_profile("quick", max_examples=50)
settings.register_profile("long", max_examples=5000)
settings.load_profile("quick")  # unless `--hypothesis-profile` names another

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        # A traceback drawn with all its values would hold up the event loop for seconds.
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

atexit.register(shutil.rmtree, USER, ignore_errors=True)


@pytest.fixture
def anyio_backend() -> str:
    """The backend: aiosqlite needs asyncio."""
    return "asyncio"
