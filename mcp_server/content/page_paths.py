"""Where the files of pages lie: their ids, and patterns such as `{language}/docs/**/*.md`. Pure.

Paths are those of the content folder, with `/` on every system.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from mcp_server.entities.entity import (
    DEVICES,
    FILE_NAME_BYTES_MAX,
    PAGE_ID_BYTES_MAX,
    PAGE_ID_LENGTH_MAX,
    is_page_id,
)

EXTENSIONS = (".md", ".markdown", ".mdx", ".html")
"""What the file of a page may end in; where one is looked for by its page, in this order."""
_ENDINGS = frozenset(each[1:] for each in EXTENSIONS)
KEPT_ONLY = ".html"
"""Such a file is read and kept, and its text is not drafted."""
HOME = ("index", "home")
"""Pages that a site begins with: one of them lies at `/`."""
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
"""A code such as `en` or `pt-BR`."""

_USUAL = re.compile(
    rf"(?!(?:{'|'.join(sorted(DEVICES))})(?:\.|\Z))[\w-](?:[\w.-]*[\w-])?", re.ASCII | re.IGNORECASE
)
_DRIVE = re.compile(r"[A-Za-z]:")
_PLACE = "{language}"
_LANGUAGE_PART = (
    r"(?P<language>[A-Za-z]{2,3}(?:[-_](?:[Hh]an[st]|[Ll]atn|[Cc]yrl|[Aa]rab))?"
    r"(?:[-_](?:[A-Za-z]{2}|[0-9]{3}))?)"
)
"""Narrower than `LANGUAGE`: the folders `get-started` and `our-team` are no languages."""
LANGUAGE_IN_PATHS = re.compile(_LANGUAGE_PART)
"""What `{language}` in a pattern stands for; three letters such as `api` among them."""
_PIECE = re.compile(r"\{language\}|\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def page_id_of(path: str) -> str:
    """Return the id of the page whose file this is: its path without extension.

    The `index` of a folder is the folder's page: `posts/hello/index.md` is `posts/hello`.
    """
    stem, _, ending = path.rpartition(".")
    return (stem if ending in _ENDINGS else path).removesuffix("/index")


def paths_of(page: str) -> tuple[str, ...]:
    """Return all paths whose page has this id."""
    beside = tuple(page + end for end in EXTENSIONS)
    return (*beside, *(f"{page}/index{end}" for end in EXTENSIONS))


def why_unusable(path: str) -> str | None:
    """Return why no page can have this file, `None` if one can."""
    stem, _, ending = path.rpartition(".")
    if ending not in _ENDINGS:
        return f"it does not end in {', '.join(EXTENSIONS[:-1])} or {EXTENSIONS[-1]}"
    if len(stem) > PAGE_ID_LENGTH_MAX:
        return f"its path is longer than {PAGE_ID_LENGTH_MAX} characters"
    if len(stem.encode("utf-8", "surrogatepass")) > PAGE_ID_BYTES_MAX:
        return f"its path is longer than {PAGE_ID_BYTES_MAX:,} bytes"
    return None if is_page_id(stem) else "some platform cannot hold a file of that name"


def is_usual(name: str) -> bool:
    """Whether every platform can hold a file or folder of this name; few others are as good.

    Of ten thousand files, nearly all are known by this to be usable, in a fraction of the time.
    """
    return len(name) <= FILE_NAME_BYTES_MAX and _USUAL.fullmatch(name) is not None


def path_problem(path: str) -> str | None:
    """Return what is wrong with a path that `site.yaml` names, and what to write instead."""
    if leaves_folder(path):
        return "leaves the content folder; write a path in it with /, such as docs/menu.md"
    if (why := why_unusable(path)) is not None:
        return f"cannot be a page's: {why}; write such as docs/menu.md"
    return None


def leaves_folder(path: str) -> bool:
    """Whether a path is absolute, or leads out of the folder that it is relative to."""
    return (
        path.startswith("/")
        or "\\" in path
        or ".." in path.split("/")
        or _DRIVE.match(path) is not None
    )


def alike(path: str) -> str:
    """Return what two paths have in common that some platform takes for one.

    Case does not count on Windows and macOS, nor does how an accent is encoded.
    """
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a pattern, and what to write instead; `None` if it can be used."""
    return next(_pattern_problems(pattern), None)


def _pattern_problems(pattern: str) -> Iterator[str]:
    if leaves_folder(pattern):
        yield "leaves the content folder; write a path in it with /, such as posts/**/*.md"
    if len(pattern) > PAGE_ID_LENGTH_MAX:
        yield f"is longer than {PAGE_ID_LENGTH_MAX} characters; write a shorter one"
    if {"", "."} & set(pattern.split("/")):
        yield "has an empty part; write such as posts/**/*.md"
    if pattern.count(_PLACE) > 1:
        yield f"has {_PLACE} twice; write * for the other"
    if set("{}") & set(pattern.replace(_PLACE, "")):
        yield f"has braces; write a list of patterns ({_PLACE} is the only word in braces)"
    try:
        re.compile(_expression(pattern))
    except re.error:
        yield "cannot be read; write * for any name, and ** for any folders"


def language_in(pattern: str, path: str) -> str | None:
    """Return the language that `{language}` stands for if the path fits, "" without one.

    `None` where the path does not fit.
    """
    found = compiled(pattern).fullmatch(path)
    if found is None:
        return None
    return (found["language"] if found.re.groups else "").replace("_", "-")


def language_said(text: str) -> str:
    """Return the language that a file's front matter says, "" where it is no code of one."""
    code = text.strip().replace("_", "-")
    return code if LANGUAGE.fullmatch(code) else ""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern as an expression for whole paths.

    `*` and `?` stop at `/`; `**` as a part stands for any folders, none included. What has matched
    is not matched again in another way, so that no pattern takes long.
    """
    return re.compile(_expression(pattern))


def _expression(pattern: str) -> str:
    parts = pattern.split("/")
    folders = [n for n, part in enumerate(parts) if part == "**"]
    if not folders:
        return "/".join(map(_part, parts))
    written = "".join(f"{_part(part)}/" for part in parts[: folders[0]])
    for start, end in pairwise([*folders, len(parts)]):
        inner = "/".join(map(_part, parts[start + 1 : end]))
        if end < len(parts):
            written += f"(?>(?:[^/]+/)*?{inner}/)" if inner else ""
        else:
            written += f"(?:[^/]+/)*{inner}" if inner else ".+"
    return written


def _part(part: str) -> str:
    """Return the expression for one part of a path. Stars are atomic: `a*b*c` never tries twice."""
    pieces: list[str] = [""]
    for piece in _PIECE.findall(part):
        if piece.startswith("*"):
            pieces.append("")
        else:
            pieces[-1] += _written(piece)
    head, *rest = pieces
    if not rest:
        return head
    *middle, last = rest
    return head + "".join(f"(?>[^/]*?{piece})" for piece in middle) + f"[^/]*{last}"


def _written(piece: str) -> str:
    if piece == _PLACE:
        return _LANGUAGE_PART
    if piece == "?":
        return "[^/]"
    if piece.startswith("[") and len(piece) > 2:
        negated = piece[1] == "!"
        chosen = re.sub(r"([\\\[\]&~|^])", r"\\\1", piece[1 + negated : -1])
        return f"(?!/)[{'^' if negated else ''}{chosen}]"
    return re.escape(piece)
