"""How near the meanings of texts are, where their vectors are known. Pure.

numpy comes with the embedder that makes vectors, and is loaded when there are some.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache

_ROWS_AT_ONCE = 512
"""Rows that are compared with all others together: their likenesses take 20 MB beside 10,000."""


@lru_cache(maxsize=256)
def _numbers(vector: bytes) -> array[float]:
    return array("f", vector)


def likeness(one: bytes | None, other: bytes | None) -> float | None:
    """Return the cosine of two vectors of length one; `None` where one is missing."""
    if one is None or other is None or len(one) != len(other):
        return None
    return sum(map(float.__mul__, _numbers(one), _numbers(other)))


class Likenesses:
    """How near each of some texts is to each other one."""

    def __init__(self, vectors: Sequence[bytes]) -> None:
        self._vectors = vectors

    def nearest_pairs(self, *, least: float, apart: float) -> Iterator[tuple[int, int, float]]:
        """Yield the two that are each other's nearest, at `least` so near, and how near.

        They are nearer by `apart` to each other than either is to a third.
        """
        if len(self._vectors) < 2:
            return
        import numpy as np  # noqa: PLC0415 - a tenth of a second

        rows = np.frombuffer(b"".join(self._vectors), dtype="<f4").reshape(len(self._vectors), -1)
        nearest: list[tuple[int, float, float]] = []
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            like = rows[start : start + _ROWS_AT_ONCE] @ rows.T
            own = np.arange(len(like))
            like[own, own + start] = -1.0
            best = like.argmax(axis=1)
            first = like[own, best]
            like[own, best] = -1.0
            second = like.max(axis=1)
            nearest += zip(best.tolist(), first.tolist(), second.tolist(), strict=True)
        for one, (other, first, second) in enumerate(nearest):
            back, _, theirs = nearest[other]
            if (
                one < other
                and back == one
                and first >= least
                and first - max(second, theirs) >= apart
            ):
                yield one, other, first
