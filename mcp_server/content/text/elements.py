"""The raw HTML in a text, less the few elements that only say how a word is meant. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_server.content.text.pieces import Part, Piece

_INERT = "abbr|b|bdi|cite|del|dfn|em|i|ins|kbd|mark|q|rp|rt|ruby|samp|small|strong|sub|sup|u|var"
_VOID = "br|hr|wbr"
_WHOLE = re.compile(
    "iframe|math|noembed|noframes|noscript|object|plaintext|script|style|svg|template|textarea"
    "|title|xmp"
)
"""What such an element does is said between its tags: it is one piece with all that is in it."""

_TAG = re.compile(
    r"<!--(?:.*?-->|.*)|<[?!][^>]*>?|</?[A-Za-z](?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>?", re.DOTALL
)
_PLAIN = re.compile(
    rf"</(?:{_INERT})\s*>"
    rf"|<(?:{_INERT}|{_VOID})"
    r"(?:\s+(?:title|lang|dir)=(?:\"[^\"<>{}&]*\"|'[^'<>{}&]*'))*\s*/?>",
    re.IGNORECASE,
)
_NAME = re.compile(r"</?([A-Za-z][^\s/>]*)")
_ADDRESS = re.compile(r"<(?:https?:|mailto:)[^\s<>]*>", re.IGNORECASE)
_NO_ELEMENT = ""


@dataclass(frozen=True, slots=True)
class Element:
    """A tag with its element's name in lower case, and the piece of the text that it stands for.

    That is the tag alone, or with all up to the closing tag where its sense lies in between.
    """

    name: str
    tag: str
    text: str

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment."""
        return self.tag.startswith("<!--")


def elements(pieces: Sequence[Piece]) -> Iterator[Element]:
    """Yield the HTML in a text, tag by tag, in time that is proportional to its length.

    Elements that are inert, have no other attributes than `title`, `lang` and `dir`, and are closed
    again, are left out.
    """
    opened: Counter[str] = Counter()
    whole: tuple[str, str, list[str]] | None = None
    for is_tag, text in _atoms(pieces):
        name = _name(text) if is_tag else _NO_ELEMENT
        if whole is not None:
            whole[2].append(text)
            if name == whole[0] and text.startswith("</"):
                yield Element(whole[0], whole[1], "".join(whole[2]))
                whole = None
        elif _WHOLE.fullmatch(name) and not text.startswith("</"):
            whole = (name, text, [text])
        elif is_tag and _PLAIN.fullmatch(text):
            opened[name] += _depth(name, text)
        elif is_tag:
            yield Element(name, text, text)
    if whole is not None:
        yield Element(whole[0], whole[1], "".join(whole[2]))
    yield from (Element(name, f"<{name}>", f"<{name}>") for name, n in opened.items() if n)


def _atoms(pieces: Sequence[Piece]) -> Iterator[tuple[bool, str]]:
    """Yield tags, and what stands between them; whether it is a tag comes first."""
    for piece in pieces:
        if piece.part in (Part.PROSE, Part.CODE, Part.SHAKY):
            yield False, piece.text
            continue
        end = 0
        for found in _TAG.finditer(piece.text):
            yield False, piece.text[end : found.start()]
            yield _ADDRESS.match(found[0]) is None, found[0]
            end = found.end()
        yield False, piece.text[end:]


def _depth(name: str, tag: str) -> int:
    """Return how much deeper a tag leads: an element that holds nothing is closed already."""
    if re.fullmatch(_VOID, name):
        return 0
    return -1 if tag.startswith("</") else 1


def _name(tag: str) -> str:
    found = _NAME.match(tag)
    return found[1].lower() if found else _NO_ELEMENT
