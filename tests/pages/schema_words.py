"""What a JSON schema allows, as a reader of a table wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(map(_cell, line))} |" for line in lines]


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def allowed(schema: Schema) -> str:
    """Return which values fit."""
    match schema:
        case {"anyOf": [only, {"type": "null"}]}:
            return allowed(only)
        case {"$ref": str()}:
            return "table, see below"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items, "maxItems": most}:
            return f"list of at most {most:,}, each: {allowed(items)}"
        case {"type": "object"}:
            return _allowed_object(schema)
        case _:
            return _allowed_scalar(schema)


def _allowed_object(schema: Schema) -> str:
    match schema:
        case {"properties": members}:
            return f"object of {' and '.join(f'`{name}`' for name in members)}"
        case {"additionalProperties": True}:
            return "object"
        case {"additionalProperties": value}:
            return f"table of names, each with a {allowed(value)}"
        case _:
            raise AssertionError(f"nobody has said how to read {schema}")


def _allowed_scalar(schema: Schema) -> str:
    match schema:
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"type": "string", "maxLength": most}:
            return f"text of at most {most:,} characters"
        case {"type": "string"}:
            return schema.get("format", "text")
        case {"type": "number", "exclusiveMinimum": least, "maximum": most}:
            return f"number above {_number(least)}, to {_number(most)}"
        case {"type": "number", "minimum": least, "maximum": most}:
            return f"number, {_number(least)} to {_number(most)}"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"whole number, {_number(least)} to {_number(most)}"
        case _:
            raise AssertionError(f"nobody has said how to read {schema}")


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
