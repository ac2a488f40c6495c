"""The answer of `review`: counts, and the sections with their texts between marks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from mcp_server.content.actions.moments import stamp
from mcp_server.content.actions.reviewed import Reviewed, ReviewedPage, ReviewRow, Room
from mcp_server.entities.entity import Finding, page_of
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.fit import DETAIL_BYTES_MAX, REPLY_BYTES_MAX, fitted
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import PageRow, ReviewedRow, ReviewReply

EXCERPT_LENGTH = 80
"""Characters of a text in a list: enough to recognise it."""
TEXT_LENGTHS = (16_000, 8_000, 4_000, 2_000)
"""Characters of a text or difference that was asked for: the most that one row has room for. Longer
ones are cut after a line."""
ROW_BYTES_MAX = DETAIL_BYTES_MAX - 2_000
"""Of one row; what is said of all comes besides."""
NOTE_LENGTH = 200
"""Characters of a note on the site as a whole."""
TITLE_LENGTH = 40
"""Characters of a page's title."""
PIECE_LENGTH = 40
"""Characters of the piece of a text that a finding is about."""
PAGES = 8
"""Pages that the first answer about the whole site names: all of a small site."""
NAME_LENGTH = 60
"""Characters of a template's name, which comes from a file and may be any text."""
HASH_LENGTH = 12
"""Digits of a content hash: enough to tell two apart."""


def room(*, whole: bool) -> Room:
    """Return how much a review can show: `whole` texts, or the beginnings of many."""
    if whole:
        return Room(DETAIL_BYTES_MAX, TEXT_LENGTHS[0])
    return Room(REPLY_BYTES_MAX, EXCERPT_LENGTH)


def review_reply(
    review: Reviewed, marks: Marks, *, start: int, whole: bool, page: str | None = None
) -> ReviewReply:
    """Return the answer to a review whose rows begin at position `start`.

    With `whole`, because pages or sections were named or differences asked for, it has whole
    texts, otherwise their beginnings. If not all rows fit, the cursor goes on after the last that
    did. If only one `page` was asked for, the suggested next call stays on it.
    """

    @cache
    def row(number: int) -> ReviewedRow:
        return _fitted_row(review.rows[number], marks, whole=whole)

    @cache
    def listed(number: int) -> PageRow:
        return _page(review.pages[number], marks)

    @cache
    def is_marked(number: int) -> bool:
        return marks.meaning_if_in(*_marked(row(number))) is not None

    places = {each.page: number for number, each in enumerate(review.pages)}
    place_of = [places.get(page_of(each.section)) for each in review.rows]
    first = range(min(PAGES, len(places))) if start == 0 and not whole else ()
    notes = [marks.note(note, NOTE_LENGTH) for note in review.notes]

    def build(rows: int) -> ReviewReply:
        shown = {*first, *(number for number in place_of[:rows] if number is not None)}
        pages = [listed(number) for number in sorted(shown)]
        of_rows = marks.meaning if any(map(is_marked, range(rows))) else None
        return ReviewReply(
            message=sentences.reviewed(review.counts, review.about),
            counts={state: count for state, count in review.counts.items() if count},
            marks=of_rows or marks.meaning_if_in(*notes, *(each.title for each in pages)),
            pages=pages or None,
            sections=[row(number) for number in range(rows)],
            notes=notes or None,
            next=_next(review, page),
            next_cursor=_cursor_after(rows, review, start),
        )

    most = DETAIL_BYTES_MAX if whole else REPLY_BYTES_MAX
    return fitted(build, len(review.rows), bytes_max=most, least=min(len(review.rows), 1))


def _cursor_after(rows: int, review: Reviewed, start: int) -> int | None:
    """Return where to go on after so many rows, `None` after the last one."""
    if rows == len(review.rows):
        return review.next_cursor
    return review.cursors[rows - 1] if review.cursors else start + rows


def _page(page: ReviewedPage, marks: Marks) -> PageRow:
    title = marks.value(page.title, TITLE_LENGTH) if page.title else None
    return PageRow(page=page.page, title=title, counts=dict(page.counts))


def _fitted_row(row: ReviewRow, marks: Marks, *, whole: bool) -> ReviewedRow:
    """Return a row with as much of its texts as fits into an answer."""
    if not whole:
        return _row(row, marks, EXCERPT_LENGTH, whole=False)
    *longer, least = TEXT_LENGTHS
    for length in longer:
        made = _row(row, marks, length, whole=True)
        if len(made.text().encode()) <= ROW_BYTES_MAX:
            return made
    return _row(row, marks, least, whole=True)


def _row(row: ReviewRow, marks: Marks, length: int, *, whole: bool) -> ReviewedRow:
    draft, live = _texts(row, marks, length, whole=whole)
    full = whole or row.when is not None  # who asks for the past wants to go back to it
    return ReviewedRow(
        section=row.section,
        state=row.state,
        template=marks.value(row.template, NAME_LENGTH) if row.template else None,
        author=sentences.short(row.author),
        placeholder=row.placeholder or None,
        locked=row.locked or None,
        draft_hash=_short_hash(row.draft_hash) if full else None,
        live_hash=_short_hash(row.live_hash) if full else None,
        batch_id=row.batch_id if full else None,
        note=sentences.short(row.note),
        findings=[shown_finding(each, marks) for each in row.findings] or None,
        found_in=row.found_in,
        file_hash=_short_hash(row.file_hash),
        size=row.size,
        when=stamp(row.when) if row.when is not None else None,
        instructions=marks.excerpt(row.instructions, NOTE_LENGTH) if row.instructions else None,
        related=[f"{id} {hash[:HASH_LENGTH]}" for id, hash in row.related.items()] or None,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        draft=draft,
        live=live,
        diff=marks.text(row.diff, length) if row.diff else None,
        file=marks.text(row.file, length) if row.file else None,
    )


def shown_finding(finding: Finding, marks: Marks) -> str:
    """Return a finding; the piece of the text that it is about stands between marks."""
    level = f"{finding.level}: " if finding.level != "noted" else ""
    piece = f" {marks.excerpt(finding.piece, PIECE_LENGTH)}" if finding.piece else ""
    return f"{level}{finding.kind}{piece}"


def _marked(row: ReviewedRow) -> Iterator[str | None]:
    """Yield the texts of a row that may stand between marks."""
    yield from (row.template, row.draft, row.live, row.diff, row.instructions, row.file)
    yield from row.findings or ()


def _texts(
    row: ReviewRow, marks: Marks, length: int, *, whole: bool
) -> tuple[str | None, str | None]:
    """Return draft and live text: neither if there is a difference, and an equal text only once."""
    if row.diff is not None:
        return None, None
    live = row.live if row.draft is None or (whole and row.live != row.draft) else None
    show = marks.text if whole else marks.excerpt
    draft, shown = (None if each is None else show(each, length) for each in (row.draft, live))
    return draft, shown


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
