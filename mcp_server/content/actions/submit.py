"""From a plan to a submitted batch, and from what became of it to the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import anyio.to_thread

from mcp_server.content.actions.calls import Action, ChangeCall, GenerateCall, Skipped, Submitted
from mcp_server.content.actions.plan import Plan
from mcp_server.errors import InvalidPayload, InvalidTransition
from mcp_server.excerpt import in_quotes
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, BatchState, Json, Origin
from mcp_server.jobs.records import NewBatch, Request, Submission

ACTIONS: Mapping[str, Action] = {
    "generate": "generation",
    "promote": "promotion",
    "rollback": "rollback",
}
"""By the kind of a batch, what its jobs do."""
KINDS: Mapping[Action, str] = {action: kind for kind, action in ACTIONS.items()}

_SORTED = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a plan is submitted with: the round's terms, and what happens in the same step."""

    terms: Json
    key: str
    """What the call asks for; with the owner and the plan it makes the duplicate key."""
    asked: str
    """What it asks of each section: the same of sections that one batch holds is a repeat (R2)."""
    effects: tuple[object, ...] = ()
    cancels: Batch | None = None
    """An unfinished batch to cancel, unless it has moved on since it was looked at."""
    about: str | None = None
    """The batch that is taken back."""


class Submitter:
    """Submits plans as batches."""

    def __init__(self, batches: BatchService, new_batch_id: Callable[[], str]) -> None:
        self._batches, self._new_batch_id = batches, new_batch_id

    async def repeated(
        self, call: GenerateCall | ChangeCall, action: Action, origin: Origin
    ) -> Submitted | None:
        """Return the answer to a call whose request key was answered before (R2).

        Looked at before anything is planned: by now the same arguments may plan something else.

        Raises:
            InvalidPayload: the key was used with other arguments.
        """
        if call.dry_run:
            return None
        batch = await self._batches.requested(_request(call, action), owner=origin.owner)
        return None if batch is None else answered_before(batch)

    async def submit(
        self,
        answer: Submitted,
        plan: Plan,
        call: GenerateCall | ChangeCall,
        origin: Origin,
        conditions: Conditions,
    ) -> tuple[Submitted, Submission]:
        """Store the plan as a batch, or find the one it repeats; return what to answer."""

        def prepare() -> NewBatch:
            cancels = conditions.cancels
            return NewBatch(
                id=self._new_batch_id(),
                kind=KINDS[answer.action],
                origin=origin,
                jobs=self._batches.prepare(plan.jobs),
                terms=conditions.terms,
                submit_key=_submit_key(origin, conditions, plan) if plan.jobs else None,
                request=_request(call, answer.action),
                effects=conditions.effects,
                cancels=(cancels.id, cancels.change) if cancels else None,
                about=conditions.about,
                details={"asked": conditions.asked},
            )

        batch = await anyio.to_thread.run_sync(prepare)  # thousands take a while
        submission = await self._batches.submit(batch)
        answered, only = _answered(answer, submission, conditions.asked)
        if only is not None:
            request = _request(call, answer.action)
            await self._batches.remember(request, only, owner=origin.owner)
        return answered, submission


def answered_before(batch: Batch) -> Submitted:
    """Return the answer of a call that repeats the one which queued `batch`."""
    return Submitted(
        action=ACTIONS[batch.kind],
        total_sections=batch.total,
        planned=(),
        batch_id=batch.id,
        duplicate=True,
        model=batch.terms.get("model"),
        paused_reason=batch.reason if batch.state is BatchState.PAUSED else None,
        ended_as=batch.state if batch.ended else None,
    )


def check_digest(digest: str | None, answer: Submitted) -> None:
    """Refuse a call whose plan is no longer what its dry run showed.

    Raises:
        InvalidPayload: the digests differ.
    """
    if digest is not None and digest != answer.digest:
        raise InvalidPayload(
            "digest",
            [
                (
                    f"what would be changed is no longer what {in_quotes(digest)} stood for; "
                    "nothing was changed: look at a new dry run and pass its digest"
                )
            ],
        )


def skipped_as_held(held: Mapping[str, Batch | None]) -> tuple[Skipped, ...]:
    """Return the sections that other batches hold, by their dedup keys (`draft:menu/hero`)."""
    return tuple(_held_by(batch, key.partition(":")[2]) for key, batch in sorted(held.items()))


def _held_by(batch: Batch | None, section: str) -> Skipped:
    if batch is None or batch.state is not BatchState.PAUSED:
        reason = "is in another unfinished batch; wait for it, or cancel it"
        return Skipped(section=section, reason=reason, batch_id=batch.id if batch else None)
    return Skipped(
        section=section,
        reason="is in another batch, which is paused; retry goes on with it, cancel gives it up",
        batch_id=batch.id,
        paused_reason=batch.reason or "no reason was given",
    )


def key_of(*parts: object) -> str:
    """Return a key that is the same for the same parts."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _submit_key(origin: Origin, conditions: Conditions, plan: Plan) -> str:
    """Return the duplicate key. Job by job: one long call into C would hold up every thread."""
    key = hashlib.blake2b(key_of(origin.owner, conditions.key).encode(), digest_size=16)
    for job in plan.jobs:
        key.update(_SORTED.encode([job.subject, dict(job.payload)]).encode())
    return key.hexdigest()


def _answered(
    answer: Submitted, submission: Submission, asked: str
) -> tuple[Submitted, Batch | None]:
    """Return what to answer, and the batch that does all of it already, where one does."""
    if submission.conflict:
        raise InvalidTransition(
            "the live text", state="changing", action="go on", advice="Call again."
        )
    held = skipped_as_held(submission.held)
    found = submission.batch
    if found is None and (only := _only_holder(submission, answer, asked)):
        before = replace(answered_before(only), skipped=answer.skipped, notes=answer.notes)
        return before, only
    elsewhere = {each.section for each in held}
    queued = tuple(p for p in answer.planned if p.section not in elsewhere)
    duplicate = submission.duplicate
    answered = replace(
        answer,
        planned=queued if found else (),
        total_sections=found.total if found and duplicate else answer.total_sections,
        skipped=(*answer.skipped, *held),
        batch_id=found.id if found else None,
        duplicate=duplicate,
        paused_reason=found.reason if found and found.state is BatchState.PAUSED else None,
        ended_as=found.state if found and found.ended else None,
    )
    return answered, None


def _only_holder(submission: Submission, answer: Submitted, asked: str) -> Batch | None:
    """Return the unfinished batch that does this already to every section that is left (R2)."""
    if len(submission.held) < len(answer.planned):
        return None
    holders = {batch.id: batch for batch in submission.held.values() if batch is not None}
    if len(holders) != 1 or None in submission.held.values():
        return None
    (only,) = holders.values()
    same = only.kind == KINDS[answer.action] and only.details.get("asked") == asked
    return only if same else None


def _request(call: GenerateCall | ChangeCall, action: Action) -> Request | None:
    if call.request_key is None:
        return None
    asked = {key: value for key, value in asdict(call).items() if key != "request_key"}
    return Request(key=call.request_key, digest=key_of(action, asked))
