"""Finds stored texts by a text: what others mean nearly the same. Quick, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import NamedTuple

import anyio
import structlog

from mcp_server.entities.meaning import Embedder, MeaningStore
from mcp_server.errors import StorageError
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.index import VectorIndex
from mcp_server.meaning.questions import Questions

PATIENCE_S = 2.0
"""How long an embedder may take for a question: it takes a hundredth of a second."""
FIRST_S = 10.0
"""How long it may take for the first one, which its model is loaded for: a draft takes longer."""
REST_S = 15.0
"""How long it is not asked again after it took longer, or failed."""

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
        self,
        store: MeaningStore,
        embedder: Embedder | None,
        index: VectorIndex | None = None,
        questions: Questions | None = None,
    ) -> None:
        """`index`, `questions`: those of who else in this process looks for texts."""
        self._store, self._embedder = store, embedder
        if questions is None and embedder is not None:
            questions = Questions(embedder)
        self._questions = questions
        if index is None and embedder is not None:
            index = VectorIndex(store, embedder)
        self._index = index
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
        if self._embedder is None or self._questions is None:
            return
        with suppress(StorageError):  # the jobs will tell
            if await self._store.vectors(after=0, embedder=self._embedder.name, limit=1):
                await self._trouble(self._questions, "ready", inf)

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
        questions = self._questions
        if questions is None or not question.strip():
            return None
        if not questions.unknown([question]):
            return questions.vector(question)
        if anyio.current_time() < self._rests_until:
            return None
        patience_s = PATIENCE_S if self._has_asked else FIRST_S
        self._has_asked = True
        if (trouble := await self._trouble(questions, question, patience_s)) is not None:
            self._rests_until = anyio.current_time() + REST_S
            logger.warning("a question could not be embedded", reason=trouble)
        return questions.vector(question)

    async def _trouble(self, questions: Questions, question: str, patience_s: float) -> str | None:
        """Embed a question; return what went wrong."""
        try:
            await questions.ask([question], patience_s=patience_s)
        except EmbeddingTrouble as trouble:
            return str(trouble)
        except Exception as error:
            # Somebody else's model may break in any way, and no draft is to fail by that.
            logger.exception("an embedder is broken")
            return type(error).__name__
        return None


def _sorted(found: Mapping[tuple[str, str], tuple[str, float]]) -> Sequence[Near]:
    """Return them in an order that depends on nothing else, also where some are just as near."""
    near = [Near(type, id, hash, cosine) for (type, id), (hash, cosine) in found.items()]
    return sorted(near, key=lambda each: (-each.cosine, each.id, each.type))
