"""A promote or rollback planned, with what is said of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mcp_server.content.actions.calls import Action, ChangeCall, Note, Submitted
from mcp_server.content.actions.plan import (
    Plan,
    Standing,
    digest_of,
    plan_promote,
    plan_rollback_of_batch,
    plan_undo,
)
from mcp_server.content.actions.selection import Selection
from mcp_server.content.text.findings import findings_in, kinds_of
from mcp_server.jobs.job import Batch


def promotion(
    call: ChangeCall,
    selection: Selection,
    standing: Standing,
    drafted: Mapping[str, bool] | None,
    notes: Sequence[Note],
) -> tuple[Plan, Submitted]:
    """Return the plan of a promote, and its answer as a dry run gives it."""
    plan = plan_promote(call, selection, standing, drafted=drafted)
    answer = _answer("promotion", plan, notes, dry_run=call.dry_run)
    return plan, _with_files(_with_findings(answer, standing), plan)


def rollback(
    call: ChangeCall,
    target: Batch | None,
    ids: Sequence[str],
    standing: Standing,
    notes: Sequence[Note],
) -> tuple[Plan, Submitted]:
    """Return the plan of a rollback, of a batch or of last changes, and its answer likewise."""
    exact = call.digest is not None
    if target is None:
        plan = plan_undo(ids, standing, force=call.force, exact=exact)
    else:
        named = bool(call.selector.section or call.selector.sections)
        plan = plan_rollback_of_batch(
            target.id, ids, standing, named=named, force=call.force, exact=exact
        )
    return plan, _answer("rollback", plan, notes, dry_run=call.dry_run)


def _with_files(answer: Submitted, plan: Plan) -> Submitted:
    """Return the answer with a word about the files that are written again."""
    if not plan.files:
        return answer
    first, *others = plan.files
    named = f"{first} and {len(others)} more" if others else first
    by = " by the call without dryRun" if answer.dry_run else ""
    return replace(answer, notes=(*answer.notes, f"Missing, and written again{by}: {named}."))


def _with_findings(answer: Submitted, standing: Standing) -> Submitted:
    """Return the answer with a word about what the drafts hold that is not plain text."""
    drafts = [standing.drafts[planned.section].current for planned in answer.planned]
    found = [kinds for each in drafts if (kinds := kinds_of(findings_in(each.markdown or "")))]
    if not found:
        return answer
    kinds = ", ".join(dict.fromkeys(kind.value for each in found for kind in each))
    hold = "1 of these holds" if len(found) == 1 else f"{len(found)} of these hold"
    note = f"{hold} something to look at ({kinds}): review names it for each section."
    return replace(answer, notes=(*answer.notes, note), with_findings=len(found))


def _answer(action: Action, plan: Plan, notes: Sequence[Note], *, dry_run: bool) -> Submitted:
    placeholders = sum(planned.placeholder for planned in plan.planned)
    if placeholders:
        are = "One of these is a placeholder" if placeholders == 1 else None
        are = are or f"{placeholders} of these are placeholders"
        notes = [*notes, f"{are}, written without a model."]
    return Submitted(
        action=action,
        total_sections=len(plan.steps),
        planned=plan.planned,
        skipped=plan.skipped,
        digest=digest_of(action, plan.planned) if plan.steps else None,
        notes=tuple(notes),
        dry_run=dry_run,
    )
