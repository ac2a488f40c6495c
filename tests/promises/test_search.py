"""What somebody finds: by a word, by what it means, and never what is no longer there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mcp_server.meaning.making import effects_of
from tests.harness import Desk, desk, read_site, small_site, write_settings, write_site
from tests.promises.moves import apply, held, parts_of
from tests.waiting import until
from tests.wire import over_stdio

pytestmark = pytest.mark.anyio

LISTED = {"composer_delay_s": 0, "embedder": "words"}


async def taken_in(root: Path) -> None:
    """Take in all texts, as a worker does when they have settled."""
    async with parts_of(root) as parts:
        texts = await parts.meaning.unembedded(limit=100)
        await apply(root, *await effects_of(texts, None))


async def known(root: Path) -> bool:
    """Whether search knows every text."""
    async with parts_of(root) as parts:
        return not await parts.meaning.unembedded(limit=1)


async def found(chat: Desk, query: str, **more: Any) -> Sequence[tuple[str, str | None]]:
    """Return what a search finds: each with its state."""
    rows = (await chat.call("search", query=query, limit=50, **more))["found"]
    return [(row["id"], row.get("state")) for row in rows]


async def written(chat: Desk, section: str, text: str) -> None:
    """Write a draft by hand, and wait until search knows it."""
    await chat.call("edit", section=section, text=text)
    await taken_in(chat.root)


async def test_a_draft_is_found_by_its_meaning_and_by_a_word(tmp_path: Path) -> None:
    """Over stdio, with the worker's own process that embeds; in another language, too."""
    root = small_site(tmp_path / "site", {"menu": 2, "visit": 1}, embedder="local")
    async with over_stdio(root) as chat:
        await chat.run("generate", sections=["menu/s1", "menu/s2", "visit/s1"])
        eggs = "## Breakfast\n\nFried eggs and toast until eleven."
        await chat.call("edit", section="menu/s1", text=eggs)
        cars = "## Parking\n\nLeave your car behind the church for free."
        await chat.call("edit", section="visit/s1", text=cars)
        await until(partial(known, root))
        by_word = await chat.call("search", query="church", type="section")
        assert by_word["found"][0]["id"] == "visit/s1"
        assert by_word["found"][0]["why"] in {"same words", "both"}
        assert "behind the church" in by_word["found"][0]["snippet"]
        for query in ("where do I put my vehicle", "Wo kann ich das Auto abstellen?"):
            answer = await chat.call("search", query=query, type="section")
            assert answer["found"][0]["id"] == "visit/s1", query
            assert answer["found"][0]["state"] == "draft"
            assert answer["marks"] and answer["next"] == 'review {"section": "visit/s1"}'


async def test_what_is_found_is_what_stands_there_by_now(tmp_path: Path) -> None:
    """Edited, promoted, rolled back, unpublished: a text that went is found no more."""
    root = small_site(tmp_path, {"menu": 1}, **LISTED)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await written(chat, "menu/s1", "## Menu\n\nRhubarb tart.")
        assert await found(chat, "rhubarb") == [("menu/s1", "draft")]
        await chat.run("promote")
        await taken_in(root)
        assert await found(chat, "rhubarb") == [("menu/s1", "live")]

        await written(chat, "menu/s1", "## Menu\n\nQuince tart.")
        assert await found(chat, "quince") == [("menu/s1", "draft")]
        assert await found(chat, "rhubarb") == [("menu/s1", "live")]
        assert await found(chat, "tart", state="draft") == [("menu/s1", "draft")]
        assert await found(chat, "tart") == [("menu/s1", "live")], "the same section once"
        await chat.run("promote")
        await taken_in(root)
        assert await found(chat, "rhubarb") == []

        await chat.run("rollback")
        await taken_in(root)
        assert await found(chat, "rhubarb", state="live") == [("menu/s1", "live")]
        assert await found(chat, "quince") == [("menu/s1", "withdrawn")]
        await chat.run("unpublish", page="menu")
        await taken_in(root)
        assert await found(chat, "rhubarb", state="live") == []


async def test_a_text_that_is_not_taken_in_yet_is_not_found_as_it_was(tmp_path: Path) -> None:
    """And the answer says that there is more to come."""
    root = small_site(tmp_path, {"menu": 1}, **LISTED)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await written(chat, "menu/s1", "## Menu\n\nRhubarb tart.")
    async with held(root), desk(root) as chat:
        await chat.call("edit", section="menu/s1", text="## Menu\n\nQuince tart.")
        answer = await chat.call("search", query="rhubarb")
        assert answer["found"] == []
        assert any(note.startswith("Partly: 1 text is ") for note in answer["notes"])


async def test_what_somebody_has_just_saved_in_a_file_counts(tmp_path: Path) -> None:
    """P1: the file is what is live; a row with words that it no longer has is not shown."""
    root = small_site(tmp_path, {"menu": 1}, **LISTED)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await written(chat, "menu/s1", "## Menu\n\nRhubarb tart, warm.")
        await chat.run("promote")
        await taken_in(root)
        file = root / "content" / "menu.md"
        file.write_text(file.read_text().replace("Rhubarb tart", "Quince tart"))
        assert await found(chat, "rhubarb") == []
        [row] = (await chat.call("search", query="warm"))["found"]
        assert "Quince tart" in row["snippet"] and row["file"] == "content/menu.md"


async def test_a_fact_stands_behind_the_text_that_says_it(tmp_path: Path) -> None:
    """It is shorter, and so has a larger share of any question."""
    root = small_site(tmp_path, {"menu": 1}, **LISTED)
    site = read_site(root)
    site["facts"] |= {"soup": "Pumpkin soup"}
    write_site(root, site)
    async with desk(root) as chat:
        await written(chat, "menu/s1", "## Menu\n\nPumpkin soup with our bread.")
        assert await found(chat, "pumpkin soup") == [("menu/s1", "draft"), ("facts.soup", None)]


async def test_a_fact_that_is_only_near_is_found_where_facts_are_asked_for(tmp_path: Path) -> None:
    """Else a list of few texts would go on with all that there is in site.yaml."""
    root = small_site(tmp_path, {"menu": 1}, composer_delay_s=0, embedder="local")
    site = read_site(root)
    site["facts"] |= {"soup": "Pumpkin", "courtyard": "Chairs outside, sunny"}
    write_site(root, site)

    async def facts(chat: Desk, **more: Any) -> dict[str, str]:
        rows = (await chat.call("search", query="vegetables in autumn", limit=50, **more))["found"]
        return {row["id"]: row["why"] for row in rows if row["type"] == "fact"}

    async with desk(root) as chat:
        asked = await facts(chat, type="fact")
        assert asked["facts.soup"] == "same meaning"
        assert asked["facts.courtyard"] == "near in meaning"
        assert await facts(chat) == {"facts.soup": "same meaning"}


async def test_pages_facts_and_static_sections_are_found(tmp_path: Path) -> None:
    """They stand in site.yaml, and are in no draft."""
    root = small_site(tmp_path, {"menu": 1, "visit": 1}, **LISTED)
    site = read_site(root)
    site["facts"] |= {"phone": "01632 960142", "hours": {"monday": "closed"}}
    site["pages"][0]["description"] = "Everything from our ovens."
    site["pages"][1]["sections"].append({"id": "legal", "text": "Imprint of Ada Lovelace."})
    write_site(root, site)
    async with desk(root) as chat:
        assert await found(chat, "960142") == [("facts.phone", None)]
        assert await found(chat, "monday") == [("facts.hours.monday", None)]
        assert await found(chat, "ovens") == [("menu", None)]
        assert await found(chat, "imprint") == [("visit/legal", "live")]
        assert await found(chat, "imprint", type=["page", "fact"]) == []
        assert await found(chat, "monday", state="live") == []


async def test_chinese_and_japanese_are_found_by_words_without_blanks(tmp_path: Path) -> None:
    """Of two letters, and of one."""
    root = small_site(tmp_path, {"menu": 2}, **LISTED)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.call("edit", section="menu/s1", text="## 飲み物\n\n温かい緑茶と抹茶があります。")
        await written(chat, "menu/s2", "## 营业时间\n\n我们星期天休息。")
        assert await found(chat, "緑茶") == [("menu/s1", "draft")]
        assert await found(chat, "茶") == [("menu/s1", "draft")]
        assert await found(chat, "星期天 opening") == [("menu/s2", "draft")]


async def test_only_pages_in_a_language_are_searched_if_it_is_named(tmp_path: Path) -> None:
    """A language that no page has is refused, and those there are named."""
    root = small_site(tmp_path, {"menu": 1, "karte": 1}, **LISTED)
    site = read_site(root)
    site["pages"][1]["language"] = "de-AT"
    write_site(root, site)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.call("edit", section="menu/s1", text="## Menu\n\nMarmalade.")
        await written(chat, "karte/s1", "## Karte\n\nMarmalade.")
        assert {id for id, _ in await found(chat, "marmalade")} == {"menu/s1", "karte/s1"}
        assert await found(chat, "marmalade", language="de") == [("karte/s1", "draft")]
        refused = await chat.refused("search", query="marmalade", language="fr")
        assert "no language 'fr'" in refused and "(there are: de-AT, en)" in refused


async def test_a_misspelled_word_is_taken_for_the_nearest(tmp_path: Path) -> None:
    """And the answer says so, between the marks: the word comes from the site."""
    root = small_site(tmp_path, {"menu": 1}, **LISTED)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await written(chat, "menu/s1", "## Menu\n\nRhubarb tart.")
        answer = await chat.call("search", query="rhubrab")
        assert [row["id"] for row in answer["found"]] == ["menu/s1"]
        assert any(
            "as it is spelled here" in note and "rhubarb" in note for note in answer["notes"]
        )


async def test_a_cursor_goes_on_until_everything_was_shown(tmp_path: Path) -> None:
    """Each section once, whatever has room in an answer."""
    root = small_site(tmp_path, {"menu": 30}, **LISTED)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await taken_in(root)
        seen: list[str] = []
        cursor = 0
        while cursor is not None:
            answer = await chat.call("search", query="note of menu", type="section", cursor=cursor)
            seen += [row["id"] for row in answer["found"]]
            cursor = answer.get("nextCursor")
        assert sorted(seen) == sorted(f"menu/s{n}" for n in range(1, 31))


REFUSED: Sequence[tuple[dict[str, Any], str]] = (
    ({}, "query is missing"),
    ({"query": ""}, "query is missing"),
    ({"query": " \t "}, "query has no words"),
    ({"query": "?!"}, "query has no words"),
    ({"query": "x" * 5_000_000}, "query must be text of at most 1,000 characters"),
    ({"query": "a", "type": "sektion"}, "no type 'sektion'; did you mean section?"),
    ({"query": "a", "state": "published"}, "must be one of live, draft, withdrawn"),
)


async def test_what_cannot_be_searched_for_is_refused_with_a_reason(tmp_path: Path) -> None:
    """Nobody has to guess what was wrong."""
    async with desk(small_site(tmp_path, {"menu": 1}, **LISTED)) as chat:
        for arguments, says in REFUSED:
            assert says in await chat.refused("search", **arguments)


ODD = (
    "\x00\x01\x7f PNG \ufffd\ufffd",
    '"menu" OR (NOT *',
    "headings : menu",
    "menü 茶 Öl 🎉",
    "𝕸𝖊𝖓𝖚",
)


async def test_any_other_text_is_looked_for_as_it_is(tmp_path: Path) -> None:
    """Whatever it holds: signs of the index of words, bytes of a picture, several languages."""
    async with desk(small_site(tmp_path, {"menu": 1}, **LISTED)) as chat:
        await chat.run("generate-all")
        await taken_in(chat.root)
        for query in ODD:
            assert (await chat.call("search", query=query))["message"]


async def test_without_the_model_it_says_how_to_get_it(tmp_path: Path) -> None:
    """By words it is found all the same; that nothing is kept up to date is said, too."""
    root = small_site(tmp_path, {"menu": 1}, **LISTED)
    async with desk(root) as chat:
        notes = (await chat.call("search", query="notes"))["notes"]
        assert any(note.startswith("By words only") for note in notes)
    write_settings(root, embedder="off")
    async with desk(root) as chat:
        notes = (await chat.call("search", query="notes"))["notes"]
        assert any("out of date" in note for note in notes)
