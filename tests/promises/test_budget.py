"""What asking the model costs: counted as the provider counts it, and never above a budget."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mcp_server.interfaces.http.metrics import scrape
from mcp_server.interfaces.services import Services
from tests.billing import MODEL, Provider, provider, usd
from tests.harness import Desk, ManualClock, desk, small_site, trusted
from tests.promises.moves import QUICK, settings
from tests.wire import query

pytestmark = pytest.mark.anyio

ANSWER_TOKENS = 4_000


def site(root: Path, monkeypatch: pytest.MonkeyPatch, paid: Provider, **budget: Any) -> Path:
    """Make a workspace with six sections, whose model is the provider's."""
    for name, value in paid.environ.items():
        monkeypatch.setenv(name, value)
    root = small_site(root, {"menu": 6}, **QUICK, model=MODEL)
    write_budget(root, answer_tokens=ANSWER_TOKENS, **budget)
    return trusted(root)


def write_budget(root: Path, **budget: Any) -> None:
    """Set `[budget]`, which nothing else of the file follows."""
    before = (root / "pressroom.toml").read_text("utf-8").partition("[budget]")[0]
    lines = ["[budget]", *(f"{name} = {value}" for name, value in budget.items())]
    (root / "pressroom.toml").write_text(before + "\n".join(lines) + "\n", "utf-8")


def ledger(root: Path) -> Mapping[str, Any]:
    """Return what the ledger comes to: spent, reserved, and how many entries of each kind."""
    [row] = query(
        root,
        "SELECT coalesce(sum(cost), 0),"
        " coalesce(sum(CASE WHEN closed_at IS NULL THEN reserved_cost ELSE 0 END), 0),"
        " count(closed_at), count(*) - count(closed_at) FROM usage",
    )
    return dict(zip(("spent", "reserved", "closed", "open"), row, strict=True))


async def test_a_batch_pauses_before_it_would_cost_more_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever runs at once; each request is entered with what the provider charges for it.

    It goes on with a higher `maxCostUsd`, up to `batch_usd`, over all rounds.
    """
    with provider(seconds=0.05) as paid:
        root = site(tmp_path, monkeypatch, paid, batch_usd=0.5)
        async with desk(root) as chat:
            paused = await chat.run("generate-all", maxCostUsd=0.15)
            batch = paused["batchId"]
            counted = ledger(root)
            assert paused["status"] == "paused" and 0 < len(paid.bills) < 6
            assert counted["spent"] == paid.cost <= 0.15e9
            assert (counted["closed"], counted["open"]) == (len(paid.bills), 0)
            assert "The batch's budget of $0.15 has no room for a request" in paused["message"]
            assert "`retry` with a higher maxCostUsd goes on, up to $0.50." in paused["message"]
            again = await chat.run("retry", batchId=batch, maxCostUsd=0.5)
    assert again["status"] == "completed"
    assert ledger(root)["spent"] == paid.cost <= 0.5e9
    assert paid.limits == [ANSWER_TOKENS] * len(paid.bills)
    [revisions] = query(root, "SELECT sum(cost_usd) FROM revisions WHERE author_kind = 'model'")
    assert revisions[0] == pytest.approx(usd(paid.cost))


async def test_a_day_has_a_budget_of_its_own_and_the_next_day_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over all batches, by UTC; `retry` goes on the next day."""
    with provider() as paid:
        root = site(tmp_path, monkeypatch, paid, day_usd=0.15)
        clock = ManualClock(time.time())
        async with desk(root, clock=clock) as chat:
            paused = await chat.run("generate-all")
            today = len(paid.bills)
            assert "Today's budget (UTC) of $0.15 has no room" in paused["message"]
            assert "`retry` goes on tomorrow," in paused["message"]
            same = await chat.run("retry", batchId=paused["batchId"])
            assert same["status"] == "paused" and len(paid.bills) == today
            clock.advance(86_400)
            again = await chat.run("retry", batchId=paused["batchId"])
    assert again["status"] in {"completed", "paused"} and len(paid.bills) > today
    for (day,) in query(root, "SELECT spent FROM usage_sums WHERE scope = 'day'"):
        assert 0 < day <= 0.15e9


async def test_a_model_on_this_machine_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens are counted, and no answer is cut: a small model may take no limit."""
    with provider() as paid:
        root = small_site(tmp_path, {"menu": 2}, **settings(paid.url))
        write_budget(root, batch_usd=0.01)
        async with desk(root) as chat:
            done = await chat.run("generate-all")
    assert done["status"] == "completed"
    assert paid.limits == [None, None]
    [sums] = query(
        root, "SELECT spent, reserved, output_tokens FROM usage_sums WHERE scope = 'model'"
    )
    assert sums == (0, 0, sum(bill.output_tokens for bill in paid.bills))


async def test_without_a_price_there_is_no_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch pauses and says what to set; with it, or without a budget, it goes on."""
    with provider() as paid:
        root = site(tmp_path, monkeypatch, paid, batch_usd=1)
        path = root / "pressroom.toml"
        path.write_text(path.read_text("utf-8").replace(MODEL, "openai-chat:none-such"), "utf-8")
        async with desk(root) as chat:
            queued = await chat.run("generate-all")
            assert not paid.bills
            assert "the price of openai-chat:none-such is not known" in queued["message"]
            assert "input_usd and output_usd" in queued["message"]
            assert "It will pause: nobody knows the model's price" in queued["notes"][0]
        write_budget(root, batch_usd=1, input_usd=1, output_usd=2)
        async with desk(root) as chat:
            assert (await chat.run("retry", batchId=queued["batchId"]))["status"] == "completed"
        assert ledger(root)["spent"] == sum(
            1_000 * bill.input_tokens + 2_000 * bill.output_tokens for bill in paid.bills
        )
        write_budget(root, answer_tokens=ANSWER_TOKENS)
        async with desk(root) as chat:
            done = await chat.run("generate-all", mode="new")
            assert done["status"] == "completed" and "notes" not in done
    [unpriced] = query(root, "SELECT unpriced FROM usage_sums WHERE scope = 'model'")
    assert unpriced == (6,)


async def test_a_dry_run_says_what_it_would_cost_and_status_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the templates at first, then by the site's own past."""
    with provider() as paid:
        root = site(tmp_path, monkeypatch, paid, batch_usd=2)
        async with desk(root) as chat:
            first = await chat.call("generate-all", dryRun=True)
            assert first["estimate"]["fromDrafts"] == 0 and not paid.bills
            assert (
                "An estimate from its templates, as there is no earlier draft" in first["message"]
            )
            done = await chat.run("generate-all")
            seen = await chat.call("status", batchId=done["batchId"])
            assert seen["cost"] == {
                "spentUsd": pytest.approx(usd(paid.cost), abs=1e-6),
                "limitUsd": 2,
                "requests": 6,
            }
            assert "6 of 6 drafted. Cost: $0.1" in seen["message"]
            assert seen["message"].endswith(" of $2.00.")
            later = await chat.call("generate-all", mode="new", dryRun=True)
            assert later["estimate"]["fromDrafts"] == 6
            assert later["estimate"]["costUsd"] == pytest.approx(usd(paid.cost), rel=0.01)
            assert "An estimate from 6 earlier drafts: " in later["message"]
            assert "for about $0.1" in later["message"]
            metrics = await scraped(chat)
    assert metrics["pressroom_cost_usd_total"] == pytest.approx(usd(paid.cost))
    assert metrics["pressroom_cost_reserved_usd"] == 0
    assert metrics["pressroom_model_requests_total"] == len(paid.bills)
    assert metrics["pressroom_tokens_total"] == sum(
        bill.input_tokens + bill.output_tokens for bill in paid.bills
    )


@dataclass(frozen=True)
class Provided:
    """Hands out the services of a desk."""

    found: Services

    async def services(self) -> Services:
        """Return them."""
        return self.found


async def scraped(chat: Desk) -> Mapping[str, float]:
    """Return what Prometheus is told of models, each family summed up."""
    assert chat.services is not None
    text, _ = await scrape(Provided(chat.services), accept="", now=0)
    found = defaultdict[str, float](float)
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            if sample.labels.get("model") == MODEL:
                found[sample.name] += sample.value
    return found
