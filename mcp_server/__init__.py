"""Pressroom: an MCP server that writes a web site in the background.

This is all that handlers and plugins import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_server.content.actions.payloads import (
        ContentExport,
        ContentGenerate,
        ContentPromote,
        ContentRollback,
        export_of,
    )
    from mcp_server.content.drafting.drafter import (
        ComposerGap,
        Drafted,
        DraftRequest,
        ModelAccountEmpty,
        ModelBusy,
        ModelKeyRefused,
        ModelRefused,
        ModelRejected,
        ModelUnknown,
        ModelUntrusted,
    )
    from mcp_server.content.pages.compose import compose_page
    from mcp_server.content.pages.disk import ExportFailed, FileState, PageHeld, file_hash
    from mcp_server.entities.effects import (
        ABSENT,
        ANY,
        Expectation,
        MarkWithdrawn,
        RecordExport,
        Require,
        SaveRemoval,
        SaveRevision,
        expect_hash,
    )
    from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Entity, Revision, split_id
    from mcp_server.errors import CallerError, InvalidPayload
    from mcp_server.jobs.handler import Failure, Handler, handler
    from mcp_server.jobs.isolation.context import IsolatedContext
    from mcp_server.jobs.job import Dedup, JobState, NewJob, Origin, Priority
    from mcp_server.jobs.outcome import Done, Enqueue, Fail, Outcome, Pause, Retry, Skip, Snooze
    from mcp_server.plugin.context import PluginContext
    from mcp_server.plugin.job_context import JobContext
    from mcp_server.plugin.status import BatchStatus, JobStatus
    from mcp_server.progress.event import EventSink, ProgressEvent

__all__ = [
    "ABSENT",
    "ANY",
    "PREVIEW",
    "PRODUCTION",
    "Author",
    "BatchStatus",
    "CallerError",
    "ComposerGap",
    "ContentExport",
    "ContentGenerate",
    "ContentPromote",
    "ContentRollback",
    "Dedup",
    "Done",
    "DraftRequest",
    "Drafted",
    "Enqueue",
    "Entity",
    "EventSink",
    "Expectation",
    "ExportFailed",
    "Fail",
    "Failure",
    "FileState",
    "Handler",
    "InvalidPayload",
    "IsolatedContext",
    "JobContext",
    "JobState",
    "JobStatus",
    "MarkWithdrawn",
    "ModelAccountEmpty",
    "ModelBusy",
    "ModelKeyRefused",
    "ModelRefused",
    "ModelRejected",
    "ModelUnknown",
    "ModelUntrusted",
    "NewJob",
    "Origin",
    "Outcome",
    "PageHeld",
    "Pause",
    "PluginContext",
    "Priority",
    "ProgressEvent",
    "RecordExport",
    "Require",
    "Retry",
    "Revision",
    "SaveRemoval",
    "SaveRevision",
    "Skip",
    "Snooze",
    "compose_page",
    "expect_hash",
    "export_of",
    "file_hash",
    "handler",
    "split_id",
]

_HOMES = (
    "mcp_server.content.drafting.drafter",
    "mcp_server.content.pages.compose",
    "mcp_server.content.pages.disk",
    "mcp_server.content.actions.payloads",
    "mcp_server.entities.effects",
    "mcp_server.entities.entity",
    "mcp_server.errors",
    "mcp_server.jobs.handler",
    "mcp_server.jobs.isolation.context",
    "mcp_server.jobs.job",
    "mcp_server.jobs.outcome",
    "mcp_server.plugin.context",
    "mcp_server.plugin.job_context",
    "mcp_server.plugin.status",
    "mcp_server.progress.event",
)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for.

    Importing the package alone costs nothing then, and runs nothing that could print before
    `serve` has kept stdout for the protocol.
    """
    if name in __all__:
        for home in _HOMES:
            if hasattr(module := import_module(home), name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
