"""Fields to Markdown and back, by a template's format.

`parse` is the exact inverse of `render` for all fields that `round_trip_problem` accepts; others
are never written. `content.text.steps` says what a format is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never

from mcp_server.content.template import PROSE, Field, FieldType, Template
from mcp_server.content.text.blocks import (
    SECTION_MARK,
    blocks,
    headings,
    is_heading,
    open_fence,
    section_mark,
    shape,
)
from mcp_server.content.text.fields import without_outer_lines
from mcp_server.content.text.format import Format, compile_format
from mcp_server.content.text.match import MarkdownMismatch, fits, match
from mcp_server.content.text.meta_values import read_meta, write_meta
from mcp_server.content.text.steps import FormatStep, Inline, Paragraphs, Rows
from mcp_server.errors import InvalidPayload

__all__ = [
    "MarkdownMismatch",
    "format_problems",
    "parse",
    "render",
    "round_trip_problem",
    "values_of",
]


def render(template: Template, fields: Mapping[str, Any]) -> str:
    """Return `fields` as Markdown, without a line break at the end.

    The block of an optional field that is absent is left out.

    Raises:
        InvalidPayload: a required field is missing.
    """
    if template.front_matter:
        return write_meta(template, fields)
    steps = _usable(template).steps
    written: list[str] = []
    index = 0
    while index < len(steps):
        group = steps[index].group
        end = index + 1
        while group is not None and end < len(steps) and steps[end].group is group:
            end += 1
        for item in [fields] if group is None else _items(template, group, fields):
            written += _written(template, steps[index:end], item)
        index = end
    return "\n\n".join(written)


def parse(template: Template, markdown: str) -> dict[str, Any]:
    """Return the fields that stand in `markdown`, with the types of the template.

    Where a text could be divided in several ways, each paragraph field ends at the first place
    where the rest fits.

    Raises:
        MarkdownMismatch: the text does not follow the format; says where.
    """
    if template.front_matter:
        return read_meta(template, markdown)
    return _in_order(template.fields, match(_usable(template), markdown))


def round_trip_problem(template: Template, fields: Mapping[str, Any]) -> str | None:
    """Return what must be written differently so that `parse` gives back what `render` was given.

    `None` where it does already. The text is for the author of the fields, model or person, and
    repeats neither their words nor the template's. The fields must be of the right types, which
    `content.text.fields.problems` checks.
    """
    values = list(values_of(template.fields, fields))
    problems = [
        problem for name, field, value in values for problem in _value_problems(name, field, value)
    ]
    if problems:
        return "; ".join(dict.fromkeys(problems))
    return _inverse_problem(template, fields)


def format_problems(template: Template) -> list[str]:
    """Return what is ambiguous or incomplete in the template's format; empty where it is sound.

    Beyond the structure, samples of all shapes (each optional field there and not there) are
    written and read back.
    """
    format = compile_format(template.fields, template.format)
    if format.problems:
        return list(format.problems)
    for left_out in _choices_of_absence(template.fields):
        sample = _sample(template.fields, left_out)
        back = _read_back(template, sample)
        if back != sample:
            return [_ambiguity(template, sample, back, left_out)]
    return []


def _written(
    template: Template, steps: Sequence[FormatStep], fields: Mapping[str, Any]
) -> Iterator[str]:
    for step in steps:
        match step:
            case Inline():
                if _given(template, step, step.pattern.fields, fields):
                    yield step.pattern.write(fields)
            case Paragraphs():
                if _given(template, step, (step.field,), fields):
                    yield fields[step.field.name]
            case Rows():
                items = _items(template, step.list, fields)
                for item in items if step.list.of else ():
                    _given(template, step, [f for f in step.list.of if f.required], item)
                if items:
                    yield step.write(items)
            case _:
                assert_never(step)


def _given(
    template: Template, step: FormatStep, needed: Sequence[Field], fields: Mapping[str, Any]
) -> bool:
    """Whether everything the step needs is there; it may be missing only from an optional step."""
    missing = [f"{field.name} is missing" for field in needed if fields.get(field.name) is None]
    if missing and (isinstance(step, Rows) or not step.optional):
        raise InvalidPayload(f"fields of template {template.name}", missing)
    return not missing


def _items(template: Template, field: Field, fields: Mapping[str, Any]) -> Sequence[Any]:
    items = fields.get(field.name) or ()
    if field.required and not items:
        raise InvalidPayload(f"fields of template {template.name}", [f"{field.name} is missing"])
    return items


def _in_order(order: Sequence[Field], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return `fields` in the order of the template: the format may have another."""
    return {
        field.name: [_in_order(field.of, item) for item in fields[field.name]]
        if field.of
        else fields[field.name]
        for field in order
        if field.name in fields
    }


def values_of(
    known: Sequence[Field], fields: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Field, object]]:
    """Yield every single value with its field and the name a person would call it by."""
    for field in known:
        name, value = f"{prefix}{field.name}", fields.get(field.name)
        if field.type is not FieldType.LIST:
            yield name, field, value
            continue
        for number, item in enumerate(value or (), 1):
            if field.of:
                yield from values_of(field.of, item, f"{name}[{number}].")
            else:
                yield f"{name}[{number}]", field, item


def _value_problems(name: str, field: Field, value: object) -> Iterator[str]:
    if not isinstance(value, str):
        return
    if not value.strip():
        yield f"{name} is empty; write something or leave the field out"
    elif value != _tidy(field, value):
        yield f"{name} begins or ends with blank space; leave it out"
    in_code = field.type is FieldType.MARKDOWN and not section_mark(value)
    if SECTION_MARK.search(value) and not in_code:
        yield f"{name} holds `<!-- section:`, which divides the page's file; leave it out"
    if "\r" in value:
        yield f"{name} holds carriage returns; write plain line breaks"
    match field.type:
        case FieldType.TEXT:
            yield from _text_problems(name, value)
        case FieldType.MARKDOWN:
            yield from _fence_problems(name, value)
        case _:
            yield from _line_problems(name, value)


def _tidy(field: Field, value: str) -> str:
    return without_outer_lines(value) if field.type is FieldType.MARKDOWN else value.strip()


def _text_problems(name: str, value: str) -> Iterator[str]:
    if count := sum(1 for _ in headings(value)):
        yield f"{name} holds {_amount(count, 'heading')}; write it without headings"
    yield from _fence_problems(name, value)


def _fence_problems(name: str, value: str) -> Iterator[str]:
    if open_fence(value):
        yield f"{name} opens a code block and does not close it; close it"


def _line_problems(name: str, value: str) -> Iterator[str]:
    if "\n" in value:
        yield f"{name} must be one line; write it without line breaks"
    elif is_heading(value):
        yield f"{name} begins with `#`; write it without heading marks"


def _inverse_problem(template: Template, fields: Mapping[str, Any]) -> str | None:
    back = _read_back(template, fields)
    if back == fields:
        return None
    if culprits := [] if template.front_matter else list(_lookalikes(template, fields)):
        return "; ".join(culprits)
    if isinstance(back, MarkdownMismatch):
        where = f"line {back.line} of its Markdown"
        return f"the text cannot be read back from {where}; write it differently"
    known = {name: value for name, _, value in values_of(template.fields, back)}
    wrong = [n for n, _, value in values_of(template.fields, fields) if known.get(n) != value]
    if not wrong:
        empty = [
            field.name for field in template.fields if field.name in fields.keys() - back.keys()
        ]
        return f"{', '.join(empty) or 'a field'} cannot be written in this format; leave it out"
    return (
        f"{wrong[0]} cannot be told from the fixed text and the other fields around it in the "
        "format; write it without the marks of the format"
    )


def _lookalikes(template: Template, fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a paragraph of a text reads like another block of the format."""
    fixed = [step for step in _usable(template).steps if not isinstance(step, Paragraphs)]
    for name, field, value in values_of(template.fields, fields):
        if field.type not in PROSE or not isinstance(value, str):
            continue
        for number, block in enumerate(blocks(value.split("\n")), 1):
            if like := next((step for step in fixed if fits(step, block.text)), None):
                yield (
                    f"paragraph {number} of {name} reads like another block of the format "
                    f"({shape(like.source)}); write it differently"
                )


def _read_back(template: Template, fields: Mapping[str, Any]) -> dict[str, Any] | MarkdownMismatch:
    try:
        return parse(template, render(template, fields))
    except MarkdownMismatch as mismatch:
        return mismatch


def _amount(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _choices_of_absence(fields: Sequence[Field]) -> Iterator[frozenset[str]]:
    """Yield sets of optional fields to leave out: none, all, each alone, all but each."""
    optional = frozenset(field.name for field in fields if not field.required)
    yield frozenset()
    yield optional
    for name in sorted(optional):
        yield frozenset({name})
        yield optional - {name}


def _sample(fields: Sequence[Field], left_out: frozenset[str]) -> dict[str, Any]:
    return {f.name: _sample_value(f) for f in fields if f.name not in left_out}


def _sample_value(field: Field) -> object:
    if field.of:
        sparse = frozenset(inner.name for inner in field.of if not inner.required)
        # Each shape twice, so that either of them is followed by the other.
        return [_sample(field.of, absent) for absent in (frozenset[str](), sparse) * 2]
    samples: dict[FieldType, object] = {
        FieldType.LINE: f"Some {field.name}",
        FieldType.TEXT: f"First {field.name}.\n\nSecond {field.name}.",
        FieldType.MARKDOWN: f"## First {field.name}\n\n- One\n- Two",
        FieldType.INTEGER: 7,
        FieldType.NUMBER: 7.5,
        FieldType.URL: f"https://example.org/{field.name}",
        FieldType.CHOICE: next(iter(field.choices), ""),
        FieldType.LIST: [f"One {field.name}", f"Other {field.name}"],
    }
    return samples[field.type]


def _ambiguity(
    template: Template,
    sample: Mapping[str, Any],
    back: dict[str, Any] | MarkdownMismatch,
    left_out: frozenset[str],
) -> str:
    read = {} if isinstance(back, MarkdownMismatch) else back
    wrong = [f"{{{f.name}}}" for f in template.fields if read.get(f.name) != sample.get(f.name)]
    without = f" when {', '.join(sorted(left_out))} is left out" if left_out else ""
    return (
        f"{' and '.join(wrong)} cannot be told apart{without}; put a block of fixed text (such as "
        "a heading) or a mark (such as `**`) between them"
    )


def _usable(template: Template) -> Format:
    format = compile_format(template.fields, template.format)
    assert not format.problems, f"template {template.name} was used unchecked: {format.problems}"
    return format
