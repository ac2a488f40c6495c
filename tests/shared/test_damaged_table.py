"""A table of which the server cannot read a page."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.benchmarks.postgres import Postgres
from tests.shared.site import Site

PAGE_BYTES = 8192


def damage(server: Postgres, site: Site, table: str) -> None:
    """Overwrite the first page of a table while the server is down, as a failing disk does."""
    [(path,)] = site.rows("SELECT pg_relation_filepath(%s)", table)
    with psycopg.connect(site.address, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    server.stop()
    with (server.data / path).open("r+b") as file:
        file.write(b"\xff" * PAGE_BYTES)
    server.start(server.settings)


def test_the_doctor_names_every_table_that_the_server_cannot_read(
    tmp_path: Path, postgres: Postgres, request: pytest.FixtureRequest
) -> None:
    """Also one in which no text stands, and which nobody has touched since."""
    with Site.made(request.node.nodeid, postgres.fresh("FULL")) as site:
        root = site.checkout(tmp_path / "site", {"menu": 2})
        batch = site.queued(root, "generate", "menu")
        site.worker(root, "anna")
        site.wait_ended(batch)
        for table in ("revisions", "entities"):
            damage(postgres, site, table)
        checks = json.loads(site.pressroom(root, "doctor", "--json"))
    said = "the database server finds its data damaged: put back a copy"
    rows = [each["message"] for each in checks if each["check"] == "rows"]
    assert rows == [
        f"damaged by somebody: the table {table}: {said}" for table in ("entities", "revisions")
    ]
