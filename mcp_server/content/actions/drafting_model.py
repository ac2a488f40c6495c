"""The model that drafts, as the actions need it: the terms of a round, and the user's trust."""

from __future__ import annotations

from typing import Any

import anyio.to_thread

from mcp_server.config import Budget
from mcp_server.content.actions.calls import GenerateCall
from mcp_server.content.drafting.budget import BUDGET, RoundBudget, dollars
from mcp_server.content.drafting.errors import UNTRUSTED_MODEL
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.prices import Price, price_of
from mcp_server.content.site import Site
from mcp_server.errors import Unavailable
from mcp_server.trust import Grants


class DraftingModel:
    """The configured model, and whether the workspace's user trusts it.

    `problem` says what is wrong with the model that the settings name, if the composer has to write
    in its place.
    """

    def __init__(
        self,
        choice: ModelChoice,
        grants: Grants,
        problem: str | None,
        budget: Budget | None = None,
    ) -> None:
        self._choice, self._grants, self._problem = choice, grants, problem
        self._budget = budget or Budget()
        self.name, self.ability = choice.name, choice.ability
        self.is_composer = choice.is_composer

    def terms(self, site: Site, max_cost_usd: float | None = None) -> dict[str, Any]:
        """Return the terms of a round of drafting: its site, its model, and what it may cost.

        A batch that is to cost no more than `max_cost_usd` keeps to it in all its rounds.
        """
        budget = self.budget(max_cost_usd)
        return {
            "site": site.hash,
            "model": self.name,
            "modelUrl": self._choice.url,
            BUDGET: budget.terms,
        }

    def budget(self, max_cost_usd: float | None = None) -> RoundBudget:
        """Return what a round that begins now may cost."""
        return RoundBudget.of(self._budget, max_cost_usd)

    async def price(self) -> Price | None:
        """Return what the model costs, `None` where nobody knows."""
        listed = await anyio.to_thread.run_sync(price_of, self._choice)
        return listed or self.budget().price

    async def refuse_untrusted(self) -> None:
        """Refuse to queue jobs that would only pause, as no text is sent to an untrusted model.

        Raises:
            Unavailable: the workspace names a model that its user has not trusted.
        """
        grant = await anyio.to_thread.run_sync(self._grants.of_model, self.name, self._choice.url)
        if grant == "untrusted":
            raise Unavailable(f"Nothing was queued: {UNTRUSTED_MODEL} Then call again.")

    async def notes(self, call: GenerateCall) -> list[str]:
        """Return what the caller must know of the model that writes, and of what it may cost."""
        if not self._choice.is_composer:
            problem = [self._problem] if self._problem else []
            return [*problem, *_on_material(call), *await self._notes_on_cost(call)]
        notes = ["No model is configured: the composer writes placeholders from the site's facts."]
        if call.instructions:
            notes.append("The composer cannot follow instructions; set `model` to have them heard.")
        if call.material:
            notes.append("The composer cannot read material; set `model` to have it used.")
        return notes

    async def _notes_on_cost(self, call: GenerateCall) -> list[str]:
        budget, notes = self.budget(call.max_cost_usd), list[str]()
        asked, setting = budget.asked_usd, budget.batch_usd
        if asked is not None and setting is not None and asked > setting:
            notes.append(f"A batch may cost {dollars(setting)} at most: batch_usd in the settings.")
        if (budget.is_set or call.dry_run) and await self.price() is None:
            said = "What it will cost cannot be said" if call.dry_run else "It will pause"
            notes.append(
                f"{said}: nobody knows the model's price. Write input_usd and output_usd (for a "
                "million tokens) under [budget] in pressroom.toml."
            )
        return notes


def _on_material(call: GenerateCall) -> list[str]:
    if not call.material:
        return []
    length = f"{len(call.material):,} characters"
    return [f"The material ({length}) counts as a source: no draft is held for what it says."]
