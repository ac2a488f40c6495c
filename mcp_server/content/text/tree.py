"""When two texts are the same page: a hash of what Markdown makes of a text (P10).

A formatter changes how a text is written and not what it is: other bullets, other emphasis marks,
a heading underlined, a table aligned, a line broken elsewhere. Importing this module loads the
parser, so import it only where texts have to be compared.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mcp_server.entities.entity import text_hash

LENGTH_MAX = 200_000
"""Characters of a text that is parsed; a longer one is compared as it is."""
NESTING_MAX = 20
"""The parser drops what is nested deeper, so a text that is gets compared as it is."""
CACHE_MAX = 2000
"""Texts whose hashes are remembered: those of a big batch, at about 4 KB each."""

_DEEP_QUOTE = re.compile(r"^(?:[ \t]{0,9}>){8}", re.MULTILINE)
"""Quotes nested this deep. For each line after them, the parser needs time for every level."""
_INDENTED = re.compile(r"\n(?: {4}|\t)")
_SYNTAX = frozenset("{}[]<>$^~=:|%!")
"""What begins something in one generator or another. Escaped, it is another text."""


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same, or Markdown makes the same of them."""
    return text_hash(one) == text_hash(other) or tree_hash(one) == tree_hash(other)


@lru_cache(maxsize=CACHE_MAX)
def tree_hash(markdown: str) -> str:
    """Return the hash of what CommonMark, with tables, makes of the text: 32 hex digits."""
    source = markdown.replace("\r\n", "\n").replace("\r", "\n")
    if len(source) > LENGTH_MAX or _DEEP_QUOTE.search(source):
        return text_hash(markdown)
    tokens = _parser().parse(source)
    if any(token.level >= NESTING_MAX - 1 for token in tokens):
        return text_hash(markdown)
    tree = json.dumps([list(_node(token)) for token in tokens], ensure_ascii=True)
    return hashlib.blake2b(tree.encode(), digest_size=16).hexdigest()


def _node(token: Token) -> Iterator[Any]:
    """Yield what a block is, without how it is written."""
    yield token.type
    yield token.tag
    yield sorted((name, str(value)) for name, value in token.attrs.items())
    yield token.hidden
    match token.type:
        case "inline" if not _INDENTED.search(token.content):
            yield _inline(token.children or ())
        case "definition":
            yield [token.meta[name] for name in ("id", "title", "url")]
        case "fence":
            yield [token.info.strip(), token.content]
        case _:
            yield token.content.rstrip("\n")


def _inline(tokens: Sequence[Token]) -> list[Any]:
    """Return the pieces of a paragraph; texts that touch are one, and a line end is a space."""
    pieces: list[Any] = []
    for token in tokens:
        if (text := _plain(token)) is None:
            attrs = sorted((name, str(value)) for name, value in token.attrs.items())
            pieces.append([token.type, token.tag, attrs, token.content])
        elif pieces and isinstance(pieces[-1], str):
            pieces[-1] += text
        else:
            pieces.append(text)
    return pieces


def _plain(token: Token) -> str | None:
    match token.type:
        case "text":
            return token.content
        case "softbreak":
            return " "
        case "text_special":
            return token.markup if token.content in _SYNTAX else token.content
        case _:
            return None


class _AnyLink(MarkdownIt):
    """Sees every link as one, whatever it leads to."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
        del url
        return True


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    options = {"html": True, "maxNesting": NESTING_MAX, "inline_definitions": True}
    parser = _AnyLink("commonmark", options).enable("table").disable("text_join")
    # The first parse compiles the rules; after that, threads may share the parser.
    parser.parse("*a* [b](c)")
    return parser
