"""Which earlier bytes of a page's file are tried, given what was kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mcp_server.content.pages.earlier import BATCHES_MAX, WRITES_MAX, earlier_hashes, undoable
from mcp_server.entities.page_files import PageVersion


def kept(*steps: str) -> Sequence[PageVersion]:
    """Return versions newest first; `b1:x>y` is a write, `-` no file, `!x` somebody's edit."""
    return [_version(step) for step in reversed(steps)]


def _version(step: str) -> PageVersion:
    if step.startswith("!"):
        return PageVersion(page="menu", hash=step[1:], kind="taken")
    batch, _, write = step.partition(":")
    before, after = (None if each == "-" else each for each in write.split(">"))
    return PageVersion(page="menu", hash=after, kind="after", before=before, batch_id=batch or None)


def test_writes_of_a_batch_are_gone_through_to_what_stood_before_it() -> None:
    """The last first."""
    versions = kept("b0:->o", "b1:o>x", "b1:x>a", "b2:a>y")
    assert earlier_hashes(versions, "y")[:3] == ["a", "x", "o"]


def test_a_page_that_was_the_same_before_is_followed_by_when_and_not_by_what() -> None:
    """It went to and fro: each time is another one."""
    versions = kept("b1:o>x", "b1:x>a", "b2:a>x")
    assert earlier_hashes(versions, "x") == ["a", "o"]


def test_what_stood_before_a_batch_counts_however_often_that_has_written() -> None:
    """Of its single writes the last ones are tried as well."""
    names = ["o", *(f"x{n}" for n in range(40)), "a"]
    versions = kept(*(f"b1:{one}>{two}" for one, two in pairwise(names)))
    found = earlier_hashes(versions, "a")
    assert found[0] == "x39" and found[-1] == "o"
    assert len(found) == WRITES_MAX + 1


def test_batches_that_were_taken_back_do_not_count_among_those_before() -> None:
    """However many there were since."""
    many = [f"p{n}:a>c{n} r{n}:c{n}>a" for n in range(3 * BATCHES_MAX)]
    versions = kept("b1:o>x", "b1:x>a", *" ".join(many).split())
    found = earlier_hashes(versions, "a")
    assert found[-1] == "o" and len(found) <= BATCHES_MAX + WRITES_MAX + 1


def test_what_somebody_has_written_is_not_gone_behind() -> None:
    """It is as far as it goes."""
    versions = kept("b1:o>a", "!e", "b2:e>c")
    assert earlier_hashes(versions, "c") == ["e"]
    assert earlier_hashes(versions, "e") == []


def test_a_file_that_is_not_there_was_last_what_stands_first() -> None:
    """Whether we or somebody else took it away; and what it was before is tried, too."""
    ours = kept("b1:->o", "b2:o>a", "b3:a>-")
    assert earlier_hashes(ours, None) == ["a", "o"]
    theirs = kept("b1:->o", "b2:o>a")
    assert earlier_hashes(theirs, None) == ["a", "o"]
    again = kept("b1:->o", "b2:o>-", "b3:->z")
    assert earlier_hashes(again, "z") == ["o"]
    assert earlier_hashes([], None) == []


def test_of_a_file_that_somebody_has_changed_writes_are_taken_back_and_whole_batches() -> None:
    """Where nobody has changed it since the last ones, its earlier bytes do."""
    versions = kept("b1:o>x", "b1:x>a", "!e")
    assert undoable(versions, "e") == ([("x", "a"), ("o", "x"), ("o", "a")], None)
    assert undoable(kept("b1:o>x", "b1:x>a"), "a") == ((), None)


def test_a_rollback_in_steps_goes_on_from_what_was_there_when_it_began() -> None:
    """It has written over what somebody changed, and nobody else has."""
    versions = kept("b1:o>a", "!e", "b2:e>f", "b2:f>g")
    writes, since = undoable(versions, "g")
    assert ("o", "a") in writes and since == "e"
