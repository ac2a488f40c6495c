"""One job in an answer: its payload and its result, as far as they fit. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mcp_server.entities.entity import PREVIEW, PRODUCTION
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import JobRow
from mcp_server.jobs.job import Job
from mcp_server.jobs.result import as_shown
from mcp_server.progress.verbs import GENERATE, PROMOTE, ROLLBACK, UNPUBLISH

TARGETS = {
    GENERATE.job_kind: PREVIEW,
    PROMOTE.job_kind: PRODUCTION,
    ROLLBACK.job_kind: PRODUCTION,
    UNPUBLISH.job_kind: PRODUCTION,
}
"""What our own jobs write, by their kind: drafts or live texts."""
PAYLOAD_UNIT = 40
"""A payload is shortened in steps until it fits: its texts have this many characters per step."""


def job_row(job: Job, size: int, marks: Marks, template: str | None = None) -> JobRow:
    """Return a job for an answer; its texts stand between the marks, cut to `size` units."""
    shown = as_shown(job.result)
    result = cast("dict[str, Any]", _readable(shown, size, marks)) if shown else None
    return JobRow(
        job_id=job.id,
        kind=job.kind,
        subject=job.subject,
        state=job.state.value,
        batch_id=job.batch_id,
        attempts=job.attempts,
        crashes=job.crashes or None,
        code=job.code,
        reason=sentences.short(job.reason, size * PAYLOAD_UNIT),
        step=sentences.short(job.step.message) if job.step is not None else None,
        template_name=marks.value(template, PAYLOAD_UNIT) if template else None,
        target_entity_type=TARGETS.get(job.kind),
        payload=cast("dict[str, Any]", _readable(job.payload, size, marks)),
        result=result,
    )


def _readable(value: object, size: int, marks: Marks) -> object:
    """Return a JSON value with its texts marked, and texts and lists cut according to `size`."""
    match value:
        case str():
            return marks.value(value, size * PAYLOAD_UNIT)
        case Mapping():
            pairs = list(cast("Mapping[str, object]", value).items())[: 2 * size]
            return {
                marks.value(key, size * PAYLOAD_UNIT): _readable(item, size, marks)
                for key, item in pairs
            }
        case list() | tuple():
            items = list(cast("Sequence[object]", value))
            return [_readable(item, size, marks) for item in items[:size]]
        case _:
            return value
