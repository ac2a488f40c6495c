"""The syntax of an existing text, hidden from a model and put back letter for letter (P14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.text.syntax import (
    MARK,
    Doubled,
    Hidden,
    Misplaced,
    Missing,
    Unknown,
    filled,
    filled_fields,
    hide,
    show,
)

FRAGMENTS = (
    "{{ {{{ }} }}} {% %} {%raw%} {%endraw%} {# #} <% %> {{< >}} {{% %}} {{%/tip%}} {: .wide} {#id} "
    "{.a b=c} <b> </b> <br/> <div <a title='x>y'> <!-- --> <kbd>K</kbd> <table> </table> <Foo "
    "x={1}> </Foo> {props.x} {/* */} ![alt](a.png) ![[embed]] [[wiki]] [text](to) [text][ref] "
    "[ref] [] [x] [^1] [TOC] [![a](b)](c) ` `` ``` ~~~ $$ $ \\ ⟦ ⟧ ⟦1⟧ ⟦01⟧ ⟦9⟧ > - * 1. # ::: "
    "words 12"
)
LINES = (
    "",
    "    indented",
    "\tindented",
    "[ref]: https://example.org 'T'",
    "[^1]: A note",
    "*[HTML]: Markup",
    '!!! note "Hi"',
    '=== "Tab"',
    '--8<-- "file.md"',
    "--8<--",
    "import A from 'a'",
    "export const a = {",
    "}",
    "~~~js",
    "```",
    "- item",
    "⟦2⟧",
    " ⟦ 3 ⟧ ",
    "{{< x >}}  ",
    "\r",
)
texts = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS.split(" ")),
        st.sampled_from(LINES).map("\n{}\n".format),
        st.text(max_size=9),
    ),
    max_size=30,
).flatmap(lambda parts: st.sampled_from(["", " ", "\n"]).map(lambda glue: glue.join(parts)))


@given(texts, st.booleans())
def test_what_was_hidden_is_shown_again_byte_for_byte(text: str, mdx: bool) -> None:
    """Whatever the text is, also where it holds marks like ours."""
    hidden = hide(text, mdx=mdx)
    assert show(hidden.text, hidden.pieces) == text
    assert [piece.number for piece in hidden.pieces] == [*range(1, len(hidden.pieces) + 1)]
    assert len(MARK.findall(hidden.text)) == len(hidden.pieces)


@given(texts, st.booleans(), st.data())
def test_a_mark_that_is_lost_doubled_or_strange_is_named(
    text: str, mdx: bool, data: st.DataObject
) -> None:
    """By its number."""
    hidden = hide(text, mdx=mdx)
    if not hidden.pieces:
        return
    piece = data.draw(st.sampled_from(hidden.pieces))
    less = hidden.text.replace(piece.mark, "", 1)
    assert show(less, hidden.pieces) == Missing((piece.number,))
    beyond = len(hidden.pieces) + 1
    for more, found in ((piece.number, Doubled), (beyond, Unknown)):
        assert show(f"{hidden.text}\n\n⟦{more}⟧", hidden.pieces) == found((more,))


PIECES = {
    "Hello {{ site.title }}!": ["{{ site.title }}"],
    "{% if x %}\nA\n{% endif %}": ["{% if x %}", "{% endif %}"],
    "{% raw %}\n```\n{{ x }}\n```\n{% endraw %}": [
        "{% raw %}\n```\n{{ x }}\n```\n{% endraw %}",
    ],
    "{% highlight js %}\na\n{% endhighlight %}": ["{% highlight js %}\na\n{% endhighlight %}"],
    'Before {{< figure src="/a.png" >}} after': ['{{< figure src="/a.png" >}}'],
    "{{% notice %}}\nWords\n{{% /notice %}}": ["{{% notice %}}", "{{% /notice %}}"],
    "{{< highlight go >}}\na > b\n{{< /highlight >}}": [
        "{{< highlight go >}}\na > b\n{{< /highlight >}}"
    ],
    "::: tip Title\nWords\n:::": ["::: tip Title", ":::"],
    ":::note[Title]\nWords\n:::": [":::note[Title]", ":::"],
    "See [the docs][ref] and [ref].": ["[ref]", "[ref]"],
    "See [ref][].": ["[ref][]"],
    "See [the docs](docs.md).": [],
    "See [the docs]({{ site.url }}/docs).": ["{{ site.url }}"],
    "[ref]: https://example.org\n[b]: /b 'B'": ["[ref]: https://example.org\n[b]: /b 'B'"],
    "A fact.[^1]\n\n[^1]: Said\n    there.\n\nMore.": ["[^1]", "[^1]: Said\n    there."],
    "- [ ] to do\n- [x] done": [],
    "<div class='a'>\n\nWords <em>here</em>\n\n</div>": [
        "<div class='a'>",
        "<em>",
        "</em>",
        "</div>",
    ],
    "Press <kbd>Ctrl</kbd>.": ["<kbd>Ctrl</kbd>"],
    "Summary <!-- more --> rest": ["<!-- more -->"],
    "<table>\n<tr><td>1</td></tr>\n</table>\n\nWords": [
        "<table>\n<tr><td>1</td></tr>\n</table>",
    ],
    "Mail <me@example.org> or <https://example.org>.": [],
    "1 < 2 and 3 > 2": [],
    '--8<-- "file.md"': ['--8<-- "file.md"'],
    '!!! note "Mind"\n    Words in it.': ['!!! note "Mind"'],
    "/// note | Mind\nWords\n///": ["/// note | Mind", "///"],
    "{* ../docs/a.py hl[1] *} and {!b.md!}": ["{* ../docs/a.py hl[1] *}", "{!b.md!}"],
    "# Title {#top}": ["{#top}"],
    "Words.\n{: .lead}": ["{: .lead}"],
    "[More](a){ .md-button }": ["{ .md-button }"],
    "[TOC]": ["[TOC]"],
    "[[Some Page]] and ![[image.png]]": ["[[Some Page]]", "![[image.png]]"],
    "![A (nice) cat](cat.png 'Cat') ends": ["![A (nice) cat](cat.png 'Cat')"],
    "[![build](b.svg)](https://ci) ok": ["[![build](b.svg)](https://ci)"],
    "> [!NOTE]\n> Words": ["[!NOTE]"],
    "Run `npm install` now": [],
    "Write `{{ x }}` so": ["`{{ x }}`"],
    "Code:\n\n```js\na\n```\n\nWords": ["```js\na\n```"],
    "- Item:\n\n    ```js\n    a\n    ```\n\n- Next": ["    ```js\n    a\n    ```"],
    "Code:\n\n    a\n\n    b\n\nWords": ["    a\n\n    b"],
    "- Item\n\n    goes on": [],
    "Never closed ```inline": [],
    r"An \[escaped\] and \<b\> stay": [],
    "$$\na^2\n$$\n\nWords": ["$$\na^2\n$$"],
    "*[HTML]: Markup": ["*[HTML]: Markup"],
    "⟦1⟧ is ours": ["⟦1⟧"],
}


@pytest.mark.parametrize("text", PIECES)
def test_the_pieces_of_a_markdown_text(text: str) -> None:
    """What generators read is hidden, what is to be reworded is not."""
    assert [piece.text for piece in hide(text).pieces] == PIECES[text]


MDX_PIECES = {
    "import A from 'a'\nimport B from 'b'\n\n# Hi": ["import A from 'a'\nimport B from 'b'"],
    "export const a = {\n\n  b: 1,\n}\n\nWords": ["export const a = {\n\n  b: 1,\n}"],
    "Hi {props.name}": ["{props.name}"],
    "{/* note */}": ["{/* note */}"],
    '<Tabs items={["a>b"]}>\n\nWords\n\n</Tabs>': ['<Tabs items={["a>b"]}>', "</Tabs>"],
    "<Card title='x' />": ["<Card title='x' />"],
    "<>Words</>": ["<>", "</>"],
    "    no code <A/>": ["<A/>"],
}


@pytest.mark.parametrize("text", MDX_PIECES)
def test_the_pieces_of_an_mdx_text(text: str) -> None:
    """Components, expressions and modules."""
    assert [piece.text for piece in hide(text, mdx=True).pieces] == MDX_PIECES[text]


def test_an_import_is_a_word_outside_of_mdx() -> None:
    """As are braces."""
    assert hide("import duties rise\n\nin {braces} here").pieces == ()


def test_a_piece_on_lines_of_its_own_must_have_them_again() -> None:
    """Within a paragraph a fence would be no fence."""
    hidden = hide("Words.\n\n```\na\n```\n\nMore {{ x }}.")
    assert hidden == Hidden("Words.\n\n⟦1⟧\n\nMore ⟦2⟧.", hidden.pieces)
    assert show("More ⟦2⟧ and ⟦1⟧.", hidden.pieces) == Misplaced((1,))
    assert show("- ⟦1⟧\n\n⟦2⟧", hidden.pieces) == Misplaced((1,))
    assert show("⟦2⟧\n\n  ⟦ 1 ⟧ ", hidden.pieces) == "{{ x }}\n\n```\na\n```"


def test_a_piece_gets_the_blank_lines_that_it_had() -> None:
    """A definition in a paragraph would be part of it."""
    hidden = hide("See [a].\n\n[a]: /a")
    assert show("See ⟦1⟧ there.\n⟦2⟧\nMore.", hidden.pieces) == (
        "See [a] there.\n\n[a]: /a\n\nMore."
    )


def test_pieces_are_put_back_at_any_depth_of_fields() -> None:
    """And what is no string stays."""
    pieces = hide("{{ a }} and {{ b }}").pieces
    fields = {"title": "⟦2⟧", "points": [{"x": "so ⟦1⟧"}, 3, None]}
    assert filled_fields(fields, pieces) == {
        "title": "{{ b }}",
        "points": [{"x": "so {{ a }}"}, 3, None],
    }
    assert filled("⟦7⟧ stays", pieces) == "⟦7⟧ stays"


@pytest.mark.parametrize("mdx", [False, True])
@pytest.mark.parametrize(
    "unit",
    ["[", "{", '<a "', "<a '", "`a``b", "![[x", "[a](", "{% raw %}", "<!--", "    ~~~a\n\n"],
)
def test_a_flood_of_openings_is_read_to_its_end(unit: str, mdx: bool) -> None:
    """Nobody closes them, and each is looked for once."""
    text = unit * 5_000
    hidden = hide(text, mdx=mdx)
    assert show(hidden.text, hidden.pieces) == text
