"""How SQLite finds what it is asked for: by an index, however many jobs are stored.

The product never analyses its tables, so that a plan depends on the schema and the statement alone:
what is planned for an empty file is planned for one of a million jobs.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from mcp_server.storage.sql.transaction import statements_of
from mcp_server.storage.sqlite.file.connection import open_file
from mcp_server.storage.sqlite.file.migrate import migrate
from mcp_server.storage.sqlite.file.transaction import PACKAGE, query

QUERIES = sorted(statements_of(PACKAGE))

HOT = {
    "claim_candidates": "jobs_ready (kind=? AND requires=?)",
    "claim_candidates_between": "requires=? AND priority=? AND id>? AND id<?)",
    "claim_jobs": "INTEGER PRIMARY KEY (rowid=?)",
    "count_running": "jobs_running",
    "find_next_scheduled": "jobs_scheduled",
    "find_work": "jobs_scheduled (due_at<?)",
    "finish_jobs": "INTEGER PRIMARY KEY (rowid=?)",
    "embed_again": "meanings_by_embedder (embedder>?)",
    "find_holders": "jobs_skip (dedup_key=?)",
    "find_waiting": "jobs_waiting (dedup_key=?)",
    "get_job": "sqlite_autoindex_jobs_1 (job_id=?)",
    "list_alone": "jobs_alone (owner=? AND id<?)",
    "list_alone_after": "jobs_alone (owner=? AND id>?)",
    "list_alone_prunable": "jobs_alone_ended (ended_at>? AND ended_at<?)",
    "list_alone_unfinished": "jobs_alone_unfinished (owner=? AND id<?)",
    "list_alone_rows_unfinished": "jobs_alone_unfinished (owner=?)",
    "list_awaited": "PRIMARY KEY (job=?)",
    "list_changed_batches": "rounds_change (change>?)",
    "list_claims": "jobs_running",
    "list_held": "jobs_running",
    "get_page_bytes": "sqlite_autoindex_page_bytes_1 (hash=?)",
    "get_page_file": "PRIMARY KEY (page=?)",
    "list_entities_of_page": "PRIMARY KEY (type=? AND page=?)",
    "list_hashes": "revisions_history (type=? AND page=? AND entity_id=?)",
    "list_heads": "PRIMARY KEY (type=? AND page>? AND page<?)",
    "list_histories_of_batch": "revisions_history (type=? AND page=? AND entity_id=?)",
    "list_histories_of_page": "revisions_history (type=? AND page=?)",
    "list_kept": "page_versions_of_page (page=? AND rowid<?)",
    "list_latest_kept": "page_versions_of_page (page=?)",
    "list_latest_of": "revisions_history (type=? AND page=? AND entity_id=? AND id<?)",
    "list_live_before": "revisions_history (type=? AND page>? AND page<?)",
    "list_page_versions": "page_versions_of_page (page=?)",
    "list_pages_of_batch": "revisions_of_batch (batch_id=?)",
    "list_jobs": "jobs_of_batch (batch=?)",
    "list_keyed_jobs": "jobs_key (dedup_key>? AND dedup_key<?)",
    "list_lost_jobs": "jobs_running",
    "list_next_of_batch": "jobs_of_batch (batch=? AND id>? AND id<?)",
    "list_behind": "jobs_key (dedup_key=?)",
    "list_keys_of_round": "jobs_key (dedup_key=? AND dedup=? AND batch=?)",
    "list_retryable": "INTEGER PRIMARY KEY (rowid=?)",
    "list_needed": "jobs_requiring (requires>?)",
    "list_running_jobs": "jobs_running",
    "list_stopped_jobs": "jobs_stopped (batch=? AND state=?)",
    "list_to_prune": "rounds_to_prune (pruned=? AND state=? AND ended_at<?)",
    "list_unclaimable": "jobs_requiring (requires=?)",
    "list_unfinished_after": "rounds_unfinished (batch>?)",
    "list_unfinished_batches": "rounds_unfinished (batch<?)",
    "list_unknown_kinds": "jobs_ready (kind>?)",
    "next_due": "jobs_scheduled",
    "next_owner": "jobs_alone (owner>?)",
    "oldest_due": "jobs_ready (kind=? AND requires=? AND priority=?)",
    "release_due": "jobs_scheduled (due_at<?)",
    "renew_leases": "jobs_running",
}
"""What is asked for every claim, finish, heartbeat, sweep and look, and how it is found."""

BESIDE = (
    ("find_holders", "jobs_key (dedup_key=? AND dedup=? AND batch>?)"),
    ("find_holders", "jobs_key (dedup_key=? AND dedup=? AND batch=?)"),
    ("find_holders", "rounds_unfinished (batch>?)"),
    ("oldest_due", "jobs_ready (kind=? AND requires>?)"),
)
"""What some of them look at as well."""

WALKED = {
    ("claim_candidates", "jobs_running"): "what runs is few",
    ("claim_candidates_between", "jobs_running"): "what runs is few",
    ("count_jobs", "jobs_ready"): "counted, on a connection of its own",
    ("count_jobs", "jobs_running"): "counted",
    ("count_jobs", "jobs_scheduled"): "counted",
    ("count_jobs", "jobs_stopped"): "counted",
    ("count_jobs", "sqlite_autoindex_jobs_1"): "counted: the only walk over all jobs",
    ("count_running", "jobs_running"): "what runs is few",
    ("find_next_scheduled", "jobs_scheduled"): "to the limit",
    ("find_work", "jobs_ready"): "to the first",
    ("find_work", "jobs_running"): "to the first",
    ("list_batches_under_way", "rounds_unfinished"): "to the limit",
    ("list_claims", "jobs_running"): "what runs is few",
    ("list_held", "jobs_running"): "what runs is few",
    ("list_lost_jobs", "jobs_running"): "what runs is few",
    ("list_running_jobs", "jobs_running"): "what runs is few",
    ("mark_resumed", "jobs_running"): "what runs is few",
    ("renew_leases", "jobs_running"): "what runs is few",
    ("list_to_cancel", "jobs_running"): "what runs is few",
    ("list_to_cancel", "awaited"): "what several batches wait for is little",
    ("find_following", "following"): "one for each large batch, for seconds",
    ("find_work", "following"): "to the first",
    ("list_following", "following"): "one for each large batch, for seconds",
    ("list_passed_by", "following"): "one for each large batch, for seconds",
    ("set_back_following", "following"): "one for each large batch, for seconds",
    ("list_new_following", "following"): "one for each large batch, for seconds",
    ("start_job", "jobs_running"): "what runs is few",
    ("count_meanings", "meanings_by_embedder"): "counted: a millisecond for 100,000",
    ("count_meanings", "unembedded"): "counted: what has changed is few",
    ("list_embedders", "meanings_by_embedder"): "when a process starts, and a provider embeds",
    ("list_wordless", "unembedded"): "to the limit",
    ("find_unembedded", "unembedded"): "to the first",
    ("list_orders", "meanings_by_embedder"): "when an eighth of the texts has changed",
    ("list_known_types", "found"): "one for each type",
    ("list_unembedded", "unembedded"): "to the limit",
    ("find_awaited", "awaited"): "to the first",
    ("find_old_request", "requests"): "those of a day",
    ("find_work_on_page", "claims"): "there are two",
    ("forget_hosts", "hosts"): "one for each process",
    ("list_known_paths", "page_files"): "one for each page",
    ("list_known_sections", "page_files"): "one for each page",
    ("list_page_files", "page_files"): "one for each page",
    ("list_hosts", "hosts"): "one for each process",
    ("list_replacing", "jobs_running"): "what runs is few",
    ("prune_requests", "requests"): "those of a day",
    ("find_old_request", "spent"): "those of a day",
    ("prune_spent", "spent"): "those of a day",
    ("set_back_hosts", "hosts"): "one for each process",
    ("set_back_paused", "jobs_stopped"): "hardly ever, and only what stopped",
}
"""What is walked over, an index or a table, and why that is no harm."""

KEEPING = {"jobs_skip", "rounds_submit_key", "jobs_waiting"}
"""Indexes that hold a promise: of a key there is one."""

WALK = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")
INDEX = re.compile(r"INDEX (\w+)")
NAMED = re.compile(r":(\w+)")
MADE = {
    *("ready", "needed", "needs", "kinds", "lines"),
    *("look", "written", "shared", "changed", "soon", "chosen", "CONSTANT"),
}
"""Tables that a statement makes for itself."""


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A file of this version, open as the product opens it."""
    path: Path = tmp_path_factory.mktemp("plans") / "pressroom.db"
    migrate(path)
    with closing(open_file(path)) as opened:
        yield opened


def plan(connection: sqlite3.Connection, name: str) -> Sequence[str]:
    """Return how SQLite goes about a query, step by step."""
    asked = query(name)
    values = dict.fromkeys(NAMED.findall(asked))
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}", values)]


@pytest.mark.parametrize(("name", "index"), [*HOT.items(), *BESIDE])
def test_what_is_asked_often_is_found_by_its_index(
    connection: sqlite3.Connection, name: str, index: str
) -> None:
    """Ready, due and running jobs, by key, by batch and by id."""
    steps = plan(connection, name)
    assert any(step.partition("USING ")[2].endswith(index) for step in steps), steps


@pytest.mark.parametrize("name", QUERIES)
def test_nothing_is_walked_over_that_grows(connection: sqlite3.Connection, name: str) -> None:
    """No query goes through all jobs, batches or texts, but for the one that counts them."""
    walks = [found for step in plan(connection, name) if (found := WALK.match(step))]
    walked = {(name, walk[2] or walk[1]) for walk in walks if walk[1] not in MADE}
    assert walked <= WALKED.keys()


def test_every_index_is_used(connection: sqlite3.Connection) -> None:
    """One that no query uses would only cost each write."""
    made = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indexes = {name for (name,) in map(tuple, connection.execute(made))}
    used = {name for asked in QUERIES for name in INDEX.findall("\n".join(plan(connection, asked)))}
    assert indexes - used <= KEEPING
    assert indexes >= KEEPING
