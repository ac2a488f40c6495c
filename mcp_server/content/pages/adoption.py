"""Takes the page files of a fresh clone as its first live texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mcp_server.content.pages.disk import (
    ExportFailed,
    decoded,
    file_hash,
    in_words,
    page_name,
    read_page,
)
from mcp_server.content.pages.edited import is_static, taken
from mcp_server.content.pages.page_file import (
    parse_page,
    sections_of,
)
from mcp_server.content.site import Site
from mcp_server.entities.entity import Author, Revision
from mcp_server.errors import CallerError
from mcp_server.folder import OpenFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What a clone's content folder holds.

    `files` are the hashes by page, to be recorded as last exported (R24); `skipped` are the
    Markdown files that were left alone, each with the reason.
    """

    revisions: tuple[Revision, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    skipped: tuple[tuple[str, str], ...] = ()


def adopt(site: Site, folder: OpenFolder) -> Adoption:
    """Return the texts of the page files in the folder, as production revisions to be stored.

    A file is taken if it holds sections of the page that it is named after, even if that page is no
    longer in `site.yaml`; other files are left alone. A static section makes no revision, as its
    text is the site's. Where front matter and body disagree, the body wins (R24). It never fails: a
    file that cannot be read is skipped, with the reason.
    """
    adoptions = [_adopt_file(site, folder, name) for name in _page_files(folder)]
    return Adoption(
        revisions=tuple(revision for one in adoptions for revision in one.revisions),
        files={page: known for one in adoptions for page, known in one.files.items()},
        skipped=tuple(skipped for one in adoptions for skipped in one.skipped),
    )


def _page_files(folder: OpenFolder) -> Sequence[str]:
    """List the Markdown files directly in the folder, by name; none where it cannot be read."""
    try:
        return [name for name in folder.names() if name.endswith(".md")]
    except OSError:
        return ()


def _adopt_file(site: Site, folder: OpenFolder, name: str) -> Adoption:
    """Return what one file holds; a file that is not ours is skipped, with the reason."""
    page_id = name.removesuffix(".md")
    try:
        data = read_page(folder, page_name(page_id))
    except (CallerError, ExportFailed, OSError) as error:
        return Adoption(skipped=((name, _why(error)),))
    found = sections_of(parse_page(decoded(data)), page_id)
    if not found:
        return Adoption(skipped=((name, f"it holds no section of a page {page_id!r}"),))
    return Adoption(
        revisions=tuple(
            taken(site, section).revision(Author(kind="adopted"))
            for section in found.values()
            if not is_static(site, section.entity_id)
        ),
        files={page_id: file_hash(data)},
    )


def _why(error: Exception) -> str:
    match error:
        case ExportFailed():
            return error.reason
        case OSError():
            return in_words(error)
        case _:
            return str(error)
