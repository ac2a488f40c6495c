"""What a round of drafting may cost, and the sentences for when that is not enough. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mcp_server.config import Budget
from mcp_server.content.drafting.prices import FlatPrice
from mcp_server.entities.usage import NANO, Limits, Room

BUDGET = "budget"
"""The name among a round's terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundBudget:
    """The budget that a round was promised: the settings', and what its call has asked for.

    `asked_usd` is the call's own limit for its batch. It can only be lower than `batch_usd`.
    """

    batch_usd: float | None = None
    day_usd: float | None = None
    input_usd: float | None = None
    output_usd: float | None = None
    answer_tokens: int = Budget().answer_tokens
    asked_usd: float | None = None

    @classmethod
    def of(cls, settings: Budget, asked_usd: float | None = None) -> RoundBudget:
        """Return the budget of a round that begins now."""
        return cls(**settings.model_dump(), asked_usd=asked_usd)

    @classmethod
    def within(cls, terms: Mapping[str, Any], otherwise: Budget) -> RoundBudget:
        """Return the budget that a round was promised; one that was promised none has ours."""
        if BUDGET not in terms:
            return cls.of(otherwise)
        known = {field.name for field in fields(cls)}  # a newer Pressroom may promise more
        return cls(**{name: value for name, value in terms[BUDGET].items() if name in known})

    @property
    def terms(self) -> dict[str, Any]:
        """What goes among the round's terms."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def of_batch_usd(self) -> float | None:
        """The most that the batch may cost, over all its rounds."""
        return min(_those(self.batch_usd, self.asked_usd), default=None)

    @property
    def is_set(self) -> bool:
        """Whether anything limits what may be spent."""
        return self.of_batch_usd is not None or self.day_usd is not None

    @property
    def price(self) -> FlatPrice | None:
        """The model's price by the settings, for where nobody else knows it."""
        if self.input_usd is None or self.output_usd is None:
            return None
        return FlatPrice(input_usd=self.input_usd, output_usd=self.output_usd)

    @property
    def limits(self) -> Limits:
        """The same for the ledger."""
        return Limits(batch=_nano(self.of_batch_usd), day=_nano(self.day_usd))


def _those(*values: float | None) -> list[float]:
    """Return the values that there are."""
    return [value for value in values if value is not None]


def _nano(usd: float | None) -> int | None:
    return None if usd is None else math.floor(usd * NANO)


def dollars(usd: float) -> str:
    """Return an amount as it is written: `$1.93`, and below ten cents `$0.0021`."""
    if usd == 0 or usd >= 0.1:
        return f"${usd:,.2f}"
    return f"${usd:.2g}" if usd >= 0.0001 else "less than $0.0001"


def why_spent(room: Room, cost: int, budget: RoundBudget) -> str:
    """Return why a request has no room, and how to go on. A chat shows 200 characters of it."""
    whose = "Today's budget (UTC)" if room.scope == "day" else "The batch's budget"
    facts = [f"{_shown(room.sums.spent)} spent"]
    if room.sums.lost:
        facts.append(f"{_shown(room.sums.lost)} held by requests that never ended")
    return (
        f"{whose} of {_shown(room.limit)} has no room for a request ({', '.join(facts)}; one may "
        f"cost {_shown(cost)}): {_how_to_go_on(room, budget)}"
    )


def _shown(nano: int) -> str:
    return dollars(nano / NANO)


def _how_to_go_on(room: Room, budget: RoundBudget) -> str:
    if room.scope == "day":
        return "`retry` goes on tomorrow, or once day_usd is raised."
    setting, asked = budget.batch_usd, budget.asked_usd
    if asked is None or (setting is not None and asked >= setting):
        return "raise batch_usd under [budget] in pressroom.toml, then retry."
    up_to = "" if setting is None else f", up to {dollars(setting)}"
    return f"`retry` with a higher maxCostUsd goes on{up_to}."


def why_unpriced(model: str) -> str:
    """Return what to do where a budget is set and the price is not known."""
    return (
        f"There is a budget, but the price of {model} is not known: write input_usd and output_usd "
        "(for a million tokens) under [budget] in pressroom.toml, or take the budget out; then "
        "retry."
    )
