"""For all tests: the backend, and a user whose own folders are not those of whoever runs them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

USER = Path(tempfile.mkdtemp(prefix="pressroom-user-"))
"""Where the user of the tests keeps settings and state, in every process that they start."""
os.environ |= {"XDG_STATE_HOME": str(USER / "state"), "XDG_CONFIG_HOME": str(USER / "config")}
atexit.register(shutil.rmtree, USER, ignore_errors=True)


@pytest.fixture
def anyio_backend() -> str:
    """The backend: aiosqlite needs asyncio."""
    return "asyncio"
