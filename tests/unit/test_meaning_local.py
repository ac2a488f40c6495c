"""The local embedder: where it works, and whom it lets go first."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mcp_server.meaning.local import GIVES_WAY, LocalEmbedder

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for the process in /proc")
async def test_a_process_that_embeds_lets_others_go_first() -> None:
    """A server answers people; nobody waits for a vector."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    before = children()
    [vector] = await LocalEmbedder(beside=False).embed(["Opening hours"])
    assert vector is not None and len(vector) == 4 * 512
    [process] = children() - before
    assert os.getpriority(os.PRIO_PROCESS, process) == min(19, own + GIVES_WAY)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


def children() -> set[int]:
    """Return the processes that this one has started."""
    threads = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(child) for thread in threads for child in thread.read_text("ascii").split()}
