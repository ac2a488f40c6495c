"""Jobs that follow what was said of their whole batch: what they are until they have.

Cancelling, pausing or taking up a batch is one short step, however many jobs it has: from then on
its counters say it, and no claim takes what is not to run. The rows of the jobs follow in steps of
a bounded size, those that were handed in first before the others.
"""

from __future__ import annotations

from enum import StrEnum

from mcp_server.jobs.job import JobState
from mcp_server.jobs.rules.coalescing import WAITING

FOLLOW_MAX = 500
"""Jobs that follow in one step: some 30 ms, and half a second on a machine that is very busy. Only
who submits a cancelled batch's keys again takes them all at once: he hands in as many himself."""

CALLER_S = 10.0
"""How long whoever takes up a batch is left to carry it out himself, for he tells what came of it.
If he makes no step after that from one sweep to the next, he has died, and the worker goes on."""


class What(StrEnum):
    """What was said of a batch."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    """Its next round takes up what failed or was cancelled."""


OVERRIDES = {
    What.CANCEL: frozenset(What),
    What.PAUSE: frozenset({What.CANCEL, What.PAUSE, What.RESUME}),
    What.RESUME: frozenset({What.CANCEL, What.PAUSE, What.RESUME}),
    What.RETRY: frozenset({What.RETRY}),
}
"""What need not be carried out any more once something else was said."""


def state_after(what: What, state: JobState, *, counted: bool, due: bool) -> JobState:
    """Return the state that a job will be in when it has followed; `due`: it may run at once.

    What a batch does not count goes on when the batch is cancelled, also where it was paused.
    """
    if state not in WAITING:
        return state
    match what:
        case What.CANCEL if counted:
            return JobState.CANCELLED
        case What.PAUSE if counted:
            return JobState.PAUSED
        case What.CANCEL | What.RESUME if state is JobState.PAUSED:
            return JobState.PENDING if due else JobState.SCHEDULED
        case _:
            return state
