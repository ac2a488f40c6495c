"""Ids of sections from the headings of a page: they stay the same while the headings do. Pure."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Collection, Sequence

from mcp_server.entities.entity import SLUG_LENGTH_MAX

_ATTRIBUTES = re.compile(r"[ \t]*\{[:#.][^{}]*\}[ \t]*$")
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->|\{\{.*?\}\}|\{%.*?%\}")
_WORDS = re.compile(r"[\w ,.:?!'-]*")
_SILENT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
    | dict.fromkeys("'\u2019`*", "")
)
"""Letters that do not come apart into a plain one and an accent; and what stands inside words."""
_OTHER = re.compile(r"[^a-z0-9]+")


def unique_slugs(titles: Sequence[str], taken: Collection[str]) -> tuple[str, ...]:
    """Return an id for each heading; one that is taken already gets `-2`, `-3`."""
    used = set(taken)
    last: dict[str, int] = {}
    found: list[str] = []
    for title in titles:
        base = id = slug(title)
        number = last.get(base, 1)
        while id in used:
            number += 1
            id = f"{base[: SLUG_LENGTH_MAX - len(str(number)) - 1].rstrip('-')}-{number}"
        last[base] = number
        used.add(id)
        found.append(id)
    return tuple(found)


def slug(title: str) -> str:
    """Return `title` as an id: what a reader sees of it, in a-z, 0-9 and hyphens.

    Accents are left out. Where nothing is left, it is `h-` and six digits of the title's hash.
    """
    seen = title if _WORDS.fullmatch(title) else html.unescape(_without_marks(title))
    plain = seen.casefold() if seen.isascii() else _plain_letters(seen.casefold())
    id = _OTHER.sub("-", plain.translate(_SILENT)).strip("-")[:SLUG_LENGTH_MAX].rstrip("-")
    if id:
        return id
    digest = hashlib.blake2b(title.encode("utf-8", "surrogatepass"), digest_size=3)
    return f"h-{digest.hexdigest()}"


def _without_marks(title: str) -> str:
    return _TAG.sub("", _IMAGE_OR_LINK.sub(r"\1", _ATTRIBUTES.sub("", title)))


def _plain_letters(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
