"""Finds stored texts by a text: what others mean nearly the same. Quick, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import anyio
import structlog

from mcp_server.entities.meaning import Embedder, MeaningStore
from mcp_server.errors import StorageError
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.index import VectorIndex

PATIENCE_S = 2.0
"""How long an embedder may take for a question: it takes a hundredth of a second."""
FIRST_S = 10.0
"""How long it may take for the first one, which its model is loaded for: a draft takes longer."""
REST_S = 15.0
"""How long it is not asked again after it took longer, or failed."""
REMEMBERED = 256
"""Questions whose vectors are kept: a job may be tried again."""

logger = structlog.get_logger(__name__)


class Near(NamedTuple):
    """A stored text, and how near it is."""

    type: str
    id: str
    hash: str
    cosine: float


class Neighbours:
    """Finds the texts of one workspace that are near to one of them, or to a question.

    Whoever asks goes on without them: no trouble is raised, and nobody waits for texts that are
    still to be embedded. By words nothing is found here: what all texts of a site have in common,
    such as its name, would make each of them near.
    """

    def __init__(
        self, store: MeaningStore, embedder: Embedder | None, index: VectorIndex | None = None
    ) -> None:
        self._store, self._embedder = store, embedder
        if index is None and embedder is not None:
            index = VectorIndex(store, embedder)
        self._index = index
        self._asked: dict[str, bytes] = {}
        self._has_asked = False
        self._rests_until = 0.0

    @property
    def can_find(self) -> bool:
        """Whether there is an embedder at all."""
        return self._embedder is not None

    async def get_ready(self) -> None:
        """Load what embeds questions, if there is any text to compare them with.

        That takes a second, or more on a busy machine. A question that comes meanwhile does not
        wait for it longer than for any other reason.
        """
        if self._embedder is None:
            return
        with suppress(StorageError):  # the jobs will tell
            if await self._store.vectors(after=0, embedder=self._embedder.name, limit=1):
                await self._embedded("ready")

    async def of_text(
        self, type: str, id: str, *, types: Collection[str], count: int
    ) -> Sequence[Near] | None:
        """Return the nearest to a stored text, the nearest first; `None` if it has no vector yet.

        It is among them itself, as are texts that are just as near.
        """
        if self._embedder is None:
            return None
        vector = await self._store.vector(type, id, embedder=self._embedder.name)
        return None if vector is None else await self._nearest(vector, types, count)

    async def of_question(
        self, question: str, *, types: Collection[str], count: int
    ) -> Sequence[Near]:
        """Return the nearest to a question, the nearest first; none where it cannot be embedded."""
        vector = await self._vector(question)
        return [] if vector is None else await self._nearest(vector, types, count)

    async def _nearest(self, vector: bytes, types: Collection[str], count: int) -> Sequence[Near]:
        if self._index is None:
            return []
        try:
            cosines = await self._index.nearest(vector, count=count, types=types)
        except (ImportError, ValueError) as error:  # numpy is broken, or the vector is
            logger.warning("no texts were compared by meaning", reason=str(error))
            return []
        known = await self._store.known(cosines)
        if len(known) < len(cosines):
            await self._index.forget({*cosines} - {each.order for each in known})
        return _sorted(
            {(each.type, each.entity_id): (each.hash, cosines[each.order]) for each in known}
        )

    async def _vector(self, question: str) -> bytes | None:
        if self._embedder is None or not question.strip():
            return None
        if (known := self._asked.get(question)) is not None:
            return known
        if anyio.current_time() < self._rests_until:
            return None
        patience_s = PATIENCE_S if self._has_asked else FIRST_S
        self._has_asked = True
        vector, trouble = None, f"no answer within {patience_s:g} seconds"
        with anyio.move_on_after(patience_s):
            vector, trouble = await self._embedded(question)
        if trouble is not None:
            self._rests_until = anyio.current_time() + REST_S
            logger.warning("a question could not be embedded", reason=trouble)
        if vector is not None:
            for old in list(self._asked)[: len(self._asked) + 1 - REMEMBERED]:
                del self._asked[old]
            self._asked[question] = vector
        return vector

    async def _embedded(self, question: str) -> tuple[bytes | None, str | None]:
        """Return the vector of a question, or what went wrong."""
        assert self._embedder is not None
        try:
            [vector] = await self._embedder.embed([question])
        except EmbeddingTrouble as trouble:
            return None, str(trouble)
        except Exception as error:
            # Somebody else's model may break in any way, and no draft is to fail by that.
            logger.exception("an embedder is broken")
            return None, type(error).__name__
        return vector, None


def _sorted(found: Mapping[tuple[str, str], tuple[str, float]]) -> Sequence[Near]:
    """Return them in an order that depends on nothing else, also where some are just as near."""
    near = [Near(type, id, hash, cosine) for (type, id), (hash, cosine) in found.items()]
    return sorted(near, key=lambda each: (-each.cosine, each.id, each.type))
