"""Pages that belong together, by folder and language, and the patterns that find them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import splitext

from mcp_server.content.page_paths import LANGUAGE_IN_PATHS

GROUPS_MAX = 12
"""Collections that a person still likes to read; pages of smaller folders go into the last one."""
PAGES_MIN = 3
"""In a smaller folder the pages go into the last collection, too."""
REST = "pages"
"""The collection of what no other one has."""
PLACE = "{language}"
_CODES = (
    "af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is "
    "it ja ka kk km kn ko lt lv mk ml mn mr ms my nb ne nl nn no pa pl pt ro ru si sk sl sq sr sv "
    "sw ta te th tl tr uk ur uz vi zh"
)
KNOWN = frozenset(_CODES.split())
"""Languages in which sites are written."""
WORDS = frozenset({"be", "he", "hi", "id", "is", "it", "my", "no"})
"""Those that may be a word: a folder of that name alone is none of a language."""
OTHERS_MIN = 5
"""Beside so many languages, three of four names, another code is one, too: `pcm`, `sa`."""
_YEAR = re.compile(r"(?:19|20)\d\d(?:-\d\d)?")
_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_](?:[A-Za-z]{4}|[A-Za-z]{2}|\d{3})){0,2}")
_NO_PATTERN = re.compile(r"[*?\[\]{}\\]|\s{2}|^\s|\s$|[^\S ]")
"""What a pattern would take for more than itself, or `site.yaml` would not keep."""
_TRANSLATED = re.compile(r"i18n/[^/]+/docusaurus-plugin-content-([a-z]+)[^/]*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pages that become a collection."""

    id: str
    files: tuple[str, ...]
    """The patterns, in the order in which they are tried."""
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Languages:
    """Where the names of languages stand in the paths of a site."""

    folders: Mapping[str, frozenset[str]]
    """By the folder that holds them (`""` or `blog`), the folders of languages."""
    names: frozenset[str] = frozenset()
    """Those in file names, as in `post.de.md`."""

    @property
    def all(self) -> frozenset[str]:
        """All of them, as they are written."""
        return self.names.union(*self.folders.values())


def languages_of(paths: Iterable[str], declared: Iterable[str]) -> Languages:
    """Return where languages stand in these paths; `declared` are those of the settings."""
    said = frozenset(_plain(each) for each in declared)
    below: dict[str, set[str]] = {}
    names: Counter[str] = Counter()
    for path in paths:
        *folders, name = path.split("/")
        for depth, folder in enumerate(folders[:2]):
            below.setdefault("/".join(folders[:depth]), set()).add(folder)
        middle = name.split(".")[1:-1]
        names.update(middle[-1:])
    folders = {parent: _languages_among(each, said) for parent, each in below.items()}
    return Languages(
        {parent: each for parent, each in folders.items() if each},
        frozenset(_languages_among(names, said)),
    )


def grouped(paths: Sequence[str], languages: Languages) -> Sequence[Group]:
    """Return the groups, in the order in which their patterns must be tried; the rest comes last.

    `{language}` fits other short names, too: groups whose folders have such a name come first.
    """
    members: dict[str, list[str]] = {}
    patterns: dict[str, dict[str, int]] = {}
    for path in paths:
        name, found = _place(path, languages)
        members.setdefault(name, []).append(path)
        for rank, pattern in found:
            patterns.setdefault(name, {})[pattern] = rank
    sizes = {name: len(each) for name, each in members.items() if name != REST}
    guarded = {
        name for name in sizes if languages.folders and LANGUAGE_IN_PATHS.fullmatch(_last(name))
    }
    large = [name for name, size in sizes.items() if size >= PAGES_MIN or name in guarded]
    by_size = sorted(large, key=lambda name: (name not in guarded, -sizes[name], name))
    kept = set(by_size[: GROUPS_MAX - 1])
    rest = [path for path in paths if _place(path, languages)[0] not in kept]
    order = sorted(kept, key=lambda name: (not LANGUAGE_IN_PATHS.fullmatch(_last(name)), name))
    ids = _ids(order)
    groups = [_group(ids[name], members[name], patterns[name]) for name in order]
    return [*groups, _rest(rest, languages)] if rest else groups


def language_in(path: str, languages: Languages) -> str:
    """Return the language that a folder of a path names, "" if none does."""
    folders = path.split("/")[:-1]
    for depth, folder in enumerate(folders[:2]):
        if folder in languages.folders.get("/".join(folders[:depth]), ()):
            return folder
    return ""


def can_be_a_pattern(path: str) -> bool:
    """Whether a path, as a pattern, fits itself and no other."""
    return _NO_PATTERN.search(path) is None


def extension(path: str) -> str:
    """Return what a path ends in, such as `.md`."""
    return splitext(path)[1]


def _plain(code: str) -> str:
    return code.lower().replace("_", "-")


def _languages_among(names: Collection[str], declared: frozenset[str]) -> frozenset[str]:
    """Return those that are languages: one is declared, or is no word, or there are several."""
    codes = {name for name in names if _is_code(name, declared)}
    sure = {name for name in codes if _plain(name) in declared or name.lower() not in WORDS}
    if len(sure) >= OTHERS_MIN and 4 * len(codes) >= 3 * len(names):
        codes.update(name for name in names if _CODE.fullmatch(name))
    return frozenset(codes) if sure else frozenset()


def is_language(name: str) -> bool:
    """Whether a folder's name is the code of a language in which sites are written."""
    return _is_code(name, frozenset())


def _is_code(name: str, declared: frozenset[str]) -> bool:
    shape = _CODE.fullmatch(name)
    return shape is not None and (_plain(name) in declared or shape[1].lower() in KNOWN)


def _place(path: str, languages: Languages) -> tuple[str, Sequence[tuple[int, str]]]:
    """Return the name of a path's group, and the patterns that find it, each with its rank."""
    end = extension(path)
    *folders, name = path.split("/")
    if translated := _TRANSLATED.match(path):
        plugin = translated[1]
        return plugin, [(0, f"i18n/{PLACE}/docusaurus-plugin-content-{plugin}/**/*{end}")]
    shown = [*folders]
    for depth in (0, 1):
        if folders[depth : depth + 1] and folders[depth] in languages.folders.get(
            "/".join(folders[:depth]), ()
        ):
            shown[depth] = PLACE
            break
    prefix, section = _section(folders, shown, languages)
    if not section or not all(part == PLACE or can_be_a_pattern(part) for part in prefix):
        return REST, []
    found = [(1 if PLACE in prefix else 2, "/".join([*prefix, "**", f"*{end}"]))]
    if _language_in_name(name, languages):
        found.append((0, "/".join([*prefix, "**", f"*.{PLACE}{end}"])))
    return section, found


def _section(
    folders: Sequence[str], shown: Sequence[str], languages: Languages
) -> tuple[Sequence[str], str]:
    """Return the folders that a group's pattern names, and the group's name."""
    if not folders or (shown[0] == PLACE and len(folders) == 1):
        return (), ""
    if _YEAR.fullmatch(folders[1] if shown[0] == PLACE else folders[0]):
        return (), ""  # the next year's pages belong to no other collection
    if shown[0] == PLACE:
        return shown[:2], folders[1]
    if len(shown) > 1 and shown[1] == PLACE:
        return shown[:2], folders[0]
    inner = folders[1] if len(folders) > 1 else ""
    if inner and languages.folders.get(folders[0]) and LANGUAGE_IN_PATHS.fullmatch(inner):
        return folders[:2], f"{folders[0]}/{inner}"  # or its pattern would take it for a language
    return folders[:1], folders[0]


def _language_in_name(name: str, languages: Languages) -> bool:
    return bool(languages.names.intersection(name.split(".")[-2:-1])) and name.count(".") > 1


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _group(id: str, paths: Sequence[str], patterns: Mapping[str, int]) -> Group:
    files = sorted(patterns, key=lambda pattern: (patterns[pattern], pattern))
    return Group(id=id, files=tuple(files), paths=tuple(paths))


def _rest(paths: Sequence[str], languages: Languages) -> Group:
    ends = [end for end, _ in Counter(map(extension, paths)).most_common()]
    named = [f"**/*.{PLACE}{end}" for end in ends if languages.names]
    foldered = [f"{PLACE}/**/*{end}" for end in ends if languages.folders.get("")]
    anywhere = [f"**/*{end}" for end in ends]
    return Group(id=REST, files=(*named, *foldered, *anywhere), paths=tuple(paths))


def _ids(names: Sequence[str]) -> Mapping[str, str]:
    """Return an id for each group: a slug, and no other group's."""
    ids: dict[str, str] = {}
    for name in names:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "folder"
        taken = {*ids.values(), REST}
        unique, number = slug, 1
        while unique in taken:
            number += 1
            unique = f"{slug}-{number}"
        ids[name] = unique
    return ids
