"""Links within the site that lead nowhere. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import unquote

from mcp_server.content.site import Site
from mcp_server.content.text.blocks import headings

_LINK = re.compile(r"\]\(\s{0,3}<?([^\s()<>]{1,2000})>?(?:\s{1,3}\"[^\"\n]{0,500}\")?\s{0,3}\)")
_DEFINITION = re.compile(
    r"^ {0,3}\[[^\]\n^][^\]\n]{0,200}\]:\s{1,3}<?([^\s<>]{1,2000})>?", re.MULTILINE
)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
PAGE_ENDS = ("/index.html", "/index.md", ".html", ".md", ".mdx", "/index")
_OTHER_FILE = re.compile(r"\.[a-z0-9]{1,5}$", re.IGNORECASE)
HOME = ("index", "home")


def anchors_in(text: str) -> frozenset[str]:
    """Return the anchors that generators make of the headings of a text."""
    return frozenset(anchor_of(heading) for heading in headings(text))


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading: lower case, hyphens for spaces, no other signs."""
    words = re.sub(r"[*_`\[\]#]|\([^)]*\)", "", heading).strip().lower()
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", words))


def links_in(text: str) -> Iterator[str]:
    """Yield the destinations of the links in a text, as they are written."""
    for pattern in (_LINK, _DEFINITION):
        yield from (found[1] for found in pattern.finditer(text))


def dead_links(
    text: str, page: str, site: Site, anchors: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Yield the links that lead to no page of the site, or to no heading of a page in `anchors`."""
    own = anchors_in(text)
    for link in dict.fromkeys(links_in(text)):
        if not SCHEME.match(link) and _is_dead(link, page, site, own, anchors):
            yield link


def _is_dead(
    link: str,
    page: str,
    site: Site,
    own: Collection[str],
    anchors: Mapping[str, Collection[str]],
) -> bool:
    path, _, anchor = link.partition("#")
    target = _page_of(path.partition("?")[0], page, site)
    if target is None:
        return True
    if not target or not anchor:
        return False
    known = anchors.get(target)
    if known is None or _folded(anchor) in map(_folded, known):
        return False
    return not (target == page and _folded(anchor) in map(_folded, own))


def _page_of(path: str, page: str, site: Site) -> str | None:
    """Return the page that a path leads to, "" for a file that is none, `None` for nowhere."""
    if not path:
        return page
    name = unquote(path).strip("/").removeprefix("./").removeprefix("../")
    for end in PAGE_ENDS:
        name = name.removesuffix(end)
    if not name:
        return next((id for id in HOME if site.page(id)), "")
    if _OTHER_FILE.search(name):
        return ""
    return name if site.page(name) else None


def _folded(anchor: str) -> str:
    plain = unicodedata.normalize("NFKD", unquote(anchor)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower())
