"""Taking secrets out of what is logged, answered or stored.

A secret is known in two ways: by its value, where this process holds it, and by its looks. One
function does both, for logs, errors, answers and what the database keeps.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

HIDDEN = "[hidden]"
"""What stands in a secret's place."""

SECRET_LENGTH_MIN = 6
"""Shorter values are no secrets, and are found in too many words."""

_SECRET_NAMES = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD)$")
"""The names of variables that hold a secret."""

# Keys hold a digit, or a `=`: `(?=…)` asks for it, so that plain words after `bearer` stay.
_LOOKS = (
    (re.compile(r"(?<=://)(?!USER@)[^\s/?#@'\"<>]+@"), f"{HIDDEN}@"),  # `USER@` is our example
    (re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*[0-9=])[A-Za-z0-9+/=._~-]{12,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(?:(?:sk|pk|rk|xai|gsk|hf|ghp|gho)[-_]|AKIA|AIza)(?=\S*\d)[\w-]{16,}"), HIDDEN),
)
"""User and password in an address, an Authorization header, keys of well-known providers."""


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the values in the environment that must not be shown, as far as names tell."""
    found = {value.strip() for name, value in environ.items() if _SECRET_NAMES.search(name.upper())}
    # A placeholder that nobody filled in (`${KEY}`) is no secret, and error messages quote it.
    return frozenset(v for v in found if len(v) >= SECRET_LENGTH_MIN and "${" not in v)


def without(text: str, secrets: Collection[str]) -> str:
    """Return `text` with every one of `secrets` taken out, and nothing else."""
    # The longest first: one secret may be part of another, whose rest would stay.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def redacted(text: str, secrets: Collection[str] = ()) -> str:
    """Return `text` with every one of `secrets`, and all that looks like one, taken out."""
    text = without(text, secrets)
    for looks, instead in _LOOKS:
        text = looks.sub(instead, text)
    return text
