"""Which jobs concern a section or a page: found by the keys that keep others off it."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.entities.entity import is_slug, split_id
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes

CLAIMS = ("draft", "change")
"""What a job does to a section: it drafts it, or makes it live and takes it back."""


def concerned(page: str | None, section: str | None) -> str:
    """Return the id that is meant: `menu/hero` (also of `hero` beside its page), or a page's.

    Raises:
        InvalidPayload: it is none, or a section is named without its page.
    """
    if section and "/" in section:
        if page and split_id(section)[0] != page:
            raise InvalidPayload(
                "section", [f"{in_quotes(section)} is not on the page {in_quotes(page)}"]
            )
        id = section
    elif section and not page:
        raise InvalidPayload("section", [f"write {in_quotes(section)} as page/section"])
    else:
        id = f"{page}/{section}" if section else page or ""
    if "/" in id:
        split_id(id)
    elif not is_slug(id):
        raise InvalidPayload("page", [f"{in_quotes(id)} is not a page id (a-z, 0-9, - and _)"])
    return id


def key_ranges(id: str) -> Sequence[tuple[str, str]]:
    """Return the ranges of dedup keys of the jobs that concern a section, or a page and its file.

    Each is from a text up to but not with another.
    """
    if "/" in id:
        return [_exactly(f"{claim}:{id}") for claim in CLAIMS]
    return [_exactly(f"export:{id}"), *((f"{claim}:{id}/", f"{claim}:{id}0") for claim in CLAIMS)]


def _exactly(key: str) -> tuple[str, str]:
    return key, f"{key} "  # a space sorts before all that an id is made of
