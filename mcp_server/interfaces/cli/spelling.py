"""Spells the calls that answers suggest, `promote {"page": "menu"}`, as commands. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest
from typing import Any, cast

VERBS = frozenset(
    {
        "generate",
        "generate-all",
        "review",
        "search",
        "edit",
        "promote",
        "rollback",
        "unpublish",
        "retry",
        "cancel",
        "status",
    }
)
"""The tools that are commands, too."""

BY_PLACE = {
    "search": ("query",),
    "status": ("batchId", "jobId"),
    "retry": ("batchId",),
    "cancel": ("batchId", "jobId"),
}
"""The arguments that a command takes without an option's name."""

TARGETS = ("page", "section", "pages", "sections")
LEFT_OUT = frozenset({"waitSeconds"})
"""What a command has no use for: it has `--follow`."""

_CALL = re.compile(r"(?<![\w-])([a-z]+(?:-[a-z]+)*) (?=\{)")
_MARKED = re.compile(r"(<(text-[0-9a-z]+)>.*?</\2>)", re.DOTALL)
_MARK = re.compile(r"</?(text-[0-9a-z]+)>\n?")
_DECODER = json.JSONDecoder()


def unmarked(text: str) -> str:
    """Return `text` without the marks that keep a model from taking words of others for ours."""
    return _MARK.sub("", text)


def as_commands(text: str) -> str:
    """Return `text` with each call of a tool in it spelled as the command that does the same.

    Marks go, and what stands between them stays as it is: those words are not ours.
    """
    # `split` returns the groups too: words of ours, words of others with their marks, the mark.
    parts = _MARKED.split(text)
    ours, others = map(_with_commands, parts[::3]), map(unmarked, parts[1::3])
    return "".join(chain.from_iterable(zip_longest(ours, others, fillvalue="")))


def _with_commands(text: str) -> str:
    parts: list[str] = []
    at = 0
    for found in _CALL.finditer(text):
        if found.start() < at or found[1] not in VERBS:
            continue
        try:
            arguments, end = _DECODER.raw_decode(text, found.end())
        except (ValueError, RecursionError):  # it was cut short
            continue
        if not _are_targets(arguments):  # a call that somebody made up
            continue
        parts += [text[at : found.start()], command(found[1], cast("dict[str, Any]", arguments))]
        at = end
    return "".join([*parts, text[at:]])


def command(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return the command that calls a tool with these arguments, as a shell takes it."""
    return shlex.join(["pressroom", tool, *_words(tool, arguments)])


def option(argument: str) -> str:
    """Return the name of the option for an argument: `--dry-run` for `dryRun`."""
    return "--" + re.sub(r"(?=[A-Z])", "-", argument).lower()


def _words(tool: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    yield from _targets(arguments)
    for name, value in arguments.items():
        if name in BY_PLACE.get(tool, ()):
            yield str(value)
        elif value is True:
            yield option(name)
        elif name not in {*TARGETS, *LEFT_OUT} and value not in (None, False):
            for each in cast("list[object]", value) if isinstance(value, list) else [value]:
                yield from _option(name, each)


def _option(name: str, value: object) -> Iterator[str]:
    """Yield an option with its value: a change as its two halves, any other object as JSON."""
    if not isinstance(value, dict):
        yield from (option(name), str(value))
    elif name == "replace":
        change = cast("dict[str, object]", value)
        yield from (option(name), str(change.get("old")), "--with", str(change.get("new")))
    else:
        yield from (option(name), json.dumps(value, ensure_ascii=False))


def _are_targets(arguments: Mapping[str, object]) -> bool:
    """Whether the pages and sections in a call are texts, and lists of texts."""
    found = (arguments.get(name) or (() if name.endswith("s") else "") for name in TARGETS)
    return all(
        isinstance(value, str)
        if not name.endswith("s")
        else isinstance(value, list | tuple)
        and all(isinstance(each, str) for each in cast("list[object]", value))
        for name, value in zip(TARGETS, found, strict=True)
    )


def _targets(arguments: Mapping[str, Any]) -> Iterator[str]:
    page, section = arguments.get("page"), arguments.get("section")
    if section and page and "/" not in section:
        yield f"{page}/{section}"
    else:
        yield from filter(None, (section or page,))
    yield from arguments.get("pages") or ()
    yield from arguments.get("sections") or ()
