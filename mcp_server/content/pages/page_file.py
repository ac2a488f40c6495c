"""One page as a Markdown file: front matter, then its sections, each behind a comment line.

    ---
    title: The menu
    sections:
      menu/hero:
        template: hero
        fields:
          headline: Fresh pasta
    ---

    <!-- section: menu/hero -->

    # Fresh pasta

`parse_page` is the exact inverse of `render_page`, whatever the texts are. It also reads what
people make of such a file: other line ends, other keys, a text on top, broken front matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard, cast

import yaml

from mcp_server.entities.entity import SLUG

FENCE = "---"
"""The line before and after the front matter."""
LINE_WIDTH = 1 << 30
"""No line of the front matter is folded: one value, one line, one line of a diff."""
DEPTH_MAX = 40
"""Deeper front matter is refused before it is built: the builder recurses."""

_SPACE = r"[ \t]*"
_COMMENT = re.compile(
    rf"^(?P<open> {{0,3}}<!--{_SPACE})(?P<escape>\\*)"
    rf"(?P<rest>section:{_SPACE}(?P<id>{SLUG.pattern}/{SLUG.pattern}){_SPACE}-->{_SPACE}\r?)$",
    re.MULTILINE,
)
_CLOSING_FENCE = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSection:
    """A section in a page's file. A static one has no template, and then no fields."""

    entity_id: str
    markdown: str
    template: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """A page's file, taken apart.

    `extra` are the keys of the front matter that are not ours, `preamble` is what stands above the
    first section, and `problem` says why the front matter could not be read (its keys are then
    missing here). All three are empty in a file that nobody touched.
    """

    title: str = ""
    description: str = ""
    sections: tuple[ExportedSection, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    preamble: str = ""
    problem: str | None = None


def render_page(file: PageFile) -> str:
    """Return the text of `file`, with LF line ends and the sections in the order given.

    A line of a text that looks like a section's comment gets a backslash before `section:`, so that
    it does not open a section when the file is read.
    """
    ids = {section.entity_id for section in file.sections}
    assert len(ids) == len(file.sections), "each section stands once in a file"
    front = _dumped(_front_matter(file))
    blocks = [_escape(file.preamble)] if file.preamble else []
    blocks += [f"{comment_line(s.entity_id)}\n\n{_escape(s.markdown)}" for s in file.sections]
    # `[:-1]`: the file ends with one line feed, not with an empty line.
    return f"{FENCE}\n{front}{FENCE}\n\n" + "".join(f"{block}\n\n" for block in blocks)[:-1]


def parse_page(text: str) -> PageFile:
    """Return what `text` says; it never fails.

    A byte order mark is taken off, and Windows line ends where the file has them throughout. A
    section may come twice, or belong to another page: see `sections_of`.
    """
    front, body = _split(_normal(text))
    metadata, problem = _metadata(front)
    preamble, sections = _sections(body, _mapping(metadata.pop("sections", None)))
    return PageFile(
        title=_line(metadata.pop("title", "")),
        description=_line(metadata.pop("description", "")),
        sections=sections,
        extra=metadata,
        preamble=preamble,
        problem=problem,
    )


def sections_of(file: PageFile, page_id: str) -> dict[str, ExportedSection]:
    """Return the sections of `page_id` in `file` by id; no text in the file is left out.

    The parts of a section that comes twice are joined, a section of another page counts as text of
    the section above it, and text above the first section belongs to the first. Empty if the file
    holds no section of the page.
    """
    found: dict[str, ExportedSection] = {}
    parts: dict[str, list[str]] = {}
    loose = [file.preamble]
    current = loose
    for section in file.sections:
        if section.entity_id.startswith(f"{page_id}/"):
            found.setdefault(section.entity_id, section)
            current = parts.setdefault(section.entity_id, [])
            current += [*loose, section.markdown]
            loose.clear()
        else:
            current += [comment_line(section.entity_id), section.markdown]
    return {key: replace(one, markdown=_joined(parts[key])) for key, one in found.items()}


def body_of(file: PageFile) -> str:
    """Return all text of the file in one piece, with the comment lines in it."""
    blocks = [(comment_line(section.entity_id), section.markdown) for section in file.sections]
    return _joined([file.preamble, *(part for block in blocks for part in block)])


def comment_line(entity_id: str) -> str:
    """Return the line that opens a section in a file."""
    return f"<!-- section: {entity_id} -->"


def _joined(parts: list[str]) -> str:
    """Join the parts with text in them; one that is alone stays exactly as it is."""
    filled = [part for part in parts if part.strip()]
    return parts[-1] if filled in ([], [parts[-1]]) else "\n\n".join(filled)


def _front_matter(file: PageFile) -> dict[str, Any]:
    own: dict[str, Any] = {"title": file.title}
    if file.description:
        own["description"] = file.description
    described = {
        s.entity_id: {"template": s.template, "fields": dict(s.fields)}
        for s in file.sections
        if s.template is not None
    }
    if described:
        own["sections"] = described
    return own | {key: value for key, value in file.extra.items() if key not in own}


def _escape(text: str) -> str:
    return _COMMENT.sub(r"\g<open>\\\g<escape>\g<rest>", text)


def _unescape(text: str) -> str:
    return _COMMENT.sub(lambda m: m["open"] + m["escape"][1:] + m["rest"], text)


def _normal(text: str) -> str:
    """Undo what an editor or a checkout does to a whole file.

    Line ends are touched only in a file whose first line has a Windows one: we never write that,
    so a carriage return that is part of a text we wrote stays.
    """
    text = text.removeprefix("\N{BYTE ORDER MARK}")
    return text.replace("\r\n", "\n") if text.partition("\n")[0].endswith("\r") else text


def _split(text: str) -> tuple[str, str]:
    """Return front matter and body; without front matter, all text is body."""
    first, _, rest = text.partition("\n")
    closing = _CLOSING_FENCE.search(rest) if first.rstrip(" \t") == FENCE else None
    return (rest[: closing.start()], rest[closing.end() :]) if closing else ("", text)


def _sections(body: str, described: Mapping[str, Any]) -> tuple[str, tuple[ExportedSection, ...]]:
    """Return the text above the first section, and the sections."""
    openings = [match for match in _COMMENT.finditer(body) if not match["escape"]]
    starts = [opening.start() for opening in openings]
    ends = [*starts[1:], len(body)][: len(starts)]
    sections = tuple(
        _section(opening["id"], body[opening.end() + 1 : end], described, last=end == len(body))
        for opening, end in zip(openings, ends, strict=True)
    )
    above = body[: openings[0].start()] if openings else body
    return _text(above, last=not openings), sections


def _section(id: str, chunk: str, described: Mapping[str, Any], *, last: bool) -> ExportedSection:
    entry = _mapping(described.get(id))
    template = entry.get("template")
    markdown = _text(chunk, last=last)
    if not isinstance(template, str):
        return ExportedSection(entity_id=id, markdown=markdown)
    fields = _mapping(entry.get("fields"))
    return ExportedSection(entity_id=id, markdown=markdown, template=template, fields=fields)


def _text(chunk: str, *, last: bool) -> str:
    """Take off the blank lines that `render_page` put around a text, and not one more."""
    chunk = chunk.removeprefix("\n").removesuffix("\n")
    return _unescape(chunk if last else chunk.removesuffix("\n"))


def _metadata(front: str) -> tuple[dict[str, Any], str | None]:
    """Return the keys of the front matter, and why it could not be read."""
    try:
        # On the parser's events, before `load` builds anything from them.
        _check_shape(yaml.parse(front, Loader=_Loader))
        loaded = yaml.load(front, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, ValueError) as error:
        return {}, " ".join(str(error).split())
    except (LookupError, AttributeError, TypeError, ArithmeticError, RecursionError):
        return {}, "it holds a value that YAML cannot read"  # what constructing one may raise
    if loaded is None:
        return {}, None
    return (_mapping(loaded), None) if _is_mapping(loaded) else ({}, "it is not a mapping")


def _check_shape(events: Iterable[yaml.Event]) -> None:
    """Refuse a small text that would become a huge value, or take very long to read."""
    depth = 0
    for event in events:
        match event:
            case yaml.AliasEvent():
                raise ValueError("it uses a YAML alias (*); write the value out instead")
            case yaml.ScalarEvent() if event.implicit[0] and len(event.value) > PLAIN_LENGTH_MAX:
                if ":" in event.value and event.value.replace(":", "").replace(".", "").isdigit():
                    raise ValueError("it holds a number that is too long")
            case yaml.CollectionStartEvent():
                depth += 1
            case yaml.CollectionEndEvent():
                depth -= 1
            case _:
                continue
        if depth > DEPTH_MAX:
            raise ValueError("it is nested too deeply")


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _mapping(value: object) -> dict[str, Any]:
    """`value` as a JSON object, empty where it is none."""
    return {str(k): _json(v) for k, v in value.items()} if _is_mapping(value) else {}


def _json(value: object) -> Any:
    """`value` in JSON's types: YAML has sets, bytes and dates too, if somebody asks for them."""
    if _is_mapping(value):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return [_json(item) for item in cast("Iterable[object]", value)]
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def _line(value: object) -> str:
    """Return a title or description as text: to YAML it may be a number, or nothing."""
    return "" if value is None else str(value)


_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_PRIVATE = range(0xE000, 0xF900)
_READ_AS_OTHER = re.compile(
    r"[-+]?[.0-9][0-9_,.:]*(?:e[-+]?[0-9]+)?"
    r"|[-+]?0[box][0-9a-f_]+"
    r"|[-+]?\.(?:inf|nan)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t ].*)?"
    r"|true|false|yes|no|on|off|y|n|null|~|"
    r"|:.*",
    re.IGNORECASE,
)
"""What some reader takes for no text where it is not in quotes: YAML 1.2 has `08056`, `1e3` and
`0o17` for numbers; Ruby's, which Jekyll uses, `3,50` for 350, `08:30` for minutes, `2026-1-5` for a
date and `:menu` for a symbol; older ones `y` for true."""


class _Dumper(yaml.CSafeDumper):
    """Writes every value out instead of using aliases, which `parse_page` refuses."""

    stand_ins: Mapping[int, str] = {}
    """The characters that are written in place of others; see `_dumped`."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _dumped(front: Mapping[str, Any]) -> str:
    """Return the front matter as YAML, with every character that can be read as it is.

    libyaml writes all beyond U+FFFF, emoji among them, as escapes. So private ones that the texts
    do not have stand in for these, until it is written.
    """
    texts = json.dumps(front, ensure_ascii=False)
    free = (chr(code) for code in _PRIVATE if chr(code) not in texts)
    stand_ins = dict(zip(sorted(set(_BEYOND.findall(texts))), free, strict=False))
    dumper = type("_DumperOfOne", (_Dumper,), {"stand_ins": str.maketrans(stand_ins)})
    written: str = yaml.dump(
        front,
        Dumper=dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=LINE_WIDTH,
    )
    return written.translate(str.maketrans({new: old for old, new in stand_ins.items()}))


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Quote what a reader would change: numbers, odd line ends, invisible characters."""
    lines = text.split("\n")
    style = "'" if _READ_AS_OTHER.fullmatch(text) else None
    if not all(line.isprintable() for line in lines):
        style = '"'
    elif len(lines) > 1:
        plain = lines[0] != "" and all(line == line.strip() for line in lines)
        style = "|" if plain else '"'
    value = text.translate(dumper.stand_ins)
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)


PLAIN_LENGTH_MAX = 64
"""Characters of an unquoted value that YAML 1.1 may take for a number of base 60 (`1:30`): reading
one takes quadratic time."""


class _Loader(yaml.CSafeLoader):
    """Reads a date as text: a field's value is JSON, and JSON has no dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - typed so by the base class
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
