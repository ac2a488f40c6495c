"""Several machines on one database: they share the work, and one may be lost."""

from __future__ import annotations

import json
from pathlib import Path

from mcp_server.config import database_of
from tests.shared.site import Site
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import pipe

PAGES = {"menu": 8, "home": 8}
ONCE = [(f"{page}/s{n}", 1) for page in ("home", "menu") for n in range(1, 9)]
WORKED = "SELECT DISTINCT details::jsonb ->> 'machine' FROM hosts JOIN jobs ON worker_id = hosts.id"
LEASES = (
    "SELECT lease_until BETWEEN %s AND extract(epoch FROM clock_timestamp()) + 3 FROM jobs"
    " WHERE state = 'processing'"
)


def test_two_machines_share_a_batch_and_say_where_they_are(tmp_path: Path, site: Site) -> None:
    """Each section is written once; `status` and `doctor` name both."""
    anna = site.checkout(tmp_path / "anna", PAGES, concurrency=2)
    berta = site.checkout(tmp_path / "berta", PAGES, concurrency=2)
    site.worker(anna, "anna")
    site.worker(berta, "berta")
    batch = site.queued(anna, "generate-all")
    wait_until(lambda: len(site.rows(WORKED)) == 2 or site.state(batch) == "completed")
    assert sorted(site.rows(WORKED)) == [("anna",), ("berta",)]
    site.wait_ended(batch)
    assert site.written() == ONCE

    assert "2 workers are running: 1 on anna, 1 on berta." in site.pressroom(anna, "status")
    worker = json.loads(site.pressroom(anna, "status", "--json"))["worker"]
    assert worker["workerCount"] == 2
    assert sorted(row["machine"] for row in worker["workers"]) == ["anna", "berta"]
    found = json.loads(site.pressroom(anna, "doctor", "--json"))
    place = f"{database_of(site.address)}, site {site.id}, PostgreSQL "
    assert any(each["message"].startswith(place) for each in found)
    said = [each["message"] for each in found if each["check"] == "worker"]
    assert sorted(each.partition(",")[0] for each in said) == ["alive on anna", "alive on berta"]


def test_stop_says_how_many_workers_it_has_ended(tmp_path: Path, site: Site) -> None:
    """One asks for all, wherever they are."""
    anna = site.checkout(tmp_path / "anna", PAGES, heartbeat_s=0.3)
    workers = [site.worker(anna, "anna"), site.worker(anna, "berta")]
    assert site.pressroom(anna, "stop").startswith("2 workers have stopped. What is queued")
    assert [worker.wait(PATIENCE_S) for worker in workers] == [0, 0]
    workers = [site.worker(anna, "anna")]
    assert site.pressroom(anna, "stop").startswith("The worker has stopped.")


def test_what_a_lost_machine_was_doing_is_done_by_another(tmp_path: Path, site: Site) -> None:
    """Its row stays, and nobody can ask for its process: its leases run out."""
    slow = {"concurrency": 2, "composer_delay_s": 1}
    anna = site.checkout(tmp_path / "anna", PAGES, **slow)
    berta = site.checkout(tmp_path / "berta", PAGES, **slow)
    lost = site.worker(berta, "berta")
    batch = site.queued(anna, "generate-all")
    wait_until(lambda: bool(site.rows(WORKED)))
    site.worker(anna, "anna")
    lost.kill()
    lost.wait()
    site.wait_ended(batch)
    assert site.written() == ONCE
    assert site.rows("SELECT count(*) > 0 FROM jobs WHERE crashes > 0") == [(True,)]
    assert lost.pid in site.announced()


def test_the_last_worker_is_lost_with_its_machine_and_a_server_starts_one(
    tmp_path: Path, site: Site
) -> None:
    """It has said nothing for a lease: nobody waits until it counts as silent."""
    anna = site.checkout(tmp_path / "anna", PAGES, composer_delay_s=1, worker_idle_s=0.5)
    berta = site.checkout(tmp_path / "berta", PAGES, composer_delay_s=1)
    lost = site.worker(berta, "berta")
    batch = site.queued(anna, "generate-all")
    wait_until(lambda: bool(site.rows(WORKED)))
    lost.kill()
    lost.wait()
    with pipe(anna, "auto", **site.variables) as chat:
        chat.begin()
        chat.call("status")
        site.wait_ended(batch)
    assert site.written() == ONCE


def test_workers_whose_clocks_differ_by_an_hour_go_by_the_servers(
    tmp_path: Path, site: Site
) -> None:
    """Leases, due times and ids are of one clock; nothing is taken from who lives."""
    ahead = site.checkout(tmp_path / "ahead", PAGES, concurrency=2)
    behind = site.checkout(tmp_path / "behind", PAGES, concurrency=2)
    began = site.seen()
    site.worker(ahead, "ahead", ahead_s=3600)
    site.worker(behind, "behind", ahead_s=-3600)
    batch = site.queued(ahead, "generate-all")
    leases: list[tuple[bool]] = []

    def both_work() -> bool:
        leases.extend(site.rows(LEASES, began))
        return len(site.rows(WORKED)) == 2 or site.state(batch) == "completed"

    wait_until(both_work)
    assert {*leases} == {(True,)}
    site.wait_ended(batch)
    now = site.seen()
    assert sorted(site.rows(WORKED)) == [("ahead",), ("behind",)]
    assert site.written() == ONCE
    assert site.rows("SELECT count(*) FROM jobs WHERE crashes > 0") == [(0,)]
    for column in ("created_at", "due_at", "started_at", "ended_at"):
        asked = f"SELECT min({column}) >= %s AND max({column}) <= %s FROM jobs"
        assert site.rows(asked, began - 1, now + 1) == [(True,)], column
    for column in ("seen_at",):
        asked = f"SELECT min({column}) >= %s AND max({column}) <= %s FROM hosts"
        assert site.rows(asked, began - 1, now + 1) == [(True,)], column
