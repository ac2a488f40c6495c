"""What an edit makes of a section's draft, and why it is refused. Pure.

An edit starts from the draft, or from the live text where there is no draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcp_server.content.actions.calls import EditCall
from mcp_server.content.actions.edit_draft import (
    Change,
    change_to,
    checked,
    refuse_uneditable,
    revision_of,
    start_of,
)
from mcp_server.content.actions.edit_replace import replace_in
from mcp_server.content.actions.edit_text import check_size, merged_fields, tidy_text
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.text.markdown import render
from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.effects import DiscardDraft, expect_hash
from mcp_server.entities.entity import PREVIEW, Author, Revision
from mcp_server.errors import InvalidPayload, OtherText

WAYS = ("text", "fields", "replace", "restore", "discard")
"""What an edit may be; each call is one of them."""
HASH = re.compile(r"[0-9a-f]{8,32}")
"""The digits of a hash that stand for a text; `review` shows 12 of the 32."""


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
    refuse_uneditable(id, content, discards=call.discard)
    start = start_of(content, id)
    _refuse_moved(call.content_hash, id, start)
    if call.discard:
        return _discarding(id, content, author, past)
    if call.restore is not None:
        return change_to(id, content, _restored(author, past))
    if call.fields is not None:
        text = _with_fields(call.fields, id, content, author)
        return change_to(id, content, checked("fields", text, content))
    if call.text is not None:
        before = (start.markdown or "") if start is not None else ""
        text = revision_of(tidy_text(call.text, before), {}, id, content, author)
        return change_to(id, content, checked("text", text, content))
    return replace_in(call.replace, range(len(call.replace)), id, content, author)


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
