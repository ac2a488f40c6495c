"""JSON schemas as every client can read them: nothing referred to, nothing null, no titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

REFERENCE = "#/$defs/"


def wire_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of `model` under its wire names, whole in itself.

    It holds no `$ref`, no `null`, no `anyOf` that only says "or absent", and no defaults: what is
    optional may be left out, and its description says what that means.
    """
    schema = model.model_json_schema(by_alias=True)
    definitions = cast("dict[str, Any]", schema.pop("$defs", {}))
    return cast("dict[str, Any]", _plain(schema, definitions))


def _plain(schema: object, definitions: Mapping[str, Any]) -> object:
    """Return one schema made plain; its properties are schemas, whatever they are called."""
    if not isinstance(schema, dict):
        return schema
    members = _without_null(_resolved(cast("dict[str, Any]", schema), definitions), definitions)
    return {
        key: _plain_member(key, value, definitions)
        for key, value in members.items()
        if key not in {"title", "default"}
    }


def _plain_member(key: str, value: object, definitions: Mapping[str, Any]) -> object:
    match value:
        case dict() if key == "properties":
            properties = cast("dict[str, object]", value)
            return {name: _plain(member, definitions) for name, member in properties.items()}
        case dict():
            return _plain(cast("object", value), definitions)
        case list():
            return [_plain(member, definitions) for member in cast("list[object]", value)]
        case _:
            return value


def _resolved(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return `schema` with what it refers to in place; what is said beside a reference wins."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**definitions[reference.removeprefix(REFERENCE)], **beside}


def _without_null(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return `schema` without the alternative `null`; a single one that is left stands alone."""
    choices = [c for c in schema.get("anyOf", ()) if c != {"type": "null"}]
    if not choices:
        return schema
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(choices) > 1:
        return {**beside, "anyOf": choices}
    return {**_resolved(choices[0], definitions), **beside}
