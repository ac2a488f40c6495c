"""Page files of all kinds for the tests: what people, editors and generators make of them."""

from __future__ import annotations

from hypothesis import strategies as st

from mcp_server.content.pages.layout import Layout, Part
from mcp_server.content.pages.mark_lines import mark_line

META = Part(section="meta", keys=("title", "description", "weight"))
PARTS = (META, Part(section="hero"), Part(section="hours"), Part(section="wine"))
MARKED = Layout(page="menu", file="menu.md", parts=PARTS)
MDX = Layout(page="menu", file="menu.mdx", parts=PARTS)
SINGLE = Layout(page="menu", file="menu.md", parts=PARTS[:2])
SPLIT = Layout(page="menu", file="menu.md", parts=PARTS[:1], split=True)

LINES = [
    "",
    "",
    "  ",
    "Fresh *pasta*",
    "[a]: https://example.org",
    "- one",
    "  ```",
    "    code",
    "1. ```sh",
    "```",
    "~~~ md",
    "~~~",
    "## Second level",
    "Underlined",
    "---",
    "***",
    "===",
    "> quote",
    "<div>",
    "</div>",
    "<pre>",
    "</pre>",
    "<!--",
    "-->",
    "<!-- section: hero -->",
    "<!-- section: menu/hours -->",
    "<!-- \\section: wine -->",
    "<!-- \\\\section: wine -->",
    "<!-- section: zebra -->",
    "<!-- section: other/hero -->",
    " <!-- section: hero -->",
    "{/* section: hero */}",
    "{/* section: menu/wine */}",
    "{/*",
    "*/}",
    "{% comment %}",
    "{% endcomment %}",
    "{{< highlight >}}",
    "{{< /highlight >}}",
    "import X from './x'",
    "title: no",
    "\xa0",
    "\u2028",
    "\x0b",
    "trailing  ",
    "\tindented",
]
BLOCKS = [
    "Fresh *pasta*",
    "- one\n- two\n\n  more",
    "```sh\n<!-- section: hours -->\n## no\n```",
    "~~~\n```\n<!-- section: wine -->\n~~~",
    "<!--\n<!-- section: wine -->\n## no\n",
    "<div>\n\nHi\n\n</div>",
    "> quote\n> more",
    "| a | b |\n| - | - |\n| 1 | 2 |",
    "{% highlight sh %}\n## no\n{% endhighlight %}",
    "    code\n\n    more",
    "1. ```\n   ## no\n   ```",
    "### Deeper",
    "Grüße \N{SLICE OF PIZZA}",
    "hard  \nbreak",
]
FRONTS = [
    "",
    "---\n---\n",
    "---\ntitle: Menu\n---\n",
    '---\n# first\ntitle: "Menu: all"   # ours\nweird: [a,\nb]\nweight: 7\n\ndraft: true\n...\n',
    "---\ntags:\n- a\n- title: no\nparams:\n  title: no\ndescription: >-\n  one\n  two\n---\n",
    "---\ndescription: 'it''s'\n'odd key': |\n  title: no\n\ntitle:\n  plain\n  lines\n---\n",
    "---\nlayout: &x post\nother: *x\nweight: 3\n# last\n---\n",
]

TEXTS = st.one_of(
    st.lists(st.sampled_from(BLOCKS), max_size=4).map("\n\n".join),
    st.lists(st.sampled_from(LINES), max_size=8).map("\n".join),
    st.text(max_size=12),
)
"""What may be asked for; some of it is refused."""
GOOD_TEXTS = st.lists(
    st.sampled_from([block for block in BLOCKS if not block.startswith("<!--\n")]),
    min_size=1,
    max_size=4,
).map("\n\n".join)
"""What is never refused."""


@st.composite
def wild_files(draw: st.DrawFn) -> bytes:
    """Draw any lines, each with a line end of its own."""
    lines = draw(st.lists(st.sampled_from(LINES), max_size=24))
    ends = draw(st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=3))
    body = "".join(line + ends[i % len(ends)] for i, line in enumerate(lines))
    last = draw(st.sampled_from(["", "x", "  ", "\n\n"]))
    return (draw(st.sampled_from(["", "\ufeff"])) + front(draw, ends[0]) + body + last).encode()


@st.composite
def tidy_files(draw: st.DrawFn, layout: Layout) -> bytes:
    """Draw a file as people keep it: one line end throughout, and texts that leave nothing open."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    blank = st.sampled_from(["\n", "\n\n", "\n\n\n"])
    opening = "## {}" if layout.split else mark_line("{}", layout.marks).replace("{/*", "{{/*")
    opening = opening.replace("*/}", "*/}}")
    body = draw(st.sampled_from(["", "\n", "\n\n"])) + draw(GOOD_TEXTS)
    if layout is not SINGLE:
        names = draw(st.lists(st.sampled_from(["hero", "hours", "wine", "zebra"]), unique=True))
        for name in names:
            text = draw(st.one_of(st.just(""), GOOD_TEXTS))
            body += f"\n\n{opening.format(name)}{draw(blank)}{text}"
    body += draw(st.sampled_from(["", "\n", "\n\n"]))
    bom = draw(st.sampled_from(["", "\ufeff"]))
    return (bom + front(draw, "\n") + body).replace("\n", end).encode()


def front(draw: st.DrawFn, end: str) -> str:
    """Draw a front matter with these line ends."""
    return draw(st.sampled_from(FRONTS)).replace("\n", end)
