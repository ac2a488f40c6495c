"""A template file: `NAME.yaml` with title, prompt, fields, format and phrases."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.text.markdown import format_problems
from mcp_server.content.workspace.yaml_tree import Node, YamlReader, instead
from mcp_server.excerpt import in_quotes, shortened

LENGTH_MAX = 200_000
"""Characters of one field: far more than anybody reads in one section."""
ITEMS_MAX = 1_000
FIELDS_MAX = 100

_KEYS = ("title", "prompt", "front_matter", "related", "fields", "format", "phrases")
_FIELD_KEYS = (
    "type",
    "description",
    "required",
    "max_length",
    "min_items",
    "max_items",
    "choices",
    "of",
)
_BOUNDS = {"max_length": (1, LENGTH_MAX), "min_items": (0, ITEMS_MAX), "max_items": (1, ITEMS_MAX)}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
"""What keys of front matter commonly look like."""
_NO_KEY = frozenset({FieldType.LIST, FieldType.MARKDOWN})
_TYPES = tuple(type.value for type in FieldType)
_TEXTS = frozenset(
    {FieldType.LINE, FieldType.TEXT, FieldType.MARKDOWN, FieldType.URL, FieldType.LIST}
)
_REFERENCE = re.compile(r"\{([^{}]*)\}")
_ROOTS = ("facts", "section", "page", "site", "brief", "item")


def read_template(reader: YamlReader, name: str, content: bytes) -> Template | None:
    """Return the template in a file, `None` where it cannot be used; `reader` has noted why."""
    tree = reader.tree(content)
    if tree is None:
        return None
    keys = reader.keys(tree, "a template", _KEYS)
    prompt = reader.text(keys.get("prompt"), "prompt")
    if not prompt:
        reader.wrong(keys.get("prompt") or tree, "prompt is missing; write what to write")
    is_meta = _front_matter(reader, keys.get("front_matter"))
    fields = _fields(reader, keys.get("fields"), tree, is_meta=is_meta)
    template = Template(
        name=name,
        title=reader.line_of_text(keys.get("title"), "title"),
        prompt=prompt,
        fields=fields,
        format=reader.text(keys.get("format"), "format"),
        phrases=_phrases(reader, keys.get("phrases"), fields),
        front_matter=is_meta,
        related=_related(reader, keys.get("related")),
    )
    if is_meta:
        _check_meta(reader, template, keys)
        return template
    _check_format(reader, template, keys.get("format"), tree)
    return template


def _front_matter(reader: YamlReader, node: Node | None) -> bool:
    return node is not None and bool(reader.boolean(node, "front_matter"))


def _related(reader: YamlReader, node: Node | None) -> bool:
    return node is None or reader.boolean(node, "related") is not False


def _check_meta(reader: YamlReader, template: Template, keys: Mapping[str, Node]) -> None:
    """Note what keys of a front matter cannot be: they have no format, and hold single values."""
    if "format" in keys:
        reader.wrong(keys["format"], "front matter has no format; leave it out")
    fields = reader.keys(keys["fields"], "fields") if "fields" in keys else {}
    for field in template.fields:
        if field.type in _NO_KEY:
            reader.wrong(
                fields[field.name], f"{field.name} is a {field.type}; in front matter, write a line"
            )


def _check_format(reader: YamlReader, template: Template, node: Node | None, tree: Node) -> None:
    if node is None:
        reader.wrong(tree, "format is missing; write `format: |` and Markdown with {field}s")
        return
    if _is_sound(template.fields):
        for problem in format_problems(template):
            reader.wrong(node, f"format: {problem}")


def _is_sound(fields: tuple[Field, ...]) -> bool:
    """Whether the fields are good enough to check the format; what is wrong with them is noted."""
    choices = all(field.choices for field in fields if field.type is FieldType.CHOICE)
    return bool(fields) and choices and all(_is_sound(field.of) for field in fields if field.of)


def _fields(
    reader: YamlReader, node: Node | None, tree: Node, *, is_meta: bool
) -> tuple[Field, ...]:
    if node is None:
        reader.wrong(tree, "fields is missing; write lines such as title: line")
        return ()
    named = reader.keys(node, "fields")
    if not named and not isinstance(node, yaml.SequenceNode):
        reader.wrong(node, "fields is empty; write lines such as title: line")
    if len(named) > FIELDS_MAX:
        reader.wrong(node, f"fields has {len(named)} fields; write at most {FIELDS_MAX}")
    for name, value in named.items():
        if is_meta and not _KEY.fullmatch(name):
            reader.wrong(value, f"the key {in_quotes(name)} is none that is usual in front matter")
        elif not is_meta:
            _check_name(reader, name, value)
    return tuple(_field(reader, name, value, inside=False) for name, value in named.items())


def _check_name(reader: YamlReader, name: str, node: Node) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        reader.wrong(
            node,
            f"the field {in_quotes(name)} cannot be called that; "
            "write a-z, 0-9 and _, a letter first",
        )


def _field(reader: YamlReader, name: str, node: Node, *, inside: bool) -> Field:
    if inside:
        _check_name(reader, name, node)
    if isinstance(node, yaml.ScalarNode):
        return Field(name=name, type=_type(reader, name, node, inside=inside))
    keys = reader.keys(node, f"the field {name}", _FIELD_KEYS)
    if "type" not in keys:
        reader.wrong(node, f"{name} has no type; write type: and one of {', '.join(_TYPES)}")
    type = _type(reader, name, keys["type"], inside=inside) if "type" in keys else FieldType.LINE
    required = keys.get("required")
    is_required = None if required is None else reader.boolean(required, f"{name}.required")
    field = Field(
        name=name,
        type=type,
        description=reader.text(keys.get("description"), f"{name}.description"),
        required=is_required is not False,
        length_max=_bound(reader, name, keys, "max_length") or 0,
        items_min=_bound(reader, name, keys, "min_items") or 0,
        items_max=_bound(reader, name, keys, "max_items") or 50,
        choices=tuple(_choices(reader, name, keys.get("choices"))),
        of=_of(reader, name, keys.get("of")),
    )
    _check_field(reader, field, keys, node)
    return field


def _type(reader: YamlReader, name: str, node: Node, *, inside: bool) -> FieldType:
    text = reader.text(node, f"{name}.type")
    if text not in _TYPES:
        reader.wrong(
            node, f"{name} has the unknown type {in_quotes(text)}; {instead(text, _TYPES)}"
        )
        return FieldType.LINE
    if inside and text == FieldType.LIST:
        reader.wrong(node, f"{name} is a list inside a list; write a line or a text")
        return FieldType.LINE
    return FieldType(text)


def _bound(reader: YamlReader, name: str, keys: Mapping[str, Node], key: str) -> int | None:
    node, (least, most) = keys.get(key), _BOUNDS[key]
    return reader.integer(node, f"{name}.{key}", least=least, most=most) if node else None


def _choices(reader: YamlReader, name: str, node: Node | None) -> Iterator[str]:
    seen: set[str] = set()
    for item in reader.items(node, f"{name}.choices"):
        choice = reader.line_of_text(item, f"a choice of {name}")
        if not choice or choice in seen:
            wrong = f"the choice {choice!r} is there twice" if choice else "a choice is empty"
            reader.wrong(item, f"{name}: {wrong}; remove it")
            continue
        seen.add(choice)
        yield choice


def _of(reader: YamlReader, name: str, node: Node | None) -> tuple[Field, ...]:
    if node is None:
        return ()
    if isinstance(node, yaml.ScalarNode):
        if node.value != FieldType.LINE:
            reader.wrong(
                node,
                f"{name}.of is {in_quotes(node.value)}; write line, or the fields of one item",
            )
        return ()
    fields = reader.keys(node, f"{name}.of")
    return tuple(_field(reader, inner, value, inside=True) for inner, value in fields.items())


def _check_field(reader: YamlReader, field: Field, keys: Mapping[str, Node], node: Node) -> None:
    """Note options that mean nothing for this type, and bounds that exclude everything."""
    fitting = {
        "choices": field.type is FieldType.CHOICE,
        "of": field.type is FieldType.LIST,
        "min_items": field.type is FieldType.LIST,
        "max_items": field.type is FieldType.LIST,
        "max_length": field.type in _TEXTS and not field.of,
    }
    for key, fits in fitting.items():
        if key in keys and not fits:
            reader.wrong(
                keys[key],
                f"{field.name} is a {field.type} and has no {key}; leave it out",
            )
    if field.type is FieldType.CHOICE and not field.choices:
        reader.wrong(node, f"{field.name} has no choices; write choices: [one, other]")
    if field.items_min > field.items_max:
        reader.wrong(node, f"{field.name} has more min_items than max_items; exchange them")
    if field.of and not any(inner.required for inner in field.of):
        reader.wrong(node, f"no field of one item of {field.name} is required; make one so")


def _phrases(reader: YamlReader, node: Node | None, fields: tuple[Field, ...]) -> dict[str, Any]:
    if node is None:
        return {}
    known = {field.name: field for field in fields}
    phrases: dict[str, Any] = {}
    for name, candidates in reader.keys(node, "phrases", tuple(known) or None).items():
        if name in known:
            phrases[name] = _candidates(reader, known[name], candidates)
    return phrases


def _candidates(reader: YamlReader, field: Field, node: Node) -> list[Any]:
    items = node.value if isinstance(node, yaml.SequenceNode) else (node,)
    return [_candidate(reader, field, item) for item in items]


def _candidate(reader: YamlReader, field: Field, node: Node) -> Any:
    what = f"a phrase for {field.name}"
    if not isinstance(node, yaml.MappingNode):
        text = reader.text(node, what)
        _check_references(reader, node, text)
        if field.of and text:
            names = ", ".join(f"{inner.name}: …" for inner in field.of)
            reader.wrong(node, f"{what} is a text; write {{each: facts.LIST, item: {{{names}}}}}")
        return text
    if field.type is not FieldType.LIST:
        reader.wrong(node, f"{what} is a mapping; write a text with {{references}} in quotes")
        return ""
    if field.of and not any(key.value == "each" for key, _ in node.value):
        return _item(reader, field, node)
    keys = reader.keys(node, what, ("each", "item"))
    if set(keys) != {"each", "item"}:
        reader.wrong(node, f"{what} needs each and item; write {{each: facts.LIST, item: …}}")
        return ""
    each = reader.text(keys["each"], "each")
    _check_root(reader, keys["each"], each)
    return {"each": each, "item": _item(reader, field, keys["item"])}


def _item(reader: YamlReader, field: Field, node: Node) -> Any:
    if not field.of:
        return _candidate(reader, Field(name=field.name, type=FieldType.LINE), node)
    known = {inner.name: inner for inner in field.of}
    parts = reader.keys(node, f"an item of {field.name}", tuple(known))
    return {name: _candidates(reader, known[name], part) for name, part in parts.items()}


def _check_references(reader: YamlReader, node: Node, text: str) -> None:
    for path in _REFERENCE.findall(text):
        _check_root(reader, node, path)


def _check_root(reader: YamlReader, node: Node, path: str) -> None:
    root = path.strip().split(".")[0]
    if root not in _ROOTS:
        reader.wrong(
            node,
            f"{{{shortened(path, 40)}}} refers to nothing; begin with {', '.join(_ROOTS)}",
        )
