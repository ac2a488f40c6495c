"""A template's format, compiled into steps, with everything that is wrong with its structure.

A format is Markdown in blocks separated by blank lines, with `{field}` placeholders; `steps` says
what a block may be. Consecutive inline and paragraph blocks of one list of groups are repeated
together for each item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mcp_server.content.template import PROSE, Field, FieldType
from mcp_server.content.text.blocks import SECTION_MARK, blocks, quoted
from mcp_server.content.text.steps import (
    FormatStep,
    Inline,
    Paragraphs,
    Pattern,
    Rows,
    Table,
    row_cells,
)
from mcp_server.likeness import did_you_mean

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?:\.([A-Za-z_][A-Za-z0-9_]*))?\}")

_BULLET = re.compile(r"(?:[-*+]|\d{1,9}[.)]) ")
_VALUES = {
    FieldType.LINE: r"[^\n]+?",
    FieldType.URL: r"[^\s]+?",
    FieldType.INTEGER: r"-?[0-9]{1,16}",
    FieldType.NUMBER: r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?",
}


@dataclass(frozen=True, slots=True)
class Format:
    """The steps of a format, and what is wrong with it (then it must not be used)."""

    steps: tuple[FormatStep, ...]
    loops: tuple[tuple[int, int], ...]
    """First and last step of what is repeated for each item of a list of groups."""
    problems: tuple[str, ...]


@lru_cache(maxsize=512)
def compile_format(fields: tuple[Field, ...], format: str) -> Format:
    """Return `format` as steps, with everything that is wrong with its structure."""
    problems: list[str] = []
    if SECTION_MARK.search(format):
        problems.append("`<!-- section:` is what divides page files; leave it out")
    lines = [line.rstrip() for line in format.replace("\r\n", "\n").split("\n")]
    compiler = _Compiler({field.name: field for field in fields}, problems)
    steps = [step for block in blocks(lines) if (step := compiler.step(block.text)) is not None]
    loops = tuple(_loops(steps))
    if not steps and not problems:
        problems.append("the format is empty; write Markdown with a {field} for each field")
    problems += _usage_problems(fields, steps, loops, compiler.seen)
    return Format(tuple(steps), loops, tuple(dict.fromkeys(problems)))


class _Compiler:
    """Turns blocks into steps and notes what is wrong with them."""

    def __init__(self, fields: Mapping[str, Field], problems: list[str]) -> None:
        self.fields, self.problems = fields, problems
        self.seen: list[str] = []

    def step(self, source: str) -> FormatStep | None:
        names = [(match[1], match[2]) for match in PLACEHOLDER.finditer(source)]
        self.seen += [f"{name}.{inner}" if inner else name for name, inner in names]
        known = [self._known(name, inner) for name, inner in names]
        if not all(known):
            return None
        owners = {name for name, _ in names if self.fields[name].type is FieldType.LIST}
        if not owners:
            return self._outside(source, None, self.fields)
        owner = self.fields[owners.pop()]
        if {name for name, _ in names} != {owner.name}:
            self._wrong(source, f"{{{owner.name}…}} is a list; give it a block of its own")
            return None
        inner = {field.name: field for field in owner.of}
        *header, last = source.split("\n")
        if _BULLET.match(last) or last.startswith("|"):
            return self._rows(source, tuple(header), last, owner)
        if not owner.of:
            self._wrong(
                source, f"a list of lines stands in a list item; write `- {{{owner.name}}}`"
            )
            return None
        return self._outside(source, owner, inner)

    def _outside(
        self, source: str, group: Field | None, fields: Mapping[str, Field]
    ) -> FormatStep | None:
        pieces = _pieces(source, fields, of=group)
        texts = [p for p in pieces if isinstance(p, Field) and p.type in PROSE]
        if texts and len(pieces) > 1:
            self._wrong(
                source,
                f"{{{texts[0].name}}} is a text of several paragraphs and "
                "must stand alone between blank lines",
            )
            return None
        if texts:
            return Paragraphs(source, texts[0], group)
        pattern = self._pattern(source, pieces)
        if any(not f.required for f in pattern.fields) and len(pattern.fields) > 1:
            self._wrong(
                source,
                "an optional field must be the only field of its block, as the "
                "block is left out with it; divide the block or make the fields required",
            )
        return Inline(source, pattern, group)

    def _rows(
        self, source: str, header: tuple[str, ...], last: str, owner: Field
    ) -> FormatStep | None:
        if any(PLACEHOLDER.search(line) for line in header):
            self._wrong(
                source,
                "only the last line of a list or table is repeated; the lines "
                "before it hold no fields",
            )
            return None
        fields = {field.name: field for field in owner.of} or {owner.name: _item(owner)}
        of = owner if owner.of else None
        row = (
            self._table(last, fields, of)
            if last.startswith("|")
            else self._pattern(source, _pieces(last, fields, of=of))
        )
        if any(f.type in PROSE for f in row.fields):
            self._wrong(
                source,
                "a text of several paragraphs does not fit into one line; make "
                "the field a line or give the group blocks of its own",
            )
        if isinstance(row, Pattern) and any(not field.required for field in row.fields):
            self._wrong(
                source,
                "an optional field cannot be left out of a list item; make it "
                "required, or use a table",
            )
        return Rows(source, header, row, owner)

    def _table(self, line: str, fields: Mapping[str, Field], of: Field | None) -> Table:
        cells = row_cells(line)
        if cells is None:
            self._wrong(line, "a table row begins and ends with `|`")
        patterns = [self._pattern(line, _pieces(c, fields, of=of)) for c in cells or []]
        for pattern in patterns:
            if len(pattern.fields) > 1 and any(not field.required for field in pattern.fields):
                self._wrong(line, "an optional field must be the only field of its cell")
        return Table(tuple(patterns))

    def _pattern(self, source: str, pieces: Sequence[str | Field]) -> Pattern:
        for one, two in pairwise(pieces):
            if isinstance(one, Field) and isinstance(two, Field):
                self._wrong(
                    source,
                    f"nothing stands between {{{one.name}}} and {{{two.name}}}; "
                    "put fixed text between them",
                )
        regex = "".join(re.escape(p) if isinstance(p, str) else _group(p) for p in pieces)
        return Pattern(tuple(pieces), re.compile(regex))

    def _known(self, name: str, inner: str | None) -> bool:
        field = self.fields.get(name)
        if field is None:
            self.problems.append(f"{{{name}}} is no field{_guess(name, self.fields)}")
        elif inner and not field.of:
            self.problems.append(
                f"{{{name}.{inner}}}: {name} is no list of groups; write {{{name}}}"
            )
        elif field.of and not inner:
            self.problems.append(
                f"{{{name}}} is a list of groups; write {{{name}.{field.of[0].name}}} and so on"
            )
        elif inner and inner not in {f.name for f in field.of}:
            guess = _guess(inner, [f.name for f in field.of])
            self.problems.append(f"{{{name}.{inner}}} is no field of {name}{guess}")
        else:
            return True
        return False

    def _wrong(self, source: str, text: str) -> None:
        self.problems.append(f"block {quoted(source)}: {text}")


def _usage_problems(
    fields: Sequence[Field],
    steps: Sequence[FormatStep],
    loops: Sequence[tuple[int, int]],
    seen: Sequence[str],
) -> Iterator[str]:
    for name in _names(fields):
        if seen.count(name) == 0:
            yield f"the field {name} is used nowhere; put {{{name}}} where it belongs"
        elif seen.count(name) > 1:
            yield f"{{{name}}} is used {seen.count(name)} times; use it once"
    owners = [step.list.name for step in steps if isinstance(step, Rows)]
    for start, _ in loops:
        step = steps[start]
        assert step.group is not None, "a loop is made of the blocks of one group"
        owners.append(step.group.name)
        if step.optional:
            yield f"the first block of {step.group.name} holds an optional field; make it required"
    for name in sorted({name for name in owners if owners.count(name) > 1}):
        yield f"the fields of {name} stand in several places; put their blocks side by side"


def _names(fields: Iterable[Field]) -> Iterator[str]:
    for field in fields:
        if field.of:
            yield from (f"{field.name}.{inner.name}" for inner in field.of)
        else:
            yield field.name


def _loops(steps: Sequence[FormatStep]) -> Iterator[tuple[int, int]]:
    start = None
    for index, step in enumerate(steps):
        if step.group is None:
            continue
        start = index if start is None else start
        if index + 1 == len(steps) or steps[index + 1].group is not step.group:
            yield start, index
            start = None


def _pieces(source: str, fields: Mapping[str, Field], *, of: Field | None) -> list[str | Field]:
    pieces: list[str | Field] = []
    end = 0
    for match in PLACEHOLDER.finditer(source):
        if match.start() > end:
            pieces.append(source[end : match.start()])
        pieces.append(fields[match[2] if of else match[1]])
        end = match.end()
    if end < len(source):
        pieces.append(source[end:])
    return pieces


def _item(field: Field) -> Field:
    return Field(name=field.name, type=FieldType.LINE, length_max=field.length_max)


def _guess(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known) or f"; fields are: {', '.join(known)}"


def _group(field: Field) -> str:
    if field.type is FieldType.CHOICE:
        longest_first = sorted(field.choices, key=len, reverse=True)
        return "(" + "|".join(re.escape(choice) for choice in longest_first) + ")"
    return f"({_VALUES.get(field.type, _VALUES[FieldType.LINE])})"
