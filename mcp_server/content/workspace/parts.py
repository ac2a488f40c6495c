"""What a page or a collection may consist of, as the templates of its sections say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mcp_server.content.site import Section
from mcp_server.content.template import Template
from mcp_server.content.workspace.site_yaml import COLLECTION, SiteFile
from mcp_server.content.workspace.yaml_tree import YamlReader
from mcp_server.excerpt import in_quotes


def sections_in(file: SiteFile) -> Iterator[tuple[str, Section]]:
    """Yield all sections of pages and collections, each with its place as `file.lines` has it."""
    for where, sections, _ in _owners(file):
        for section in sections:
            yield f"{where}/{section.id}", section


def check_parts(reader: YamlReader, file: SiteFile, templates: Mapping[str, Template]) -> None:
    """Note where a key of the front matter has two owners, and what cannot be split."""
    for where, sections, front in _owners(file):
        owners: dict[str, str] = {}
        for section in sections:
            line = file.lines[f"{where}/{section.id}"]
            for key in _keys(section, templates):
                if key in front:
                    reader.wrong(
                        line, f"front names {in_quotes(key)}, which {section.id} owns; keep one"
                    )
                if (first := owners.setdefault(key, section.id)) != section.id:
                    reader.wrong(
                        line,
                        f"{first} and {section.id} both own the key {in_quotes(key)} of the front "
                        "matter; take it out of one template",
                    )
    for collection in file.collections:
        if collection.split:
            _check_split(reader, file, collection.id, collection.sections, templates)


def _check_split(
    reader: YamlReader,
    file: SiteFile,
    id: str,
    sections: Sequence[Section],
    templates: Mapping[str, Template],
) -> None:
    """A file that is divided by its headings has one pattern for what is between them."""
    bodies = [s for s in sections if not _is_meta(s, templates)]
    line = file.lines[f"{COLLECTION}{id}"]
    if len(bodies) != 1:
        reader.wrong(
            line,
            f"collection {id} is split and has {len(bodies)} sections beside meta; write one, "
            "whose template is that of all",
        )
    elif bodies[0].text is not None:
        reader.wrong(line, f"collection {id} is split, and its section is a text; name a template")


def _owners(file: SiteFile) -> Iterator[tuple[str, Sequence[Section], Mapping[str, object]]]:
    for page in file.pages:
        yield page.id, page.sections, page.front
    for collection in file.collections:
        yield f"{COLLECTION}{collection.id}", collection.sections, collection.front


def _is_meta(section: Section, templates: Mapping[str, Template]) -> bool:
    template = templates.get(section.template or "")
    return template is not None and template.front_matter


def _keys(section: Section, templates: Mapping[str, Template]) -> Sequence[str]:
    template = templates.get(section.template or "")
    return [f.name for f in template.fields] if template and template.front_matter else ()
