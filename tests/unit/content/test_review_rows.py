"""The rows of a review, as things stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mcp_server.content.actions.review_rows import Seen, chosen_of, findings_of, fitting, row_of
from mcp_server.content.actions.reviewed import ReviewRow, Room
from mcp_server.entities.entity import Revision
from mcp_server.entities.store import Heads
from tests.unit.content.texts import SITE, note, site_of, text

ROOM = Room(bytes=2_000, text=80)


def heads(*revisions: Revision, withdrawn: Collection[str] = ()) -> Heads:
    """Return what is known of these texts without reading them."""
    return Heads(
        revision={each.entity_id: each.id for each in revisions},
        hash={each.entity_id: each.hash or "" for each in revisions},
        base={each.entity_id: each.base for each in revisions},
        withdrawn=withdrawn,
    )


def test_a_section_that_is_static_by_now_shows_the_text_of_the_site() -> None:
    """Not the draft from before, its author, its batch and what is wrong with it."""
    site = site_of(note("home/hero", text="Open all day."))
    old = text("home/hero", "<script>1</script>", batch_id="b_old")
    live = text("home/hero", "Once live", type="site-content-production")
    seen = Seen(draft={"home/hero": old}, live={"home/hero": live})
    state = chosen_of(site, heads(old), heads(live), ["home/hero"], ()).states["home/hero"]
    row = row_of(site, "home/hero", state, seen, diff=True)
    assert (row.state, row.draft, row.live) == ("static", "Open all day.", None)
    assert (row.author, row.batch_id, row.diff, row.findings) == (None, None, None, ())


def test_the_states_of_all_sections_are_known_without_a_text() -> None:
    """From hashes, bases and marks. The counts are of all, whatever state was asked for."""
    live = text("home/news", "Live.", type="site-content-production")
    drafts = heads(
        text("home/hero", "New."),
        text("home/news", "Newer.", base=live.hash),
        text("menu/hero", "Back."),
        withdrawn=["menu/hero"],
    )
    asked = ("draft", "changed")
    found = chosen_of(SITE, drafts, heads(live), tuple(SITE.section_ids), asked)
    assert dict(found.states) == {"home/hero": "draft", "home/news": "changed"}
    assert found.counts == {"draft": 1, "changed": 1, "withdrawn": 1}
    assert [(page.page, page.counts) for page in found.pages] == [
        ("home", {"draft": 1, "changed": 1})
    ]


def test_rows_for_which_there_is_no_room_are_not_made() -> None:
    """A list of two hundred takes no longer than what is shown of it."""
    made: list[str] = []

    def rows() -> Iterator[ReviewRow]:
        for number in range(200):
            id = f"home/s{number}"
            made.append(id)
            seen = Seen(draft={id: text(id, "Soup of the day. " * 100)})
            yield row_of(SITE, id, "draft", seen, diff=False)

    shown, left = fitting(rows(), ROOM)
    assert len(shown) == len(made) == 16
    assert left.bytes <= 0


def test_a_text_of_megabytes_is_looked_at_in_part_and_it_is_said() -> None:
    """A page's file that was adopted may have so much, and each review looks anew."""
    found = findings_of(text("home/hero", "<script>1</script>" + "<a " * 1_000_000))
    kinds = [each.kind for each in found]
    assert kinds[0] == "script element" and kinds[-1] == "text too long to be checked"
