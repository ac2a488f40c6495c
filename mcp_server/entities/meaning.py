"""What a text means: the words of search and of embedding, and what the rest asks of a database.

A vector is the bytes of float32 numbers, little-endian, of length one: what works with them as
numbers is `mcp_server.meaning`, which is loaded late.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from mcp_server.jobs.job import Dedup, Job, NewJob, Priority

EMBEDDING = "embedding"
"""The kind of job that makes a text known to search: its words, and its vector."""

BACKGROUND = 10 * Priority.LOW
"""Below everything that somebody waits for."""

TRIES = 10
"""Tries of the job that embeds what has changed, after the first one: they take five minutes. It is
queued again with the next change, and when a worker starts."""


_ABILITY = "embedder:"


class Embedder(Protocol):
    """What makes vectors of texts."""

    @property
    def name(self) -> str:
        """Which model it is, and how wide its vectors are: those of another are not comparable."""
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        """Return a vector for each text, `None` for one that has no meaning, such as a blank one.

        Raises:
            EmbeddingTrouble: nothing can be made of them now, or ever; it says which.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open; it can be used again all the same."""
        ...


class Unembedded(NamedTuple):
    """An entity whose text has changed since its vector was made, or whose vector is another's."""

    type: str
    entity_id: str
    hash: str | None
    """Of its text now; `None` where it was removed."""
    text: str | None
    """Its beginning, as much as search takes in. `None` where it was removed, or somebody damaged
    it."""
    order: int = 0
    """Of those that are to be embedded, a later one has a larger one."""


class Vector(NamedTuple):
    """The vector of one text. A later one has a larger `order`."""

    order: int
    type: str
    entity_id: str
    embedder: str
    data: bytes


class Known(NamedTuple):
    """A text that is known to search as it is now."""

    order: int
    """That of its vector, if it has one."""
    type: str
    entity_id: str
    hash: str
    words: str
    """What was indexed of it."""


class Word(NamedTuple):
    """A word that is looked for in texts, as the index has it: lower case, without accents."""

    text: str
    beginning: bool = False
    """Whether words count that only begin with it."""


class MeaningStore(Protocol):
    """What is known of the meaning of stored texts. Implemented in `storage`."""

    async def unembedded(
        self, ids: Collection[tuple[str, str]] | None = None, *, limit: int
    ) -> Sequence[Unembedded]:
        """Return entities to embed, as they are now: those of `ids` that are, or the newest."""
        ...

    async def wordless(self, *, before: int | None = None, limit: int) -> Sequence[Unembedded]:
        """Return those entities to embed whose words are not known either, the newest first.

        `before`: only those of an order below it.
        """
        ...

    async def count(self) -> Mapping[str, int]:
        """Return how many texts there are: `known` to search, and `left` to embed.

        `embed_again` makes those count as `left`, too, whose vector another embedder made.
        """
        ...

    async def embedders(self) -> Sequence[str]:
        """Return the names of what has made the vectors that are stored, the latest first."""
        ...

    async def embed_again(self, embedder: str | None) -> int:
        """Have every text embedded whose vector is not of this embedder; return how many."""
        ...

    async def vectors(self, *, after: int, embedder: str, limit: int) -> Sequence[Vector]:
        """Return vectors made by this embedder since the one of that order, the earliest first."""
        ...

    async def vector(self, type: str, entity_id: str, *, embedder: str) -> bytes | None:
        """Return the vector of an entity's present text, `None` where this embedder made none."""
        ...

    async def with_any(self, words: Sequence[Sequence[Word]], *, limit: int) -> Sequence[int]:
        """Return the orders of texts that have any of these, of each one word or another.

        Those come first that have more of them, and the rarer ones. `known` leaves out those that
        have changed since.
        """
        ...

    async def with_all(
        self, words: Sequence[Sequence[Word]], *, limit: int, headings: bool = False
    ) -> Sequence[int]:
        """Return the orders of some texts that have all of these, or whose headings have."""
        ...

    async def count_words(self, words: Sequence[Word]) -> Sequence[int]:
        """Return how many texts have each of these words."""
        ...

    async def words_like(self, beginning: str, *, limit: int) -> Collection[str]:
        """Return words that begin like this, of which each is in a text, or was."""
        ...

    async def known(self, orders: Collection[int]) -> Sequence[Known]:
        """Return the texts of these orders that are known to search as they are now."""
        ...

    async def orders(self) -> Sequence[int]:
        """Return the orders of all texts that are known, in no order."""
        ...

    async def types(self) -> Sequence[str]:
        """Return the types of the entities that are known to search."""
        ...

    async def vectors_of(
        self, texts: Mapping[tuple[str, str], str], *, embedder: str
    ) -> Mapping[tuple[str, str], bytes]:
        """Return the vectors of texts that are given by type and id, each with its hash.

        One that this embedder has not embedded, or not as it is there, is left out.
        """
        ...


class Embedding(BaseModel):
    """An entity's text to embed; without a type, all that have changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = ""
    id: str = ""
    hash: str = ""
    """Of the text. If it is another by now, a later job embeds that (L34)."""


def embedder_ability(name: str) -> str:
    """Return the ability of a worker that can embed with the embedder of this name."""
    return _ABILITY + name


def embedder_of_ability(ability: str) -> str | None:
    """Return the name of the embedder that an ability is about, `None` if it is another ability."""
    return ability.removeprefix(_ABILITY) if ability.startswith(_ABILITY) else None


def embedding_of_all(*, delay_s: float = 0.0, requires: str | None = None) -> NewJob:
    """Return the job that embeds all texts that have changed: one waits, and one runs, at most.

    One that `requires` an ability waits beside the one that any worker takes, which lets what is
    new be found by its words until then.
    """
    return NewJob(
        kind=EMBEDDING,
        payload=Embedding().model_dump(mode="json", exclude_defaults=True),
        subject="changed texts",
        priority=BACKGROUND,
        max_retries=TRIES,
        delay_s=delay_s,
        dedup=Dedup.COALESCE,
        dedup_key=EMBEDDING if requires is None else f"{EMBEDDING}@{requires}",
        requires=requires,
        counted=False,
    )


def embedding_of(
    type: str, id: str, hash: str, *, priority: int, max_retries: int, requires: str | None = None
) -> NewJob:
    """Return the job that embeds one entity; a later text of it takes its place."""
    return NewJob(
        kind=EMBEDDING,
        payload=Embedding(type=type, id=id, hash=hash).model_dump(mode="json"),
        subject=id,
        priority=priority,
        max_retries=max_retries,
        dedup=Dedup.REPLACE,
        dedup_key=embedding_key(type, id),
        requires=requires,
        counted=False,
    )


def embedding_by(ability: str, job: Job) -> NewJob:
    """Return the job that does the same as one that embeds, by a worker with this ability.

    It joins one of a later text that came meanwhile, and does not take its place.
    """
    text = Embedding.model_validate(job.payload)
    if not text.type:
        return embedding_of_all(requires=ability)
    same = embedding_of(
        text.type,
        text.id,
        text.hash,
        priority=job.priority,
        max_retries=job.max_retries,
        requires=ability,
    )
    return same._replace(dedup=Dedup.COALESCE)


def embedding_key(type: str, id: str) -> str:
    """Return the key of the jobs that embed an entity."""
    return f"{EMBEDDING}:{type}:{id}"
