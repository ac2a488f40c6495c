"""Plugins are found by their entry points; one that cannot be loaded stops nobody else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import structlog

from mcp_server.config import PluginTable, SettingsProblems
from mcp_server.errors import ConfigError, ServerError
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import Origin
from mcp_server.jobs.registry import Registry
from mcp_server.plugin.context import Additions, PluginContext, PluginTool
from mcp_server.plugin.jobs import Jobs
from mcp_server.plugin.settings import PluginSettings
from mcp_server.plugin.tables import settings_of, strangers
from mcp_server.progress.event import EventSink

GROUP = "pressroom.plugins"
"""The entry points that are read: each names a function `register(context)`."""

Register = Callable[[PluginContext], object]
"""What an entry point names."""

logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Plugins:
    """The plugins of this process: what they added, and what is wrong with the others."""

    registry: Registry
    """All kinds of this process, Pressroom's own and those of plugins."""
    _problems: list[str] = field(default_factory=list[str])
    _mistakes: list[str] = field(default_factory=list[str])
    """In the settings of plugins."""
    _additions: Additions = field(init=False)

    def __post_init__(self) -> None:
        self._additions = Additions(self.registry)

    @property
    def tools(self) -> Sequence[PluginTool[Any]]:
        """The tools that plugins brought."""
        return tuple(self._additions.tools.values())

    @property
    def sinks(self) -> Sequence[EventSink]:
        """Where plugins want progress to go."""
        return tuple(self._additions.sinks)

    @property
    def entity_types(self) -> Sequence[str]:
        """The types of entities that plugins have registered."""
        return self._additions.types.names

    @property
    def problems(self) -> Sequence[str]:
        """A sentence for each plugin or tool that is not there, and each mistake in settings.

        They are fit for a client's eyes.
        """
        return (*self._problems, *self._mistakes)

    @property
    def settings(self) -> PluginSettings:
        """The settings of plugins."""
        return self._additions.settings

    def plugin_of(self, kind: str) -> str | None:
        """Return the plugin that brought a kind's handler; `None`: it is our own, or nobody's."""
        return self._additions.plugin_of.get(kind)

    def context(self, plugin: str, origin: Origin | None = None) -> PluginContext:
        """Return what this plugin is given; with an `origin`, for a call that came from there."""
        return PluginContext(self._additions, plugin, origin)

    def connect(self, jobs: Jobs) -> None:
        """Let plugins work on this queue from now on: the workspace is open."""
        self._additions.jobs = jobs

    def read_settings(
        self, tables: Mapping[str, PluginTable], environ: Mapping[str, str]
    ) -> Sequence[str]:
        """Let what a workspace sets be the plugins' settings; return each mistake in it.

        A mistake stops nobody but who reads these settings.
        """
        models, none = self.settings.models, PluginTable()
        read = {m: settings_of(n, m, tables.get(n, none), environ) for n, m in models.items()}
        wrong = [found for found in read.values() if isinstance(found, SettingsProblems)]
        self.settings.take(read)
        self._mistakes = [problem for each in wrong for problem in each.problems]
        self._mistakes += strangers(models, tables, environ)
        return self._mistakes

    def load(self, found: Iterable[EntryPoint] | None = None) -> None:
        """Load the plugins that are installed, each whole or not at all; to be called once.

        One that fails is logged with its traceback and named in `problems`.
        """
        points = entry_points(group=GROUP) if found is None else found
        for point in sorted(points, key=lambda point: (_distribution(point), point.name)):
            try:
                self.add(point.name, point.load())
            except (Exception, SystemExit) as error:  # the boundary to code that is not ours
                logger.exception("a plugin cannot be loaded", plugin=point.name)
                self._refuse(point, error)

    def add(self, name: str, register: Register) -> None:
        """Let a plugin of this name register, whole or not at all.

        Raises:
            ConfigError: it is async, or takes away what is needed; or whatever it raises itself.
        """
        if inspect.iscoroutinefunction(register):
            where = f"{register.__module__}:{register.__qualname__}"
            raise ConfigError(f"{where} must be a plain function, not an async one.")
        handlers, restore = self.registry.handlers, self._additions.restorer()
        try:
            register(self.context(name))
            self._miss_none(handlers)
        except BaseException:
            restore()
            raise

    def refuse_tool(self, tool: PluginTool[Any], reason: str) -> None:
        """Do without a tool that cannot be offered, and say so."""
        del self._additions.tools[tool.name]
        problem = f"The tool {tool.name} of the plugin {tool.plugin} is not offered: {reason}"
        self._problems.append(problem)
        logger.warning("a plugin's tool is not offered", tool=tool.name, reason=reason)

    def _miss_none(self, handlers: Sequence[Handler[Any]]) -> None:
        """A kind whose handler was taken away, and none put in its place, could still be queued."""
        if missing := sorted({handler.kind for handler in handlers} - self.registry.kinds):
            raise ConfigError(
                f"it takes away the handler of {', '.join(missing)} and puts none in its place; "
                "register(context) has to do both."
            )

    def _refuse(self, point: EntryPoint, error: BaseException) -> None:
        name = f"The plugin {point.name} ({_distribution(point)})"
        self._problems.append(
            f"{name} was not loaded: {_told(error)} Everything else works; the log says more."
        )


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"


def _told(error: BaseException) -> str:
    """What a client may know of an error: our own words, or what kind it was, but no path."""
    match error:
        case ServerError():
            return str(error)
        case ModuleNotFoundError(name=str(name)):
            return f"the module {name} that it needs is not installed."
        case _:
            return f"it failed with {type(error).__name__}."
