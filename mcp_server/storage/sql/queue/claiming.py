"""Claiming ready jobs: which are next, and what becomes of those that cannot be run.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from mcp_server.jobs.job import Attempt, Json
from mcp_server.jobs.records import Claim
from mcp_server.jobs.rules import limits, suspects
from mcp_server.storage.sql.queue import counters
from mcp_server.storage.sql.queue.finishing import fail
from mcp_server.storage.sql.queue.rows import attempt_of, encoded, terms_of
from mcp_server.storage.sql.transaction import Row, Transaction

DAMAGED_CODE = "damaged"
"""The code of a job that cannot be run, as what is stored of its batch cannot be read."""

DAMAGED_TERMS = "what its batch was promised cannot be read: its row in the database is damaged"

DAMAGED_CLAIMS_MAX = 50
"""How often a transaction claims again where all that it has claimed was damaged: a few thousand
jobs of a damaged batch keep nobody waiting, and no writer longer than half a second."""

ANY_CRASHES = 2**62
"""More often than any job has crashed."""


def claim_ready(tx: Transaction, claim: Claim, now: float) -> list[Attempt]:
    """Claim ready jobs, by priority and then age; damaged ones fail, and those behind them come."""
    for _ in range(DAMAGED_CLAIMS_MAX):
        attempts = _claim_next(tx, claim, now)
        if attempts is None:
            return []
        if attempts:
            return attempts
    return []


def _claim_next(tx: Transaction, claim: Claim, now: float) -> list[Attempt] | None:
    """Claim ready jobs, if there are any, and return those that can be run."""
    quick = claim.quick_kinds if claim.ahead else ()
    found = claimable(
        tx,
        claim.kinds,
        claim.abilities,
        limit=claim.limit,
        ahead=claim.ahead,
        quick_kinds=quick,
        limited=claim.limits,
        holds_nothing=claim.holds_nothing,
        now=now,
    )
    if not found:
        return None
    ids = [*found]
    claimed = {
        "ids": encoded(ids),
        "started": encoded(ids[: claim.limit]),
        "claim": claim.id,
        "worker_id": claim.worker_id,
        "lease_until": now + claim.lease_s,
        "now": now,
    }
    asked = counters.asking_batches({id for id in found.values() if id is not None})
    rows, *theirs = tx.together([("claim_jobs", claimed), *asked])
    assert len(rows) == len(ids), "they were read in this transaction"
    rows.sort(key=lambda row: (-row["priority"], row["id"]))  # RETURNING keeps no order
    batches = _started_batches(tx, (row for [row] in theirs), now)
    tx.run("note_claim", now_ms=int(now * 1000))
    attempts: list[Attempt] = []
    for row in rows:
        batch_id, terms = batches[row["batch"]]
        if terms is None:
            fail(tx, row, DAMAGED_CODE, DAMAGED_TERMS, now)
        else:
            attempts.append(attempt_of(row, batch_id, terms))
    return attempts


def claimable(
    tx: Transaction,
    kinds: Collection[str],
    abilities: Collection[str],
    *,
    limit: int,
    ahead: int = 0,
    quick_kinds: Collection[str] = (),
    limited: Mapping[str, int] | None = None,
    holds_nothing: bool = True,
    now: float = 0.0,
) -> Mapping[int, int | None]:
    """Return the rows of the next jobs that a worker could claim, and of quick kinds so many more.

    Each with that of its batch, if it is in one.

    `limited` is how many of a kind may run, where that may not be any number. A suspect is
    returned by itself, to a worker that `holds_nothing`; it is passed by until its turn has come.

    Each kind has its own run in the index, and in it each ability that is needed: ready jobs that
    this worker cannot run are not walked past, however many there are.
    """
    passed, needed, room = _in_the_way(tx, abilities, limited or {})
    batches: dict[int, int | None] = {}

    def look(crashes: int) -> list[limits.Candidate]:
        """Find jobs that have crashed less often."""
        most = {
            kind: limits.most_of(
                kind, limit=limit, ahead=ahead, quick=kind in quick_kinds, room=room
            )
            for kind in sorted(kinds)
        }
        ready = _candidates(tx, most, needed, passed, crashes=crashes)
        batches.update((row["id"], row["batch"]) for rows in ready.values() for row in rows)
        return sorted(
            (-row["priority"], row["id"], kind in quick_kinds, row["crashes"], row["due_at"])
            for kind, rows in ready.items()
            for row in rows
        )

    found = look(ANY_CRASHES)
    if any(suspects.is_suspect(crashes) for _, _, _, crashes, _ in found):  # hardly ever
        alone = suspects.to_run_alone(found, holds_nothing=holds_nothing, now=now)
        if alone is not None:
            return {alone[1]: batches[alone[1]]} if holds_nothing else {}
        found = look(suspects.SUSPECT_CRASHES)
    return {id: batches[id] for id in limits.chosen(found, limit=limit, ahead=ahead)}


def _in_the_way(
    tx: Transaction, abilities: Collection[str], limited: Mapping[str, int]
) -> tuple[Sequence[Row], Sequence[str], Mapping[str, int]]:
    """Return what is passed by, those of these abilities that ready jobs need, and the room.

    That is how many more may run of kinds that are limited; all that run are counted.
    """
    asked: dict[str, dict[str, str]] = {"list_passed_by": {}}
    if abilities:
        asked["list_needed"] = {"abilities": json.dumps(sorted(abilities))}
    if limited:
        asked["count_running"] = {"kinds": json.dumps([*limited])}
    found = dict(zip(asked, tx.together(asked.items()), strict=True))
    needed = [row["ability"] for row in found.get("list_needed", ())]
    running = {row["kind"]: row["jobs"] for row in found.get("count_running", ())}
    return found["list_passed_by"], needed, limits.room(limited, running)


def _candidates(
    tx: Transaction,
    most: Mapping[str, int],
    needed: Collection[str],
    passed: Sequence[Row],
    *,
    crashes: int,
) -> Mapping[str, list[Row]]:
    """Return the next ready jobs that need nothing, or one of the abilities `needed`, by kind.

    Of each kind so many as `most` says.
    """
    asked: list[dict[str, Any]] = [
        {"kind": kind, "ability": ability, "limit": limit, "crashes": crashes}
        for kind, limit in most.items()
        for ability in (None, *needed)
    ]
    if passed:
        found = [_candidates_beside(tx, passed, each) for each in asked]
    else:  # almost always
        found = tx.together(("claim_candidates", each) for each in asked)
    ready: dict[str, list[Row]] = {kind: [] for kind in most}
    for each, rows in zip(asked, found, strict=True):
        ready[each["kind"]] += rows
    for kind, rows in ready.items():
        rows.sort(key=lambda row: (-row["priority"], row["id"]))
        del rows[most[kind] :]
    return ready


def _candidates_beside(
    tx: Transaction, passed: Sequence[Row], asked: Mapping[str, Any]
) -> list[Row]:
    """Return the next ready jobs, but none of where large batches were cancelled or paused.

    What is still to follow there may be 100,000 jobs at the head of the line: they are not walked
    past, but jumped over. Jobs of others among them wait until it has followed, some seconds.
    """
    found: list[Row] = []
    gaps, line = _gaps(passed), {name: asked[name] for name in ("kind", "ability")}
    priority = _next_priority(tx, line, below=2**62)
    while priority is not None and len(found) < asked["limit"]:
        for after, before in gaps:
            part = {"priority": priority, "after": after, "before": before}
            found += tx.all("claim_candidates_between", **asked, **part)
        priority = _next_priority(tx, line, below=priority)
    return found


def _next_priority(tx: Transaction, line: Mapping[str, str | None], *, below: int) -> int | None:
    row = tx.one("next_priority", **line, below=below)
    return None if row is None else row["priority"]


def _gaps(passed: Sequence[Row]) -> list[tuple[int, int]]:
    """Return between which numbers nothing is passed by; `passed` is in order of its beginnings."""
    gaps: list[tuple[int, int]] = []
    free_after = 0
    for row in passed:
        if row["after"] > free_after:
            gaps.append((free_after, row["after"] + 1))
        free_after = max(free_after, row["until"])
    return [*gaps, (free_after, 2**62)]


def _started_batches(
    tx: Transaction, batches: Iterable[Row], now: float
) -> Mapping[int | None, tuple[str | None, Json | None]]:
    """Mark batches as started; return the id of each, and what its round was promised.

    What it was promised is `None` where somebody damaged that.
    """
    started: dict[int | None, tuple[str | None, Json | None]] = {None: (None, {})}
    for row in batches:
        at = {"batch": row["id"], "number": row["round"]}
        tx.run("mark_round_started", **at, now=now, change=counters.next_change(tx))
        started[row["id"]] = row["batch_id"], terms_of(row)
    return started
