"""A place in a database that machines share, and a server that a test may damage."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.postgres import Postgres, running
from tests.shared.site import Site


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site's place in the database, empty; what is left there is removed."""
    with Site.made(request.node.nodeid) as made:
        yield made


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of this test's own, to be killed or damaged."""
    folder = Path(tempfile.mkdtemp(prefix="pressroom-postgres-"))
    try:
        with running(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
