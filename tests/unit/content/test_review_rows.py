"""The rows of a review, as things stand."""

from __future__ import annotations

from mcp_server.content.actions.review_rows import review_of
from tests.unit.content.texts import draft, note, site_of, standing, text


def test_a_section_that_is_static_by_now_shows_the_text_of_the_site() -> None:
    """Not the draft from before, its author, its batch and what is wrong with it."""
    site = site_of(note("home/hero", text="Open all day."))
    old = draft("home/hero", "<script>1</script>", batch_id="b_old")
    live = [text("home/hero", "Once live", type="site-content-production")]
    content = standing(old, live=(live,), site=site)
    found = review_of(content, ["home/hero"], states=(), diff=True, limit=1, cursor=0)
    (row,) = found.rows
    assert (row.state, row.draft, row.live) == ("static", "Open all day.", None)
    assert (row.author, row.batch_id, row.diff, row.findings) == (None, None, None, ())
