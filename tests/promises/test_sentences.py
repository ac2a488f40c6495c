"""What people say is served: the right call for each sentence does what was said.

Each call that is played here is right by the key in `sentences.py`, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from tests.billing import MODEL, provider, usd
from tests.harness import Desk, ManualClock, desk, read_site, small_site, trusted, write_site
from tests.promises.moves import QUICK, live, publish, says, settings
from tests.promises.sentences import HANDS

pytestmark = pytest.mark.anyio

MONDAY = 1_795_435_200.0
"""23 Nov 2026, 12:00 UTC."""
DAY_S = 86_400.0
NEW = "We have baked in this courtyard since 1998."


@dataclass
class Said:
    """A conversation: each sentence is said with its number, and answered by a call."""

    chat: Desk
    played: set[int]

    async def __call__(self, number: int, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call the tool, to the end of what it queues; the key must take the call for right."""
        sentence = next(each for each in HANDS if each.number == number)
        as_in_key = {**arguments, "batchId": "b_7"} if "batchId" in arguments else arguments
        assert sentence.is_served_by([(tool, as_in_key)]), sentence.said
        self.played.add(number)
        waits = tool not in {"review", "edit", "status"} and not arguments.get("dryRun")
        more = {"waitSeconds": 45} if waits else {}
        return await self.chat.call(tool, **arguments, **more)


def cafe(root: Path, **more: object) -> Path:
    """Make the site of a café, of which nothing is written yet."""
    small_site(root, {"home": 1, "menu": 2, "about": 2, "course": 2}, **{**QUICK, **more})
    names = {"home": ["hero"], "menu": ["lunch", "prices"], "about": ["story", "team"]}
    names["course"] = ["intro", "fee"]
    briefs = {"about/story": "bread from our courtyard", "course/fee": "it costs 75 euros"}
    site = read_site(root)
    for page in site["pages"]:
        for section, name in zip(page["sections"], names[page["id"]], strict=True):
            section["id"] = name
            section["brief"] = briefs.get(f"{page['id']}/{name}", section["brief"])
    write_site(root, site)
    return root


async def test_what_people_say_of_their_site_is_done(tmp_path: Path) -> None:
    """A week of an editor, without a model."""
    clock = ManualClock(MONDAY)
    async with desk(cafe(tmp_path), clock=clock) as chat:
        said = Said(chat, set())
        await chat.run("generate-all")
        await chat.run("promote")

        site = await said(15, "review")
        assert [row["title"] for row in site["pages"]] == ["Home", "Menu", "About", "Course"]
        about = await said(16, "review", page="about")
        assert [row["section"] for row in about["sections"]] == ["about/story", "about/team"]
        assert "bread from our courtyard" in about["sections"][0]["draft"]
        found = await said(40, "review", contains="courtyard")
        assert [row["section"] for row in found["sections"]] == ["about/story"]

        clock.advance(2 * DAY_S)
        await said(18, "edit", section="about/story", text=NEW)
        history = await said(23, "review", section="about/story", history=True)
        assert history["sections"][0]["author"].startswith("chat")
        await said(22, "edit", section="about/story", discard=True)
        states = await chat.states(page="about")
        assert states == {"about/story": "live", "about/team": "live"}

        change = [{"old": "75", "new": "80"}]
        await said(20, "edit", section="course/fee", replace=change)
        await chat.call("edit", section="menu/lunch", text="Soup of the day.")
        plan = await said(25, "review", plan="promote")
        assert [row["section"] for row in plan["planned"]] == ["menu/lunch"]
        (held,) = plan["skipped"]  # the site's facts do not say 80: it is promoted by its name
        assert held["section"] == "course/fee" and "80" in held["reason"]
        assert live(chat.root)["course/fee"] == "it costs 75 euros"
        await chat.run("promote", digest=plan["digest"])
        await chat.run("promote", section="course/fee")
        assert live(chat.root)["course/fee"] == "it costs 80 euros"

        await publish(chat, about_story="a story of cakes")
        clock.advance(5 * DAY_S)
        await said(28, "rollback", page="about", asOf="2026-11-23")
        assert live(chat.root)["about/story"] == "bread from our courtyard"
        await said(27, "unpublish", section="about/team")
        assert "about/team" not in live(chat.root)
        await said(35, "unpublish", page="course")
        assert not (chat.root / "content" / "course.md").exists()
        changed = await said(24, "status", since="2026-11-23")
        assert "rollback" in str(changed) and "unpublish" in str(changed)

        await chat.call("edit", section="menu/lunch", text="[See](/nowhere)")
        links = await said(43, "review", findings=True)
        (row,) = links["sections"]
        assert row["section"] == "menu/lunch" and "/nowhere" in str(row["findings"])
        assert said.played == {each.number for each in HANDS} - {19, 29, 30}


async def test_another_language_that_was_asked_for_is_not_held_back(
    tmp_path: Path, llmock: LLMock
) -> None:
    """Nor is a bulk promote of it."""
    async with desk(cafe(tmp_path, **settings(llmock.base_url("openai")))) as chat:
        said = Said(chat, set())
        says(llmock, "Unser Brot kommt aus dem Hof, und wir backen es jeden Morgen.", times=2)
        await said(19, "generate", page="about", instructions="Translate it to German.")
        promoted = await chat.run("promote")
        assert promoted["totalSections"] == 2, promoted
        assert "Unser Brot" in (chat.root / "content" / "about.md").read_text("utf-8")


async def test_what_it_will_cost_is_estimated_and_what_it_did_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of a provider has a price."""
    with provider() as paid:
        for name, value in paid.environ.items():
            monkeypatch.setenv(name, value)
        async with desk(trusted(cafe(tmp_path, model=MODEL))) as chat:
            said = Said(chat, set())
            before = await said(29, "generate-all", mode="new", dryRun=True)
            assert "$" in before["message"] and paid.bills == []
            batch = (await chat.run("generate-all"))["batchId"]
            after = await said(30, "status", batchId=batch)
            assert after["cost"]["spentUsd"] == pytest.approx(usd(paid.cost), abs=0.01)
