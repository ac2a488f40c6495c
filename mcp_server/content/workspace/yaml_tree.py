"""YAML's own nodes, which know their lines, and a reader that reports every mistake in a file.

Values mean what they look like: a plain scalar is a number only if the number is written the same
way (`7:00`, `2026-05-01`, `3.20` and `007` are texts), and only `true` and `false` are booleans.
Nothing is constructed from tags, and size, depth and aliases are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import yaml

from mcp_server.content.workspace.yaml_words import (
    cut_text,
    hidden_break,
    hidden_in,
    odd_name,
    syntax_in_words,
)
from mcp_server.excerpt import in_quotes
from mcp_server.likeness import nearest

FILE_BYTES_MAX = 1024 * 1024
"""A site of thousands of sections fits into it."""
VALUES_MAX = 200_000
"""In one file: each alias is all that it stands for, and a long text one for ten characters."""
PROBLEMS_MAX = 50
"""Mistakes that are noted for one file; the rest shows when these are mended."""
NAME_LENGTH_MAX = 64
"""A wrong text that is as short is a name, in which a character that nobody sees is the mistake."""
DEPTH_MAX = 40
"""Deeper nesting is a mistake; the C composer itself would overflow its stack."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT_TAG, _NULL_TAG, _MERGE_TAG = f"{_TAG}str", f"{_TAG}null", f"{_TAG}merge"
_NAMES = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge")
_OWN_TAGS = frozenset(f"{_TAG}{name}" for name in _NAMES)
"""What YAML itself takes a node for; any other tag somebody has written."""
_CONSTANTS = {"true": True, "false": False, "": None, "~": None, "null": None}

Node = yaml.Node


class YamlReader:
    """Reads one file and notes what is wrong with it, each as `file:line: what; what instead`."""

    def __init__(self, name: str, problems: list[str], warnings: list[str] | None = None) -> None:
        self._name, self._problems, self._noted = name, problems, 0
        self._warnings: list[str] = [] if warnings is None else warnings

    def wrong(self, place: Node | int, text: str) -> None:
        """Note a mistake where a node begins or on a line, unless there are too many by now."""
        line = place if isinstance(place, int) else line_of(place)
        if isinstance(place, yaml.ScalarNode) and len(place.value) <= NAME_LENGTH_MAX:
            hidden = hidden_in(place.value)
            text = f"{text}; it holds {hidden}, which nobody sees" if hidden else text
        if self._noted < PROBLEMS_MAX:
            self._noted += 1
            self._problems.append(f"{self._name}:{line}: {text}")

    def tree(self, content: bytes) -> Node | None:
        """Return the file's nodes, `None` where it is no YAML this reader takes."""
        if len(content) > FILE_BYTES_MAX:
            self.wrong(1, f"the file is larger than {FILE_BYTES_MAX} bytes; divide or shorten it")
            return None
        text = ""
        try:
            text = content.decode("utf-8-sig")
            root = _composed(text)
            self._warn_of_texts(root, text)
            return root
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self.wrong(line, "this is no UTF-8 text; save the file as UTF-8")
        except _Refused as refused:
            self.wrong(refused.line, refused.text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line if mark else 0
            hidden = hidden_break(text)  # such a line counts for the parser, and for no editor
            self.wrong(*(hidden or syntax_in_words(error, text.split("\n"), line)))
        except yaml.YAMLError as error:
            self.wrong(1, f"this is no YAML ({str(error).splitlines()[0]}); remove what is odd")
        return None

    def _warn_of_texts(self, root: Node, text: str) -> None:
        """Note what in a file may not have been meant as it is read.

        That is a line end that nobody sees or, where all lines are those of an editor, texts that
        end where a comment begins which may have been meant as their end.
        """
        if (hidden := hidden_break(text)) is not None:
            line, why = hidden
            self._warnings.append(f"{self._name}:{line}: {why}")
            return
        lines = text.split("\n")
        cuts = (cut for node in _texts_in(root) if (cut := cut_text(node, lines)) is not None)
        for line, why in islice(cuts, max(0, PROBLEMS_MAX - len(self._warnings))):
            self._warnings.append(f"{self._name}:{line}: {why}")

    def keys(self, node: Node, what: str, known: Iterable[str] | None = None) -> dict[str, Node]:
        """Return the values of a mapping by key; unknown and repeated keys are noted."""
        if not isinstance(node, yaml.MappingNode):
            example = f"{next(iter(known))}: …" if known else "key: value"
            if not (known is None and is_null(node)):
                self.wrong(node, f"{what} is {_kind(node)}; write lines such as {example}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.value:
            if (odd := odd_name(key.value)) is not None:
                self.wrong(line_of(key), odd)
            elif key.value in found:
                self.wrong(key, f"{_quoted(key.value)} is there twice; remove one")
            elif known is not None and key.value not in known:
                advice = instead(key.value, known)
                self.wrong(key, f"{what} has no {_quoted(key.value)}; {advice}")
            else:
                found[key.value] = value
        return found

    def items(self, node: Node | None, what: str) -> list[Node]:
        """Return the items of a list; nothing is one without any."""
        if isinstance(node, yaml.SequenceNode):
            return node.value
        if node is not None and not is_null(node):
            self.wrong(node, f"{what} is {_kind(node)}; write a list, each item after `- `")
        return []

    def text(self, node: Node | None, what: str) -> str:
        """Return a text, empty for nothing; numbers and dates are taken as they are written."""
        if node is None or is_null(node):
            return ""
        if isinstance(node, yaml.ScalarNode):
            return node.value.strip()
        self.wrong(node, f"{what} is {_kind(node)}; write a text")
        return ""

    def line_of_text(self, node: Node | None, what: str) -> str:
        """Return a text of one line."""
        text = self.text(node, what)
        if node is not None and "\n" in text:
            self.wrong(node, f"{what} has several lines; write one")
        return " ".join(text.split())

    def integer(self, node: Node, what: str, *, least: int, most: int) -> int | None:
        """Return a whole number between `least` and `most`."""
        value = self.plain(node)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.wrong(node, f"{what} is {_shown(node)}; write a number from {least} to {most}")
        return None

    def boolean(self, node: Node, what: str) -> bool | None:
        """Return true or false."""
        value = self.plain(node)
        if isinstance(value, bool):
            return value
        self.wrong(node, f"{what} is {_shown(node)}; write true or false")
        return None

    def plain(self, node: Node) -> Any:
        """Return the value as Python has it; repeated keys are noted."""
        match node:
            case yaml.MappingNode():
                return {key: self.plain(value) for key, value in self.keys(node, "this").items()}
            case yaml.SequenceNode():
                return [self.plain(item) for item in node.value]
            case _:
                return _scalar(node)


def is_null(node: Node) -> bool:
    """Whether nothing was written."""
    return isinstance(node, yaml.ScalarNode) and _scalar(node) is None


def instead(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of `name`."""
    near = nearest(name, known)
    return f"write {near[0]}" if near else f"write one of {', '.join(known)}"


class _Refused(Exception):
    """The file is YAML, but uses something that this reader does not take."""

    def __init__(self, place: Node | yaml.Event, text: str) -> None:
        self.line, self.text = line_of(place), text
        super().__init__(text)


def _composed(text: str) -> Node:
    """Return the file's only document, checked and bounded; an empty one is nothing."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        _check_depth(depth, event)
    root = yaml.compose(text, Loader=_LOADER) or yaml.ScalarNode(_NULL_TAG, "")
    _check(root)
    return root


def _texts_in(root: Node) -> Iterator[yaml.ScalarNode]:
    """Yield the values that are texts, each once however often an alias stands for it."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        match node:
            case yaml.MappingNode():
                waiting += [value for _, value in node.value]
            case yaml.SequenceNode():
                waiting += node.value
            case yaml.ScalarNode():
                yield node
            case _:
                pass


def _check(root: Node) -> None:
    waiting, values = [(root, 0)], 1
    while waiting:
        node, depth = waiting.pop()
        _check_depth(depth, node)  # an alias inside of what it stands for has no end
        if node.tag not in _OWN_TAGS:
            tag = _quoted(node.tag.removeprefix(_TAG))
            raise _Refused(node, f"the tag {tag} is not read; leave it out")
        inside = _inside(node)
        values += len(inside) or len(node.value) // 10
        if values > VALUES_MAX:  # before they wait: a few lines may stand for millions
            raise _Refused(node, f"more than {VALUES_MAX} values; divide or shorten the file")
        waiting += [(each, depth + 1) for each in reversed(inside)]


def _inside(node: Node) -> list[Node]:
    match node:
        case yaml.MappingNode():
            for key, _ in node.value:
                _check_key(key)
            return [each for pair in node.value for each in pair]
        case yaml.SequenceNode():
            return node.value
        case _:
            return []


def _check_depth(depth: int, place: Node | yaml.Event) -> None:
    if depth > DEPTH_MAX:
        raise _Refused(place, f"nested deeper than {DEPTH_MAX} levels; make it flatter")


def _check_key(key: Node) -> None:
    if not isinstance(key, yaml.ScalarNode):
        raise _Refused(key, "a key is no text; write a word before the colon")
    if key.tag == _MERGE_TAG:
        raise _Refused(key, "`<<` merges are not read; write the keys themselves")


def _scalar(node: Node) -> object:
    text = node.value
    if node.tag == _TEXT_TAG:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    for number in (int, float):
        try:
            value = number(text)
        except ValueError:
            continue
        # `007`, `1_000` and `3.20` stay texts, and so do `nan` and `inf`, which are words here.
        if str(value) == text and text.lstrip("-")[0].isdigit():
            return value
    return text


def line_of(place: Node | yaml.Event) -> int:
    """Return where a node begins."""
    mark = place.start_mark
    return mark.line + 1 if mark else 1


def _kind(node: Node) -> str:
    match node:
        case yaml.MappingNode():
            return "a mapping"
        case yaml.SequenceNode():
            return "a list"
        case _:
            return "empty" if is_null(node) else f"the text {_quoted(node.value)}"


def _shown(node: Node) -> str:
    return _quoted(node.value) if isinstance(node, yaml.ScalarNode) else _kind(node)


def _quoted(text: str) -> str:
    return in_quotes(" ".join(text.split()))
