"""What `pressroom init` says of a site that was there already."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mcp_server.content.existing.importing import Imported
from mcp_server.content.existing.search import Place
from mcp_server.content.pages.front_matter import FrontStyle
from mcp_server.content.pages.layout import Blocked

UNREAD_MAX = 10
"""Files that cannot be worked on, each with its reason; the rest is counted."""
COLLECTIONS_MAX = 8


def import_lines(imported: Imported) -> Iterator[str]:
    """Yield what was found, what is odd about it, and what was written."""
    yield from _found(imported)
    yield from _odd(imported)
    yield from _unread(imported)
    place, content = imported.place, _content(imported.place)
    if place.site.hides and not place.site.content:
        yield (
            f"{place.site.generator} would publish Pressroom's own files. What keeps it from "
            f"that, {place.site.hides}"
        )
    if place.site.content:
        yield f"Nothing was written into {content}. Written:"
    else:
        yield "No page was touched. Written:"
    yield from (f"  {path}" for path in imported.written)
    if not place.content.is_relative_to(place.root):
        yield f"{content} lies outside of the workspace: `pressroom trust -w {place.root}`, once."


def around_line(place: Place) -> str:
    """Return what is said where the starter site was made inside of somebody's site."""
    return (
        f"{place.root} seems to be {_a(place.site.generator)} site ({place.site.sign}). To work on "
        f"its texts: pressroom init {place.root}"
    )


def _found(imported: Imported) -> Iterator[str]:
    place, plan = imported.place, imported.plan
    count, sized = len(imported.pages), sorted(plan.collections, key=lambda c: -len(c.paths))
    shown = ", ".join(f"{each.id} {len(each.paths)}" for each in sized[:COLLECTIONS_MAX])
    more = ", …" if len(sized) > COLLECTIONS_MAX else ""
    site = place.site
    if site.sign:
        yield f"{place.root} seems to be {_a(site.generator)} site ({site.sign})."
    else:
        yield f"{place.root} has Markdown files, and no settings of a site generator."
    yield (
        f"Its pages lie in {_content(place)}: {_many(count, 'page')} in "
        f"{_many(len(sized), 'collection')} ({shown}{more})."
    )
    folders = f"; in folders or names: {', '.join(plan.languages)}" if plan.languages else ""
    yield f"Title: {plan.title}. Language: {plan.language}{folders}."


def _odd(imported: Imported) -> Iterator[str]:
    pages = [page for page in imported.pages if page.problem is None]
    drafts = sum(page.draft for page in pages)
    future = sum(page.future for page in pages) if imported.place.site.future else 0
    if drafts or future:
        parts = [f"{drafts} with `draft: true` or the like"] if drafts else []
        parts += [f"{future} with a date to come"] if future else []
        yield f"{' and '.join(parts)}: live in the file, not published by your generator."
    if untitled := sum(not page.titled for page in pages):
        yield f"{_many(untitled, 'page')} without a title."
    if headed := sum(page.style is FrontStyle.HEADER for page in pages):
        yield (
            f"{_many(headed, 'page')} with a header that has no fences (`Title: …`): it stays as "
            "it is, and only the body is edited."
        )
    if imported.kept_only:
        yield f"{_many(imported.kept_only, '.html file')}: left as they are, in no collection."
    if imported.other:
        formats = ", ".join(f"{count} {end}" for end, count in imported.other.items())
        yield f"Files in other formats ({formats}): left as they are."
    if imported.excluded:
        named = ", ".join(imported.excluded[:3])
        more = ", …" if len(imported.excluded) > 3 else ""
        yield f"{_many(len(imported.excluded), 'file')} taken for no page: {named}{more}."


def _unread(imported: Imported) -> Iterator[str]:
    unread = imported.unread
    if not unread:
        return
    yield f"{_many(len(unread), 'file')} cannot be worked on yet; all others can:"
    for path, why in islice(unread.items(), UNREAD_MAX):
        yield f"  {_where(path, why)}: {why.reason}"
    if len(unread) > UNREAD_MAX:
        yield f"  and {len(unread) - UNREAD_MAX} more"


def _where(path: str, why: Blocked) -> str:
    return path if why.line is None else f"{path}:{why.line}"


def _content(place: Place) -> str:
    return f"{place.site.content}/" if place.site.content else "this folder itself"


def _a(generator: str) -> str:
    return f"{'an' if generator[0] in 'AEIOU' else 'a'} {generator}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
