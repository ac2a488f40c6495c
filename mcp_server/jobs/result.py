"""What a job answered with, as it is stored: JSON, in which bytes are base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

BYTES = "$bytes"
"""The one name in a stored result that was bytes; no other result may have it."""


def as_stored(result: Mapping[str, Any] | bytes) -> Mapping[str, Any]:
    """Return a result as JSON."""
    if isinstance(result, bytes):
        return {BYTES: base64.b64encode(result).decode()}
    return result


def as_answered(stored: Mapping[str, Any] | None) -> Mapping[str, Any] | bytes | None:
    """Return a stored result as its handler answered it."""
    if stored is None or not isinstance(text := stored.get(BYTES), str):
        return stored
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:  # somebody else wrote it: it is what it is
        return stored


def as_shown(stored: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a stored result as it is shown to people: of bytes, how many they are."""
    result = as_answered(stored)
    return {"bytes": len(result)} if isinstance(result, bytes) else result
