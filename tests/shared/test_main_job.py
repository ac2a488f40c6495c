"""The main job on a shared database, as its users run it: over stdio and HTTP, a worker beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Desk, content, starter
from tests.shared.site import Site
from tests.wire import over_http, over_stdio, serving

pytestmark = pytest.mark.anyio

IDLE_S = "0.5"
"""How soon the detached worker leaves."""


async def main_job(chat: Desk, root: Path) -> None:
    """Generate, review, promote, take back, put back; files are what each step promises."""
    drafted = await chat.run("generate-all")
    assert drafted["totalSections"] == 21
    assert set((await chat.states()).values()) == {"draft", "static"}
    assert content(root) == {}
    await chat.run("promote")
    live = content(root)
    assert len(live) == 7
    back = await chat.run("rollback")
    assert content(root) == {}
    assert set((await chat.states()).values()) == {"withdrawn", "static"}
    await chat.run("rollback", batchId=back["batchId"])
    assert content(root) == live


async def test_over_stdio_with_a_detached_worker(tmp_path: Path, site: Site) -> None:
    """The worker is another process, and nothing is stored on this machine."""
    root = starter(tmp_path / "site")
    variables = site.variables | {"PRESSROOM_WORKER_IDLE_S": IDLE_S}
    async with over_stdio(root, era="auto", named=True, client_name="test", **variables) as chat:
        await main_job(chat, root)
        assert (await chat.call("status"))["worker"]["mode"] == "detached"
    assert not (root / ".pressroom" / "pressroom.db").exists()


async def test_over_http_with_a_token(tmp_path: Path, site: Site) -> None:
    """The worker is the server's own."""
    root = starter(tmp_path / "site")
    with serving(root, **site.variables, PRESSROOM_TOKEN="a-token-of-the-tests") as url:
        async with over_http(url, root, token="a-token-of-the-tests") as chat:
            await main_job(chat, root)
