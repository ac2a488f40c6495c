"""The rows of a history."""

from __future__ import annotations

from dataclasses import replace

from mcp_server.content.actions.history_rows import history_row, past_state, then_row
from mcp_server.entities.entity import PRODUCTION
from mcp_server.entities.store import Heads
from tests.unit.content.texts import text

HERO = "home/hero"
NONE = Heads()


def test_each_text_says_whether_it_counts_now() -> None:
    """As a draft and as a live text; a removal, and what came too late."""
    draft, live = text(HERO, "New."), text(HERO, "Old.", type=PRODUCTION)
    drafts, lives = Heads(revision={HERO: draft.id}), Heads(revision={HERO: live.id})
    assert past_state(draft, drafts, lives) == "draft now"
    assert past_state(text(HERO, "New."), drafts, lives) == "was draft"
    assert past_state(live, drafts, lives) == "live now"
    assert past_state(text(HERO, "Old.", type=PRODUCTION), drafts, lives) == "was live"
    assert past_state(text(HERO, None, type=PRODUCTION), drafts, lives) == "removed"
    assert past_state(text(HERO, None), drafts, lives) == "draft discarded"
    assert past_state(replace(draft, effective=False), drafts, lives) == "draft kept aside"


def test_what_a_draft_cost_is_said_once() -> None:
    """Not again of the live text that it became; who wrote it is said of both."""
    beside = {"menu/hero": "0" * 32}
    cost = {"input_tokens": 7, "output_tokens": 3, "cost_usd": 0.5}
    draft = replace(text(HERO, "New.", instructions="Short", related=beside), **cost)
    row = history_row(draft, NONE, NONE)
    assert (row.input_tokens, row.output_tokens, row.cost_usd) == (7, 3, 0.5)
    assert (row.author, row.instructions, row.related) == ("model", "Short", beside)
    row = history_row(draft.as_type(PRODUCTION), NONE, NONE)
    assert (row.input_tokens, row.cost_usd, row.author) == (None, None, "model")


def test_what_was_live_is_live_now_where_its_words_are() -> None:
    """Whatever came and went between."""
    once = text(HERO, "Old.", type=PRODUCTION)
    assert then_row(once, Heads(hash={HERO: once.hash or ""})).state == "live now"
    assert then_row(once, NONE).state == "was live"
