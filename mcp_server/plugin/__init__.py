"""The door for plugins: everything that a plugin imports, and the types of what it is given.

A plugin is a distribution with an entry point in the group `pressroom.plugins`, which names a
function `register(context: PluginContext)`. It adds kinds of jobs (`handler`, which is given a
`JobContext` and answers with an outcome such as `Done`) and tools that queue them. What is not
listed here may change without notice. Pressroom's own handlers have a door of their own, the
package `mcp_server` itself.
"""

from __future__ import annotations

from mcp_server.entities.effects import ABSENT, Require, SaveRevision
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Entity, Revision
from mcp_server.entities.service import Created, EmbeddingStatus, EntityService, EntityType
from mcp_server.errors import CallerError, ConfigError, InvalidPayload
from mcp_server.jobs.handler import Failure, Handler
from mcp_server.jobs.isolation.context import IsolatedContext
from mcp_server.jobs.job import BatchState, Dedup, JobState, NewJob, Origin, Priority
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.plugin.context import PluginContext
from mcp_server.plugin.handler import handler
from mcp_server.plugin.job_context import JobContext
from mcp_server.plugin.settings import USER_ONLY
from mcp_server.plugin.status import BatchStatus, JobStatus
from mcp_server.progress.event import EventSink, ProgressEvent
from mcp_server.progress.verbs import Words

__all__ = [
    "ABSENT",
    "PREVIEW",
    "PRODUCTION",
    "USER_ONLY",
    "Author",
    "BatchState",
    "BatchStatus",
    "CallerError",
    "ConfigError",
    "Created",
    "Dedup",
    "Done",
    "EmbeddingStatus",
    "Enqueue",
    "Entity",
    "EntityService",
    "EntityType",
    "EventSink",
    "Fail",
    "Failure",
    "Handler",
    "InvalidPayload",
    "IsolatedContext",
    "JobContext",
    "JobState",
    "JobStatus",
    "NewJob",
    "Origin",
    "Outcome",
    "Pause",
    "PluginContext",
    "Priority",
    "ProgressEvent",
    "Require",
    "Retry",
    "Revision",
    "SaveRevision",
    "Skip",
    "Snooze",
    "Words",
    "handler",
]
