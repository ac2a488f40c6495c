"""What a text leaves open, so that it would swallow what comes after it. Pure.

Fences and comments; HTML elements at the beginning of a line, in MDX all elements and braces; and
in pairs, shortcodes, Liquid's tags and `:::` blocks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.content.text.mdx_signs import CODE_SPAN, bare_signs, expressions, without_plain
from mcp_server.content.text.outline import left_hidden

ELEMENTS = re.compile(
    r"address|article|aside|blockquote|center|details|dialog|div|dl|fieldset|figcaption|figure"
    r"|footer|form|header|iframe|main|menu|nav|noframes|ol|pre|script|search|section|style"
    r"|summary|table|textarea|ul"
)
"""Elements that are never closed by what follows. `<p>` and `<li>` are, and may stay open."""
SHORTCODES = re.compile(
    r"admonition|alert|callout|caution|cards|columns|details|expand|highlight|hint|important"
    r"|info|mermaid|note|notice|quote|rawhtml|steps|tab|tabs|tip|warning"
)
"""Shortcodes that themes have in pairs; others count where a text closes them."""
TAGS = re.compile(
    r"block|call|capture|case|codeblock|comment|filter|for|highlight|if|macro|raw|tablerow"
    r"|unless"
)
"""Tags of Liquid and Nunjucks that have an `end`; others count where a text closes them."""

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(`{3,}+(?!.*`)|~{3,})")
_LITERAL = (
    (re.compile(r"<!--.*?-->", re.DOTALL), "-->"),
    (re.compile(r"\{/\*.*?\*/\}", re.DOTALL), "*/}"),
    (re.compile(r"\{\{/\*.*?\*/\}\}", re.DOTALL), "*/}}"),
)
"""What is taken out, and how it ends: behind the last end of a kind, none is looked for."""
_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}")
_RAW_END = re.compile(r"\{%-?\s*endraw\s*-?%\}")
_ELEMENT = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w.:-]*|(?=>))"
    r"(?:\"[^\"]*\"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\}|[^<>\"'{}/]|/(?!>))*(?P<alone>/?)>"
)
_BEFORE = re.compile(r"[ \t>]*+(?:</?[A-Za-z][^<>]*+>[ \t]*+)*+")
_SHORTCODE = re.compile(
    r"\{\{[<%]\s*+(?P<close>/?)\s*+(?P<name>\w[\w.-]*+(?:/[\w.-]++)*+)"
    r"(?P<rest>(?:[^{}]|\{(?!\{)|\}(?!\}))*+)(?<=[>%])\}\}"
)
_TAG = re.compile(r"\{%-?\s*(?P<close>end)?(?P<name>\w++)(?:(?!%\}|\{%).)*+%\}", re.DOTALL)
_COLONS = re.compile(r"^[ \t]{0,3}(?P<colons>:{3,})(?P<name>[^\n]*)$", re.MULTILINE)
_IDENTIFIER = re.compile(r"\s*\w+(?:\.\w+)+\s*")
"""Behind colons, what mkdocstrings is to describe: it stands alone."""


def left_open(
    text: str, *, style: MarkStyle = MarkStyle.HTML, paired: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what `text` opens and does not close, such as a fence, `<div>` or `{% if %}`.

    `paired` are names of further shortcodes and tags that have a closing form.
    """
    found: list[str] = []
    if hidden := left_hidden(text.encode("utf-8", "surrogatepass"), style):
        raw = hidden.startswith("<") and hidden != "<!--"
        found.append(f"{hidden.lower()}>" if raw else hidden)
    bare = _without_code(text)
    if style is MarkStyle.MDX:
        bare = without_plain(bare)
        found += () if hidden else bare_signs(_ELEMENT.sub("", bare))
    elif "<!--" in bare and not hidden:
        found.append("<!--")
    known = frozenset(found)
    found += [one for one in _unclosed(_elements(bare, style)) if one not in known]
    found += _unclosed(_shortcodes(bare, paired))
    found += _unclosed(_tags(_without_raw(bare), paired))
    return (*found, *_colons(bare))


def left_open_more(before: str, after: str, *, style: MarkStyle = MarkStyle.HTML) -> str | None:
    """Return why `after` cannot stand where `before` stood: it leaves something more open."""
    paired = closing_names(before) | closing_names(after)
    more = Counter(left_open(after, style=style, paired=paired))
    more -= Counter(left_open(before, style=style, paired=paired))
    if not more:
        return None
    first = next(iter(more))
    if style is MarkStyle.MDX and first[0] in "<{" and not first.startswith(("{{", "{%")):
        why = "so MDX would not compile it; write \\< and \\{ where the signs are meant"
        return f"it leaves {first} open, {why}"
    return f"it leaves {first} open, which would swallow what comes after it"


def runs_more(before: str, after: str) -> bool:
    """Whether MDX would run something in braces in `after` that does not stand in `before`."""
    fenceless = ("\n".join(_without_fences(each.split("\n"))) for each in (after, before))
    more, known = map(Counter, map(expressions, fenceless))
    return bool(more - known)


def closing_names(text: str) -> frozenset[str]:
    """Return the names of the shortcodes and tags that `text` closes."""
    bare = _without_code(text)
    found = [*_SHORTCODE.finditer(bare), *_TAG.finditer(bare)]
    return frozenset(match["name"] for match in found if match["close"])


def _without_code(text: str) -> str:
    text = "\n".join(_without_fences(text.split("\n")))
    for literal in _LITERAL:
        text = _without(text, *literal)
    return CODE_SPAN.sub("", text)


def _without_fences(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines outside fenced code, however deep it is in a list or a quotation."""
    fence, hidden = "", list[str]()
    for line in lines:
        bare = line.strip(" \t>\r")
        if fence:
            hidden.append(line)
            if bare.startswith(fence) and not bare.strip(fence[0]):
                fence = ""
                hidden.clear()
        elif found := _FENCE.match(line):
            fence = found[1]
        else:
            yield line
    yield from hidden


def _without(text: str, literal: re.Pattern[str], closing: str) -> str:
    end = text.rfind(closing) + len(closing)
    return literal.sub("", text[:end]) + text[end:] if closing in text else text


def _without_raw(text: str) -> str:
    kept, position = list[str](), 0
    while opening := _RAW.search(text, position):
        closing = _RAW_END.search(text, opening.end())
        if closing is None:
            break
        kept.append(text[position : opening.start()])
        position = closing.end()
    return "".join(kept) + text[position:]


def _unclosed(tags: Iterator[tuple[str, str, bool]]) -> list[str]:
    """Return as they are written the tags that are open in the end: (name, written, opens)."""
    open: dict[int, str] = {}
    places: dict[str, list[int]] = {}
    for place, (name, written, opens) in enumerate(tags):
        if opens:
            open[place] = written
            places.setdefault(name, []).append(place)
        elif of_name := places.get(name):
            del open[of_name.pop()]
    return list(open.values())


def _elements(text: str, style: MarkStyle) -> Iterator[tuple[str, str, bool]]:
    looked, begins = 0, True
    for match in _ELEMENT.finditer(text):
        name = match["name"] if style is MarkStyle.MDX else match["name"].lower()
        if match["alone"] or (style is MarkStyle.HTML and not ELEMENTS.fullmatch(name)):
            continue
        if style is not MarkStyle.MDX:
            # Of a line that was looked at before, only what has come since is looked at.
            line = text.rfind("\n", looked, match.start()) + 1
            since = max(line, looked)
            begins = (begins or since == line) and bool(
                _BEFORE.fullmatch(text, since, match.start())
            )
            looked = match.start()
        if match["close"] or begins:
            yield name, f"<{name}>", not match["close"]


def _shortcodes(text: str, paired: Collection[str]) -> Iterator[tuple[str, str, bool]]:
    for match in _SHORTCODE.finditer(text):
        name = match["name"]
        alone = match["rest"][:-1].rstrip().endswith("/")
        if not alone and (SHORTCODES.fullmatch(name) or name in paired):
            yield name, f"{{{{< {name} >}}}}", not match["close"]


def _tags(text: str, paired: Collection[str]) -> Iterator[tuple[str, str, bool]]:
    for match in _TAG.finditer(text):
        name = match["name"]
        if TAGS.fullmatch(name) or name in paired:
            yield name, f"{{% {name} %}}", not match["close"]


def _colons(text: str) -> list[str]:
    stack: list[str] = []
    fewest: list[int] = []
    for match in _COLONS.finditer(text):
        if _IDENTIFIER.fullmatch(match["name"]):
            continue
        count = len(match["colons"])
        if match["name"].strip():
            stack.append(match["colons"])
            fewest.append(min((count, *fewest[-1:])))
        elif fewest and fewest[-1] <= count:
            while len(stack.pop()) > count:
                fewest.pop()
            fewest.pop()
    return stack
