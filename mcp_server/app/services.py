"""What the interfaces are given of an open workspace."""

from __future__ import annotations

from mcp_server.app.parts import Parts
from mcp_server.content.service import ContentService
from mcp_server.content.standing import StandingReader
from mcp_server.content.submitting import Submitter
from mcp_server.content.workspace import SiteLoader
from mcp_server.interfaces.services import Services
from mcp_server.jobs.health import Health, Mode
from mcp_server.jobs.host import StartWorker, StopMark
from mcp_server.progress.monitor import ProgressMonitor


def health_of(parts: Parts, mode: Mode, mark: StopMark, start: StartWorker | None = None) -> Health:
    log = parts.workspace.worker_log
    return Health(
        parts.store,
        parts.lock,
        parts.clock,
        mode,
        mark,
        start,
        log=f"{log.parent.name}/{log.name}",
        figures=parts.figures,
    )


def services_of(parts: Parts, monitor: ProgressMonitor, health: Health) -> Services:
    settings, clock = parts.workspace.settings, parts.clock
    batches = parts.jobs.batches
    content = ContentService(
        StandingReader(SiteLoader(parts.workspace), parts.entities, parts.files, clock),
        parts.entities,
        batches,
        Submitter(batches, parts.jobs.new_batch_id),
        parts.files,
        parts.model,
        max_retries=settings.max_retries,
    )
    return Services(
        content=content,
        batches=batches,
        queue=parts.jobs.queue,
        plugins=parts.plugins,
        monitor=monitor,
        worker_health=health,
        worker_mode=health.mode,
    )
