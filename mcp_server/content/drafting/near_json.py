"""Reads what a model filled in, where it comes as something that is nearly the JSON asked for.

Small models, and the servers that parse what they write, put an object into a string, a fence or a
chat. A text that was paid for is not sent back for that. Whatever is read here is checked against
the template afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from mcp_server.content.drafting.answer_bounds import AnswerOutOfBounds, check_json
from mcp_server.content.text.visible import whole_letters

TOOL_NAME = "write_section"
"""The tool that a model calls to hand in its fields; it is offered no other."""

ENCODED_MAX = 3
"""How often an object may be put into a string, one string into the next."""

LOOKS_MAX = 20
"""How many braces after an object are looked at for another one; each look reads the rest."""

NUMBER_LENGTH_MAX = 30
"""Characters of a number in a string; more are no number for a page."""

_DECODER = json.JSONDecoder(strict=False)
"""Takes line breaks within strings, which models forget to escape."""

_FENCE = re.compile(r"```(?:json)?\s*(?=\{)|<tool_call>\s*(?=\{)")
"""What models put before an object in a chat: Markdown's fence, and the mark of Hermes and Qwen."""

_THOUGHT = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
"""What a reasoning model puts before its text where its server does not know how it thinks."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def fields_of(arguments: str) -> dict[str, Any] | None:
    """Return the object that a tool call's arguments hold, `None` where they hold none."""
    text: object = arguments
    for _ in range(ENCODED_MAX):
        if not isinstance(text, str):
            break
        text = _decoded(text)
    if isinstance(text, list) and len(items := cast("list[object]", text)) == 1:
        text = items[0]
    if isinstance(text, dict):
        return _handed_in(cast("dict[str, Any]", text))
    return fields_in(arguments)


def fields_in(text: str) -> dict[str, Any] | None:
    """Return the object that stands in a text, among other words, `None` where there is none.

    Only the first one counts, or the first in a fence: of an object that was cut off, a part would
    look whole. None does where another one has the same fields: one of them is an example.
    """
    said = text.rpartition("</think>")[2]
    fenced = _FENCE.search(said)
    starts = [said.find("{"), fenced.end() if fenced else -1]
    for start in dict.fromkeys(start for start in starts if start >= 0):
        if (found := _object_at(said, start)) is not None:
            fields = _handed_in(found[0])
            others = (_handed_in(other) for other in _objects_after(said, found[1]))
            is_one_of = any(other != fields and {*other} == {*fields} for other in others)
            return None if is_one_of else fields
    return None


def as_asked(form: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields in the types that `form`, a JSON schema, asks for, where nothing is guessed.

    A list or object in a string is taken as what it is; so are a number in a string, a whole number
    for a string, and one object for a list of objects. What was thought before a text goes.
    Anything else stays for the complaint.
    """
    match [*fields.items()]:
        case [(name, {**inner})] if name not in form["properties"]:
            fields = cast("Mapping[str, Any]", inner)  # it was wrapped in a name of its own
        case _:
            pass
    return _object(form, form.get("$defs", {}), fields)


def whole_strings(value: Any) -> Any:
    """Return a JSON value whose texts have only whole letters; its depth is bounded."""
    match value:
        case str():
            return whole_letters(value)
        case list():
            return [whole_strings(item) for item in cast("list[object]", value)]
        case Mapping():
            named = cast("Mapping[str, object]", value)
            return {whole_letters(name): whole_strings(item) for name, item in named.items()}
        case _:
            return value


def _object(
    form: Mapping[str, Any], defs: Mapping[str, Any], value: Mapping[str, Any]
) -> dict[str, Any]:
    known: Mapping[str, Any] = form.get("properties", {})
    return {
        name: _wanted(known[name], defs, item) if name in known else item
        for name, item in value.items()
    }


def _wanted(form: Mapping[str, Any], defs: Mapping[str, Any], value: object) -> object:
    """Return a value in the type that its part of the form asks for."""
    form = _plain(form, defs)
    match form.get("type"), value:
        case "array", _:
            return _list(form, defs, _unpacked(value))
        case "object", _:
            return _object_or_not(form, defs, _unpacked(value))
        case "integer" | "number", str():
            return _number(value)
        case "string", int() if not isinstance(value, bool):
            return str(value)
        case "string", str():
            return _THOUGHT.sub("", value)
        case _:
            return value


def _plain(form: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of a form without the `null` that an optional field may be, and looked up."""
    if "anyOf" in form:
        form = next((each for each in form["anyOf"] if each.get("type") != "null"), form)
    name = str(form.get("$ref", "")).removeprefix("#/$defs/")
    return defs.get(name, form)


def _list(form: Mapping[str, Any], defs: Mapping[str, Any], value: object) -> object:
    items: Mapping[str, Any] = form.get("items", {})
    if isinstance(value, Mapping) and _plain(items, defs).get("type") == "object":
        return [_wanted(items, defs, cast("object", value))]
    if not isinstance(value, list):
        return cast("object", value)
    return [_wanted(items, defs, item) for item in cast("list[object]", value)]


def _object_or_not(form: Mapping[str, Any], defs: Mapping[str, Any], value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return _object(form, defs, cast("Mapping[str, Any]", value))


def _unpacked(value: object) -> object:
    """Return the list or object that a string holds, anything else as it is."""
    found = _decoded(value) if isinstance(value, str) else value
    return whole_strings(found) if isinstance(found, list | Mapping) else value


def _number(text: str) -> object:
    said = text.strip()
    if len(said) > NUMBER_LENGTH_MAX or not _NUMBER.fullmatch(said):
        return text
    return json.loads(said)


def _handed_in(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what an object hands in, if it is a tool call that was written down as text."""
    match fields:
        case {"function": {**call}} | {"tool_calls": [{**call}, *_]}:
            return _handed_in(cast("dict[str, Any]", call))
        case {"name": str() as name} if TOOL_NAME in name:
            given = next((fields[n] for n in ("arguments", "parameters") if n in fields), None)
            inner = _decoded(given) if isinstance(given, str) else given
            return cast("dict[str, Any]", inner) if isinstance(inner, dict) else fields
        case _:
            return fields


def _objects_after(text: str, end: int) -> Iterator[dict[str, Any]]:
    """Yield the objects that stand in a text from `end` on."""
    for _ in range(LOOKS_MAX):
        start = text.find("{", end)
        if start < 0:
            break
        found = _object_at(text, start)
        end = start + 1 if found is None else found[1]
        if found is not None:
            yield found[0]


def _object_at(text: str, start: int) -> tuple[dict[str, Any], int] | None:
    """Return the object that begins at `start`, unless it is empty, and where it ends."""
    read = _bounded(lambda: _DECODER.raw_decode(text, start), text[start:])
    found = cast("tuple[dict[str, Any], int] | None", read)  # what begins with a brace is no list
    return found if found is not None and found[0] else None


def _decoded(text: str) -> object:
    """Return the JSON value of a text, `None` where it is none or out of bounds."""
    said = text.strip()
    return _bounded(lambda: _DECODER.decode(said), said)


def _bounded(read: Callable[[], object], text: str) -> object:
    try:
        check_json(text.encode(errors="surrogatepass"))
        return read()
    except (ValueError, RecursionError, AnswerOutOfBounds):
        return None
