"""What asking the model has cost, or will. Pure."""

from __future__ import annotations

from mcp_server.config import Budget
from mcp_server.content.actions.calls import Estimate
from mcp_server.content.drafting.budget import RoundBudget, dollars
from mcp_server.entities.usage import NANO, Sums
from mcp_server.interfaces.mcp.answers.replies import CostFacts, EstimateFacts
from mcp_server.jobs.job import Batch


def estimated(estimate: Estimate | None) -> EstimateFacts | None:
    """Return an estimate as facts."""
    if estimate is None:
        return None
    return EstimateFacts(
        input_tokens=estimate.input_tokens,
        output_tokens=estimate.output_tokens,
        cost_usd=None if estimate.cost_usd is None else round(estimate.cost_usd, 6),
        from_drafts=estimate.from_drafts,
    )


def cost_of(batch: Batch, sums: Sums) -> CostFacts | None:
    """Return what a batch has cost; `None` where nothing costs anything, and nothing limits it."""
    limit = RoundBudget.within(batch.terms, Budget()).of_batch_usd
    if not (sums.counted or sums.unpriced or (limit is not None and sums.requests)):
        return None
    return CostFacts(
        spent_usd=_usd(sums.spent),
        reserved_usd=_usd(sums.open) or None,
        limit_usd=limit,
        requests=sums.requests,
        unpriced_requests=sums.unpriced or None,
    )


def cost_sentence(cost: CostFacts | None, sums: Sums) -> str:
    """Return the same in words, to follow another sentence."""
    if cost is None:
        return ""
    of_limit = "" if cost.limit_usd is None else f" of {dollars(cost.limit_usd)}"
    said = [f" Cost: {dollars(cost.spent_usd)}{of_limit}"]
    if running := sums.open - sums.lost:
        said.append(f"{dollars(_usd(running))} reserved by what runs")
    if sums.lost:
        said.append(f"{dollars(_usd(sums.lost))} reserved by requests that never ended")
    if sums.unpriced:
        requests = "1 request" if sums.unpriced == 1 else f"{sums.unpriced:,} requests"
        said.append(f"{requests} at a price that is not known")
    return ", ".join(said) + "."


def _usd(nano: int) -> float:
    return round(nano / NANO, 6)
