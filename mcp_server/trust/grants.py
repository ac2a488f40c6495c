"""Whether the user permits what a workspace asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mcp_server.config import Workspace
from mcp_server.trust.needs import (
    Need,
    chosen_by,
    destination,
    embedder_chosen_by,
    is_loopback,
    needs_of,
)
from mcp_server.trust.state import StateFolder

ModelTrust = Literal["trusted", "keyless", "untrusted"]
"""Whether a model may be asked with its key, only without one, or not at all."""


class Grants:
    """What the user permits one workspace; looked up each time, as they may permit more by then."""

    def __init__(self, workspace: Workspace, state: StateFolder) -> None:
        self._workspace, self._state = workspace, state

    def missing(self) -> Sequence[Need]:
        """Return what the workspace asks for and its user has not permitted."""
        needs = needs_of(self._workspace)
        trusted = self._trusted() if needs else frozenset[str]()
        return [need for need in needs if not need.is_met_by(trusted)]

    def of_model(self, model: str, url: str | None) -> ModelTrust:
        """Return whether this model may be asked, though the settings may name another by now."""
        where = destination(model, url)
        if where is None or where in self._said_by_user() or where in self._trusted():
            return "trusted"
        return "keyless" if is_loopback(url) else "untrusted"

    def of_embedder(self) -> ModelTrust:
        """Return whether the provider's model that embeds may be asked."""
        found = self._workspace.settings.embedding_model
        assert found is not None, "a provider's model embeds"
        if embedder_chosen_by(self._workspace) is None or destination(*found) in self._trusted():
            return "trusted"
        return "keyless" if is_loopback(found[1]) else "untrusted"

    def of_content_folder(self) -> bool:
        """Whether pages may be read and written where the settings say."""
        return all(need.setting != "content_dir" for need in self.missing())

    def of_database(self) -> bool:
        """Whether the database that the settings name may be used."""
        return all(need.setting != "database" for need in self.missing())

    def _said_by_user(self) -> frozenset[str]:
        settings = self._workspace.settings
        where = destination(settings.model, settings.model_url)
        return frozenset([where] if where and chosen_by(self._workspace) is None else [])

    def _trusted(self) -> frozenset[str]:
        record = self._state.record
        return frozenset(record.trusted if record else ())
