"""Reading site.yaml and the templates: every mistake at once, with file, line and what to write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.config import open_workspace
from mcp_server.content.site import Collection, Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.workspace.loader import (
    SiteLoader,
    SiteProblems,
    site_from_document,
    site_to_document,
)

SITE = """\
title: Kestrel
description: A bakery
language: en-GB
facts:
  open: 7:00
  price: 3.20
  since: 2011-05-01
  seats: 34
  rating: 4.5
  closed: no
  wifi: true
  owner:
pages:
  - id: menu
    title: Menu
    sections:
      - {id: hero, template: hero, brief: Say hello., facts: {a: 1}}
      - id: note
        text: |
          Static text.
"""
HERO = """\
title: Opening
prompt: Write it.
fields:
  headline: line
  points:
    type: list
    description: Reasons
    required: false
    max_items: 5
    of:
      name: {type: line, max_length: 20}
      kind: {type: choice, choices: [new, old]}
format: |
  # {headline}

  - {points.kind}: {points.name}
phrases:
  headline: ["{facts.name}", "{page.title}"]
  points:
    - each: facts.reasons
      item: {name: "{item.name}", kind: new}
"""


def loader(folder: Path, site: str = SITE, **templates: str) -> SiteLoader:
    """Return a loader for a workspace with these files."""
    (folder / "pressroom" / "templates").mkdir(parents=True, exist_ok=True)
    (folder / "pressroom.toml").touch()
    (folder / "pressroom" / "site.yaml").write_text(site, encoding="utf-8")
    for name, text in (templates or {"hero": HERO}).items():
        (folder / "pressroom" / "templates" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return SiteLoader(open_workspace(folder, {}))


def problems_of(loader: SiteLoader) -> list[str]:
    """Return what the loader complains about, without the common folder."""
    with pytest.raises(SiteProblems) as caught:
        loader.load()
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return [problem.removeprefix("pressroom/") for problem in caught.value.problems]


def test_a_site_is_read_as_it_is_written(tmp_path: Path) -> None:
    """Times, dates and prices stay texts; numbers and booleans are what they look like."""
    site = loader(tmp_path).load()
    assert (site.title, site.description, site.language) == ("Kestrel", "A bakery", "en-GB")
    assert site.facts == {
        "open": "7:00",
        "price": "3.20",
        "since": "2011-05-01",
        "seats": 34,
        "rating": 4.5,
        "closed": "no",
        "wifi": True,
        "owner": None,
    }
    hero, note = site.sections()
    assert hero == Section(
        page="menu", id="hero", template="hero", brief="Say hello.", facts={"a": 1}
    )
    assert note == Section(page="menu", id="note", text="Static text.")


def test_a_glossary_has_the_words_to_avoid_by_the_word_to_say(tmp_path: Path) -> None:
    """A site without one has the hash that it had before there were any."""
    assert "glossary" not in site_to_document(loader(tmp_path / "none").load())
    site = SITE.replace("pages:", "glossary: {guest: [customer, client]}\npages:", 1)
    assert loader(tmp_path / "some", site).load().glossary == {"guest": ("customer", "client")}


def test_what_is_locked_is_known_by_its_place(tmp_path: Path) -> None:
    """A section, or a page with all its sections, those too that it no longer has."""
    written = SITE.replace("title: Menu", "title: Menu\n    locked: false").replace(
        "brief: Say hello.,", "brief: Say hello., locked: true,"
    )
    found = loader(tmp_path, written)
    assert found.may_lock()
    site = found.load()
    assert [site.is_locked(f"menu/{id}") for id in ("hero", "note", "gone")] == [True, False, False]
    assert found.locks == {"menu/hero": "pressroom/site.yaml:18"}
    assert site_from_document(site_to_document(site)) == site
    whole = loader(tmp_path, SITE.replace("title: Menu", "title: Menu\n    locked: true"))
    assert [whole.load().is_locked(f"menu/{id}") for id in ("hero", "note", "gone")] == [True] * 3
    assert whole.locks == {"menu": "pressroom/site.yaml:16"}


def test_a_file_without_the_word_locks_nothing_and_is_not_parsed_for_it(tmp_path: Path) -> None:
    """One that was mended meanwhile is looked at again, and one that is gone may lock."""
    found = loader(tmp_path)
    assert not found.may_lock()
    assert found.last_good is None
    file = tmp_path / "pressroom" / "site.yaml"
    file.write_text(SITE.replace("title: Menu", "title: Menu\n    locked: true"), "utf-8")
    assert found.may_lock()
    file.unlink()
    assert found.may_lock()


def test_a_template_is_read_with_bounds_groups_and_phrases(tmp_path: Path) -> None:
    """The short form of a field is its type."""
    template = loader(tmp_path).load().templates["hero"]
    name = Field(name="name", type=FieldType.LINE, length_max=20)
    kind = Field(name="kind", type=FieldType.CHOICE, choices=("new", "old"))
    points = Field(
        name="points",
        type=FieldType.LIST,
        description="Reasons",
        required=False,
        items_max=5,
        of=(name, kind),
    )
    assert template.fields == (Field(name="headline", type=FieldType.LINE), points)
    assert (template.title, template.prompt) == ("Opening", "Write it.")
    assert template.phrases == {
        "headline": ["{facts.name}", "{page.title}"],
        "points": [{"each": "facts.reasons", "item": {"name": ["{item.name}"], "kind": ["new"]}}],
    }


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "title: Menu",
            "title: Menu\n    locked: yes",
            "site.yaml:16: menu: locked is 'yes'; write true or false",
        ),
        ("title: Kestrel\n", "", "site.yaml:1: title is missing; write the site's name"),
        ("language: en-GB", "language: English!", "site.yaml:3: language is 'English!'; write a"),
        (
            "description: A",
            "describtion: A",
            "site.yaml:2: site.yaml has no 'describtion'; write d",
        ),
        ("facts:\n  open", "facts:\n  seats: 3\n  open", "site.yaml:9: 'seats' is there twice"),
        (
            "- id: menu",
            "- id: Was?",
            "site.yaml:14: the page id 'Was?' is no path of a file withou",
        ),
        ("- id: menu", "- id: ../x", "site.yaml:14: the page id '../x' is no path of a file"),
        ("- id: menu\n    ", "- ", "site.yaml:14: a page has no id; write id:"),
        (
            "- id: menu",
            "- id: nul",
            "site.yaml:14: page nul cannot be a file on Windows; write nul-",
        ),
        (
            "id: note",
            "id: hero",
            "site.yaml:18: the section id hero is there twice (first in line 17)",
        ),
        (
            "id: note",
            "id: note\n        template: hero",
            "site.yaml:18: section menu/note has a temp",
        ),
        (
            "Static text.",
            "<!-- section: a/b -->",
            "site.yaml:19: section menu/note: the text holds",
        ),
        ("Static text.", "```", "site.yaml:19: section menu/note: the text opens a code block"),
        ("facts: {a: 1}", "facts: [a]", "site.yaml:17: facts is a list; write lines such as key:"),
        ("brief: Say hello.", "brief: [a]", "site.yaml:17: section menu/hero: brief is a list; wr"),
        ("    title: Menu\n", "", "site.yaml:14: page menu has no title; write one"),
        ("    sections:", "    section:", "site.yaml:16: a page has no 'section'; write sections"),
        ("pages:", "pages: {}\nx:", "site.yaml:13: pages is a mapping; write a list"),
        ("title: Kestrel", "title: a: b", "site.yaml:1: a second colon stands in a line; put the"),
        ("title: Kestrel", "title: !x y", "site.yaml:1: the tag '!x' is not read; leave it out"),
        ("facts:", "facts:\n  <<: {a: b}", "site.yaml:5: `<<` merges are not read"),
        ("  - id: menu", "\t- id: menu", "site.yaml:14: a tab indents this line; indent with sp"),
        ("title: Kestrel", "title: [[[", "site.yaml:3: this is no YAML: "),
        ("title: Kestrel", f"title: {'[' * 50}", "site.yaml:1: nested deeper than 40 levels"),
        ("title: Kestrel", "title: *x", "site.yaml:1: *x stands for nothing; write &x first"),
        ("title: Kestrel", "---\ntitle: x\n---", "site.yaml:3: a second document begins"),
        ("Kestrel", "\x01", "site.yaml:1: this is no YAML (unacceptable character"),
    ],
)
def test_a_mistake_in_the_site_is_reported_with_its_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """And with what to write instead."""
    assert old in SITE
    found = problems_of(loader(tmp_path, SITE.replace(old, new, 1)))
    assert [f for f in found if f.startswith(problem)], found


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("prompt: Write it.\n", "", "hero.yaml:1: prompt is missing; write what to write"),
        ("prompt:", "promt:", "hero.yaml:2: a template has no 'promt'; write prompt"),
        (
            "headline: line",
            "headline: lien",
            "hero.yaml:4: headline has the unknown type 'lien'; w",
        ),
        ("headline: line", "Headline: line", "hero.yaml:4: the field 'Headline' cannot be called"),
        (
            "headline: line",
            "headline: {}",
            "hero.yaml:4: headline has no type; write type: and one",
        ),
        ("required: false", "required: maybe", "hero.yaml:8: points.required is 'maybe'; write tr"),
        (
            "max_items: 5",
            "max_items: many",
            "hero.yaml:9: points.max_items is 'many'; write a numb",
        ),
        (
            "max_items: 5",
            "max_item: 5",
            "hero.yaml:9: the field points has no 'max_item'; write ma",
        ),
        ("max_items: 5", "max_length: 5", "hero.yaml:9: points is a list and has no max_length"),
        ("max_items: 5", "min_items: 51", "hero.yaml:6: points has more min_items than max_items"),
        ("choices: [new, old]", "choices: []", "hero.yaml:12: kind has no choices; write choices"),
        ("[new, old]", "[new, new]", "hero.yaml:12: kind: the choice 'new' is there twice; rem"),
        ("{type: line, max_length: 20}", "list", "hero.yaml:11: name is a list inside a list"),
        (
            "# {headline}",
            "# {headlin}",
            "hero.yaml:13: format: {headlin} is no field; did you mean",
        ),
        ("format: |", "formats: |", "hero.yaml:1: format is missing; write `format: |`"),
        ("fields:", "field:", "hero.yaml:1: fields is missing; write lines such as title: line"),
        ('"{facts.name}"', '"{fact.name}"', "hero.yaml:18: {fact.name} refers to nothing; begin"),
        ("phrases:\n  headline", "phrases:\n  x", "hero.yaml:18: phrases has no 'x'; write one of"),
        ("each: facts", "eech: facts", "hero.yaml:20: an item of points has no 'eech'; write one"),
        ("item: {name", "item: {nam", "hero.yaml:21: an item of points has no 'nam'; write name"),
    ],
)
def test_a_mistake_in_a_template_is_reported_with_its_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """And with what to write instead."""
    assert old in HERO
    found = problems_of(loader(tmp_path, hero=HERO.replace(old, new, 1)))
    assert [f for f in found if f.startswith(f"templates/{problem}")], found


def test_all_mistakes_in_all_files_are_reported_at_once(tmp_path: Path) -> None:
    """Nobody has to mend one to see the next."""
    site = SITE.replace("id: menu", "id: M?").replace("id: note", "id: N")
    found = problems_of(
        loader(tmp_path, site, hero=HERO.replace("prompt", "x"), other="fields: {a: b}")
    )
    assert {problem.split(":")[0] for problem in found} == {
        "site.yaml",
        "templates/hero.yaml",
        "templates/other.yaml",
    }
    assert len(found) == 7


def test_no_report_shows_where_the_workspace_lies(tmp_path: Path) -> None:
    """Paths of the machine do not reach a client."""
    one = loader(tmp_path, "x: 1")
    (tmp_path / "pressroom" / "templates" / "Bad Name.yml").touch()
    assert not [problem for problem in problems_of(one) if str(tmp_path) in problem]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "site.yaml:1: site.yaml is empty; write lines such as title: "),
        (b"title: x\nfacts: \xff", "site.yaml:2: this is no UTF-8 text; save the file as UTF-8"),
        (b"# " * 600_000, "site.yaml:1: the file is larger than 1048576 bytes"),
        (b"- a", "site.yaml:1: site.yaml is a list; write lines such as title: "),
    ],
)
def test_a_file_that_is_no_site_is_one_clear_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    """No traceback of a parser."""
    one = loader(tmp_path)
    (tmp_path / "pressroom" / "site.yaml").write_bytes(content)
    assert problems_of(one)[0].startswith(problem)


def test_a_file_that_grows_by_its_aliases_is_refused(tmp_path: Path) -> None:
    """Ten lines that stand for a thousand million values."""
    bomb = "facts:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for one, two in zip("bcdefghi", "abcdefgh", strict=True):
        bomb += f"  {one}: &{one} [{', '.join([f'*{two}'] * 10)}]\n"
    assert "more than 200000 values" in problems_of(loader(tmp_path, bomb))[0]


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (f"t: &t {'x' * 900_000}\n  u: [*t, *t, *t]", "more than 200000 values"),
        (f"a: &a [{'*a, ' * 10_000}1]", "more than 200000 values"),
        ("a: &a [*a]", "nested deeper than 40 levels"),
    ],
)
def test_what_aliases_stand_for_is_bounded(tmp_path: Path, facts: str, problem: str) -> None:
    """Long texts, and what stands for itself."""
    assert problem in problems_of(loader(tmp_path, f"title: a\nfacts:\n  {facts}\n"))[0]


def test_an_alias_stands_for_what_it_names(tmp_path: Path) -> None:
    """Within the bound."""
    site = loader(
        tmp_path, SITE.replace("facts: {a: 1}", "facts: &f {a: 1}") + "        facts: *f\n"
    )
    assert [section.facts for section in site.load().sections()] == [{"a": 1}, {"a": 1}]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "  open: 7:00",
            "\u00a0\u00a0open: 7:00",
            "site.yaml:5: a no-break space (U+00A0) stands in this line; write plain spaces",
        ),
        (
            "  open: 7:00",
            "  \u2003open: 7:00",
            "site.yaml:5: an em space (U+2003) stands before 'open'",
        ),
        (
            "title: K",
            "title:\u00a0K",
            "site.yaml:1: a no-break space (U+00A0) stands in this line; w",
        ),
        (
            "- id: menu",
            "-\u00a0id: menu",
            "site.yaml:14: a no-break space (U+00A0) stands in this li",
        ),
        ("- id: menu", "-\tid: menu", "site.yaml:14: a tab (U+0009) stands in this line; write pl"),
        ("    title: Menu", "\u00a0\u00a0  title: Menu", "site.yaml:15: a no-break space (U+00A0)"),
        (
            "language:",
            "lang\u200buage:",
            "site.yaml:3: a zero width space (U+200B) stands in or after",
        ),
        (
            "language:",
            "language\u200b:",
            "site.yaml:3: a zero width space (U+200B) stands in or after",
        ),
        ("language:", "\ufefflanguage:", "site.yaml:3: a byte order mark (U+FEFF) stands"),
        (
            "id: menu",
            "id: me\u200bnu",
            "site.yaml:14: the page id 'me\N{REPLACEMENT CHARACTER}nu' is no path of a file",
        ),
        (
            "A bakery",
            "A\u2028bakery",
            "site.yaml:2: a line separator (U+2028) ends a line where nobody sees it; write",
        ),
        ("A bakery", "A\x85bakery", "site.yaml:2: a next line character (U+0085) ends a line"),
    ],
)
def test_a_character_that_nobody_sees_is_named(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """It comes with what is copied from a web page; otherwise the line looks right."""
    assert old in SITE
    found = problems_of(loader(tmp_path, SITE.replace(old, new, 1)))
    assert [f for f in found if f.startswith(problem)], found


def test_a_key_that_begins_with_a_character_nobody_sees_is_no_unknown_key(tmp_path: Path) -> None:
    """As YAML it is one at the left edge; as it looks, it is indented."""
    found = problems_of(loader(tmp_path, "title: x\nfacts:\n\u00a0\u00a0name: Ada\npages: []\n"))
    says = "site.yaml:3: a no-break space (U+00A0) stands before 'name'; write plain spaces there"
    assert found == [says]


def test_a_wrong_name_that_holds_a_character_nobody_sees_says_so(tmp_path: Path) -> None:
    """Copied names have one at their end, too."""
    found = problems_of(loader(tmp_path, SITE.replace("id: menu", "id: menu\u200b")))
    assert found[0].endswith("it holds a zero width space (U+200B), which nobody sees")


def test_a_no_break_space_in_a_text_is_part_of_it(tmp_path: Path) -> None:
    """French and prices have one."""
    site = loader(tmp_path, SITE.replace("A bakery", "Du pain\u00a0!")).load()
    assert site.description.startswith("Du pain")


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        (
            "  - id: a\n    title: A\n   - id: b\n    title: B\n",
            "4: the - of this list item stands 3 spaces in, that of one above 2; write them below",
        ),
        (
            "  - id: a\n    title: A\n - id: b\n   title: B\n",
            "4: the - of this list item stands 1 spaces in, that of one above 2",
        ),
        (
            "  - A text\n   - id: b\n",
            "3: the - of this list item stands 3 spaces in, that of one above 2",
        ),
        (
            "  - id: a\n    title: A\n     description: B\n",
            "4: this line is indented as if the text above went on; write its key below the others",
        ),
        ("  - id: a\n    title: A: B\n", "3: a second colon stands in a line; put the text in quo"),
    ],
)
def test_what_is_one_space_off_is_said_to_be(tmp_path: Path, pages: str, problem: str) -> None:
    """And is no second colon, of which there is none."""
    assert problems_of(loader(tmp_path, f"pages:\n{pages}"))[0].startswith(f"site.yaml:{problem}")


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("Platz #1", True),
        ("we are #team #kestrel", True),
        ("'Platz #1'", False),
        ("Kestrel # the new name", False),
        ("Kestrel#1", False),
        ("Kestrel ## heading", False),
    ],
)
def test_a_text_that_a_comment_cuts_short_is_a_warning(
    tmp_path: Path, text: str, warned: bool
) -> None:
    """It is legal YAML, and hardly what was meant; whoever means a comment writes a space."""
    one = loader(tmp_path, SITE.replace("A bakery", text, 1))
    one.load()
    cut = text.split(" #", maxsplit=1)[0]
    assert bool(one.doubts) == warned
    if warned:
        assert one.doubts == one.warnings
        assert one.doubts[0].startswith("pressroom/site.yaml:2: '#")
        assert f"is taken for a comment, and {cut!r} is all of the text" in one.doubts[0]


def test_a_cut_text_of_a_template_is_a_warning_as_well(tmp_path: Path) -> None:
    """A prompt without its end is drafted from, and paid for."""
    one = loader(tmp_path, hero=HERO.replace("Write it.", "Write #1 of ten.", 1))
    one.load()
    assert one.doubts[0].startswith("pressroom/templates/hero.yaml:2: '#1' is taken for a comm")


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("text", ['"A bakery HERE in Delft"', "A bakery # HERE"])
def test_a_line_end_that_nobody_sees_is_a_warning_where_the_site_can_be_read(
    tmp_path: Path, text: str, character: str
) -> None:
    """Whoever pasted it into a text has a site all the same."""
    written = SITE.replace("A bakery", text.replace("HERE", f"{character}  "), 1)
    one = loader(tmp_path, written)
    assert one.load().description.startswith("A bakery")
    [doubt] = one.doubts
    assert doubt == one.warnings[0]
    assert doubt.startswith("pressroom/site.yaml:2: a ")
    assert "ends a line where nobody sees it; write a space there" in doubt


def test_a_missing_site_says_what_to_do(tmp_path: Path) -> None:
    """It is taken up as soon as it is there."""
    one = loader(tmp_path)
    (tmp_path / "pressroom" / "site.yaml").rename(tmp_path / "site.yaml")
    assert "site.yaml:1: the file is missing; write it" in problems_of(one)[0]
    (tmp_path / "site.yaml").rename(tmp_path / "pressroom" / "site.yaml")
    assert one.load().title == "Kestrel"


def test_sections_that_cannot_be_drafted_are_warnings(tmp_path: Path) -> None:
    """An unknown template, or none and no text: the rest of the site goes on."""
    site = SITE.replace("template: hero,", "template: herro,") + "      - id: empty\n"
    one = loader(tmp_path, site)
    assert len(list(one.load().sections())) == 3
    assert one.warnings == (
        "pressroom/site.yaml:17: section menu/hero names the unknown template 'herro'; known: hero",
        "pressroom/site.yaml:21: section menu/empty has no template and no text; write one of them",
    )


def test_nothing_is_read_again_until_a_file_changes(tmp_path: Path) -> None:
    """The very same site is handed out."""
    one = loader(tmp_path)
    assert one.load() is one.load()


def test_a_change_is_taken_up_and_a_broken_one_leaves_the_last_good_version(tmp_path: Path) -> None:
    """So that work can go on while somebody is typing."""
    one = loader(tmp_path)
    first = one.load()
    file = tmp_path / "pressroom" / "templates" / "hero.yaml"
    file.write_text(HERO.replace("prompt:", "prompt"), encoding="utf-8")
    problems_of(one)
    problems_of(one)
    assert one.last_good is first
    file.write_text(HERO.replace("Write it.", "Write more."), encoding="utf-8")
    second = one.load()
    assert second.templates["hero"].prompt == "Write more."
    assert one.last_good is second
    assert second.hash != first.hash


def test_a_template_that_comes_or_goes_is_noticed(tmp_path: Path) -> None:
    """Its section becomes a warning, and none again."""
    one = loader(tmp_path)
    one.load()
    file = tmp_path / "pressroom" / "templates" / "hero.yaml"
    file.rename(file.with_name("intro.yaml"))
    assert list(one.load().templates) == ["intro"]
    assert len(one.warnings) == 1
    file.with_name("intro.yaml").rename(file)
    one.load()
    assert one.warnings == ()


def test_a_file_replaced_within_one_tick_of_the_clock_is_noticed(tmp_path: Path) -> None:
    """Same size, same time, but another file."""
    one = loader(tmp_path)
    one.load()
    file = tmp_path / "pressroom" / "site.yaml"
    before = file.stat()
    other = tmp_path / "other.yaml"
    other.write_text(SITE.replace("Kestrel", "Buzzard"), encoding="utf-8")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    assert one.load().title == "Buzzard"


def test_a_read_site_comes_back_from_its_document(tmp_path: Path) -> None:
    """With its hash, and its facts in the order in which they were written."""
    site = loader(tmp_path).load()
    back = site_from_document(site_to_document(site))
    assert back == site
    assert list(back.facts) == list(site.facts)
    assert len(site.hash) == 32


FACTS = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), FACTS), st.text(), st.text())
def test_any_site_comes_back_from_its_document(
    facts: dict[str, object], text: str, prompt: str
) -> None:
    """Whatever its facts and texts hold."""
    fields = (Field(name="a", type=FieldType.LIST, of=(Field(name="b", type=FieldType.URL),)),)
    template = Template(name="t", prompt=prompt, fields=fields, format=text, phrases={"a": facts})
    section = Section(page="p", id="s", text=text, facts=facts)
    site = Site(
        title=text,
        description="",
        language="en",
        facts=facts,
        pages=(Page(id="p", title=text, sections=(section,)),),
        templates={"t": template},
    )
    document = site_to_document(site)
    back = site_from_document(document)
    assert site_to_document(back) == document
    assert back.hash == site_from_document(document).hash
    assert (back.pages, back.templates, back.facts) == (site.pages, site.templates, site.facts)


COLLECTIONS = """\
title: Kestrel
pages:
  - id: legal/imprint
    file: about/Imprint.mdx
    language: de
    front: {layout: plain, weight: 3, tags: [a, b], draft: false}
    sections: [{id: body, template: body}]
collections:
  - id: posts
    files: "{language}/posts/**/*.md"
    exclude: ["**/README.md"]
    sections: [{id: meta, template: meta}, {id: body, template: body}]
    front: {layout: post}
    split: h2
    language_key: lang
    language: fr
    locked: true
"""
BODY = "prompt: Write.\nfields: {text: markdown}\nformat: '{text}'\n"
META = "prompt: Write.\nfront_matter: true\nfields: {title: line, og-image: url}\n"


def test_a_site_may_be_patterns_and_pages_with_their_files(tmp_path: Path) -> None:
    """It is stored as it is written, and its places are known."""
    one = loader(tmp_path, COLLECTIONS, body=BODY, meta=META)
    site = one.load()
    (page,) = site.pages
    assert (page.id, page.file, page.language, page.title) == (
        "legal/imprint",
        "about/Imprint.mdx",
        "de",
        "",
    )
    assert page.front == {"layout": "plain", "weight": 3, "tags": ["a", "b"], "draft": False}
    (posts,) = site.collections
    assert posts == Collection(
        id="posts",
        files=("{language}/posts/**/*.md",),
        exclude=("**/README.md",),
        sections=(
            Section(page="", id="meta", template="meta"),
            Section(page="", id="body", template="body"),
        ),
        split=True,
        front={"layout": "post"},
        language="fr",
        language_key="lang",
        locked=True,
    )
    assert one.patterns == {("posts", "{language}/posts/**/*.md"): "pressroom/site.yaml:10"}
    assert one.locks == {"collection:posts": "pressroom/site.yaml:17"}
    assert one.warnings == ()
    assert site.templates["meta"].front_matter
    assert site_from_document(site_to_document(site)) == site


def test_a_site_without_the_newer_keys_has_the_hash_that_it_had_before(tmp_path: Path) -> None:
    """So that no text of it is out of date after an update."""
    assert loader(tmp_path).load().hash == "11b0a9a5b375a6d09f0e8cb87adf6044"


def test_a_template_may_keep_other_sections_from_the_model(tmp_path: Path) -> None:
    """With `related: false`; without it, the site has the hash that it had before."""
    plain = loader(tmp_path / "plain", hero=HERO).load()
    site = loader(tmp_path / "said", hero=f"related: false\n{HERO}").load()
    assert (plain.templates["hero"].related, site.templates["hero"].related) == (True, False)
    assert site_from_document(site_to_document(site)) == site
    assert loader(tmp_path / "true", hero=f"related: true\n{HERO}").load().hash == plain.hash
    with pytest.raises(SiteProblems, match=r"hero.yaml:1: related is 'no'; write true or false"):
        loader(tmp_path / "no", hero=f"related: no\n{HERO}").load()


def test_pages_may_be_left_out_where_there_are_collections(tmp_path: Path) -> None:
    """Ten thousand pages need no line each."""
    only = "title: Kestrel\n" + COLLECTIONS[COLLECTIONS.index("collections:") :]
    assert loader(tmp_path, only, body=BODY, meta=META).load().pages == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("about/Imprint.mdx", "../x", "4: the file '../x' leaves the content folder; write a path"),
        ("about/Imprint.mdx", "/x.md", "4: the file '/x.md' leaves the content folder"),
        ("about/Imprint.mdx", "con.md", "4: the file 'con.md' cannot be a page's: some platform"),
        ("about/Imprint.mdx", "x.rst", "4: the file 'x.rst' cannot be a page's: it does not end"),
        ("language: de", "language: German", "5: language is 'German'; write a code such as en"),
        ("{layout: plain, weight: 3, tags: [a, b], draft: false}", "[a]", "6: front is a list"),
        (
            "collections:",
            "  - {id: two, title: Two, file: about/imprint.mdx}\ncollections:",
            "8: the file 'about/imprint.mdx' is another page's too (line 4)",
        ),
        (
            "  - id: posts\n    files",
            "  - files",
            "9: a collection has no id; write id: and a name",
        ),
        ("id: posts", "id: Posts!", "9: the collection id 'Posts!' is not a slug"),
        ('    files: "{language}/posts/**/*.md"\n', "", "9: collection posts has no files; write"),
        ("{language}/posts", "../posts", "10: the pattern '../posts/**/*.md' leaves the content"),
        ("{language}/posts", "{a,b}/posts", "10: the pattern '{a,b}/posts/**/*.md' has braces"),
        ("**/README.md", "/README.md", "11: the pattern '/README.md' leaves the content folder"),
        ("split: h2", "split: h3", "14: split is 'h3'; write h2, or leave it out"),
        (
            "{id: body, template: body}]\n    front: {layout: post",
            "{id: body, template: body}, {id: more, template: body}]\n    front: {layout: post",
            "9: collection posts is split and has 2 sections beside meta; write one",
        ),
        (
            "{id: body, template: body}]\n    front: {layout: post",
            "{id: body, text: Hi}]\n    front: {layout: post",
            "9: collection posts is split, and its section is a text; name a template",
        ),
        ("{layout: post}", "{title: post}", "12: front names 'title', which meta owns; keep one"),
        (
            "[{id: body, template: body}]",
            "[{id: a, template: meta}, {id: b, template: meta}]",
            "7: a and b both own the key 'title' of the front matter; take it out of one template",
        ),
        (
            "language_key",
            "langage_key",
            "15: a collection has no 'langage_key'; write language_key",
        ),
    ],
)
def test_a_mistake_in_a_collection_is_reported_with_its_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """And with what to write instead."""
    assert old in COLLECTIONS
    found = problems_of(loader(tmp_path, COLLECTIONS.replace(old, new, 1), body=BODY, meta=META))
    assert [f for f in found if f.startswith(f"site.yaml:{problem}")], found


def test_a_section_of_a_collection_without_template_is_a_warning(tmp_path: Path) -> None:
    """As on a page."""
    site = COLLECTIONS.replace(
        "[{id: meta, template: meta}, {id", "[{id: meta, template: mta}, {id"
    )
    site = site.replace("    split: h2\n", "")
    warnings = loader(tmp_path, site, body=BODY, meta=META)
    warnings.load()
    (warning,) = warnings.warnings
    assert warning.startswith("pressroom/site.yaml:12: section collection:posts/meta names the unk")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("fields", "format: x\nfields", "meta.yaml:3: front matter has no format; leave it out"),
        ("og-image: url", "tags: list", "meta.yaml:3: tags is a list; in front matter, write a li"),
        ("og-image", "og image", "meta.yaml:3: the key 'og image' is none that is usual in front"),
        (
            "front_matter: true",
            "front_matter: 1",
            "meta.yaml:2: front_matter is '1'; write true or",
        ),
    ],
)
def test_a_mistake_in_a_template_of_front_matter_is_reported(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """Its fields are keys, and each holds a single value."""
    found = problems_of(loader(tmp_path, body=BODY, meta=META.replace(old, new, 1)))
    assert [f for f in found if f.startswith(f"templates/{problem}")], found
