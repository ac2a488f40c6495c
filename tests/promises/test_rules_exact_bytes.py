"""P9: a rollback puts back exact bytes, in whatever steps the page was written.

Which changes of a batch land before an export of their page begins is a matter of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from tests.harness import content, desk, small_site
from tests.promises.moves import QUICK, Hand, edit_file, held, live, publish, redraft

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Way:
    """In which order the sections of a batch change, and whether each is exported by itself."""

    last_first: bool
    apart: bool

    def __str__(self) -> str:
        order = "last-first" if self.last_first else "in-order"
        return f"{order}-{'apart' if self.apart else 'together'}"

    async def work(self, hand: Hand, verb: str) -> None:
        """Do the jobs of the batch that is queued, and what is queued by them."""
        attempts = [each async for each in hand.claims(f"content-{verb}")]
        for attempt in reversed(attempts) if self.last_first else attempts:
            await hand.run(attempt)
            if self.apart:
                await hand.work(1, "content-export")
        await hand.finish()


WAYS = [Way(last_first, apart) for last_first, apart in product((False, True), repeat=2)]
WORST = Way(last_first=True, apart=True)
BEST = Way(last_first=False, apart=False)
STEP_BY_STEP = Way(last_first=False, apart=True)
both_ways = pytest.mark.parametrize(("there", "back"), list(product(WAYS, repeat=2)), ids=str)
few_ways = pytest.mark.parametrize(
    ("there", "back"),
    [(BEST, WORST), (BEST, STEP_BY_STEP), (STEP_BY_STEP, BEST), (WORST, STEP_BY_STEP)],
    ids=str,
)


@both_ways
async def test_a_batch_and_its_rollbacks_give_back_the_bytes_before_them(
    tmp_path: Path, there: Way, back: Way
) -> None:
    """To and fro: each rollback by the id of the one before."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two", menu_s2="two")
    before = content(root)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await there.work(hand, "promote")
        after = content(root)
        assert live(root) == {"menu/s1": "two", "menu/s2": "two"}
        for expected, way in ((before, back), (after, there), (before, back), (after, there)):
            batch = (await chat.call("rollback", batchId=batch))["batchId"]
            await way.work(hand, "rollback")
            assert content(root) == expected


@few_ways
async def test_a_page_that_was_unpublished_comes_back_as_it_was(
    tmp_path: Path, there: Way, back: Way
) -> None:
    """Its file with it, and what a person had written into its front matter."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
    edit_file(root, "menu", "title:", "weight:   3\ntitle:", count=1)
    before = content(root)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("unpublish", page="menu"))["batchId"]
        await there.work(hand, "unpublish")
        assert content(root) == {}
        for expected, way in ((before, back), ({}, there), (before, back)):
            batch = (await chat.call("rollback", batchId=batch))["batchId"]
            await way.work(hand, "rollback")
            assert content(root) == expected


@few_ways
async def test_what_a_person_wrote_after_a_batch_stays_when_that_is_taken_back(
    tmp_path: Path, there: Way, back: Way
) -> None:
    """And all else is as it was before the batch, byte for byte."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two", menu_s2="two")
    (before,) = content(root).values()
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await there.work(hand, "promote")
        edit_file(root, "menu", "title:", "weight:   3\ntitle:", count=1)
        await chat.call("rollback", batchId=batch)
        await back.work(hand, "rollback")
        assert content(root) == {"menu.md": before.replace(b"title:", b"weight:   3\ntitle:", 1)}


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_each_way_of_going_back_gives_the_bytes_before(tmp_path: Path, way: Way) -> None:
    """The last promotion, that of a page, and the last change to each of its sections."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
    before = content(root)
    for arguments in ({}, {"page": "menu"}, {"sections": ["menu/s1", "menu/s2"]}):
        async with desk(root) as chat:
            await redraft(chat, menu_s1="two", menu_s2="two")
        async with held(root) as hand, desk(root) as chat:
            await chat.call("promote")
            await way.work(hand, "promote")
            await chat.call("rollback", **arguments)
            await way.work(hand, "rollback")
        assert content(root) == before


async def test_a_batch_is_taken_back_after_a_later_one_was(tmp_path: Path) -> None:
    """The page was what that batch had made of it twice; what counts is before the first time."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        before = content(root)
        first = await publish(chat, menu_s1="two", menu_s2="two")
        between = content(root)
        for says in ("one", "two", "three", "four", "five", "six", "seven"):
            await publish(chat, menu_s1=f"later {says}", menu_s3=says)
            await chat.run("rollback")
            assert content(root) == between
        await chat.run("rollback", batchId=first)
        assert content(root) == before


@pytest.mark.parametrize("verbs", [("promote",), ("promote", "rollback", "rollback")], ids=len)
async def test_a_page_that_was_written_for_each_of_many_sections_is_as_it_was(
    tmp_path: Path, verbs: Sequence[str]
) -> None:
    """More often than a rollback looks at single writes."""
    root = small_site(tmp_path, {"menu": 12}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s7="one")
        await redraft(chat, **{f"menu_s{n}": "two" for n in range(1, 13)})
    before = content(root)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        for verb in verbs:
            await WORST.work(hand, verb)
            batch = (await chat.call("rollback", batchId=batch))["batchId"]
        await WORST.work(hand, "rollback")
        assert content(root) == before


async def test_a_half_done_batch_gives_back_the_bytes_before_it(tmp_path: Path) -> None:
    """R13: the other half is cancelled."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two", menu_s2="two", menu_s3="two")
    before = content(root)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        attempts = [each async for each in hand.claims("content-promote")]
        for attempt in attempts[1::-1]:
            await hand.run(attempt)
            await hand.work(1, "content-export")
        await chat.call("rollback", batchId=batch)
        await hand.run(attempts[2])
        await WORST.work(hand, "rollback")
        assert content(root) == before
