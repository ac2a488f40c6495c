"""What replacing pieces of a text makes of one section, or of several. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_server.content.actions.calls import EditCall, Skipped
from mcp_server.content.actions.edit_draft import (
    Change,
    change_to,
    checked,
    refuse_uneditable,
    revision_of,
    start_of,
    why_kept,
)
from mcp_server.content.actions.edit_text import check_text, fields_with
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.text.replace import COUNTED_MAX, Misfit, Replacement, replaced
from mcp_server.content.text.visible import visible_part
from mcp_server.entities.entity import Author
from mcp_server.errors import InvalidPayload, OtherText

SEARCH = "copy it from the text as review shows it"


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
    kept = {id: why for id in holding if id not in locked and (why := why_kept(id, content))}
    free = {id: here for id, here in holding.items() if id not in locked and id not in kept}
    if not free:
        refuse_uneditable(next(iter(holding)), content, discards=False)
    return Changes(
        changes=tuple(
            replace_in(call.replace, here, id, content, author) for id, here in free.items()
        ),
        without=len(ids) - len(holding),
        locked=locked,
        left=tuple(Skipped(section=id, reason=why) for id, why in kept.items()),
    )


def _held_in(id: str, replacements: Sequence[Replacement], content: SiteContent) -> Sequence[int]:
    """Return which of the replacements concern a section."""
    section, start = content.site.section(id), start_of(content, id)
    if section is None or section.text is not None or start is None:
        return ()
    text = start.markdown or ""
    return [number for number, each in enumerate(replacements) if each.old in text]


def replace_in(
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
    made = revision_of(text, fields, id, content, author)
    return change_to(id, content, checked("replace", made, content))


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
