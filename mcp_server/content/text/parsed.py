"""Parses a Markdown text and takes it apart.

Importing this module loads the parser, so import it only where a text has to be parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, backtick, html_inline
from markdown_it.token import Token

from mcp_server.content.text.pieces import ParsedText, Part, Piece

LENGTH_MAX = 200_000
"""Characters of a text that is parsed. A longer one takes seconds, so it is `LOOSE` as a whole."""
NESTING_MAX = 20
"""The parser drops what is nested deeper, and recurses for each level. No page goes that deep."""
BRACKETS_MAX = 15
"""Brackets that are open at once in a paragraph. Beyond its nesting limit the parser sees no links,
so a paragraph with more of them is `LOOSE`."""

_DEEP_QUOTE = re.compile(r"^(?:[ \t]{0,9}>){8}", re.MULTILINE)
"""Quotes nested this deep. For each line after them, the parser needs time for every level."""
_MUDDLE = re.compile(r"`|<[A-Za-z/!?]")
_WORD = re.compile(r"[\w#.+-]*")
_SPAN = "span"
_Rule = Callable[[StateInline, bool], bool]


def readings(text: str) -> Iterator[ParsedText]:
    """Yield `text` taken apart; it never fails.

    A text with a table is read a second time without tables, which are no part of CommonMark: what
    is code in the one reading may be none in the other.
    """
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(source) > LENGTH_MAX or _DEEP_QUOTE.search(source):
        yield ParsedText((Piece(Part.LOOSE, source),), ())
        return
    tokens = _parser(tables=True).parse(source)
    yield _taken_apart(source, tokens)
    if any(token.type == "table_open" for token in tokens):
        yield _taken_apart(source, _parser(tables=False).parse(source))


def _taken_apart(source: str, tokens: Sequence[Token]) -> ParsedText:
    if any(token.level >= NESTING_MAX - 1 for token in tokens):
        return ParsedText((Piece(Part.LOOSE, source),), ())
    lines = source.split("\n")
    pieces = [piece for token in tokens for piece in _pieces(token, lines)]
    return ParsedText(tuple(p for p in pieces if p.text), tuple(_links(tokens)))


def _pieces(token: Token, lines: Sequence[str]) -> Iterator[Piece]:
    match token.type:
        case "inline":
            yield from _inline_pieces(token)
            yield Piece(Part.PROSE, "\n\n")
        case "html_block":
            yield Piece(Part.HTML, token.content)
        case "fence":
            yield Piece(Part.PROSE, token.info)
            yield Piece(_fence_part(token, lines), token.content)
        case "code_block":
            yield Piece(Part.LOOSE, token.content)
        case "definition" if token.map is not None:
            yield Piece(Part.PROSE, "\n".join(lines[token.map[0] : token.map[1]]))
        case _:
            pass


def _inline_pieces(token: Token) -> Iterator[Piece]:
    raw = token.content
    if _brackets(raw) > BRACKETS_MAX:
        yield Piece(Part.LOOSE, raw)
        return
    pieces: list[Piece] = []
    end = 0
    for child in token.children or ():
        if _SPAN in child.meta:
            start, stop = child.meta[_SPAN]
            part = Part.HTML if child.type == "html_inline" else Part.CODE
            pieces += [Piece(Part.PROSE, raw[end:start]), Piece(part, raw[start:stop])]
            end = stop
    pieces.append(Piece(Part.PROSE, raw[end:]))
    muddled = any(p.part is Part.PROSE and _MUDDLE.search(p.text) for p in pieces)
    yield from (_shaky(piece, muddled=muddled) for piece in pieces)


def _shaky(piece: Piece, *, muddled: bool) -> Piece:
    """Return the piece; a code span that other parsers may not see as one becomes `SHAKY`.

    A `|` in it may divide a table's cells. Some parsers end a span at the end of the line, or begin
    it elsewhere if stray backticks or tags stand around (`muddled`).
    """
    if piece.part is not Part.CODE or not (muddled or re.search(r"[|\n]", piece.text)):
        return piece
    return Piece(Part.SHAKY, piece.text)


def _fence_part(token: Token, lines: Sequence[str]) -> Part:
    """Return `CODE` for a fenced block that every parser sees, otherwise `SHAKY`.

    Python-Markdown wants both fences alike and at the margin, and one word at most after the first.
    """
    assert token.map is not None, "a fence knows its lines"
    first, last = lines[token.map[0]], lines[token.map[1] - 1]
    plain = first.startswith(token.markup) and last.rstrip() == token.markup
    return Part.CODE if plain and _WORD.fullmatch(token.info.strip()) else Part.SHAKY


def _brackets(raw: str) -> int:
    """Return how many brackets are open at most at one place."""
    most = depth = 0
    for character in raw:
        if character == "[":
            depth += 1
            most = max(most, depth)
        elif character == "]":
            depth = max(0, depth - 1)
    return most


def _links(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        for name in ("href", "src"):
            if name in token.attrs:
                yield str(token.attrs[name])
        if token.type == "definition":
            yield token.meta["url"]
        yield from _links(token.children or ())


@lru_cache(maxsize=2)
def _parser(*, tables: bool) -> MarkdownIt:
    """Return a parser for what nearly every site generator reads; it refuses no link."""
    options = {"html": True, "maxNesting": NESTING_MAX, "inline_definitions": True}
    parser = _AnyLink("commonmark", options)
    if tables:
        parser.enable("table")
    parser.inline.ruler.at("backticks", _with_span(backtick))
    parser.inline.ruler.at("html_inline", _with_span(html_inline))
    # The first parse compiles the rules; after that, threads may share the parser.
    parser.parse("*a* [b](c)")
    return parser


class _AnyLink(MarkdownIt):
    """Keeps every link: one that the parser refused would become prose, its destination unseen."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
        del url
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the parser's name
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the parser's name
        return link


def _with_span(rule: _Rule) -> _Rule:
    """Return a parser's rule, extended to note where in the source its code span or tag stands."""

    def run(state: StateInline, silent: bool) -> bool:
        start, before = state.pos, len(state.tokens)
        matched = rule(state, silent)
        if matched and not silent and len(state.tokens) > before:
            last = state.tokens[-1]
            if last.type in ("code_inline", "html_inline") and _SPAN not in last.meta:
                last.meta[_SPAN] = (start, state.pos)
        return matched

    return run
