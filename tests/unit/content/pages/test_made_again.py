"""A file that is gone is made again with all that others wrote into it, or not at all (P5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mcp_server.content.pages.layout import Blocked, Layout, Part
from mcp_server.content.pages.look import Found, Looked, look
from mcp_server.content.pages.write import Writing, plan_write, to_write
from mcp_server.entities.entity import text_hash
from mcp_server.entities.page_files import Stat

STAT = Stat(size=1, modified_ns=1, changed_ns=1, inode=1)
BODY = Layout(page="u", file="u.md", parts=(Part(section="body"),))
META = Part(section="meta", keys=("title", "weight"))
PAGE = replace(BODY, parts=(META, *BODY.parts))
DRAFT = replace(BODY, parts=(Part(section="meta", keys=("title", "weight", "draft")), *BODY.parts))
YAML = b"---\ntitle: U\ndraft: true\nweight: 3\n---\n\nOld.\n"


def away(data: bytes, before: Layout, now: Layout, live: Mapping[str, str]) -> Looked:
    """Return what is seen of a page whose file is deleted and whose sections are to come back."""
    known = replace(look(before, None, Found(stat=STAT, data=data), {}).known, version=1)
    hashes = {section: text_hash(text) for section, text in live.items()}
    looked = look(now, known, Found(), hashes)
    return replace(looked, known=replace(looked.known, gone=looked.known.gone - live.keys()))


def test_where_the_kept_file_cannot_be_written_none_is_made() -> None:
    """It would come without its front matter, and a draft would be published."""
    kept = b'+++\ntitle = "U"\ndraft = true\n+++\n\nOld.\n'
    blocked = plan_write(away(kept, BODY, PAGE, {"body": "New."}), {"body": "New."}, earlier=kept)
    assert isinstance(blocked, Blocked)
    assert "TOML" in blocked.reason
    assert "put the file back yourself" in blocked.reason
    text = {"body": "<!--\n"}
    two = replace(BODY, parts=(*BODY.parts, Part(section="more")))
    kept = b"---\ndraft: true\n---\n<!-- section: body -->\na\n\n<!-- section: more -->\nb\n"
    assert isinstance(plan_write(away(kept, two, two, text), text, earlier=kept), Blocked)


def test_a_key_stays_that_a_text_is_older_than() -> None:
    """Its field came into the template later; the next look takes it over and no write drops it."""
    texts = {"meta": "title: New\nweight: 3", "body": "New."}
    writing = plan_write(away(YAML, PAGE, DRAFT, texts), texts, earlier=YAML)
    assert isinstance(writing, Writing)
    made = YAML.replace(b"U", b"New").replace(b"Old", b"New")
    assert writing.data == made
    live = {section: text_hash(text) for section, text in texts.items()}
    for known in (writing.known, writing.after):
        looked = look(DRAFT, replace(known, version=9), Found(stat=STAT, data=made), live)
        said = {s: span.text for s, span in looked.ground.items()}
        assert said == {"meta": "title: New\nweight: 3\ndraft: true"}
        assert not looked.taken
        assert to_write(looked, texts) == {}


def test_keys_stay_where_only_the_text_is_asked_for() -> None:
    """A draft is no page that is live."""
    looked = away(YAML, PAGE, DRAFT, {"body": "New."})
    writing = plan_write(looked, {"body": "New."}, earlier=YAML)
    assert isinstance(writing, Writing)
    assert writing.data == YAML.replace(b"Old", b"New")


def test_keys_that_we_took_out_with_the_file_do_not_come_back_with_another_text() -> None:
    """They were taken back or unpublished; all others may be somebody else's, and stay."""
    met = look(PAGE, None, Found(stat=STAT, data=YAML), {})
    removed = replace(met.known, stat=None, hash=None, in_file={}, version=1)
    looked = look(PAGE, removed, Found(), {"body": text_hash("New.")})
    writing = plan_write(looked, {"body": "New."}, earlier=YAML, off=["meta"])
    assert isinstance(writing, Writing)
    assert writing.data == b"---\ndraft: true\n---\n\nNew.\n"


def test_keys_stay_whose_section_came_into_the_site_later() -> None:
    """They were never taken off: the file was gone already when the site got their section."""
    writing = plan_write(away(YAML, BODY, DRAFT, {"body": "New."}), {"body": "New."}, earlier=YAML)
    assert isinstance(writing, Writing)
    assert writing.data == YAML.replace(b"Old", b"New")
    live = {"body": text_hash("New.")}
    for known in (writing.known, writing.after):
        seen = look(DRAFT, replace(known, version=9), Found(stat=STAT, data=writing.data), live)
        assert {s: span.text for s, span in seen.ground.items()} == {
            "meta": "title: U\nweight: 3\ndraft: true"
        }
        assert to_write(seen, {"body": "New."}) == {}
