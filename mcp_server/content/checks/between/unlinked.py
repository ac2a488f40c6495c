"""Pages to which no text of the site links. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from mcp_server.content.checks.between.sides import Text
from mcp_server.content.checks.links import PAGE_ENDS, SCHEME, links_in
from mcp_server.content.page_paths import HOME
from mcp_server.content.site import Page, Site

_OTHER_LINKS = re.compile(
    r"\bhref\s{0,3}=\s{0,3}[\"']?([^\"'\s>]{1,2000})"
    r"|\{[{%][<%]?-?\s{0,3}(?:rel)?(?:ref|link|post_url)\s{1,3}[\"']?([^\"'\s%>}]{1,500})"
    r"|\[\[([^\]|#\n]{1,300})"
)
"""HTML, the shortcodes of generators, and wikis."""
_LINKED_MIN = 0.5
"""Share of the pages that are linked to from which on a page without a link is an exception. In
other sites visitors go by a menu, or by a list that the generator makes."""


def unlinked(site: Site, texts: Sequence[Text]) -> frozenset[str]:
    """Return the pages to which no text of another page links, where most others have a link.

    It is asked of the pages that `site.yaml` names and of each collection. A home page is
    where one begins. Menus are no texts.
    """
    if len(site.pages) < 2:
        return frozenset()
    linked = _linked(site.pages, texts)
    groups: dict[str, list[Page]] = defaultdict(list)
    for page in site.pages:
        if _last_of(page.id) not in HOME:
            groups[page.collection].append(page)
    return frozenset(
        page.id
        for pages in groups.values()
        if sum(page.id in linked for page in pages) >= _LINKED_MIN * len(pages)
        for page in pages
        if page.id not in linked and page.id not in site.blocked
    )


def _linked(pages: Iterable[Page], texts: Sequence[Text]) -> set[str]:
    """Return the pages whose name a link of another page ends in: `../menu/`, `/en/menu.html`."""
    named: dict[str, list[str]] = defaultdict(list)
    for page in pages:
        for name in {page.id, _plain(page.file)}:
            named[_last_of(name)].append(page.id)
    found: set[str] = set()
    seen: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for name in _names_in(text.text):
            seen[name, text.page] += 1
    for name, page in seen:
        for each in named.get(_last_of(name), ()):
            if each != page and (_ends_in(each, name) or _ends_in(name, each)):
                found.add(each)
    return found


def _names_in(text: str) -> Iterator[str]:
    others = (next(filter(None, found.groups()), "") for found in _OTHER_LINKS.finditer(text))
    for link in (*links_in(text), *others):
        if not SCHEME.match(link) and (name := _plain(link)):
            yield name


def _plain(link: str) -> str:
    path = unquote(link.partition("#")[0].partition("?")[0])
    name = "/".join(each for each in path.split("/") if each not in {"", ".", ".."})
    for end in PAGE_ENDS:
        name = name.removesuffix(end)
    return name


def _last_of(name: str) -> str:
    return name.rpartition("/")[2]


def _ends_in(name: str, end: str) -> bool:
    return name == end or name.endswith(f"/{end}")
