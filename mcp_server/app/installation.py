"""What is installed, as far as it can be told without loading it: a client waits for the server."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from mcp_server.errors import ConfigError

HANDLERS = "handlers"
"""The package whose modules are the job kinds that Pressroom brings."""
KINDS = (
    "content-export",
    "content-generate",
    "content-look",
    "content-promote",
    "content-rollback",
    "content-unpublish",
    "embedding",
)
"""Those that its tools queue; each has a module of its own."""
PLUGINS = "pressroom.plugins"
"""The group of entry points by which plugins are found."""


def has_plugins() -> bool:
    """Whether any plugin is installed; its tools are to be listed, too."""
    return bool(entry_points(group=PLUGINS))


def check_handlers() -> None:
    """Return if there is a module for each kind that our tools queue.

    Raises:
        ConfigError: there is not.
    """
    modules = {found.name for found in iter_modules(import_module(HANDLERS).__path__)}
    if missing := [kind for kind in KINDS if kind.replace("-", "_") not in modules]:
        raise not_whole(missing)


def not_whole(missing: Iterable[str]) -> ConfigError:
    """Return the error for kinds without a handler."""
    return ConfigError(
        f"Nothing here runs jobs of kind {', '.join(missing)}, which Pressroom's own tools "
        "queue: this installation is not whole. Install Pressroom again; if that does not "
        "help, see what else of yours is called `handlers`."
    )
