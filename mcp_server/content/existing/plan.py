"""The texts that make an existing site a workspace: settings, `site.yaml`, two templates. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mcp_server.content.existing.detection import Existing
from mcp_server.content.existing.grouping import (
    REST,
    Group,
    Languages,
    can_be_a_pattern,
    grouped,
    language_in,
    languages_of,
)
from mcp_server.content.existing.survey import DESCRIPTION_KEYS, LANGUAGE_KEYS, Seen
from mcp_server.content.page_paths import LANGUAGE, compiled
from mcp_server.content.pages.front_matter import FrontStyle

LISTED_MAX = 50
"""Files that are named one by one, as they differ from others of their folder."""
LISTED = "body-only"
"""The collection of those."""
LINE_WIDTH = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A collection as `site.yaml` will have it."""

    id: str
    files: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    meta: bool = True
    """Whether its pages have a `meta` section, beside `body`."""
    language: str = ""
    """Of all its pages, where no pattern says it."""
    paths: tuple[str, ...] = ()
    """Of the pages that it has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be written, and what it is made of."""

    files: Mapping[str, str]
    """Texts by path, relative to the workspace; the settings come last."""
    title: str
    language: str
    languages: tuple[str, ...]
    collections: tuple[Collected, ...]


def plan_import(
    site: Existing,
    pages: Sequence[Seen],
    excludes: Sequence[str],
    excluded: Sequence[str],
    *,
    settings: str,
    split: bool,
    name: str,
) -> Plan:
    """Return the plan for a site whose pages were looked at.

    `excludes` are patterns of what is no page, and `excluded` the files that they keep out.
    `settings` is the text of the starter's `pressroom.toml`, `name` what the site is called if it
    says nothing itself.
    """
    languages = languages_of([page.path for page in pages], site.languages)
    collections = tuple(_collections(pages, languages, excludes, excluded))
    language = site.language if LANGUAGE.fullmatch(site.language) else "en"
    title = site.title or name
    keyed = "" if languages.all else language_key(pages, language)
    head = _head(site, title, language, len(pages))
    blocks = [_block(each, split=split, language_key=keyed) for each in collections]
    return Plan(
        files={
            "pressroom/site.yaml": "\n".join([head, *blocks]),
            "pressroom/templates/body.yaml": BODY,
            "pressroom/templates/meta.yaml": meta_template(pages),
            "pressroom.toml": _settings(settings, site.content),
        },
        title=title,
        language=language,
        languages=tuple(sorted(languages.all)),
        collections=collections,
    )


def language_key(pages: Iterable[Seen], language: str) -> str:
    """Return the key of the front matter that says a page's language, "" if all have one."""
    said = Counter(page.language for page in pages if LANGUAGE.fullmatch(page.language))
    if not set(said) - {language}:
        return ""
    keys = Counter(key for page in pages for key in LANGUAGE_KEYS if key in page.keys)
    return max(keys, key=lambda key: keys[key], default="")


def meta_template(pages: Iterable[Seen]) -> str:
    """Return the template of `meta`: title, and the key that these pages describe themselves by."""
    used = Counter(key for page in pages for key in DESCRIPTION_KEYS if key in page.keys)
    description = max(DESCRIPTION_KEYS, key=lambda key: used[key])
    return META.replace("DESCRIPTION", description)


def without_meta(page: Seen) -> bool:
    """Whether nothing of a page's front matter can be edited: it is not written in YAML."""
    return page.style in {FrontStyle.TOML, FrontStyle.JSON, FrontStyle.HEADER}


def _collections(
    pages: Sequence[Seen], languages: Languages, excludes: Sequence[str], excluded: Sequence[str]
) -> Iterator[Collected]:
    odd = {page.path for page in pages if without_meta(page)}
    groups = grouped([page.path for page in pages], languages)
    bare = {
        group.id for group in groups if 2 * len(odd.intersection(group.paths)) > len(group.paths)
    }
    listed = odd.difference(*(group.paths for group in groups if group.id in bare))
    listed = set(filter(can_be_a_pattern, listed))
    if len(listed) > LISTED_MAX:
        listed.clear()
    yield from _one_by_one(listed, languages)
    for group in groups:
        yield Collected(
            id=group.id,
            files=group.files,
            exclude=tuple(_reaching(excludes, group, excluded)),
            meta=group.id not in bare,
            paths=tuple(path for path in group.paths if path not in listed),
        )


def _one_by_one(listed: set[str], languages: Languages) -> Iterator[Collected]:
    """Yield collections of named files, one for each language."""
    by_language: dict[str, list[str]] = {}
    for path in sorted(listed):
        by_language.setdefault(language_in(path, languages), []).append(path)
    for language, named in sorted(by_language.items()):
        yield Collected(
            id=f"{LISTED}-{language.lower().replace('_', '-')}" if language else LISTED,
            files=tuple(named),
            meta=False,
            language=language.replace("_", "-"),
            paths=tuple(named),
        )


def _reaching(excludes: Sequence[str], group: Group, excluded: Sequence[str]) -> Iterator[str]:
    """Yield the patterns that keep files out of a group; the rest has them all."""
    among = [path for path in excluded if any(compiled(p).fullmatch(path) for p in group.files)]
    for pattern in excludes:
        if group.id == REST or any(map(compiled(pattern).fullmatch, among)):
            yield pattern


def _head(site: Existing, title: str, language: str, count: int) -> str:
    by = f" ({site.sign})" if site.sign else ""
    had = "1 page" if count == 1 else f"{count} pages"
    return (
        f"# Made by `pressroom init` for {site.generator}{by}, when it had {had}.\n"
        f"# The patterns are of paths in {_folder(site)}. The first that fits counts, and a\n"
        "# new file is a new page. `meta` is keys of its front matter, and `body` its text.\n"
        f"title: {_quoted(title)}\nlanguage: {language}\n\ncollections:"
    )


def _folder(site: Existing) -> str:
    return f"{site.content}/" if site.content else "this site's folder"


def _block(collected: Collected, *, split: bool, language_key: str) -> str:
    lines = [f"  - id: {collected.id}", *_listed("files", collected.files)]
    if collected.exclude:
        lines += _listed("exclude", collected.exclude)
    if collected.language:
        lines.append(f"    language: {_quoted(collected.language)}")
    elif language_key:
        lines.append(f"    language_key: {language_key}")
    if split:
        lines.append("    split: h2")
    meta = ["      - {id: meta, template: meta}"] if collected.meta else []
    lines += ["    sections:", *meta, "      - {id: body, template: body}"]
    return "\n".join([*lines, ""])


def _listed(key: str, patterns: Sequence[str]) -> Sequence[str]:
    """Return the lines of a list of patterns: one line where it fits."""
    texts = [_quoted(each) for each in patterns]
    line = f"    {key}: {texts[0]}" if len(texts) == 1 else f"    {key}: [{', '.join(texts)}]"
    return [line] if len(line) <= LINE_WIDTH else [f"    {key}:", *(f"      - {t}" for t in texts)]


def _settings(text: str, content: str) -> str:
    """Return the starter's settings with this content folder."""
    line = f"content_dir = {_quoted(content or '.')}"
    changed, count = re.subn(r"^# content_dir = .*$", lambda _: line, text, flags=re.MULTILINE)
    assert count == 1, "the starter shows every setting once"
    return changed


def _quoted(text: str) -> str:
    """Return a text as YAML, TOML and JSON have it alike: in double quotes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "")


BODY = """\
title: Body

# What the site's pages say, as they are: a page's whole text below its front matter.
prompt: |
  Write the text of this page in the manner of the texts that are there. Keep what is not asked to
  change: facts, links, headings and their order, code, and everything that is not prose.

fields:
  text:
    type: markdown
    description: The page's text, as Markdown, without front matter.

format: "{text}"
"""
META = """\
title: Front matter

# The keys of the front matter that Pressroom may change. All other keys stay as they are; to hand
# it another one, add a field of the key's name.
front_matter: true
prompt: |
  Write title and description of this page, from its text. Keep what is not asked to change.

fields:
  title:
    type: line
    required: false
    description: The page's title.
  DESCRIPTION:
    type: line
    required: false
    max_length: 400
    description: One or two sentences on the page, as search engines and lists show them.
"""
