"""What drafting is expected to use."""

from __future__ import annotations

from mcp_server.content.actions.estimate import Tokens, estimate, from_limits
from mcp_server.content.drafting.prices import FlatPrice
from mcp_server.content.drafting.prompt import Prompt
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.entities.store import PastUsage

PRICE = FlatPrice(input_usd=1, output_usd=10)


def past(id: str, template: str, tokens_in: int, tokens_out: int) -> PastUsage:
    """Return what one draft used."""
    return PastUsage(
        entity_id=id, template=template, input_tokens=tokens_in, output_tokens=tokens_out
    )


def test_a_section_counts_as_before_else_as_others_of_its_template_else_as_it_may() -> None:
    """Each by the median: one answer that was asked for three times tells little."""
    asked: list[tuple[str, str]] = []

    def unseen(template: str, id: str) -> Tokens:
        asked.append((template, id))
        return Tokens(7_000, 70)

    drafts = [
        past("a/1", "hero", 100, 10),
        past("a/1", "hero", 9_000, 900),
        past("a/1", "hero", 200, 20),
        past("b/1", "hero", 400, 40),
    ]
    sections = {"a/1": "hero", "c/1": "hero", "d/1": "new", "e/1": "new"}
    found = estimate(sections, drafts, PRICE, unseen)
    assert asked == [("new", "d/1")]
    assert found.input_tokens == 200 + 300 + 2 * 7_000
    assert found.output_tokens == 20 + 30 + 2 * 70
    assert found.cost_usd is not None
    assert round(found.cost_usd, 6) == round((14_500 + 10 * 190) / 1e6, 6)
    assert found.from_drafts == 4
    assert estimate(sections, drafts, None, unseen).cost_usd is None


def test_without_a_past_the_prompt_and_the_limits_of_the_template_tell() -> None:
    """A list counts with a few items, whatever it may have."""
    line = Field(name="name", type=FieldType.LINE, length_max=40)
    template = Template(
        name="hero",
        prompt="",
        fields=(
            Field(name="head", type=FieldType.LINE),
            Field(name="text", type=FieldType.TEXT, length_max=1_000),
            Field(name="dishes", type=FieldType.LIST, of=(line,), items_max=50),
            Field(name="few", type=FieldType.LIST, items_max=2, length_max=100),
            Field(name="count", type=FieldType.INTEGER),
        ),
        format="",
    )
    found = from_limits(Prompt(shared="x" * 4_000, own="y" * 400), template)
    assert found.output_tokens == (200 + 1_000 + 5 * 40 + 2 * 100 + 4) // 4
    assert 1_100 <= found.input_tokens <= 1_120
    beside = from_limits(Prompt(shared="x" * 4_000, own="y" * 400), template, 1_000)
    assert beside.input_tokens == found.input_tokens + 1_000
