"""Write what pages in `docs/` say that the code says: `uv run python -m tests.pages`.

A page has such a part between `<!-- tests.pages: NAME -->` and `<!-- end -->`; the rest of it is
written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mcp_server.interfaces.mcp import listing
from tests.pages import settings, tools

COMMAND = "uv run python -m tests.pages"
DOCS = Path(__file__).resolve().parents[2] / "docs"
PART = re.compile(r"(<!-- tests\.pages: ([\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
PARTS: Mapping[str, Callable[[], Sequence[str]]] = {**settings.PARTS, **tools.PARTS}
"""Each part, and what returns its lines."""


def written(page: str) -> str:
    """Return the text of a page with its parts as the code has them now."""
    return PART.sub(lambda found: f"{found[1]}\n{_text(found[2])}\n\n{found[3]}", page)


def _text(part: str) -> str:
    return "\n".join(PARTS[part]())


def write_pages() -> None:
    """Write every page anew that has such parts, and the list of tools that clients are sent."""
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text("utf-8")
        if (after := written(before)) != before:
            page.write_text(after, "utf-8", newline="\n")
            print(f"wrote docs/{page.name}")
    if (listed := tools.listed()) != listing.FILE.read_text("utf-8"):
        listing.FILE.write_text(listed, "utf-8", newline="\n")
        print(f"wrote {listing.FILE.name}")


if __name__ == "__main__":
    write_pages()
