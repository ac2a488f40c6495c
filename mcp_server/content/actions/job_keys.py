"""Finds the jobs about a section or a page by their dedup keys."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.entities.entity import is_slug, split_id
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes

CLAIMS = ("draft", "change")
"""Prefixes of dedup keys: a job drafts a section, or changes its live text."""


def key_of_claim(claim: str, section: str) -> str:
    """Return the dedup key of the job that has this claim on a section."""
    return f"{claim}:{section}"


def concerned(page: str | None, section: str | None) -> str:
    """Return the id that page and section mean together: `menu/hero`, or the page's own.

    The section is given in full, or as `hero` beside its page.

    Raises:
        InvalidPayload: that is no id, or a section is named without its page.
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
    """Return the ranges of dedup keys of the jobs about a section, or about a page and its file.

    A range includes its first text and excludes its second.
    """
    if "/" in id:
        return [_exactly(f"{claim}:{id}") for claim in CLAIMS]
    # `0` is the character after `/`: the range holds every key that begins with the page and `/`.
    return [_exactly(f"export:{id}"), *((f"{claim}:{id}/", f"{claim}:{id}0") for claim in CLAIMS)]


def _exactly(key: str) -> tuple[str, str]:
    return key, f"{key} "  # a space sorts before every character of an id
