"""Pressroom: an MCP server that writes a web site in the background.

This is all that its own handlers import, and `__version__`. Plugins have a door of their own:
`mcp_server.plugin`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_server.content.actions.changes import promotion, removal, restoration
    from mcp_server.content.actions.page_look import PageLook
    from mcp_server.content.actions.payloads import (
        ContentExport,
        ContentGenerate,
        ContentLook,
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
    from mcp_server.content.drafting.page_text import page_text_for
    from mcp_server.content.drafting.prompt import DraftRequest
    from mcp_server.content.pages.disk import ExportFailed, PageHeld
    from mcp_server.content.pages.layout import Blocked
    from mcp_server.content.pages.write import Writing, plan_write, to_write
    from mcp_server.entities.drafts import is_superseded
    from mcp_server.entities.effects import (
        KeepPage,
        SavePageFile,
        SaveRevision,
        expect_hash,
    )
    from mcp_server.entities.entity import PREVIEW, PRODUCTION, Entity, Revision, page_of
    from mcp_server.entities.meaning import Embedding
    from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry, Skip, Snooze
    from mcp_server.meaning.errors import EmbeddingTrouble
    from mcp_server.plugin.handler import handler
    from mcp_server.plugin.job_context import JobContext

    __version__: str
    """The version that is installed."""

__all__ = [
    "PREVIEW",
    "PRODUCTION",
    "Blocked",
    "BudgetTaken",
    "ComposerGap",
    "ContentExport",
    "ContentGenerate",
    "ContentLook",
    "ContentPromote",
    "ContentRollback",
    "ContentUnpublish",
    "Done",
    "DraftRequest",
    "Drafted",
    "Embedding",
    "EmbeddingTrouble",
    "Entity",
    "ExportFailed",
    "Fail",
    "JobContext",
    "KeepPage",
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
    "PageLook",
    "Pause",
    "Retry",
    "Revision",
    "SavePageFile",
    "SaveRevision",
    "Skip",
    "Snooze",
    "Writing",
    "expect_hash",
    "handler",
    "is_superseded",
    "page_of",
    "page_text_for",
    "plan_write",
    "promotion",
    "removal",
    "restoration",
    "to_write",
]

HOMES = {
    "PREVIEW": "mcp_server.entities.entity",
    "PRODUCTION": "mcp_server.entities.entity",
    "Blocked": "mcp_server.content.pages.layout",
    "BudgetTaken": "mcp_server.content.drafting.errors",
    "ComposerGap": "mcp_server.content.drafting.composer",
    "ContentExport": "mcp_server.content.actions.payloads",
    "ContentGenerate": "mcp_server.content.actions.payloads",
    "ContentLook": "mcp_server.content.actions.payloads",
    "ContentPromote": "mcp_server.content.actions.payloads",
    "ContentRollback": "mcp_server.content.actions.payloads",
    "ContentUnpublish": "mcp_server.content.actions.payloads",
    "Done": "mcp_server.jobs.outcome",
    "DraftRequest": "mcp_server.content.drafting.prompt",
    "Drafted": "mcp_server.content.drafting.drafter",
    "Embedding": "mcp_server.entities.meaning",
    "EmbeddingTrouble": "mcp_server.meaning.errors",
    "Entity": "mcp_server.entities.entity",
    "ExportFailed": "mcp_server.content.pages.disk",
    "Fail": "mcp_server.jobs.outcome",
    "JobContext": "mcp_server.plugin.job_context",
    "KeepPage": "mcp_server.entities.effects",
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
    "PageLook": "mcp_server.content.actions.page_look",
    "Pause": "mcp_server.jobs.outcome",
    "Retry": "mcp_server.jobs.outcome",
    "Revision": "mcp_server.entities.entity",
    "SavePageFile": "mcp_server.entities.effects",
    "SaveRevision": "mcp_server.entities.effects",
    "Skip": "mcp_server.jobs.outcome",
    "Snooze": "mcp_server.jobs.outcome",
    "Writing": "mcp_server.content.pages.write",
    "expect_hash": "mcp_server.entities.effects",
    "handler": "mcp_server.plugin.handler",
    "is_superseded": "mcp_server.entities.drafts",
    "page_of": "mcp_server.entities.entity",
    "page_text_for": "mcp_server.content.drafting.page_text",
    "plan_write": "mcp_server.content.pages.write",
    "promotion": "mcp_server.content.actions.changes",
    "removal": "mcp_server.content.actions.changes",
    "restoration": "mcp_server.content.actions.changes",
    "to_write": "mcp_server.content.pages.write",
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
