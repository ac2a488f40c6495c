"""`retry`: take up again what a batch has not done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_server.content.actions.aftermath import undone_by
from mcp_server.content.actions.answer import answer_again, skipped_as_held
from mcp_server.content.actions.calls import Note, Skipped, Submitted
from mcp_server.content.actions.drafting_model import DraftingModel
from mcp_server.content.actions.locks import SITE_FILE
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.drafting.budget import BUDGET
from mcp_server.entities.store import EntityStore
from mcp_server.errors import InvalidTransition
from mcp_server.jobs.batch import BatchService, retry_request
from mcp_server.jobs.job import Batch, Job, JobState, Origin
from mcp_server.jobs.records import Recorded, Submission
from mcp_server.progress.verbs import GENERATE, ROLLBACK, verb_of

LOOKED_AT_MAX = 1_000
"""Jobs that are looked at for locked sections before they run; each looks itself, too."""
CONFLICT = "conflict"
"""Code of a job that failed as somebody changed its text or file: a retry cannot help (R17)."""


def is_left_out(job: Job | Recorded) -> bool:
    """Whether `retry` leaves a failed job out, because a person has to decide about its section.

    A job that writes a file is retried all the same: it succeeds once the edit is undone.
    """
    return job.code == CONFLICT and job.counted


class RetryAction:
    """Reopens a batch for what failed, was cancelled or is paused (R17)."""

    def __init__(
        self,
        reader: ContentReader,
        entities: EntityStore,
        batches: BatchService,
        model: DraftingModel,
    ) -> None:
        self._reader, self._entities = reader, entities
        self._batches, self._model = batches, model

    async def __call__(
        self,
        batch_id: str,
        origin: Origin,
        *,
        request_key: str | None = None,
        max_cost_usd: float | None = None,
    ) -> Submitted:
        """Look at the batch, reopen it, answer.

        Sections that failed with a conflict are left out, and the answer names the call that helps.
        Without `max_cost_usd` the batch's own limit stays what it was.

        Raises:
            NotFound: no such batch.
            InvalidTransition: it is running, or it was rolled back.
            Unavailable: it would draft with a model that the workspace's user has not trusted.
        """
        batch = await self._batches.get(batch_id, owner=origin.owner)
        # A repeat is answered before anything is checked: the first request has changed the batch.
        asked = "" if max_cost_usd is None else f"maxCostUsd {max_cost_usd}"
        request = retry_request(request_key, batch_id, asked)
        if repeated := await self._batches.requested(request, owner=origin.owner):
            return answer_again(repeated)
        await self._refuse_after_rollback(batch)
        failed = await self._batches.jobs(batch_id, owner=origin.owner, states=[JobState.FAILED])
        conflicts = [job for job in failed if is_left_out(job)]
        terms, requires, notes = await self._terms_now(batch, max_cost_usd)
        notes += await self._locked(batch)
        submission = await self._batches.retry(
            batch_id,
            owner=origin.owner,
            terms=terms,
            requires=requires,
            leave_out=[CONFLICT],
            request_key=request_key,
            asked=asked,
        )
        return _answer(batch, submission, conflicts, notes=notes, model=terms.get("model"))

    async def _locked(self, batch: Batch) -> Sequence[Note]:
        """Return a note on the locked sections among what is left; a job leaves them as they are.

        Raises:
            InvalidTransition: all that is left is locked.
        """
        site, _ = await self._reader.site()
        if not site.has_locks:
            return ()
        states = [JobState.FAILED, JobState.CANCELLED, JobState.PAUSED]
        left = await self._batches.jobs(
            batch.id, owner=batch.origin.owner, states=states, limit=LOOKED_AT_MAX
        )
        subjects = [job.subject for job in left if job.counted]
        locked = [id for id in subjects if "/" in id and site.is_locked(id)]
        if not locked:
            return ()
        if len(locked) == len(subjects) < LOOKED_AT_MAX:
            raise InvalidTransition(
                locked[0],
                state=f"locked in {SITE_FILE}",
                action="retry",
                advice="Only a person lifts that, in the file.",
            )
        return [f"Locked sections stay as they are, such as {locked[0]}."]

    async def _refuse_after_rollback(self, batch: Batch) -> None:
        undoing = await undone_by(batch, self._batches, self._entities)
        if undoing is not None:
            raise InvalidTransition(
                f"batch {batch.id}",
                state=f"rolled back by {undoing.id}",
                action="retry",
                advice=f'{ROLLBACK.kind} {{"batchId": "{undoing.id}"}} puts it back.',
            )

    async def _terms_now(
        self, batch: Batch, max_cost_usd: float | None
    ) -> tuple[dict[str, Any], str | None, list[Note]]:
        """Return the next round's terms, the ability its worker needs, and notes on changes."""
        site, notes = await self._reader.site()
        changed: list[Note] = []
        if batch.terms.get("site") != site.hash:
            changed.append("It goes on with site.yaml as it is now.")
        if batch.kind != GENERATE.kind:
            return {"site": site.hash}, None, [*notes, *changed]
        await self._model.refuse_untrusted()
        if batch.terms.get("model") != self._model.name:
            notes.append(f"It goes on with the model configured now, {self._model.name}.")
        if max_cost_usd is None:
            max_cost_usd = batch.terms.get(BUDGET, {}).get("asked_usd")
        return self._model.terms(site, max_cost_usd), self._model.ability, [*notes, *changed]


def _answer(
    batch: Batch,
    submission: Submission,
    conflicts: Sequence[Job],
    *,
    notes: Sequence[Note],
    model: str | None,
) -> Submitted:
    again = submission.batch
    taken_up = again.total - again.finished if again else 0
    return Submitted(
        verb=verb_of(batch),
        total_sections=taken_up,
        planned=(),
        taken_up=taken_up,
        skipped=(*skipped_as_held(submission.held), *_left_out(batch, conflicts)),
        batch_id=again.id if again else None,
        model=model,
        notes=tuple(notes),
    )


def _left_out(batch: Batch, conflicts: Sequence[Job]) -> tuple[Skipped, ...]:
    helps = verb_of(batch).conflict_help
    return tuple(
        Skipped(section=job.subject, reason=f"is a conflict; {helps} ({job.reason})")
        for job in conflicts
    )
