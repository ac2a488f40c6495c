"""The settings of plugins, as their tools and handlers read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from pydantic import BaseModel

from mcp_server.errors import ConfigError, Unavailable

S = TypeVar("S", bound=BaseModel)


class UserOnly:
    """Marks a setting that no workspace may set."""


USER_ONLY = UserOnly()
"""In `Annotated[str, USER_ONLY]`: a setting that the user may set, and a workspace's file may not.

So is to be marked what is run, what names a place to send to or to read from, and what may cost
money: who made a workspace may be a stranger. The user sets it in a `pressroom.toml` of their own,
or in the environment.
"""


class PluginSettings:
    """The settings of the plugins of one process."""

    def __init__(self) -> None:
        self.models: dict[str, type[BaseModel]] = {}
        """By the plugin's name."""
        self._read: Mapping[type[BaseModel], BaseModel | ConfigError] | None = None

    def register(self, plugin: str, model: type[BaseModel]) -> None:
        """Let a plugin have settings.

        Raises:
            ConfigError: it has some already, or another plugin has this model.
        """
        if plugin in self.models:
            raise ConfigError(f"The plugin {plugin} has a model of its settings already.")
        if model in self.models.values():
            raise ConfigError(f"{model.__name__} is the model of another plugin's settings.")
        self.models[plugin] = model

    def take(self, read: Mapping[type[BaseModel], BaseModel | ConfigError]) -> None:
        """Let these be the settings from now on, or what is wrong with them."""
        self._read = read

    def get(self, model: type[S]) -> S:
        """Return the settings of which this is the model.

        Raises:
            ConfigError: they cannot be used as they are; or no plugin registered the model.
            Unavailable: no workspace is open yet.
        """
        if model not in self.models.values():
            raise ConfigError(f"No plugin has registered {model.__name__} as its settings.")
        if self._read is None:
            raise Unavailable(
                "Settings are those of a workspace: read them in a tool or a handler, not while a "
                "plugin registers."
            )
        found = self._read[model]
        if isinstance(found, ConfigError):
            raise found
        return cast("S", found)
