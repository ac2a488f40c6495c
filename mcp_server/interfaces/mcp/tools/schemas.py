"""JSON schemas that every client can read: without references, nulls and titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, JsonValue

REFERENCE = "#/$defs/"

UNLISTED: dict[str, JsonValue] = {"unlisted": True}
"""Given as `json_schema_extra` of an argument that is taken, and that clients are not told of: each
word of the list costs every conversation, and hardly any needs this one. docs/tools.md has it."""


def wire_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the self-contained schema of `model`, with its wire names.

    It has no `$ref`, no `null`, no `anyOf` that only says "or absent", and no defaults: an optional
    member may be left out, and its description says what that means.
    """
    schema = model.model_json_schema(by_alias=True)
    definitions = cast("dict[str, Any]", schema.pop("$defs", {}))
    return cast("dict[str, Any]", _plain(schema, definitions))


def listed_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the same without the arguments that are `UNLISTED`, and without what a tool says."""
    schema = wire_schema(model)
    schema.pop("description", None)
    properties = cast("dict[str, dict[str, Any]]", schema["properties"])
    listed = {name: about for name, about in properties.items() if "unlisted" not in about}
    return {**schema, "properties": listed}


def listed_reply(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of an answer as clients are told of it: what it has, not what is in that.

    Rows are objects and no more: docs/tools.md says what they hold. Each tool that queues answers
    alike, and the list would say it all as often.
    """
    schema = wire_schema(model)
    properties = cast("dict[str, dict[str, Any]]", schema["properties"])
    return {
        "type": "object",
        "properties": {name: _outline(about) for name, about in properties.items()},
        "required": schema["required"],
    }


def _outline(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the type of an answer's member, and of its items."""
    items = schema.get("items")
    return {"type": schema["type"], **({"items": _outline(items)} if items else {})}


def _plain(schema: object, definitions: Mapping[str, Any]) -> object:
    """Return one schema without references, nulls, titles and defaults."""
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
        # The keys are names here, of which one may be `title` or `default`: all must stay.
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
    """Return `schema` with its reference resolved; members beside the reference take precedence."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**definitions[reference.removeprefix(REFERENCE)], **beside}


def _without_null(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return `schema` without the alternative `null`; if only one is left, without `anyOf`."""
    choices = [c for c in schema.get("anyOf", ()) if c != {"type": "null"}]
    if not choices:
        return schema
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(choices) > 1:
        return {**beside, "anyOf": choices}
    return {**_resolved(choices[0], definitions), **beside}
