"""The answer of `search`: what was found, the best first, with the piece that shows it. Pure."""

from __future__ import annotations

from collections import Counter

from mcp_server.content.actions.searched import OWN_TYPES, SECTION, FoundRow, Searched
from mcp_server.content.actions.snippets import SNIPPET_LENGTH
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.fit import DETAIL_BYTES_MAX, REPLY_BYTES_MAX, fitted
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import SearchedRow, SearchReply

NOTE_LENGTH = 250
"""Characters of a note: the command that installs something has to fit."""
ID_LENGTH = 129
"""Characters of a fact's name, or of a plugin's id: longer ones are cut."""


def search_reply(found: Searched, marks: Marks, *, limited: bool, start: int) -> SearchReply:
    """Return the answer to a search; a large one if the call has `limited` the rows itself.

    `start`: where the call before has ended; 0 is a new search.
    """
    rows = [_row(row, marks) for row in found.rows]
    notes = [marks.note(note, NOTE_LENGTH) for note in found.notes]

    def build(count: int) -> SearchReply:
        more = found.cursors[count - 1] if 0 < count < len(rows) else found.next_cursor
        shown = rows[:count]
        texts = [text for row in shown for text in (row.id, row.snippet, row.file)]
        return SearchReply(
            message=_sentence(found.rows[:count], start),
            marks=marks.meaning_if_in(*texts, *notes),
            found=shown,
            notes=notes or None,
            next=_next(found.rows[:count]),
            next_cursor=more,
        )

    most = DETAIL_BYTES_MAX if limited else REPLY_BYTES_MAX
    return fitted(build, len(rows), bytes_max=most, least=min(len(rows), 1))


def _row(row: FoundRow, marks: Marks) -> SearchedRow:
    own = row.type in OWN_TYPES
    return SearchedRow(
        type=row.type if own else marks.value(row.type, ID_LENGTH),
        id=row.id if row.type == SECTION else marks.value(row.id, ID_LENGTH),
        file=row.file,
        state=row.state,
        why=row.why,
        snippet=marks.excerpt(row.snippet, SNIPPET_LENGTH),
        note=sentences.short(row.note),
    )


def _sentence(rows: tuple[FoundRow, ...], start: int) -> str:
    if not rows:
        return "No more was found." if start else "Nothing was found."
    if start:
        return f"{_counted(rows)} more."
    if not any(row.clear for row in rows):
        return f"Nothing says this clearly. Nearest: {_counted(rows)}, the best first."
    return f"{_counted(rows)}, the best first."


def _counted(rows: tuple[FoundRow, ...]) -> str:
    counts = Counter(row.type if row.type in OWN_TYPES else "other" for row in rows)
    said = [
        f"{count} {type}{'' if count == 1 or type == 'other' else 's'}"
        for type, count in counts.items()
    ]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _next(rows: tuple[FoundRow, ...]) -> str | None:
    """Return the call that shows the best of the sections whole."""
    best = next((row.id for row in rows if row.type == SECTION), None)
    return None if best is None else sentences.call("review", {"section": best})
