"""The pages' files are in one folder: of one machine, or of all that share it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mcp_server.storage.postgres.page_lock import page_lock
from tests.harness import content
from tests.shared.site import Site
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import REPOSITORY, command, environment

PAGES = {"menu": 3, "home": 3}
EXPORTED_BY = (
    "SELECT DISTINCT details::jsonb ->> 'machine' FROM jobs JOIN hosts ON hosts.id = worker_id"
    " WHERE kind = 'content-export' AND jobs.state = 'completed'"
)


def test_files_are_written_where_the_pages_are_whoever_promotes(tmp_path: Path, site: Site) -> None:
    """The first machine has them; an old copy elsewhere neither counts as an edit nor changes."""
    anna = site.checkout(tmp_path / "anna", PAGES)
    berta = site.checkout(tmp_path / "berta", PAGES)
    site.pressroom(anna, "status")  # anna comes first
    site.worker(anna, "anna")
    site.worker(berta, "berta")
    site.wait_ended(site.queued(anna, "generate-all"))
    old = berta / "content"
    old.mkdir()
    (old / "menu.md").write_text("An old copy.\n")
    site.wait_ended(site.queued(berta, "promote"))
    assert sorted(content(anna)) == ["home.md", "menu.md"]
    assert content(berta) == {"menu.md": b"An old copy.\n"}
    assert site.rows(EXPORTED_BY) == [("anna",)]
    live = json.loads(site.pressroom(berta, "review", "--json"))
    assert live["counts"] == {"live": 6}
    site.wait_ended(site.queued(berta, "rollback"))
    assert content(anna) == {}


def test_a_promotion_waits_for_the_machine_that_has_the_pages(tmp_path: Path, site: Site) -> None:
    """Its texts are live; `status` says what its files wait for, and `doctor` where they are."""
    anna = site.checkout(tmp_path / "anna", PAGES)
    berta = site.checkout(tmp_path / "berta", PAGES)
    site.pressroom(anna, "status")
    site.worker(berta, "berta")
    site.wait_ended(site.queued(berta, "generate-all"))
    batch = site.queued(berta, "promote")
    asked = "SELECT count(*) FROM jobs WHERE kind = 'content-promote' AND state = 'completed'"
    wait_until(lambda: site.rows(asked) == [(6,)])
    assert content(anna) == content(berta) == {}
    due = "pages' files are due, and no worker runs where they are"
    assert due in site.pressroom(berta, "status")
    waited = subprocess.run(
        command("wait", batch, "--timeout", "0.05", "--workspace", str(berta)),
        capture_output=True,
        text=True,
        env=environment(**site.variables),
        check=False,
    )
    assert waited.returncode == 1 and "outstanding: " in waited.stderr
    assert due in waited.stderr
    doctor = {each["message"] for each in json.loads(site.pressroom(berta, "doctor", "--json"))}
    assert any("the pages' files are in a folder of another machine" in each for each in doctor)
    shown = tmp_path / "shown"
    with shown.open("w") as out:
        line = command("status", "--follow", "--workspace", str(berta))
        follower = subprocess.Popen(line, stdout=out, stderr=out, env=environment(**site.variables))
    try:
        wait_until(lambda: "no worker runs where they are: start one" in shown.read_text())
        site.worker(anna, "anna")
        assert follower.wait(PATIENCE_S) == 0, shown.read_text()
    finally:
        follower.kill()
        follower.wait()
    site.wait_ended(batch)
    assert sorted(content(anna)) == ["home.md", "menu.md"]


def test_another_machine_takes_the_pages_over(tmp_path: Path, site: Site) -> None:
    """By the statement of docs/scaling.md; its files count as they are."""
    anna = site.checkout(tmp_path / "anna", PAGES)
    berta = site.checkout(tmp_path / "berta", PAGES)
    with_worker = site.worker(anna, "anna")
    site.wait_ended(site.queued(anna, "generate-all"))
    site.wait_ended(site.queued(anna, "promote"))
    shutil.copytree(anna / "content", berta / "content")
    with_worker.terminate()
    with_worker.wait()
    [said] = re.findall(r"`(DELETE FROM .*)`", (REPOSITORY / "docs" / "scaling.md").read_text())
    site.rows_anywhere(said.replace("pressroom_acme", f"pressroom_{site.id}") + " RETURNING 1")
    site.worker(berta, "berta")
    assert json.loads(site.pressroom(berta, "review", "--json"))["counts"] == {"live": 6}
    site.wait_ended(site.queued(berta, "rollback"))
    assert content(berta) == {}
    assert len(content(anna)) == 2


def test_machines_that_share_the_folder_both_write_it(tmp_path: Path, site: Site) -> None:
    """Both name it; each has a state folder of its own, and so no file lock in common."""
    root = site.checkout(tmp_path / "site", {f"p{n}": 1 for n in range(12)})
    volume: dict[str, Any] = {"PRESSROOM_CONTENT_ID": "volume"}
    for name in ("anna", "berta"):
        state = str(tmp_path / f"state-{name}")
        own = {"PRESSROOM_STATE_DIR": state, "PRESSROOM_CONCURRENCY": "1"}
        site.worker(root, name, ahead_s=0.0, **own, **volume)
    mine = {"PRESSROOM_STATE_DIR": str(tmp_path / "state-anna"), **volume}
    site.wait_ended(site.queued(root, "generate-all", **mine))
    site.wait_ended(site.queued(root, "promote", **mine))
    assert len(content(root)) == 12
    assert sorted(site.rows(EXPORTED_BY)) == [("anna",), ("berta",)]


def test_a_page_is_held_by_one_machine_at_a_time(site: Site) -> None:
    """Others wait, and are told; who has lost it hears so before he writes."""
    schema = f"pressroom_{site.id}"
    with ExitStack() as stack:
        held = stack.enter_context(page_lock(site.address, schema, "menu", 0))
        assert held is not None and held()
        with page_lock(site.address, schema, "menu", 0.2) as other:
            assert other is None
        with page_lock(site.address, schema, "home", 0) as another:
            assert another is not None
        site.rows_anywhere(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            " AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)",
            f"pressroom {schema} menu",
        )
        wait_until(lambda: not held())
    with page_lock(site.address, schema, "menu", 0) as again:
        assert again is not None
