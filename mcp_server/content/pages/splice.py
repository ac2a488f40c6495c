"""Puts texts into a page's file and changes no other byte. Pure.

The result is read again before it is given out: other sections and other keys are as they were,
and the new texts are as asked (P8).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from mcp_server.content.pages.body_edits import body_edits
from mcp_server.content.pages.edits import Edit, applied, line_end
from mcp_server.content.pages.front_edits import front_edits, new_front
from mcp_server.content.pages.front_matter import ONLY_YAML, FrontKey, FrontStyle, scalar, unix
from mcp_server.content.pages.layout import Blocked, Part
from mcp_server.content.pages.page_text import (
    INTRO,
    PageText,
    Region,
    plain_text,
    regions,
)
from mcp_server.content.pages.proof import BOM, SECTIONS, SpliceRefused, meta_part, prove, text_of
from mcp_server.content.pages.yaml_value import as_read, as_yaml, declared_yaml, read
from mcp_server.content.text.meta import NotMeta, canonical_fields
from mcp_server.content.text.shown import levelled
from mcp_server.entities.entity import SLUG, is_slug

_OLD_ID = re.compile(rf"{SLUG.pattern}/{SLUG.pattern}")


def splice(
    page: PageText,
    changes: Mapping[str, str | None],
    *,
    front: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """Return the page's bytes with these texts in place of what their spans hold.

    `None` empties a span; its mark stays. A section that is not in the file is put after the one
    before it in the layout, behind a mark; where the file had none, its one section gets one too.
    `front` are keys of the front matter with their JSON values. A text or value that is there
    already changes nothing.

    Raises:
        SpliceRefused: the file would not say what was asked, or say something else differently.
    """
    wanted = {s: plain_text(text or "") for s, text in changes.items() if _differs(page, s, text)}
    try:
        edits = [*_front(page, wanted, front), *_body(page, wanted)]
    except UnicodeEncodeError as error:
        raise SpliceRefused("it holds half a character, which no file can") from error
    if not edits:
        return page.data
    edits += _old_sections(page)
    data = applied(page.data, edits)
    prove(page, data, wanted, front)
    return data


def is_as_asked(
    page: PageText, data: bytes, changes: Mapping[str, str | None], *, unmarked: bool = False
) -> bool:
    """Whether these bytes say what was asked of the page's file, and all else as it does (P8).

    `unmarked`: marks of texts that are empty may be away.
    """
    wanted = {s: plain_text(text or "") for s, text in changes.items() if _differs(page, s, text)}
    if unmarked:
        empty = [section for section, span in page.spans.items() if not span.text.strip()]
        wanted = {s: "" for s in empty if not meta_part(page, s)} | wanted
    try:
        prove(page, data, wanted, {})
    except SpliceRefused:
        return False
    return True


def meta_of(part: Part, text: str) -> dict[str, str]:
    """Return the values of a `meta` section's text.

    Raises:
        SpliceRefused: it is not canonical.
    """
    try:
        return canonical_fields(text, part.keys)
    except NotMeta as error:
        raise SpliceRefused(str(error), part.section) from error


def needs_marks(page: PageText, sections: Collection[str]) -> bool:
    """Whether putting texts into these sections gives marks to a file that has none."""
    new = {section for section in sections if not meta_part(page, section)} - page.spans.keys()
    return bool(new) and not page.marked and not page.layout.split


def _differs(page: PageText, section: str, text: str | None) -> bool:
    now = text_of(page, section)
    return text is not None if now is None else plain_text(text or "") != now


def _body(page: PageText, wanted: Mapping[str, str]) -> Iterator[Edit]:
    texts = {s: text for s, text in wanted.items() if meta_part(page, s) is None}
    found = _regions(page)
    for section in texts.keys() - {region.section for region in found}:
        if page.layout.split:
            raise SpliceRefused("its heading is not in the file; write the heading there", section)
        if not is_slug(section):
            raise SpliceRefused("it is no id of a section", section)
    return body_edits(page, found, texts)


def _regions(page: PageText) -> list[Region]:
    """Return the regions of the file, and of one that is split the beginning, even if empty."""
    start = page.front.body if page.front else len(BOM) if page.data.startswith(BOM) else 0
    found = regions(levelled(page.data), start, page.layout)
    assert not isinstance(found, Blocked), "a blocked page is not written into"
    if page.layout.split and found[0].section != INTRO:
        return [Region(INTRO, start, found[0].opening or start), *found]
    return list(found)


def _front(
    page: PageText, wanted: Mapping[str, str], declared: Mapping[str, Any]
) -> Iterator[Edit]:
    """Yield the edits of the front matter, for `meta` sections and for declared keys."""
    groups: list[tuple[Sequence[str], dict[str, str | None]]] = []
    for section, text in wanted.items():
        if part := meta_part(page, section):
            groups.append((part.keys, _meta_values(page, part, text)))
    groups.append((tuple(declared), _declared_values(page, declared)))
    values = {name: value for _, group in groups for name, value in group.items()}
    if not values:
        return
    if page.front is None:
        yield _new_front(page, values, has_body=any(not meta_part(page, s) for s in wanted))
    elif page.front.style is not FrontStyle.YAML:
        raise SpliceRefused(f"its front matter is {page.front.style}; {ONLY_YAML}")
    else:
        for order, group in groups:
            yield from front_edits(page.data, page.front, group, order, line_end(page.data))


def _meta_values(page: PageText, part: Part, text: str) -> dict[str, str | None]:
    """Return what changes in the keys of a `meta` section, in YAML; `None` removes one."""
    fields = meta_of(part, text)
    changed: dict[str, str | None] = {}
    for name in part.keys:
        key = page.front.key(name) if page.front else None
        now = scalar(page.data, key) if key else None
        if fields.get(name) != now:
            old = _source(page, key) if key else None
            changed[name] = as_yaml(fields[name], name=name, old=old) if name in fields else None
    return changed


def _declared_values(page: PageText, declared: Mapping[str, Any]) -> dict[str, str | None]:
    changed: dict[str, str | None] = {}
    for name, value in declared.items():
        key = page.front.key(name) if page.front else None
        if key is None or read(_source(page, key)) != as_read(value):
            changed[name] = declared_yaml(value)
    return changed


def _source(page: PageText, key: FrontKey) -> str:
    return unix(page.data[key.value : key.end]).decode()


def _new_front(page: PageText, values: Mapping[str, str | None], *, has_body: bool) -> Edit:
    start = len(BOM) if page.data.startswith(BOM) else 0
    end = line_end(page.data)
    written = new_front({name: value for name, value in values.items() if value is not None}, end)
    rest = levelled(page.data)[start:]
    apart = (rest.strip() or has_body) and not rest.startswith(b"\n")
    return Edit(start, start, written + (end.encode() if apart else b""))


def _old_sections(page: PageText) -> Iterator[Edit]:
    """Yield the removal of the `sections:` that exports wrote: what it says is in the history."""
    key = page.front.key(SECTIONS) if page.front and page.marked else None
    held = read(_source(page, key)) if key else None
    ids = cast("dict[str, Any]", held).keys() if isinstance(held, dict) else ()
    if key and ids and all(map(_OLD_ID.fullmatch, ids)):
        yield Edit(key.start, key.end, b"")
