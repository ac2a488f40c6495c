"""What looks at page files have found, laid over what is stored, and how it is stored."""

from __future__ import annotations

from typing import Any

from mcp_server.content.actions.looks import look_effects, on_takeovers, with_sights
from mcp_server.content.actions.page_look import ask_of, layout_for
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.pages.look import Found, look
from mcp_server.content.pages.sight import Sight
from mcp_server.entities.effects import KeepPage, MarkWithdrawn, SavePageFile, SaveRevision
from mcp_server.entities.entity import split_id
from mcp_server.entities.page_files import KnownFile
from tests.unit.content.texts import SITE, draft, hash_of, note, site_of, standing, was_live

HERO, NEWS = "home/hero", "home/news"
SHOWN = {"home": "content/home.md"}
FILE = b"<!-- section: hero -->\n\nold\n\n<!-- section: news -->\n\nnews\n"
EDITED = FILE.replace(b"old", b"edited")
LIVE = was_live(HERO, ("old", "a")), was_live(NEWS, ("news", "a"))


def sight_of(content: SiteContent, data: bytes | None, **different: Any) -> Sight:
    """Return what a look at the file of `home` finds where it holds `data`."""
    layout = layout_for(content, "home")
    assert layout is not None
    ask, found = ask_of(content, layout), Found(data=data)
    looked = look(layout, ask.known, found, ask.live)
    return Sight(looked=looked, found=found, **different)


def known_file(data: bytes = FILE) -> KnownFile:
    """Return what is remembered of the file once it was looked at."""
    looked = sight_of(standing(live=LIVE), data).looked
    assert looked is not None
    return looked.stored().known


def found_in(content: SiteContent, data: bytes | None, **different: Any) -> SiteContent:
    """Return the content with what was found in the file of `home`."""
    return with_sights(content, {"home": sight_of(content, data, **different)}, SHOWN)


def test_an_edit_is_a_live_text_by_the_file_and_withdraws_the_draft_that_it_replaces() -> None:
    """P4: as old as the file; or the next promote of everything would undo it."""
    stands = standing(draft(HERO, "old"), live=LIVE, files={"home": known_file()})
    found = found_in(stands, EDITED, modified_at=5.0)
    now = found.live[HERO].current
    assert (now.markdown, now.author.kind, now.created_at) == ("edited", "file", 5.0)
    assert [each.markdown for each in found.history[HERO]] == ["old", "edited"]
    assert found.drafts[HERO].withdrawn
    assert found.live[NEWS] == stands.live[NEWS]
    assert on_takeovers(found, ["home"]) == ["content/home.md was edited: home/hero taken over."]
    saved, kept, revision, mark = look_effects(found, ["home", "home"])
    assert isinstance(saved, SavePageFile)
    assert isinstance(kept, KeepPage) and (kept.data, kept.kind) == (EDITED, "taken")
    assert isinstance(revision, SaveRevision)
    assert (revision.revision, revision.expects) == (now, hash_of(HERO, "old"))
    assert mark == MarkWithdrawn(HERO, hash_of(HERO, "old"))


def test_a_newer_draft_is_not_withdrawn_by_an_edit() -> None:
    """P4: it is a conflict by its base (R7), which somebody decides."""
    stands = standing(draft(HERO, "newer"), live=LIVE, files={"home": known_file()})
    found = found_in(stands, EDITED)
    assert not found.drafts[HERO].withdrawn
    assert not any(isinstance(each, MarkWithdrawn) for each in look_effects(found, ["home"]))


def test_a_formatters_pass_withdraws_nothing() -> None:
    """P10: the draft is what is live, in another form."""
    was = b"<!-- section: hero -->\n\n* one\n* two\n\n<!-- section: news -->\n\nnews\n"
    live = was_live(HERO, ("* one\n* two", "a")), LIVE[1]
    stands = standing(draft(HERO, "* one\n* two"), live=live)
    first = sight_of(stands, was).looked
    assert first is not None
    stands = standing(draft(HERO, "* one\n* two"), live=live, files={"home": first.stored().known})
    found = found_in(stands, was.replace(b"*", b"-"))
    assert found.live[HERO].current.markdown == "- one\n- two"
    assert not found.drafts[HERO].withdrawn


def test_first_texts_are_the_ground_and_nobody_is_said_to_have_edited_them() -> None:
    """P4: they are stored as they stand in the page's bytes, and need no copy (P9)."""
    found = found_in(standing(), FILE)
    assert {id: each.current.author.kind for id, each in found.live.items()} == {
        HERO: "adopted",
        NEWS: "adopted",
    }
    assert on_takeovers(found, ["home"]) == ()
    for id in (HERO, NEWS):
        source = found.live[id].current.source
        assert source is not None
        assert FILE[source.start : source.end].decode() == found.live[id].current.markdown
    [kept] = [each for each in look_effects(found, ["home"]) if isinstance(each, KeepPage)]
    assert kept.kind == "met"


def test_what_is_blocked_or_being_saved_is_neither_live_nor_stored() -> None:
    """P3, P6: what was live stays so, and the reason names file and line."""
    stands = standing(live=LIVE, files={"home": known_file()})
    merge = EDITED.replace(b"edited", b"<<<<<<< a\nx\n=======\ny\n>>>>>>> b")
    blocked = found_in(stands, merge)
    reason = blocked.why_blocked(HERO)
    assert reason is not None and reason.startswith("content/home.md:3: ")
    assert blocked.live[HERO] == stands.live[HERO]
    assert look_effects(blocked, ["home"]) == ()
    saving = found_in(stands, EDITED, settles_in_s=1.5)
    assert "may still be being saved" in str(saving.why_blocked(NEWS))
    assert look_effects(saving, ["home"]) == ()


def test_a_file_that_is_gone_leaves_all_live_and_says_which_it_was() -> None:
    """P5: nothing is removed, and only a call that names it writes it again."""
    stands = standing(live=LIVE, files={"home": known_file()})
    found = found_in(stands, None)
    assert found.live == stands.live
    assert found.found["home"].missing
    assert found.missing_file(HERO) == "content/home.md"
    [saved] = look_effects(found, ["home"])
    assert isinstance(saved, SavePageFile) and saved.known.gone == {"hero", "news"}


def test_nothing_is_stored_of_a_file_that_nobody_has_touched() -> None:
    """P2: a call that finds nothing new writes nothing."""
    stands = standing(live=LIVE, files={"home": known_file()})
    assert look_effects(found_in(stands, FILE), ["home"]) == ()
    assert look_effects(stands, ["home", "menu"]) == ()


def test_of_many_edited_files_some_are_named_and_the_rest_is_counted() -> None:
    """An answer has no room for two hundred of them."""
    pages = [f"p{n}" for n in range(5)]
    site = site_of(*(note(f"{page}/hero") for page in pages))
    live = tuple(was_live(f"{page}/hero", ("old", "a")) for page in pages)
    content = standing(live=live, site=site)
    for page in pages:
        layout = layout_for(content, page)
        assert layout is not None
        ask = ask_of(content, layout)
        known = look(layout, None, Found(data=b"old\n"), ask.live).stored().known
        edited = look(layout, known, Found(data=b"new\n"), ask.live)
        content = with_sights(content, {page: Sight(looked=edited)}, {page: f"content/{page}.md"})
    [said] = on_takeovers(content, pages)
    assert str(said).count("was edited") == 3
    assert str(said).endswith("; and 2 more files.")


def test_a_page_that_left_the_site_keeps_the_layout_of_its_file() -> None:
    """P5: its sections are orphaned, and still its file's."""
    stands = standing(live=LIVE, site=site_of(note("menu/hero")), files={"home": known_file()})
    layout = layout_for(stands, "home")
    assert layout is not None
    assert [part.section for part in layout.parts] == ["hero", "news"]
    assert layout_for(stands, "nowhere") is None
    assert layout_for(standing(), split_id(HERO)[0]) is not None
    assert SITE.page("home") is not None
