"""The state of batches and jobs, for the answers that show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.content.actions.retry import is_left_out
from mcp_server.entities.entity import Author
from mcp_server.entities.store import Edit
from mcp_server.excerpt import as_name
from mcp_server.interfaces.mcp.answers import batch_sentences, sentences
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import (
    Counts,
    Operation,
    QueueFacts,
    WorkerFacts,
    WorkerRow,
)
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, BatchState, Job, JobState, Origin
from mcp_server.jobs.records import SKIPPED, Recorded, Stats
from mcp_server.progress.estimate import estimate, percent
from mcp_server.progress.verbs import kind_name, verb_of
from mcp_server.progress.words import current_task, relative_time, waits_for

CONCURRENCY = 4
"""A worker's lanes by default, for estimates; a worker's own number is used if it says one."""

UNFINISHED_MAX = 0.99
"""The most that is shown as done of a job that has not ended, whatever its handler reports."""

INTERFACES = {"mcp-stdio": "a chat", "mcp-http": "a client over HTTP", "cli": "a terminal"}
"""Through what a batch was asked for, in words."""
NAME_LENGTH = 60
"""Characters of a client's name."""

SHOWN_FIRST = (JobState.FAILED, JobState.PROCESSING, JobState.PAUSED)
SHOWN_LAST = frozenset({*JobState, SKIPPED}).difference(SHOWN_FIRST)
"""States that are listed last: a reader first wants to see what failed, runs or is paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """One batch with what failed of it, the files that it wrote, its sentence and the next call."""

    operation: Operation
    failures: Sequence[Recorded]
    files: Sequence[str]
    sentence: str
    next: str | None


async def view_of(
    services: Services, batch: Batch, *, health: Mapping[str, Any], now: float
) -> BatchView:
    """Return the view of `batch` as it is now."""
    failures = await _failures(services, batch)
    writes = batch.ended and verb_of(batch).writes_files
    unwritten = {job.subject for job in failures if not job.counted}
    taken_back = await services.content.taken_back(batch) if writes else None
    if taken_back is not None and taken_back.is_whole:
        files: Sequence[str] = ()
    else:
        files = await services.content.files_written(batch, failed=unwritten) if writes else ()
    shown = operation(batch, health=health, now=now)
    return BatchView(
        operation=shown,
        failures=failures,
        files=files,
        sentence=batch_sentences.batch_sentence(
            batch,
            failures,
            files,
            shown.estimated_completion,
            taken_back=taken_back,
            now=now,
        ),
        next=None if taken_back else _next(batch, failures, stopped="stopped" in health),
    )


async def jobs_shown(
    services: Services, batch: Batch, failures: Sequence[Recorded], *, start: int, count: int
) -> Sequence[Recorded | Job]:
    """Return what became of `count` jobs of a batch from position `start`, also once pruned.

    Failed, running and paused jobs come first; the rest follows in the order of the site, and last
    what was left out while the batch was planned. No more are read than are shown: a batch may have
    100,000 jobs.
    """
    owner, end = batch.origin.owner, start + count
    first: list[Recorded | Job] = [*failures, *batch.running]
    if batch.state is BatchState.PAUSED:
        still = [JobState.PAUSED]
        first += await services.batches.jobs(batch.id, owner=owner, states=still, limit=end)
    shown = first[start:end]
    if len(shown) < count:
        rest = await services.batches.record(
            batch.id,
            owner=owner,
            states=SHOWN_LAST,
            after=max(0, start - len(first)),
            limit=count - len(shown),
        )
        before = {job.id for job in first}  # a running one may have ended between the two reads
        shown += [each for each in rest if each.id is None or each.id not in before]
    return shown


async def _failures(services: Services, batch: Batch) -> Sequence[Recorded]:
    """Return what failed of a batch; nothing is read if there cannot be anything."""
    # Failed exports are not in the counters, so a batch that writes files is always looked at.
    if not (batch.ended or batch.failed or verb_of(batch).writes_files):
        return ()
    states = [JobState.FAILED]
    return await services.batches.record(batch.id, owner=batch.origin.owner, states=states)


def operation(of: Batch | Job, *, health: Mapping[str, Any], now: float) -> Operation:
    """Return a batch, or a job outside any, as `status` lists it."""
    return _job(of, now) if isinstance(of, Job) else _batch(of, health, now)


def _job(job: Job, now: float) -> Operation:
    ended, step = job.state in ENDED_JOB_STATES, job.step
    done = 1.0 if ended else min(step.fraction, UNFINISHED_MAX) if step is not None else 0.0
    said = step.message if step is not None and job.state is JobState.PROCESSING else None
    return Operation(
        type=kind_name(job.kind),
        status=job.state.value,
        progress=f"{int(ended)}/1",
        percent_complete=int(100 * done),
        current_task=sentences.short(said or job.subject),
        started_at=relative_time(now - (job.started_at or job.created_at)),
        job_id=job.id,
    )


def _batch(batch: Batch, health: Mapping[str, Any], now: float) -> Operation:
    lanes = int(health.get("concurrency", CONCURRENCY))
    left = None if health.get("halted") else estimate(batch, now=now, concurrency=lanes)
    return Operation(
        type=verb_of(batch).name,
        status=batch.state.value,
        progress=f"{batch.finished}/{batch.total}" if batch.total else None,
        percent_complete=percent(batch),
        current_task=sentences.short(current_task(batch) or waits_for(batch, now=now)),
        started_at=relative_time(now - (batch.started_at or batch.created_at)),
        estimated_completion=left.message if left is not None else None,
        batch_id=batch.id,
    )


def changed_row(
    of: Batch | Edit, marks: Marks, *, health: Mapping[str, Any], now: float
) -> Operation:
    """Return a batch or an edit as a list of what has changed has it: with who asked for it."""
    if isinstance(of, Batch):
        return operation(of, health=health, now=now).model_copy(update={"by": asked_by(of.origin)})
    by = author_of(of.author, marks)
    return Operation(
        type="Edit",
        status="completed",
        percent_complete=100,
        current_task=f"{as_name(of.section)} edited by {by}",
        started_at=relative_time(now - of.created_at),
    )


def author_of(author: Author, marks: Marks) -> str:
    """Return who wrote something by hand: `chat (claude-ai)`; the name is a client's own word."""
    name = marks.value(author.name, NAME_LENGTH) if author.name else ""
    return f"{author.kind} ({name})" if name else author.kind


def asked_by(origin: Origin) -> str:
    """Return who asked for a batch: through what, and by which name where there is one."""
    through = INTERFACES.get(origin.interface) or sentences.short(origin.interface) or "somebody"
    return through if origin.owner == "local" else f"{through} ({sentences.short(origin.owner)})"


def counts(of: Sequence[Batch | Job]) -> Counts:
    """Return where the sections of batches, and single jobs, stand in all."""
    found = sum((_counter(each) for each in of), Counter[str]())
    return Counts(
        total=found.total(),
        pending=found["pending"] + found["scheduled"],
        processing=found["processing"],
        completed=found["completed"],
        failed=found["failed"],
        paused=found["paused"] or None,
        cancelled=found["cancelled"] or None,
    )


def _counter(of: Batch | Job) -> Counter[str]:
    if isinstance(of, Job):
        return Counter([of.state.value])
    left = of.total - of.finished
    running = min(left, sum(job.counted for job in of.running))
    waiting = "paused" if of.state is BatchState.PAUSED else "pending"
    return Counter(
        {
            waiting: left - running,
            "processing": running,
            "completed": of.completed,
            "failed": of.failed,
            "cancelled": of.cancelled,
        }
    )


def worker(health: Mapping[str, Any], *, full: bool = False) -> WorkerFacts:
    """Return what is known of the worker; with `full` also its version."""
    return WorkerFacts(
        alive=bool(health.get("alive")),
        mode=health.get("mode"),
        message=sentences.short(health.get("message")),
        pid=health.get("pid"),
        version=health.get("version") if full else None,
        oldest_due_seconds=health.get("oldestDueSeconds"),
        last_claim_seconds=health.get("lastClaimSeconds"),
        worker_count=health.get("workerCount"),
        workers=[WorkerRow.model_validate(each) for each in health.get("workers", ())] or None,
    )


def queue(stats: Stats) -> QueueFacts:
    """Return how many jobs there are, by state, and by kind and state."""
    return QueueFacts(
        jobs={state.value: count for state, count in stats.jobs.items()},
        kinds={
            kind: {state.value: count for state, count in states.items()}
            for kind, states in sorted(stats.kinds.items())
        },
    )


def _next(batch: Batch, failures: Sequence[Recorded], *, stopped: bool) -> str | None:
    """Return the call that most likely comes next; `stopped`: the worker was stopped by hand."""
    stands_still = batch.state is BatchState.PAUSED or stopped
    if not batch.ended:
        tool = "retry" if stands_still else "status"  # `retry` refuses a batch that runs
        return sentences.call(tool, {"batchId": batch.id})
    if not (batch.forgotten or all(map(is_left_out, failures))):
        return sentences.call("retry", {"batchId": batch.id})
    next_tool = verb_of(batch).next_tool
    if next_tool and batch.completed > batch.skipped:
        return sentences.call(next_tool, {"batchId": batch.id, "dryRun": True})
    return None
