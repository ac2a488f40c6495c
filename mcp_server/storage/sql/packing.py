"""The bytes of pages' files as they are kept: compressed."""

from __future__ import annotations

import zlib
from functools import lru_cache

LEVEL = 9
"""The smallest: a page of 4 KB takes a tenth of a millisecond."""

UNPACKED_MAX = 16
"""Pages that stay unpacked: the texts of a page are read one after the other."""


def packed(data: bytes) -> bytes:
    """Return the bytes compressed."""
    return zlib.compress(data, LEVEL)


def unpacked(data: object) -> bytes | None:
    """Return the bytes as they were, `None` where somebody damaged what was kept."""
    try:
        return _unpacked(data) if isinstance(data, bytes) else None
    except zlib.error:
        return None


@lru_cache(UNPACKED_MAX)
def _unpacked(data: bytes) -> bytes:
    return zlib.decompress(data)
