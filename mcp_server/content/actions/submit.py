"""Submits a plan as a batch, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.content.actions.aftermath import REWRITTEN
from mcp_server.content.actions.answer import answer_again
from mcp_server.content.actions.calls import ChangeCall, GenerateCall, Submitted
from mcp_server.content.actions.changes import change_of
from mcp_server.content.actions.digest import check_digest, digest_of, moved_since, refused
from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.errors import InvalidPayload, Overtaken
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, Json, NewJob, Origin
from mcp_server.jobs.outcome import Done, Enqueue, Fail
from mcp_server.jobs.records import DoneAtOnce, NewBatch, Request, Submission
from mcp_server.progress.verbs import Verb

ADDED = frozenset({"material", "max_cost_usd", "revision", "as_of"})
"""What calls could not say at first. Where one does not, its request key stands for the same call
as it did before an upgrade."""

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
    content: SiteContent | None = None
    """What the plan was made from. With a digest all is changed at once, by what stands there."""


class Submitter:
    """Submits plans as batches."""

    def __init__(
        self, batches: BatchService, new_batch_id: Callable[[], str], clock: Clock
    ) -> None:
        self._batches, self._new_batch_id, self._clock = batches, new_batch_id, clock

    async def answered_before(
        self, verb: Verb, call: GenerateCall | ChangeCall, origin: Origin
    ) -> Submitted | None:
        """Return the answer to a call whose request key or digest was used before, else `None`.

        Call it before planning: by now the same arguments may lead to another plan.

        Raises:
            InvalidPayload: the key was used with other arguments, the digest by another call.
        """
        if call.dry_run:
            return None
        batch = await self._batches.requested(_request(verb, call), owner=origin.owner)
        batch = batch or await self._batches.spent(_spends(verb, call), owner=origin.owner)
        return None if batch is None else answer_again(batch)

    async def digest(self, verb: Verb, plan: Plan, call: ChangeCall) -> str | None:
        """Return the digest of what a dry run shows, `None` for a real call."""
        if not call.dry_run:
            return None
        made = partial(digest_of, verb, plan.planned, force=call.force, at=self._clock.now())
        return await anyio.to_thread.run_sync(made)

    async def check_digest(
        self,
        verb: Verb,
        plan: Plan,
        call: ChangeCall,
        ids: Sequence[str],
        content: SiteContent,
        origin: Origin,
    ) -> Submitted | None:
        """Return if the call has no digest, or that of what is planned now for these sections.

        What is returned is the answer of the same call, if that has done all of it since this one
        looked for it.

        Raises:
            InvalidPayload: it has lapsed, or stands for something else.
        """
        digest, now = call.digest, self._clock.now()
        if digest is None:
            return None

        def check() -> None:  # in a thread: there may be thousands of sections
            moved = moved_since(digest, ids, content)
            check_digest(digest, verb, plan.planned, force=call.force, now=now, moved=moved)

        try:
            await anyio.to_thread.run_sync(check)
        except InvalidPayload:
            if faster := await self.answered_before(verb, call, origin):
                return faster
            raise
        return None

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

        With a digest all is changed by the transaction that stores the batch, or nothing (R28).

        Raises:
            Overtaken: what was found in the page files has changed meanwhile.
            InvalidPayload: with a digest, something has changed meanwhile, or a section is in
                another unfinished batch.
        """
        content = conditions.content
        spends = _spends(verb, call)
        at_once = spends is not None and content is not None

        def prepare() -> NewBatch:  # in a thread: thousands of jobs take a while
            cancels = conditions.cancels
            done = changes_of(plan, content) if at_once and content else ()
            prepared = self._batches.prepare([job for job, _ in done])
            return NewBatch(
                id=self._new_batch_id(),
                kind=verb.kind,
                origin=origin,
                jobs=self._batches.prepare(_following(plan, done) if at_once else plan.jobs),
                at_once=[_at_once(id, *each) for (id, _), each in zip(prepared, done, strict=True)],
                spends=spends,
                terms=conditions.terms,
                # With a digest it repeats only what has spent that, and is refused otherwise.
                submit_key=_submit_key(origin, conditions, plan)
                if plan.jobs and not spends
                else None,
                request=_request(verb, call),
                effects=conditions.effects,
                cancels=(cancels.id, cancels.change) if cancels else None,
                about=conditions.about,
                left_out=[(skipped.section, skipped.reason) for skipped in plan.skipped],
                details={"asked": conditions.asked, **_rewritten(plan)},
            )

        submission = await self._batches.submit(await anyio.to_thread.run_sync(prepare))
        if spends is not None:
            _refuse_partly(submission)
            return submission
        if submission.conflict:
            raise Overtaken("the live text", action="go on")
        if (only := _only_holder(submission, verb, plan, conditions.asked)) is None:
            return submission
        # The request key did not come with a batch of this call; it has to lead to that one later.
        await self._batches.remember(_request(verb, call), only, owner=origin.owner)
        return replace(submission, batch=only, duplicate=True)


def changes_of(plan: Plan, content: SiteContent) -> Sequence[tuple[NewJob, Done]]:
    """Return what each job of the plan changes.

    Raises:
        InvalidPayload: one of them could not be done.
    """
    found: list[tuple[NewJob, Done]] = []
    for _, job in plan.steps:
        change = change_of(job, content)
        if isinstance(change, Fail):
            raise refused(change.reason)
        found.append((job, change))
    return found


def _at_once(id: str, job: NewJob, change: Done) -> DoneAtOnce:
    """Return a job with what it changes now: without the jobs that follow."""
    assert not isinstance(change.result, bytes), "ours are mappings"
    effects = [effect for effect in change.effects if not isinstance(effect, Enqueue)]
    return DoneAtOnce(id, job, change.result, effects)


def _following(plan: Plan, done: Sequence[tuple[NewJob, Done]]) -> Sequence[NewJob]:
    """Return the jobs that follow from what is done at once: each page's file, written once."""
    effects = [effect for _, change in done for effect in change.effects]
    follow = [effect.job for effect in effects if isinstance(effect, Enqueue)]
    return list({job.dedup_key: job for job in (*follow, *plan.written)}.values())


def _refuse_partly(submission: Submission) -> None:
    """Refuse a call with a digest of which not all can be done."""
    if submission.conflict:
        raise refused(submission.conflict)
    if submission.batch is None and submission.held:
        key, batch = next(iter(sorted(submission.held.items(), key=lambda item: item[0])))
        where = f"batch {batch.id}" if batch is not None else "another batch"
        raise refused(
            f"{key.partition(':')[2]} is in {where}, which is unfinished",
            "wait for it, or cancel it, then call again",
        )


def _rewritten(plan: Plan) -> Json:
    pages = [job.subject for job in plan.written]
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


def _spends(verb: Verb, call: GenerateCall | ChangeCall) -> Request | None:
    """Return what a call spends: its digest, which only the same call may hand in again."""
    if not isinstance(call, ChangeCall) or call.digest is None:
        return None
    return Request(key=call.digest, digest=_asked(verb, call))


def _request(verb: Verb, call: GenerateCall | ChangeCall) -> Request | None:
    if call.request_key is None:
        return None
    return Request(key=call.request_key, digest=_asked(verb, call))


def _asked(verb: Verb, call: GenerateCall | ChangeCall) -> str:
    asked = {
        key: value
        for key, value in asdict(call).items()
        if key != "request_key" and not (key in ADDED and value in (None, ""))
    }
    return key_of(verb.noun, asked)
