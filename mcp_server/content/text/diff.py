"""What would change: the difference between the live text and the draft, as people read it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

WORD = re.compile(r"\s+|\w+|[^\w\s]")
WORDS_COMPARED_MAX = 2_000
"""In one changed passage. Beyond it the passage is shown as a whole: comparing takes the square of
its length, and nobody reads that many changes word by word."""

PASSAGE_LENGTH_MAX = 100_000
"""Characters of such a passage: a text of a file may have megabytes in one line."""
LINES_COMPARED_MAX = 4_000
"""Between those at the two ends of a text that stay. Beyond it all of them are shown as one change,
as comparing them may take the square of their number."""


def by_words(before: str | None, after: str | None) -> str:
    """Return what changes, word by word: `[-what goes-]{+what comes+}`; empty if nothing does.

    Each passage that changes is shown with the line before and the line after it, and `…` stands
    where lines are left out. `None` stands for no text at all.
    """
    if before == after:  # most texts of a site: comparing them line by line takes a while
        return ""
    old, new = _without_same_ends(_lines(before), _lines(after))
    groups = [_group(old, new, group) for group in _changes(old, new)]
    return "\n…\n".join("\n".join(lines) for lines in groups)


def _changes(
    old: Sequence[str], new: Sequence[str]
) -> Iterable[Sequence[tuple[str, int, int, int, int]]]:
    """Return the passages that change, each as `difflib` tells them, with a line around it."""
    if max(len(old), len(new)) > LINES_COMPARED_MAX:
        return [[("replace", 0, len(old), 0, len(new))]]
    return difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(1)


def _without_same_ends(
    old: Sequence[str], new: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the lines without those at both ends that are the same, but for one at each end."""
    first = _same(old, new)
    last = _same(old[first:][::-1], new[first:][::-1])
    start, rest = max(0, first - 1), max(0, last - 1)
    return old[start : len(old) - rest], new[start : len(new) - rest]


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines are the same at the beginning of both."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _group(
    old: Sequence[str], new: Sequence[str], group: Sequence[tuple[str, int, int, int, int]]
) -> list[str]:
    lines: list[str] = []
    for kind, start, end, new_start, new_end in group:
        if kind == "equal":
            lines += old[start:end]
        else:
            gone, come = "\n".join(old[start:end]), "\n".join(new[new_start:new_end])
            lines.append("".join(_changed_words(gone, come)))
    return lines


def _changed_words(before: str, after: str) -> Iterator[str]:
    if max(len(before), len(after)) > PASSAGE_LENGTH_MAX:  # not even its words are told apart
        yield from _change(before, after)
        return
    old, new = WORD.findall(before), WORD.findall(after)
    if not old or not new or max(len(old), len(new)) > WORDS_COMPARED_MAX:
        yield from _change(before, after)
        return
    held_gone = held_come = ""
    compared = difflib.SequenceMatcher(None, old, new).get_opcodes()
    for kind, start, end, new_start, new_end in compared:
        gone, come = "".join(old[start:end]), "".join(new[new_start:new_end])
        # A blank between two words that change belongs to the change: nobody reads it otherwise.
        if kind != "equal" or (held_gone and held_come and gone.isspace() and end < len(old)):
            held_gone, held_come = held_gone + gone, held_come + come
            continue
        yield from _change(held_gone, held_come)
        held_gone = held_come = ""
        yield gone
    yield from _change(held_gone, held_come)


def _change(gone: str, come: str) -> Iterator[str]:
    if gone:
        yield f"[-{gone}-]"
    if come:
        yield f"{{+{come}+}}"


def capped(text: str, limit: int) -> tuple[str, bool]:
    """Return at most `limit` characters of `text`, and whether something was left out.

    The cut is after a whole line where there is one.
    """
    assert limit >= 0, "a text cannot be shorter than nothing"
    if len(text) <= limit:
        return text, False
    # One character more, so that a line that ends exactly at the limit stays whole.
    head, newline, _ = text[: limit + 1].rpartition("\n")
    return (head if newline else text[:limit]), True


def _lines(text: str | None) -> list[str]:
    """Split at line feeds only; a line feed at the end shows as an empty last line."""
    return [] if text is None else text.split("\n")
