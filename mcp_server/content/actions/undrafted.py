"""Why a section is not drafted: by its state, and by what the call asks for (R4, P14). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.content.actions.calls import GenerateCall
from mcp_server.content.actions.locks import why_untouchable
from mcp_server.content.actions.plan import STATIC
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.drafting.length import why_too_long
from mcp_server.content.drafting.model import COMPOSER
from mcp_server.content.drafting.prompt import DraftRequest, Mode, inputs_hash
from mcp_server.content.site import Section, Site
from mcp_server.entities.entity import Author, is_slug, page_of
from mcp_server.likeness import did_you_mean

PAGE = "its page with instructions"
"""What names all sections of a page, also those that people wrote."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks of each of its sections."""

    call: GenerateCall
    mode: Mode
    selection: Selection
    model: str
    answer_tokens: int | None
    """The most tokens that one answer may have, where that is known."""

    @property
    def names_page(self) -> bool:
        """Whether pages are named, and what is wished for them."""
        return bool(self.selection.pages) and bool(self.call.instructions or self.call.material)


def why_not_drafted(
    section: Section | None, asked: Asked, content: SiteContent, id: str
) -> str | None:
    if section is None:
        return "is no longer in site.yaml"
    if (why := why_untouchable(content, id)) is not None:
        return why
    if (reason := _why_undraftable(section, content.site)) is not None:
        return reason
    if asked.mode == "leave":
        return _why_left(section, id, content, asked)
    if (reason := _why_composer_must_not(asked.model, content, id)) is not None:
        return reason
    return _why_passed_by(asked, content, id) or _why_too_long(section, asked, content, id)


def _why_composer_must_not(model: str, content: SiteContent, id: str) -> str | None:
    """Return why a section is no work for the composer: its file says something that it would lose.

    What the composer writes is made from facts and phrases alone.
    """
    live = content.live.get(id)
    if model != COMPOSER or live is None or not live.current.author.in_file:
        return None
    return "the composer cannot rewrite an existing text; set a model, or use edit"


def _why_passed_by(asked: Asked, content: SiteContent, id: str) -> str | None:
    """Return why a text is passed by that people wrote: nobody has asked for another (P14)."""
    if asked.selection.named or asked.names_page:
        return None
    found = [("draft", content.drafts.get(id)), ("live text", content.live.get(id))]
    for noun, entity in found:
        if entity is not None and entity.current.author.by_people:
            how = "in its file" if entity.current.author.in_file else "by hand"
            return f"its {noun} was written {how}; name the section, or {PAGE}, to rewrite it"
    return None


def _why_too_long(section: Section, asked: Asked, content: SiteContent, id: str) -> str | None:
    """Return why a text that is to come back whole is too long for that."""
    template = content.site.templates[section.template or ""]
    request = DraftRequest(
        site=content.site,
        section=section,
        template=template,
        mode=asked.mode,
        current=DraftRequest.present(asked.mode, content.drafts.get(id), content.live.get(id)),
    )
    before = request.current
    if asked.mode != "with-current" or before is None or not before.author.by_people:
        return None
    hidden = request.hidden
    assert hidden is not None, "there is a present text, and the model sees it"
    return why_too_long(hidden, template, asked.answer_tokens)


def _why_undraftable(section: Section, site: Site) -> str | None:
    if section.text is not None:
        return STATIC
    page = site.page(section.page)
    if page is not None and page.kept_only:
        return f"{page.file} is HTML, which is kept as it is"
    if section.template is None:
        return f"Section {section.entity_id} has no template specified"
    if section.template not in site.templates:
        guess = did_you_mean(section.template, site.templates)
        return f"{named(section.template)} does not exist{guess}"
    return None


def named(template: str) -> str:
    """Return a template's name for a sentence; what is no slug is not quoted.

    It comes from `site.yaml`, and could be any text in words that are meant to be ours.
    """
    return f"its template {template!r}" if is_slug(template) else "the template that it names"


def is_mistake(section: Section, site: Site) -> bool:
    return section.text is None and section.template not in site.templates


def _why_left(section: Section, id: str, content: SiteContent, asked: Asked) -> str | None:
    """Return why mode `leave` skips a section: it has a text, or an up-to-date placeholder."""
    draft, live = content.drafts.get(id), content.live.get(id)
    found = draft or live
    if found is None:
        return _why_not_added(asked, content, id)
    for noun, entity in (("draft", draft), ("live text", live)):
        if entity is not None and not entity.current.is_placeholder:
            return f"has a {noun}{_how_to_rewrite(entity.current.author, asked)}"
    template = content.site.templates[section.template or ""]
    request = DraftRequest(site=content.site, section=section, template=template, mode="leave")
    if found.current.inputs_hash == inputs_hash(request, asked.model):
        return "its placeholder is written from these facts already; mode new rewrites it"
    return None


def _why_not_added(asked: Asked, content: SiteContent, id: str) -> str | None:
    """Return why bulk drafting adds nothing to a file that somebody else has made (P14)."""
    page = content.site.page(page_of(id))
    if page is None or not page.collection or asked.selection.named or asked.selection.pages:
        return None
    if page.id not in content.files and page.id not in content.found:
        return None
    return "its file has nothing of it; name the page or section to write it"


def _how_to_rewrite(author: Author, asked: Asked) -> str:
    if asked.selection.named or not author.in_file:
        return "; mode new rewrites it"
    return f", written in its file; name the section with mode new, or {PAGE}, to rewrite it"
