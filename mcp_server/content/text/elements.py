"""Finds the raw HTML in a text, except for harmless inline elements such as `<em>`. Pure."""

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
"""Elements whose effect lies between their tags. Each is one piece with its content: otherwise a
script could be exchanged within tags that were there before."""

# Possessive quantifiers (`++`, `*+`) never backtrack, so that a flood of `<a` takes linear time.
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
    """A tag, its element's name in lower case, and the piece of the text that it stands for.

    The piece is the tag alone or, for the elements in `_WHOLE`, everything up to the closing tag.
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

    Left out are inert elements that are closed again and have no attributes but `title`, `lang` and
    `dir`.
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
    # One that is never closed goes on to the end, as browsers read it.
    if whole is not None:
        yield Element(whole[0], whole[1], "".join(whole[2]))
    # An inert element that is left open reaches into the rest of the page.
    yield from (Element(name, f"<{name}>", f"<{name}>") for name, n in opened.items() if n)


def _atoms(pieces: Sequence[Piece]) -> Iterator[tuple[bool, str]]:
    """Yield tags and the text between them, each with whether it is a tag."""
    for piece in pieces:
        if piece.part in (Part.PROSE, Part.CODE, Part.SHAKY):
            yield False, piece.text
            continue
        end = 0
        for found in _TAG.finditer(piece.text):
            yield False, piece.text[end : found.start()]
            # `<https://example.org>` is a link in Markdown, and no tag.
            yield _ADDRESS.match(found[0]) is None, found[0]
            end = found.end()
        yield False, piece.text[end:]


def _depth(name: str, tag: str) -> int:
    """Return the change of depth at a tag; void elements such as `<br>` have no closing tag."""
    if re.fullmatch(_VOID, name):
        return 0
    return -1 if tag.startswith("</") else 1


def _name(tag: str) -> str:
    found = _NAME.match(tag)
    return found[1].lower() if found else _NO_ELEMENT
