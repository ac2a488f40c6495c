r"""A `meta` section as a text: one line for each key of the front matter that it owns. Pure.

    title: Fresh pasta
    description: "One line\nand another"

A value is written as it is. It is a JSON text where it would not come back so: with line ends or
control characters, blanks around it, a quotation mark at its beginning, or nothing in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
"""It has no UTF-8 form, so it cannot be stored, though an escape can say it."""
_LINE = re.compile(
    r"(?P<key>\"(?:[^\"\\]|\\.)*\""
    r"|[^\s\"#](?:[^ \t\n:]++|:(?![ \t]|\Z)|[ \t]++(?!:(?:[ \t]|\Z)))*+)"
    r"[ \t]*+:(?:[ \t]+(?P<value>.*))?"
)


class NotMeta(ValueError):
    """A text that is no `meta` section; the message says which line and why."""


def meta_text(fields: Mapping[str, str], keys: Sequence[str]) -> str:
    """Return the canonical text of these values, in the order of `keys`; others are left out."""
    return "\n".join(f"{_key(key)}: {_value(fields[key])}" for key in keys if key in fields)


def meta_fields(text: str) -> dict[str, str]:
    """Return the values of a `meta` section's text; the inverse of `meta_text`.

    Blank lines are passed over, and a value needs no more than one line.

    Raises:
        NotMeta: a line is not `key: value`, a key comes twice, or half a character is in it.
    """
    fields: dict[str, str] = {}
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise NotMeta(f"line {number} is not `key: value`")
        key = _read(found["key"])
        if key in fields:
            raise NotMeta(f"line {number} has `{key}` a second time")
        value = _read((found["value"] or "").strip())
        if _HALF.search(key + value):
            raise NotMeta(f"line {number} holds half a character (a lone surrogate); leave it out")
        fields[key] = value
    return fields


def canonical_fields(text: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the values of a text that is already written as `meta_text` writes it.

    Raises:
        NotMeta: it is written otherwise, or has a key that is none of `keys`.
    """
    fields = meta_fields(text)
    if foreign := fields.keys() - set(keys):
        raise NotMeta(f"`{min(foreign)}` is none of its keys, which are {', '.join(keys)}")
    if meta_text(fields, keys) != text:
        raise NotMeta("its lines are in another order, or written otherwise than `meta_text` does")
    return fields


def _key(key: str) -> str:
    plain = _CONTROL.search(key) is None and _LINE.fullmatch(f"{key}: x")
    return key if plain and plain["key"] == key else _json(key)


def _value(value: str) -> str:
    plain = value and value == value.strip() and value[0] != '"' and not _CONTROL.search(value)
    return value if plain else _json(value)


def _json(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return _CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], written)


def _read(text: str) -> str:
    """Return what is in the quotation marks; a text that only begins with one is taken as it is."""
    if not text.startswith('"'):
        return text
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
