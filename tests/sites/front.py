"""Front matter as people write it: order, quoting, comments, and keys that only they know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING

from tests.sites.prose import Writer

if TYPE_CHECKING:
    from tests.sites.page import Draft

LAYOUTS: Mapping[str, str] = {
    "hugo": "type: posts",
    "jekyll": "layout: post",
    "eleventy": "layout: post.njk",
    "pelican": "template: article",
    "starlight": "template: doc",
    "mkdocs": "template: main.html",
    "vitepress": "layout: doc",
}
SLUGS: Mapping[str, str] = {
    "hugo": "aliases:\n  - /old/{slug}/\n  - /{slug}.html",
    "jekyll": "permalink: /{slug}/",
    "eleventy": "permalink: /{slug}/index.html",
    "pelican": "slug: {slug}",
    "docusaurus": "slug: /{slug}",
    "astro": "slug: {slug}",
    "starlight": "slug: {slug}",
}
NESTED: Mapping[str, tuple[str, ...]] = {
    "docusaurus": ("sidebar_custom_props:\n  badge: new\n  owners: [rosa, jan]",),
    "starlight": ("sidebar:\n  order: 3\n  badge:\n    text: New\n    variant: tip",),
    "eleventy": ("eleventyNavigation:\n  key: {slug}\n  order: 3", "author: {{name: Rosa}}"),
}
ANY_NESTED = (
    "author:\n  name: Rosa Lind\n  url: https://example.org/rosa",
    "params:\n    banner: {{src: /img/harbour.png, alt: 'The harbour'}}\n    wide: true",
    "cover:\n  image: /img/harbour.png\n  sizes:\n  - 300\n  - 600",
)
DRAFTS: Mapping[str, str] = {"pelican": "status: draft"}
DAY_KEYS: Mapping[str, str] = {"astro": "pubDate"}
FUTURE_DAY = "2094-05-01"
"""So far away that no test needs a clock."""


def front_matter(draft: Draft, random: Random, writer: Writer) -> str:
    """Return the front matter with its fences, and its final newline; nothing where there is none.

    Pelican's own header has no fences.
    """
    if "rst" in draft.traits:
        return f"{draft.title}\n{'#' * 40}\n\n:date: {draft.day}\n:lang: {draft.language}\n\n"
    if draft.generator == "pelican":
        return _pelican(draft, writer)
    if "none" in draft.traits:
        return ""
    if "toml" in draft.traits:
        return _toml(draft, writer)
    groups = list(_yaml(draft, random, writer))
    if "comments in front" in draft.traits:
        groups.insert(random.randrange(len(groups) + 1), "# reviewed by Jan, do not change")
        groups[0] = f"{groups[0]}  # as agreed" if _takes_comment(groups[0]) else groups[0]
    close = "---" if random.random() < 0.99 or draft.generator != "jekyll" else "--- "
    return "\n".join(["---", *groups, close, ""])


def _yaml(draft: Draft, random: Random, writer: Writer) -> Iterator[str]:
    groups = [*_usual(draft, random, writer), *_special(draft, random)]
    if random.random() < 0.4 and draft.generator != "starlight":
        tags = ["tags: [plans, keys]", "tags:\n  - plans\n  - keys", "weight: 30"]
        groups.append(random.choice(tags))
    if not groups:
        groups.append("weight: 10")
    if random.random() < 0.25:
        random.shuffle(groups)
    yield from groups


def _usual(draft: Draft, random: Random, writer: Writer) -> Iterator[str]:
    traits = draft.traits
    if "no title" not in traits:
        odd = "odd quoting" in traits
        yield odd_title(draft.title, random) if odd else f"title: {quoted(draft.title)}"
    if random.random() < 0.45:
        yield _description(draft, random, writer)
    if "future" in traits or "dated" in traits or random.random() < 0.2:
        day = FUTURE_DAY if "future" in traits else draft.day
        yield f"{DAY_KEYS.get(draft.generator, 'date')}: {day}"


def _special(draft: Draft, random: Random) -> Iterator[str]:
    traits, slug = draft.traits, slug_of(draft.path)
    if "layout" in traits:
        yield LAYOUTS[draft.generator]
    if "slug" in traits:
        yield SLUGS[draft.generator].format(slug=slug)
    if "nested front" in traits:
        own = (*NESTED.get(draft.generator, ()), *ANY_NESTED)
        strict = draft.generator in {"starlight", "docusaurus"}
        yield random.choice(own[:1] if strict else own).format(slug=slug)
    if "draft" in traits:
        yield DRAFTS.get(draft.generator, "draft: true")


def _description(draft: Draft, random: Random, writer: Writer) -> str:
    text = writer.sentence().replace("`", "")
    key = "excerpt" if draft.generator == "jekyll" and random.random() < 0.3 else "description"
    if "odd quoting" in draft.traits:
        return random.choice([f"{key}: >-\n  {text}\n  {text}", f"{key}: |\n  {text}\n"[:-1]])
    return f"{key}: {quoted(text)}"


def odd_title(title: str, random: Random) -> str:
    """Return the title's line, in a form that loading and dumping it again would change."""
    forms: tuple[Callable[[], str], ...] = (
        lambda: f"'title': '{title.replace(chr(39), chr(39) * 2)}'",
        lambda: f'title:   "{title}"',
        lambda: f'title: "{title} \\u2013 more"',
        lambda: f'"title": "{title}"',
        lambda: f"title: >\n  {title},\n  continued",
        lambda: f"title: '{title.replace(chr(39), chr(39) * 2)}'   ",
    )
    return random.choice(forms)()


def quoted(text: str) -> str:
    """Return a text as a YAML value of one line, in quotes where YAML wants them."""
    plain = re.fullmatch(r"[^\W\d_][^:#\[\]{}&*!|>'\"%@`?]*", text) and not text.endswith(" ")
    return text if plain else f'"{text}"'


def slug_of(path: str) -> str:
    """Return an address for a page that no other page has."""
    path = re.sub(r"^(src/content/docs|src/content|content|docs|src)/", "", path)
    return re.sub(r"[^a-z0-9/]+", "-", path.rpartition(".")[0].lower()).strip("-/") + "-p"


def _takes_comment(line: str) -> bool:
    return bool(re.fullmatch(r"[a-z]+: [A-Za-z0-9 ,-]+", line))


def _pelican(draft: Draft, writer: Writer) -> str:
    """Return Pelican's header: fenced in some sites, without any fence in most."""
    day = FUTURE_DAY if "future" in draft.traits else draft.day
    lines = [f"Title: {draft.title}", f"Date: {day} 10:20", f"Lang: {draft.language}"]
    if "layout" in draft.traits:
        lines.append("Template: article")
    if "slug" in draft.traits:
        lines.append(f"Slug: {slug_of(draft.path)}")
    if "draft" in draft.traits:
        lines.append("Status: draft")
    lines.append(f"Summary: {writer.sentence()}")
    if "none" in draft.traits:
        return "\n".join([*lines, ""])
    fenced = [quoted_value(line) for line in lines]
    return "\n".join(["---", *fenced, "---", ""])


def quoted_value(line: str) -> str:
    """Return a line `Key: value`, its key in small letters, as fenced headers have it."""
    key, _, value = line.partition(": ")
    return f"{key.lower()}: {value.replace(': ', ' – ').replace('`', '')}"


def _toml(draft: Draft, writer: Writer) -> str:
    title = draft.title.replace('"', "'")
    lines = [f'title = "{title}"', f"date = {draft.day}", "weight = 3", "[params]", 'by = "Rosa"']
    if "draft" in draft.traits:
        lines.insert(1, "draft = true")
    return "\n".join(["+++", *lines, "+++", ""])
