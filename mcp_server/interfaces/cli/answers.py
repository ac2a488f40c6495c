"""What the commands that call a tool print of its answer: lines for a person to read. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcp_server.content.text.visible import visible
from mcp_server.interfaces.cli.output import as_json, one_line
from mcp_server.interfaces.cli.spelling import as_commands, command, unmarked

WIDTH_MAX = 40
"""Columns at most that a list is aligned to; a longer name makes its own line longer."""

TEXTS = ("draft", "live", "diff", "file")
"""What a section's row may have that takes more than a line."""
KNOWN = frozenset(
    {"section", "state", "change", "hashFrom", "hashTo", "reason", "conflict", "note", *TEXTS}
)
"""What of a row is shown in a place of its own; all else is shown by its name."""


def answer_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield an answer: its sentence, its sections, what was left out, and what comes next."""
    yield _sentence(answer["message"])
    yield from _brief(answer.get("brief", ""))
    yield from _rows(answer.get("planned", ()))
    yield from _rows(answer.get("sections", ()))
    yield from _found(answer.get("found", ()))
    yield from _skipped(answer.get("skipped", ()), answer.get("skippedCount", 0))
    yield from _files(answer.get("files", ()), answer.get("fileCount", 0))
    for note in answer.get("notes", ()):
        yield _sentence(note)
    if answer.get("status") == "planned" and "digest" in answer:
        does = f"--digest {one_line(answer['digest'])}"
        yield f"The same without --dry-run and with {does} does exactly this."
    yield from _next(answer)


def _sentence(text: str) -> str:
    return one_line(as_commands(text))


def _next(answer: Mapping[str, Any]) -> Iterator[str]:
    if next := answer.get("next"):
        yield _sentence(f"Next: {next}")
    for way in answer.get("calls", ()):
        yield _sentence(f"Or: {command(way['tool'], way['arguments'])} {way['why']}")
    if (cursor := answer.get("nextCursor")) is not None:
        yield f"… and more: the same with --cursor {cursor}."


def _rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the sections: where each stands or what becomes of it, and its texts below."""
    names = [one_line(row["section"]) for row in rows]
    width = min(WIDTH_MAX, max(map(len, names), default=0))
    for name, row in zip(names, rows, strict=True):
        yield f"    {name:<{width}}  {one_line(' · '.join(_said(row)))}".rstrip()
        for key in TEXTS:
            if isinstance(text := row.get(key), str):
                yield f"      {key}:"
                yield from (f"        {line}" for line in _lines(text))


def _found(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what a search found: where, and why; below it the piece that shows it."""
    for row in rows:
        what = [f"{row['type']}: {row['why']}"] if row["type"] != "section" else [row["why"]]
        more = [row[key] for key in ("state", "file", "note") if key in row]
        yield f"    {one_line(unmarked(' · '.join([row['id'], *what, *more])))}"
        yield f"        {one_line(unmarked(row['snippet']))}"


def _said(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a row says, in a line's words: `replace`, `hashFrom 3f…`, `conflict: …`."""
    if what := row.get("state") or row.get("change"):
        yield str(what)
    if "hashFrom" in row or "hashTo" in row:
        yield f"{row.get('hashFrom', 'nothing')} -> {row.get('hashTo', 'nothing')}"
    for key, value in row.items():
        if key in KNOWN:
            continue
        if value is True:
            yield key
        elif isinstance(value, list):
            yield unmarked(f"{key}: {'; '.join(map(str, value))}")  # pyright: ignore[reportUnknownArgumentType] - read from JSON
        elif isinstance(value, str | int | float):
            yield f"{key} {unmarked(str(value))}"
    for key in ("reason", "conflict", "note"):
        if key in row:
            yield unmarked(f"{key}: {row[key]}")


def _brief(text: str) -> Iterator[str]:
    """Yield what a section is written from, each part on lines of its own."""
    try:
        lines = as_json(json.loads(unmarked(text))).splitlines()
    except ValueError:  # there is none, or it was cut short
        lines = list(_lines(text))
    yield from (f"  {line}" for line in lines)


def _lines(text: str) -> Iterator[str]:
    """Yield a text's lines as they are indented, without what a terminal would obey."""
    for line in unmarked(text).strip("\n").splitlines():
        yield " " * (len(line) - len(line.lstrip(" "))) + visible(line)


def _skipped(rows: Sequence[Mapping[str, Any]], count: int) -> Iterator[str]:
    for row in rows:
        yield "  " + _sentence(f"skipped {row['section']}: {unmarked(row['reason'])}")
    if (more := count - len(rows)) > 0:
        yield f"… and {more} more skipped."


def _files(files: Sequence[str], count: int) -> Iterator[str]:
    if files:
        more = f", and {count - len(files)} more" if count > len(files) else ""
        yield one_line(f"Files: {', '.join(files)}{more}")
