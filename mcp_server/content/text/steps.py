"""The steps of a template's format: how each block is written, and read back.

- `Inline`: fixed text with fields of one line (`# {title}`), or fixed text alone;
- `Paragraphs`: one field of type `text` by itself (`{body}`), as many blocks as it has paragraphs;
- `Rows`: fixed lines, then one line that is repeated for each item of a list: a list item
  (`- {points}`, `- **{dishes.name}**: {dishes.price}`) or a table row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mcp_server.content.template import Field, FieldType

LINE_LENGTH_MAX = 5_000
"""Longer lines are not matched against a pattern: the cost grows faster than their length."""

INTEGER_MAX = 2**53
"""Whole numbers beyond this are read as floats: only up to here has each integer an exact float."""

_PIPE = re.compile(r"(?<!\\)\|")
_RULE_CELL = re.compile(r":?-+:?")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Fixed text with fields of one line in it."""

    pieces: tuple[str | Field, ...]
    regex: re.Pattern[str]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in the order in which they stand."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Field))

    def write(self, values: Mapping[str, Any]) -> str:
        """Return the text with `values` in it."""
        return "".join(p if isinstance(p, str) else shown(values[p.name]) for p in self.pieces)

    def read(self, text: str) -> dict[str, Any] | None:
        """Return the values that stand in `text`, `None` where it does not fit."""
        if any(len(line) > LINE_LENGTH_MAX for line in text.split("\n")):
            return None
        match = self.regex.fullmatch(text)
        if match is None:
            return None
        return {
            field.name: _value(field, found)
            for field, found in zip(self.fields, match.groups(), strict=True)
        }


@dataclass(frozen=True, slots=True)
class Table:
    """A table row; in each cell a pattern. A cell is empty where its optional field is absent."""

    cells: tuple[Pattern, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of all cells."""
        return tuple(field for cell in self.cells for field in cell.fields)

    def write(self, values: Mapping[str, Any]) -> str:
        """Return the row with `values` in it; a `|` inside a value is escaped."""
        return "| " + " | ".join(self._cell(cell, values) for cell in self.cells) + " |"

    def read(self, line: str) -> dict[str, Any] | None:
        """Return the values that stand in the row, `None` where it does not fit."""
        cells = row_cells(line)
        if cells is None or len(cells) != len(self.cells):
            return None
        values: dict[str, Any] = {}
        for pattern, text in zip(self.cells, cells, strict=True):
            if not text and pattern.fields and not any(f.required for f in pattern.fields):
                continue
            found = pattern.read(text.replace("\\|", "|"))
            if found is None:
                return None
            values |= found
        return values

    @staticmethod
    def _cell(pattern: Pattern, values: Mapping[str, Any]) -> str:
        if any(field.name not in values for field in pattern.fields):
            return ""
        return pattern.write(values).replace("|", "\\|")


@dataclass(frozen=True, slots=True)
class Inline:
    """A block of fixed text with fields of one line in it, or with none."""

    source: str
    pattern: Pattern
    group: Field | None = None

    @property
    def optional(self) -> bool:
        """Whether the block may be left out."""
        return any(not field.required for field in self.pattern.fields)


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """The blocks of one text."""

    source: str
    field: Field
    group: Field | None = None

    @property
    def optional(self) -> bool:
        """Whether the text may be absent."""
        return not self.field.required


@dataclass(frozen=True, slots=True)
class Rows:
    """Fixed lines, then one line for each item of a list."""

    source: str
    header: tuple[str, ...]
    row: Pattern | Table
    list: Field

    @property
    def group(self) -> None:
        """None: rows are repeated within one block, not together with other blocks."""
        return

    @property
    def optional(self) -> bool:
        """Whether the list may be absent."""
        return not self.list.required

    @property
    def row_source(self) -> str:
        """The line of the format that is repeated."""
        return self.source.split("\n")[-1]

    def write(self, items: Sequence[Any]) -> str:
        """Return the block for these items."""
        rows = [self.row.write(item if self.list.of else {self.list.name: item}) for item in items]
        return "\n".join([*self.header, *rows])

    def read(self, text: str, *, first: bool) -> list[Any] | None:
        """Return the items that stand in a block, `None` where it does not fit.

        Only the first block of a list carries the fixed lines.
        """
        lines = _lines(text)[len(self.header) if first else 0 :]
        if not lines or self.first_misfit(text, first=first) >= 0:
            return None
        items = [self.row.read(line) or {} for line in lines]
        return [item if self.list.of else item[self.list.name] for item in items]

    def first_misfit(self, text: str, *, first: bool) -> int:
        """Return the first line (from 0) that does not fit, -1 where all do."""
        for number, line in enumerate(_lines(text)):
            if first and number < len(self.header):
                fits = _header_key(line) == _header_key(self.header[number])
            else:
                fits = self.row.read(line) is not None
            if not fits:
                return number
        return -1


FormatStep = Inline | Paragraphs | Rows


def row_cells(line: str) -> list[str] | None:
    """Return the cells of a table row, `None` where the line is no row."""
    line = line.strip()
    if len(line) < 2 or not line.startswith("|") or not line.endswith("|"):
        return None
    return [cell.strip() for cell in _PIPE.split(line)[1:-1]]


def shown(value: object) -> str:
    """Return a value of one line as it stands in Markdown."""
    if isinstance(value, float):
        # Without an exponent, which `_VALUES` in `format` would not read back.
        return format(Decimal(repr(value)), "f")
    return str(value)


def _value(field: Field, found: str) -> object:
    match field.type:
        case FieldType.INTEGER:
            return int(found)
        case FieldType.NUMBER:
            exact = "." not in found and abs(int(found)) <= INTEGER_MAX
            return int(found) if exact else float(found)
        case _:
            return found


def _header_key(line: str) -> object:
    """Return what header lines are compared by: a table's cells, as editors realign columns."""
    cells = row_cells(line)
    if cells is None:
        return line
    return [re.sub("-+", "-", cell) if _RULE_CELL.fullmatch(cell) else cell for cell in cells]


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n")]
