"""What MDX takes for code in a text: signs that it does not compile, and what it runs. Pure.

The texts here are without code spans, fenced code and comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PLAIN = re.compile(
    r"\\[\\<{}]"
    r"|(?<=\]\()\s*<[^<>\n]*>|^[ \t]{0,3}\[[^\]\n]+\]:[ \t]*<[^<>\n]*>"
    r"|^(?:import|export)\b[^\n]*(?:\n[^\n]+)*",
    re.MULTILINE,
)
"""Escaped signs, links to `<…>`, and blocks of JavaScript."""
_NO_TAG = re.compile(r"<(?=\d|[^\s\w/>$])")
_IN_BRACES = re.compile(r"[{}]|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
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
    """Yield what stands in braces, with them; the last may never be closed."""
    depth, start = 0, 0
    for sign in _IN_BRACES.finditer(text):
        if sign[0] == "{":
            start = start if depth else sign.start()
            depth += 1
        elif sign[0] == "}" and depth:
            depth -= 1
            if not depth:
                yield text[start : sign.end()]
    if depth:
        yield text[start:].rstrip("}")
