"""Finds what in a text runs, loads something, or is no text for readers at all. Pure.

A hazard has a kind, in fixed words that may be shown to anybody, and the piece of the text that it
is about. The piece is never shown: it serves to tell whether another text holds exactly the same.
Whatever stands in a code span or a fenced code block is plain text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from mcp_server.content.text.elements import Element, elements
from mcp_server.content.text.pieces import ParsedText, Part, Piece


class Kind(StrEnum):
    """What was found, in the words that people are told."""

    SCRIPT = "script element"
    ACTIVE = "active element"
    """It loads, embeds or restyles something, or takes what a visitor types."""
    HANDLER = "event handler"
    LINK = "unsafe link"
    """It may do more than lead to a page, a mail address, a telephone and the like."""
    TEMPLATE = "template syntax"
    """A site generator would execute it: Liquid, Jinja, a shortcode of Hugo."""
    THINKING = "thinking block"
    MARKER = "chat marker"
    """A token of a model's own conversation, such as `<|im_end|>`."""
    COMMENT = "HTML comment"
    HTML = "HTML element"
    MDX = "MDX code"


@dataclass(frozen=True, slots=True)
class Hazard:
    """One thing that was found, and its `piece` of the text. Only the kind may be shown."""

    kind: Kind
    piece: str


def hazards_in(text: str) -> tuple[Hazard, ...]:
    """Return the hazards in a Markdown text, each once.

    It takes time in proportion to the length of the text, and hardly any for plain prose.
    """
    # Plain prose has none of these signs, and need not be parsed.
    if not any(sign in text for sign in _SIGNS) or _SUSPECT.search(text) is None:
        return ()
    return all_hazards_in(text)


def all_hazards_in(text: str) -> tuple[Hazard, ...]:
    """Return the same without the quick look first; tests compare the two."""
    from mcp_server.content.text.parsed import readings  # noqa: PLC0415 - a tenth of a second

    found = dict.fromkeys(each for reading in readings(text) for each in _of_reading(reading))
    return tuple(found)


def kinds_of(hazards: Iterable[Hazard]) -> tuple[Kind, ...]:
    """Return the kinds of `hazards`, each once, the worst first: lists are cut at the end."""
    kinds = {hazard.kind for hazard in hazards}
    return tuple(kind for kind in Kind if kind in kinds)


def _of_reading(reading: ParsedText) -> Iterator[Hazard]:
    yield from _of_elements(elements(reading.pieces))
    yield from (Hazard(Kind.LINK, link) for link in reading.links if _is_unsafe(link))
    for piece in reading.pieces:
        match piece.part:
            case Part.CODE:
                pass
            case Part.SHAKY:
                yield from (each for each in _of_loose(piece.text) if each.kind in _RUNS)
            case _:
                yield from _of_source(piece)


_RUNS = frozenset({Kind.SCRIPT, Kind.ACTIVE, Kind.HANDLER, Kind.LINK})
"""The kinds that do harm in any page; the others do only with a generator that knows them."""


def _of_loose(text: str) -> Iterator[Hazard]:
    piece = Piece(Part.LOOSE, text)
    yield from _of_elements(elements([piece]))
    yield from _of_source(piece)


# Raw HTML

_ACTIVE = re.compile(
    r"applet|area|audio|base|body|button|canvas|dialog|embed|fencedframe|form|frame|frameset|head"
    r"|html|iframe|image|img|input|link|map|marquee|math|meta|noembed|noframes|noscript|object"
    r"|option|param|picture|plaintext|portal|select|slot|source|style|svg|template|textarea|title"
    r"|track|video|xmp"
)
_THINKING_NAME = (
    r"(?:[\w.-]{1,30}[:_])?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratch_?pad|"
    r"inner_?monologue|analysis|deliberation|cot)(?:[:_][\w.-]{1,30})?"
)
_THINKING_ELEMENT = re.compile(_THINKING_NAME, re.IGNORECASE)
_HANDLER_ATTRIBUTE = re.compile(r"[\s/\"']on[a-z]+\s*=", re.IGNORECASE)
_ADDRESS_ATTRIBUTE = re.compile(
    r"\b(?:href|src|srcdoc|action|formaction|data|poster|background|cite|ping)\s*=\s*"
    r"(\"[^\"]*\"|'[^']*'|[^\s>\"']+)",
    re.IGNORECASE,
)


def _of_elements(found: Iterable[Element]) -> Iterator[Hazard]:
    for element in found:
        yield Hazard(_kind_of(element), element.text)
        if _HANDLER_ATTRIBUTE.search(element.tag):
            yield Hazard(Kind.HANDLER, element.text)
        addresses = _ADDRESS_ATTRIBUTE.findall(element.tag)
        if any(_is_unsafe(html.unescape(address.strip("\"'"))) for address in addresses):
            yield Hazard(Kind.LINK, element.text)


def _kind_of(element: Element) -> Kind:
    if element.is_comment:
        return Kind.COMMENT
    if element.name == "script":
        return Kind.SCRIPT
    if _ACTIVE.fullmatch(element.name):
        return Kind.ACTIVE
    return Kind.THINKING if _THINKING_ELEMENT.fullmatch(element.name) else Kind.HTML


# Links

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HARMLESS = re.compile(
    r"(?:https?|mailto|tel|sms|geo|ftp|sips?|xmpp|matrix|webcal|ircs?)?", re.IGNORECASE
)
_RUNNING = r"javascript|vbscript|livescript|data|file|blob|filesystem|jar|view-source|mhtml"
_IMAGE = r"image/(?:png|gif|jpe?g|webp)[;,]"
_IMAGE_DATA = re.compile(rf"data:{_IMAGE}", re.IGNORECASE)
_RUNNING_LINK = re.compile(
    rf"(?:\](?:\(|:)<?|<|\{{[^{{}}]{{0,200}}=[\"']?)(?:{_RUNNING}):(?!{_IMAGE})[^()<>\"']{{0,500}}",
    re.IGNORECASE,
)


def _is_unsafe(link: str) -> bool:
    """Whether a link may do something else than lead somewhere, however it is written."""
    if _HARMLESS.fullmatch(_scheme(link)) is None:
        return True
    # `%6Aavascript:` and `javascript&colon;` may be decoded once more on the way to the browser.
    again = (unquote(link), html.unescape(link))
    return any(re.fullmatch(_RUNNING, _scheme(each)) for each in again)


def _scheme(link: str) -> str:
    """Return a link's scheme as a browser reads it: blanks and control characters are ignored.

    It is empty without one, and for a picture in the link itself (`data:image/png`), which is safe.
    """
    plain = _plain(link)
    found = _SCHEME.match(plain)
    return found[1].lower() if found and not _IMAGE_DATA.match(plain) else ""


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and not c.isspace())


# Everything else

_ANYTHING_BETWEEN = {"{{": "}}", "{%": "%}", "{#": "#}", "<%": "%>"}
_TEMPLATE_START = re.compile(r"\{\{|\{%|\{#(?![\w-]{1,80}\})|<%")
_TAGS_IN_PROSE: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.SCRIPT, re.compile(r"</?script(?![\w:-])[^<]{0,500}", re.IGNORECASE)),
    (Kind.ACTIVE, re.compile(rf"</?(?:{_ACTIVE.pattern})(?![\w:-])[^<>]{{0,500}}", re.IGNORECASE)),
    (
        Kind.HANDLER,
        re.compile(r"<[a-z][^<>]*[\s/\"']on[a-z]{3,30}\s{0,9}=[^<>]{0,500}", re.IGNORECASE),
    ),
)
"""CommonMark takes these for text, as they are escaped or not closed; other parsers for tags."""
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.HANDLER, re.compile(r"\{[^{}]*\bon[a-z]{3,30}\s{0,9}=[^{}]*", re.IGNORECASE)),
    (
        Kind.THINKING,
        re.compile(
            rf"(?<!\\)</?{_THINKING_NAME}(?:\s[^<>\n]{{0,200}})?/?>"
            r"|◁/?\w{1,20}▷|\[/?THINK\]|<unused\d{1,4}>|\[unused\d{1,4}\]",
            re.IGNORECASE,
        ),
    ),
    (
        Kind.MARKER,
        re.compile(
            r"</?\|[^\s<>]{1,60}>|<[\w:.-]{1,40}\|[\w:.-]{0,40}\|?>|</?｜[^<>\n]{1,80}>|<</?SYS>>"
            r"|\[/?(?:INST|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|SYSTEM_PROMPT|gMASK)\]"
            r"|</?(?:start_of_\w{1,30}|end_of_\w{1,30}|begin_of_\w{1,30}|tool_calls?|tool_response"
            r"|function_calls?|(?:function|parameter)=[^<>\n]{1,60}|arg_key|arg_value|bos|eos|sop)>"
        ),
    ),
    (
        Kind.MDX,
        re.compile(
            r"^import[ \t]{0,9}(?:[{*\"']|[ \t][\w$]{1,80}(?:[ \t]{0,9},[^\n]{0,200}?)?"
            r"[ \t]{1,9}from[ \t]{0,9}[\"'])[^\n]{0,500}"
            r"|^export[ \t]{0,9}(?:[{*]|[ \t](?:default|const|let|var|(?:async[ \t])?function)\b"
            r"|[ \t]class[ \t][A-Z])[^\n]{0,500}"
            r"|^[ \t]{0,9}\{[ \t]{0,9}[\w$]{1,80}[ \t]{0,9}[.(\[?+][^{}\n]{0,999}\}[ \t]{0,9}$"
            r"|(?<!\\)<(?:[A-Za-z][\w.-]{0,60})?\s{0,9}\{[^<>\n]{0,500}|</>",
            re.MULTILINE,
        ),
    ),
)
_BRACED = re.compile(r"(?<!\{)\{[^{}\n]*\}(?!\})")
_RUNS_IN_BRACES = re.compile(r"[\w\])]\(|=>|/\*|\.\.\.\w|`")


def _of_source(piece: Piece) -> Iterator[Hazard]:
    text = piece.text
    decoded = html.unescape(text)
    for written in dict.fromkeys((text, decoded)):
        yield from (Hazard(Kind.TEMPLATE, each) for each in _templates(written))
    tags = _TAGS_IN_PROSE if piece.part is not Part.HTML else ()
    for kind, pattern in (*tags, *_PATTERNS):
        yield from (Hazard(kind, found[0]) for found in pattern.finditer(text))
    for found in _BRACED.finditer(text):
        if _RUNS_IN_BRACES.search(found[0]):
            yield Hazard(Kind.MDX, found[0])
    yield from (Hazard(Kind.LINK, each) for each in _RUNNING_LINK.findall(_plain(decoded)))


def _templates(text: str) -> Iterator[str]:
    """Yield template syntax with its marks; where it is not closed, up to the end of the text."""
    last = text.rfind("%>")
    place = 0
    while (start := _TEMPLATE_START.search(text, place)) is not None:
        place = start.end()
        if start[0] == "<%" and start.start() > last:
            continue  # no `%>` follows, so it is no tag: "<%" can mean "less than a percentage"
        end = text.find(_ANYTHING_BETWEEN[start[0]], place)
        place = len(text) if end < 0 else end + 2
        yield text[start.start() : place]


_SIGNS = ("<", "{", "[", "&", "◁", "import", "export")
"""A text with none of these is not even searched by `_SUSPECT`; most texts have none."""
_HARMLESS_DESTINATION = (
    r"(?:https?:|mailto:|tel:|[/#.?)]|[\w%~-]+(?:[/.#?)]|\Z))"  # what sites are full of
)
_SUSPECT = re.compile(
    rf"[<{{◁]|&(?:#|l)|\[/?(?:THINK|INST|TOOL|AVAIL|SYS|gMASK|unused)|^(?:import|export)\b"
    rf"|\]\s*(?:\(|:)\s*<?(?!{_HARMLESS_DESTINATION})",
    re.MULTILINE | re.IGNORECASE,
)
"""Matches every text that has hazards, and some that have none. Others need not be parsed."""
