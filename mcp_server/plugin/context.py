"""What plugins are given: kinds and tools to add, and the queue to work with."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

from mcp_server.entities.service import EntityService, EntityType, EntityTypes
from mcp_server.errors import ConfigError, Unavailable
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import Origin
from mcp_server.jobs.registry import Registry
from mcp_server.plugin.batches import PluginBatches
from mcp_server.plugin.jobs import Jobs
from mcp_server.plugin.log import logger_of
from mcp_server.plugin.settings import PluginSettings
from mcp_server.progress.event import EventSink

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

P = TypeVar("P", bound=BaseModel)
S = TypeVar("S", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)

TOOL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""What every client takes as a name, once hyphens are underscores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginTool(Generic[P]):
    """An MCP tool that a plugin brings: what is said of it, and what it runs."""

    plugin: str
    name: str
    title: str
    description: str
    arguments: type[P]
    run: Callable[[P, PluginContext], Awaitable[str]]
    destructive: bool
    idempotent: bool
    open_world: bool


@dataclass(slots=True)
class Additions:
    """What plugins work on: the kinds of this process, its tools, and its workspace once open."""

    registry: Registry
    tools: dict[str, PluginTool[Any]] = field(default_factory=dict[str, PluginTool[Any]])
    sinks: list[EventSink] = field(default_factory=list[EventSink])
    settings: PluginSettings = field(default_factory=PluginSettings)
    plugin_of: dict[str, str] = field(default_factory=dict[str, str])
    """By kind, the plugin that brought its handler; our own kinds are not in it."""
    jobs: Jobs | None = None
    types: EntityTypes = field(default_factory=EntityTypes)
    """Of entities."""

    def restorer(self) -> Callable[[], None]:
        """Return what makes all as it is now: a plugin is loaded whole, or not at all."""
        handlers, tools, sinks = self.registry.handlers, dict(self.tools), list(self.sinks)
        models, plugin_of = dict(self.settings.models), dict(self.plugin_of)
        types = self.types.copy()

        def restore() -> None:
            self.registry.replace(handlers)
            self.tools, self.sinks, self.plugin_of = tools, sinks, plugin_of
            self.settings.models, self.types = models, types

        return restore

    def open_jobs(self, plugin: str) -> Jobs:
        """Return the queue of the open workspace.

        Raises:
            Unavailable: there is none yet; names the plugin that asked.
        """
        if self.jobs is None:
            raise Unavailable(
                f"The plugin {plugin} asked for jobs before a workspace was open: queue them "
                "in a tool or a handler, not while it registers."
            )
        return self.jobs


class PluginContext(PluginBatches):
    """What a plugin may do.

    `register(context)` of a plugin adds kinds and tools, in the server and in the worker, and
    places where a server's progress goes. A tool is given a context of its own, in which the caller
    is the origin of all that it queues and sees; anywhere else (in a handler, say) the origin is
    named in the call.
    """

    def __init__(self, additions: Additions, plugin: str, origin: Origin | None = None) -> None:
        super().__init__(partial(additions.open_jobs, plugin), origin)
        self._additions, self._plugin = additions, plugin

    @property
    def job_kinds(self) -> Sequence[str]:
        """The kinds that have a handler here, sorted."""
        return sorted(self._additions.registry.kinds)

    @property
    def logger(self) -> FilteringBoundLogger:
        """A structlog logger whose lines name the plugin: `logger.info("counted", words=7)`.

        They go to the log of the process: stderr of a server, `worker.log` of a worker. Known
        secrets, and what looks like one, are taken out of texts.
        """
        return logger_of(self._plugin)

    def register_job_handler(self, handler: Handler[Any]) -> None:
        """Add a kind of job.

        Raises:
            ConfigError: its name is taken.
        """
        self._additions.registry.register(handler)
        self._additions.plugin_of[handler.kind] = self._plugin

    def unregister_job_handler(self, kind: str) -> None:
        """Take a kind away, to put another handler in its place: its jobs wait until there is one.

        Raises:
            UnknownKind: there is none.
        """
        self._additions.registry.unregister(kind)
        self._additions.plugin_of.pop(kind, None)

    def register_tool(
        self,
        name: str,
        arguments: type[P],
        run: Callable[[P, PluginContext], Awaitable[str]],
        *,
        title: str,
        description: str,
        destructive: bool = False,
        idempotent: bool = False,
        open_world: bool = False,
    ) -> None:
        """Add an MCP tool: `run` queues something and returns the id of the job or batch.

        The fields of `arguments` are the tool's parameters, in camelCase; `waitSeconds` is added.
        What `run` raises on purpose (`InvalidPayload` and its like) is told to the caller.

        Raises:
            ConfigError: the name is taken, or none that all clients take.
        """
        if not TOOL_NAME.fullmatch(name):
            raise ConfigError(f"A tool cannot be called {name!r}: take a-z, 0-9, - and _.")
        if name in self._additions.tools:
            raise ConfigError(f"There is a tool {name!r} already: choose another name.")
        self._additions.tools[name] = PluginTool(
            plugin=self._plugin,
            name=name,
            title=title,
            description=description,
            arguments=arguments,
            run=run,
            destructive=destructive,
            idempotent=idempotent,
            open_world=open_world,
        )

    def register_entity_type(
        self, name: str, model: type[M], *, id: Callable[[M], str], text: Callable[[M], str]
    ) -> EntityType[M]:
        """Let there be entities of a type, such as products; none needs a table of its own.

        `id` and `text` say what of an entity is its id, and what is embedded and searched. Entities
        are stored as JSON of the model, and read back as it: a later model should still read what
        an earlier one wrote.

        Raises:
            ConfigError: the name, or the model, is taken, or the name is none that can be.
        """
        made = EntityType(name, model, id, text)
        self._additions.types.register(made)
        return made

    def entities(self, *, origin: Origin | None = None) -> EntityService:
        """Return what saves, reads and removes entities; in a tool, for its caller.

        Raises:
            InvalidPayload: outside a tool, and no origin is given.
            Unavailable: the plugin is still registering: no workspace is open yet.
        """
        found = self._jobs()
        return EntityService(
            self._additions.types,
            found.entities,
            found.store,
            found.queue,
            found.embed,
            found.now,
            author=self._plugin,
            origin=self._from(origin),
        )

    def register_settings(self, model: type[BaseModel]) -> None:
        """Let the plugin have settings: `[plugins.NAME]`, by the name of its entry point.

        They stand in the workspace's `pressroom.toml` or in the user's own, and each may be
        overridden by `PRESSROOM_PLUGINS_NAME_KEY`. Mistakes are named with file, line and key in
        `status`, and stop nobody but the tools and handlers that read these settings.

        Who made the workspace may be a stranger, and wrote its file: what it sets is data. Do not
        run it, import it, or send anything where it says; mark such settings `USER_ONLY`, and they
        are refused unless the user has set them. Keys belong in the environment: what a variable
        holds whose name ends in `_KEY`, `_TOKEN`, `_SECRET` or `_PASSWORD` is taken out of logs and
        answers, and what looks like a key is not repeated from anywhere.

        Raises:
            ConfigError: the plugin has settings already.
        """
        self._additions.settings.register(self._plugin, model)

    def settings(self, model: type[S]) -> S:
        """Return what is set, as the model that was registered.

        Raises:
            ConfigError: it cannot be used as it is; or the model was not registered.
            Unavailable: the plugin is still registering: no workspace is open yet.
        """
        return self._additions.settings.get(model)

    def on_progress(self, sink: EventSink) -> None:
        """Add a place where progress goes: `sink.emit` gets what becomes of every operation.

        Of each at most one event in half a second, the newest, and its end at once. In a server
        only, and in each that runs on the workspace; a worker has no sinks. What `emit` raises is
        logged and costs that one event. It runs in the server's loop: while it awaits, it keeps
        nobody waiting but itself; while it blocks, everybody.

        Raises:
            ConfigError: it is none (a class, or its `emit` no `async def`); or the server runs
                already.
        """
        _check_sink(sink)
        if self._additions.jobs is not None:
            raise ConfigError("Progress sinks are added while a plugin registers, not later.")
        self._additions.sinks.append(sink)


def _check_sink(sink: EventSink) -> None:
    if isinstance(sink, type):
        raise ConfigError(f"{sink.__name__} is a class: a progress sink is an instance of one.")
    name = type(sink).__name__
    if not callable(getattr(sink, "emit", None)):
        raise ConfigError(f"{name} is no progress sink: it has no emit(event).")
    if not inspect.iscoroutinefunction(sink.emit):
        raise ConfigError(f"{name} is no progress sink: its emit(event) is no async def.")
