"""What one job changes: the live text, the draft's mark, the file."""

from __future__ import annotations

from mcp_server.content.actions.changes import promotion, removal, restoration
from mcp_server.content.actions.payloads import (
    ContentPromote,
    ContentRollback,
    ContentUnpublish,
    export_of,
)
from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    MarkWithdrawn,
    Require,
    SaveRemoval,
    SaveRevision,
)
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Entity
from mcp_server.jobs.outcome import Done, Enqueue, Fail
from tests.unit.content.texts import draft, hash_of, text, was_live

HERO = "home/hero"
OLD, NEW = hash_of(HERO, "old"), hash_of(HERO, "new")


def effects_of(outcome: Done | Fail) -> list[object]:
    """Return what an outcome changes, but for the file, which every change is followed by."""
    assert isinstance(outcome, Done)
    *changes, written = outcome.effects
    assert written == export_of(HERO)
    assert not any(isinstance(change, Enqueue) for change in changes)
    return changes


def live(says: str) -> Entity:
    """Make a live text."""
    return Entity(current=text(HERO, says, type=PRODUCTION))


def test_a_promotion_requires_the_draft_and_saves_it_as_the_live_text() -> None:
    """R7: over the base, over what the plan saw, or over anything."""
    new = draft(HERO, "new")
    payload = ContentPromote(section=HERO, draft=NEW, base=OLD)
    for expect, found in (("base", OLD), ("live", ABSENT), ("any", ANY)):
        payload = payload.model_copy(update={"expect": expect})
        required, saved = effects_of(promotion(payload, new))
        assert required == Require(PREVIEW, HERO, NEW)
        assert isinstance(saved, SaveRevision)
        assert (saved.revision.type, saved.revision.hash, saved.expects) == (PRODUCTION, NEW, found)


def test_another_draft_than_the_planned_one_is_promoted_with_force_only() -> None:
    """R1: and none at all never."""
    payload = ContentPromote(section=HERO, draft=OLD)
    assert isinstance(promotion(payload, draft(HERO, "new")), Fail)
    assert isinstance(promotion(payload, None), Fail)
    forced = payload.model_copy(update={"expect": "any"})
    assert isinstance(promotion(forced, draft(HERO, "new")), Done)


def test_a_restoration_brings_the_very_revision_back_and_withdraws_what_goes() -> None:
    """R9, R12: the ground comes back as somebody's own text (P4)."""
    past = [*was_live(HERO, ("old", None), ("new", "b"))]
    past[0] = text(HERO, "old", type=PRODUCTION, by="adopted")
    payload = ContentRollback(section=HERO, live=NEW, restore=past[0].id)
    saved, mark = effects_of(restoration(payload, live("new"), past))
    assert isinstance(saved, SaveRevision)
    assert (saved.revision.hash, saved.revision.author.kind) == (OLD, "person")
    assert (saved.expects, mark) == (NEW, MarkWithdrawn(HERO, NEW))
    gone = payload.model_copy(update={"restore": 10**9})
    assert isinstance(restoration(gone, live("new"), past), Fail)
    nothing = payload.model_copy(update={"restore": None})
    assert isinstance(effects_of(restoration(nothing, live("new"), past))[0], SaveRemoval)


def test_a_removal_withdraws_the_draft_whatever_it_says() -> None:
    """R27: that of the live text, and a newer one."""
    payload = ContentUnpublish(section=HERO, live=OLD)
    gone, *marks = effects_of(removal(payload, live("old"), draft(HERO, "new")))
    assert isinstance(gone, SaveRemoval)
    assert (gone.revision.type, gone.revision.hash, gone.expects) == (PRODUCTION, None, OLD)
    assert marks == [MarkWithdrawn(HERO, OLD), MarkWithdrawn(HERO, NEW)]
    _, mark = effects_of(removal(payload, live("old"), draft(HERO, "old")))
    assert mark == MarkWithdrawn(HERO, OLD)


def test_a_text_without_a_draft_becomes_one_as_it_goes() -> None:
    """R27: or drafting everything would write it anew."""
    payload = ContentUnpublish(section=HERO, live=OLD, expect="any")
    adopted = Entity(current=text(HERO, "old", type=PRODUCTION, by="adopted"))
    gone, kept, mark = effects_of(removal(payload, adopted, None))
    assert isinstance(gone, SaveRemoval)
    assert gone.expects is ANY
    assert isinstance(kept, SaveRevision)
    assert (kept.revision.type, kept.revision.hash, kept.expects) == (PREVIEW, OLD, ABSENT)
    assert kept.revision.author.kind == "person"
    assert mark == MarkWithdrawn(HERO, OLD)


def test_what_is_blocked_or_gone_is_a_conflict() -> None:
    """P6: with the reason that the plan knew."""
    blocked = "its file is blocked"
    outcomes = (
        promotion(ContentPromote(section=HERO, draft=NEW, blocked=blocked), draft(HERO, "new")),
        restoration(ContentRollback(section=HERO, blocked=blocked), live("new"), ()),
        removal(ContentUnpublish(section=HERO, live=OLD, blocked=blocked), live("old"), None),
    )
    assert set(outcomes) == {Fail("conflict", blocked)}
    assert isinstance(removal(ContentUnpublish(section=HERO, live=OLD), None, None), Fail)
