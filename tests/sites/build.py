"""Builds believable sites for the generators that people use: `build("hugo", folder, files=300)`.

The same seed gives the same bytes. Content and layouts were written for these tests; generators
that can be had build the sites as they are (without `broken`, which some refuse).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, splitext
from random import Random

from tests.sites.frames import FRAMES, Frame
from tests.sites.page import Draft, page_bytes
from tests.sites.prose import Writer
from tests.sites.traits import WEIGHTS, Traits, hand_out

FILES = 2_400
"""Pages of all sites together, unless somebody wants another number."""
LANGUAGES = ("de", "fr", "zh-cn")
SMALL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)
GENERATORS = tuple(WEIGHTS)


@dataclass(frozen=True, slots=True)
class Built:
    """A site that was built: its folder, and its pages with what they are like."""

    root: Path
    content: str
    """The content folder, relative to the root; empty where the root is it."""
    pages: Mapping[str, Traits]
    """By path, relative to the content folder."""

    def having(self, *traits: str) -> Sequence[str]:
        """Return the paths of the pages that have all of these traits."""
        return [path for path, has in self.pages.items() if has.issuperset(traits)]


def build(
    generator: str, folder: Path, *, files: int = 300, seed: int = 1, broken: bool = True
) -> Built:
    """Build a site of about `files` pages in `folder`, which is made; nothing is overwritten.

    With `broken`, a few pages are as no page should be: a merge under way, no UTF-8, front matter
    that never closes.
    """
    frame, random = FRAMES[generator], Random(f"{generator} {seed}")
    traits = hand_out(generator, files, random, broken=broken)
    drafts = _drafts(frame, traits, random)
    for path, content in frame.files.items():
        _write(folder / path, content.encode() if isinstance(content, str) else content)
    for path in frame.images:
        _write(folder / path, SMALL_PNG)
    for draft in drafts:
        data = page_bytes(draft, random, journal=frame.journal)
        _write(folder / draft.path, data)
        if "bundle" in draft.traits:
            _write(folder / dirname(draft.path) / "harbour.png", SMALL_PNG)
    inside = f"{frame.content}/" if frame.content else ""
    pages = {draft.path.removeprefix(inside): draft.traits for draft in drafts}
    return Built(folder, frame.content, pages)


def build_all(
    folder: Path, *, files: int = FILES, seed: int = 1, broken: bool = True
) -> Mapping[str, Built]:
    """Build a site for each generator, each in a folder of its name, with its part of `files`."""
    return {
        name: build(name, folder / name, files=round(weight * files), seed=seed, broken=broken)
        for name, weight in WEIGHTS.items()
    }


def _drafts(frame: Frame, traits: Sequence[Traits], random: Random) -> Sequence[Draft]:
    taken = {path.casefold() for path in frame.files}
    drafts: list[Draft] = []
    for number, each in enumerate(traits):
        language = random.choice(LANGUAGES) if "language folder" in each else frame.language
        title = Writer(random, language, journal=frame.journal).title()
        day = f"{2014 + number % 12}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
        stem = _stem(title, number, each, random)
        path = _free(_placed(frame, each, language, stem, day, random), taken)
        drafts.append(
            Draft(
                generator=frame.generator,
                path=path,
                title=title,
                day=day,
                language=language,
                traits=each,
                neighbours=tuple(_neighbours(drafts, path)),
            )
        )
    return drafts


def _placed(
    frame: Frame, traits: Traits, language: str, stem: str, day: str, random: Random
) -> str:
    kind = "dated" if "dated" in traits else "page"
    if "nested path" not in traits:
        kind = "flat"
    foreign = language != frame.language
    pattern = frame.places.get(f"{kind} foreign" if foreign else kind, frame.places[kind])
    folder = random.choice(frame.folders)
    inner = f"{random.choice(frame.inner)}/" if random.random() < 0.35 else ""
    prefix = f"{language}/" if foreign or frame.always_foreign else ""
    path = pattern.format(
        language=prefix, folder=folder, inner=inner, day=day, stem=stem, year=day[:4]
    )
    if "bundle" in traits:
        path = f"{path}/index"
    return path + _extension(traits, frame)


def _extension(traits: Traits, frame: Frame) -> str:
    return next((f".{end}" for end in ("mdx", "html", "markdown", "rst") if end in traits), ".md")


def _stem(title: str, number: int, traits: Traits, random: Random) -> str:
    words = re.sub(r"[^\w.]+", "-", title.replace("'", "")).strip("-.")
    ascii = words.encode("ascii", "ignore").decode().strip("-.") or f"page-{number}"
    if "not a slug" not in traits:
        return re.sub(r"[._]+", "-", ascii).strip("-").lower()
    dice = random.random()
    if dice < 0.35:
        return ascii if ascii != ascii.lower() else ascii.capitalize()
    if dice < 0.5:
        return f"{ascii.lower()}-v{number % 4}.{number % 7}"
    if dice < 0.6:
        return words
    return random.choice(
        ["README_first", "_notes", ascii.upper(), f"{ascii}_{number}", ascii.title()]
    )


def _free(path: str, taken: set[str]) -> str:
    stem, end = splitext(path)
    bundle = stem.endswith("/index")
    base = stem.removesuffix("/index") if bundle else stem
    candidate, number = base, 1
    while f"{candidate}".casefold() in taken:
        number += 1
        candidate = f"{base}-{number}"
    taken.add(candidate.casefold())
    return f"{candidate}/index{end}" if bundle else candidate + end


def _neighbours(drafts: Sequence[Draft], path: str) -> Sequence[str]:
    """Return pages that a page may link to: in the same tree, and Markdown."""
    top = path.split("/")[:2]
    near = [d.path for d in drafts[-60:] if d.path.split("/")[:2] == top]
    return [each for each in near if each.endswith(".md")][-6:]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
