"""Entities of any type: what a plugin keeps, and what search finds beside the site's own texts.

An entity is saved at once, and embedded by a job (C14, C15): it can be read as soon as the call
returns, and is found by meaning a moment later. A type needs no table of its own.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

from pydantic import BaseModel, ValidationError

from mcp_server.entities.effects import ANY, SaveRemoval, SaveRevision, SaveVector
from mcp_server.entities.entity import Author, Entity, Revision, is_page_id, text_hash
from mcp_server.entities.meaning import EMBEDDING, Unembedded, embedding_key, embedding_of
from mcp_server.errors import ConfigError, InvalidPayload, LimitExceeded, NotFound, Overtaken
from mcp_server.jobs.job import OURS, Job, JobState, Origin, Priority
from mcp_server.jobs.json_text import encoded

if TYPE_CHECKING:  # a handler's own process imports this, and has no use for them
    from mcp_server.entities.store import EntityStore
    from mcp_server.jobs.queue import JobQueue
    from mcp_server.jobs.store import JobStore

E = TypeVar("E", bound=BaseModel)

TYPE_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
RESERVED = ("site-", "content-")
"""How the types of Pressroom's own begin, or may one day."""
BYTES_MAX = 1024 * 1024
"""Of an entity as JSON, and of its text."""

EmbedNow = Callable[[Sequence[Unembedded]], Awaitable[Sequence[SaveVector]]]
"""Makes texts known to search, here and now."""


@dataclass(frozen=True, slots=True)
class EntityType(Generic[E]):
    """A kind of entity: its name, its model, and what of an entity is its id and its text."""

    name: str
    model: type[E]
    id: Callable[[E], str]
    text: Callable[[E], str]
    """What is embedded and searched; plain text or Markdown."""


class Created(NamedTuple):
    """An entity that was saved, and the job that embeds it."""

    entity_id: str
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingStatus:
    """How far the embedding of an entity has come."""

    status: JobState
    entity_id: str
    error: str | None
    """Why it has failed, or has to be tried again."""


class EntityTypes:
    """The types that plugins have registered."""

    def __init__(self) -> None:
        self._by_model: dict[type[BaseModel], EntityType[Any]] = {}

    def register(self, type: EntityType[Any]) -> None:
        """Add a type.

        Raises:
            ConfigError: its name or its model is taken, or no name that can be.
        """
        if not TYPE_NAME.fullmatch(type.name) or type.name.startswith(RESERVED):
            raise ConfigError(
                f"Entities cannot be of a type {type.name!r}: take a-z, 0-9 and -, and do not "
                f"begin with {' or '.join(RESERVED)}."
            )
        if type.model in self._by_model or type.name in self.names:
            raise ConfigError(f"There is a type {type.name!r}, or one of its model, already.")
        self._by_model[type.model] = type

    @property
    def names(self) -> Sequence[str]:
        """The names of all types, sorted."""
        return sorted(each.name for each in self._by_model.values())

    def copy(self) -> EntityTypes:
        """Return the same types, in a registry that others may add to."""
        made = EntityTypes()
        made._by_model = dict(self._by_model)
        return made

    def of(self, entity: E) -> EntityType[E]:
        """Return the type of an entity.

        Raises:
            InvalidPayload: it is of none that was registered.
        """
        found = self._by_model.get(type(entity))
        if found is None:
            what = f"{type(entity).__name__} is no type that a plugin has registered"
            raise InvalidPayload(
                "entity", [f"{what}; known are: {', '.join(self.names) or 'none'}"]
            )
        return cast("EntityType[E]", found)


class EntityService:
    """Saves, reads and removes entities. What it is told by a caller, it does for that origin."""

    def __init__(
        self,
        types: EntityTypes,
        entities: EntityStore,
        jobs: JobStore,
        queue: JobQueue,
        embed: EmbedNow,
        now: Callable[[], float],
        *,
        author: str,
        origin: Origin,
    ) -> None:
        self._types, self._entities, self._embed, self._now = types, entities, embed, now
        self._jobs, self._queue = jobs, queue
        self._author, self._origin = Author(kind="plugin", name=author), origin

    async def create_entity(
        self, entity: BaseModel, *, priority: int = Priority.NORMAL, max_retries: int = 3
    ) -> Created:
        """Save an entity, or a later version of one, and queue its embedding; in one transaction.

        Raises:
            InvalidPayload, LimitExceeded: it is of no registered type, or cannot be stored.
        """
        revision = self._revision(entity)
        return await self._save(revision, SaveRevision(revision, ANY), priority, max_retries)

    async def create_entity_sync(self, entity: BaseModel) -> str:
        """Save an entity together with its vector: the call waits for the embedder. Return its id.

        Deprecated: `create_entity` returns at once.

        Raises:
            InvalidPayload, LimitExceeded: as `create_entity`.
            EmbeddingTrouble: it cannot be embedded now; nothing was saved.
        """
        warnings.warn(
            "create_entity_sync waits for the embedder; create_entity queues it and returns",
            DeprecationWarning,
            stacklevel=2,
        )
        revision = self._revision(entity)
        text = Unembedded(revision.type, revision.entity_id, revision.hash, revision.markdown)
        effects = [SaveRevision(revision, ANY), *await self._embed([text])]
        await self._jobs.apply(effects, free=(), now=self._now())
        return revision.entity_id

    async def update_entity(
        self, entity: BaseModel, *, priority: int = Priority.NORMAL, max_retries: int = 3
    ) -> Created:
        """Save a later version of an entity that is there; otherwise as `create_entity`.

        Raises:
            NotFound: it is not there (L37).
            Overtaken: somebody has changed it meanwhile.
        """
        revision = self._revision(entity)
        before = await self._stored(revision.type, revision.entity_id)
        effect = SaveRevision(revision, before.hash)
        return await self._save(revision, effect, priority, max_retries)

    async def delete_entity(self, type: EntityType[Any], id: str) -> None:
        """Remove an entity; search forgets it in the background. Its history stays.

        Raises:
            NotFound: it is not there.
            Overtaken: somebody has changed it meanwhile.
        """
        before = await self._stored(type.name, id)
        removal = Revision(
            type=type.name,
            entity_id=id,
            template="",
            fields={},
            markdown=None,
            author=self._author,
        )
        effect = SaveRemoval(removal, before.hash)
        applied = await self._jobs.apply([effect], free=(), now=self._now())
        if applied.conflict is not None:
            raise Overtaken(id, action="delete")

    async def get_entity(self, type: EntityType[E], id: str) -> E | None:
        """Return an entity, `None` if it is not there.

        Raises:
            InvalidPayload: it was stored as an earlier model had it, and does not fit this one.
        """
        found = await self._entities.get(type.name, id)
        return None if found is None else _as_model(type, found)

    async def list_entities(
        self, type: EntityType[E], *, after: str = "", limit: int = 100
    ) -> Sequence[E]:
        """Return entities of a type in the order of their ids, those after the id `after`.

        Raises:
            InvalidPayload: as `get_entity`.
        """
        found = await self._entities.list_after(type.name, after=after, limit=limit)
        return [_as_model(type, each) for each in found]

    async def get_async_job_status(self, job_id: str) -> EmbeddingStatus | None:
        """Return how far an embedding has come; `None` if there is no such job (any more)."""
        job = await self._jobs.job(job_id)
        return None if job is None or job.kind != EMBEDDING else _status(job)

    async def get_status_by_entity_id(
        self, type: EntityType[Any], id: str
    ) -> EmbeddingStatus | None:
        """Return how far the newest embedding of an entity has come; `None` if there is none."""
        job = await self._jobs.newest_with_key(embedding_key(type.name, id))
        return None if job is None else _status(job)

    def _revision(self, entity: BaseModel) -> Revision:
        type = self._types.of(entity)
        id, text, fields = type.id(entity), type.text(entity), entity.model_dump(mode="json")
        if not is_page_id(id):
            what = "is no id; write letters, digits and hyphens, as in a file's name"
            raise InvalidPayload("id", [f"{id!a} {what}"])
        for what, size in (("text", len(text.encode())), ("entity", len(encoded(fields).encode()))):
            if size > BYTES_MAX:
                raise LimitExceeded(
                    f"the {what} of {id}", actual=size, maximum=BYTES_MAX, unit="bytes"
                )
        return Revision(
            type=type.name,
            entity_id=id,
            template="",
            fields=fields,
            markdown=text,
            author=self._author,
        )

    async def _stored(self, type: str, id: str) -> Entity:
        found = await self._entities.get(type, id)
        if found is None:
            raise NotFound(type, id)
        return found

    async def _save(
        self, revision: Revision, effect: SaveRevision, priority: int, max_retries: int
    ) -> Created:
        assert revision.markdown is not None
        job = embedding_of(
            revision.type,
            revision.entity_id,
            text_hash(revision.markdown),
            priority=priority,
            max_retries=max_retries,
        )
        # It is our work on the caller's behalf: who is given its id sees it, nobody else is told.
        origin = self._origin._replace(owner=OURS.owner)
        job_id = await self._queue.enqueue(job, origin=origin, effects=[effect])
        return Created(revision.entity_id, job_id)


def _as_model(type: EntityType[E], entity: Entity) -> E:
    try:
        return type.model.model_validate(entity.current.fields)
    except ValidationError as error:
        what = (
            f"{entity.current.entity_id} was stored by an earlier model: {error.errors()[0]['msg']}"
        )
        raise InvalidPayload(type.name, [what]) from error


def _status(job: Job) -> EmbeddingStatus:
    return EmbeddingStatus(
        status=job.state, entity_id=str(job.payload.get("id", "")), error=job.reason
    )
