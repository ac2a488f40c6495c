"""What a digest stands for, how long, and what is said of one that is no good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.content.actions.calls import Planned
from mcp_server.content.actions.changes import change_of
from mcp_server.content.actions.digest import LAPSES_S, check_digest, digest_of, moved_since
from mcp_server.content.actions.payloads import ContentUnpublish
from mcp_server.content.actions.plan import new_job
from mcp_server.errors import InvalidPayload
from mcp_server.jobs.outcome import Done
from mcp_server.progress.verbs import GENERATE, PROMOTE, ROLLBACK, UNPUBLISH
from tests.unit.content.texts import draft, hash_of, standing, was_live

HERO = "home/hero"
ONE = Planned(section=HERO, change="replace", hash_from="a", hash_to="b")
TWO = Planned(section="menu/hero", change="publish", hash_to="c")
AT = 1_000_000.0


def shown(*planned: Planned, force: bool = False, at: float = AT) -> str:
    """Return the digest of a promotion's dry run."""
    found = digest_of(PROMOTE, planned, force=force, at=at)
    assert found is not None
    return found


def problem(
    digest: str,
    *planned: Planned,
    force: bool = False,
    now: float = AT,
    moved: tuple[str, ...] = (),
) -> str:
    """Return why a promotion with this digest is refused."""
    with pytest.raises(InvalidPayload) as refusal:
        check_digest(digest, PROMOTE, planned, force=force, now=now, moved=moved)
    return str(refusal.value)


def test_a_digest_is_of_what_is_done_and_not_of_its_order() -> None:
    """P13: another action, section, hash or time is another digest; what is said is not (R28)."""
    first = shown(ONE, TWO)
    assert shown(TWO, replace(ONE, placeholder=True)) == first
    others = [
        digest_of(ROLLBACK, [ONE, TWO], force=False, at=AT),
        shown(ONE, TWO, force=True),
        shown(ONE, TWO, at=AT + 0.001),
        shown(ONE),
        shown(ONE, replace(TWO, hash_to="d")),
        shown(ONE, replace(TWO, hash_from="d")),
        shown(ONE, replace(TWO, section="menu/news")),
        shown(ONE, replace(TWO, hash_from="c", hash_to=None)),
    ]
    assert len({first, *others}) == 9


def test_there_is_none_of_what_cannot_be_done_as_a_whole() -> None:
    """P13: nor of nothing, nor of drafts (R28)."""
    assert digest_of(PROMOTE, [ONE, replace(TWO, conflict="moved")], force=False, at=AT) is None
    assert digest_of(PROMOTE, [], force=False, at=AT) is None
    assert digest_of(GENERATE, [ONE], force=False, at=AT) is None


def test_it_is_good_for_a_day_if_nothing_changed() -> None:
    """R28: whatever the milliseconds of its time."""
    for at in (AT, AT + 0.0004, 1_796_000_000.9999):
        digest = shown(ONE, at=at)
        just = at + LAPSES_S - 0.002
        check_digest(digest, PROMOTE, [ONE], force=False, now=just, moved=())
        assert "has lapsed" in problem(digest, ONE, now=at + LAPSES_S)


def test_a_refusal_says_what_is_different() -> None:
    """What changed, the conflict, or how it was made (R28)."""
    digest = shown(ONE)
    assert "is no longer what" in problem("0123", ONE)
    assert "(home/hero changed since)" in problem(digest, moved=(HERO,))
    many = tuple(f"menu/s{n}" for n in range(5))
    assert "(menu/s0, menu/s1, menu/s2 and 2 more changed since)" in problem(digest, moved=many)
    assert "was made without force" in problem(digest, ONE, force=True)
    assert "was made with force" in problem(shown(ONE, force=True), ONE)
    edited = replace(ONE, conflict="its file was edited")
    assert "home/hero would be a conflict: its file was edited" in problem(digest, edited)


def test_what_is_newer_than_the_dry_run_has_moved() -> None:
    """Drafts and live texts; no word about what is older (R28)."""
    stands = standing(
        draft(HERO, "new", created_at=AT + 1),
        draft("menu/hero", "new", created_at=AT - 1),
        live=(was_live("home/news", ("old", "b")),),
    )
    ids = (HERO, "home/news", "menu/hero")
    assert moved_since(shown(ONE), ids, stands) == [HERO]
    assert moved_since("0123", ids, stands) == ()


def test_what_a_job_changes_is_told_from_what_its_plan_saw() -> None:
    """As its handler would (R28)."""
    live = was_live(HERO, ("old", "b"))
    payload = ContentUnpublish(section=HERO, live=hash_of(HERO, "old"))
    job = new_job(UNPUBLISH.job_kind, payload, HERO, claim="change")
    assert isinstance(change_of(job, standing(live=(live,))), Done)
    with pytest.raises(AssertionError):
        change_of(job._replace(kind="content-generate"), standing())
