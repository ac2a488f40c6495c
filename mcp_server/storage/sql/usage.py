"""The ledger of requests to models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mcp_server.entities.usage import (
    GRANTED,
    Limits,
    Reservation,
    Room,
    Scope,
    Spent,
    Sums,
    day_of,
    room_for,
)
from mcp_server.errors import StorageError
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.transaction import Row, Transaction

DAMAGED = "what models cost cannot be read: a row of it is damaged; `pressroom doctor` names it"
"""What is wrong where an amount is no number: nothing of ours writes such a row."""


class SqlLedger:
    """`entities.usage.Ledger` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, reservation: Reservation, limits: Limits, *, now: float) -> Room:
        return await self._database.write(lambda tx: _reserve(tx, reservation, limits, now))

    async def close(self, id: str, spent: Spent, *, now: float) -> bool:
        return await self._database.write(lambda tx: _close(tx, id, spent, now))

    async def of_batch(self, batch_id: str) -> Sums:
        return await self._database.read(lambda tx: _sums(tx, "batch", batch_id))

    async def of_day(self, day: int) -> Sums:
        return await self._database.read(lambda tx: _sums(tx, "day", str(day)))

    async def by_model(self) -> Mapping[str, Sums]:
        rows = await self._database.read(lambda tx: tx.all("list_sums_of_models"))
        return {row["name"]: _sums_of(row) for row in rows}


def _reserve(tx: Transaction, wanted: Reservation, limits: Limits, now: float) -> Room:
    day = day_of(now)
    room = _room(tx, wanted, limits, day)
    if room.verdict != "granted":
        return room
    tx.run(
        "insert_usage",
        entry=wanted.id,
        model=wanted.model,
        batch_id=wanted.batch_id,
        job_id=wanted.job_id,
        attempt=wanted.attempt_id,
        day=day,
        input_tokens=wanted.input_tokens,
        output_tokens=wanted.output_tokens,
        cost=wanted.cost,
        now=now,
    )
    change = Sums(requests=1, open=wanted.cost or 0, unpriced=int(wanted.cost is None))
    _add(tx, change, wanted.model, wanted.batch_id, day)
    return GRANTED


def _room(tx: Transaction, wanted: Reservation, limits: Limits, day: int) -> Room:
    batch = _sums(tx, "batch", wanted.batch_id or "") if limits.batch is not None else Sums()
    of_day = _sums(tx, "day", str(day)) if limits.day is not None else Sums()
    return room_for(wanted.cost or 0, limits, batch=batch, day=of_day)


def _close(tx: Transaction, id: str, spent: Spent, now: float) -> bool:
    entry = tx.one("get_usage", entry=id)
    if entry is None:
        return False
    reserved = None if entry["reserved_cost"] is None else _number(entry, "reserved_cost")
    cost = reserved if spent.cost is None else spent.cost
    tokens = {"input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens}
    if not tx.count("close_usage", entry=id, cost=cost, now=now, **tokens):
        return False
    change = Sums(
        open=-(reserved or 0),
        spent=cost or 0,
        input_tokens=spent.input_tokens or 0,
        output_tokens=spent.output_tokens or 0,
        # A price was found only now, or the request was not taken up.
        unpriced=-int(reserved is None and cost is not None),
    )
    _add(tx, change, entry["model"], entry["batch_id"], entry["day"])
    return True


def _add(tx: Transaction, change: Sums, model: str, batch_id: str | None, day: int) -> None:
    scopes = {"model": model, "day": str(day), "batch": batch_id}
    rows = [
        {
            "scope": scope,
            "name": name,
            "requests": change.requests,
            "unpriced": change.unpriced,
            "reserved": change.open,
            "spent": change.spent,
            "input_tokens": change.input_tokens,
            "output_tokens": change.output_tokens,
        }
        for scope, name in scopes.items()
        if name is not None
    ]
    tx.many("add_to_sums", rows)


def _sums(tx: Transaction, scope: Scope, name: str) -> Sums:
    row = tx.one("get_sums", scope=scope, name=name)
    if row is None:
        return Sums()
    sums = _sums_of(row)
    if sums.open == 0:
        return sums
    lost = tx.one(f"lost_of_{scope}", name=name if scope == "batch" else int(name))
    return replace(sums, lost=lost["lost"] if lost is not None else 0)


def _sums_of(row: Row) -> Sums:
    """Return the sums of a `usage_sums` row; what is lost of them is not in it."""
    return Sums(
        spent=_number(row, "spent"),
        open=_number(row, "reserved"),
        requests=_number(row, "requests"),
        input_tokens=_number(row, "input_tokens"),
        output_tokens=_number(row, "output_tokens"),
        unpriced=_number(row, "unpriced"),
    )


def _number(row: Row, column: str) -> int:
    """Return a number of a row.

    Raises:
        StorageError: somebody else has written what is none. Nothing is paid for then.
    """
    found: object = row[column]
    if not isinstance(found, int):
        raise StorageError(DAMAGED, shown=DAMAGED)
    return found
