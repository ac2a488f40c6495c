"""The texts and fields that an edit stores: tidied, and checked as a model's are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from mcp_server.content.actions.calls import EditCall
from mcp_server.content.drafting.complaints import complaint_about, complaint_about_answer, tidied
from mcp_server.content.drafting.drafter import DraftRequest
from mcp_server.content.site import Section, Site
from mcp_server.content.template import Template
from mcp_server.content.text.blocks import section_mark
from mcp_server.content.text.fields import MARKDOWN_LENGTH_MAX, without_outer_lines
from mcp_server.content.text.markdown import render
from mcp_server.content.text.replace import Replacement
from mcp_server.content.text.visible import visible_fields, visible_part
from mcp_server.entities.entity import Revision
from mcp_server.errors import InvalidPayload

TEXT_LENGTH_MAX = 100_000
"""Characters of a section's text. A page is read by people; larger ones are no texts."""

DEPTH_MAX = 8
"""Lists and objects within one another, in the fields of a text; templates have two."""


def check_size(call: EditCall) -> None:
    """Refuse what is too long, before anything goes through it letter by letter.

    Raises:
        InvalidPayload: the fields, or a piece to be replaced, have too many characters.
    """
    for each in call.replace:
        if max(len(each.old), len(each.new)) > TEXT_LENGTH_MAX:
            raise InvalidPayload("replace", [f"write at most {TEXT_LENGTH_MAX:,} characters"])
    length, level = 0, [cast("object", call.fields or {})]
    for _ in range(DEPTH_MAX):
        level = [inner for value in level for inner in _within(value)]
        length += sum(len(each) if isinstance(each, str) else 1 for each in level)
        if length > TEXT_LENGTH_MAX:
            raise InvalidPayload("fields", [f"write at most {TEXT_LENGTH_MAX:,} characters"])
    if level:
        raise InvalidPayload("fields", ["they are nested too deep; write them as the template has"])


def _within(value: object) -> Iterable[object]:
    match value:
        case Mapping():
            items = cast("Mapping[str, object]", value)
            return (*items, *items.values())
        case list():
            return cast("list[object]", value)
        case _:
            return ()


def tidy_text(text: str, before: str = "") -> str:
    """Return a section's text as somebody wrote it, without what nobody sees.

    Raises:
        InvalidPayload: see `check_text`.
    """
    text = without_outer_lines(visible_part(text))
    check_text("text", text, before)
    return text


def check_text(argument: str, text: str, before: str = "") -> None:
    """Refuse a section's text that is empty or too long, or would break the page's file.

    One that is no longer than that before is not too long. A piece of it may be replaced by a
    longer one, also in a page that is a long list and grows with each release.

    Raises:
        InvalidPayload: says what to write differently.
    """
    if not text:
        what = "nothing would be left; discard takes a draft off, unpublish what is live"
        raise InvalidPayload(argument, [what])
    longest = max(TEXT_LENGTH_MAX, len(before))
    if argument == "replace":
        longest = max(MARKDOWN_LENGTH_MAX, len(before) + TEXT_LENGTH_MAX)
    if len(text) > longest:
        raise InvalidPayload(argument, [f"write at most {longest:,} characters"])
    if section_mark(text, before):
        what = "must not hold `<!-- section:`, which divides the page's file"
        raise InvalidPayload(argument, [what])


def merged_fields(
    site: Site,
    section: Section,
    template: Template,
    given: Mapping[str, Any],
    start: Revision | None,
) -> dict[str, Any]:
    """Return the fields of `start` with the given ones in their place; null takes one away.

    Raises:
        InvalidPayload: they do not fit the template; says what to write differently.
    """
    known = {field.name for field in template.fields}
    before: Mapping[str, Any] = start.fields if start is not None else {}
    stays = {name: value for name, value in before.items() if name in known}
    merged = {**stays, **visible_fields(given)}
    wanted = {name: value for name, value in merged.items() if value is not None}
    request = DraftRequest(
        site=site, section=section, template=template, mode="with-current", current=start
    )
    if (complaint := complaint_about_answer(request, wanted)) is not None:
        raise InvalidPayload("fields", [complaint])
    return tidied(template, wanted)


def fields_with(
    template: Template,
    fields: Mapping[str, Any],
    replacements: Sequence[Replacement],
    text: str,
) -> dict[str, Any]:
    """Return the fields of which `text` is made after the replacements; none if they do not fit.

    Then the text stands for itself, as one that was written as a whole.
    """
    new = cast("dict[str, Any]", _replaced_in(dict(fields), replacements))
    if not new or complaint_about(template, new) is not None:
        return {}
    return new if render(template, new) == text else {}


def _replaced_in(value: object, replacements: Sequence[Replacement]) -> object:
    match value:
        case str():
            for each in replacements:
                value = value.replace(each.old, each.new)
            return value
        case Mapping():
            items = cast("Mapping[str, object]", value).items()
            return {name: _replaced_in(inner, replacements) for name, inner in items}
        case list() | tuple():
            return [_replaced_in(e, replacements) for e in cast("Sequence[object]", value)]
        case _:
            return value
