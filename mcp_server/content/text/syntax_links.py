"""Images, references, footnotes and other things in brackets. Pure.

Of `[text](address)` nothing is a piece: what it says is to be reworded, and where it leads is
checked elsewhere. Of `[text][label]` the label is.
"""

from __future__ import annotations

import re

from mcp_server.content.text.syntax_source import Read, Source, nothing, piece

LABEL_LENGTH_MAX = 100
"""Characters of what stands in brackets and is taken for a reference. More is prose."""

_WIKI = re.compile(r"\[\[[^\[\]\n]{1,300}\]\]")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\n]{1,200}\]")
_LABEL = re.compile(r"\[[^\[\]\n]{0,300}\]")
_BOX = re.compile(r"\[[ xX]\](?=[ \t])")
_BULLET = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+")


def read_image(source: Source, place: int) -> Read:
    """Return the image at `place`, with its address or label; `![[…]]` embeds a file."""
    if found := _WIKI.match(source.text, place + 1):
        return piece(place, found.end(), is_block=True)
    end = _end_of_link(source, place + 1)
    return nothing(place + 2) if end is None else piece(place, end)


def read_brackets(source: Source, place: int) -> Read:
    """Return what begins with the `[` at `place`."""
    text = source.text
    if found := _WIKI.match(text, place) or _FOOTNOTE.match(text, place):
        return piece(place, found.end())
    if place and text[place - 1] == "]" and (found := _LABEL.match(text, place)):
        return piece(place, found.end())
    if text.startswith("[![", place) and (end := _end_of_linked_image(source, place)):
        return piece(place, end)
    if _is_box(text, place):
        return nothing(place + 3)
    end = _end_of_reference(source, place)
    return nothing(place + 1) if end is None else piece(place, end)


def _end_of_reference(source: Source, place: int) -> int | None:
    """Return where `[label]` or `[label][]` ends, `None` where no label is at `place`."""
    text, inner = source.text, source.end_of_brackets(place)
    if inner is None or text.startswith("(", inner):
        return None
    if text.startswith("[]", inner):
        return inner + 2
    if _LABEL.match(text, inner):  # its text is to be reworded; the label is read next
        return None
    is_label = 2 < inner - place <= LABEL_LENGTH_MAX and "\n" not in text[place:inner]
    return inner if is_label else None


def _end_of_linked_image(source: Source, place: int) -> int | None:
    end, image = _end_of_link(source, place), _end_of_link(source, place + 2)
    return None if image is None or not source.text.startswith("]", image) else end


def _end_of_link(source: Source, place: int) -> int | None:
    """Return where a link or image ends whose text begins at `place`, with its address."""
    inner = source.end_of_brackets(place)
    if inner is None:
        return None
    if source.text.startswith("(", inner):
        return source.end_of_brackets(inner, "()")
    label = _LABEL.match(source.text, inner)
    return inner if label is None else label.end()


def _is_box(text: str, place: int) -> bool:
    """Whether it is the box of a task in a list."""
    if _BOX.match(text, place) is None:
        return False
    return _BULLET.fullmatch(text, text.rfind("\n", 0, place) + 1, place) is not None
