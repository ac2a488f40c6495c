"""Submits a plan as a batch, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import anyio.to_thread

from mcp_server.content.actions.aftermath import REWRITTEN
from mcp_server.content.actions.answer import answer_again
from mcp_server.content.actions.calls import ChangeCall, GenerateCall, Submitted
from mcp_server.content.actions.plan import Plan
from mcp_server.errors import InvalidTransition
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, Json, Origin
from mcp_server.jobs.records import NewBatch, Request, Submission
from mcp_server.progress.verbs import Verb

_SORTED = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a plan is submitted with: the round's terms, and what the same transaction does."""

    terms: Json
    key: str
    """Hash of what the call asks for. Together with owner and plan it makes the duplicate key."""
    asked: str
    """Hash of what the call asks of each section. If one unfinished batch holds all the sections
    and was asked the same, this call repeats it (R2)."""
    effects: tuple[object, ...] = ()
    cancels: Batch | None = None
    """An unfinished batch to cancel. If it has changed since it was read, nothing is submitted."""
    about: str | None = None
    """The batch that is taken back, by a rollback."""


class Submitter:
    """Submits plans as batches."""

    def __init__(self, batches: BatchService, new_batch_id: Callable[[], str]) -> None:
        self._batches, self._new_batch_id = batches, new_batch_id

    async def answered_before(
        self, verb: Verb, call: GenerateCall | ChangeCall, origin: Origin
    ) -> Submitted | None:
        """Return the answer to a call whose request key was used before (R2), else `None`.

        Call it before planning: by now the same arguments may lead to another plan.

        Raises:
            InvalidPayload: the key was used with other arguments.
        """
        if call.dry_run:
            return None
        batch = await self._batches.requested(_request(verb, call), owner=origin.owner)
        return None if batch is None else answer_again(batch)

    async def remember(
        self, verb: Verb, call: GenerateCall | ChangeCall, batch_id: str, origin: Origin
    ) -> None:
        """Let the request key of a call that queued nothing lead to the batch of its answer."""
        if not call.dry_run and (request := _request(verb, call)) is not None:
            batch = await self._batches.get(batch_id, owner=origin.owner)
            await self._batches.remember(request, batch, owner=origin.owner)

    async def submit(
        self,
        verb: Verb,
        plan: Plan,
        call: GenerateCall | ChangeCall,
        origin: Origin,
        conditions: Conditions,
    ) -> Submission:
        """Store the plan as a batch, or find the one that it repeats.

        Raises:
            InvalidTransition: a live text that was to be kept has changed meanwhile.
        """

        def prepare() -> NewBatch:  # in a thread: thousands of jobs take a while
            cancels = conditions.cancels
            return NewBatch(
                id=self._new_batch_id(),
                kind=verb.kind,
                origin=origin,
                jobs=self._batches.prepare(plan.jobs),
                terms=conditions.terms,
                submit_key=_submit_key(origin, conditions, plan) if plan.jobs else None,
                request=_request(verb, call),
                effects=conditions.effects,
                cancels=(cancels.id, cancels.change) if cancels else None,
                about=conditions.about,
                left_out=[(skipped.section, skipped.reason) for skipped in plan.skipped],
                details={"asked": conditions.asked, **_rewritten(plan)},
            )

        submission = await self._batches.submit(await anyio.to_thread.run_sync(prepare))
        if submission.conflict:
            raise InvalidTransition(
                "the live text", state="changing", action="go on", advice="Call again."
            )
        if (only := _only_holder(submission, verb, plan, conditions.asked)) is None:
            return submission
        # The request key did not come with a batch of this call; it has to lead to that one later.
        await self._batches.remember(_request(verb, call), only, owner=origin.owner)
        return replace(submission, batch=only, duplicate=True)


def _rewritten(plan: Plan) -> Json:
    pages = [job.subject for job in plan.files.values()]
    return {REWRITTEN: pages} if pages else {}


def key_of(*parts: object) -> str:
    """Return a hash that is equal for equal parts."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _submit_key(origin: Origin, conditions: Conditions, plan: Plan) -> str:
    """Return the duplicate key.

    Encoded job by job: one long call of the JSON encoder would hold up all threads meanwhile.
    """
    key = hashlib.blake2b(key_of(origin.owner, conditions.key).encode(), digest_size=16)
    for job in plan.jobs:
        key.update(_SORTED.encode([job.subject, dict(job.payload)]).encode())
    return key.hexdigest()


def _only_holder(submission: Submission, verb: Verb, plan: Plan, asked: str) -> Batch | None:
    """Return the one unfinished batch that does the same to all planned sections (R2), if any."""
    if submission.batch is not None or len(submission.held) < len(plan.steps):
        return None
    holders = {batch.id: batch for batch in submission.held.values() if batch is not None}
    if len(holders) != 1 or None in submission.held.values():  # or partly another owner's
        return None
    (only,) = holders.values()
    return only if only.kind == verb.kind and only.details.get("asked") == asked else None


def _request(verb: Verb, call: GenerateCall | ChangeCall) -> Request | None:
    if call.request_key is None:
        return None
    asked = {key: value for key, value in asdict(call).items() if key != "request_key"}
    return Request(key=call.request_key, digest=key_of(verb.noun, asked))
