"""The fields of a `meta` section, to its text and back: each is a key of the front matter. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.text.match import MarkdownMismatch
from mcp_server.content.text.meta import NotMeta, meta_fields, meta_text
from mcp_server.content.text.steps import shown
from mcp_server.errors import InvalidPayload


def write_meta(template: Template, fields: Mapping[str, Any]) -> str:
    """Return the text of a `meta` section: a line for each key.

    Raises:
        InvalidPayload: a required field is missing.
    """
    given = {f.name: fields[f.name] for f in template.fields if fields.get(f.name) is not None}
    missing = [f for f in template.fields if f.required and f.name not in given]
    if missing:
        problems = [f"{field.name} is missing" for field in missing]
        raise InvalidPayload(f"fields of template {template.name}", problems)
    return meta_text({key: shown(value) for key, value in given.items()}, list(given))


def read_meta(template: Template, text: str) -> dict[str, Any]:
    """Return the fields that stand in the text of a `meta` section, with the template's types.

    Raises:
        MarkdownMismatch: the text is none, or has a key that is not the template's.
    """
    try:
        found = meta_fields(text)
    except NotMeta as problem:
        raise MarkdownMismatch(1, str(problem), "lines such as `title: …`") from None
    names = [field.name for field in template.fields]
    if unknown := found.keys() - set(names):
        what = "1 other key" if len(unknown) == 1 else f"{len(unknown)} other keys"
        raise MarkdownMismatch(1, what, f"only {', '.join(names)}")
    return {f.name: _typed(f, found[f.name]) for f in template.fields if f.name in found}


def _typed(field: Field, value: str) -> object:
    if field.type not in {FieldType.INTEGER, FieldType.NUMBER}:
        return value
    try:
        return int(value) if field.type is FieldType.INTEGER or "." not in value else float(value)
    except ValueError:
        raise MarkdownMismatch(1, "a text", f"a number for {field.name}") from None
