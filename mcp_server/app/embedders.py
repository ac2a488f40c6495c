"""The embedder of a workspace: one that runs here, or a provider's model."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

import anyio
import anyio.to_thread

from mcp_server.config import Workspace
from mcp_server.content.drafting.embedding import (
    EmbeddingModel,
    can_ask,
    embedding_choice,
    stored_name,
)
from mcp_server.entities.effects import SaveVector
from mcp_server.entities.meaning import Embedder, MeaningStore, Unembedded, embedder_ability
from mcp_server.jobs.store import JobStore
from mcp_server.meaning.embedder import embedder_of, provider_embedder
from mcp_server.meaning.local import NAME, is_installed
from mcp_server.meaning.making import effects_of, words_of_all
from mcp_server.meaning.numbers import has_numpy
from mcp_server.trust import Grants

STANDS_S = 30.0
"""How long an answer stands whether this process can embed: the system keyring, which may be part
of the question, may take seconds, and each text has a job."""


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


def wanted_ability(workspace: Workspace) -> str | None:
    """Return the ability to embed as the settings say; `None` where they want no vectors."""
    if (choice := embedding_choice(workspace.settings)) is not None:
        return embedder_ability(stored_name(choice))
    return embedder_ability(NAME) if workspace.settings.embedder in {"local", "auto"} else None


def abilities_to_embed(workspace: Workspace, grants: Grants) -> frozenset[str]:
    """Return that ability, if this process has it. Call this outside the event loop."""
    ability, choice = wanted_ability(workspace), embedding_choice(workspace.settings)
    if choice is None:
        has = is_installed()
    else:
        reachable = choice.url is None or workspace.model_problem is None
        has = has_numpy() and reachable and can_ask(choice, grants.of_embedder())
    return frozenset([ability] if ability is not None and has else [])


class Elsewhere:
    """Says which ability other machines are to embed with, as this one lacks it.

    `None`: this one has it; or there are no others; or nobody has ever had it where the setting
    leaves it open ("auto"): then texts are known by their words.
    """

    def __init__(
        self,
        workspace: Workspace,
        grants: Grants,
        store: JobStore,
        meaning: MeaningStore,
        monotonic: Callable[[], float] = anyio.current_time,
    ) -> None:
        self._workspace, self._grants = workspace, grants
        self._store, self._meaning = store, meaning
        self._monotonic, self._asking = monotonic, anyio.Lock()
        self._here, self._stands_until = False, -math.inf

    async def __call__(self) -> str | None:
        """Return it. Whether this process has it, it asks itself every `STANDS_S`."""
        settings, ability = self._workspace.settings, wanted_ability(self._workspace)
        if ability is None or not settings.database or await self._is_here():
            return None
        if settings.embedder == "auto" and NAME not in await self._meaning.embedders():
            hosts = await self._store.hosts(seen_after=0)
            return ability if any(ability in host.abilities for host in hosts) else None
        return ability

    async def _is_here(self) -> bool:
        async with self._asking:  # who asks meanwhile shares the answer
            if self._monotonic() >= self._stands_until:
                found = await anyio.to_thread.run_sync(
                    abilities_to_embed, self._workspace, self._grants
                )
                self._here, self._stands_until = bool(found), self._monotonic() + STANDS_S
            return self._here


async def embedded_now(
    elsewhere: Callable[[], Awaitable[str | None]],
    embedder: Embedder | None,
    texts: Sequence[Unembedded],
) -> Sequence[SaveVector]:
    """Return what makes texts known to search here and now.

    Where others are to embed them, that is their words: a job brings the rest.

    Raises:
        EmbeddingTrouble: the embedder makes none of them.
    """
    if await elsewhere() is not None:
        return await words_of_all(texts)
    return await effects_of(texts, embedder)
