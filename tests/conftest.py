"""Fixtures for all tests: the backend, a clock that stands still, a store on a real file."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The backend: aiosqlite needs asyncio."""
    return "asyncio"
