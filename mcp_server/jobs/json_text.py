"""JSON documents as jobs carry them, payloads and results: written so that they can be read."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json

DIGITS_MAX = 4300
"""Python reads no whole number that is longer: one would make its whole document unreadable."""


def encoded(document: object) -> str:
    """Return a document as JSON.

    Raises:
        ValueError: something in it is no JSON, or could not be read again; says what.
    """
    text = to_json(document).decode()
    if ("NaN" in text or "Infinity" in text) and _has_no_numbers(document, text):
        message = "JSON has no NaN and no Infinity"
        raise ValueError(message)
    if len(text) > DIGITS_MAX and _has_long_numbers(text):
        message = f"a number in it has more than {DIGITS_MAX:,} digits"
        raise ValueError(message)
    return text


def dumped(value: Any) -> str:
    """Return `value` as JSON, the same text for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _has_no_numbers(document: object, text: str) -> bool:
    """Whether NaN or Infinity is there as a number, and not only as a word of a text."""
    return to_json(document, inf_nan_mode="null").decode() != text


def _has_long_numbers(text: str) -> bool:
    # So many digits in a row are met by one look in every so many characters.
    if not any(map(str.isdigit, text[DIGITS_MAX :: DIGITS_MAX + 1])):
        return False
    try:
        json.loads(text)
    except ValueError:
        return True
    return False
