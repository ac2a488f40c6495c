"""The file of a page that has none yet. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from mcp_server.content.pages.front_edits import new_front
from mcp_server.content.pages.layout import Blocked, Layout
from mcp_server.content.pages.mark_lines import escaped, mark_line
from mcp_server.content.pages.page_text import INTRO, parse, plain_text
from mcp_server.content.pages.splice import SpliceRefused, meta_of
from mcp_server.content.pages.yaml_value import as_yaml, declared_yaml

FIRST_KEYS = ("title", "description")
"""They come first in a new front matter, where people look for them."""


def new_file(layout: Layout, texts: Mapping[str, str]) -> bytes:
    """Return the bytes of a new file: front matter, then the sections in their order.

    What `site.yaml` declares comes with it, static texts too; a section that has no text is left
    out. There are marks if the page has more than one section beside `meta`. Sections that the
    layout does not know come last.

    Raises:
        SpliceRefused: it would not be read as what was asked.
    """
    wanted = _texts(layout, texts)
    front = _front(layout, wanted)
    blocks = [front] if front else []
    blocks += _body(layout, wanted)
    data = "\n".join(blocks).encode()
    _check(layout, data, wanted)
    return data


def _texts(layout: Layout, texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts in the order of the file; a declared one stands before a given one."""
    static = {part.section: part.static for part in layout.parts if part.static is not None}
    given = {section: plain_text(text) for section, text in ({**texts, **static}).items()}
    order = [part.section for part in layout.parts if part.section in given]
    return {section: given[section] for section in [*order, *sorted(given.keys() - set(order))]}


def _front(layout: Layout, wanted: Mapping[str, str]) -> str:
    values = {name: declared_yaml(value) for name, value in layout.front.items()}
    for part in layout.parts:
        if part.keys and part.section in wanted:
            fields = meta_of(part, wanted[part.section])
            values |= {k: as_yaml(fields[k], name=k) for k in part.keys if k in fields}
    first = {name: values.pop(name) for name in FIRST_KEYS if name in values}
    return new_front(first | values, "\n").decode() if first or values else ""


def _body(layout: Layout, wanted: Mapping[str, str]) -> list[str]:
    meta = {part.section for part in layout.parts if part.keys}
    body = {section: text for section, text in wanted.items() if section not in meta}
    places = {part.section for part in layout.parts} - meta | body.keys()
    if layout.split:
        return _intro(body)
    shown = {s: escaped(text, layout.page, layout.marks) for s, text in body.items()}
    if len(places) == 1:
        return [f"{text}\n" for text in shown.values() if text]
    lines = {section: mark_line(section, layout.marks) for section in shown}
    return [f"{lines[s]}\n\n{text}\n" if text else f"{lines[s]}\n" for s, text in shown.items()]


def _intro(body: Mapping[str, str]) -> list[str]:
    for section in body.keys() - {INTRO}:
        raise SpliceRefused("its heading is not known; write the file with it", section)
    return [f"{text}\n" for text in body.values() if text]


def _check(layout: Layout, data: bytes, wanted: Mapping[str, str]) -> None:
    page = parse(data, layout)
    if isinstance(page, Blocked):
        raise SpliceRefused(f"with it, {page.reason}")
    for section, text in wanted.items():
        span = page.spans.get(section)
        if (span.text if span else page.strays.get(section, "")) != text:
            raise SpliceRefused("it would be read otherwise than it was written", section)
    for section in (page.spans.keys() | page.strays.keys()) - wanted.keys():
        if section in page.strays or page.spans[section].text:
            raise SpliceRefused(f"a section {section} would come with it")
