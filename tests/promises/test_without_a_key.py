"""A whole site without a key: the chat writes it, from what a drafter is given."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Desk, desk, read_site, small_site, starter, write_site
from tests.promises.moves import QUICK
from tests.wire import over_stdio

pytestmark = pytest.mark.anyio

MARKED = re.compile(r"<(text-\w+)>\n(.*)\n</\1>", re.DOTALL)


def material(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what stands between the marks of a brief."""
    found = MARKED.fullmatch(answer["brief"])
    assert found is not None and found[1] in answer["marks"]
    return json.loads(found[2])


def written(fields: Sequence[dict[str, Any]], words: Sequence[str], place: str) -> dict[str, Any]:
    """Return fields that say words of the brief, as a chat without ideas would fill them in."""
    return {
        each["name"]: value(each, words, f"{place}{each['name']}")
        for each in fields
        if not each.get("optional")
    }


def value(field: dict[str, Any], words: Sequence[str], place: str) -> Any:
    """Return what one field says; `place` makes it another than that of the next."""
    says = f"{words[len(place) % len(words)]} {words[sum(map(ord, place)) % len(words)]}"
    match field["type"]:
        case "list":
            places = [f"{place}{n}" for n in range(max(1, field.get("itemsMin", 1)))]
            if "of" in field:
                return [written(field["of"], words, each) for each in places]
            return [value({**field, "type": "line"}, words, each) for each in places]
        case "choice":
            return field["choices"][0]
        case "url":
            return "/menu"
        case "integer" | "number":
            return 1
        case _:
            return says[: field["lengthMax"]].strip()


async def missing(chat: Desk) -> list[str]:
    """Return the sections without a text, page by page of the answer."""
    found: list[str] = []
    cursor: int | None = 0
    while cursor is not None:
        answer = await chat.call("review", state=["missing"], cursor=cursor)
        found += [row["section"] for row in answer["sections"]]
        cursor = answer.get("nextCursor")
    return found


async def test_a_chat_writes_the_whole_site_without_a_key(tmp_path: Path) -> None:
    """As its prompt says: what is missing, brief, edit, promote; no drafting model is asked."""
    root = starter(tmp_path / "site", **QUICK)
    async with over_stdio(root, client_name="a-chat") as chat:
        [prompt] = (await chat.client.list_prompts()).prompts
        said = str(await chat.client.get_prompt(prompt.name))
        assert all(f"{tool} " in said for tool in ("review", "edit", "promote"))
        sections = await missing(chat)
        assert len(sections) > 15
        for section in sections:
            answer = await chat.call("review", section=section, brief=True)
            brief = material(answer)
            assert answer["next"].startswith("edit ")
            words = re.findall(r"[a-z]{4,}", str([brief["site"], brief.get("page")]))
            fields = written(brief["fields"], words, "")
            await chat.call("edit", section=section, fields=fields)
        assert await missing(chat) == []
        promoted = await chat.run("promote")
        assert promoted["queuedSections"] == len(sections)
        assert promoted["operation"]["progress"] == f"{len(sections)}/{len(sections)}"
        assert set((await chat.states()).values()) <= {"live", "static"}
        [row] = (await chat.call("review", section=sections[0]))["sections"]
        assert row["author"] == "chat (a-chat)"


async def test_a_brief_is_what_a_drafter_is_given(tmp_path: Path) -> None:
    """Facts, place, fields with their bounds, and the present text with its hash."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        brief = material(await chat.call("review", section="menu/s1", brief=True))
        assert brief["facts"] == {"name": "Ada's notes"}
        assert brief["sectionFacts"] == {"title": "Menu 1"}
        assert (brief["brief"], brief["prompt"]) == ("note 1 of menu", "Write a short note.")
        assert brief["fields"] == [
            {"name": "text", "type": "text", "lengthMax": 4000},
            {"name": "title", "type": "line", "lengthMax": 200},
        ]
        assert "current" not in brief
        edited = await chat.call("edit", section="menu/s1", fields={"title": "A", "text": "Words."})
        again = await chat.call("review", section="menu/s1", brief=True)
        assert material(again)["current"] == {"fields": {"text": "Words.", "title": "A"}}
        assert edited["sections"][0]["contentHash"] in again["next"]


async def test_a_brief_is_of_one_section_that_is_written(tmp_path: Path) -> None:
    """Others are refused with what helps; a brief that is too long is cut."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    site = read_site(root)
    site["pages"][0]["sections"][1] |= {"locked": True}
    site["facts"] = {"long": ["words and words " * 50] * 60}
    write_site(root, site)
    async with desk(root) as chat:
        assert "name it" in await chat.refused("review", page="menu", brief=True)
        assert "locked" in await chat.refused("review", section="menu/s2", brief=True)
        answer = await chat.call("review", section="menu/s1", brief=True)
        assert len(json.dumps(answer)) < 20_000
        assert material(answer)["facts"].endswith("…")
