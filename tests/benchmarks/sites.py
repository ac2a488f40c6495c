"""Workspaces to measure on: many small sections, written by the composer from a phrase."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.harness import write_settings

SECTIONS_PER_PAGE = 50
LONG = "Bread is baked before the sun is up, and sold until it is gone. "


def site_of(
    root: Path,
    sections: int,
    *,
    per_page: int = SECTIONS_PER_PAGE,
    text_bytes: int = 100,
    **settings: object,
) -> Path:
    """Make a workspace with so many sections, `p0/s0` to `p0/s49`, then `p1/s0`.

    Each is drafted as a text of `text_bytes`, with its own brief in it.
    """
    write_settings(root, **settings)
    templates = root / "pressroom" / "templates"
    templates.mkdir(parents=True)
    note = {
        "prompt": "Write a short note.",
        "fields": {"text": "text"},
        "format": "{text}\n",
        "phrases": {"text": ["{brief}: {facts.story}"]},
    }
    (templates / "note.yaml").write_text(yaml.safe_dump(note), "utf-8")
    story = (LONG * (text_bytes // len(LONG) + 1))[:text_bytes].strip()
    pages = "".join(
        _page(n, min(per_page, sections - n * per_page)) for n in range(-(-sections // per_page))
    )
    (root / "pressroom" / "site.yaml").write_text(
        f"title: Notes\nfacts: {{story: {json.dumps(story)}}}\npages:\n{pages}", "utf-8"
    )
    return root


def _page(number: int, sections: int) -> str:
    """Return a page; the library's own writer would take minutes for thousands."""
    lines = [
        f"    - {{id: s{n}, template: note, brief: note {n} of {number}}}\n"
        for n in range(sections)
    ]
    return f"- id: p{number}\n  title: Page {number}\n  sections:\n{''.join(lines)}"
