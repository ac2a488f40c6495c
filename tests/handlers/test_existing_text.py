"""Redrafting a text that was there before us: its site's own syntax survives (P14)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.content.drafting.drafter import (
    Drafted,
    Drafter,
    DraftRequest,
    Mode,
    ModelRefused,
    drafter_for,
)
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.site import Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, AuthorKind, Finding, Revision
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio

TOOL = "write_section"
BODY = Template(
    name="body",
    prompt="Write the page.",
    fields=(Field(name="text", type=FieldType.TEXT),),
    format="{text}",
)
SECTION = Section(page="docs/start", id="body", template="body")
SITE = Site(
    title="Loaf",
    description="A tool for bakers",
    language="en",
    facts={},
    pages=(Page(id="docs/start", title="Start", sections=(SECTION,)),),
    templates={"body": BODY},
)
OLD = """\
Welcome to {{ site.title }}. See [the guide][guide].

{{< figure src="/loaf.png" >}}

```sh
loaf --bake
```

[guide]: https://example.org/guide"""
NEW = """\
Start with {{ site.title }} here, and read [our guide][guide].

{{< figure src="/loaf.png" >}}

Then bake:

```sh
loaf --bake
```

[guide]: https://example.org/guide"""
ANSWER = "Start with ⟦1⟧ here, and read [our guide]⟦2⟧.\n\n⟦3⟧\n\nThen bake:\n\n⟦4⟧\n\n⟦5⟧"


def written(text: str, *, by: AuthorKind = "adopted", **different: Any) -> Revision:
    """Make the present text."""
    made: dict[str, Any] = {
        "type": PRODUCTION,
        "entity_id": "docs/start/body",
        "template": "body",
        "fields": {},
        "markdown": text,
        "author": Author(kind=by),
    }
    return Revision(**(made | different))


REQUEST = DraftRequest(
    site=SITE,
    section=SECTION,
    template=BODY,
    mode="with-current",
    current=written(OLD),
    instructions="Make it livelier.",
)


async def test_what_a_generator_reads_comes_back_letter_for_letter(llmock: LLMock) -> None:
    """P14: the model sees marks in its place, and what they stand for."""
    llmock.call_tool(TOOL, {"text": ANSWER})
    drafted = await draft(llmock)
    assert drafted.markdown == NEW
    assert drafted.fields == {"text": NEW}
    assert not [each for each in drafted.findings if each.level != "noted"]
    sent = json.dumps(llmock.last_request.body, ensure_ascii=False)
    assert "Welcome to ⟦1⟧. See [the guide]⟦2⟧." in sent
    assert "Hand in each mark exactly once" in sent
    assert sent.count("loaf --bake") == 1


async def test_tabs_that_indent_come_back(llmock: LLMock) -> None:
    """Nested lists and code of many sites are indented with them."""
    old = "Steps:\n\n- bake\n\t- slowly\n\t\t- very"
    request = replace(REQUEST, current=written(old))
    llmock.call_tool(TOOL, {"text": f"{old}\n- eat"})
    assert (await draft(llmock, request)).markdown == f"{old}\n- eat"


async def test_what_is_missing_is_asked_for_and_comes_back(llmock: LLMock) -> None:
    """The complaint names the marks, and quotes nothing."""
    llmock.call_tool(TOOL, {"text": ANSWER.replace("⟦1⟧", "Loaf").replace("\n\n⟦4⟧", "")})
    llmock.call_tool(TOOL, {"text": ANSWER})
    assert (await draft(llmock)).markdown == NEW
    assert len(llmock.requests) == 2
    assert "⟦1⟧, ⟦4⟧ are missing; hand in each mark" in said(llmock)


async def test_what_is_missing_again_is_held(llmock: LLMock) -> None:
    """P14: the wishes may have asked for it to go; it is never lost without a word."""
    llmock.call_tool(TOOL, {"text": ANSWER.replace("⟦3⟧\n\n", "")}, times=None)
    drafted = await draft(llmock)
    assert len(llmock.requests) == 2
    assert drafted.markdown == NEW.replace('{{< figure src="/loaf.png" >}}\n\n', "")
    gone = Finding(
        level="held", kind="existing syntax gone", piece='{{< figure src="/loaf.png" >}}'
    )
    assert gone in drafted.findings


async def test_what_the_last_answer_lacks_is_held_too(llmock: LLMock) -> None:
    """Each answer lacks something else."""
    for number in (1, 3, 4):
        llmock.call_tool(TOOL, {"text": ANSWER.replace(f"⟦{number}⟧", "so")})
    drafted = await draft(llmock)
    assert len(llmock.requests) == 3
    assert [e.piece for e in drafted.findings if e.kind == "existing syntax gone"] == [
        "```sh\nloaf --bake\n```"
    ]


async def test_a_piece_that_is_spelled_out_is_there(llmock: LLMock) -> None:
    """A model that does not take to marks loses nothing."""
    llmock.call_tool(TOOL, {"text": NEW})
    drafted = await draft(llmock)
    assert len(llmock.requests) == 1
    assert drafted.markdown == NEW
    assert not [each for each in drafted.findings if each.level == "held"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (ANSWER.replace("Then bake", "Then ⟦1⟧"), "⟦1⟧ is there more than once"),
        (ANSWER.replace("Then bake", "Then ⟦9⟧"), "⟦9⟧ is no mark of the present text"),
        (ANSWER.replace("⟦4⟧", "So: ⟦4⟧"), "⟦4⟧ must have a line to itself"),
    ],
)
async def test_marks_that_cannot_be_replaced_are_sent_back(
    llmock: LLMock, wrong: str, complaint: str
) -> None:
    """Until none of them is in the text."""
    llmock.call_tool(TOOL, {"text": wrong}).call_tool(TOOL, {"text": ANSWER})
    assert (await draft(llmock)).markdown == NEW
    assert complaint in said(llmock)
    llmock.call_tool(TOOL, {"text": wrong}, times=None)
    with pytest.raises(ModelRefused, match="⟦"):
        await draft(llmock)


async def test_written_afresh_the_syntax_of_a_file_survives_too(llmock: LLMock) -> None:
    """Other sections may use its definitions; of a model's own text nothing is shown."""
    llmock.call_tool(TOOL, {"text": ANSWER})
    afresh = replace(REQUEST, mode="new")
    assert (await draft(llmock, afresh)).markdown == NEW
    assert "which you write afresh" in said(llmock)
    llmock.call_tool(TOOL, {"text": "All new."})
    drafted = await draft(llmock, replace(afresh, current=written(OLD, by="model")))
    assert drafted.markdown == "All new."
    assert "data current-text" not in said(llmock)


async def test_a_held_draft_that_is_worked_from_stays_held(llmock: LLMock) -> None:
    """What it lacks is no less lost in the next one; what comes back is not."""
    lacks = tuple(
        Finding(level="held", kind="existing syntax gone", piece=piece)
        for piece in ("{{ site.title }}", "{{< toc >}}")
    )
    held = written("Some words.", by="model", type=PREVIEW, findings=lacks)
    llmock.call_tool(TOOL, {"text": "Other words."})
    drafted = await draft(llmock, replace(REQUEST, current=held))
    assert drafted.findings == lacks


async def test_syntax_that_the_text_had_not_is_refused_as_ever(llmock: LLMock) -> None:
    """Marks are no way to write some."""
    llmock.call_tool(TOOL, {"text": f"{ANSWER}\n\n{{{{ secret }}}}"}, times=None)
    with pytest.raises(ModelRefused, match="template syntax"):
        await draft(llmock)


META = Template(
    name="meta",
    prompt="Write what search engines show.",
    fields=(
        Field(name="title", type=FieldType.LINE),
        Field(name="description", type=FieldType.LINE, required=False),
    ),
    format="",
    front_matter=True,
)
VALUES = replace(
    REQUEST,
    template=META,
    site=replace(SITE, templates={"meta": META}),
    section=replace(SECTION, id="meta", template="meta"),
    current=written("title: Start [here]\ndescription: Old.", template="meta"),
)


@pytest.mark.parametrize("mode", ["with-current", "new"])
async def test_values_of_the_front_matter_are_shown_and_written_as_they_are_kept(
    llmock: LLMock, mode: Mode
) -> None:
    """They are no Markdown: nothing stands for what is in brackets."""
    llmock.call_tool(TOOL, {"title": "Begin: here", "description": "How to begin."})
    drafted = await draft(llmock, replace(VALUES, mode=mode))
    assert drafted.markdown == "title: Begin: here\ndescription: How to begin."
    assert "title: Start [here]" in said(llmock)
    assert "values of the page's front matter" in said(llmock)


async def test_a_title_is_written_from_what_its_page_says(llmock: LLMock) -> None:
    """The text is shown, as data, and what it says counts as said."""
    llmock.call_tool(TOOL, {"title": "Bake in 35 minutes", "description": "For 12 loaves."})
    says = "An oven is hot after 35 minutes. It holds 12 loaves."
    drafted = await draft(llmock, replace(VALUES, page_text=says))
    assert says in said(llmock)
    assert drafted.findings == ()


async def test_a_value_that_is_left_out_is_asked_for_and_held(llmock: LLMock) -> None:
    """To leave it out takes its key from the file."""
    llmock.call_tool(TOOL, {"title": "Begin"}, times=None)
    drafted = await draft(llmock, VALUES)
    assert len(llmock.requests) == 2
    assert "description had a value" in said(llmock)
    assert drafted.markdown == "title: Begin"
    gone = Finding(level="held", kind="existing syntax gone", piece="description: Old.")
    assert gone in drafted.findings


@pytest.mark.parametrize("opened", ["~~~\ncode", "<!-- note"])
async def test_a_text_that_would_swallow_the_next_is_sent_back(llmock: LLMock, opened: str) -> None:
    """Whatever it leaves open that the present text does not (P8)."""
    llmock.call_tool(TOOL, {"text": f"{ANSWER}\n\n{opened}"}).call_tool(TOOL, {"text": ANSWER})
    assert (await draft(llmock)).markdown == NEW
    assert len(llmock.requests) == 2


async def test_a_page_in_another_language_is_written_in_it(llmock: LLMock) -> None:
    """Most sites keep their languages in folders of one site."""
    llmock.call_tool(TOOL, {"text": ANSWER})
    page = replace(SITE.pages[0], language="de")
    await draft(llmock, replace(REQUEST, site=replace(SITE, pages=(page,))))
    assert "in the language of its page, de." in said(llmock)


async def draft(llmock: LLMock, request: DraftRequest = REQUEST) -> Drafted:
    """Return what becomes of the request."""
    async with opened(llmock) as drafter:
        return await drafter.draft(request, _silent)


def said(llmock: LLMock) -> str:
    """Return what the model was sent last."""
    return json.dumps(llmock.last_request.body, ensure_ascii=False)


@asynccontextmanager
async def opened(llmock: LLMock) -> AsyncGenerator[Drafter]:
    """Hold a drafter open, with a limit on how long a test may take."""
    choice = ModelChoice(name="llama3.2:3b", url=llmock.base_url("openai"))
    drafter = drafter_for(choice, environ={})
    with anyio.fail_after(PATIENCE_S):
        try:
            yield drafter
        finally:
            await drafter.aclose()


async def _silent(_current: int, _total: int, _message: str) -> None:
    """Report to nobody."""
