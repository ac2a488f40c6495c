"""The answer of `review`: counts, and the sections with their texts between marks. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_server.content.actions.reviewed import Reviewed, ReviewRow
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import (
    DETAIL_BYTES_MAX,
    REPLY_BYTES_MAX,
    ReviewedRow,
    ReviewReply,
    fitted,
)

EXCERPT_LENGTH = 80
"""Characters of a text in a list: enough to recognise it."""
TEXT_LENGTH = 6_000
"""Characters of a text or difference that was asked for; longer ones are cut after a line."""
NOTE_LENGTH = 200
"""Characters of a note on the site as a whole."""
NAME_LENGTH = 60
"""Characters of a template's name, which comes from a file and may be any text."""
HASH_LENGTH = 12
"""Digits of a content hash: enough to tell two apart."""


def review_reply(
    review: Reviewed, marks: Marks, *, start: int, whole: bool, page: str | None = None
) -> ReviewReply:
    """Return the answer to a review whose rows begin at position `start`.

    With `whole`, because sections were named or differences asked for, it has whole texts,
    otherwise their beginnings. If not all rows fit, the cursor goes on after the last that did.
    If only one `page` was asked for, the suggested next call stays on it.
    """

    def build(rows: int) -> ReviewReply:
        shown = [_row(row, marks, whole=whole) for row in review.rows[:rows]]
        notes = [marks.note(note, NOTE_LENGTH) for note in review.notes]
        return ReviewReply(
            message=sentences.reviewed(review.counts),
            counts={state: count for state, count in review.counts.items() if count},
            marks=marks.meaning_if_in(*notes, *(text for row in shown for text in _marked(row))),
            sections=shown,
            notes=notes or None,
            next=_next(review, page),
            next_cursor=review.next_cursor if rows == len(review.rows) else start + rows,
        )

    most = DETAIL_BYTES_MAX if whole else REPLY_BYTES_MAX
    return fitted(build, len(review.rows), bytes_max=most, least=min(len(review.rows), 1))


def _row(row: ReviewRow, marks: Marks, *, whole: bool) -> ReviewedRow:
    draft, live = _texts(row, marks, whole=whole)
    return ReviewedRow(
        section=row.section,
        state=row.state,
        template=marks.value(row.template, NAME_LENGTH) if row.template else None,
        author=sentences.short(row.author),
        placeholder=row.placeholder or None,
        locked=row.locked or None,
        draft_hash=_short_hash(row.draft_hash) if whole else None,
        live_hash=_short_hash(row.live_hash) if whole else None,
        batch_id=row.batch_id if whole else None,
        note=sentences.short(row.note),
        findings=list(row.findings) or None,
        draft=draft,
        live=live,
        diff=marks.text(row.diff, TEXT_LENGTH) if row.diff else None,
    )


def _marked(row: ReviewedRow) -> Iterator[str | None]:
    """Yield the texts of a row that may stand between marks."""
    yield from (row.template, row.draft, row.live, row.diff)


def _texts(row: ReviewRow, marks: Marks, *, whole: bool) -> tuple[str | None, str | None]:
    """Return draft and live text: neither if there is a difference, and an equal text only once."""
    if row.diff is not None:
        return None, None
    live = row.live if row.draft is None or (whole and row.live != row.draft) else None
    return _text(row.draft, marks, whole=whole), _text(live, marks, whole=whole)


def _text(text: str | None, marks: Marks, *, whole: bool) -> str | None:
    if text is None:
        return None
    return marks.text(text, TEXT_LENGTH) if whole else marks.excerpt(text, EXCERPT_LENGTH)


def _short_hash(hash: str | None) -> str | None:
    return hash[:HASH_LENGTH] if hash is not None else None


def _next(review: Reviewed, page: str | None) -> str | None:
    """Return the call that most likely comes next, limited to what was asked for."""
    where = {"page": page} if page else {}
    if review.counts.get("draft") or review.counts.get("changed"):
        return sentences.call("promote", {**where, "dryRun": True})
    if review.missing_files:
        return sentences.call("promote", where)
    if outdated := [row.section for row in review.rows if row.state == "outdated"]:
        named = {"sections": outdated[: sentences.NAMED_MAX]}
        anew = sentences.call("generate", {**named, "mode": "new"})
        return f"{anew} or {sentences.call('promote', {**named, 'force': True})}"
    if not review.counts.get("missing"):
        return None
    return sentences.call("generate", where) if page else sentences.call("generate-all", {})
