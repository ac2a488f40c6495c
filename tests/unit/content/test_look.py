"""What a look finds in a page's file, and what a write makes of it (P1, P4 to P7, P9, P11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mcp_server.content.pages.declared import differing
from mcp_server.content.pages.layout import Blocked, Layout, Part
from mcp_server.content.pages.look import Found, Looked, look
from mcp_server.content.pages.write import Writing, plan_write, to_write
from mcp_server.entities.entity import text_hash
from mcp_server.entities.page_files import Intent, KnownFile, Stat, bytes_hash

STAT = Stat(size=1, modified_ns=1, changed_ns=1, inode=1)
TWO = Layout(page="menu", file="menu.md", parts=(Part(section="hero"), Part(section="body")))
ONE = Layout(page="menu", file="menu.md", parts=(Part(section="body"),))
FILE = b"Lead.\n\n<!-- section: hero -->\nHello\n\n<!-- section: body -->\nWorld, all of it.\n"


def hashes(**texts: str | None) -> dict[str, str | None]:
    return {section: None if text is None else text_hash(text) for section, text in texts.items()}


def seen(data: bytes, layout: Layout = TWO) -> KnownFile:
    """Return what is remembered after a first look at a file."""
    return replace(look(layout, None, Found(stat=STAT, data=data), {}).known, version=1)


def again(
    data: bytes | None,
    known: KnownFile,
    live: Mapping[str, str | None],
    layout: Layout = TWO,
    kept: tuple[bytes, ...] = (FILE,),
) -> Looked:
    return look(layout, known, Found(stat=STAT, data=data), live, kept=kept)


LIVE = hashes(hero="Hello", body="World, all of it.")


def written(looked: Looked, changes: Mapping[str, str | None], earlier: bytes | None) -> Writing:
    writing = plan_write(looked, changes, earlier=earlier)
    assert isinstance(writing, Writing)
    return writing


def test_first_texts_of_a_file_are_ground() -> None:
    """Nothing came before them, and nobody edited anything."""
    looked = look(TWO, None, Found(stat=STAT, data=FILE), {})
    assert {s: span.text for s, span in looked.ground.items()} == {
        "hero": "Hello",
        "body": "World, all of it.",
    }
    assert not looked.taken
    assert looked.moved
    assert looked.known.in_file == LIVE


def test_an_empty_body_is_live_where_a_file_is_first_met() -> None:
    """A page of front matter only has a live text, which is empty."""
    looked = look(ONE, None, Found(stat=STAT, data=b"---\ntitle: x\n---\n"), {})
    assert looked.ground["body"].text == ""


def test_a_text_that_is_live_already_is_only_recorded_at_the_first_look() -> None:
    """And another is taken over: the file is right."""
    live = hashes(hero="Hello", body="Other")
    looked = look(TWO, None, Found(stat=STAT, data=FILE), live)
    assert not looked.ground
    assert [*looked.taken] == ["body"]


def test_a_file_that_nobody_changed_has_nothing_to_store_but_a_stat() -> None:
    """Another inode alone moves nothing."""
    known = seen(FILE)
    looked = look(TWO, known, Found(stat=replace(STAT, inode=2), data=FILE), LIVE)
    assert not looked.moved
    assert looked.known.stat == replace(STAT, inode=2)


def test_an_edited_span_is_taken_over_and_no_other() -> None:
    """P1: the hash of its text is neither the one last seen nor one that we meant to write."""
    looked = again(FILE.replace(b"Hello", b"Hi"), seen(FILE), LIVE)
    assert {s: span.text for s, span in looked.taken.items()} == {"hero": "Hi"}


def test_a_live_text_that_the_file_lacks_is_written_and_never_an_edit() -> None:
    """P1: an export is due, or failed."""
    live = {**LIVE, **hashes(hero="New")}
    looked = again(FILE, seen(FILE), live)
    assert not looked.taken
    assert to_write(looked, {"hero": "New", "body": "World, all of it."}) == {"hero": "New"}


def test_an_edit_wins_over_a_promoted_text_that_was_not_written_yet() -> None:
    """P1: if both moved, the file wins, and nothing is written over it."""
    looked = again(FILE.replace(b"Hello", b"Hi"), seen(FILE), {**LIVE, **hashes(hero="New")})
    assert [*looked.taken] == ["hero"]
    assert to_write(looked, {"hero": "New", "body": "World, all of it."}) == {}


def test_an_intention_is_settled_by_the_bytes_that_are_there() -> None:
    """P1: written, not written, or somebody wrote something else meanwhile."""
    live = {**LIVE, **hashes(hero="New")}
    writing = written(again(FILE, seen(FILE), live), {"hero": "New"}, None)
    known = replace(writing.known, version=2)
    assert again(writing.data, known, live).settled == "written"
    assert again(FILE, known, live).settled == "not written"
    assert writing.data is not None
    mixed = again(writing.data.replace(b"World", b"Word"), known, live)
    assert (mixed.settled, [*mixed.taken]) == (None, ["body"])
    assert mixed.known.in_file["hero"] == text_hash("New")
    assert mixed.before is not None and mixed.before.intent is not None
    assert mixed.known.intent is None


def test_a_section_that_somebody_took_out_is_gone_and_comes_back_by_name_only() -> None:
    """P5: absence removes nothing, and nothing that is away comes back in bulk."""
    cut = FILE[: FILE.index(b"<!-- section: body")]
    looked = again(cut, seen(FILE), LIVE)
    assert looked.gone == looked.known.gone == {"body"}
    live = {"hero": "Hello", "body": "World, all of it."}
    assert to_write(looked, live) == {}
    named = replace(looked, known=replace(looked.known, gone=frozenset()))
    assert to_write(named, live) == {"body": "World, all of it."}


def test_a_mark_that_is_away_while_its_text_remains_blocks_the_page() -> None:
    """Nobody can say whose text it is; the line is named."""
    looked = again(FILE.replace(b"<!-- section: body -->\n", b""), seen(FILE), LIVE)
    assert looked.blocked is not None
    assert looked.blocked.line == 6
    assert not looked.moved


def test_a_text_that_stood_elsewhere_too_does_not_block() -> None:
    """Both sections said the same; one of them went."""
    twice = FILE.replace(b"Hello", b"World, all of it.")
    live = hashes(hero="World, all of it.", body="World, all of it.")
    cut = twice[: twice.index(b"<!-- section: body")]
    assert again(cut, seen(twice), live, kept=(twice,)).gone == {"body"}


def test_an_emptied_file_is_blocked_until_its_texts_are_unpublished() -> None:
    """An editor truncates before it writes."""
    data = b"---\ntitle: x\n---\nWorld\n"
    known, live = seen(data, ONE), hashes(body="World")
    for emptied in (b"", b"\n\n", b"---\ntitle: x\n---\n\n"):
        looked = again(emptied, known, live, ONE)
        assert looked.blocked is not None
        assert "empty" in looked.blocked.reason
        assert again(emptied, known, hashes(body=None), ONE).blocked is None


def test_a_missing_file_removes_nothing_and_its_return_is_seen() -> None:
    """P5: an unmounted folder comes back as it was."""
    away = again(None, seen(FILE), LIVE)
    assert (away.missing, away.gone) == (True, {"hero", "body"})
    assert to_write(away, {"hero": "Hello", "body": "World, all of it."}) == {}
    back = again(FILE, replace(away.known, version=2), LIVE)
    assert (back.known.gone, back.taken, back.missing) == (frozenset(), {}, False)


def test_a_file_that_we_were_about_to_remove_is_not_missing() -> None:
    """Its removal is settled instead."""
    known = replace(seen(FILE), intent=Intent(hash=None))
    looked = again(None, known, hashes(hero=None, body=None))
    assert (looked.settled, looked.missing, looked.known.hash) == ("written", False, None)


def test_a_span_that_is_told_apart_anew_was_not_edited_and_nothing_is_written() -> None:
    """`meta` gets another key: what the file says there is live, whatever was live before."""
    data = b"---\ntitle: x\nweight: 5\n---\nWorld\n"
    before = replace(ONE, parts=(Part(section="meta", keys=("title",)), Part(section="body")))
    keys = ("title", "weight")
    after = replace(ONE, parts=(Part(section="meta", keys=keys), Part(section="body")))
    live = hashes(meta="title: x", body="World")
    looked = again(data, seen(data, before), live, after)
    assert (looked.taken, [*looked.ground]) == ({}, ["meta"])
    assert to_write(looked, {"meta": "title: x", "body": "World"}) == {}


def test_a_section_put_before_the_only_one_does_not_take_its_text() -> None:
    """A body without a mark stays whose it was."""
    known = seen(b"World\n", ONE)
    looked = again(b"World\n", known, hashes(body="World"), TWO)
    assert not looked.ground
    assert not looked.gone
    writing = written(looked, {"hero": "Hello"}, None)
    assert writing.marked
    assert writing.data is not None
    assert b"<!-- section: body -->\n\nWorld" in writing.data


def test_a_rollback_puts_back_the_very_bytes() -> None:
    """P9: where the file is what that write left, and every text is what should be live."""
    first = written(again(FILE, seen(FILE), LIVE), {"hero": "New"}, None)
    assert first.data is not None
    known = replace(first.after, version=3)
    looked = again(first.data, known, {**LIVE, **hashes(hero="Hello")})
    back = written(looked, {"hero": "Hello"}, FILE)
    assert (back.data, back.restored) == (FILE, True)
    assert not written(looked, {"hero": "Third"}, FILE).restored


def test_the_versions_of_a_write_follow_each_other() -> None:
    """`known` is stored as the next version, and `after` expects that."""
    looked = again(FILE, seen(FILE), LIVE)
    writing = written(looked, {"hero": "New"}, None)
    assert (looked.known.version, writing.known.version, writing.after.version) == (1, 1, 2)
    assert writing.replaces == bytes_hash(FILE)
    assert writing.after.intent is None
    assert looked.stored().known.version == 2


def test_only_a_file_of_ours_goes_with_its_last_text() -> None:
    """Somebody's key keeps it, with empty spans."""
    layout = replace(ONE, front={"title": "Menu"})
    start = look(layout, None, Found(), hashes(body="World"))
    made = written(start, {"body": "World"}, None)
    assert made.data is not None
    known, live = replace(made.after, version=2), hashes(body=None)
    assert written(again(made.data, known, live, layout), {"body": None}, None).data is None
    theirs = made.data.replace(b"title: Menu\n", b"title: Menu\nweight: 5\n")
    kept = written(again(theirs, known, live, layout), {"body": None}, None)
    assert kept.kept_file
    assert kept.data is not None
    assert b"weight: 5" in kept.data


def test_a_declared_key_follows_site_yaml_while_the_file_has_what_we_wrote() -> None:
    """P11: and is the file's once somebody changed it, or took it out."""
    layout = replace(ONE, front={"title": "Menu"})
    start = look(layout, None, Found(), hashes(body="World"))
    made = written(start, {"body": "World"}, None)
    assert made.data is not None
    known, live = replace(made.after, version=2), hashes(body="World")
    other = replace(layout, front={"title": "Card"})
    looked = again(made.data, known, live, other)
    assert written(looked, {}, None).declared == ("title",)
    for theirs in (made.data.replace(b"Menu", b"Mine"), made.data.replace(b"title: Menu\n", b"")):
        looked = again(theirs, known, live, other)
        assert plan_write(looked, {}, earlier=None) is None
        assert looked.page is not None
        assert differing(looked.page, looked.known.front) == ("title",)


def test_a_text_that_cannot_be_written_keeps_no_other_back() -> None:
    """It is named with its reason."""
    split = Layout(page="menu", file="menu.md", split=True, parts=(Part(section="intro"),))
    data = b"Before.\n"
    looked = again(data, seen(data, split), hashes(intro="Before."), split)
    writing = written(looked, {"intro": "After.", "hero": "No heading"}, None)
    assert (writing.data, [*writing.refused]) == (b"After.\n", ["hero"])
    assert isinstance(plan_write(looked, {"hero": "No heading"}, earlier=None), Blocked)


def test_a_page_of_static_texts_is_written_once_and_comes_back_by_name_only() -> None:
    """P11: somebody took its file away."""
    layout = replace(ONE, parts=(Part(section="body", static="Imprint."),))
    made = written(look(layout, None, Found(), {}), {}, None)
    assert made.data == b"Imprint.\n"
    assert made.declared == ("section:body",)
    away = again(None, replace(made.after, version=2), {}, layout)
    assert (away.gone, plan_write(away, {}, earlier=None)) == ({"body"}, None)
    named = replace(away, known=replace(away.known, gone=frozenset()))
    assert written(named, {}, None).data == b"Imprint.\n"


def test_an_empty_body_that_was_empty_before_blocks_nothing() -> None:
    """The page came back by its title only; its text is still gone."""
    data = b"---\ntitle: x\n---\n"
    known = replace(seen(data, ONE), in_file={}, gone=frozenset({"body"}))
    looked = again(data + b"\n", known, hashes(body="World"), ONE)
    assert (looked.blocked, looked.taken, looked.known.gone) == (None, {}, {"body"})


def test_earlier_bytes_that_hold_what_was_declared_before_are_not_put_back() -> None:
    """The text comes back, the title stays as `site.yaml` has it by now."""
    start = look(replace(ONE, front={"title": "Menu"}), None, Found(), hashes(body="One"))
    first = written(start, {"body": "One"}, None)
    assert first.data is not None
    layout = replace(ONE, front={"title": "Card"})
    looked = again(first.data, replace(first.after, version=2), hashes(body="Two"), layout)
    second = written(looked, {"body": "Two"}, None)
    assert second.data is not None
    looked = again(second.data, replace(second.after, version=4), hashes(body="One"), layout)
    back = written(looked, {"body": "One"}, first.data)
    assert not back.restored
    assert back.data == first.data.replace(b"Menu", b"Card")


def test_what_was_written_before_the_first_heading_is_known_at_the_next_look() -> None:
    """A split file had no such text, so that its layout did not name it."""
    parts = (Part(section="hero"),)
    split = Layout(page="menu", file="menu.md", split=True, parts=parts)
    data = b"## Hero\n\nHello\n"
    known, live = seen(data, split), hashes(hero="Hello", intro="Before.")
    writing = written(again(data, known, live, split), {"intro": "Before."}, None)
    wider = replace(split, parts=(Part(section="intro"), *parts))
    later = {**live, **hashes(intro="Promoted since.")}
    looked = again(writing.data, replace(writing.after, version=3), later, wider)
    assert (looked.taken, looked.ground) == ({}, {})
    assert "intro" in to_write(looked, {"intro": "Promoted since.", "hero": "Hello"})
