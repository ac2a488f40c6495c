"""Says in words why a file is no YAML, for who has written it: with the character that nobody sees.

Pure: it looks at the lines of the file, and at what the parser says of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import yaml

from mcp_server.excerpt import in_quotes

_ALIAS = re.compile(r"\*([\w-]{1,40})")
_BREAKS = re.compile("[\x85\u2028\u2029]")
"""What YAML's parser takes for the end of a line, and hardly an editor does."""
_COMMENT = re.compile(r" +(#[^\s#]\S*)")
_KEY = re.compile(r"[^:]*:(?=\s|$)")
_ITEM = re.compile(r"( *)- ")


def hidden_in(text: str) -> str | None:
    """Return the first character of `text` that nobody sees, in words; `None` if there is none.

    Such as `a no-break space (U+00A0)`. A space is one that everybody expects.
    """
    found = next((c for c in text if not c.isprintable() and c != "\n"), None)
    if found is None:
        return None
    name = {"\t": "tab", "\ufeff": "byte order mark", "\x85": "next line character"}.get(found)
    name = name or unicodedata.name(found, "control character").lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} (U+{ord(found):04X})"


def hidden_break(text: str) -> tuple[int, str] | None:
    """Return the line of the first line end that no editor shows as one, and what is wrong."""
    found = _BREAKS.search(text)
    if found is None:
        return None
    line = text.count("\n", 0, found.start()) + 1
    return line, f"{hidden_in(found[0])} ends a line where nobody sees it; write a space there"


def odd_name(name: str) -> str | None:
    """Return what is wrong with a name that holds a character nobody sees, `None` if none does."""
    hidden = hidden_in(name)
    if hidden is None:
        return None
    shown = "".join(c for c in name if c.isprintable()).strip()
    if not name[0].isprintable():
        return f"{hidden} stands before {in_quotes(shown)}; write plain spaces there"
    return f"{hidden} stands in or after {in_quotes(shown)}; delete it"


def cut_text(node: yaml.ScalarNode, lines: Sequence[str]) -> tuple[int, str] | None:
    """Return the line of a text that may have been meant to go on where a comment begins, and why.

    `None` where there is no such comment. Whoever means one writes `# `, and not `Platz #1`.
    """
    end = node.end_mark
    if node.style or end is None or end.line >= len(lines):
        return None
    cut = _COMMENT.match(lines[end.line], end.column)
    if cut is None:
        return None
    return end.line + 1, (
        f"{in_quotes(cut[1])} is taken for a comment, and {in_quotes(node.value)} is all of the "
        "text; put it in quotes if more was meant, or write `# ` before a comment"
    )


def syntax_in_words(error: yaml.MarkedYAMLError, lines: Sequence[str], at: int) -> tuple[int, str]:
    """Return where the parser does not go on, why, and what to write instead.

    It stopped at index `at` of `lines`; what is returned is the number of a line.
    """
    line = lines[at] if at < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return at + 1, "a tab indents this line; indent with spaces"
    for number in (at, at - 1):  # what follows a line is where the parser notices
        if 0 <= number < len(lines) and (hidden := _odd_structure(lines[number])) is not None:
            return number + 1, f"{hidden} stands in this line; write plain spaces"
    return at + 1, _off_line(error, lines, at) or _problem(error, line)


def _problem(error: yaml.MarkedYAMLError, line: str) -> str:
    problem = error.problem or "it cannot be read"
    if "mapping values are not allowed" in problem:
        return 'a second colon stands in a line; put the text in quotes: key: "a: b"'
    if "undefined alias" in problem and (alias := _ALIAS.search(line)):
        return f"{alias[0]} stands for nothing; write &{alias[1]} first"
    if "another document" in problem:
        return "a second document begins; write everything in one"
    return f"this is no YAML: {problem}; check quotes, colons and indentation here and just above"


def _odd_structure(line: str) -> str | None:
    """Return the character that nobody sees where a space is meant, up to behind the colon."""
    before, colon, after = line.partition(":")
    return hidden_in(before + colon + after[:1])


def _off_line(error: yaml.MarkedYAMLError, lines: Sequence[str], at: int) -> str | None:
    """Say that a line is indented a little more or less than those that it belongs to."""
    line, mark = (lines[at] if at < len(lines) else ""), error.problem_mark
    second_colon = "mapping values" in (error.problem or "")
    if second_colon and _KEY.match(line[: mark.column if mark is not None else 0]):
        return None  # a colon stands before the one that is not understood
    if (item := _ITEM.match(line)) and (
        near := _nearly_below(len(item[1]), lines[:at])
    ) is not None:
        return (
            f"the - of this list item stands {len(item[1])} spaces in, that of one above {near}; "
            "write them below each other"
        )
    if second_colon and _KEY.match(line):
        return "this line is indented as if the text above went on; write its key below the others"
    return None


def _nearly_below(indent: int, above: Sequence[str]) -> int | None:
    """Return how far in the nearest list item stands that is one space off."""
    items = (found for line in reversed(above) if (found := _ITEM.match(line)))
    return next((len(i[1]) for i in items if abs(len(i[1]) - indent) == 1), None)
