"""Which embedder a workspace has, and that it has embedded everything."""

from __future__ import annotations

from mcp_server.config import OWN_EMBEDDERS
from mcp_server.entities.meaning import EMBEDDING, Embedder, MeaningStore, embedding_of_all
from mcp_server.jobs.job import OURS, JobState
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.store import JobStore
from mcp_server.meaning.local import LocalEmbedder, is_installed
from mcp_server.meaning.numbers import INSTALL, has_numpy
from mcp_server.meaning.provider import Ask, ProviderEmbedder


def embedder_of(setting: str, *, beside: bool) -> Embedder | None:
    """Return the embedder of Pressroom's own that is set; `None` where only words are found.

    `beside`: it is asked now and then, and not to be started in a process of its own.
    """
    if setting in {"words", "off"} or (setting == "auto" and not is_installed()):
        return None
    return LocalEmbedder(beside=beside)


async def provider_embedder(model: str, ask: Ask, store: MeaningStore) -> Embedder | None:
    """Return what asks a provider's model; `None` where vectors cannot be worked with here.

    `model` is the name under which its vectors are stored.
    """
    return ProviderEmbedder(model, ask, await store.embedders()) if has_numpy() else None


def why_only_words(setting: str) -> str | None:
    """Return what to say where nothing is found by its meaning; `None` where it is."""
    if setting not in OWN_EMBEDDERS:
        return None if has_numpy() else f"By words only: {INSTALL} brings what compares meanings."
    if setting == "off":
        return (
            'Search is out of date: the setting embedder is "off". With "words" it knows the '
            'words of each text, with "auto" the meanings, too.'
        )
    if setting == "words":
        return 'By words only: the setting embedder says so; "auto" finds texts by meaning, too.'
    if setting == "auto" and not is_installed():
        return f"By words only: {INSTALL} brings what finds texts by their meaning, too."
    return None


async def why_not_embedded(store: JobStore) -> str | None:
    """Return why the texts that are left have no vectors; `None` where they only wait for them."""
    job = await store.newest_with_key(EMBEDDING)
    if job is None or (job.state is not JobState.FAILED and job.code not in _LATER):
        return None
    return job.reason or None


_LATER = frozenset({"retrying", "snoozed"})
"""Codes of a job that is to be tried again."""


async def embed_what_is_missing(
    store: MeaningStore, queue: JobQueue, embedder: Embedder | None, *, setting: str
) -> None:
    """Queue what a crash, another embedder or an earlier version has left to do (L35).

    Vectors go where the setting wants none. Where there is an embedder by the setting and only its
    package is missing, they stay: another machine, or this one tomorrow, has it.
    """
    if embedder is not None or setting == "words":
        await store.embed_again(embedder.name if embedder is not None else None)
    if await store.unembedded(limit=1):
        await queue.enqueue(embedding_of_all(), origin=OURS)
