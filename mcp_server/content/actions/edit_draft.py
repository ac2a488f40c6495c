"""The draft that an edit makes: its start, its base, what the checks find in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcp_server.content.actions.locks import locked_error
from mcp_server.content.actions.plan import STATIC
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.site import Section
from mcp_server.content.template import Template
from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.content.text.markdown import MarkdownMismatch, render
from mcp_server.content.text.meta_values import read_meta
from mcp_server.content.text.openings import left_open_more
from mcp_server.entities.effects import DiscardDraft, SaveRevision, expect_hash
from mcp_server.entities.entity import PREVIEW, Author, Revision, page_of
from mcp_server.errors import InvalidPayload, InvalidTransition

HTML = "its file is HTML, which is kept as it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an edit does to the draft of one section."""

    section: str
    before: Revision | None
    """The text that it starts from; `None` where there is none."""
    after: Revision | None
    """The draft that there is then; `None` where there is none any more."""
    effect: SaveRevision | DiscardDraft


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


def refuse_uneditable(id: str, content: SiteContent, *, discards: bool) -> None:
    """Refuse to edit a section that no edit may change; a discard needs less.

    Raises:
        InvalidPayload: it is static, or its file is HTML.
        InvalidTransition: it is locked, no longer in the site, or in a file that is blocked (P6).
    """
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


def why_kept(id: str, content: SiteContent) -> str | None:
    """Return why the file of a section's page is left as it is, if it is."""
    return HTML if _is_html(id, content) else content.why_blocked(id)


def change_to(id: str, content: SiteContent, text: Revision) -> Change:
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


def checked(argument: str, text: Revision, content: SiteContent) -> Revision:
    """Return the text with what the checks find in it.

    Raises:
        InvalidPayload: they refuse it.
    """
    from mcp_server.content.checks.check import check  # noqa: PLC0415 - a fifth of a second
    from mcp_server.content.checks.sources import sources_of  # noqa: PLC0415 - as above
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


def revision_of(
    text: str,
    fields: Mapping[str, Any],
    id: str,
    content: SiteContent,
    author: Author,
) -> Revision:
    """Return a section's text as it is stored; of keys of front matter as the values that it has.

    Raises:
        InvalidPayload: it is to be such keys, and is not.
    """
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
