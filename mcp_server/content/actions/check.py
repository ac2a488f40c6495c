"""Checking all texts of the site: the drafts as they are, or what is live."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import anyio.to_thread

from mcp_server.content.actions.between import Vectors, findings_between_texts, vectors_of
from mcp_server.content.actions.checked import Checked, CheckedText
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.checks.told import as_noted, is_unsaid, only_noted
from mcp_server.entities.entity import Finding, Revision, page_of, split_id
from mcp_server.entities.meaning import MeaningStore


class CheckAction:
    """Says what the checks have to say of every text of the site."""

    def __init__(self, reader: ContentReader, meaning: MeaningStore) -> None:
        self._reader, self._meaning = reader, meaning

    async def __call__(self, *, live: bool) -> Checked:
        """Check the newest text of each section, draft or else live, or with `live` what is live.

        Raises:
            Unavailable: the site cannot be read, and never could.
        """
        content, notes = await self._reader.read()
        content = await self._reader.look(content, content.site.section_ids, to_store=False)
        content = await self._reader.in_languages(content, content.site.section_ids)
        texts = texts_of(content, live=live)
        vectors = await vectors_of(self._meaning, texts)
        found = await anyio.to_thread.run_sync(_checked, content, texts, vectors)
        return Checked(count=len(texts), texts=found, notes=tuple(notes))


def _checked(
    content: SiteContent, texts: Mapping[str, Revision | str], vectors: Vectors
) -> tuple[CheckedText, ...]:
    """Return the texts with findings: those of their own, then what is between them and others."""
    found, between = check_texts(content, texts), findings_between_texts(content, texts, vectors)
    return tuple(
        CheckedText(section=id, findings=(*own, *between.get(id, ())))
        for id, own in found.items()
        if own or id in between
    )


def texts_of(content: SiteContent, *, live: bool) -> Mapping[str, Revision | str]:
    """Return the text of each section that has one; a static one as `site.yaml` has it."""
    found: dict[str, Revision | str] = {}
    for section in content.site.sections():
        id = section.entity_id
        entity = content.live.get(id) if live else content.drafts.get(id, content.live.get(id))
        if section.text is not None:
            found[id] = section.text
        elif entity is not None:
            found[id] = entity.current
    return found


def check_texts(
    content: SiteContent,
    texts: Mapping[str, Revision | str],
    *,
    only: Collection[str] | None = None,
) -> Mapping[str, tuple[Finding, ...]]:
    """Return what there is to say of each text, or of `only` some, among all `texts`. Pure.

    Whether all figures stand in a source is known of a text that was checked when it was written;
    of others, such as those that a person wrote, it is not asked.
    """
    from mcp_server.content.checks.check import check  # noqa: PLC0415 - a fifth of a second
    from mcp_server.content.checks.links import Places, anchors_in  # noqa: PLC0415 - it comes with that
    from mcp_server.content.checks.sources import SiteSources  # noqa: PLC0415 - and so does this

    site, sources = content.site, SiteSources(content.site)
    anchors: dict[str, set[str]] = {page.id: set() for page in site.pages}
    for id, text in texts.items():
        anchors[page_of(id)] |= anchors_in(_words_of(text)) | {split_id(id)[1]}
    places = Places(site, anchors)
    found: dict[str, tuple[Finding, ...]] = {}
    for id, text in texts.items():
        if only is not None and id not in only:
            continue
        section = site.section(id)
        assert section is not None, "the texts are those of the site's sections"
        wished = text.instructions if isinstance(text, Revision) else ""
        found[id] = _counting(
            text,
            check(
                _words_of(text),
                section=section,
                site=site,
                template=site.templates.get(section.template or ""),
                sources=sources.of(section, instructions=wished),
                places=places,
            ),
        )
    return found


def _counting(text: Revision | str, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that count for a text, by who wrote it and what was found then."""
    if isinstance(text, str):
        return tuple(each for each in found if not is_unsaid(each))
    counting = tuple(each for each in found if _counts(each, text))
    if text.is_placeholder:
        return as_noted(counting)
    return only_noted(counting) if text.author.in_file else counting


def _counts(found: Finding, text: Revision) -> bool:
    """Whether a finding counts for a text: HTML and shortcodes may stay where a file had them."""
    if found in (text.findings or ()):
        return True
    if found.level == "refused":
        return text.findings is None and not text.author.in_file
    return not is_unsaid(found)


def _words_of(text: Revision | str) -> str:
    return text if isinstance(text, str) else text.markdown or ""
