"""The line that opens a section, and backslashes in lines of a text that look like one. Pure."""

from __future__ import annotations

from mcp_server.content.pages.layout import MarkStyle
from mcp_server.content.pages.outline import marks


def mark_line(section: str, style: MarkStyle) -> str:
    """Return the line that opens a section, without its line feed."""
    match style:
        case MarkStyle.HTML:
            return f"<!-- section: {section} -->"
        case MarkStyle.MDX:
            return f"{{/* section: {section} */}}"


def escaped(text: str, page: str, style: MarkStyle) -> str:
    """Return `text` with a backslash in each line that would open a section, or has one already."""
    if "section:" not in text:
        return text
    data = text.encode()
    for mark in reversed(marks(data, 0, page, style)):
        data = data[: mark.escape] + b"\\" + data[mark.escape :]
    return data.decode()


def unescaped(text: str, page: str, style: MarkStyle) -> str:
    """Return `text` as it was before it was `escaped`."""
    if "\\section:" not in text:
        return text
    data = text.encode()
    for mark in reversed(marks(data, 0, page, style)):
        if mark.backslashes:
            data = data[: mark.escape] + data[mark.escape + 1 :]
    return data.decode()
