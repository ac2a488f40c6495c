"""The rule by which a request has room in a budget, and what a model costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.config import Budget
from mcp_server.content.drafting.budget import RoundBudget, dollars, why_spent
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.prices import FREE, FlatPrice, price_of
from mcp_server.entities.usage import NANO, Limits, Room, Sums, day_of, room_for, room_in

AMOUNT = st.integers(0, 100)


@st.composite
def sums(draw: st.DrawFn) -> Sums:
    """Return what some entries come to; what is lost of them is a part of what is open."""
    open = draw(AMOUNT)
    return Sums(spent=draw(AMOUNT), open=open, lost=draw(st.integers(0, open)))


@given(st.none() | AMOUNT, AMOUNT, sums())
def test_a_request_has_room_exactly_where_nothing_can_pass_the_budget(
    limit: int | None, cost: int, found: Sums
) -> None:
    """It waits only for what somebody will give back, and pauses only where nobody will."""
    verdict = room_in("batch", limit, cost, found).verdict
    if limit is None:
        assert verdict == "granted"
        return
    assert (verdict == "granted") == (found.spent + found.open + cost <= limit)
    all_given_back = replace(found, open=found.lost)
    later = room_in("batch", limit, cost, all_given_back).verdict
    assert (verdict == "spent") == (later != "granted")
    assert later != "taken"


@given(AMOUNT, st.none() | AMOUNT, st.none() | AMOUNT, sums(), sums())
def test_both_budgets_hold(
    cost: int, batch: int | None, day: int | None, of_batch: Sums, of_day: Sums
) -> None:
    """Granted by both is granted; spent in one is spent, though the other would only wait."""
    room = room_for(cost, Limits(batch=batch, day=day), batch=of_batch, day=of_day)
    alone = {
        room_in("batch", batch, cost, of_batch).verdict,
        room_in("day", day, cost, of_day).verdict,
    }
    assert room.verdict == next(v for v in ("spent", "taken", "granted") if v in alone)


@given(st.lists(st.tuples(AMOUNT, st.floats(0, 1), st.booleans()), max_size=30), AMOUNT)
def test_no_sequence_of_requests_passes_the_budget(
    requests: list[tuple[int, float, bool]], limit: int
) -> None:
    """Each costs at most what it reserved; some never end."""
    found = Sums()
    for cost, share, ends in requests:
        if room_in("day", limit, cost, found).verdict != "granted":
            continue
        if ends:
            found = replace(found, spent=found.spent + int(cost * share))
        else:
            found = replace(found, open=found.open + cost, lost=found.lost + cost)
        assert found.counted <= limit


def test_a_day_is_that_of_utc() -> None:
    """Midnight begins the next one."""
    assert day_of(86_400 * 20_000 - 0.001) == 19_999
    assert day_of(86_400 * 20_000) == 20_000


@pytest.mark.parametrize(
    "choice",
    [
        ModelChoice(name="openai:gpt-5.2"),
        ModelChoice(name="openai-chat:gpt-5.2"),
        ModelChoice(name="gpt-5.2", url="https://api.openai.com/v1"),
        ModelChoice(name="gateway/openai:gpt-5.2"),
    ],
    ids=str,
)
def test_a_known_model_has_its_price_however_it_is_named(choice: ModelChoice) -> None:
    """1.75 dollars for a million tokens read, 14 for a million written."""
    price = price_of(choice, {})
    assert price is not None and not price.is_free
    assert price.most(1_000_000, 0) == 1.75 * NANO
    assert price.most(0, 1_000_000) == 14 * NANO


def test_the_most_that_a_request_costs_counts_what_is_put_into_the_cache() -> None:
    """Anthropic takes a quarter more for it, and OpenAI nothing."""
    price = price_of(ModelChoice(name="anthropic:claude-sonnet-4-5"), {})
    assert price is not None
    assert price.most(100_000, 0) == 0.375 * NANO


@pytest.mark.parametrize(
    ("choice", "environ"),
    [
        (ModelChoice(name="composer"), {}),
        (ModelChoice(name="gpt-5.2", url="http://127.0.0.1:11434/v1"), {}),
        (ModelChoice(name="ollama:llama3"), {"OLLAMA_BASE_URL": "http://localhost:11434/v1"}),
    ],
)
def test_what_runs_on_this_machine_costs_nothing(
    choice: ModelChoice, environ: dict[str, str]
) -> None:
    """Whatever its name: a file of weights may be called like anything."""
    assert price_of(choice, environ) is FREE


@pytest.mark.parametrize(
    "choice",
    [
        ModelChoice(name="openai:none-such"),
        ModelChoice(name="nobody:gpt-5.2"),
        ModelChoice(name="gpt-5.2", url="https://models.example/v1"),
    ],
)
def test_a_model_in_no_list_has_no_price(choice: ModelChoice) -> None:
    """Also where it has the name of one: another server may take anything for it."""
    assert price_of(choice, {}) is None


def test_a_fraction_of_the_smallest_unit_is_rounded_up() -> None:
    """So no sum is below what the provider takes."""
    assert FlatPrice(input_usd=0.0001, output_usd=0).most(1, 0) == 1
    assert FlatPrice(input_usd=3, output_usd=15).most(1_000, 100) == 4_500_000


def test_a_call_only_lowers_what_a_batch_may_cost() -> None:
    """Whatever the settings say; a round keeps what it began with."""
    settings = Budget(batch_usd=2, day_usd=10)
    assert RoundBudget.of(settings, 5).limits == Limits(batch=2 * NANO, day=10 * NANO)
    asked = RoundBudget.of(settings, 0.5)
    assert asked.limits == Limits(batch=NANO // 2, day=10 * NANO)
    assert RoundBudget.within({"budget": asked.terms}, Budget()) == asked
    assert RoundBudget.within({}, settings) == RoundBudget.of(settings)
    assert not RoundBudget.of(Budget()).is_set


@pytest.mark.parametrize(
    ("usd", "written"),
    [(0, "$0.00"), (1.934, "$1.93"), (1_200, "$1,200.00"), (0.0212, "$0.021"), (1e-6, "less than")],
)
def test_amounts_are_written_short(usd: float, written: str) -> None:
    """Two digits are enough to decide by."""
    assert dollars(usd).startswith(written)


def test_what_was_never_given_back_is_said() -> None:
    """Or the sums in the sentence would not explain it."""
    room = Room(
        verdict="spent",
        scope="batch",
        limit=2 * NANO,
        sums=Sums(spent=NANO, open=NANO // 2, lost=NANO // 2),
    )
    said = why_spent(room, NANO, RoundBudget(batch_usd=2))
    assert "$1.00 spent, $0.50 held by requests that never ended; one may cost $1.00" in said
    assert said.endswith("raise batch_usd under [budget] in pressroom.toml, then retry.")
