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
    from mcp_server.content.drafting.composer import ComposerGap
    from mcp_server.content.drafting.drafter import Drafted
    from mcp_server.content.drafting.errors import (
        ModelAccountEmpty,
        ModelBusy,
        ModelKeyRefused,
        ModelRefused,
        ModelRejected,
        ModelUnknown,
        ModelUntrusted,
    )
    from mcp_server.content.drafting.prompt import DraftRequest
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

    __version__: str
    """The version that is installed."""

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

HOMES = {
    "ABSENT": "mcp_server.entities.effects",
    "ANY": "mcp_server.entities.effects",
    "PREVIEW": "mcp_server.entities.entity",
    "PRODUCTION": "mcp_server.entities.entity",
    "Author": "mcp_server.entities.entity",
    "BatchStatus": "mcp_server.plugin.status",
    "CallerError": "mcp_server.errors",
    "ComposerGap": "mcp_server.content.drafting.composer",
    "ContentExport": "mcp_server.content.actions.payloads",
    "ContentGenerate": "mcp_server.content.actions.payloads",
    "ContentPromote": "mcp_server.content.actions.payloads",
    "ContentRollback": "mcp_server.content.actions.payloads",
    "Dedup": "mcp_server.jobs.job",
    "Done": "mcp_server.jobs.outcome",
    "DraftRequest": "mcp_server.content.drafting.prompt",
    "Drafted": "mcp_server.content.drafting.drafter",
    "Enqueue": "mcp_server.jobs.outcome",
    "Entity": "mcp_server.entities.entity",
    "EventSink": "mcp_server.progress.event",
    "Expectation": "mcp_server.entities.effects",
    "ExportFailed": "mcp_server.content.pages.disk",
    "Fail": "mcp_server.jobs.outcome",
    "Failure": "mcp_server.jobs.handler",
    "FileState": "mcp_server.content.pages.disk",
    "Handler": "mcp_server.jobs.handler",
    "InvalidPayload": "mcp_server.errors",
    "IsolatedContext": "mcp_server.jobs.isolation.context",
    "JobContext": "mcp_server.plugin.job_context",
    "JobState": "mcp_server.jobs.job",
    "JobStatus": "mcp_server.plugin.status",
    "MarkWithdrawn": "mcp_server.entities.effects",
    "ModelAccountEmpty": "mcp_server.content.drafting.errors",
    "ModelBusy": "mcp_server.content.drafting.errors",
    "ModelKeyRefused": "mcp_server.content.drafting.errors",
    "ModelRefused": "mcp_server.content.drafting.errors",
    "ModelRejected": "mcp_server.content.drafting.errors",
    "ModelUnknown": "mcp_server.content.drafting.errors",
    "ModelUntrusted": "mcp_server.content.drafting.errors",
    "NewJob": "mcp_server.jobs.job",
    "Origin": "mcp_server.jobs.job",
    "Outcome": "mcp_server.jobs.outcome",
    "PageHeld": "mcp_server.content.pages.disk",
    "Pause": "mcp_server.jobs.outcome",
    "PluginContext": "mcp_server.plugin.context",
    "Priority": "mcp_server.jobs.job",
    "ProgressEvent": "mcp_server.progress.event",
    "RecordExport": "mcp_server.entities.effects",
    "Require": "mcp_server.entities.effects",
    "Retry": "mcp_server.jobs.outcome",
    "Revision": "mcp_server.entities.entity",
    "SaveRemoval": "mcp_server.entities.effects",
    "SaveRevision": "mcp_server.entities.effects",
    "Skip": "mcp_server.jobs.outcome",
    "Snooze": "mcp_server.jobs.outcome",
    "compose_page": "mcp_server.content.pages.compose",
    "expect_hash": "mcp_server.entities.effects",
    "export_of": "mcp_server.content.actions.payloads",
    "file_hash": "mcp_server.content.pages.disk",
    "handler": "mcp_server.jobs.handler",
    "split_id": "mcp_server.entities.entity",
}
"""The module of each public name."""

if not TYPE_CHECKING:  # or a type checker would take every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for.

        Importing the package alone costs nothing then, and runs nothing that could print before
        `serve` has kept stdout for the protocol.
        """
        if name == "__version__":
            found = import_module("importlib.metadata").version("pressroom")
        elif home := HOMES.get(name):
            found = getattr(import_module(home), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found  # the next look-up finds it without us
        return found
