"""The log of a plugin: lines of the process's own log that say whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # structlog takes long to load, and a handler's own process has no use for it
    from structlog.typing import FilteringBoundLogger

    from mcp_server.jobs.job import Job


def logger_of(plugin: str | None, job: Job | None = None) -> FilteringBoundLogger:
    """Return a logger whose lines name the plugin (`None`: Pressroom itself), and the job."""
    import structlog  # noqa: PLC0415 -- as above

    named: dict[str, str] = {} if plugin is None else {"plugin": plugin}
    if job is not None:
        named |= {"job_id": job.id, "kind": job.kind}
    return structlog.get_logger(__name__).bind(**named)
