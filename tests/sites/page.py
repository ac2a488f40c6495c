"""One page of a made-up site: its front matter and its body, as its traits ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname, relpath
from random import Random

from tests.sites.front import front_matter
from tests.sites.prose import Writer
from tests.sites.traits import Traits

LONG = 6_200
"""Characters of a long body, at least (the measured bound is 6,000)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is settled about a page before it is written."""

    generator: str
    path: str
    """Within the site's folder."""
    title: str
    day: str
    language: str
    traits: Traits
    neighbours: Sequence[str] = ()
    """Paths of pages that it may link to."""


def page_bytes(draft: Draft, random: Random, *, journal: bool) -> bytes:
    """Return the file's bytes."""
    writer = Writer(random, draft.language, journal=journal)
    front = front_matter(draft, random, writer)
    body = "" if "front only" in draft.traits else _body(draft, random, writer)
    text = f"{front}\n{body}" if front and body else front + body
    return _encoded(_broken(text, draft.traits), draft.traits, random)


def _body(draft: Draft, random: Random, writer: Writer) -> str:
    if "rst" in draft.traits:
        return f"{writer.paragraph()}\n\n{writer.title()}\n{'-' * 40}\n\n{writer.paragraph()}\n"
    if "html" in draft.traits:
        return _html_page(draft, random, writer)
    parts = [*_imports(draft), *_opening(draft, random, writer)]
    extras = [make(draft, random, writer) for name, make in PIECES.items() if name in draft.traits]
    definitions = [_definitions(random)] if "reference links" in draft.traits else []
    random.shuffle(extras)
    while True:
        parts += _stretch(draft, random, writer, extras)
        if not extras and ("long" not in draft.traits or sum(map(len, parts)) > LONG):
            break
    if "footnotes" in draft.traits:
        definitions.append(f"[^1]: {writer.sentence()}")
    return "\n\n".join([*parts, *definitions]) + "\n"


def _imports(draft: Draft) -> Iterator[str]:
    if "mdx import" in draft.traits:
        component = "@site/src/components/Card" if draft.generator == "docusaurus" else "Card"
        path = component if component.startswith("@") else f"{_to_source(draft)}/{component}.astro"
        yield f"import Card from '{path}';"


def _to_source(draft: Draft) -> str:
    return relpath("src/components", dirname(draft.path))


def _opening(draft: Draft, random: Random, writer: Writer) -> Iterator[str]:
    if "none" in draft.traits and random.random() < 0.8:
        yield f"# {draft.title}"
    if "starts with h2" not in draft.traits:
        yield writer.paragraph()
        if random.random() < 0.15 and draft.generator == "hugo":
            yield "<!--more-->"


def _stretch(draft: Draft, random: Random, writer: Writer, extras: list[str]) -> Iterator[str]:
    """Yield a part of the body, below a heading of its own unless the page has none."""
    if "no h2" not in draft.traits:
        yield _heading(draft, random, writer)
    yield writer.paragraph()
    for _ in range(random.randint(1, 3)):
        if extras:
            yield extras.pop()
    if random.random() < 0.35:
        yield _list(random, writer)
    if "h3" in draft.traits:
        yield f"### {writer.heading()}"
        yield writer.paragraph()
        if random.random() < 0.2:
            yield f"#### {writer.heading()}"
            yield writer.sentence()


def _heading(draft: Draft, random: Random, writer: Writer) -> str:
    heading, dice = writer.heading(), random.random()
    if dice < 0.04:
        return f"{heading}\n{'-' * max(3, len(heading))}"
    if dice < 0.10 and draft.generator in {"hugo", "vitepress"}:
        return f"## {heading} {{#part-{random.randint(1, 99)}}}"
    return f"## {heading}{' ##' if dice > 0.98 else ''}"


def _list(random: Random, writer: Writer) -> str:
    mark = random.choice("-*+")
    items = [f"{mark} {writer.sentence()}" for _ in range(random.randint(2, 5))]
    if random.random() < 0.3:
        items.insert(1, f"  {mark} {writer.sentence()}")
    return "\n".join(items)


def _code(draft: Draft, random: Random, writer: Writer) -> str:
    fence = "~~~" if random.random() < 0.1 else "```"
    return fence + random.choice(CODE) + fence


CODE = (
    "sh\n# a comment, not a heading\ntidewater run --plan home.plan\n## nor is this\n",
    "yaml\n---\nplan: home\nkeep: 7\n---\n",
    "python\nfrom tidewater import Plan\n\n\nplan = Plan('home')\nplan.run()  # returns 0\n",
    "diff\n<<<<<<< HEAD\n-keep: 7\n=======\n+keep: 9\n>>>>>>> main\n",
    "html\n<!-- section: hero -->\n<p>An example of a mark.</p>\n",
    "\nplain text, and no language\n\n    indented\n",
)
"""Some look like what stands outside of code: headings, a merge, a mark, front matter."""


def _references(draft: Draft, random: Random, writer: Writer) -> str:
    return (
        f"{writer.sentence()} See [the forum][forum] and the [list of plans][]; "
        f"or [ask][Forum] us. {writer.sentence()}"
    )


def _definitions(random: Random) -> str:
    number = random.randint(1, 900)
    return (
        f'[forum]: https://forum.example.org/t/{number} "The forum"\n'
        f"[list of plans]: <https://example.org/plans?page={number}>"
    )


def _liquid(draft: Draft, random: Random, writer: Writer) -> str:
    jekyll = draft.generator == "jekyll"
    value = "{{ page.title }}" if jekyll else "{{ title }}"
    choices = [
        f"This page is called {value}. {writer.sentence()}",
        f"{{% if {'page.' if jekyll else ''}draft %}}\n{writer.sentence()}\n{{% endif %}}",
        "{% raw %}\nWrite `{{ name }}` where the name goes.\n{% endraw %}",
        f'{{% include note.html text="{writer.title().replace(chr(34), "")}" %}}'
        if jekyll
        else "{% assign answer = 42 %}The answer is {{ answer }}.",
    ]
    return random.choice(choices)


def _raw_html(draft: Draft, random: Random, writer: Writer) -> str:
    return random.choice(
        [
            f'<div class="note">\n\n{writer.paragraph()}\n\n</div>',
            f"<details>\n<summary>{writer.title()}</summary>\n\n{writer.sentence()}\n\n</details>",
            f"Press <kbd>Ctrl</kbd> and <kbd>K</kbd>.<br/>\n{writer.sentence()}",
        ]
        if draft.path.endswith(".mdx") or draft.generator == "docusaurus"
        else [
            f'<div class="note" markdown="1">\n<p>{writer.sentence()}</p>\n</div>',
            f"<!-- checked in May, ask Rosa -->\n\n{writer.paragraph()}",
            '<p align="center">\n  <img src="/img/harbour.png" alt="Harbour" width="300">\n</p>',
            f"Press <kbd>Ctrl</kbd> and <kbd>K</kbd>.<br>\n{writer.sentence()}",
        ]
    )


def _snippet(draft: Draft, random: Random, writer: Writer) -> str:
    match draft.generator:
        case "mkdocs":
            return '--8<-- "snippets/plan.md"'
        case "vitepress":
            return "<<< @/snippets/plan.js"
        case _:
            return '{{< snippet file="plan.txt" >}}'


def _links(draft: Draft, random: Random, writer: Writer) -> str:
    if not draft.neighbours:
        return writer.sentence()
    to = random.choice(draft.neighbours)
    return f"{writer.sentence()} More in [{writer.title()}]({relpath(to, dirname(draft.path))})."


def _shortcode(draft: Draft, random: Random, writer: Writer) -> str:
    tab = f'{{{{< tab name="Debian" >}}}}{writer.sentence()}{{{{< /tab >}}}}'
    return random.choice(
        [
            f"{{{{% notice tip %}}}}\n{writer.sentence()}\n{{{{% /notice %}}}}",
            '{{< photo src="/img/harbour.png" title="The harbour" >}}',
            f"{{{{< tabs >}}}}\n{tab}\n{{{{< /tabs >}}}}",
        ]
    )


def _admonition(draft: Draft, random: Random, writer: Writer) -> str:
    kind = random.choice(["tip", "info" if draft.generator == "vitepress" else "note", "danger"])
    return f":::{kind}\n\n{writer.sentence()}\n\n:::"


def _table(draft: Draft, random: Random, writer: Writer) -> str:
    rows = [f"| {n} | {writer.sentence()} |" for n in range(random.randint(2, 5))]
    return "\n".join(["| code | meaning |", "|-----:|:--------|", *rows])


def _image(draft: Draft, random: Random, writer: Writer) -> str:
    return f"![{writer.title().replace('?', '')}](/img/harbour.png)"


def _footnote(draft: Draft, random: Random, writer: Writer) -> str:
    return f"{writer.sentence()}[^1] {writer.sentence()}"


def _component(draft: Draft, random: Random, writer: Writer) -> str:
    return f'<Card title="Read on">\n  {writer.sentence()}\n</Card>'


Piece = Callable[[Draft, Random, Writer], str]
PIECES: Mapping[str, Piece] = {
    "code": _code,
    "reference links": _references,
    "liquid": _liquid,
    "raw html": _raw_html,
    "snippets": _snippet,
    "links to .md": _links,
    "shortcodes": _shortcode,
    "images": _image,
    "mdx import": _component,
    ":::": _admonition,
    "table": _table,
    "footnotes": _footnote,
}
"""By trait, what it adds to a body."""


def _html_page(draft: Draft, random: Random, writer: Writer) -> str:
    greeting = "<h1>{{ page.title }}</h1>\n" if draft.generator == "jekyll" else ""
    return (
        f'{greeting}<section class="lead">\n  <p>{writer.sentence()}</p>\n</section>\n'
        f"<h2>{writer.heading()}</h2>\n<ul>\n  <li>{writer.sentence()}</li>\n</ul>\n"
    )


def _broken(text: str, traits: Traits) -> str:
    lines = text.split("\n")
    if "merge conflict" in traits:
        at = max(len(lines) - 2, 0)
        theirs = ["<<<<<<< HEAD", lines[at], "=======", "Something else.", ">>>>>>> winter"]
        return "\n".join([*lines[:at], *theirs, *lines[at + 1 :]])
    if "never closes" in traits and lines[0] == "---":
        return "\n".join(line for n, line in enumerate(lines) if n == 0 or line != "---")
    return text


def _encoded(text: str, traits: Traits, random: Random) -> bytes:
    if "trailing spaces" in traits:
        lines = text.split("\n")
        at = random.randrange(len(lines))
        lines[at] = f"{lines[at]}  " if lines[at] not in {"", "---"} else lines[at]
        text = "\n".join(lines)
    if "no final newline" in traits:
        text = text.rstrip("\n")
    if "crlf" in traits:
        text = text.replace("\n", "\r\n")
    if "latin-1" in traits:
        return text.encode("latin-1", "replace") + "\nCafé\n".encode("latin-1")
    return ("\ufeff" if "bom" in traits else "").encode() + text.encode()
