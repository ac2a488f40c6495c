"""What the interfaces are given of an open workspace."""

from __future__ import annotations

from functools import partial

from mcp_server.app.parts import Parts
from mcp_server.content.actions.drafting_model import DraftingModel
from mcp_server.content.actions.payloads import unrun_kind
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.submit import Submitter
from mcp_server.content.drafting.embedding import lack_of_ability
from mcp_server.content.service import ContentService
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.interfaces.services import Services
from mcp_server.jobs.host.health import Health, WorkerMode
from mcp_server.jobs.host.start import StartWorker
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.meaning.embedder import why_not_embedded, why_only_words
from mcp_server.meaning.finding import Finder
from mcp_server.progress.stream import Events
from mcp_server.trust import StateFolder


def health_of(
    parts: Parts, mode: WorkerMode, mark: StopMark, start: StartWorker | None = None
) -> Health:
    log = parts.workspace.worker_log
    return Health(
        parts.store,
        parts.lock,
        parts.clock,
        mode,
        mark,
        start,
        several=parts.workspace.settings.shares_work,
        log=f"{log.parent.name}/{log.name}",
        figures=parts.figures,
        lacking=lack_of_ability,
        unrun=unrun_kind,
    )


def services_of(parts: Parts, events: Events, health: Health) -> Services:
    settings, clock = parts.workspace.settings, parts.clock
    batches = parts.jobs.batches
    content = ContentService(
        ContentReader(SiteLoader(parts.workspace), parts.entities, parts.files, clock),
        parts.entities,
        batches,
        Submitter(batches, parts.jobs.new_batch_id, parts.clock),
        parts.files,
        DraftingModel(parts.model, parts.grants, parts.workspace.model_problem, settings.budget),
        parts.jobs.queue,
        parts.meaning,
        Finder(parts.meaning, parts.embedder, parts.vectors),
        only_words=why_only_words(settings.embedder),
        entity_types=parts.plugins.entity_types,
        why_not_embedded=partial(why_not_embedded, parts.store),
        max_retries=settings.max_retries,
        related_tokens=settings.related_tokens,
    )
    return Services(
        content=content,
        batches=batches,
        queue=parts.jobs.queue,
        ledger=parts.ledger,
        plugins=parts.plugins,
        hub=parts.hub,
        events=events,
        worker_health=health,
        notice=partial(_notice, parts.state),
        clock=parts.clock,
        worker_mode=health.mode,
    )


def _notice(state: StateFolder) -> str | None:
    """Explain, where a state folder was set aside, why jobs and texts seem to be gone."""
    if (name := state.set_aside) is None:
        return None
    return (
        f"{state.path.name} was not made here by this user: it was set aside as {name}, and "
        "nothing of it is used. If it is theirs (a backup, a moved disk, an earlier Pressroom), "
        "`pressroom trust` in the workspace's folder, in a terminal, takes it back; answering no "
        "there ends this notice."
    )
