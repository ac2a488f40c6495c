"""The embedder of a workspace: one that runs here, or a provider's model."""

from __future__ import annotations

from mcp_server.config import Workspace
from mcp_server.content.drafting.embedding import EmbeddingModel, embedding_choice, stored_name
from mcp_server.entities.meaning import Embedder, MeaningStore
from mcp_server.meaning.embedder import embedder_of, provider_embedder
from mcp_server.trust import Grants


async def embedder_for(
    workspace: Workspace, grants: Grants, store: MeaningStore
) -> Embedder | None:
    """Return what the setting `embedder` says; `None` where only words are found."""
    choice = embedding_choice(workspace.settings)
    if choice is None:
        return embedder_of(workspace.settings.embedder, beside=True)
    ask = EmbeddingModel(choice, grants.of_embedder, problem=workspace.model_problem)
    return await provider_embedder(stored_name(choice), ask, store)


def embedder_of_worker(workspace: Workspace, present: Embedder | None) -> Embedder | None:
    """Return what a worker embeds with, in the process whose questions `present` embeds.

    A provider's model has one name in a process, which its first answer makes: who compares its
    vectors asks for them by that name. The model that runs here gets a process of its own.
    """
    if embedding_choice(workspace.settings) is not None:
        return present
    return embedder_of(workspace.settings.embedder, beside=False)
