"""Links within the site that lead nowhere. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, lru_cache
from urllib.parse import unquote

from mcp_server.content.checks.prepare import without_code
from mcp_server.content.page_paths import HOME
from mcp_server.content.site import Site
from mcp_server.content.text.blocks import headings

_LINK = re.compile(r"\]\(\s{0,3}<?([^\s()<>]{1,2000})>?(?:\s{1,3}\"[^\"\n]{0,500}\")?\s{0,3}\)")
_DEFINITION = re.compile(
    r"^ {0,3}\[[^\]\n^][^\]\n]{0,200}\]:\s{1,3}<?([^\s<>]{1,2000})>?", re.MULTILINE
)
_TEMPLATE = re.compile(r"[{}$]|<%")
"""A link that a generator completes."""
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
PAGE_ENDS = ("/index.html", "/index.md", ".html", ".md", ".mdx", "/index")
_OTHER_FILE = re.compile(r"\.[a-z0-9]{1,5}$", re.IGNORECASE)
_ORDER = re.compile(r"^(?:\d{4}-\d\d-\d\d-|\d{1,3}[-_.])")
"""What stands before a file's name for the sake of its order, and in no address."""
_NAMED_ANCHOR = re.compile(r"\{[^{}\n]{0,200}#([\w:.-]{1,200})[^{}\n]{0,200}\}")
"""`## Prices {#what-it-costs}`"""
_MAKES_ANCHORS = re.compile(r"\{\{|\{%|<[A-Za-z]|^[ \t]*-{1,3}8<-|^::: ", re.MULTILINE)
"""A shortcode, an include, an element, generated reference: what anchors it makes is not seen."""
ANY = "*"
"""Stands among the anchors of a text that may have others, too."""


def anchors_in(text: str) -> frozenset[str]:
    """Return the anchors that generators make of the headings of a text, `ANY` for unseen ones."""
    named = _NAMED_ANCHOR.findall(text)
    unseen = [ANY] if _MAKES_ANCHORS.search(text) else []
    return frozenset([*map(anchor_of, headings(text)), *named, *unseen])


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading: lower case, hyphens for spaces, no other signs."""
    heading = _NAMED_ANCHOR.sub("", heading)
    words = re.sub(r"[*_`\[\]#]|\([^)]*\)", "", heading).strip().lower()
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", words))


def links_in(text: str) -> Iterator[str]:
    """Yield the destinations of the links in a text, as they are written."""
    for pattern in (_LINK, _DEFINITION):
        yield from (found[1] for found in pattern.finditer(text))


class Places:
    """Where links within a site can lead: its pages, and the anchors of those in `anchors`."""

    def __init__(self, site: Site, anchors: Mapping[str, Collection[str]] | None = None) -> None:
        self._site, self._anchors = site, anchors or {}

    def is_dead(self, link: str, page: str, own: Collection[str]) -> bool:
        """Whether a link on a page leads nowhere; `own` are the anchors of the text it is in."""
        path, _, anchor = link.partition("#")
        target = self._page_of(path.partition("?")[0], page)
        if target is None:
            return True
        known = self._anchors.get(target)
        if not target or not anchor or known is None:
            return False
        there = {*known, *own} if target == page else known
        return ANY not in there and _folded(anchor) not in map(_folded, there)

    def _page_of(self, path: str, page: str) -> str | None:
        """Return the page that a path leads to, "" for what is not known, `None` for nowhere."""
        if not path:
            return page
        name = unquote(path).strip("/").removeprefix("./").removeprefix("../")
        for end in PAGE_ENDS:
            name = name.removesuffix(end)
        if not name:
            return next((id for id in HOME if self._site.page(id)), "")
        if _OTHER_FILE.search(name):
            return ""
        if self._site.page(name):
            return name
        return "" if self._may_be_there(name) else None

    def _may_be_there(self, name: str) -> bool:
        """Whether a page of a collection may have this address, which its generator makes.

        Of the path of its file only the last name is sure to be in it, less a date or a number.
        """
        last = _folded(name.rpartition("/")[2])
        return bool(self._site.collections) and (not last or last in self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        return _names_in(tuple([page.id for page in self._site.pages]))


def dead_links(text: str, page: str, places: Places) -> Iterator[str]:
    """Yield the links in a text of `page` that lead nowhere within the site."""
    own = anchors_in(text)
    for link in dict.fromkeys(links_in(without_code(text))):
        if (
            not _TEMPLATE.search(link)
            and not SCHEME.match(link)
            and places.is_dead(link, page, own)
        ):
            yield link


@lru_cache(maxsize=4)
def _names_in(pages: tuple[str, ...]) -> frozenset[str]:
    """Return the last names of pages, and those of their folders: each may be an address.

    It is kept for a few sites: each draft is checked by itself, and pages may be thousands.
    """
    names = dict.fromkeys(part for page in pages for part in page.split("/"))
    return frozenset(map(_folded, [*names, *(_ORDER.sub("", each) for each in names)]))


def _folded(anchor: str) -> str:
    plain = unicodedata.normalize("NFKD", unquote(anchor)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower())
