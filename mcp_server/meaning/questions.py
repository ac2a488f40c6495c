"""The vectors of questions, and of what is compared beside the store: each is made once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import anyio

from mcp_server.entities.meaning import Embedder
from mcp_server.meaning.errors import EmbeddingTrouble

REMEMBERED = 4_096
"""Texts whose vectors are kept: a question is asked again for its next page, or by another try."""


class Questions:
    """Embeds texts that are not stored. Who asks says how long an embedder may take for them."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, bytes | None] = {}

    def unknown(self, texts: Iterable[str]) -> Sequence[str]:
        """Return those of the texts that would have to be embedded."""
        return [text for text in dict.fromkeys(texts) if text not in self._vectors]

    def vector(self, text: str) -> bytes | None:
        """Return the vector of a text, `None` where it has none, or was not asked for."""
        return self._vectors.get(text)

    async def ask(self, texts: Sequence[str], *, patience_s: float) -> None:
        """Embed texts that are unknown.

        Raises:
            EmbeddingTrouble: they could not be, or not in that time.
        """
        try:
            with anyio.fail_after(patience_s):
                made = await self._embedder.embed(texts)
        except TimeoutError:
            said = f"no answer of the embedder within {patience_s:g} seconds"
            raise EmbeddingTrouble(said, passes=True) from None
        for old in list(self._vectors)[: len(self._vectors) + len(texts) - REMEMBERED]:
            del self._vectors[old]
        self._vectors |= zip(texts, made, strict=True)
