"""What takes whole lines of a Markdown text and is no prose: code, definitions, directives. Pure.

A block is known by its first line. `block_at` returns where its last line ends.
"""

from __future__ import annotations

import re

_FENCE = re.compile(
    r"([ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(`{3,}(?=[^`\n]*$)|~{3,})", re.MULTILINE
)
_LINE = re.compile(
    r"[ \t>]*:{3,}[^\n]*"  # directives of Docusaurus, VitePress, Starlight, Pandoc
    r"|[ \t]*/{3,}(?:[ \t][^\n]*)?$"  # blocks of PyMdown
    r"|[ \t]*(?:!!!|\?\?\?\+?)[ \t]+\S[^\n]*"  # admonitions of Python-Markdown
    r"|[ \t]*===[!+]{0,2}[ \t]+[\"'][^\n]*"  # tabs of Material for MkDocs
    r"|[ \t]*;?-{1,2}8<-{1,2}[^\n]*"  # snippets
    r"|\*\[[^\]\n]+\]:[^\n]*",  # abbreviations
    re.MULTILINE,
)
_SNIPPETS = re.compile(
    r"[ \t]*-{1,2}8<-{1,2}[ \t]*\n.*?\n[ \t]*-{1,2}8<-{1,2}[ \t]*$", re.DOTALL | re.MULTILINE
)
_DEFINITION = re.compile(
    r" {0,3}\[(?!\^)(?:[^\[\]\\\n]|\\.)+\]:[ \t]*(?:\n[ \t]*)?[^\s][^\n]*"
    r"(?:\n[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\))[ \t]*$)?",
    re.MULTILINE,
)
_FOOTNOTE = re.compile(r" {0,3}\[\^[^\]\n]+\]:[^\n]*")
_ESM = re.compile(r"(?:import|export)\b")
_CONTAINER = re.compile(
    r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)|[ \t]*(?:!!!|\?\?\?|===)|: {1,4}| {0,3}\[\^[^\]\n]+\]:"
)
"""Begins what goes on in indented lines, which are no code."""
_INDENTED = re.compile(r"(?: {4}| {0,3}\t)[ \t]*\S")
_BRACKETS = str.maketrans({each: None for each in map(chr, range(128)) if each not in "()[]{}"})


class LineReader:
    """Reads the blocks of one text; its lines are asked for in their order."""

    def __init__(self, text: str, *, mdx: bool) -> None:
        self._text, self._mdx = text, mdx
        self._in_container = False
        self._unclosed: dict[str, int] = {}

    def block_at(self, start: int) -> int | None:
        """Return where the block that begins with the line at `start` ends; `None`: there is none.

        It ends with its last line, before the line break.
        """
        if self._text[start] == "\n":
            return None
        if self._begins_code(start):
            return self._end_of_indented(start)
        if _CONTAINER.match(self._text, start):
            self._in_container = True
        elif not self._text[start].isspace():
            self._in_container = False
        if fence := _FENCE.match(self._text, start):
            return self._end_of_fence(fence)
        return self._end_of_lines(start)

    def _end_of_lines(self, start: int) -> int | None:
        text = self._text
        if _FOOTNOTE.match(text, start):
            return self._end_of_footnote(start)
        if self._mdx and _ESM.match(text, start):
            return self._end_of_esm(start)
        patterns = (_SNIPPETS, _LINE, _DEFINITION)
        return next((m.end() for each in patterns if (m := each.match(text, start))), None)

    def _end_of_fence(self, fence: re.Match[str]) -> int | None:
        mark = fence[2]
        if self._unclosed.get(mark[0], len(mark) + 1) <= len(mark):
            return None
        close = re.compile(rf"^[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        found = close.search(self._text, self._line_end(fence.end()))
        if found is not None:
            return found.end()
        self._unclosed[mark[0]] = len(mark)
        # CommonMark: one that is never closed goes on to the end. Indented it may be code itself.
        return len(self._text) if len(fence[1].expandtabs(4)) < 4 else None

    def _begins_code(self, start: int) -> bool:
        """Whether the line is indented code, which only follows a blank line, and is not in MDX."""
        if self._mdx or self._in_container or not _INDENTED.match(self._text, start):
            return False
        before = self._text[self._text.rfind("\n", 0, max(0, start - 1)) + 1 : start]
        return not before.strip()

    def _end_of_indented(self, start: int) -> int:
        end = place = start
        while place < len(self._text):
            line_end = self._line_end(place)
            if _INDENTED.match(self._text, place, line_end):
                end = line_end
            elif self._text[place:line_end].strip():
                break
            place = line_end + 1
        return end

    def _end_of_footnote(self, start: int) -> int:
        """Return where a footnote ends: with its paragraph, and what is indented below that."""
        end = place = self._line_end(start)
        after_blank = False
        while place < len(self._text):
            first = place + 1
            place = self._line_end(first)
            line = self._text[first:place]
            if not line.strip():
                after_blank = True
            elif line.startswith(("    ", "\t")) or not (after_blank or _starts_anew(line)):
                end, after_blank = place, False
            else:
                break
        return end

    def _end_of_esm(self, start: int) -> int:
        """Return where an import or export ends: at a blank line outside of brackets."""
        end, place, depth = start, start, 0
        while place < len(self._text):
            line_end = self._line_end(place)
            line = self._text[place:line_end]
            if not line.strip() and depth <= 0:
                break
            brackets = line.translate(_BRACKETS)
            depth += sum(1 if each in "([{" else -1 for each in brackets if each in "()[]{}")
            if line.strip():
                end = line_end
            place = line_end + 1
        return end

    def _line_end(self, place: int) -> int:
        end = self._text.find("\n", place)
        return len(self._text) if end < 0 else end


def _starts_anew(line: str) -> bool:
    """Whether a line begins something that a paragraph does not go on with."""
    return bool(_DEFINITION.match(line) or _FOOTNOTE.match(line) or line.startswith(("#", ":::")))
