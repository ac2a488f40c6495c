"""The embedder that is a provider's model, by itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.provider import ProviderEmbedder

pytestmark = pytest.mark.anyio


class Model:
    """Makes the same two numbers of every text."""

    async def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [[3.0, 4.0] for _ in texts]

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_a_numpy_that_is_broken_is_trouble_that_says_what_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A search goes on by words, and the job fails with the reason."""
    embedder = ProviderEmbedder("m", Model(), ())
    with monkeypatch.context() as broken:
        broken.setitem(sys.modules, "numpy", None)
        with pytest.raises(EmbeddingTrouble, match=r"numpy .*pressroom\[meaning\]") as caught:
            await embedder.embed(["Tart"])
    assert not caught.value.passes
    [vector] = await embedder.embed(["Tart"])
    assert vector is not None and embedder.name == "m:2"
