"""One value of the front matter as YAML, so that every reader takes it for what it is. Pure.

Readers differ: YAML 1.2 has `08056`, `1e3` and `0o17` for numbers; Ruby's, which Jekyll uses,
`3,50` for 350, `08:30` for minutes, `2026-1-5` for a date and `:menu` for a symbol; older ones `y`
for true. What any of them would change is put in quotation marks.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml

TEXT_KEYS = re.compile(
    r"author|description|excerpt|label|lead|linkTitle|name|sidebar_label|subtitle|summary"
    r"|title"
)
"""Keys that hold a text even where it looks like a number: a new `title: 2024` is quoted."""

_OTHER = re.compile(
    r"[-+]?[.0-9][0-9_,.:]*(?:e[-+]?[0-9]+)?|[-+]?0[box][0-9a-f_]+|[-+]?\.(?:inf|nan)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t ].*)?|true|false|yes|no|on|off|y|n|null|~|:.*|",
    re.IGNORECASE,
)
"""What some reader takes for no text where it is not in quotation marks."""
_PLAIN_OTHER = re.compile(
    r"true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z| ?[-+][0-9:]+)?)?"
)
"""What all readers take for the same: a truth, a number, a date."""
_UNSAFE = re.compile(r"^[-?:,\[\]{}#&*!|>'\"%@`=<~]|: | #|:$")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def as_yaml(value: str, *, name: str, old: str | None = None) -> str:
    """Return `value` as it is written behind `name:`, in the style of the `old` source.

    Where the old value was no text but a number, a truth or a date, or there was none, the new one
    is written so too if it looks like one. A result of several lines begins with `|` or `>`.
    """
    tried = (one for one in _written(value, name, old) if read(one) == value)
    return next(tried, quoted(value))


def declared_yaml(value: Any) -> str:
    """Return a JSON value as YAML: a text in the plainest way, lists and mappings in one line."""
    match value:
        case str():
            return as_yaml(value, name="title")
        case None:
            return "null"
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case float():
            return _number(value)
        case Mapping() | list() | tuple():
            return _in_one_line(value)
        case _:
            return json.dumps(value)


def _in_one_line(value: Any) -> str:
    """Return a value within a list or a mapping, its texts always in quotation marks."""
    match value:
        case str():
            return quoted(value)
        case Mapping():
            pairs = cast("Mapping[Any, Any]", value).items()
            return "{" + ", ".join(f"{quoted(str(k))}: {_in_one_line(v)}" for k, v in pairs) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_in_one_line, cast("list[Any]", value))) + "]"
        case _:
            return declared_yaml(value)


def key_yaml(name: str) -> str:
    """Return the name of a key as it is written in front of its colon."""
    return name if _NAME.fullmatch(name) and not _OTHER.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """Return `text` in double quotation marks, with letters and emoji as they are."""
    return _escaped(json.dumps(text, ensure_ascii=False))


def read(source: str) -> Any:
    """Return what stands behind `key:`: texts, lists and mappings of texts, or `None`.

    Numbers, truths and dates are texts. `None`: it has an alias, or cannot be read.
    """
    whole = f"key: {source}"
    try:
        if "*" in source and _has_alias(whole):
            return None
        loaded = cast("object", yaml.load(whole, Loader=yaml.CBaseLoader))  # noqa: S506 - it makes texts only
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", loaded).get("key") if isinstance(loaded, dict) else None


def as_read(value: Any) -> Any:
    """Return a JSON value as `read` would return it from any way of writing it."""
    if isinstance(value, Mapping):
        return {str(k): as_read(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [as_read(item) for item in cast("list[Any]", value)]
    return value if isinstance(value, str) else declared_yaml(value)


def _has_alias(source: str) -> bool:
    """Whether an alias is in it; a few levels of them would stand for more than memory holds."""
    events = cast("Iterator[object]", yaml.parse(source, Loader=yaml.CBaseLoader))
    return any(isinstance(event, yaml.AliasEvent) for event in events)


def _written(value: str, name: str, old: str | None) -> Iterator[str]:
    """Yield ways to write it, the best first; some may mean something else."""
    style = (old or "").lstrip()[:1]
    if style == "'" and not _CONTROL.search(value):
        yield "'" + value.replace("'", "''") + "'"
    if style in {"|", ">"}:
        yield _block(value, style)
    if style in {"'", '"', "|", ">"}:
        return
    if _PLAIN_OTHER.fullmatch(value) and _may_be_other(name, old):
        yield value
    if not (_OTHER.fullmatch(value) or _UNSAFE.search(value) or _CONTROL.search(value)):
        yield value
    if old is None and "\n" in value:
        yield _block(value, "|")


def _may_be_other(name: str, old: str | None) -> bool:
    before = read(old) if old is not None else None
    if not before:
        return TEXT_KEYS.fullmatch(name) is None
    return isinstance(before, str) and _OTHER.fullmatch(before) is not None


def _block(value: str, style: str) -> str:
    """Return a block scalar, `|` or `>`; what it cannot hold does not come back from it."""
    keep = "" if value.endswith("\n") else "-"
    lines = value.removesuffix("\n")
    if style == ">":
        lines = re.sub(r"(\n+)", r"\1\n", lines)
    indented = "\n".join(f"  {line}" if line else "" for line in lines.split("\n"))
    return (
        quoted(value) if _CONTROL.search(lines.replace("\n", "")) else f"{style}{keep}\n{indented}"
    )


def _number(value: float) -> str:
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}{'' if '.' in mantissa or not exponent else '.0'}{exponent}{power}"


def _escaped(written: str) -> str:
    return _CONTROL.sub(_escape, written)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
