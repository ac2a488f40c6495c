"""What MDX takes for code in a text: signs that it does not compile, and what it runs. Pure.

The texts here are without fenced code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)((?:[^\n]|\n(?!\s*\n))+?)(?<!`)\1(?!`)")
_PLAIN = re.compile(
    r"\\[\\<{}]"
    r"|(?<=\]\()\s*<[^<>\n]*>|^[ \t]{0,3}\[[^\]\n]+\]:[ \t]*<[^<>\n]*>"
    r"|^(?:import|export)\b[^\n]*(?:\n[^\n]+)*",
    re.MULTILINE,
)
"""Escaped signs, links to `<…>`, and blocks of JavaScript."""
_NO_TAG = re.compile(r"<(?=\d|[^\s\w/>$])")
_OUTSIDE = re.compile(rf"{CODE_SPAN.pattern}|{_PLAIN.pattern}|<(?=[A-Za-z])|\{{", re.MULTILINE)
"""Outside braces quotes are words, and code spans come first."""
_IN_TAG = re.compile(r"=\s*(?:\"[^\"]*\"|'[^']*')|[>{]")
_INSIDE = re.compile(r"[{}\"'`]|/\*")
_LITERALS = {
    '"': re.compile(r"\"(?:\\.|[^\"\\\n])*+\""),
    "'": re.compile(r"'(?:\\.|[^'\\\n])*+'"),
    "`": re.compile(r"`(?:\\[\s\S]|[^`\\])*+`"),
    "/*": re.compile(r"/\*(?:[^*]|\*(?!/))*+\*/"),
}
"""What hides braces in JavaScript, by how it begins."""
_RUNS_NOTHING = re.compile(rf"\{{\s*(?:{_LITERALS['/*'].pattern}\s*)*+\}}")
_PROSE = re.compile(
    r"\s*(?!(?:typeof|void|new|await|delete)\s)(?:[\w$]+,\s+)*[\w$]+\s+(?!(?:in|instanceof)\s)"
    r"[\w$]+(?:,?\s+[\w$]+)*[.!?]?\s*"
)
"""Words side by side, which no JavaScript has."""


def without_plain(text: str) -> str:
    """Return the text without what only looks like an element or an expression."""
    return _PLAIN.sub("", text)


def bare_signs(text: str) -> Iterator[str]:
    """Yield each `<` and `{` that MDX does not compile; the elements are taken out of `text`."""
    yield from ("<" for _ in _NO_TAG.finditer(text))
    for expression in expressions(text):
        if not expression.endswith("}") or _PROSE.fullmatch(expression[1:-1]):
            yield "{"


def expressions(text: str) -> Iterator[str]:
    """Yield what stands in braces, with them, less comments; the last may never be closed."""
    depth, start, position, in_tag = 0, 0, 0, False
    lone: dict[str, int] = {}
    while found := (_INSIDE if depth else _IN_TAG if in_tag else _OUTSIDE).search(text, position):
        sign, position = found[0], found.end()
        if sign == "{":
            start = start if depth else found.start()
            depth += 1
        elif sign == "}":
            depth -= 1
            if not depth and not _RUNS_NOTHING.fullmatch(text, start, position):
                yield text[start:position]
        elif depth:
            position = _behind(text, found, lone)
        else:
            in_tag = sign == "<" or (in_tag and sign != ">")
    if depth:
        yield text[start:].rstrip("}")


def _behind(text: str, begin: re.Match[str], lone: dict[str, int]) -> int:
    """Return the end of a literal, or of the sign alone where nothing closes it: `It's`.

    `lone` says by sign as far as where none is closed, so that nothing is looked for twice.
    """
    sign = begin[0]
    if begin.start() >= lone.get(sign, 0):
        if found := _LITERALS[sign].match(text, begin.start()):
            return found.end()
        line = text.find("\n", begin.end()) if sign in "\"'" else -1
        lone[sign] = line if line >= 0 else len(text)
    return begin.end()
