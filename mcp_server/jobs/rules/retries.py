"""What `retry` takes up of a batch."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

from mcp_server.jobs.job import BatchState
from mcp_server.jobs.rules.rounds import UNFINISHED


class Way(Enum):
    """How a batch is taken up again."""

    RESUME = auto()
    """Its round goes on, with all that was paused."""
    NOTHING = auto()
    """It is at work already."""
    NEXT_ROUND = auto()
    """What failed or was cancelled is done again, and counted anew."""


def way(batch: BatchState) -> Way:
    """Return how a batch in this state is taken up again."""
    if batch is BatchState.PAUSED:
        return Way.RESUME
    return Way.NOTHING if batch in UNFINISHED else Way.NEXT_ROUND


def takes_up(*, counted: bool, code: str | None, leave_out: Collection[str]) -> bool:
    """Whether the next round takes up a job that failed or was cancelled, with this code.

    Codes to leave out are of failures that another try would only repeat. What the batch does not
    count is taken up whatever its code: the caller knows nothing of it.
    """
    return not counted or code not in leave_out
