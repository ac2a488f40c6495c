"""The answer to a call that queues work: made once, from the plan and its submission. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mcp_server.content.actions.calls import ChangeCall, Note, Skipped, Submitted
from mcp_server.content.actions.plan import Plan
from mcp_server.jobs.job import Batch, BatchState
from mcp_server.jobs.records import Submission
from mcp_server.progress.verbs import Verb, verb_of


def answer(
    verb: Verb,
    plan: Plan,
    submission: Submission | None,
    *,
    notes: Sequence[Note],
    remarks: Sequence[Note] = (),
    digest: str | None = None,
    model: str | None = None,
    with_findings: int = 0,
    dry_run: bool = False,
) -> Submitted:
    """Return the answer to a call with this plan; without a submission nothing was queued.

    `notes` are about what was looked at, `remarks` about what is done. The note on placeholders
    goes between them.
    """
    told = Submitted(
        verb=verb,
        total_sections=len(plan.steps),
        planned=plan.planned,
        skipped=plan.skipped,
        model=model,
        digest=digest,
        notes=(*notes, *_on_placeholders(plan), *remarks),
        with_findings=with_findings,
        files=len(plan.written),
        dry_run=dry_run,
    )
    return told if submission is None else _after(told, submission)


def on_digest(plan: Plan, call: ChangeCall) -> Sequence[Note]:
    """Return a note on what a digest does, or on why a dry run has none (R28)."""
    conflicts = [planned.section for planned in plan.planned if planned.conflict]
    if call.dry_run and conflicts:
        return [f"No digest, as {conflicts[0]} would be a conflict: name the others, or use force."]
    if call.digest and not call.dry_run:
        return ["All of it is changed already, in one step; only the files are still written."]
    return ()


def answer_again(batch: Batch) -> Submitted:
    """Return the answer of a call that repeats the one which queued `batch`."""
    return Submitted(
        verb=verb_of(batch),
        total_sections=batch.total,
        planned=(),
        batch_id=batch.id,
        duplicate=True,
        model=batch.terms.get("model"),
        paused_reason=_paused_reason(batch),
        ended_as=batch.state if batch.ended else None,
    )


def skipped_as_held(held: Mapping[str, Batch | None]) -> tuple[Skipped, ...]:
    """Return as skipped the sections that other batches hold; their keys are `draft:menu/hero`."""
    return tuple(_held_by(batch, key.partition(":")[2]) for key, batch in sorted(held.items()))


def _after(told: Submitted, submission: Submission) -> Submitted:
    """Return the answer with what the submission queued, and what other batches hold."""
    found = submission.batch
    if found is not None and submission.duplicate and submission.held:
        # That batch does all of it already: what is said of it is the answer.
        return replace(answer_again(found), skipped=told.skipped, notes=told.notes)
    held = skipped_as_held(submission.held)
    told = replace(told, skipped=(*told.skipped, *held))
    if found is None:
        return replace(told, planned=(), files=0)
    elsewhere = {each.section for each in held}
    return replace(
        told,
        planned=tuple(p for p in told.planned if p.section not in elsewhere),
        total_sections=found.total if submission.duplicate else told.total_sections,
        batch_id=found.id,
        model=found.terms.get("model"),
        duplicate=submission.duplicate,
        paused_reason=_paused_reason(found),
        ended_as=found.state if found.ended else None,
    )


def _held_by(batch: Batch | None, section: str) -> Skipped:
    if batch is None or batch.state is not BatchState.PAUSED:
        reason = "is in another unfinished batch; wait for it, or cancel it"
        return Skipped(
            section=section, reason=reason, held=True, batch_id=batch.id if batch else None
        )
    return Skipped(
        section=section,
        reason="is in another batch, which is paused; retry goes on with it, cancel gives it up",
        held=True,
        batch_id=batch.id,
        paused_reason=batch.reason or "no reason was given",
    )


def _paused_reason(batch: Batch) -> str | None:
    return batch.reason if batch.state is BatchState.PAUSED else None


def _on_placeholders(plan: Plan) -> Sequence[Note]:
    count = sum(planned.placeholder for planned in plan.planned)
    if count == 0:
        return ()
    are = "One of these is a placeholder" if count == 1 else f"{count} of these are placeholders"
    return [f"{are}, written without a model."]
