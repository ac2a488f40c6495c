"""Pressroom: an MCP server that writes a web site in the background.

This is all that its own handlers import, and `__version__`. Plugins have a door of their own:
`mcp_server.plugin`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_server.content.actions.changes import promotion, removal, restoration
    from mcp_server.content.actions.payloads import (
        ContentExport,
        ContentGenerate,
        ContentPromote,
        ContentRollback,
        ContentUnpublish,
    )
    from mcp_server.content.drafting.composer import ComposerGap
    from mcp_server.content.drafting.drafter import Drafted
    from mcp_server.content.drafting.errors import (
        BudgetTaken,
        ModelAccountEmpty,
        ModelBusy,
        ModelKeyRefused,
        ModelRefused,
        ModelRejected,
        ModelUnknown,
        ModelUntrusted,
        OverBudget,
    )
    from mcp_server.content.drafting.prompt import DraftRequest
    from mcp_server.content.pages.compose import compose_page
    from mcp_server.content.pages.disk import ExportFailed, FileState, PageHeld, file_hash
    from mcp_server.entities.effects import (
        RecordExport,
        SaveRevision,
        expect_hash,
    )
    from mcp_server.entities.entity import PREVIEW, PRODUCTION, Entity, Revision
    from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry, Skip, Snooze
    from mcp_server.plugin.handler import handler
    from mcp_server.plugin.job_context import JobContext

    __version__: str
    """The version that is installed."""

__all__ = [
    "PREVIEW",
    "PRODUCTION",
    "BudgetTaken",
    "ComposerGap",
    "ContentExport",
    "ContentGenerate",
    "ContentPromote",
    "ContentRollback",
    "ContentUnpublish",
    "Done",
    "DraftRequest",
    "Drafted",
    "Entity",
    "ExportFailed",
    "Fail",
    "FileState",
    "JobContext",
    "ModelAccountEmpty",
    "ModelBusy",
    "ModelKeyRefused",
    "ModelRefused",
    "ModelRejected",
    "ModelUnknown",
    "ModelUntrusted",
    "Outcome",
    "OverBudget",
    "PageHeld",
    "Pause",
    "RecordExport",
    "Retry",
    "Revision",
    "SaveRevision",
    "Skip",
    "Snooze",
    "compose_page",
    "expect_hash",
    "file_hash",
    "handler",
    "promotion",
    "removal",
    "restoration",
]

HOMES = {
    "PREVIEW": "mcp_server.entities.entity",
    "PRODUCTION": "mcp_server.entities.entity",
    "BudgetTaken": "mcp_server.content.drafting.errors",
    "ComposerGap": "mcp_server.content.drafting.composer",
    "ContentExport": "mcp_server.content.actions.payloads",
    "ContentGenerate": "mcp_server.content.actions.payloads",
    "ContentPromote": "mcp_server.content.actions.payloads",
    "ContentRollback": "mcp_server.content.actions.payloads",
    "ContentUnpublish": "mcp_server.content.actions.payloads",
    "Done": "mcp_server.jobs.outcome",
    "DraftRequest": "mcp_server.content.drafting.prompt",
    "Drafted": "mcp_server.content.drafting.drafter",
    "Entity": "mcp_server.entities.entity",
    "ExportFailed": "mcp_server.content.pages.disk",
    "Fail": "mcp_server.jobs.outcome",
    "FileState": "mcp_server.content.pages.disk",
    "JobContext": "mcp_server.plugin.job_context",
    "ModelAccountEmpty": "mcp_server.content.drafting.errors",
    "ModelBusy": "mcp_server.content.drafting.errors",
    "ModelKeyRefused": "mcp_server.content.drafting.errors",
    "ModelRefused": "mcp_server.content.drafting.errors",
    "ModelRejected": "mcp_server.content.drafting.errors",
    "ModelUnknown": "mcp_server.content.drafting.errors",
    "ModelUntrusted": "mcp_server.content.drafting.errors",
    "Outcome": "mcp_server.jobs.outcome",
    "OverBudget": "mcp_server.content.drafting.errors",
    "PageHeld": "mcp_server.content.pages.disk",
    "Pause": "mcp_server.jobs.outcome",
    "RecordExport": "mcp_server.entities.effects",
    "Retry": "mcp_server.jobs.outcome",
    "Revision": "mcp_server.entities.entity",
    "SaveRevision": "mcp_server.entities.effects",
    "Skip": "mcp_server.jobs.outcome",
    "Snooze": "mcp_server.jobs.outcome",
    "compose_page": "mcp_server.content.pages.compose",
    "expect_hash": "mcp_server.entities.effects",
    "file_hash": "mcp_server.content.pages.disk",
    "handler": "mcp_server.plugin.handler",
    "promotion": "mcp_server.content.actions.changes",
    "removal": "mcp_server.content.actions.changes",
    "restoration": "mcp_server.content.actions.changes",
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
