"""Two texts are the same where Markdown makes the same of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.text.tree import same_text, tree_hash

WORDS = st.lists(
    st.sampled_from(["*", "_", "`", "#", "-", "\n", "\n\n", " ", "a", "[", "](b)", "|"])
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\r\nb", "a\nb"),
        ("\n\na\n\n", "a"),
        ("# A", "A\n==="),
        ("## A ##", "## A"),
        ("* a\n* b", "- a\n- b"),
        ("1. a\n1. b", "1. a\n2. b"),
        ("1) a", "1. a"),
        ("*a* __b__", "_a_ **b**"),
        ("a  \nb", "a\\\nb"),
        ("a\nb c", "a b\nc"),
        ("~~~ js\nx\n~~~", "```js\nx\n```"),
        ("***", "---"),
        ("|a|b|\n|-|-|\n|1|2|", "| a   | b   |\n| --- | --- |\n| 1   | 2   |"),
        ("[a][b]\n\n[b]: c", "[a][b]\n\n[b]: <c>"),
        ("snake\\_case", "snake_case"),
        ("- a\n\n      code", "-   a\n\n        code"),
        ("<div>\n x\n</div>\n", "<div>\n x\n</div>"),
    ],
)
def test_what_a_formatter_changes_is_no_change(one: str, other: str) -> None:
    """P10: bullets, emphasis, headings, tables, line ends."""
    assert same_text(one, other)
    assert tree_hash(one) == tree_hash(other)
    assert len(tree_hash(one)) == 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "b"),
        ("# A", "## A"),
        ("- a\n- b", "1. a\n2. b"),
        ("3. a", "1. a"),
        ("- a\n- b", "- a\n\n- b"),
        ("*a*", "**a**"),
        ("`a b`", "`a  b`"),
        ("```js\nx\n```", "```ts\nx\n```"),
        ("    x", "```\nx\n```"),
        ("[a](b)", "[a](c)"),
        ("[a](b)", '[a](b "t")'),
        ("![a](b)", "[a](b)"),
        ("x\n\n[b]: c", "x"),
        ("x\n\n[b]: c", "x\n\n[b]: d"),
        ("|a|\n|-|\n|1|", "|a|\n|:-:|\n|1|"),
        ("<b>a</b>", "a"),
        ("\\{{< x >}}", "{{< x >}}"),
        ("a\\[^1]", "a[^1]"),
        ("!!! note\n    a", "!!! note\na"),
        ("a  \nb", "a\nb"),
        ("> " * 9 + "a", "> " * 9 + "b"),
        ("- " * 30 + "a", "- " * 30 + "b"),
        ("x " * 110_000 + "a", "x " * 110_000 + "b"),
    ],
)
def test_what_readers_see_is_a_change(one: str, other: str) -> None:
    """P10: also what some generator makes of it, and what is too deep or too long to be parsed."""
    assert not same_text(one, other)


@given(text=st.one_of(st.text(), WORDS.map("".join)))
def test_any_text_has_a_tree(text: str) -> None:
    """It never fails, and line ends and blank lines around never matter."""
    assert same_text(text, f"\n\n{text}\r\n\r\n") or "\r" in text
    assert tree_hash(text) == tree_hash(text)
