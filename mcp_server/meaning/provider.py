"""The embedder that is a provider's model: how much it is asked at once, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import anyio
import anyio.to_thread
import structlog

from mcp_server.meaning.errors import EmbeddingTrouble, TextsRefused
from mcp_server.meaning.numbers import INSTALL, numpy

LENGTH_MAX = 8_000
"""Characters of a text that are sent: its beginning says what it is about. In most languages that
are fewer tokens than a model takes; of others, half is sent when the provider refuses."""
SHORTEST = 250
"""No text is halved further."""
TEXTS_MAX = 16
"""Texts of one request."""
FIRST_TEXTS_MAX = 4
"""Those of the first, while nobody knows how much is answered."""
CHARACTERS_MAX = 64_000
"""Characters of one request."""
NUMBERS_MAX = 24_000
"""Numbers of one answer: as text, more are beyond what is read of an answer."""
WIDTH_MAX = 16_384
"""Numbers of one vector: four times as many as any model makes."""
UNKNOWN = "?"
"""Stands for the width in a name until there is an answer."""

logger = structlog.get_logger(__name__)


class Ask(Protocol):
    """Asks a model for the numbers of texts."""

    async def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the numbers of each text.

        Raises:
            EmbeddingTrouble: it did not answer, or nothing that can be read.
            TextsRefused: it does not take one of the texts, or none at all.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


class ProviderEmbedder:
    """Makes vectors by asking a provider's model.

    How wide they are, it learns from the first answer of this process. Until then it goes by the
    `known` names of earlier embedders, the latest first. If the model has become another under the
    same name, so has this embedder's name; while this process lives, that is a fault of the
    provider's.
    """

    def __init__(self, model: str, ask: Ask, known: Sequence[str]) -> None:
        self._model, self._ask = model, ask
        widths = (each.removeprefix(f"{model}:") for each in known if each.startswith(f"{model}:"))
        self._width = next((int(width) for width in widths if width.isdecimal()), None)
        self._answered = False
        self._not_before = 0.0
        """When the provider wants to be asked again, by the event loop's clock."""

    @property
    def name(self) -> str:
        """See `Embedder.name`."""
        return f"{self._model}:{self._width or UNKNOWN}"

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        """See `Embedder.embed`."""
        sent = [text.lstrip()[:LENGTH_MAX].rstrip() for text in texts]
        made: list[bytes | None] = [None] * len(sent)
        left = [place for place, text in enumerate(sent) if text]
        while left:
            some = left[: self._many(sent[place] for place in left)]
            vectors = await self._vectors([sent[place] for place in some])
            for place, vector in zip(some, vectors, strict=True):
                made[place] = vector
            left = left[len(some) :]
        return made

    async def aclose(self) -> None:
        """See `Embedder.aclose`."""
        await self._ask.aclose()

    def _many(self, texts: Iterator[str]) -> int:
        """Return how many of these texts go into one request."""
        most = FIRST_TEXTS_MAX
        if self._answered and self._width is not None:
            most = max(1, min(TEXTS_MAX, NUMBERS_MAX // self._width))
        many, characters = 0, 0
        for text in texts:
            characters += len(text)
            if many == most or (many and characters > CHARACTERS_MAX):
                break
            many += 1
        return many

    async def _vectors(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        """Return the vectors of the texts of one request; `None` for one that is not taken."""
        if (wait_s := self._not_before - anyio.current_time()) > 0:
            said = f"{self._model} asked for a pause"
            raise EmbeddingTrouble(said, passes=True, after_s=wait_s)
        try:
            rows = await self._ask(texts)
        except TextsRefused as refused:
            if len(texts) > 1:
                return await self._one_by_one(texts, refused)
            if refused.too_long and len(texts[0]) > SHORTEST:
                return await self._vectors([texts[0][: len(texts[0]) // 2]])
            if refused.of_text:
                logger.warning("a text has no vector", model=self._model, reason=str(refused))
                return [None]
            raise
        except EmbeddingTrouble as trouble:
            self._not_before = anyio.current_time() + (trouble.after_s or 0.0)
            raise
        try:
            vectors = await anyio.to_thread.run_sync(self._normalised, rows, len(texts))
        except ImportError as error:  # a package that is half there
            what = f"numpy cannot be loaded ({type(error).__name__}): {INSTALL} mends that"
            raise EmbeddingTrouble(what, passes=False) from error
        self._width, self._answered = len(vectors[0]) // 4, True
        return vectors

    async def _one_by_one(
        self, texts: Sequence[str], refused: TextsRefused
    ) -> Sequence[bytes | None]:
        """Return the vectors of texts of which one is refused; if each is, it is not the texts."""
        made: list[bytes | None] = []
        several = 0
        for text in texts:
            try:
                made += await self._vectors([text])
            except TextsRefused as again:
                made.append(None)
                refused, several = again, several + 1
        if several == len(texts):
            raise refused
        return made

    def _normalised(self, rows: Sequence[Sequence[float]], count: int) -> Sequence[bytes]:
        """Return the rows as vectors of length one.

        Raises:
            EmbeddingTrouble: they are not what was asked for.
        """
        np = numpy()
        if len(rows) != count:
            raise self._unusable(f"{len(rows)} vectors for {count} texts")
        try:
            table: Any = np.asarray(rows, dtype=np.float64)
        except (TypeError, ValueError):
            raise self._unusable("vectors of several widths, or of what are no numbers") from None
        if table.ndim != 2 or not 0 < table.shape[1] <= WIDTH_MAX:
            raise self._unusable("no vectors, or of a width that none has")
        width = int(table.shape[1])
        if self._answered and width != self._width:
            raise self._unusable(f"vectors of {width} numbers, after others of {self._width}")
        if not np.isfinite(table).all():
            raise self._unusable("numbers that are none (NaN or infinity)")
        with np.errstate(all="ignore"):
            unit: Any = table / np.linalg.norm(table, axis=1, keepdims=True)
        if not np.isfinite(unit).all():
            raise self._unusable("a vector of zeros, or of numbers that are too large")
        return [row.tobytes() for row in unit.astype("<f4")]

    def _unusable(self, what: str) -> EmbeddingTrouble:
        said = f"{self._model} answered with {what}: that cannot be compared with anything"
        return EmbeddingTrouble(said, passes=False)
