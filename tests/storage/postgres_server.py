"""A real PostgreSQL server for the tests, one for each process of pytest."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from tests.benchmarks.postgres import running

ADDRESS = "PRESSROOM_TEST_POSTGRES"
"""Names a server that runs already, which is used then."""


@cache
def server() -> str:
    """Return the address of a database, on a server that ends with this process."""
    if address := os.environ.get(ADDRESS):
        return address
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(tempfile.mkdtemp(prefix="pressroom-postgres-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return stack.enter_context(running(folder)).fresh("NORMAL")
