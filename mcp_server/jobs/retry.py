"""Which state an attempt leaves its job in. Pure: from the outcome, the job and the time."""

from __future__ import annotations

from typing import Literal, NamedTuple, assert_never

from mcp_server.jobs.job import Job, JobState, Json
from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.jobs.result import as_stored

BACKOFF_BASE_S = 1.0
BACKOFF_MAX_S = 60.0
"""The longest delay of our own; one that a provider asks for may be longer."""

SNOOZE_MIN_S = 1.0
"""The shortest snooze, so that a handler which keeps snoozing until a time in the past does not
keep a lane busy."""


class Verdict(NamedTuple):
    """The state in which an attempt leaves its job, and the effects to apply with it."""

    state: JobState
    code: str | None = None
    reason: str | None = None
    result: Json | None = None
    due_at: float | None = None
    effects: tuple[object, ...] = ()
    attempts: Literal[0, 1] = 1
    """Whether the attempt counts against the retries."""


def decide(job: Job, outcome: Outcome, *, now: float, jitter: float) -> Verdict:
    """Return what `outcome` makes of `job`; `jitter` is between 0 and 1, drawn by the caller.

    A job is tried once and `max_retries` times more.
    """
    # Nearly all outcomes are `Done`: `match` and keyword arguments would take twice as long.
    if isinstance(outcome, Done):
        result = as_stored(outcome.result)
        return Verdict(JobState.COMPLETED, None, None, result, None, outcome.effects)
    match outcome:
        case Skip(reason):
            return Verdict(state=JobState.COMPLETED, code="skipped", reason=reason)
        case Fail(code, reason, effects):
            return Verdict(state=JobState.FAILED, code=code, reason=reason, effects=effects)
        case Pause(reason):
            return Verdict(state=JobState.PAUSED, code="paused", reason=reason, attempts=0)
        case Snooze(until, reason):
            due_at = until if until > now else now + SNOOZE_MIN_S
            state = JobState.SCHEDULED
            return Verdict(state=state, code="snoozed", reason=reason, due_at=due_at, attempts=0)
        case Retry(reason, after_s):
            return _again(job, reason, after_s, now=now, jitter=jitter)
        case _:
            assert_never(outcome)


def backoff_s(tries: int, jitter: float) -> float:
    """Return 1 s · 2ⁿ after `tries` ended tries, at most 60 s, between half and all of it.

    Half of it is left to chance, so that many jobs refused at once do not come back at once.
    """
    # The exponent is bounded, as 2.0 to a large number of tries overflows.
    full = min(BACKOFF_MAX_S, BACKOFF_BASE_S * 2.0 ** min(tries, 30))
    return full * (0.5 + 0.5 * jitter)


def _again(job: Job, reason: str, after_s: float | None, *, now: float, jitter: float) -> Verdict:
    if job.attempts >= job.max_retries:
        tries = "once" if job.attempts == 0 else f"{job.attempts + 1} times"
        text = f"{reason.rstrip('.')} (tried {tries})"
        return Verdict(state=JobState.FAILED, code="retries-exhausted", reason=text)
    delay = backoff_s(job.attempts, jitter) if after_s is None else after_s
    due_at = now + max(0.0, delay)
    return Verdict(state=JobState.SCHEDULED, code="retrying", reason=reason, due_at=due_at)
