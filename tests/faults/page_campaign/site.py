"""A small site that is there already: pages of each kind, with what tends to go wrong in them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from random import Random

from mcp_server.content.existing.plan import BODY, META
from tests.harness import trusted, write_settings

SITE = """\
title: A site
language: en
pages:
  - id: menu
    title: Menu
    file: menu.md
    sections:
      - {id: hero, template: body}
      - {id: lunch, template: body}
      - {id: notes, template: body}
  - id: about
    file: company/about.md
    sections:
      - {id: meta, template: meta}
      - {id: story, template: body}
      - {id: people, template: body}
collections:
  - id: guides
    files: "guides/**/*.md"
    split: h2
    sections:
      - {id: meta, template: meta}
      - {id: body, template: body}
  - id: posts
    files: "posts/**/*.md"
    sections:
      - {id: meta, template: meta}
      - {id: body, template: body}
"""
KEYS = ("title", "description")
CODE = "```yaml\nkey: {}\n<!-- section: hero -->\n\n\nz: 1\n```"
BOM = b"\xef\xbb\xbf"


@dataclass
class Words:
    """Words and texts that there were not yet."""

    random: Random
    _numbers: itertools.count[int]

    @classmethod
    def of(cls, random: Random) -> Words:
        """Return them for one sequence."""
        return cls(random, itertools.count(1))

    def word(self) -> str:
        """Return a new word; a figure would be held as nobody's."""
        number, syllables = next(self._numbers) + 99, ""
        while number:
            number, left = divmod(number, 20)
            syllables = "bdfgklmnprstvzbdfgkl"[left] + "aeiouaeiouioaeuaeiou"[left] + syllables
        return f"{syllables}n"

    def line(self) -> str:
        """Return a line of prose."""
        return f"The {self.word()} is what we like to tell."

    def text(self) -> str:
        """Return a text of some shape."""
        a, b = self.word(), self.word()
        return self.random.choice(
            (
                f"Fresh pasta daily, as {a} has it.",
                f"* one of {a}\n* two of {b}\n\nAnd what comes after the list of {a}.",
                f"### Of {a}\n\nA paragraph that is long enough to be told from {b}.",
                f"Before the code of {a}.\n\n{CODE.format(b)}\n\nAfter it.",
                f"Soup and {a}",
                f"Two lines,\nas {a} wants it\n\n\nand a gap of two blank lines.",
                f"| a | b |\n|---|---|\n| {a} | {b} |",
                f"It says *{a}* and **{b}**, [a link](https://example.org/{a}).",
            )
        )


def _front(words: Words, random: Random) -> str:
    lines = [
        f"title: Title of {words.word()}",
        f"description: About {words.word()} and more",
        "layout: wide # as it is",
        "weight: 5",
        "tags:\n  - one\n  - 'two'",
        "# ours",
    ]
    kept = [lines[0], *random.sample(lines[1:], random.randint(1, len(lines) - 1))]
    return "\n".join(["---", *kept, "---", "", ""])


def _marked(words: Words, random: Random, sections: tuple[str, ...], front: str) -> str:
    lead = f"{words.line()}\n\n" if random.random() < 0.3 else ""
    blocks = [f"<!-- section: {each} -->\n\n{words.text()}\n" for each in sections]
    return front + lead + "\n".join(blocks)


def _pages(words: Words, random: Random) -> dict[str, str]:
    def front() -> str:
        return _front(words, random)

    pages = {
        "menu.md": _marked(
            words,
            random,
            ("hero", "lunch", "notes")[: random.randint(2, 3)],
            random.choice(("", "---\nlayout: wide\n---\n\n")),
        ),
        "company/about.md": _marked(words, random, ("story", "people"), front()),
        "guides/setup.md": front()
        + f"{words.text()}\n\n## First steps\n\n{words.text()}\n\n## Then more\n{words.text()}\n",
        "posts/hello.md": front() + words.text() + "\n",
        "posts/2024/deep.md": front() + words.text() + "\n\n" + words.line() + "\n",
    }
    if random.random() < 0.5:
        pages["posts/2024/last/one.md"] = front() + words.text()
    if random.random() < 0.5:
        pages["guides/one/index-of.md"] = front() + f"## Only\n\n{words.text()}\n"
    if random.random() < 0.3:
        pages["posts/empty.md"] = front().rstrip("\n") + "\n"
    return pages


def build(root: Path, random: Random, words: Words, model_url: str) -> dict[str, bytes]:
    """Make the workspace around the site; return its files."""
    folder = root / "pressroom"
    (folder / "templates").mkdir(parents=True)
    (folder / "site.yaml").write_text(SITE, "utf-8")
    (folder / "templates" / "body.yaml").write_text(BODY, "utf-8")
    (folder / "templates" / "meta.yaml").write_text(
        META.replace("DESCRIPTION", "description"), "utf-8"
    )
    write_settings(
        root,
        model="m",
        model_url=model_url,
        worker="embedded",
        lease_s=1,
        heartbeat_s=0.3,
        crashes_max=1000,
        poll_s=0.02,
        synchronous="NORMAL",
    )
    made: dict[str, bytes] = {}
    for path, text in _pages(words, random).items():
        lines = random.choice(("\n", "\n", "\n", "\r\n"))
        data = random.choice((b"", b"", b"", BOM)) + text.replace("\n", lines).encode()
        made[path] = data
        (root / "content" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "content" / path).write_bytes(data)
    trusted(root)
    return made
