"""The composer as a drafter: checked like a model's text, reported, and slow if asked to be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import anyio
import pytest

from mcp_server.content.drafting.complaints import complaint_about
from mcp_server.content.drafting.composer import ComposerGap
from mcp_server.content.drafting.drafter import (
    Drafted,
    Drafter,
    DraftRequest,
    ModelDrafter,
    drafter_for,
    inputs_hash,
)
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.site import Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.entities.entity import Author
from tests.waiting import PATIENCE_S

COMPOSER = ModelChoice(name="composer")
HERO = Template(
    name="hero",
    prompt="Write a warm opening.",
    fields=(
        Field(name="headline", type=FieldType.LINE),
        Field(name="intro", type=FieldType.TEXT, required=False),
    ),
    format="# {headline}\n\n{intro}",
    phrases={"headline": ["{facts.name}"], "intro": ["{brief}"]},
)
SECTION = Section(page="home", id="hero", template="hero", brief="Bread from our own oven.")
SITE = Site(
    title="Zon",
    description="A bakery",
    language="en",
    facts={"name": "Bakkerij Zon"},
    pages=(Page(id="home", title="Home", sections=(SECTION,)),),
    templates={"hero": HERO},
)
REQUEST = DraftRequest(site=SITE, section=SECTION, template=HERO, mode="leave")


@pytest.mark.anyio
async def test_the_composer_writes_a_placeholder_that_costs_nothing() -> None:
    """With its Markdown, and marked as the composer's."""
    drafted = await draft(REQUEST)
    assert drafted.fields == {"headline": "Bakkerij Zon", "intro": "Bread from our own oven."}
    assert drafted.markdown == "# Bakkerij Zon\n\nBread from our own oven."
    assert drafted.author == Author(kind="composer", name="composer")
    assert drafted.inputs_hash == inputs_hash(REQUEST, "composer")
    assert (drafted.input_tokens, drafted.output_tokens, drafted.cost_usd) == (None, None, None)


@pytest.mark.anyio
async def test_the_composer_heeds_neither_mode_nor_instructions() -> None:
    """It cannot follow them; the hash tells that they were others."""
    told = replace(REQUEST, mode="with-current", instructions="Rhyme.")
    assert (await draft(told)).fields == (await draft(REQUEST)).fields
    assert (await draft(told)).inputs_hash != (await draft(REQUEST)).inputs_hash


@pytest.mark.anyio
async def test_a_missing_fact_fails_with_what_to_add() -> None:
    """Nothing is invented."""
    with pytest.raises(ComposerGap, match=r"add facts\.name to site\.yaml"):
        await draft(replace(REQUEST, site=replace(SITE, facts={})))


@pytest.mark.anyio
async def test_a_composed_text_that_does_not_fit_fails_with_what_is_wrong() -> None:
    """Phrases are held to the template's format like a model's answer."""
    heading = replace(HERO, phrases={**HERO.phrases, "intro": ["# Not yours\n\nText."]})
    with pytest.raises(ComposerGap) as caught:
        await draft(replace(REQUEST, template=heading))
    assert caught.value.misfit == complaint_about(
        heading, {"headline": "x", "intro": "# Not yours\n\nText."}
    )
    assert "change the phrases of the template hero" in str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize("delay_s", [0.0, 0.003])
async def test_the_composer_reports_three_steps(delay_s: float) -> None:
    """Slowed for a demonstration or not."""
    steps: list[tuple[int, int, str]] = []

    async def report(current: int, total: int, message: str) -> None:
        steps.append((current, total, message))

    await drafter_for(COMPOSER, composer_delay_s=delay_s).draft(REQUEST, report)
    assert steps == [(1, 3, "reading the facts"), (2, 3, "writing"), (3, 3, "checking")]


@pytest.mark.anyio
async def test_a_slowed_composer_can_be_cancelled() -> None:
    """A demonstration that is killed half-way ends at once."""
    reached = anyio.Event()

    async def report(_current: int, _total: int, _message: str) -> None:
        reached.set()

    slow = drafter_for(COMPOSER, composer_delay_s=3600)
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(slow.draft, REQUEST, report)
            await reached.wait()
            group.cancel_scope.cancel()


def test_a_configured_model_is_never_replaced_by_the_composer() -> None:
    """Not even without a key: that is said when it is used."""
    drafter = drafter_for(ModelChoice(name="openai:gpt-5.2"), environ={})
    assert isinstance(drafter, ModelDrafter)


def test_nothing_heavy_is_imported_before_a_model_is_asked() -> None:
    """The command line and the handshake must not wait seconds."""
    program = (
        "import sys\nfrom mcp_server.content.drafting import drafter as d, model as m\n"
        "d.drafter_for(m.ModelChoice(name='openai:gpt-5.2'))\n"
        "print(*{'pydantic_ai', 'openai', 'anthropic', 'keyring'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    assert ran.stdout.strip() == ""


async def draft(request: DraftRequest, drafter: Drafter | None = None) -> Drafted:
    """Return what the composer writes."""
    return await (drafter or drafter_for(COMPOSER)).draft(request, _silent)


async def _silent(*_args: Any) -> None:
    """Report to nobody."""


@pytest.mark.parametrize("absent", [None, "", "  "])
def test_an_optional_field_that_is_null_or_empty_is_no_complaint(absent: str | None) -> None:
    """Our own schema offers null; it counts as left out, in groups too."""
    template = Template(
        name="prices",
        prompt="Write prices.",
        fields=(
            Field(
                name="items",
                type=FieldType.LIST,
                of=(
                    Field(name="name", type=FieldType.LINE),
                    Field(name="details", type=FieldType.LINE, required=False),
                ),
            ),
        ),
        format="| What | |\n| --- | --- |\n| {items.name} | {items.details} |\n",
    )
    fields = {"items": [{"name": "Tea", "details": absent}, {"name": "Cake", "details": "warm"}]}
    assert complaint_about(template, fields) is None
