"""What one attempt pays its requests from: each is entered in the ledger before it is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import structlog

from mcp_server.clock import Clock, new_id
from mcp_server.content.drafting.budget import RoundBudget, why_spent, why_unpriced
from mcp_server.content.drafting.errors import BudgetTaken, OverBudget
from mcp_server.content.drafting.prices import Price
from mcp_server.entities.usage import NOTHING, Ledger, Reservation, Room, Spent
from mcp_server.errors import StorageError
from mcp_server.jobs.job import Attempt

logger = structlog.get_logger(__name__)

LOOKS, LOOK_S = 40, 0.5
"""How often, and after how many seconds, an attempt looks whether others have given back what they
had reserved. Most answers take less than these 20 s; then it gives up its place in the worker."""

AGAIN_S = 5.0
"""Seconds until such an attempt is taken up again."""


@dataclass(slots=True)
class Entry:
    """An open entry of the ledger; `spent` is what closes it, `None` leaves it open for good."""

    spent: Spent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """Pays for the requests of one attempt, within its round's budget."""

    ledger: Ledger
    clock: Clock
    budget: RoundBudget
    attempt: Attempt

    @asynccontextmanager
    async def paying(
        self, model: str, price: Price | None, *, input_tokens: int, output_tokens: int
    ) -> AsyncGenerator[Entry]:
        """Reserve what a request can cost at most; within it is sent, and says what it did cost.

        Raises:
            OverBudget: there is no room for it, or no price.
            BudgetTaken: there is no room for it yet.
        """
        if price is None and self.budget.is_set:
            raise OverBudget(model, why_unpriced(model))
        wanted = Reservation(
            id=new_id("u", self.clock),
            model=model,
            batch_id=self.attempt.job.batch_id,
            job_id=self.attempt.job.id,
            attempt_id=self.attempt.id,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost=None if price is None else price.most(input_tokens, output_tokens),
        )
        await self._reserve(wanted)
        entry = Entry()
        try:
            yield entry
        finally:
            if entry.spent is not None:
                await self._close(wanted.id, entry.spent)

    async def _reserve(self, wanted: Reservation) -> None:
        for _ in range(LOOKS):
            room = await self._look(wanted)
            if room.verdict == "granted":
                await self._unless_cancelled(wanted)
                return
            if room.verdict == "spent":
                why = why_spent(room, wanted.cost or 0, self.budget)
                raise OverBudget(wanted.model, why)
            await anyio.sleep(LOOK_S)
        raise BudgetTaken(wanted.model, again_at=self.clock.now() + AGAIN_S)

    async def _look(self, wanted: Reservation) -> Room:
        # Shielded: a reservation that was made and not heard of would be open for good.
        with anyio.CancelScope(shield=True):
            return await self.ledger.reserve(wanted, self.budget.limits, now=self.clock.now())
        raise AssertionError("nobody cancels what is shielded")

    async def _unless_cancelled(self, made: Reservation) -> None:
        """Give the reservation back if the attempt was cancelled meanwhile: nothing was sent."""
        try:
            await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            await self._close(made.id, NOTHING)
            raise

    async def _close(self, id: str, spent: Spent) -> None:
        """Close an entry. If that fails, all that was reserved goes on counting as spent."""
        with anyio.CancelScope(shield=True):
            try:
                await self.ledger.close(id, spent, now=self.clock.now())
            except StorageError as error:
                logger.warning("what a request cost could not be stored", reason=str(error))
