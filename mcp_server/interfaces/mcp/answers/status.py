"""The answers of `status`: all operations, one batch, one job, or what concerns a section."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.clock import Clock
from mcp_server.content.actions.job_keys import key_ranges
from mcp_server.content.actions.moments import said as moment_said
from mcp_server.entities.store import About, Change
from mcp_server.interfaces.mcp.answers import batch_sentences, sentences
from mcp_server.interfaces.mcp.answers.batch import (
    author_of,
    changed_row,
    counts,
    jobs_shown,
    operation,
    queue,
    view_of,
    worker,
)
from mcp_server.interfaces.mcp.answers.cost import cost_of, cost_sentence
from mcp_server.interfaces.mcp.answers.fit import DETAIL_BYTES_MAX, REPLY_BYTES_MAX, ROWS, fitted
from mcp_server.interfaces.mcp.answers.job import TARGETS, job_row
from mcp_server.interfaces.mcp.answers.listing import (
    ACTIVE_MAX,
    Changes,
    Operations,
    read_changes,
    read_operations,
)
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import SectionRow, StatusReply
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, Job
from mcp_server.jobs.records import Recorded
from mcp_server.progress.verbs import verb_of
from mcp_server.progress.words import relative_time

HASH_LENGTH = 12
"""Digits of a content hash: enough to tell two apart."""
KEYED_MAX = 1_000
"""Jobs about one page or section that are read: a page has many sections, each several jobs."""
FULL_REASON_LENGTH = 2_000
"""Characters of a reason if full detail was asked for."""
NOTES_MAX = 3
"""How many notes an answer has, on jobs that nobody can run and on broken plugins."""


@dataclass(frozen=True, slots=True)
class RowsAsked:
    """Which rows are asked for: how many, from where, and whether at full length."""

    limit: int | None = None
    cursor: int | None = None
    full: bool = False

    @property
    def rows(self) -> int:
        """The most rows that the answer may have."""
        return self.limit or (5 * ROWS if self.full else ROWS)

    @property
    def bytes_max(self) -> int:
        """The most bytes that the answer may have: few, unless more was asked for."""
        return DETAIL_BYTES_MAX if self.full or (self.limit or 0) > ROWS else REPLY_BYTES_MAX


FULL = RowsAsked(full=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of one owner's operations, or of everybody's."""

    services: Services
    owner: str | None
    clock: Clock

    async def overview(self, asked: RowsAsked, *, active_only: bool = False) -> StatusReply:
        """Return what runs, then what ended, newest first; the cursor goes further back."""
        found, health = await asyncio.gather(
            read_operations(
                self.services.batches,
                owner=self.owner,
                cursor=asked.cursor,
                rows=asked.rows,
                active_only=active_only,
            ),
            self.services.worker_health(),
        )
        # Counting takes longer the more jobs there are, so it is only done for full detail.
        stats = await self.services.worker_health.stats() if asked.full else None
        now, listed = self.clock.now(), found.listed

        def build(rows: int) -> StatusReply:
            return StatusReply(
                message=self._overview_sentence(found, asked, now),
                operations=[operation(each, health=health, now=now) for each in listed[:rows]],
                next_cursor=found.cursor_after(rows),
                worker=worker(health, full=asked.full),
                queue=queue(stats) if stats is not None else None,
                notes=self._notes(health),
            )

        rows = min(asked.rows, len(listed))
        return fitted(build, rows, bytes_max=asked.bytes_max, least=min(rows, 1))

    async def batch(self, batch: Batch, asked: RowsAsked) -> StatusReply:
        """Return one batch with its sections; failed and running ones come first."""
        health = await self.services.worker_health()
        found = await view_of(self.services, batch, health=health, now=self.clock.now())
        halts = not batch.ended and health.get("halted")
        halted = f" {health['message']}" if halts else ""
        sums = await self.services.ledger.of_batch(batch.id)
        cost = cost_of(batch, sums)
        start = asked.cursor or 0
        # One more than may be shown, to see whether there is another page.
        jobs = await jobs_shown(
            self.services, batch, found.failures, start=start, count=asked.rows + 1
        )

        changes = await self._changes(batch, jobs if asked.full else ())

        def build(rows: int) -> StatusReply:
            return StatusReply(
                message=found.sentence + cost_sentence(cost, sums) + halted,
                operations=[found.operation],
                counts=counts([batch]),
                cost=cost,
                sections=[
                    _section_row(job, full=asked.full, change=changes.get(job.subject))
                    for job in jobs[:rows]
                ],
                files=list(found.files[:ROWS]) or None,
                file_count=len(found.files) or None,
                next=found.next,
                next_cursor=start + rows if rows < len(jobs) else None,
                worker=worker(health),
            )

        rows = min(len(jobs), asked.rows)
        return fitted(build, rows, bytes_max=asked.bytes_max, least=min(rows, 1))

    async def _changes(self, batch: Batch, jobs: Sequence[Job | Recorded]) -> Mapping[str, Change]:
        """Return what one of our batches has made of the sections that are shown."""
        if (type := TARGETS.get(verb_of(batch).job_kind)) is None or not jobs:
            return {}
        return await self.services.content.changes(batch, type, [job.subject for job in jobs])

    async def concerning(
        self, about: About | None, asked: RowsAsked, *, since: float | None = None
    ) -> StatusReply:
        """Return the batches and edits since a time, or of all times, and how many in all.

        With `about` those that concern that section or page and, if no time was named, the
        newest job of each section; of these, those that were pruned are missing.
        """
        jobs: Sequence[Job] = ()
        if about is not None and since is None and asked.cursor is None:
            jobs = await self.services.batches.keyed(
                key_ranges(about), owner=self.owner, limit=KEYED_MAX
            )
        by_subject: dict[str, Job] = {}
        for job in jobs:  # newest first
            by_subject.setdefault(job.subject, job)
        newest = list(by_subject.values())
        found = await read_changes(
            self.services,
            owner=self.owner,
            since=since or 0.0,
            about=about,
            also={job.batch_id for job in jobs if job.batch_id is not None},
            cursor=asked.cursor,
            rows=asked.rows,
        )
        health, marks = await self.services.worker_health(), Marks(self.clock)
        now = self.clock.now()
        said = self._changed(found, about, since, marks)
        if about is not None and newest:
            said = f"{sentences.concerning(about.id, newest[0])} {said}"
        latest = next((each.id for each in found.listed if isinstance(each, Batch)), None)

        def build(rows: int) -> StatusReply:
            listed = [changed_row(b, marks, health=health, now=now) for b in found.listed[:rows]]
            return StatusReply(
                message=said,
                operations=listed,
                sections=[_section_row(job, full=asked.full) for job in newest[:rows]] or None,
                marks=marks.meaning_if_in(said, *(row.current_task for row in listed)),
                next=sentences.call("status", {"batchId": latest}) if latest else None,
                next_cursor=found.cursor_after(rows),
                worker=worker(health),
            )

        return fitted(build, asked.rows, bytes_max=asked.bytes_max, least=1)

    def _changed(
        self, found: Changes, about: About | None, since: float | None, marks: Marks
    ) -> str:
        authors = [(author_of(author, marks), count) for author, count in found.edits.items()]
        when = moment_said(since) if since is not None else ""
        return sentences.changed(
            found.tallies, authors, about=about.id if about else None, since=when
        )

    async def several(self, ids: Sequence[str], asked: RowsAsked) -> StatusReply:
        """Return where several batches and jobs stand, and their counts in all.

        Raises:
            NotFound: there is none of them.
        """
        looked = {id: await self._found(id) for id in dict.fromkeys(ids)}
        found = [each for each in looked.values() if each is not None]
        if not found:
            await self.services.batches.get(ids[0], owner=self.owner)  # raises, with what is near
        health, now = await self.services.worker_health(), self.clock.now()
        start = asked.cursor or 0
        page = found[start : start + asked.rows]
        unknown = [f"There is no batch or job {id}." for id, each in looked.items() if each is None]

        def build(rows: int) -> StatusReply:
            jobs = [each for each in page[:rows] if isinstance(each, Job)]
            return StatusReply(
                message=sentences.several(found),
                operations=[operation(each, health=health, now=now) for each in page[:rows]],
                counts=counts(found),
                sections=[_section_row(job, full=True) for job in jobs] or None,
                next_cursor=start + rows if start + rows < len(found) else None,
                worker=worker(health),
                notes=[*unknown[:NOTES_MAX], *(self._notes(health) or ())] or None,
            )

        return fitted(build, len(page), bytes_max=asked.bytes_max, least=min(len(page), 1))

    async def _found(self, id: str) -> Batch | Job | None:
        batches = self.services.batches
        if await batches.is_own_job(id, owner=self.owner):
            return await batches.job(id, owner=self.owner)
        if await batches.is_own(id, owner=self.owner):
            return await batches.get(id, owner=self.owner)
        return None

    async def _template_name(self, job: Job) -> str | None:
        """Return the template that a job's section has in the site which its batch works with."""
        if job.kind not in TARGETS or job.batch_id is None:
            return None
        batch = await self.services.batches.get(job.batch_id, owner=self.owner)
        return await self.services.content.template_of(job.subject, batch.terms.get("site"))

    async def job(self, job_id: str, asked: RowsAsked) -> StatusReply:
        """Return one job with its payload as it was stored; long texts in it are shortened."""
        job = await self.services.batches.job(job_id, owner=self.owner)
        ended, marks = job.state in ENDED_JOB_STATES, Marks(self.clock)
        template = await self._template_name(job)

        # What `fitted` counts down here is no number of rows, but how much of each text is shown.
        def build(size: int) -> StatusReply:
            row = job_row(job, size if not asked.full else 10 * size, marks, template)
            return StatusReply(
                message=sentences.job_sentence(job) + self._unhandled(job),
                operations=[],
                marks=marks.meaning_if_in(row.text()),
                job=row,
                next=None if ended else sentences.call("status", {"jobId": job.id}),
            )

        return fitted(build, ROWS, bytes_max=asked.bytes_max, least=1)

    def _notes(self, health: Mapping[str, Any]) -> list[str] | None:
        """Return notes on jobs that nobody can run, and on what is wrong with plugins."""
        problems = [*health.get("leftOver", ()), *self.services.plugins.problems][:NOTES_MAX]
        return [sentences.short(problem) or "" for problem in problems] or None

    def _unhandled(self, job: Job) -> str:
        """Return why an unfinished job is not run here, if no handler runs its kind."""
        if job.state in ENDED_JOB_STATES or job.kind in self.services.plugins.registry.kinds:
            return ""
        return f" Nothing here runs jobs of kind {job.kind}: is its plugin installed?"

    def _overview_sentence(self, found: Operations, asked: RowsAsked, now: float) -> str:
        counts = sentences.operations(len(found.active), found.paused, at_most=ACTIVE_MAX)
        latest = found.latest
        if found.active or latest is None or asked.cursor is not None:
            return counts
        ago = relative_time(now - (latest.ended_at or latest.created_at))
        return f"{counts} {batch_sentences.last_one(latest, ago)}"


def _section_row(job: Job | Recorded, *, full: bool, change: Change | None = None) -> SectionRow:
    length = FULL_REASON_LENGTH if full else sentences.REASON_LENGTH
    return SectionRow(
        section=job.subject if job.counted or _is_alone(job) else f"{job.subject} (file)",
        state=f"{job.state}",
        reason=sentences.short(job.reason, length),
        code=job.code,
        job_id=job.id if full else None,
        round=job.round if job.round > 1 else None,
        hash_from=_short_hash(change.hash_from) if change else None,
        hash_to=_short_hash(change.hash_to) if change else None,
        cost_usd=change.cost_usd if change else None,
    )


def _is_alone(job: Job | Recorded) -> bool:
    return isinstance(job, Job) and job.batch_id is None


def _short_hash(hash: str | None) -> str | None:
    return hash[:HASH_LENGTH] if hash is not None else None
