"""What the files set for plugins, `[plugins.NAME]`, not yet checked by the plugins' models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mcp_server.config.words import pairs_in, place_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginTable:
    """What is set for one plugin, and where."""

    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    """By key, such as `pressroom.toml:7: plugins.words.longest`."""
    brought: frozenset[str] = frozenset()
    """The keys that hold as the workspace's own file has them, and not by its user's word."""


def tables_of(plugins: object, file: Path, text: str) -> Mapping[str, PluginTable] | None:
    """Return what `plugins` in a file says of each plugin; `None` if it is no table of tables."""
    if not isinstance(plugins, dict):
        return None
    found: dict[str, PluginTable] = {}
    for name, values in cast("dict[str, object]", plugins).items():
        if not isinstance(values, dict):
            return None
        keys = cast("dict[str, Any]", values)
        places = {key: place_in(file, text, ("plugins", name), key) for key in keys}
        found[name] = PluginTable(values=keys, places=places, brought=frozenset(keys))
    return found


def merged(
    users: Mapping[str, PluginTable], own: Mapping[str, PluginTable]
) -> Mapping[str, PluginTable]:
    """Return what holds where the user's file says something and the workspace's something else."""
    nothing = PluginTable()
    return {
        name: PluginTable(
            values={**users.get(name, nothing).values, **own.get(name, nothing).values},
            places={**users.get(name, nothing).places, **own.get(name, nothing).places},
            brought=own.get(name, nothing).brought,
        )
        for name in sorted({*users, *own})
    }


def budget_of(users: object, own: object, said: object) -> object:
    """Return the `[budget]` that holds, not yet checked; `said` is what the environment says.

    A stranger may have written the workspace's own file: it can lower a limit of its user's, and
    where there is one it names no price. What is no table is returned, for the check to find.
    """
    tables = [users, own, pairs_in(said) if isinstance(said, str) else said]
    if wrong := [each for each in tables if each is not None and not isinstance(each, dict)]:
        return wrong[0]
    user, workspace, variable = (cast("dict[str, object]", each or {}) for each in tables)
    if not set(user) & set(_LIMITS):
        return {**user, **workspace, **variable}
    within = {name: _lower(name, user, value) for name, value in workspace.items()}
    for price in _PRICES:
        within.pop(price, None)
    return {**user, **within, **variable}


def _lower(name: str, user: Mapping[str, object], value: object) -> object:
    theirs = user.get(name)
    if name in _LIMITS and isinstance(value, int | float) and isinstance(theirs, int | float):
        return min(value, theirs)
    return value


_LIMITS, _PRICES = ("batch_usd", "day_usd"), ("input_usd", "output_usd")
