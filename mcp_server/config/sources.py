"""Where settings come from: the workspace's file, its user's own file, the environment."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mcp_server.config.settings import (
    KEY_VARIABLE,
    PASSWORD_IN_ADDRESS,
    Settings,
    without_password,
)
from mcp_server.config.tables import PluginTable, budget_of, merged, tables_of
from mcp_server.config.words import in_words, left_literal, place, unknown_variable
from mcp_server.errors import ConfigError
from mcp_server.folder import Folder

SETTINGS_FILE = "pressroom.toml"
"""What makes a folder a workspace."""
SETTINGS_BYTES_MAX = 256 * 1024
"""Far more than every setting with its explanation takes."""

ENV_PREFIX = "PRESSROOM_"
PLUGINS_PREFIX = "PRESSROOM_PLUGINS_"
"""How variables begin that are settings of plugins; the plugin's name and the setting's follow."""
WORKSPACE_VARIABLE = "PRESSROOM_WORKSPACE"
STATE_DIR_VARIABLE = "PRESSROOM_STATE_DIR"
TOKEN_VARIABLE = "PRESSROOM_TOKEN"  # noqa: S105 - the name of the variable, not a token
"""Where the bearer token comes from: an option would show it in the list of processes."""

_VARIABLES = (
    WORKSPACE_VARIABLE,
    STATE_DIR_VARIABLE,
    TOKEN_VARIABLE,
    KEY_VARIABLE,
    *(f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields),
)


class SettingsProblems(ConfigError):
    """The settings cannot be used; `problems` has one line for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings in force, and where they come from."""

    settings: Settings
    brought: frozenset[str]
    """Settings whose value in force comes from the workspace's own file, not from its user."""
    warnings: tuple[str, ...] = ()
    """One for each variable that looks like ours and is not."""
    model_problem: str | None = None
    """Why the model may not be asked (its address held a password); everything else works."""
    plugins: Mapping[str, PluginTable] = field(default_factory=dict[str, PluginTable])
    """What the files set for plugins, by the plugin's name."""


def load_settings(
    root: Path,
    environ: Mapping[str, str],
    user_file: Path | None = None,
    *,
    text: str | None = None,
) -> Loaded:
    """Return the settings of the workspace in `root`.

    They are those of `user_file`, if it is there, overridden by the workspace's own file, and both
    by `environ`. With a `text`, as if that were in the workspace's own file.

    Raises:
        SettingsProblems: some are unknown or do not fit; all of them are named.
    """
    users = _Source()
    if user_file is not None and user_file.exists():
        # Links are refused in a workspace; in the user's own folder one is the user's choice.
        users = _Source.of(user_file.resolve())
    own = _Source.of(root / SETTINGS_FILE, text)
    variables = {name: f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    overrides = {name: v for name, by in variables.items() if (v := environ.get(by, "").strip())}
    if literal := {variables[n]: text for n, v in overrides.items() if (text := left_literal(v))}:
        raise SettingsProblems([still_literal(by, text) for by, text in literal.items()])
    sources = users.places | own.places | {name: variables[name] for name in overrides}
    written = users.written | own.written | overrides
    if "budget" in written:
        parts = (each.get("budget") for each in (users.written, own.written, overrides))
        written["budget"] = budget_of(*parts)
    model_problem = None
    # A password is reported as a problem of the model alone, so that all else goes on working.
    if (bare := without_password(written.get("model_url"))) is not None:
        model_problem = f"{sources['model_url']} {PASSWORD_IN_ADDRESS}"
        written["model_url"] = bare
    try:
        settings = Settings.model_validate(written)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=True)
        known = tuple(Settings.model_fields)
        raise SettingsProblems(
            [in_words(each, sources, SETTINGS_FILE, known) for each in found]
        ) from None
    brought = frozenset(own.written) - frozenset(overrides)
    return Loaded(
        settings=settings,
        brought=brought,
        warnings=_strangers(environ),
        model_problem=model_problem,
        plugins=merged(users.plugins, own.plugins),
    )


def named_in(environ: Mapping[str, str], variable: str) -> str:
    """Return a variable's value, empty where it is not set.

    Raises:
        SettingsProblems: the program that started us left `${…}` in it.
    """
    value = environ.get(variable, "").strip()
    if literal := left_literal(value):
        raise SettingsProblems([still_literal(variable, literal)])
    return value


def still_literal(variable: str, literal: str) -> str:
    """Return what to say of a variable whose placeholder the starting program did not fill in."""
    return (
        f"{variable} holds {literal} as it stands: the program that starts Pressroom does not "
        "fill it in. Write the value itself there, or set the variable where that program starts."
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """What one file sets, and where in it."""

    written: dict[str, Any] = field(default_factory=dict[str, Any])
    places: dict[str, str] = field(default_factory=dict[str, str])
    plugins: Mapping[str, PluginTable] = field(default_factory=dict[str, PluginTable])

    @classmethod
    def of(cls, file: Path, text: str | None = None) -> _Source:
        text = _read(file) if text is None else text.removeprefix("\ufeff")
        try:
            written = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            # Only the place is repeated: the rest of the message may quote the file, a key in it.
            where = re.search(r"\(at [^()]*\)$", str(error))
            problem = f"this is no TOML{f' {where[0]}' if where else ''}"
            raise SettingsProblems(
                [f"{file.name}: {problem}; write lines such as concurrency = 4"]
            ) from None
        tables = written.pop("plugins", {})
        places = {name: place(file, text, name) for name in written}
        if (plugins := tables_of(tables, file, text)) is None:
            where = place(file, text, "plugins")
            raise SettingsProblems(
                [f"{where}: write [plugins.NAME], and below it lines such as name = 4"]
            )
        return cls(written, places, plugins)


def _strangers(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Warn of unknown variables with our prefix: a misspelt setting would go unnoticed.

    Those of plugins are checked by who knows their settings.
    """
    ours = (name for name in environ if name.startswith(ENV_PREFIX) and name not in _VARIABLES)
    unknown = [name for name in ours if not name.startswith(PLUGINS_PREFIX)]
    return tuple(unknown_variable(name, _VARIABLES) for name in sorted(unknown))


def _read(file: Path) -> str:
    try:
        content = Folder(file.parent).read(file.name, SETTINGS_BYTES_MAX)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsProblems(
            [f"{file.name}: it cannot be read ({reason}); `pressroom init DIR` makes a new one"]
        ) from error
    if len(content) > SETTINGS_BYTES_MAX:
        raise SettingsProblems([f"{file.name}: more than {SETTINGS_BYTES_MAX} bytes; shorten it"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsProblems(
            [f"{file.name}:{line}: this is no UTF-8 text; save the file as UTF-8"]
        ) from error
