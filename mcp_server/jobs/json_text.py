"""Payloads and results as JSON. What is written here can be read again."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json

DIGITS_MAX = 4300
"""Python refuses to parse a whole number of more digits; a document with one could be written and
never read again."""


def encoded(document: object) -> str:
    """Return a document as JSON.

    Raises:
        ValueError: something in it is not JSON, or could not be read again; says what.
    """
    text = to_json(document).decode()
    # Cheap looks first: this runs for every job, and what they look for is hardly ever there.
    if ("NaN" in text or "Infinity" in text) and _has_no_numbers(document, text):
        message = "JSON has no NaN and no Infinity"
        raise ValueError(message)
    if len(text) > DIGITS_MAX and _has_long_numbers(text):
        message = f"a number in it has more than {DIGITS_MAX:,} digits"
        raise ValueError(message)
    return text


def dumped(value: Any) -> str:
    """Return `value` as JSON; equal values give the same text.

    Raises:
        ValueError: NaN or Infinity is in it, which other readers of JSON refuse.
    """
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def _has_no_numbers(document: object, text: str) -> bool:
    """Whether NaN or Infinity occurs as a number, not only as a word inside a string."""
    return to_json(document, inf_nan_mode="null").decode() != text


def _has_long_numbers(text: str) -> bool:
    # A run of more than DIGITS_MAX digits covers at least one of every DIGITS_MAX + 1 characters,
    # so it is enough to look at those. Only if one is a digit is the document parsed.
    if not any(map(str.isdigit, text[DIGITS_MAX :: DIGITS_MAX + 1])):
        return False
    try:
        json.loads(text)
    except ValueError:
        return True
    return False
