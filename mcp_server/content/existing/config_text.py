"""A few values out of a generator's settings, read without running anything.

YAML, TOML and JSON are parsed; in JavaScript and Python the first assignment of a plain text to a
name is taken. What cannot be read has no values: they only pre-fill what a person may change.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import yaml

_COMMENTS = re.compile(r"/\*.*?\*/|(?<![:'\"`\w])//[^\n]*", re.DOTALL)
_TEXT = r"(?:'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`([^`$]*)`)"


SCRIPT_LENGTH_MAX = 32_000
"""Characters of a script in which values are looked for; they stand near its beginning."""
DEPTH_MAX = 40
"""Deeper nesting is not read: the C parser of YAML itself would overflow its stack."""


def values(name: str, text: str) -> Mapping[str, Any]:
    """Return the values of a YAML, TOML or JSON file by name; none where it cannot be read."""
    found: object = None
    with suppress(ValueError, yaml.YAMLError, RecursionError, LookupError, TypeError):
        if name.endswith((".yml", ".yaml")):
            found = _yaml(text)
        elif name.endswith(".toml"):
            found = tomllib.loads(text)
        elif name.endswith(".json"):
            found = json.loads(text)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _yaml(text: str) -> object:
    """Return what YAML says, every value as a text; tags, as MkDocs has them, are passed over."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX:
            return None
    return yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - it makes texts and no objects


def text_of(found: Mapping[str, Any], *path: str) -> str:
    """Return a text at a path of keys, "" where there is none."""
    value: Any = found
    for key in path:
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def table_of(found: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return a table at a path of keys, an empty one where there is none."""
    value: Any = found
    for key in path:
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def items_of(found: Mapping[str, Any], key: str) -> Sequence[str]:
    """Return the texts of a list; none where it is none."""
    value = found.get(key)
    return (
        [each for each in cast("list[Any]", value) if isinstance(each, str)]
        if isinstance(value, list)
        else []
    )


def assigned(text: str, name: str) -> str:
    """Return the first plain text that JavaScript or Python gives to a name, "" without one."""
    shape = rf"(?<![\w.])['\"]?{re.escape(name)}['\"]?\s*[:=]\s*{_TEXT}"
    found = re.search(shape, _COMMENTS.sub(" ", text[:SCRIPT_LENGTH_MAX]))
    if found is None:
        return ""
    value = next((each for each in found.groups() if each is not None), "")
    return " ".join(re.sub(r"\\(.)", r"\1", value).split())
