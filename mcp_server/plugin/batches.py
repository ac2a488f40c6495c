"""What plugins may do with batches: queue one, see it, wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from mcp_server.errors import InvalidPayload, InvalidTransition, NotFound
from mcp_server.jobs.job import Batch, Job, JobState, NewJob, Origin
from mcp_server.jobs.records import NewBatch
from mcp_server.plugin.jobs import PluginJobs, with_own_key
from mcp_server.plugin.status import BatchStatus, batch_status
from mcp_server.progress.verbs import VERBS, WORDS, Words

ACTIVE_MAX = 200
ERRORS_MAX = 10
"""Of a batch: how many of its failures are told in words."""
WORDS_LENGTH_MAX = 100
"""Of each of a plugin's words for its batches: they are parts of sentences."""


class PluginBatches(PluginJobs):
    """The jobs and batches of a plugin."""

    async def enqueue_batch(
        self,
        name: str,
        jobs: Sequence[NewJob],
        *,
        words: Words | None = None,
        origin: Origin | None = None,
    ) -> str:
        """Queue jobs (`handler.job(payload)`) as one batch, and return its id.

        `name`, of printable characters, is what kind of batch it is, and what it is called where
        there are no `words`. These are stored with it: whoever speaks of the batch, with or without
        the plugin, uses them. Stored in one transaction, or not at all. Jobs whose `dedup_key` is
        held are left out; if that is all of them, the holder's batch is returned.

        Raises:
            UnknownKind, InvalidPayload, LimitExceeded: a job cannot be queued, or there is none.
            InvalidTransition: all of them are queued already, though not in a batch of the origin.
        """
        if problems := _problems(name, jobs, words):
            raise InvalidPayload(f"batch {name!a}", problems)
        origin, found = self._from(origin), self._jobs()
        prepared = found.batches.prepare([with_own_key(job, origin) for job in jobs])
        submission = await found.batches.submit(
            NewBatch(
                id=found.new_batch_id(),
                kind=name,
                origin=origin,
                jobs=prepared,
                details={} if words is None else {WORDS: asdict(words)},
            )
        )
        holders = [batch for batch in submission.held.values() if batch is not None]
        if submission.batch is None and not holders:
            raise InvalidTransition(
                f"the jobs of {name}", state="queued already", action="queue", advice="Wait."
            )
        return (submission.batch or holders[0]).id

    async def get_batch_status(self, batch_id: str) -> BatchStatus | None:
        """Return where a batch stands, now or at its end; `None` if there is none, or another's."""
        batch = await self._jobs().store.batch(batch_id, running=True)
        if batch is None or not self._sees(batch.origin):
            return None
        return await self._batch_status(batch)

    async def get_active_batches(self, *, origin: Origin | None = None) -> Sequence[BatchStatus]:
        """Return the unfinished batches of the origin, newest first."""
        owner = self._from(origin).owner
        found = await self._jobs().batches.list(owner=owner, active=True, limit=ACTIVE_MAX)
        return [await self._batch_status(batch) for batch in found]

    async def wait_for_batch(
        self,
        batch_id: str,
        *,
        timeout_s: float = 60.0,
        on_progress: Callable[[BatchStatus], Awaitable[None]] | None = None,
    ) -> BatchStatus:
        """Return a batch once its round has ended (`paused` is no end).

        `on_progress` is told where it stands: now, after changes, twice a second at most, and at
        the end. What it raises ends the wait, and not the batch.

        Raises:
            NotFound: there is none with this id.
            TimeoutError: it has not ended in time; names what is outstanding.
        """
        batch = await self._jobs().store.batch(batch_id)
        if batch is None or not self._sees(batch.origin):
            raise NotFound("batch", batch_id)
        owner = batch.origin.owner

        async def tell(now: Batch) -> None:
            if on_progress is not None:
                await on_progress(await self._batch_status(now))

        told = None if on_progress is None else tell
        ended = await self._jobs().batches.wait(
            batch_id, owner=owner, timeout_s=timeout_s, on_progress=told
        )
        return await self._batch_status(ended)

    async def wait_for_idle(self, *, timeout_s: float = 60.0, origin: Origin | None = None) -> None:
        """Return once none of the origin's batches, nor jobs outside any, waits or runs.

        What is paused does not count.

        Raises:
            TimeoutError: some still do; names them.
        """
        owner = self._from(origin).owner
        await self._jobs().batches.wait_idle(owner=owner, timeout_s=timeout_s)

    async def _batch_status(self, batch: Batch) -> BatchStatus:
        failed: Sequence[Job] = ()
        if batch.failed:
            states = (JobState.FAILED,)
            failed = await self._jobs().store.jobs(batch.id, states=states, limit=ERRORS_MAX)
        return batch_status(batch, failed)


def _problems(name: str, jobs: Sequence[NewJob], words: Words | None) -> list[str]:
    """Return why this cannot be a batch."""
    problems: list[str] = []
    if name in VERBS:
        problems.append("that name is Pressroom's own; take another")
    if not name.isprintable():
        problems.append("a name has printable characters only")
    if not jobs:
        problems.append("it has no jobs")
    for which, text in ({} if words is None else asdict(words)).items():
        if not _can_be_said(text) or (which in {"name", "past"} and not text):
            problems.append(
                f"{which} of its words: {WORDS_LENGTH_MAX} printable characters at most"
            )
    return problems


def _can_be_said(text: object) -> bool:
    return isinstance(text, str) and text.isprintable() and len(text) <= WORDS_LENGTH_MAX
