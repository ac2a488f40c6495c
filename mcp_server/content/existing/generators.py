"""The site generators that are known: by what each is recognised, and what its settings say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mcp_server.content.existing.config_text import (
    assigned,
    items_of,
    table_of,
    text_of,
    values,
)
from mcp_server.content.existing.tree import Tree, joined

_DATA = (".toml", ".yaml", ".yml", ".json")
_SCRIPTS = (".mjs", ".js", ".ts", ".mts", ".cjs", ".cts")
_METADATA = ("metadata.json", "site.json", "metadata.js", "site.js", "meta.json", "metadata.yaml",
             "site.yaml", "metadata.yml", "site.yml", "metadata.mjs", "site.mjs")  # fmt: skip
PLAIN = "plain Markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a generator's settings say of a site. Paths are relative to its folder."""

    content: str = ""
    title: str = ""
    language: str = ""
    languages: tuple[str, ...] = ()
    """Those that are declared, in any writing."""
    exclude: tuple[str, ...] = ()
    """Patterns of what is no page, relative to the content folder."""
    hides: str = ""
    """Where the generator would publish Pressroom's own files: the line that keeps it from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """One generator."""

    name: str
    sign: Callable[[Tree, str], str]
    """Returns the file that shows a folder to be a site of it, "" if none does."""
    describe: Callable[[Tree, str, str], Described]
    """Returns what the settings say; takes the folder and its sign."""
    future: bool = False
    """Whether it leaves out pages with a date to come."""
    readme: bool = False
    """Whether `README.md` is a page to it, in its content folder."""


def _first(tree: Tree, folder: str, stems: Sequence[str], ends: Sequence[str]) -> str:
    names = tree.names(folder).files
    return next((stem + end for stem in stems for end in ends if stem + end in names), "")


# -- Hugo ------------------------------------------------------------------------------------------


def _hugo_sign(tree: Tree, folder: str) -> str:
    if sign := _first(tree, folder, ["hugo"], _DATA):
        return sign
    for below in ("config/_default", "config"):
        if sign := _first(tree, joined(folder, below), ["hugo", "config"], _DATA):
            return f"{below}/{sign}"
    sign = _first(tree, folder, ["config"], _DATA)
    if not sign or "content" not in tree.names(folder).folders:
        return ""
    about = tree.text(joined(folder, sign)).lower()
    usual = {"archetypes", "themes", "layouts"} & tree.names(folder).folders
    return sign if "baseurl" in about or usual else ""


def _hugo(tree: Tree, folder: str, sign: str) -> Described:
    found = values(sign, tree.text(joined(folder, sign)))
    keys = {key.lower(): value for key, value in found.items()}
    place = sign.rpartition("/")[0]
    languages = table_of(keys, "languages") or _hugo_languages(tree, joined(folder, place))
    language = text_of(keys, "defaultcontentlanguage") or text_of(keys, "languagecode")
    language = language or next(iter(languages), "")
    title = text_of(keys, "title") or text_of(languages, language, "title")
    content = text_of(keys, "contentdir") or "content"
    return Described(
        content=content, title=title, language=language, languages=tuple(map(str, languages))
    )


def _hugo_languages(tree: Tree, place: str) -> Mapping[str, object]:
    name = _first(tree, place, ["languages"], _DATA)
    return values(name, tree.text(joined(place, name))) if name else {}


# -- Astro and Starlight ---------------------------------------------------------------------------


def _astro_sign(tree: Tree, folder: str) -> str:
    sign = _first(tree, folder, ["astro.config"], _SCRIPTS)
    return "" if sign and _with_starlight(tree, folder, sign) else sign


def _starlight_sign(tree: Tree, folder: str) -> str:
    sign = _first(tree, folder, ["astro.config"], _SCRIPTS)
    return sign if sign and _with_starlight(tree, folder, sign) else ""


def _with_starlight(tree: Tree, folder: str, sign: str) -> bool:
    return "@astrojs/starlight" in tree.text(joined(folder, sign))


def _astro(tree: Tree, folder: str, sign: str) -> Described:
    settings = tree.text(joined(folder, sign))
    source = assigned(settings, "srcDir").strip("./") or "src"
    inside = tree.names(joined(folder, source)).folders
    content = f"{source}/content" if "content" in inside else f"{source}/pages"
    if (
        "content" not in inside
        and "data" in inside
        and "blog" in tree.names(joined(folder, f"{source}/data")).folders
    ):
        content = f"{source}/data"
    constants = tree.text(joined(folder, f"{source}/consts.ts"))
    title = assigned(constants, "SITE_TITLE") or assigned(settings, "title")
    return Described(content=content, title=title, language=assigned(settings, "defaultLocale"))


def _starlight(tree: Tree, folder: str, sign: str) -> Described:
    settings = tree.text(joined(folder, sign))
    return Described(
        content="src/content/docs",
        title=assigned(settings, "title"),
        language=_root_language(settings) or assigned(settings, "defaultLocale"),
        languages=_locales(settings),
    )


def _root_language(settings: str) -> str:
    """Return the language that `locales` gives to the pages outside of language folders."""
    found = re.search(r"\broot\s*:\s*\{([^{}]*)\}", settings)
    return assigned(found[1], "lang") if found else ""


def _locales(settings: str) -> tuple[str, ...]:
    """Return the keys of a table `locales`, or the texts of a list."""
    found = re.search(r"\blocales\s*:\s*(\[[^\]]*\]|\{(?:[^{}]|\{[^{}]*\})*\})", settings)
    if found is None:
        return ()
    if found[1].startswith("["):
        return tuple(re.findall(r"['\"]([\w-]+)['\"]", found[1]))
    keys = re.findall(r"['\"]?([\w-]+)['\"]?\s*:\s*\{", found[1])
    return tuple(key for key in keys if key != "root")


# -- Docusaurus ------------------------------------------------------------------------------------


def _docusaurus_sign(tree: Tree, folder: str) -> str:
    return _first(tree, folder, ["docusaurus.config"], _SCRIPTS)


def _docusaurus(tree: Tree, folder: str, sign: str) -> Described:
    settings = tree.text(joined(folder, sign))
    places = {"docs", "blog", "i18n", "versioned_docs"} & tree.names(folder).folders
    only = next(iter(places)) if len(places) == 1 else ""
    elsewhere = re.search(r"\bdocs\s*:\s*\{[^{}]*?\bpath\s*:\s*['\"]([^'\"]+)", settings)
    if elsewhere is not None and "docs" not in places:
        only = elsewhere[1]
    return Described(
        content=only,
        title=assigned(settings, "title"),
        language=assigned(settings, "defaultLocale"),
        languages=_locales(settings),
        exclude=() if only else ("src/components/**", "src/theme/**", "static/**", "build/**"),
    )


# -- MkDocs ----------------------------------------------------------------------------------------


def _mkdocs_sign(tree: Tree, folder: str) -> str:
    return _first(tree, folder, ["mkdocs"], (".yml", ".yaml"))


def _mkdocs(tree: Tree, folder: str, sign: str) -> Described:
    found = values(sign, tree.text(joined(folder, sign)))
    theme = table_of(found, "theme")
    return Described(
        content=text_of(found, "docs_dir") or "docs",
        title=text_of(found, "site_name"),
        language=text_of(theme, "language") or text_of(theme, "locale"),
    )


# -- Jekyll ----------------------------------------------------------------------------------------


def _jekyll_sign(tree: Tree, folder: str) -> str:
    sign = _first(tree, folder, ["_config"], (".yml", ".yaml", ".toml"))
    package = tree.text(joined(folder, "package.json")) if sign else ""
    return "" if '"hexo"' in package else sign  # it names its settings alike


def _jekyll(tree: Tree, folder: str, sign: str) -> Described:
    found = values(sign, tree.text(joined(folder, sign)))
    content = text_of(found, "source")
    own = [_of_folder(each) for each in items_of(found, "exclude") if each.strip("/*. ")]
    usual = ("_includes/**", "_layouts/**", "_sass/**", "_data/**", "_plugins/**")
    return Described(
        content=content,
        title=text_of(found, "title") or text_of(found, "name"),
        language=text_of(found, "lang") or text_of(found, "locale") or text_of(found, "language"),
        exclude=(*usual, *own),
        hides=""
        if content.strip("./")
        else f"in {sign}, under `exclude:`: pressroom, pressroom.toml",
    )


def _of_folder(name: str) -> str:
    """Return the pattern for what Jekyll's `exclude` names: a folder, or a file."""
    name = name.strip().removeprefix("./").strip("/")
    return name if "*" in name or "." in name.rpartition("/")[2] else f"{name}/**"


# -- Eleventy --------------------------------------------------------------------------------------


def _eleventy_sign(tree: Tree, folder: str) -> str:
    if ".eleventy.js" in tree.names(folder).files:
        return ".eleventy.js"
    if sign := _first(tree, folder, ["eleventy.config"], _SCRIPTS):
        return sign
    dependent = '"@11ty/eleventy"' in tree.text(joined(folder, "package.json"))
    return "package.json" if dependent else ""


def _eleventy(tree: Tree, folder: str, sign: str) -> Described:
    settings = tree.text(joined(folder, sign)) if sign != "package.json" else ""
    content = assigned(settings, "input").strip("/")
    content = content.removeprefix("./") if content not in {".", "./"} else ""
    if not content:
        called = re.search(r"setInputDirectory\(\s*['\"]([^'\"]+)", settings)
        content = called[1].strip("./") if called else ""
    includes = assigned(settings, "includes").strip("./") or "_includes"
    data = joined(joined(folder, content), assigned(settings, "data").strip("./") or "_data")
    about = _metadata(tree, data)
    return Described(
        content=content,
        title=about.get("title", ""),
        language=about.get("language") or about.get("lang", ""),
        exclude=(f"{includes}/**", "_layouts/**", "_data/**"),
    )


def _metadata(tree: Tree, data: str) -> Mapping[str, str]:
    name = next((each for each in _METADATA if each in tree.names(data).files), "")
    if not name:
        return {}
    text = tree.text(joined(data, name))
    found = values(name, text)
    keys = ("title", "language", "lang")
    return {key: text_of(found, key) or assigned(text, key) for key in keys}


# -- Pelican ---------------------------------------------------------------------------------------


def _pelican_sign(tree: Tree, folder: str) -> str:
    return _first(tree, folder, ["pelicanconf"], (".py",))


def _pelican(tree: Tree, folder: str, sign: str) -> Described:
    settings = tree.text(joined(folder, sign))
    path = assigned(settings, "PATH").strip("/").removeprefix("./")
    return Described(
        content="" if path == "." else path or "content",
        title=assigned(settings, "SITENAME"),
        language=assigned(settings, "DEFAULT_LANG"),
    )


# -- VitePress -------------------------------------------------------------------------------------


def _vitepress_sign(tree: Tree, folder: str) -> str:
    if ".vitepress" not in tree.names(folder).folders:
        return ""
    name = _first(tree, joined(folder, ".vitepress"), ["config", "config/index"], _SCRIPTS)
    nested = "config" in tree.names(joined(folder, ".vitepress")).folders
    return f".vitepress/{name or 'config'}" if name or nested else ""


def _vitepress(tree: Tree, folder: str, sign: str) -> Described:
    settings = tree.text(joined(folder, sign))
    return Described(
        content=assigned(settings, "srcDir").strip("./"),
        title=assigned(settings, "title"),
        language=_root_language(settings) or assigned(settings, "lang"),
        languages=_locales(settings),
        exclude=("public/**",),
    )


GENERATORS = (
    Generator(name="Hugo", sign=_hugo_sign, describe=_hugo, future=True),
    Generator(name="Starlight", sign=_starlight_sign, describe=_starlight),
    Generator(name="Astro", sign=_astro_sign, describe=_astro),
    Generator(name="Docusaurus", sign=_docusaurus_sign, describe=_docusaurus, readme=True),
    Generator(name="MkDocs", sign=_mkdocs_sign, describe=_mkdocs, readme=True),
    Generator(name="VitePress", sign=_vitepress_sign, describe=_vitepress),
    Generator(name="Pelican", sign=_pelican_sign, describe=_pelican),
    Generator(name="Eleventy", sign=_eleventy_sign, describe=_eleventy),
    Generator(name="Jekyll", sign=_jekyll_sign, describe=_jekyll, future=True),
)
