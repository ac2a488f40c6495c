"""A restarted server, and a pooler before it: nothing is lost, and nothing done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import Unavailable
from mcp_server.storage.postgres import migrate
from tests.benchmarks.postgres import Postgres
from tests.shared.pooler import PROGRAM, pooler
from tests.shared.site import Site
from tests.storage.postgres_server import server
from tests.waiting import wait_until
from tests.wire import http_server, over_http, pipe

PAGES = {"menu": 10, "home": 10}
ONCE = [(f"{page}/s{n}", 1) for page in ("home", "menu") for n in sorted(range(1, 11), key=str)]
DRAFTED = "SELECT count(*) FROM jobs WHERE kind = 'content-generate' AND state = 'completed'"


def test_a_server_is_killed_and_started_again_while_a_batch_runs(
    tmp_path: Path, postgres: Postgres, request: pytest.FixtureRequest
) -> None:
    """Worker and server go on by themselves; meanwhile `status` and `doctor` say what is wrong."""
    with Site.made(request.node.nodeid, postgres.fresh("FULL")) as site:
        root = site.checkout(tmp_path / "site", PAGES, concurrency=2, lease_s=30, heartbeat_s=1)
        worker = site.worker(root, "anna")
        with pipe(root, "auto", **site.variables) as chat:
            chat.begin()
            batch = chat.call("generate-all")["structuredContent"]["batchId"]
            wait_until(lambda: site.rows(DRAFTED)[0][0] >= 3)
            postgres.stop()
            told = chat.call("status")
            assert told["isError"]
            assert "the database server cannot be reached" in told["content"][0]["text"]
            checks = json.loads(site.pressroom(root, "doctor", "--json"))
            [said] = [each for each in checks if each["check"] == "database"]
            assert said["level"] == "error"
            assert "the database server cannot be reached" in said["message"]
            postgres.start(postgres.settings)
            site.wait_ended(batch)
            assert "20 of 20 drafted." in chat.call("status", batchId=batch)["content"][0]["text"]
            postgres.restart()
            again = chat.call("promote", waitSeconds=30)["structuredContent"]
            site.wait_ended(again["batchId"])
        assert worker.poll() is None
        assert site.written() == ONCE
        assert sorted(path.name for path in (root / "content").iterdir()) == ["home.md", "menu.md"]


def test_a_server_that_is_too_old_is_refused_before_anything_is_made(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fail at the first statement that it does not know."""
    monkeypatch.setattr(migrate, "OLDEST", 99)
    with pytest.raises(Unavailable, match="Pressroom needs 99 or newer"):
        migrate.migrate(site.address, f"pressroom_{site.id}")
    made = "SELECT to_regnamespace(%s) IS NOT NULL"
    assert site.rows_anywhere(made, f"pressroom_{site.id}") == [(False,)]


@pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")
@pytest.mark.anyio
async def test_behind_a_pooler_that_lends_connections_for_a_transaction(
    tmp_path: Path, site: Site
) -> None:
    """With fewer connections than the processes have; work of others is noticed by looking."""
    with pooler(server(), connections=3) as address:
        place: dict[str, Any] = {
            "PRESSROOM_DATABASE": address,
            "PRESSROOM_DATABASE_POOLED": "true",
        }
        anna = site.checkout(tmp_path / "anna", PAGES, concurrency=2, composer_delay_s=0.05)
        berta = site.checkout(tmp_path / "berta", PAGES, concurrency=2, composer_delay_s=0.05)
        site.worker(anna, "anna", ahead_s=0.0, **place)
        site.worker(berta, "berta", ahead_s=0.0, **place)
        with http_server(anna, **site.variables | place) as (_, url):
            async with over_http(url, anna) as chat:
                await chat.run("generate-all")
                await chat.run("promote")
                await chat.run("rollback")
                assert (await chat.call("review"))["counts"] == {"withdrawn": 20}
        assert site.written() == ONCE
