"""A YAML file as a tree that knows its lines, and a reader that reports every mistake in it.

Values mean what they look like: a plain scalar is a number only if the number is written the same
way (`7:00`, `2026-05-01`, `3.20` and `007` are texts), and only `true` and `false` are booleans.
Nothing is constructed from tags, and size, depth and aliases are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mcp_server.excerpt import in_quotes
from mcp_server.likeness import nearest

FILE_BYTES_MAX = 1024 * 1024
"""A site of thousands of sections fits into it."""
NODES_MAX = 200_000
"""Values in one file, each alias counted as what it stands for."""
REPEATED_MAX = 1_000_000
"""Characters that the aliases of one file stand for, all together."""
PROBLEMS_MAX = 50
"""Mistakes that are noted for one file; the rest shows when these are mended."""
DEPTH_MAX = 40
"""Deeper nesting is a mistake; the C parser itself would overflow its stack."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({None, "!", f"{_TAG}str"})
_NULLS = frozenset({"", "~", "null"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value; `plain` if it was written without quotes."""

    line: int
    text: str
    plain: bool

    @property
    def is_null(self) -> bool:
        """Whether nothing was written."""
        return self.plain and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of values."""

    line: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Keys with values, in the order of the file; a key may be there twice."""

    line: int
    items: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Sequence | Mapped


class YamlReader:
    """Reads one file and notes what is wrong with it, each as `file:line: what; what instead`."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self._name, self._problems, self._noted = name, problems, 0

    def wrong(self, line: int, text: str) -> None:
        """Note a mistake, unless there are too many by now."""
        if self._noted < PROBLEMS_MAX:
            self._noted += 1
            self._problems.append(f"{self._name}:{line}: {text}")

    def tree(self, content: bytes) -> Node | None:
        """Return the file's tree, `None` where it is no YAML this reader takes."""
        if len(content) > FILE_BYTES_MAX:
            self.wrong(1, f"the file is larger than {FILE_BYTES_MAX} bytes; divide or shorten it")
            return None
        text = ""
        try:
            text = content.decode("utf-8-sig")
            return _Builder(text).document()
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self.wrong(line, "this is no UTF-8 text; save the file as UTF-8")
        except _Refused as refused:
            self.wrong(refused.line, refused.text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line if mark else 0
            self.wrong(line + 1, _syntax_in_words(error, text.split("\n")[line:]))
        except yaml.YAMLError as error:
            self.wrong(1, f"this is no YAML ({str(error).splitlines()[0]}); remove what is odd")
        return None

    def keys(self, node: Node, what: str, known: Iterable[str] | None = None) -> dict[str, Node]:
        """Return the values of a mapping by key; unknown and repeated keys are noted."""
        if not isinstance(node, Mapped):
            example = f"{next(iter(known))}: …" if known else "key: value"
            if not (isinstance(node, Scalar) and node.is_null and known is None):
                self.wrong(node.line, f"{what} is {_kind(node)}; write lines such as {example}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.items:
            if key.text in found:
                self.wrong(key.line, f"{_quoted(key.text)} is there twice; remove one")
            elif known is not None and key.text not in known:
                advice = instead(key.text, known)
                self.wrong(key.line, f"{what} has no {_quoted(key.text)}; {advice}")
            else:
                found[key.text] = value
        return found

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """Return the items of a list."""
        if isinstance(node, Sequence):
            return node.items
        if not (isinstance(node, Scalar) and node.is_null):
            self.wrong(node.line, f"{what} is {_kind(node)}; write a list, each item after `- `")
        return ()

    def text(self, node: Node, what: str) -> str:
        """Return a text; numbers and dates are taken as they are written."""
        if isinstance(node, Scalar):
            return "" if node.is_null else node.text.strip()
        self.wrong(node.line, f"{what} is {_kind(node)}; write a text")
        return ""

    def line_of_text(self, node: Node, what: str) -> str:
        """Return a text of one line."""
        text = self.text(node, what)
        if "\n" in text:
            self.wrong(node.line, f"{what} has several lines; write one")
        return " ".join(text.split())

    def integer(self, node: Node, what: str, *, least: int, most: int) -> int | None:
        """Return a whole number between `least` and `most`."""
        value = self.plain(node)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.wrong(node.line, f"{what} is {_shown(node)}; write a number from {least} to {most}")
        return None

    def boolean(self, node: Node, what: str) -> bool | None:
        """Return true or false."""
        value = self.plain(node)
        if isinstance(value, bool):
            return value
        self.wrong(node.line, f"{what} is {_shown(node)}; write true or false")
        return None

    def plain(self, node: Node) -> Any:
        """Return the value as Python has it; repeated keys are noted."""
        match node:
            case Scalar():
                return _scalar(node)
            case Sequence():
                return [self.plain(item) for item in node.items]
            case Mapped():
                return {key: self.plain(v) for key, v in self.keys(node, "this").items()}


def instead(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of `name`."""
    near = nearest(name, known)
    return f"write {near[0]}" if near else f"write one of {', '.join(known)}"


class _Refused(Exception):
    """The file is YAML, but uses something that this reader does not take."""

    def __init__(self, line: int, text: str) -> None:
        self.line, self.text = line, text
        super().__init__(text)


class _Builder:
    """Builds the tree from parser events: PyYAML's own composer in C has no bound on depth."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = self._repeated = 0

    def document(self) -> Node | None:
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return Scalar(1, "", plain=True)
        node = self._node(next(self._events), 0)
        next(self._events)
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise _Refused(_line(event), "a second document begins; write everything in one")
        return node

    def _node(self, event: Any, depth: int) -> Node:
        line = _line(event)
        if depth > DEPTH_MAX:
            raise _Refused(line, f"nested deeper than {DEPTH_MAX} levels; make it flatter")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        before = self._nodes
        self._count(1, line)
        match event:
            case yaml.ScalarEvent():
                node = _scalar_node(event, line)
            case yaml.SequenceStartEvent():
                _check_tag(event, f"{_TAG}seq", line)
                node = Sequence(line, tuple(self._items(depth)))
            case _:
                _check_tag(event, f"{_TAG}map", line)
                node = Mapped(line, tuple(self._pairs(depth)))
        # Only now that the node is complete: an alias in it cannot make it contain itself.
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._nodes - before)
        return node

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _pairs(self, depth: int) -> Iterator[tuple[Scalar, Node]]:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise _Refused(key.line, "a key is no text; write a word before the colon")
            if key.plain and key.text == "<<":
                raise _Refused(key.line, "`<<` merges are not read; write the keys themselves")
            yield key, self._node(next(self._events), depth + 1)

    def _alias(self, event: Any, line: int) -> Node:
        if event.anchor not in self._anchors:
            raise _Refused(line, f"*{event.anchor} stands for nothing; write &{event.anchor} first")
        node, size = self._anchors[event.anchor]
        # Counted in full: a few aliases of aliases may stand for billions of values.
        self._count(size, line)
        self._repeated += _length(node)
        if self._repeated > REPEATED_MAX:
            raise _Refused(line, "aliases stand for too many characters; write fewer of them")
        return node

    def _count(self, size: int, line: int) -> None:
        self._nodes += size
        if self._nodes > NODES_MAX:
            raise _Refused(line, f"more than {NODES_MAX} values; divide or shorten the file")


def _length(node: Node) -> int:
    """Return how many characters a value is made of."""
    match node:
        case Scalar():
            return len(node.text)
        case Sequence():
            return sum(map(_length, node.items))
        case Mapped():
            return sum(len(key.text) + _length(value) for key, value in node.items)


def _scalar_node(event: Any, line: int) -> Scalar:
    _check_tag(event, f"{_TAG}str", line)
    plain = not event.style and event.tag != f"{_TAG}str"
    return Scalar(line, event.value, plain=plain)


def _check_tag(event: Any, own: str, line: int) -> None:
    if event.tag not in _TEXT_TAGS and event.tag != own:
        tag = str(event.tag).removeprefix(_TAG)
        raise _Refused(line, f"the tag {_quoted(tag)} is not read; leave it out")


def _scalar(node: Scalar) -> object:
    text = node.text
    if not node.plain:
        return text
    constants: Mapping[str, object] = {"true": True, "false": False, **dict.fromkeys(_NULLS)}
    if text in constants:
        return constants[text]
    for number in (int, float):
        try:
            value = number(text)
        except ValueError:
            continue
        # `007`, `1_000` and `3.20` stay texts, and so do `nan` and `inf`, which are words here.
        if str(value) == text and text.lstrip("-")[0].isdigit():
            return value
    return text


def _syntax_in_words(error: yaml.MarkedYAMLError, rest: list[str]) -> str:
    problem = error.problem or "it cannot be read"
    line = rest[0] if rest else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab indents this line; indent with spaces"
    if "mapping values are not allowed" in problem:
        return 'a second colon stands in a line; put the text in quotes: key: "a: b"'
    return f"this is no YAML: {problem}; check quotes, colons and indentation here and just above"


def _line(event: Any) -> int:
    return event.start_mark.line + 1


def _kind(node: Node) -> str:
    match node:
        case Scalar():
            return "empty" if node.is_null else f"the text {_quoted(node.text)}"
        case Sequence():
            return "a list"
        case Mapped():
            return "a mapping"


def _shown(node: Node) -> str:
    return _quoted(node.text) if isinstance(node, Scalar) else _kind(node)


def _quoted(text: str) -> str:
    return in_quotes(" ".join(text.split()))
