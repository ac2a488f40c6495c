"""What in a text runs, loads, or is no text: named wherever it hides, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.text.hazards import Hazard, Kind, all_hazards_in, hazards_in, kinds_of

INNOCENT = (
    "Bread from our own oven, every day from 7:30.",
    "a < b and c > d, x < area and form > y",
    "I <3 this bakery",
    "x <= 5, y >= 6, a <-> b, a -> b, 5 < 6 > 4",
    "AT&T, Q&A, &copy; 2026, &lt;script&gt; in words",
    "Write to <ada@example.org> or see <https://example.org/?a=b&c=d>.",
    "[Mail](mailto:ada@example.org), [call](tel:+31152121212), [map](geo:52.01,4.35)",
    "[Menu](/menu), [top](#top), [more](menu.md), [up](../about/), [find](?q=soup), [empty]()",
    '![The oven](/img/oven.png "Our oven")',
    "![Dot](data:image/png;base64,iVBORw0KGgo=)",
    "![Dot](data:image/webp;base64,UklGRg==)",
    'See [the list][1].\n\n[1]: https://example.org/list "The list"',
    "A note.[^1]\n\n[^1]: Measured in 2026.",
    "[^1]: https://example.org",
    "javascript: the good parts is a book",
    "language=javascript: yes",
    "Data: collected by us. File: the brown one.",
    "Dear {name}, welcome.",
    "50 % {off} today, 10 % of it",
    "{1, 2, 3} and {a|b} and ${price} and {x: 1}",
    "## Opening hours {#hours}",
    "{.lead}",
    "C# has { get; set; }",
    "`{{ x }}` and ``{% raw %}`` and `C++ <vector>` and `<script>`",
    "```\n{{ x }}\n<script>alert(1)</script>\n```",
    "~~~jinja\n{# x #}\n~~~",
    "> ```\n> {{ x }}\n> ```",
    "- One\n\n  ```\n  <!-- x --> {{ y }}\n  ```",
    "A `<think>` tag, in words",
    "\\<div> is how a division begins",
    "\\{\\{ is how a template begins",
    "H<sub>2</sub>O and x<sup>2</sup>, <em>so</em> <strong>well</strong>",
    "One line<br>and another<br/>and <wbr> a third",
    'The <abbr title="World Wide Web">WWW</abbr>, <kbd>Ctrl</kbd>, <q lang="fr">oui</q>',
    "„Guten Tag“, sagte sie. «Bonjour», dit-il. “Hello”, ‘hi’",
    "import duties are included",
    "Import and export: from Italy, to Asia",
    "export to forty countries",
    "| Dish | Price |\n| --- | --- |\n| Soup | 6.50 |\n| `a|b` | 7 |",
    "1. **Bold**, _slanted_, ~~gone~~\n2. > quoted\n\n***\n\n- [ ] to do\n- [x] done",
    "We were thinking about reasoning, and on reflection: yes.",
    "Ratio 3:4, C:\\bread, 100%, #1, a_b_c, 2*3*4, $E = mc^2$, \\(x\\)",
    "🥖 Brot, 面包, хлеб, خبز",
    "Chairs [4] and tables [see below], f(x) = x + 1",
    "",
)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_plain_text_is_left_alone(text: str) -> None:
    """A check that cries at prose is one that people learn to pass by."""
    assert hazards_in(text) == ()


HOSTILE: tuple[tuple[Kind, str], ...] = (
    (Kind.SCRIPT, "<script>alert(1)</script>"),
    (Kind.SCRIPT, "Open at <script>alert(1)</script> seven."),
    (Kind.SCRIPT, "<SCRIPT src=//x.example></SCRIPT>"),
    (Kind.SCRIPT, "<script\nsrc=x>"),
    (Kind.SCRIPT, "and <script"),
    (Kind.SCRIPT, "- One\n- Two <script>x</script>"),
    (Kind.SCRIPT, "> <script>x</script>"),
    (Kind.SCRIPT, "    <script>x</script>"),
    (Kind.SCRIPT, "\\\\<script>x</script>"),
    (Kind.SCRIPT, "*a* **<script>x</script>**"),
    (Kind.SCRIPT, "| a | b |\n| - | - |\n| ` <script>x</script> | ` |"),
    (Kind.SCRIPT, "| a | b |\n| - | - |\n| a ` b | c ` <script>x</script> ` |"),
    (Kind.SCRIPT, "`` ` `` <script>x</script> `"),
    (Kind.SCRIPT, "\\<script>x</script>"),
    (Kind.SCRIPT, "- One\n\n  ```\n  <script>x</script>\n  ```"),
    (Kind.SCRIPT, '```js title="x"\n<script>x</script>\n```'),
    (Kind.SCRIPT, "```\n<script>x</script>\n````"),
    (Kind.SCRIPT, "`a | <script>x</script>`"),
    (Kind.ACTIVE, "<meta \n\nand on"),
    (Kind.LINK, "[x]: javascript:alert(1)("),
    (Kind.SCRIPT, "    ```\n<script>x</script>\n"),
    (Kind.SCRIPT, "> " * 30 + "<script>x</script>"),
    (Kind.SCRIPT, "- " * 30 + "<script>x</script>"),
    (Kind.ACTIVE, "<iframe src=//x.example></iframe>"),
    (Kind.ACTIVE, "<object data=x></object>"),
    (Kind.ACTIVE, "<embed src=x>"),
    (Kind.ACTIVE, "<form action=/x><input name=y></form>"),
    (Kind.ACTIVE, "<style>* { display: none }</style>"),
    (Kind.ACTIVE, '<link rel="stylesheet" href="x.css">'),
    (Kind.ACTIVE, '<meta http-equiv="refresh" content="0">'),
    (Kind.ACTIVE, '<base href="//x.example">'),
    (Kind.ACTIVE, "<svg><a/></svg>"),
    (Kind.ACTIVE, "<math><mi>x</mi></math>"),
    (Kind.ACTIVE, "<img src=x>"),
    (Kind.HANDLER, "<img src=x onerror=alert(1)>"),
    (Kind.ACTIVE, "<svg/onload=alert(1)>"),
    (Kind.HANDLER, '<b onclick="x">a</b>'),
    (Kind.HANDLER, '<p ONMOUSEOVER = "x">a</p>'),
    (Kind.HANDLER, '[Here](/x){onclick="alert(1)"}'),
    (Kind.HANDLER, 'Text\n{: .lead onmouseover="alert(1)"}'),
    (Kind.LINK, "[Map](javascript:alert(1))"),
    (Kind.LINK, "[Map](JaVaScRiPt:alert(1))"),
    (Kind.LINK, "[Map](java&#x73;cript:alert(1))"),
    (Kind.LINK, "[Map](java&Tab;script:alert(1))"),
    (Kind.LINK, "[Map](&#106;avascript&colon;alert(1))"),
    (Kind.LINK, "[Map](javascript\\:alert(1))"),
    (Kind.LINK, "[Map](<javascript:alert(1)>)"),
    (Kind.LINK, "[Map](%6Aavascript:alert(1))"),
    (Kind.LINK, "[Map](vbscript:x)"),
    (Kind.LINK, "[Map](data:text/html,<b>)"),
    (Kind.LINK, "[Map](file:///etc/passwd)"),
    (Kind.LINK, "[Map](ms-search:x)"),
    (Kind.LINK, "![Map](javascript:alert(1))"),
    (Kind.LINK, "![Map](data:image/svg+xml;base64,PHN2Zz4=)"),
    (Kind.LINK, "<javascript:alert(1)>"),
    (Kind.LINK, "[Map][x]\n\n[x]: javascript:alert(1)"),
    (Kind.LINK, "[unused]: javascript:alert(1)"),
    (Kind.LINK, "[x]: /fine\n[x]: javascript:alert(1)"),
    (Kind.LINK, "[![Map](/a.png)](javascript:alert(1))"),
    (Kind.LINK, "![[Map](javascript:alert(1))](/a.png)"),
    (Kind.LINK, "[" + "[" * 40 + "a" + "]" * 40 + "](javascript:alert(1))"),
    (Kind.LINK, 'Here{: href="javascript:alert(1)"}'),
    (Kind.LINK, "    [Map](javascript:alert(1))"),
    (Kind.LINK, '<a href="javascript:alert(1)">a</a>'),
    (Kind.LINK, "<a href=java&#115;cript:alert(1)>a</a>"),
    (Kind.TEMPLATE, "{{ page.title }}"),
    (Kind.TEMPLATE, "Dear {{name}},"),
    (Kind.TEMPLATE, "{% include x %}"),
    (Kind.TEMPLATE, "{# a note #}"),
    (Kind.TEMPLATE, "{{< youtube x >}}"),
    (Kind.TEMPLATE, "{{% notice %}}"),
    (Kind.TEMPLATE, "{{ never closed"),
    (Kind.TEMPLATE, "{*{* `}}` {{ x"),
    (Kind.TEMPLATE, "&#123;&#123; x }}"),
    (Kind.TEMPLATE, "[a]({{url}})"),
    (Kind.TEMPLATE, '[a]: /x "{{ y }}"'),
    (Kind.TEMPLATE, "<% x %>"),
    (Kind.TEMPLATE, "    {{ x }}"),
    (Kind.TEMPLATE, "{#if x} y"),
    (Kind.THINKING, "<think>\nThe user wants bread.\n</think>\n\nBread."),
    (Kind.THINKING, "The user wants bread. </think> Bread."),
    (Kind.THINKING, "<thinking>x</thinking>"),
    (Kind.THINKING, "<reasoning>x</reasoning>"),
    (Kind.THINKING, "<thought>x"),
    (Kind.THINKING, "<thinking>x</thinking>"),
    (Kind.THINKING, "<seed:think>x</seed:think>"),
    (Kind.THINKING, "<longcat_think>x</longcat_think>"),
    (Kind.THINKING, "<inner_monologue>x</inner_monologue>"),
    (Kind.THINKING, "◁think▷x◁/think▷"),
    (Kind.THINKING, "[THINK]x[/THINK]"),
    (Kind.THINKING, "<unused94>thought"),
    (Kind.MARKER, "<|channel|>analysis<|message|>x<|end|>"),
    (Kind.MARKER, "<|channel>thought\nx<channel|>"),
    (Kind.MARKER, "<|START_THINKING|>x<|END_THINKING|>"),
    (Kind.MARKER, "Bread.<|im_end|>"),
    (Kind.MARKER, "<ifm|think>x"),
    (Kind.MARKER, "<｜end▁of▁sentence｜>"),
    (Kind.MARKER, "<start_of_turn>model"),
    (Kind.MARKER, "[INST] x [/INST]"),
    (Kind.MARKER, "<tool_call>x</tool_call>"),
    (Kind.COMMENT, "<!-- x -->"),
    (Kind.COMMENT, "a <!-- x --> b"),
    (Kind.COMMENT, "<!-- never closed"),
    (Kind.HTML, "<div>x</div>"),
    (Kind.HTML, '<em style="x">a</em>'),
    (Kind.HTML, "<em>never closed"),
    (Kind.HTML, "<?php x ?>"),
    (Kind.HTML, "<![CDATA[x]]>"),
    (Kind.HTML, "Dear <your name>,"),
    (Kind.MDX, 'import Chart from "./chart"'),
    (Kind.MDX, "import { a } from 'b'"),
    (Kind.MDX, "export const a = 1"),
    (Kind.MDX, "export default function Page() {}"),
    (Kind.MDX, "{props.children}"),
    (Kind.MDX, "Now: {fetch('x')}"),
    (Kind.MDX, "{/* a note */}"),
    (Kind.MDX, "<Chart {...props} />"),
)


@pytest.mark.parametrize(("kind", "text"), HOSTILE)
def test_what_is_no_plain_text_is_named(kind: Kind, text: str) -> None:
    """However it is written, and whatever stands around it."""
    assert kind in kinds_of(hazards_in(text))
    assert kind in kinds_of(hazards_in(f"Before.\n\n{text}\n\nAfter."))


def test_the_words_for_a_kind_say_nothing_of_the_text() -> None:
    """They are shown to people and to chats as they are."""
    assert all(kind.value.replace(" ", "").isalpha() for kind in Kind)


def test_a_script_is_one_piece_with_what_it_does() -> None:
    """So that nobody puts another into a tag that was there before."""
    assert hazards_in("a <script>b()</script> c") == (Hazard(Kind.SCRIPT, "<script>b()</script>"),)
    escaped = hazards_in("\\<script>b()</script> <script>c()</script>")
    assert Hazard(Kind.SCRIPT, "<script>c()</script>") in escaped


def test_a_script_that_is_never_closed_goes_on_to_the_end() -> None:
    """As a browser reads it."""
    (found,) = hazards_in("a <script>b()\n\n`c()`\n\nd")
    assert "c()" in found.piece and found.piece.rstrip().endswith("d")


def test_the_worst_kind_comes_first_and_each_once() -> None:
    """A list that is cut short leaves out what matters least."""
    found = hazards_in("<div>{{ x }} {{ y }}<script>z</script></div>")
    assert kinds_of(found) == (Kind.SCRIPT, Kind.TEMPLATE, Kind.HTML)


PARTS = (
    *(text for _, text in HOSTILE),
    *INNOCENT,
    *"<>{}[]()`\\&#!|:%/\"'=-~*_ \n\t\x00\u200b\ud800",
    "](",
    "]: ",
    "&#106;",
    "javascript:",
    "script",
    "    ",
    "> ",
    "```\n",
)
MIXED = st.lists(st.sampled_from(PARTS) | st.text(max_size=8), max_size=12).map("".join)


@given(MIXED)
def test_any_text_can_be_looked_at(text: str) -> None:
    """Nothing is raised, and the quick look at plain prose misses nothing."""
    assert hazards_in(text) == all_hazards_in(text)


FLOODS = (
    *"<[`*&>{\\",
    *("![", "[a\n", "<a ", "<!--", "x <!-", "<?", "{{ ", "{# ", "<% ", "`` ` ", "]: ", "]( "),
    *("<a b='", "{ onabc ", "{f(", "import a, { ", "<|", "<think ", "◁a", "<script>", "<b>"),
    *("    <a\n", "&#123;", "<svg> "),
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", FLOODS)
def test_the_time_it_takes_grows_no_faster_than_the_text(part: str) -> None:
    """64 kB of what parsers stumble over are done within the time that a test has."""
    all_hazards_in(part * (65_536 // len(part)))
