"""Which batch a rollback takes back, what it answers instead, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mcp_server.content.actions.calls import ChangeCall, Submitted
from mcp_server.content.actions.rollback_target import RollbackTarget, note_on_cancelling
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.entities.entity import Revision
from mcp_server.errors import InvalidPayload, NotFound
from mcp_server.jobs.job import Batch, BatchState, Job, Origin
from tests.unit.content.texts import standing, text, was_live

pytestmark = pytest.mark.anyio

ADA = Origin(owner="ada", interface="test")
BULK = Selection(ids=("home/hero", "menu/hero"), named=False)
HOME = Selection(ids=("home/hero",), named=False, pages=("home",))
NAMED = Selection(ids=("home/hero",), named=True)


def batch(id: str, kind: str = "promote", **different: Any) -> Batch:
    """Make a batch of Ada's that is completed."""
    made: dict[str, Any] = {
        "id": id,
        "kind": kind,
        "state": BatchState.COMPLETED,
        "reason": None,
        "origin": ADA,
        "terms": {},
        "round": 1,
        "total": 2,
        "completed": 2,
        "skipped": 0,
        "failed": 0,
        "cancelled": 0,
        "created_at": 0.0,
        "started_at": 0.0,
        "ended_at": 1.0,
        "change": 1,
    }
    return Batch(**(made | different))


class Known:
    """The batches and drafts of this test, in place of the two services that are asked for them."""

    def __init__(self, batches: Sequence[Batch], drafted: Mapping[str, Sequence[Revision]]) -> None:
        self._batches, self._drafted = {each.id: each for each in batches}, drafted

    async def get(self, id: str, *, owner: str) -> Batch:
        """Return a batch of this owner's."""
        if not await self.is_own(id, owner=owner):
            raise NotFound("batch", id)
        return self._batches[id]

    async def list(self, *, owner: str, active: bool, limit: int) -> Sequence[Batch]:
        """Return the unfinished batches of this owner, newest first."""
        found = [each for each in self._batches.values() if each.origin.owner == owner]
        return [each for each in reversed(found) if each.ended is not active][:limit]

    async def jobs(self, id: str, *, owner: str) -> Sequence[Job]:
        """Return the jobs of a batch: here each is about `home/hero`."""
        return [cast("Job", SimpleNamespace(subject="home/hero"))]

    async def is_own(self, id: str, *, owner: str) -> bool:
        """Whether there is such a batch, and it is this owner's."""
        return id in self._batches and self._batches[id].origin.owner == owner

    async def revisions_of_batch(self, id: str) -> Sequence[Revision]:
        """Return the drafts that a batch wrote."""
        return self._drafted.get(id, ())


async def find(
    *batches: Batch,
    stands: SiteContent,
    selection: Selection = BULK,
    drafted: Mapping[str, Sequence[Revision]] | None = None,
    **call: Any,
) -> Batch | Submitted | None:
    """Return what a rollback by Ada is to take back."""
    known = cast("Any", Known(batches, drafted or {}))
    return await RollbackTarget(known, known).find(ChangeCall(**call), selection, stands, ADA)


def calls_of(found: Batch | Submitted | None) -> list[dict[str, object]]:
    """Return the calls that an answer names."""
    assert isinstance(found, Submitted)
    assert {call.tool for call in found.next_calls} <= {"rollback"}
    return [call.arguments for call in found.next_calls]


async def test_a_bare_rollback_takes_back_the_latest_promotion_that_stands() -> None:
    """Of the caller's own: another's is passed over (R11, R1)."""
    one, two = batch("one"), batch("two")
    theirs = batch("theirs", origin=Origin(owner="bob", interface="test"))
    live = was_live("home/hero", ("1", "one"), ("2", "two"))
    other = was_live("menu/hero", ("3", "theirs"))
    assert await find(one, two, theirs, stands=standing(live=(live, other))) == two


async def test_a_promotion_stands_while_one_of_its_texts_is_live() -> None:
    """Whatever became of its others (R10)."""
    one, two = batch("one"), batch("two")
    hero = was_live("home/hero", ("1", "one"), ("2", "two"), ("3", None))
    menu = was_live("menu/hero", ("1", "one"))
    assert await find(one, two, stands=standing(live=(hero, menu))) == one


async def test_an_unpublishing_stands_while_one_of_its_sections_is_off() -> None:
    """It is taken back like a promotion, whichever is the later; and not once all is back (P12)."""
    one, off = batch("one"), batch("off", "unpublish")
    hero = was_live("home/hero", ("1", "one"), (None, "off"))
    assert await find(one, off, stands=standing(live=(hero,))) == off
    back = was_live("home/hero", ("1", "one"), (None, "off"), ("1", None))
    found = await find(one, off, stands=standing(live=(back,)))
    assert calls_of(found) == [{"batchId": "one"}]
    newer = was_live("menu/hero", ("2", "two"))
    assert await find(one, off, batch("two"), stands=standing(live=(hero, newer))) == batch("two")


async def test_one_that_has_taken_nothing_off_yet_is_the_one_that_is_meant() -> None:
    """Unless something else that changes live texts came after it, or the page is another."""
    one = batch("one")
    off = batch("off", "unpublish", state=BatchState.PENDING)
    stands = standing(live=(was_live("home/hero", ("1", "one")),))
    assert await find(one, off, stands=stands) == off
    assert await find(one, off, stands=stands, selection=HOME) == off
    menu = Selection(ids=("menu/hero",), named=False, pages=("menu",))
    assert isinstance(await find(one, off, stands=stands, selection=menu), Submitted)
    later = batch("later", state=BatchState.PENDING)
    assert await find(one, off, later, stands=stands) == one


async def test_of_a_page_it_is_the_latest_that_stands_there() -> None:
    """What is live elsewhere does not count (R14)."""
    one, two = batch("one"), batch("two")
    home, menu = was_live("home/hero", ("1", "one")), was_live("menu/hero", ("2", "two"))
    assert await find(one, two, stands=standing(live=(home, menu)), selection=HOME) == one


async def test_nothing_stands_is_said_and_nothing_is_taken_back() -> None:
    """A dry run is answered as one."""
    for stands in (standing(), standing(live=(was_live("home/hero", ("found", None)),))):
        found = await find(stands=stands, dry_run=True)
        assert isinstance(found, Submitted)
        assert found.notes == ("Nothing to take back: no promotion of yours stands.",)
        assert (found.dry_run, found.batch_id, found.next_calls) == (True, None, ())


async def test_after_a_rollback_it_changes_nothing_and_names_both_calls() -> None:
    """A call that was sent twice must not take back a second batch (R11)."""
    live = was_live("home/hero", ("1", "one"), ("2", "two"), ("1", "back"))
    batches = (batch("one"), batch("two"), batch("back", "rollback"))
    found = await find(*batches, stands=standing(live=(live,)))
    assert calls_of(found) == [{"batchId": "back"}, {"batchId": "one"}]
    forced = await find(*batches, stands=standing(live=(live,)), force=True)
    assert calls_of(forced) == [{"batchId": "back"}, {"batchId": "one", "force": True}]


async def test_after_a_rollback_of_the_first_promotion_there_is_one_way_only() -> None:
    """Nothing is left to go further back to."""
    live = was_live("home/hero", ("1", "one"), (None, "back"))
    found = await find(batch("one"), batch("back", "rollback"), stands=standing(live=(live,)))
    assert calls_of(found) == [{"batchId": "back"}]


async def test_after_a_rollback_that_failed_in_part_its_rest_comes_first() -> None:
    """That is what was meant to be taken back."""
    menu = was_live("menu/hero", ("1", "one"))
    hero = was_live("home/hero", ("1", "one"), (None, "back"))
    back = batch("back", "rollback", failed=1, completed=1, state=BatchState.FAILED)
    found = await find(batch("one"), back, stands=standing(live=(hero, menu)))
    assert calls_of(found) == [{"batchId": "one"}, {"batchId": "back"}]


async def test_while_that_rollback_is_under_way_the_call_is_the_same_one_sent_again() -> None:
    """It is answered with that batch, as a duplicate."""
    live = was_live("home/hero", ("1", "one"), (None, "back"))
    back = batch("back", "rollback", state=BatchState.PROCESSING, ended_at=None)
    found = await find(batch("one"), back, stands=standing(live=(live,)))
    assert isinstance(found, Submitted)
    assert (found.batch_id, found.duplicate, found.ended_as) == ("back", True, None)


async def test_of_named_sections_the_last_change_is_undone_whoever_made_it() -> None:
    """No batch is looked for (R14)."""
    live = was_live("home/hero", ("1", "one"))
    assert await find(batch("one"), stands=standing(live=(live,)), selection=NAMED) is None


@pytest.mark.parametrize("kind", ["promote", "rollback"])
async def test_a_batch_that_is_named_is_taken_back_standing_or_not(kind: str) -> None:
    """A selector beside it narrows it, and chooses no other (R12)."""
    named = batch("one", kind)
    for selection in (BULK, HOME, NAMED):
        found = await find(named, stands=standing(), selection=selection, batch_id="one")
        assert found == named


async def test_a_batch_that_is_not_the_callers_is_not_there() -> None:
    """Nobody learns another's ids (R1)."""
    theirs = batch("theirs", origin=Origin(owner="bob", interface="test"))
    for id in ("theirs", "nobodys"):
        with pytest.raises(NotFound):
            await find(theirs, stands=standing(), batch_id=id)


async def test_a_batch_that_drafted_is_refused_with_the_batches_that_carried_its_text() -> None:
    """The caller's own ones, latest first (R16)."""
    theirs = batch("theirs", origin=Origin(owner="bob", interface="test"))
    batches = (batch("drafted", "generate"), batch("one"), batch("two"), theirs)
    hero = was_live("home/hero", ("good", "one"), ("x", None), ("good", "two"), ("good", "theirs"))
    drafted = {"drafted": [text("home/hero", "good", batch_id="drafted")]}
    with pytest.raises(InvalidPayload) as caught:
        await find(*batches, stands=standing(live=(hero,)), drafted=drafted, batch_id="drafted")
    assert str(caught.value) == (
        "batchId: drafted wrote drafts and changed nothing that is live. Its text went live with: "
        'rollback {"batchId": "two"}, rollback {"batchId": "one"}'
    )


async def test_a_batch_whose_drafts_never_went_live_has_nothing_to_take_back() -> None:
    """And says so (R16)."""
    with pytest.raises(InvalidPayload, match="None of its text went live"):
        await find(batch("drafted", "generate"), stands=standing(), batch_id="drafted")


@pytest.mark.parametrize(
    ("selection", "dry_run", "said"),
    [
        (BULK, False, "Batch one was still running: it is cancelled."),
        (BULK, True, "Batch one is still running: it would be cancelled."),
        (HOME, False, "Batch one was still running: it is cancelled, its other sections included."),
        (NAMED, True, "Batch one is still running: it would be cancelled, its other sections in"),
    ],
)
def test_who_takes_back_part_of_what_runs_learns_that_all_of_it_is_cancelled(
    selection: Selection, dry_run: bool, said: str
) -> None:
    """Half a batch cannot go on (R13)."""
    assert note_on_cancelling(batch("one"), selection, dry_run=dry_run).startswith(said)
