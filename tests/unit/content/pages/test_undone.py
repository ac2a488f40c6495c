"""A write is taken back from a file that somebody has changed elsewhere since (P9)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.pages.layout import Layout, Part
from mcp_server.content.pages.page_text import PageText, parse
from mcp_server.content.pages.splice import splice
from mcp_server.content.pages.undone import merged, undone

LAYOUT = Layout(
    page="a",
    file="a.md",
    parts=(Part(section="meta", keys=("title", "description")), Part(section="body")),
)
OLD = b"---\ntitle:   'Plain'  # as agreed\nweight: 3\ndescription: >-\n  One\n  two\n---\n"


def page(data: bytes) -> PageText:
    parsed = parse(data, LAYOUT)
    assert isinstance(parsed, PageText)
    return parsed


def test_a_title_gets_its_quotation_marks_back() -> None:
    """And a description its lines, an empty body its blank lines; what came since stays."""
    new = splice(page(OLD), {"meta": "title: New\ndescription: Short", "body": "Text."})
    now = new.replace(b"weight: 3\n", b"weight: 3\nmore: 1\n")
    changes = {"meta": "title: Plain\ndescription: One two", "body": None}
    assert splice(page(now), changes) != OLD.replace(b"weight: 3\n", b"weight: 3\nmore: 1\n")
    back = undone(page(now), changes, [(OLD, new)])
    assert back == OLD.replace(b"weight: 3\n", b"weight: 3\nmore: 1\n")


def test_nothing_is_taken_back_that_nobody_asked_for() -> None:
    """Another text, another key, the same lines changed."""
    new = splice(page(OLD), {"body": "Text."})
    now = new.replace(b"weight: 3", b"weight: 4")
    assert undone(page(now), {"body": "Other."}, [(OLD, new)]) is None
    assert undone(page(now), {"body": None}, [(OLD.replace(b"3", b"5"), new)]) is None
    assert undone(page(new + b"More.\n"), {"body": None}, [(OLD, new)]) is None


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"c\r\n"]), max_size=8).map(b"".join)


@given(LINES, LINES, LINES)
def test_changes_to_other_lines_are_all_kept(base: bytes, one: bytes, other: bytes) -> None:
    """What only one side has changed is as it has it."""
    assert merged(base, one, base) == one
    assert merged(base, base, other) == other
    between = b"x\ny\nz\n"
    assert merged(base + between + base, one + between + base, base + between + other) == (
        one + between + other
    )
