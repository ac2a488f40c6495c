"""The model that drafts, as the actions need it: the terms of a round, and the user's trust."""

from __future__ import annotations

from typing import Any

import anyio.to_thread

from mcp_server.content.actions.calls import GenerateCall
from mcp_server.content.drafting.errors import UNTRUSTED_MODEL
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.site import Site
from mcp_server.errors import Unavailable
from mcp_server.trust import Grants


class DraftingModel:
    """The configured model, and whether the workspace's user trusts it.

    `problem` says what is wrong with the model that the settings name, if the composer has to write
    in its place.
    """

    def __init__(self, choice: ModelChoice, grants: Grants, problem: str | None) -> None:
        self._choice, self._grants, self._problem = choice, grants, problem
        self.name, self.ability = choice.name, choice.ability

    def terms(self, site: Site) -> dict[str, Any]:
        """Return the terms of a round of drafting: all its jobs use this site and this model."""
        return {"site": site.hash, "model": self.name, "modelUrl": self._choice.url}

    async def refuse_untrusted(self) -> None:
        """Refuse to queue jobs that would only pause, as no text is sent to an untrusted model.

        Raises:
            Unavailable: the workspace names a model that its user has not trusted.
        """
        grant = await anyio.to_thread.run_sync(self._grants.of_model, self.name, self._choice.url)
        if grant == "untrusted":
            raise Unavailable(f"Nothing was queued: {UNTRUSTED_MODEL} Then call again.")

    def notes(self, call: GenerateCall) -> list[str]:
        """Return what the caller must know of the model that writes."""
        if not self._choice.is_composer:
            return [self._problem] if self._problem else []
        notes = ["No model is configured: the composer writes placeholders from the site's facts."]
        if call.instructions:
            notes.append("The composer cannot follow instructions; set `model` to have them heard.")
        return notes
