"""Edits that put texts into the body of a page: into their spans, or behind new marks. Pure.

What stands around a span stays. A blank line is put before and after a text where there is none
and something is added: behind a mark, and before the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mcp_server.content.pages.edits import Edit, line_end
from mcp_server.content.pages.mark_lines import escaped, mark_line
from mcp_server.content.pages.page_text import PageText, Region, Span, span_of
from mcp_server.content.text.shown import levelled

_BOM = "\N{BYTE ORDER MARK}".encode()
_BLANKS = b" \t\n"


def body_edits(
    page: PageText, found: Sequence[Region], changes: Mapping[str, str]
) -> Iterator[Edit]:
    """Yield the edits that make these the texts of the body's sections.

    `found` are the regions of the file. A section that has none gets a mark, after the one before
    it in the layout; the one section of a file without marks then gets its own, too.
    """
    scan = levelled(page.data)
    known = {region.section for region in found}
    new = [part.section for part in page.layout.parts if part.section in changes.keys() - known]
    new += sorted(changes.keys() - known - set(new))
    marked = page.marked or page.layout.split or not new
    for region in found:
        if region.section in changes or not marked:
            yield _into_span(page, scan, region, changes.get(region.section), marked=marked)
    places: dict[int, list[str]] = {}
    for section in new:
        places.setdefault(_place(page, found, section), []).append(section)
    for place, sections in places.items():
        yield _behind_marks(page, scan, place, {section: changes[section] for section in sections})


def _into_span(
    page: PageText, scan: bytes, region: Region, text: str | None, *, marked: bool
) -> Edit:
    """Return the edit that gives a region its text (`None`: the one it has), and its mark."""
    span = span_of(page.data, scan, region, page.layout, line=0)
    end = line_end(page.data[span.start : span.end], line_end(page.data))
    written = page.data[span.start : span.end] if text is None else _bytes(page, text, end)
    if not marked:
        mark = mark_line(region.section, page.layout.marks).encode()
        written = mark + (_ends(2, end) + written if written else b"")
    if span.text or not written:
        return Edit(span.start, span.end, written)
    before, after = _blank_lines(page.data, scan, region, span)
    return Edit(span.start, span.end, _ends(before, end) + written + _ends(after, end))


def _blank_lines(data: bytes, scan: bytes, region: Region, span: Span) -> tuple[int, int]:
    """Return how many line ends a text needs before and after it where nothing was."""
    before = 0
    if scan[: region.start] not in {b"", _BOM} and span.start == region.start:
        before = 1 if scan.endswith(b"\n", 0, region.start) else 2
    behind = scan.count(b"\n", span.start, region.end)
    after = max((1 if region.end == len(scan) else 2) - behind, 0)
    # Blanks without a line end between would become the end of the text's last line.
    joined = data[span.start : region.end].startswith((b"\n", b"\r")) or span.start == region.end
    return before, after if joined else max(after, 1)


def _behind_marks(page: PageText, scan: bytes, place: int, texts: Mapping[str, str]) -> Edit:
    """Return the edit that puts marks and texts at `place`: before a mark, or at the end."""
    end = line_end(page.data)
    blocks = [
        mark_line(section, page.layout.marks).encode()
        + (_ends(2, end) + _bytes(page, text, end) if text else b"")
        for section, text in texts.items()
    ]
    written = _ends(2, end).join(blocks)
    above = scan[:place]
    missing = 2 - above[len(above.rstrip(_BLANKS)) :].count(b"\n")
    if not above.strip(_BLANKS + _BOM):
        missing = int(not page.marked)  # the mark of the first section comes before it
    unfinished = bool(above) and not above.endswith(b"\n")
    after = 2 if place < len(scan) else 0 if unfinished else 1
    return Edit(place, place, _ends(max(missing, 0), end) + written + _ends(after, end))


def _place(page: PageText, found: Sequence[Region], section: str) -> int:
    """Return where a new section goes: after the nearest one before it, else before the first."""
    order = [part.section for part in page.layout.parts]
    of = {region.section: region for region in found}
    at = order.index(section) if section in order else len(order)
    for before in reversed(order[:at]):
        if before in of:
            return of[before].end
    first = found[0].opening if found and at < len(order) else None
    return len(page.data) if first is None else first


def _bytes(page: PageText, text: str, end: str) -> bytes:
    if not page.layout.split:
        text = escaped(text, page.layout.page, page.layout.marks)
    return text.replace("\n", end).encode()


def _ends(count: int, end: str) -> bytes:
    return (end * count).encode()
