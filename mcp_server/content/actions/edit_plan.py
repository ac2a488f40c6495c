"""What an edit makes of a section's draft, and why it is refused. Pure.

An edit starts from the draft, or from the live text where there is no draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp_server.content.actions.calls import EditCall, Skipped
from mcp_server.content.actions.edit_text import (
    check_size,
    check_text,
    fields_with,
    merged_fields,
    tidy_text,
)
from mcp_server.content.actions.locks import locked_error
from mcp_server.content.actions.plan import STATIC
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.site import Section
from mcp_server.content.template import Template
from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.content.text.markdown import MarkdownMismatch, render
from mcp_server.content.text.meta_values import read_meta
from mcp_server.content.text.openings import left_open_more
from mcp_server.content.text.replace import COUNTED_MAX, Misfit, Replacement, replaced
from mcp_server.content.text.visible import visible_part
from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.effects import DiscardDraft, SaveRevision, expect_hash
from mcp_server.entities.entity import PREVIEW, Author, Revision, page_of
from mcp_server.errors import InvalidPayload, InvalidTransition, OtherText

WAYS = ("text", "fields", "replace", "restore", "discard")
"""What an edit may be; each call is one of them."""
HASH = re.compile(r"[0-9a-f]{8,32}")
"""The digits of a hash that stand for a text; `review` shows 12 of the 32."""
HTML = "its file is HTML, which is kept as it is"
SEARCH = "copy it from the text as review shows it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an edit does to the draft of one section."""

    section: str
    before: Revision | None
    """The text that it starts from; `None` where there is none."""
    after: Revision | None
    """The draft that there is then; `None` where there is none any more."""
    effect: SaveRevision | DiscardDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a call does: one change, or those of a replacement over several sections."""

    changes: tuple[Change, ...]
    without: int = 0
    """How many of the sections do not hold what is to be replaced."""
    locked: tuple[str, ...] = ()
    """Sections that hold it, and are locked."""
    left: tuple[Skipped, ...] = ()
    """Sections that hold it, in files that cannot be worked on now (P6)."""


def check_call(call: EditCall) -> None:
    """Refuse a call that is not exactly one edit.

    Raises:
        InvalidPayload: none of the ways was given, or several; or they do not go together, or
            are too long.
    """
    given = [way for way in WAYS if getattr(call, way) not in (None, False, ())]
    if len(given) != 1:
        what = f"{' and '.join(given)} are given" if given else "nothing is given to change"
        raise InvalidPayload("edit", [f"{what}; give exactly one of {', '.join(WAYS)}"])
    check_size(call)
    if any(each.old == each.new for each in call.replace):
        raise InvalidPayload("replace", ["old and new are the same"])
    for name, digits in (("contentHash", call.content_hash), ("restore", call.restore)):
        if digits is not None and HASH.fullmatch(digits) is None:
            raise InvalidPayload(name, ["write the hash of a text, as review shows it"])


def plan_edit(
    call: EditCall,
    id: str,
    content: SiteContent,
    author: Author,
    past: Sequence[Revision] = (),
) -> Change:
    """Return what the edit of one section does.

    `past` is what the call needs beside the content: for `restore` the revisions with that hash,
    for `discard` all drafts and discards of the section, oldest first.

    Raises:
        InvalidPayload: the text, the fields or the hash do not fit.
        InvalidTransition: the section is static, locked or no longer there, or has no text; or its
            file is blocked (P6).
        OtherText: the draft is not the one of `content_hash`, or what is to be replaced does not
            stand in it exactly once.
    """
    _refuse_uneditable(id, content, discards=call.discard)
    start = start_of(content, id)
    _refuse_moved(call.content_hash, id, start)
    if call.discard:
        return _discarding(id, content, author, past)
    if call.restore is not None:
        return _saving(id, content, _restored(author, past))
    if call.fields is not None:
        text = _with_fields(call.fields, id, content, author)
        return _saving(id, content, _checked("fields", text, content))
    if call.text is not None:
        before = (start.markdown or "") if start is not None else ""
        text = _with_text(tidy_text(call.text, before), {}, id, content, author)
        return _saving(id, content, _checked("text", text, content))
    return _replacing(call.replace, range(len(call.replace)), id, content, author)


def plan_replace(
    call: EditCall, ids: Sequence[str], content: SiteContent, author: Author
) -> Changes:
    """Return what replacing in several sections does; those that hold no `old` are left out.

    Raises:
        InvalidPayload: an `old` stands in none of them, or what comes of it does not fit.
        InvalidTransition: all that hold it are locked, or in files that are blocked (P6).
        OtherText: it stands in one of them more than once.
    """
    if call.content_hash is not None:
        raise InvalidPayload("contentHash", ["it is of one text; leave it out, or name a section"])
    holding = {id: here for id in ids if (here := _held_in(id, call.replace, content))}
    everywhere = {number for here in holding.values() for number in here}
    if missing := [n for n in range(len(call.replace)) if n not in everywhere]:
        where = f"in none of the {len(ids)} sections"
        raise InvalidPayload(f"replace[{missing[0]}]", [f"old stands {where}; {SEARCH}"])
    locked = tuple(id for id in holding if content.site.is_locked(id))
    kept = {id: why for id in holding if id not in locked and (why := _why_kept(id, content))}
    free = {id: here for id, here in holding.items() if id not in locked and id not in kept}
    if not free:
        _refuse_uneditable(next(iter(holding)), content, discards=False)
    return Changes(
        changes=tuple(
            _replacing(call.replace, here, id, content, author) for id, here in free.items()
        ),
        without=len(ids) - len(holding),
        locked=locked,
        left=tuple(Skipped(section=id, reason=why) for id, why in kept.items()),
    )


def start_of(content: SiteContent, id: str) -> Revision | None:
    """Return the text that an edit starts from: the draft, or else the live text."""
    draft, live = content.drafts.get(id), content.live.get(id)
    found = live if draft is None or content.is_superseded(id) else draft
    return None if found is None else found.current


def base_of(content: SiteContent, id: str) -> str | None:
    """Return the live text that an edit is made against (R7)."""
    draft, live = content.drafts.get(id), content.live_hash(id)
    if draft is None or draft.hash == live or content.is_superseded(id) or id in content.same_base:
        return live
    # Of a draft that was taken off there is no text any more that it would replace (R27).
    return live if draft.withdrawn and live is None else draft.current.base


def _refuse_uneditable(id: str, content: SiteContent, *, discards: bool) -> None:
    if content.site.is_locked(id):
        raise locked_error(id, content, "edit")
    section = content.site.section(id)
    if section is None and not discards:
        advice = "Put it back there to write it, or discard its draft."
        raise InvalidTransition(id, state="no longer in site.yaml", action="edit", advice=advice)
    if section is not None and section.text is not None:
        raise InvalidPayload(id, [f"{STATIC}; a person changes it there"])
    if _is_html(id, content):
        raise InvalidPayload(id, [HTML])
    if not discards and (why := content.why_blocked(id)) is not None:
        state = f"in a file that cannot be worked on now ({why})"
        raise InvalidTransition(id, state=state, action="edit", advice="Mend the file first.")


def _is_html(id: str, content: SiteContent) -> bool:
    page = content.site.page(page_of(id))
    return page is not None and page.kept_only


def _why_kept(id: str, content: SiteContent) -> str | None:
    """Return why the file of a section's page is left as it is, if it is."""
    return HTML if _is_html(id, content) else content.why_blocked(id)


def _refuse_moved(digits: str | None, id: str, start: Revision | None) -> None:
    if digits is None:
        return
    if start is None:
        raise InvalidPayload("contentHash", [f"{id} has no text (any more); call without it"])
    if not (start.hash or "").startswith(digits):
        raise moved(id, start)


def moved(id: str, present: Revision | None) -> OtherText:
    """Return the error on a text that is another than the caller has read."""
    words = (present.markdown if present else None) or ""
    short = f", contentHash {present.hash[:12]}" if present and present.hash else ""
    why = f"its text has changed since it was read; it now says the words below{short}"
    return OtherText(id, why if words else "its text is gone since it was read", words=words)


def _saving(id: str, content: SiteContent, text: Revision) -> Change:
    """Return the change that makes `text` the draft, with the base that an edit has."""
    draft = content.drafts.get(id)
    after = replace(text.as_type(PREVIEW), base=base_of(content, id), site_hash=content.site.hash)
    expects = expect_hash(draft.hash if draft else None)
    return Change(
        section=id,
        before=start_of(content, id),
        after=after,
        effect=SaveRevision(after, expects),
    )


def _discarding(id: str, content: SiteContent, author: Author, past: Sequence[Revision]) -> Change:
    draft = content.drafts.get(id)
    if draft is None:
        live = " What is live is taken back by rollback." if id in content.live else ""
        raise InvalidPayload("discard", [f"{id} has no draft.{live}"])
    stack = draft_stack(past)
    return Change(
        section=id,
        before=draft.current,
        after=stack[-2] if len(stack) > 1 else None,
        effect=DiscardDraft(id, expect_hash(draft.hash), author),
    )


def _restored(author: Author, past: Sequence[Revision]) -> Revision:
    """Return the text to restore. A placeholder stays one: nobody has looked its words over."""
    texts = {revision.hash: revision for revision in past if not revision.is_removal}
    if not texts:
        what = "no text of the section has that hash; review with history lists them"
        raise InvalidPayload("restore", [what])
    if len(texts) > 1:
        raise InvalidPayload("restore", [f"{len(texts)} texts begin so; give more of its digits"])
    (found,) = texts.values()
    return replace(
        found,
        author=found.author if found.is_placeholder else author,
        batch_id=None,
        job_id=None,
        input_tokens=None,
        output_tokens=None,
        cost_usd=None,
    )


def _with_fields(
    given: Mapping[str, Any], id: str, content: SiteContent, author: Author
) -> Revision:
    section, start = content.site.section(id), start_of(content, id)
    assert section is not None, "it was looked up before"
    template = content.site.templates.get(section.template or "")
    if template is None:
        raise InvalidPayload("fields", [f"{id} has no template, so no fields; write it with text"])
    if start is not None and not start.fields:
        what = f"the text of {id} was written as a whole and has no fields; change it with text"
        raise InvalidPayload("fields", [what])
    fields = merged_fields(content.site, section, template, given, start)
    return Revision(
        type=PREVIEW,
        entity_id=id,
        template=template.name,
        fields=fields,
        markdown=render(template, fields),
        author=author,
    )


def _checked(argument: str, text: Revision, content: SiteContent) -> Revision:
    """Return the text with what the checks find in it.

    Raises:
        InvalidPayload: they refuse it.
    """
    # A fifth of a second, which a server does not spend before its first answer.
    from mcp_server.content.checks.check import check  # noqa: PLC0415
    from mcp_server.content.checks.sources import sources_of  # noqa: PLC0415
    from mcp_server.content.checks.told import still_gone  # noqa: PLC0415 - as above

    section, start = content.site.section(text.entity_id), start_of(content, text.entity_id)
    live = content.live.get(text.entity_id)
    if live is not None and start is not None and live.hash == start.hash:
        start = live.current  # somebody has said yes to what its draft is held for
    assert section is not None, "others are refused before"
    _refuse_left_open(argument, text, section, content, start)
    found = check(
        text.markdown or "",
        section=section,
        site=content.site,
        template=content.site.templates.get(text.template),
        sources=sources_of(content.site, section, before=start),
    )
    if refused := dict.fromkeys(each.kind for each in found if each.level == "refused"):
        what = f"{text.entity_id} must not hold: {', '.join(refused)}; write plain Markdown"
        raise InvalidPayload(argument, [what])
    return replace(text, findings=(*still_gone(start, text.markdown or ""), *found))


def _refuse_left_open(
    argument: str, text: Revision, section: Section, content: SiteContent, start: Revision | None
) -> None:
    """Refuse a text that would swallow the section after it (P8).

    Raises:
        InvalidPayload: it leaves something open that the text before it did not.
    """
    page, template = content.site.page(section.page), content.site.templates.get(text.template)
    if template is not None and template.front_matter:
        return
    before = (start.markdown if start is not None else None) or ""
    style = MarkStyle.of(page.file if page is not None else "")
    if (reason := left_open_more(before, text.markdown or "", style=style)) is not None:
        raise InvalidPayload(argument, [reason])


def _with_text(
    text: str,
    fields: Mapping[str, Any],
    id: str,
    content: SiteContent,
    author: Author,
) -> Revision:
    section = content.site.section(id)
    template = content.site.templates.get((section.template if section else None) or "")
    if template is not None and template.front_matter:
        fields = _meta_of(template, text)
        text = render(template, fields)
    return Revision(
        type=PREVIEW,
        entity_id=id,
        template=(section.template if section else None) or "",
        fields=fields,
        markdown=text,
        author=author,
    )


def _meta_of(template: Template, text: str) -> Mapping[str, Any]:
    """Return the values of a section that is keys of the front matter: its text is lines of them.

    Raises:
        InvalidPayload: it is not, or has a key that is none of the section's.
    """
    try:
        return read_meta(template, text)
    except MarkdownMismatch as problem:
        raise InvalidPayload("text", [f"{problem}; write a line for each key"]) from problem


def _held_in(id: str, replacements: Sequence[Replacement], content: SiteContent) -> Sequence[int]:
    """Return which of the replacements concern a section."""
    section, start = content.site.section(id), start_of(content, id)
    if section is None or section.text is not None or start is None:
        return ()
    text = start.markdown or ""
    return [number for number, each in enumerate(replacements) if each.old in text]


def _replacing(
    replacements: Sequence[Replacement],
    numbers: Sequence[int],
    id: str,
    content: SiteContent,
    author: Author,
) -> Change:
    """Return the change by those of the replacements that have these numbers."""
    start = start_of(content, id)
    if start is None:
        what = f"{id} has no text yet; write it with text or fields, or generate it"
        raise InvalidPayload("replace", [what])
    chosen = [
        Replacement(old=each.old, new=visible_part(each.new))
        for each in (replacements[number] for number in numbers)
    ]
    text = replaced(start.markdown or "", chosen)
    if isinstance(text, Misfit):
        raise _unclear(id, text, numbers[text.number])
    # What stays is not tidied: nobody asked for its tabs and soft hyphens to change.
    check_text("replace", text, start.markdown or "")
    template = content.site.templates.get(start.template)
    fields = fields_with(template, start.fields, chosen, text) if template is not None else {}
    made = _with_text(text, fields, id, content, author)
    return _saving(id, content, _checked("replace", made, content))


def _unclear(id: str, misfit: Misfit, number: int) -> InvalidPayload | OtherText:
    name = f"old of replace[{number}]"
    if not misfit.count:
        return InvalidPayload(f"replace[{number}]", [f"old does not stand in {id}; {SEARCH}"])
    if misfit.overlaps:
        why = f"{name} overlaps with that of another; replace both as one piece"
    else:
        more = " or more" if misfit.count == COUNTED_MAX else ""
        times = f"{misfit.count:,}{more} times"
        why = f"{name} stands there {times}; give more of the text around it"
    return OtherText(id, why, words="\n".join(misfit.places))
