"""Finds the jobs about a section or a page by their dedup keys."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.entities.entity import PAGE_IDS, entity_id, is_page_id, split_id
from mcp_server.entities.store import About
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes

CLAIMS = ("draft", "change")
"""Prefixes of dedup keys: a job drafts a section, or changes its live text."""


def key_of_claim(claim: str, section: str) -> str:
    """Return the dedup key of the job that has this claim on a section."""
    return f"{claim}:{section}"


def concerned(page: str | None, section: str | None) -> About:
    """Return what page and section mean together.

    The section is given in full, as `menu/hero`, or as `hero` beside its page.

    Raises:
        InvalidPayload: that is no id, or a section is named without its page.
    """
    if not section:
        return About(_page_id(page or ""))
    if "/" not in section:
        if not page:
            raise InvalidPayload("section", [f"write {in_quotes(section)} as page/section"])
        return About(page, entity_id(page, section))
    of, _ = split_id(section)
    if page and of != page:
        raise InvalidPayload(
            "section", [f"{in_quotes(section)} is not on the page {in_quotes(page)}"]
        )
    return About(of, section)


def key_ranges(about: About) -> Sequence[tuple[str, str]]:
    """Return the ranges of dedup keys of the jobs about a section, or about a page and its file.

    A range includes its first text and excludes its second; see `JobStore.keyed`.
    """
    if about.section is not None:
        return [_exactly(f"{claim}:{about.section}") for claim in CLAIMS]
    page = about.page
    # `0` is the character after `/`: the range holds every key that begins with the page and `/`.
    ranges = ((f"{claim}:{page}/", f"{claim}:{page}0") for claim in CLAIMS)
    return [_exactly(f"export:{page}"), *ranges]


def _page_id(page: str) -> str:
    if not is_page_id(page):
        raise InvalidPayload("page", [f"{in_quotes(page)} is no id of a page; {PAGE_IDS}"])
    return page


def _exactly(key: str) -> tuple[str, str]:
    return key, f"{key} "  # a space sorts before every other character of an id
