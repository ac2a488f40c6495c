"""The answer of `edit`: each section's draft as it is now, and what has changed in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mcp_server.content.actions.edited import Edited, EditedSection
from mcp_server.entities.entity import page_of
from mcp_server.excerpt import as_name
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.fit import DETAIL_BYTES_MAX, fitted
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import EditedRow, EditReply
from mcp_server.interfaces.mcp.answers.review import HASH_LENGTH, NOTE_LENGTH, shown_finding

DIFF_LENGTH = 4_000
"""Characters of a difference that are shown; of several sections, those that fit the answer."""
ROWS_NAMED = 10
"""Sections that the next call names; more are promoted with their pages."""
ROWS_MAX = 50
"""Sections that an answer shows, if they fit."""
FINDINGS = 10
"""Findings of one text that are shown."""
PROMOTED_BY_NAME = ("draft", "changed", "withdrawn")


def edit_reply(edited: Edited, marks: Marks) -> EditReply:
    """Return the answer to an edit, with as many of its sections as fit."""
    made = [_row(each, marks) for each in edited.sections[:ROWS_MAX]]

    def build(rows: int) -> EditReply:
        shown = made[:rows]
        notes = [*_notes(edited, shown=rows), *(marks.note(n, NOTE_LENGTH) for n in edited.notes)]
        return EditReply(
            message=_sentence(edited),
            sections=shown,
            marks=marks.meaning_if_in(*notes, *(text for row in shown for text in _marked(row))),
            notes=notes or None,
            next=_next(edited),
        )

    return fitted(build, len(made), bytes_max=DETAIL_BYTES_MAX, least=1)


def _row(section: EditedSection, marks: Marks) -> EditedRow:
    return EditedRow(
        section=section.section,
        state=section.state,
        content_hash=section.hash[:HASH_LENGTH] if section.hash else None,
        diff=marks.text(section.diff, DIFF_LENGTH) if section.diff else None,
        findings=[shown_finding(each, marks) for each in section.findings[:FINDINGS]] or None,
    )


def _marked(row: EditedRow) -> Iterator[str | None]:
    yield row.diff
    yield from row.findings or ()


def _sentence(edited: Edited) -> str:
    first = edited.sections[0]
    drafts = f"the draft of {as_name(first.section)}"
    if len(edited.sections) > 1:
        drafts = f"the drafts of {sentences.sections(len(edited.sections))}"
    if edited.way == "discard":
        left = "the one before it is the draft again" if first.hash else "it has no draft now"
        done = f"Discarded {drafts}: {left}. What is live stays"
        return f"Would be: {done}. Nothing was changed." if edited.dry_run else f"{done}."
    if edited.dry_run:
        return f"Would change {drafts}. Nothing was changed."
    verb = "Restored" if edited.way == "restore" else "Saved"
    return f"{verb} {drafts}. Promote makes it live." if _next(edited) else f"{verb} {drafts}."


def _notes(edited: Edited, *, shown: int) -> list[str]:
    notes: list[str] = []
    if edited.without:
        notes.append(
            f"{sentences.sections(edited.without)} left out: what is replaced is not there."
        )
    if edited.locked:
        first = ", ".join(map(as_name, edited.locked[: sentences.NAMED_MAX]))
        notes.append(f"{sentences.sections(len(edited.locked))} left out as locked: {first}.")
    if edited.left:
        rows = edited.left[: sentences.NAMED_MAX]
        named = "; ".join(f"{as_name(e.section)} ({sentences.short(e.reason)})" for e in rows)
        notes.append(f"{sentences.sections(len(edited.left))} left out: {named}.")
    if lost := [each.section for each in edited.sections if each.lost_fields]:
        notes.append(f"Without fields from here on, change by text or replace: {as_name(lost[0])}.")
    if any(each.level == "held" for section in edited.sections for each in section.findings):
        notes.append("Held texts are left out of a promote of everything: promote them by section.")
    if shown < len(edited.sections):
        notes.append(f"Shown are {shown} of {sentences.sections(len(edited.sections))}.")
    return notes


def _next(edited: Edited) -> str | None:
    """Return the promotion that most likely comes next, as a dry run; the edit, in a dry run."""
    ids = [each.section for each in edited.sections if each.state in PROMOTED_BY_NAME]
    if not ids or edited.dry_run:
        return None
    return sentences.call("promote", {**_selecting(ids), "dryRun": True})


def _selecting(ids: Sequence[str]) -> Mapping[str, object]:
    """Return the arguments that select all of these sections; the whole site if they are many."""
    if len(ids) == 1:
        return {"section": ids[0]}
    if len(ids) <= ROWS_NAMED:
        return {"sections": ids}
    pages = list(dict.fromkeys(page_of(id) for id in ids))
    return {"pages": pages} if len(pages) <= ROWS_NAMED else {}
