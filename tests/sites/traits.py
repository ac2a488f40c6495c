"""What pages of real sites are like, and how often: measured over 10,744 files of 15 sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

MEASURED = 10_744
WEIGHTS: Mapping[str, float] = {
    "hugo": 0.22,
    "jekyll": 0.14,
    "docusaurus": 0.12,
    "mkdocs": 0.12,
    "eleventy": 0.10,
    "pelican": 0.08,
    "astro": 0.08,
    "starlight": 0.07,
    "vitepress": 0.07,
}
"""Which part of all pages each generator has: a trait that few have is the more frequent there."""
SHARE_MAX = 0.95

ALL = frozenset(WEIGHTS)
BLOGS = frozenset({"hugo", "jekyll", "eleventy", "pelican", "astro", "docusaurus"})
MDX = frozenset({"astro", "starlight", "docusaurus"})
PLAIN = frozenset({"hugo", "docusaurus", "mkdocs", "eleventy", "pelican", "vitepress"})
"""Those which take a page without front matter."""
UNTITLED = frozenset({"hugo", "jekyll", "eleventy", "mkdocs", "docusaurus", "vitepress", "astro"})

Traits = frozenset[str]


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait: how many of the measured files have it, and which pages can have it here."""

    name: str
    measured: int
    generators: frozenset[str] = ALL
    fits: Callable[[Traits], bool] = lambda _: True

    def share(self, generator: str) -> float:
        """Return the part of a generator's pages that have it."""
        if generator not in self.generators:
            return 0
        weight = sum(WEIGHTS[name] for name in self.generators)
        return min(SHARE_MAX, self.measured / MEASURED / weight)


def _without(*names: str) -> Callable[[Traits], bool]:
    return lambda traits: traits.isdisjoint(names)


def _with(*names: str) -> Callable[[Traits], bool]:
    return lambda traits: traits.issuperset(names)


def _has_text(traits: Traits) -> bool:
    return "front only" not in traits


def _with_yaml(traits: Traits) -> bool:
    return traits.isdisjoint({"none", "toml", "rst"})


def _with_h2(traits: Traits) -> bool:
    return traits.isdisjoint({"front only", "no h2"})


TINY = 12
"""Of `MEASURED`, for what is there, and rare."""
TRAITS = (
    Trait("mdx", 297, MDX),
    Trait("html", 209, frozenset({"jekyll", "eleventy", "hugo"})),
    Trait("markdown", 139, frozenset({"jekyll", "hugo", "pelican"}), _without("html")),
    Trait("rst", 21, frozenset({"pelican"}), _without("markdown")),
    Trait("nested path", 10_706),
    Trait("language folder", 8_779, fits=_with("nested path")),
    Trait("dated", 5_019, BLOGS, _with("nested path")),
    Trait("bundle", 186, frozenset({"hugo", "docusaurus"}), _without("html", "mdx", "markdown")),
    Trait("not a slug", 5_821, fits=_without("bundle")),
    Trait("none", 1_720, PLAIN, _without("html", "mdx", "dated", "rst")),
    Trait("toml", 160, frozenset({"hugo"}), _without("none", "html")),
    Trait("front only", 772, UNTITLED | {"starlight"}, _without("none", "html", "mdx", "rst")),
    Trait("no h2", 4_529 - 772, fits=_has_text),
    Trait("starts with h2", 6_215 - 5_982, fits=_with_h2),
    Trait("nested front", 1_113, ALL - {"pelican"}, _with_yaml),
    Trait("no title", 889, UNTITLED, _with_yaml),
    Trait("layout", 5_477, ALL - {"astro", "docusaurus"}, _with_yaml),
    Trait("slug", 1_898, ALL - {"mkdocs", "vitepress"}, _with_yaml),
    Trait("comments in front", 320, ALL - {"pelican"}, _with_yaml),
    Trait("odd quoting", 900, ALL - {"pelican"}, _with_yaml),
    Trait("h3", 2_544, fits=_with_h2),
    Trait("code", 2_646, fits=_has_text),
    Trait("reference links", 2_372, fits=_has_text),
    Trait("liquid", 2_087, frozenset({"jekyll", "eleventy"}), _has_text),
    Trait("raw html", 1_387, fits=_has_text),
    Trait("snippets", 1_170, frozenset({"mkdocs", "hugo", "vitepress"}), _has_text),
    Trait("links to .md", 896, ALL - {"jekyll", "eleventy", "astro", "pelican"}, _has_text),
    Trait("shortcodes", 569, frozenset({"hugo"}), _has_text),
    Trait("images", 387, fits=_has_text),
    Trait("mdx import", 296, MDX, _with("mdx")),
    Trait(":::", 169, frozenset({"docusaurus", "starlight", "vitepress"}), _has_text),
    Trait("table", 107, fits=_has_text),
    Trait("footnotes", 50, fits=_has_text),
    Trait("long", 1_553, fits=_has_text),
    Trait("draft", 240, frozenset({"hugo", "astro", "docusaurus", "pelican"}), _with_yaml),
    Trait("future", 60, BLOGS - {"docusaurus"}, _with_yaml),
    Trait("crlf", TINY),
    Trait("bom", TINY, ALL - {"pelican", "starlight", "astro"}),
    Trait("no final newline", 200, fits=_has_text),
    Trait("trailing spaces", 400, fits=_has_text),
)
"""In the order in which they are handed out: a later one may ask for an earlier one."""
BROKEN = (
    Trait("merge conflict", TINY, fits=_without("front only", "html", "mdx", "bom", "crlf")),
    Trait("latin-1", TINY, fits=_without("front only", "html", "mdx", "merge conflict", "bom")),
    Trait(
        "never closes",
        TINY,
        fits=lambda t: _with_yaml(t) and t.isdisjoint({"latin-1", "merge conflict", "mdx", "bom"}),
    ),
)
"""What no page can be worked on with (P6); some generators refuse it as well."""


def hand_out(generator: str, count: int, random: Random, *, broken: bool) -> Sequence[Traits]:
    """Return the traits of each of `count` pages; each trait has its measured share of them."""
    pages: list[frozenset[str]] = [frozenset()] * count
    for trait in (*TRAITS, *(BROKEN if broken else ())):
        share = trait.share(generator)
        wanted = max(round(share * count), 1 if share and count >= 20 else 0)
        fitting = [index for index, traits in enumerate(pages) if trait.fits(traits)]
        for index in random.sample(fitting, min(wanted, len(fitting))):
            pages[index] |= {trait.name}
    return pages
