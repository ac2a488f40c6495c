"""The error of a wait that ran out: how long it was, and what is outstanding."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.jobs.job import Batch, Job

NAMED_MAX = 10
"""How many outstanding jobs or batches the error names."""


def timed_out(what: str, timeout_s: float, outstanding: Sequence[Batch | Job]) -> TimeoutError:
    """Return the error of a wait that ran out.

    Beyond `NAMED_MAX` it only says that there are more, so the caller need not read them all:
    `NAMED_MAX + 1` are enough.
    """
    names = ", ".join(map(_named, outstanding[:NAMED_MAX]))
    more = " …" if len(outstanding) > NAMED_MAX else ""
    return TimeoutError(
        f"{what} timed out after {timeout_s * 1000:g}ms; outstanding: {names}{more}"
    )


def _named(operation: Batch | Job) -> str:
    match operation:
        case Batch():
            return f"batch {operation.id} ({operation.state})"
        case Job():
            return f"{operation.subject or operation.id} ({operation.state})"
