"""What histories of live texts and drafts are asked: which batch, and whose text."""

from __future__ import annotations

import pytest

from mcp_server.content.actions.history import batches_newest_first, carriers, is_still_of
from mcp_server.entities.entity import AuthorKind
from tests.unit.content.texts import text, was_live


def test_batches_come_newest_first_and_once() -> None:
    """By their latest change; what no batch wrote is not among them."""
    histories = {
        "home/hero": was_live("home/hero", ("one", "a"), ("two", "b")),
        "menu/hero": was_live("menu/hero", ("found", None), ("one", "a")),
    }
    assert batches_newest_first(histories) == ["a", "b"]


def test_only_batches_that_changed_these_pages_are_listed() -> None:
    """A page is that of the section, not the beginning of its name."""
    histories = {
        "home/hero": was_live("home/hero", ("one", "a")),
        "home-2/hero": was_live("home-2/hero", ("one", "b")),
    }
    assert batches_newest_first(histories, ["home"]) == ["a"]
    assert batches_newest_first(histories, ["menu"]) == []
    assert batches_newest_first({}) == []


def test_the_batches_that_carried_a_text_are_those_that_made_it_live() -> None:
    """Section and text must be the same (R16); a text that came back was carried twice."""
    histories = {
        "home/hero": was_live("home/hero", ("good", "a"), ("other", "b"), ("good", "c")),
        "menu/hero": was_live("menu/hero", ("good", "d")),
    }
    assert carriers(histories, [text("home/hero", "good")]) == ["c", "a"]
    assert carriers(histories, [text("home/hero", "never")]) == []
    assert carriers(histories, []) == []


@pytest.mark.parametrize(
    ("drafts", "still"),
    [
        ([("model", "g")], True),
        ([("model", "g"), ("person", None)], True),
        ([("model", "g"), ("person", None), ("person", None)], True),
        ([("model", "g"), ("model", "h")], False),
        ([("model", "g"), ("model", "h"), ("person", None)], False),
        ([("model", "g"), ("composer", "h")], False),
        ([("composer", "g"), ("composer", None), ("person", None)], True),  # it was restored
        ([("person", None)], False),
        ([], False),
    ],
)
def test_a_draft_is_the_batchs_until_another_than_a_person_writes_it(
    drafts: list[tuple[AuthorKind, str | None]], still: bool
) -> None:
    """A person's edit of it is promoted with the batch, a later draft is not (R8)."""
    revisions = [text("home/hero", "words", by=by, batch_id=batch) for by, batch in drafts]
    assert is_still_of("g", revisions) is still
