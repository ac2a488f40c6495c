"""Exported pages: what a file says, whose it is, how it is written, and how a clone is adopted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from mcp_server.content.pages.compose import compose_page
from mcp_server.content.pages.edited import edited_sections
from mcp_server.content.pages.page_file import comment_line, parse_page

from mcp_server.content.pages.disk import (
    PAGE_BYTES_MAX,
    ExportFailed,
    FileState,
    PageFileState,
    file_hash,
    page_name,
)
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.site import Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Revision
from mcp_server.errors import InvalidPayload
from tests.waiting import PATIENCE_S

HERO = Template(
    name="hero",
    prompt="Greet.",
    fields=(
        Field(name="headline", type=FieldType.LINE),
        Field(name="body", type=FieldType.TEXT),
    ),
    format="# {headline}\n\n{body}\n",
)
SITE = Site(
    title="Trattoria",
    description="",
    language="en",
    facts={},
    templates={"hero": HERO},
    pages=(
        Page(
            id="menu",
            title="The menu",
            sections=(
                Section(page="menu", id="hero", template="hero"),
                Section(page="menu", id="hours", text="Tuesday to Sunday\n"),
                Section(page="menu", id="pasta", template="hero"),
            ),
        ),
        Page(id="team", title="Us", sections=(Section(page="team", id="hero", template="hero"),)),
    ),
)


def live_text(entity_id: str, headline: str, body: str = "Text.") -> Revision:
    """A live revision by the template `hero`."""
    return Revision(
        type=PRODUCTION,
        entity_id=entity_id,
        template="hero",
        fields={"headline": headline, "body": body},
        markdown=f"# {headline}\n\n{body}",
        author=Author(kind="model", name="m"),
    )


def live_of(*revisions: Revision) -> dict[str, Revision]:
    """Revisions by the id of their section."""
    return {revision.entity_id: revision for revision in revisions}


LIVE = live_of(live_text("menu/pasta", "Pasta"), live_text("menu/hero", "Menu"))


def composed(live: dict[str, Revision] | None = None) -> str:
    """The text of the page `menu`."""
    text = compose_page(SITE, "menu", LIVE if live is None else live)
    assert text is not None
    return text


def removal(entity_id: str) -> Revision:
    """A revision that says there is no text."""
    return Revision(
        type=PRODUCTION,
        entity_id=entity_id,
        template="hero",
        fields={},
        markdown=None,
        author=Author(kind="person"),
    )


def there(path: Path) -> str | None:
    """Return the hash of what lies there."""
    return file_hash(path.read_bytes()) if path.is_file() else None


def files(content: Path) -> PageFiles:
    """Return the page files in this folder."""
    return PageFiles(content.parent, content, content.parent / "export-locks")


def put(path: Path, text: str) -> None:
    """Write a page over what lies there."""
    files(path.parent).write(path.stem, text, replaces=there(path))


def take_away(path: Path) -> None:
    """Remove a page as it lies there."""
    files(path.parent).write(path.stem, None, replaces=there(path))


def look(path: Path, ours: Sequence[str | None]) -> PageFileState:
    """Look whose file lies there."""
    return files(path.parent).inspect(path.stem, ours)


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


# What a file says


def test_sections_stand_in_the_order_of_the_site_with_static_ones_and_orphans_last() -> None:
    """R24: order of site.yaml, static text in its place, orphaned sections at the end."""
    live = LIVE | live_of(live_text("menu/zoo", "Z"), live_text("menu/attic", "A"))
    file = parse_page(composed(live))
    assert [section.entity_id for section in file.sections] == [
        "menu/hero",
        "menu/hours",
        "menu/pasta",
        "menu/attic",
        "menu/zoo",
    ]
    assert file.title == "The menu"
    assert file.sections[1].markdown == "Tuesday to Sunday"
    assert file.sections[1].template is None


def test_a_page_with_nothing_live_has_no_file() -> None:
    """Static text alone, other pages' texts and removals make no file."""
    assert compose_page(SITE, "menu", {}) is None
    other = live_of(live_text("team/hero", "Us"), removal("menu/hero"))
    assert compose_page(SITE, "menu", other) is None


def test_a_removed_section_is_not_in_the_file() -> None:
    """A removal leaves the other sections as they are."""
    file = parse_page(composed(LIVE | live_of(removal("menu/hero"))))
    assert [section.entity_id for section in file.sections] == ["menu/hours", "menu/pasta"]


def test_a_page_that_left_the_site_keeps_its_live_sections() -> None:
    """All of them are orphaned, and still live."""
    text = compose_page(SITE, "lunch", live_of(live_text("lunch/hero", "Lunch")))
    assert text is not None
    assert parse_page(text).title == "lunch"


def test_a_static_text_wins_over_what_was_once_live_in_its_place() -> None:
    """The site says the section is static now."""
    live = LIVE | live_of(live_text("menu/hours", "Old hours"))
    assert "Old hours" not in composed(live)
    assert compose_page(SITE, "menu", live_of(live_text("menu/hours", "Old"))) is None


# Where it is


@pytest.mark.parametrize("page_id", ["../x", "a/b", "", "A", "x" * 300, "a\0b", ".."])
def test_a_page_id_that_is_no_slug_has_no_file(page_id: str) -> None:
    """Nothing a caller sends leads out of the content folder."""
    with pytest.raises(InvalidPayload):
        page_name(page_id)


def test_a_page_file_stands_directly_in_the_content_folder(tmp_path: Path) -> None:
    """The folder need not exist yet."""
    put(tmp_path / "content" / "menu.md", "Text")
    assert names_in(tmp_path / "content") == ["menu.md"]


def test_a_symbolic_link_is_refused_without_telling_where_it_leads(tmp_path: Path) -> None:
    """A link could make export read or replace a file elsewhere."""
    content = tmp_path / "content"
    content.mkdir()
    (tmp_path / "secret.md").write_text("secret")
    (content / "menu.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(ExportFailed, match=r"content/menu\.md") as caught:
        look(content / "menu.md", [])
    assert str(tmp_path) not in str(caught.value)


def test_a_content_folder_may_be_a_link_to_another_place_in_the_workspace(tmp_path: Path) -> None:
    """Somebody may point `content` at their site generator's folder."""
    (tmp_path / "hugo").mkdir()
    (tmp_path / "content").symlink_to(tmp_path / "hugo")
    put(tmp_path / "content" / "menu.md", composed())
    assert (tmp_path / "hugo" / "menu.md").is_file()


# Whose it is


def written(path: Path, text: str) -> str:
    """Write the file as export does and return what it records."""
    put(path, text)
    return file_hash(text.encode())


def test_a_file_as_it_was_written_is_ours(tmp_path: Path) -> None:
    """R22: equal to the newest record, or to the one before it."""
    path = tmp_path / "menu.md"
    known = written(path, composed())
    assert look(path, [known]).state is FileState.OURS
    assert look(path, [file_hash(b"never came about"), known]).state is FileState.OURS
    assert look(path, [None, known]).state is FileState.OURS


def test_a_file_that_says_something_else_was_edited(tmp_path: Path) -> None:
    """R22: anything else was edited by somebody; the state carries the text."""
    path = tmp_path / "menu.md"
    known = written(path, composed())
    path.write_text(composed() + "More\n", encoding="utf-8")
    found = look(path, [known])
    assert (found.state, found.writable) == (FileState.EDITED, False)
    assert found.text == composed() + "More\n"
    assert found.hash == file_hash(path.read_bytes())


def test_a_checkout_with_windows_line_ends_is_not_an_edit(tmp_path: Path) -> None:
    """Git may rewrite line ends, and an editor may add a byte order mark."""
    path = tmp_path / "menu.md"
    known = file_hash(composed().encode())
    path.write_bytes(b"\xef\xbb\xbf" + composed().replace("\n", "\r\n").encode())
    assert look(path, [known]).state is FileState.OURS


def test_a_deleted_file_is_missing_and_may_be_written_again(tmp_path: Path) -> None:
    """Writing it again loses nothing, so a deletion is no conflict."""
    found = look(tmp_path / "content" / "menu.md", [file_hash(b"x")])
    assert (found.state, found.writable, found.hash, found.text) == (
        FileState.MISSING,
        True,
        None,
        None,
    )


@pytest.mark.parametrize("ours", [[], [None]])
def test_a_file_that_export_did_not_create_is_foreign(ours: list[None], tmp_path: Path) -> None:
    """Without a section of the page it is somebody's own file and never touched."""
    path = tmp_path / "menu.md"
    path.write_text("# My own menu\n\n<!-- section: team/hero -->\n", encoding="utf-8")
    found = look(path, ours)
    assert (found.state, found.writable) == (FileState.FOREIGN, False)


def test_an_unrecorded_file_with_our_sections_counts_as_edited(tmp_path: Path) -> None:
    """It came from somewhere, such as another branch: its text is not overwritten."""
    path = tmp_path / "menu.md"
    path.write_text(composed(), encoding="utf-8")
    assert look(path, []).state is FileState.EDITED


def test_a_file_of_ours_that_lost_its_section_comments_was_edited(tmp_path: Path) -> None:
    """Export created it, so it is not foreign."""
    path = tmp_path / "menu.md"
    known = written(path, composed())
    path.write_text("Nothing left", encoding="utf-8")
    assert look(path, [known]).state is FileState.EDITED


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_a_file_saved_in_another_encoding_is_read(encoding: str, tmp_path: Path) -> None:
    """Whatever an editor made of it, the words are there to be kept."""
    path = tmp_path / "menu.md"
    path.write_bytes("# Caffè – “fresh”".encode(encoding))
    assert look(path, []).text == "# Caffè – “fresh”"


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    """A folder of that name is said to be in the way."""
    (tmp_path / "menu.md").mkdir()
    with pytest.raises(ExportFailed, match="not a regular file"):
        look(tmp_path / "menu.md", [])


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """Memory is bounded whatever lies in the folder."""
    path = tmp_path / "menu.md"
    with path.open("wb") as file:
        file.truncate(PAGE_BYTES_MAX + 1)
    with pytest.raises(ExportFailed, match="larger than 4 MiB"):
        look(path, [])


# How it is written


def test_a_page_is_written_byte_for_byte_and_nothing_else_is_left(tmp_path: Path) -> None:
    """The folder is made, line ends stay as they are, and no temporary file remains."""
    path = tmp_path / "site" / "content" / "menu.md"
    put(path, "First\n")
    put(path, "Caffè\n")
    assert path.read_bytes() == "Caffè\n".encode()
    assert names_in(path.parent) == ["menu.md"]


@pytest.mark.skipif(os.name != "posix", reason="permission bits are a matter of POSIX")
def test_a_page_can_be_read_by_a_web_server_and_keeps_its_permissions(tmp_path: Path) -> None:
    """A new file follows the umask; a later export does not change what somebody set."""
    path = tmp_path / "menu.md"
    plain = tmp_path / "plain"
    plain.touch()
    put(path, "One")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    put(path, "Two")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("then", ["written", "removed"])
def test_what_a_killed_writer_left_behind_goes_with_the_next_export(
    tmp_path: Path, then: str
) -> None:
    """The temporary file of the page, whatever is in it, and that of no other."""
    path = tmp_path / "menu.md"
    left, other = tmp_path / ".menu.md.tmp", tmp_path / ".team.md.tmp"
    for leftover in (left, other):
        leftover.write_text("half of what was to be written")
    if then == "written":
        put(path, "Whole")
        assert path.read_text() == "Whole"
    else:
        take_away(path)
    assert (left.exists(), other.exists()) == (False, True)


@pytest.mark.skipif(os.name != "posix", reason="links need no rights on POSIX")
def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    """Whoever publishes a site to be cloned cannot have another file overwritten by it."""
    path, outside = tmp_path / "content" / "menu.md", tmp_path / "precious"
    path.parent.mkdir()
    outside.write_text("kept")
    (path.parent / ".menu.md.tmp").symlink_to(outside)
    put(path, "Whole")
    assert (path.read_text(), outside.read_text()) == ("Whole", "kept")
    assert not path.is_symlink()


@pytest.mark.parametrize("looked_at", [None, file_hash(b"As it was")])
def test_what_was_saved_since_the_last_look_is_neither_replaced_nor_removed(
    tmp_path: Path, looked_at: str | None
) -> None:
    """The export fails, to look once more; and nothing of it is left."""
    path = tmp_path / "content" / "menu.md"
    path.parent.mkdir()
    path.write_text("Saved meanwhile")
    with pytest.raises(ExportFailed, match="cannot be written: it was changed a moment ago"):
        files(path.parent).write(path.stem, "Text", replaces=looked_at)
    with pytest.raises(ExportFailed, match="cannot be removed: it was changed a moment ago"):
        files(path.parent).write(path.stem, None, replaces=looked_at)
    assert path.read_text() == "Saved meanwhile"
    assert names_in(path.parent) == ["menu.md"]


def test_what_was_deleted_since_the_last_look_is_written_again(tmp_path: Path) -> None:
    """Nothing is lost by it."""
    path = tmp_path / "menu.md"
    files(path.parent).write(path.stem, "Text", replaces=file_hash(b"As it was"))
    assert path.read_text() == "Text"


def test_a_page_that_cannot_be_cleared_up_after_is_not_removed(tmp_path: Path) -> None:
    """What says that it failed has changed nothing."""
    path = tmp_path / "menu.md"
    path.write_text("Text")
    (tmp_path / ".menu.md.tmp").mkdir()
    with pytest.raises(ExportFailed, match="a folder of that name is in the way"):
        take_away(path)
    assert path.read_text() == "Text"


def test_a_failed_write_leaves_the_file_as_it_was_and_says_why(tmp_path: Path) -> None:
    """A folder in the way: one clear line without the machine's path, and no temporary file."""
    path = tmp_path / "content" / "menu.md"
    path.mkdir(parents=True)
    (path / "kept").touch()
    with pytest.raises(ExportFailed) as caught:
        put(path, "Text")
    assert str(caught.value).startswith("content/menu.md cannot be written: ")
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.page == "menu"
    assert names_in(path.parent) == ["menu.md"]
    assert (path / "kept").exists()


def test_a_content_folder_that_is_a_file_is_said_to_be_one(tmp_path: Path) -> None:
    """No traceback where the folder cannot be made."""
    (tmp_path / "content").touch()
    with pytest.raises(ExportFailed, match="belongs to a file"):
        put(tmp_path / "content" / "menu.md", "Text")
    with pytest.raises(ExportFailed, match="belongs to a file"):
        look(tmp_path / "content" / "menu.md", [])


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from mcp_server.content.pages.disk import ExportFailed
from mcp_server.content.pages.page_files import PageFiles
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    content = Path(sys.argv[1]).parent
    PageFiles(content.parent, content, content).write("menu", "x" * 100_000, replaces=None)
except ExportFailed as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a matter of POSIX")
def test_a_write_that_stops_half_way_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """A real process whose disk space runs out during the write: the old text stays."""
    path = tmp_path / "menu.md"
    put(path, "Old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert "refused:" in done.stderr
    assert path.read_text(encoding="utf-8") == "Old"
    assert names_in(tmp_path) == ["menu.md"]


def test_a_removed_page_is_gone_and_removing_it_again_is_harmless(tmp_path: Path) -> None:
    """A retried export finds nothing to remove, even without the folder."""
    path = tmp_path / "content" / "menu.md"
    put(path, "Text")
    take_away(path)
    take_away(path)
    assert not path.exists()
    path.parent.rmdir()
    take_away(path)


# What was edited


def test_an_edited_section_comes_back_with_the_fields_of_its_body() -> None:
    """The body wins over the front matter, and sections that say what is live are left out."""
    text = composed().replace("# Pasta\n\nText.", "# Fresh pasta\n\nEvery day.")
    [edited] = edited_sections(SITE, "menu", text, LIVE)
    assert edited.entity_id == "menu/pasta"
    assert edited.template == "hero"
    assert edited.fields == {"headline": "Fresh pasta", "body": "Every day."}
    assert edited.markdown == "# Fresh pasta\n\nEvery day."


def test_an_edit_that_does_not_fit_the_template_is_kept_without_fields() -> None:
    """The text is what counts; fields that belonged to the old text are not passed off as its."""
    text = composed().replace("# Pasta\n\nText.", "No heading here")
    [edited] = edited_sections(SITE, "menu", text, LIVE)
    assert (edited.markdown, edited.fields) == ("No heading here", {})


def test_an_edit_of_a_section_whose_template_is_gone_drops_the_old_fields() -> None:
    """Nothing can read the new text, and the stated fields are those of the old one."""
    site = Site(
        title="",
        description="",
        language="en",
        facts={},
        pages=SITE.pages,
        templates={},
    )
    text = composed().replace("# Pasta\n\nText.", "# Fresh")
    [edited] = edited_sections(site, "menu", text, LIVE)
    assert (edited.markdown, edited.template, edited.fields) == ("# Fresh", "hero", {})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n", "\r\n"),
        ("# Pasta\n\nText.\n", "# Pasta\n\nText."),
        ("title: The menu", "title: Another\nlayout: wide"),
        ("\n\n<!--", "\n<!--"),
    ],
    ids=["line-ends", "last-line", "front-matter", "blank-lines"],
)
def test_a_file_whose_texts_are_the_live_ones_has_no_edited_section(
    before: str, after: str
) -> None:
    """Line ends, blank lines and keys of the front matter are not the text of a section."""
    text = composed().replace(before, after)
    assert text != composed()
    assert edited_sections(SITE, "menu", text, LIVE) == ()


def test_broken_front_matter_does_not_hide_an_edit() -> None:
    """The template is then that of the live text."""
    text = composed().replace("title:", "title: [", 1).replace("# Pasta", "# Fresh")
    [edited] = edited_sections(SITE, "menu", text, LIVE)
    assert edited.fields == {"headline": "Fresh", "body": "Text."}


def test_a_section_that_a_person_added_is_edited() -> None:
    """Text that was never live is text all the same, in site.yaml or not."""
    text = composed() + f"\n{comment_line('menu/extra')}\n\nSpecials\n"
    [edited] = edited_sections(SITE, "menu", text, LIVE)
    assert (edited.entity_id, edited.template, edited.markdown) == ("menu/extra", "", "Specials")


def test_a_section_deleted_from_the_file_is_not_an_edit() -> None:
    """Writing it again loses nothing."""
    assert edited_sections(SITE, "menu", composed(), LIVE | live_of(live_text("menu/x", "X"))) == ()


def test_an_edited_static_text_is_reported() -> None:
    """It is not live text, but somebody wrote it."""
    text = composed().replace("Tuesday to Sunday", "Every day")
    [edited] = edited_sections(SITE, "menu", text, LIVE)
    assert (edited.entity_id, edited.markdown) == ("menu/hours", "Every day")


def test_text_without_any_section_comment_is_kept_as_the_first_section() -> None:
    """Somebody replaced the whole file: the words are not lost under `force`."""
    [edited] = edited_sections(SITE, "menu", "Closed for good", LIVE)
    assert (edited.entity_id, edited.markdown) == ("menu/hero", "Closed for good")
    assert edited_sections(SITE, "menu", "  \n", LIVE) == ()


def test_a_file_overwritten_with_another_page_keeps_its_words_too() -> None:
    """Even text under another page's comments, and of a page where nothing is live any more."""
    text = f"Top\n\n{comment_line('team/hero')}\n\nUs\n"
    [edited] = edited_sections(SITE, "menu", text, {})
    assert edited.entity_id == "menu/hero"
    assert edited.markdown == f"Top\n\n{comment_line('team/hero')}\n\nUs"


def test_an_edited_section_becomes_a_production_revision() -> None:
    """What `force` keeps: the text, its author, and the live text it replaces."""
    text = composed().replace("# Pasta", "# Fresh")
    [edited] = edited_sections(SITE, "menu", text, LIVE)
    person = Author(kind="person", name="page file")
    revision = edited.revision(person, base=LIVE["menu/pasta"].hash)
    assert (revision.type, revision.author) == (PRODUCTION, person)
    assert revision.base == LIVE["menu/pasta"].hash
    assert revision.hash == live_text("menu/pasta", "Fresh").hash


# A clone


def test_a_clone_is_adopted_as_it_was_exported(tmp_path: Path) -> None:
    """The same texts with the same content hashes, and files that count as last exported."""
    put(tmp_path / "menu.md", composed())
    lunch = compose_page(SITE, "lunch", live_of(live_text("lunch/hero", "Lunch")))
    assert lunch is not None
    put(tmp_path / "lunch.md", lunch)
    adoption = files(tmp_path).adoption(SITE)
    assert {r.entity_id: r.hash for r in adoption.revisions} == {
        "lunch/hero": live_text("lunch/hero", "Lunch").hash,
        "menu/hero": LIVE["menu/hero"].hash,
        "menu/pasta": LIVE["menu/pasta"].hash,
    }
    for revision in adoption.revisions:
        assert revision.type != PREVIEW
        assert (revision.author, revision.base, revision.batch_id) == (
            Author(kind="adopted"),
            None,
            None,
        )
    for page, known in adoption.files.items():
        assert look(tmp_path / f"{page}.md", [known]).state is FileState.OURS
    assert compose_page(SITE, "menu", live_of(*adoption.revisions)) == composed()
    assert adoption.skipped == ()


def test_the_body_wins_over_the_front_matter_on_adoption(tmp_path: Path) -> None:
    """R24: fields are read from the text that visitors see."""
    (tmp_path / "menu.md").write_text(composed().replace("# Pasta", "# Fresh"), encoding="utf-8")
    adopted = live_of(*files(tmp_path).adoption(SITE).revisions)["menu/pasta"]
    assert adopted.fields == {"headline": "Fresh", "body": "Text."}
    assert adopted.markdown == "# Fresh\n\nText."


def test_fields_of_a_template_that_is_gone_are_adopted_as_stated(tmp_path: Path) -> None:
    """Nothing contradicts them, and dropping them would lose them."""
    put(tmp_path / "menu.md", composed().replace("template: hero", "template: gone"))
    adopted = live_of(*files(tmp_path).adoption(SITE).revisions)["menu/pasta"]
    assert (adopted.template, adopted.fields) == ("gone", LIVE["menu/pasta"].fields)


def test_front_matter_of_any_shape_does_not_stop_adoption(tmp_path: Path) -> None:
    """Fields that no template would take are replaced by what the body says."""
    text = composed()
    for wrong in ("headline: [1, {a: 2}]", "headline:", "other: 1"):
        (tmp_path / "menu.md").write_text(text.replace("headline: Pasta", wrong), encoding="utf-8")
        adopted = live_of(*files(tmp_path).adoption(SITE).revisions)["menu/pasta"]
        assert adopted.fields == LIVE["menu/pasta"].fields


def test_files_that_are_not_ours_are_left_alone_with_the_reason(tmp_path: Path) -> None:
    """A README, a page of somebody's own, a copy of another page, a link, folders."""
    (tmp_path / "README.md").write_text("# Read me")
    (tmp_path / "about.md").write_text("# About")
    (tmp_path / "copy.md").write_text(composed(), encoding="utf-8")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "link.md").symlink_to(tmp_path / "copy.md")
    (tmp_path / "notes.txt").write_text(composed(), encoding="utf-8")
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog" / "menu.md").write_text(composed(), encoding="utf-8")
    adoption = files(tmp_path).adoption(SITE)
    assert (adoption.revisions, adoption.files) == ((), {})
    assert [name for name, _ in adoption.skipped] == [
        "README.md",
        "about.md",
        "copy.md",
        "folder.md",
        "link.md",
    ]
    assert all(reason and str(tmp_path) not in reason for _, reason in adoption.skipped)


def test_a_workspace_without_a_content_folder_has_nothing_to_adopt(tmp_path: Path) -> None:
    """Opening it never fails on that account."""
    assert files(tmp_path / "content").adoption(SITE).revisions == ()
