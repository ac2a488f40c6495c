"""What a workspace sets for each plugin, checked by the plugin's model: `[plugins.NAME]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mcp_server.config import (
    PLUGINS_PREFIX,
    SETTINGS_FILE,
    PluginTable,
    SettingsProblems,
    in_words,
    left_literal,
    still_literal,
    unknown_variable,
)
from mcp_server.plugin.settings import USER_ONLY

S = TypeVar("S", bound=BaseModel)

logger = structlog.get_logger(__name__)


def settings_of(
    plugin: str, model: type[S], table: PluginTable, environ: Mapping[str, str]
) -> S | SettingsProblems:
    """Return a plugin's settings as its model, or a sentence for each mistake.

    They are those of the files, overridden by the environment.
    """
    variables = {key: _variable(plugin, key) for key in model.model_fields}
    said = {key: text for key, by in variables.items() if (text := environ.get(by, "").strip())}
    if literal := {variables[key]: text for key, v in said.items() if (text := left_literal(v))}:
        return SettingsProblems([still_literal(by, text) for by, text in literal.items()])
    places = {key: f"{SETTINGS_FILE}: plugins.{plugin}.{key}" for key in model.model_fields}
    places |= {**table.places, **{key: variables[key] for key in said}}
    problems = [
        f"{places[key]} may not be set by a workspace; write it into the {SETTINGS_FILE} among "
        f"your own settings, or into {variables[key]}"
        for key in sorted(table.brought - set(said))
        if key in model.model_fields and USER_ONLY in model.model_fields[key].metadata
    ]
    try:
        found, mistakes = _validated(model, {**table.values, **said})
    except Exception as error:  # the boundary to code that is not ours
        logger.exception("a plugin's settings cannot be checked", plugin=plugin)
        where = f"{SETTINGS_FILE}: plugins.{plugin}"
        return SettingsProblems([f"{where}: checking it failed with {type(error).__name__}"])
    known = tuple(model.model_fields)
    problems += [in_words(each, places, SETTINGS_FILE, known) for each in mistakes]
    return SettingsProblems(problems) if problems or found is None else found


def strangers(
    models: Mapping[str, type[BaseModel]],
    tables: Mapping[str, PluginTable],
    environ: Mapping[str, str],
) -> Iterator[str]:
    """Name the tables and variables that nobody takes notice of: a slip of the pen, perhaps."""
    for name in sorted(tables.keys() - models.keys()):
        where = next(iter(tables[name].places.values()), f"{SETTINGS_FILE}: plugins")
        with_settings = ", ".join(sorted(models)) or "none"
        yield f"{where} changes nothing: plugins with settings are: {with_settings}"
    known = [_variable(plugin, key) for plugin, m in models.items() for key in m.model_fields]
    for name in sorted(environ):
        if name.startswith(PLUGINS_PREFIX) and name not in known:
            yield unknown_variable(name, known)


def _validated(model: type[S], values: Mapping[str, object]) -> tuple[S | None, list[ErrorDetails]]:
    """Return the model, or all that is wrong; so is a key unknown to it, unless it takes any."""
    takes_any = model.model_config.get("extra") == "allow"
    unknown = [key for key in values if key not in model.model_fields and not takes_any]
    mistakes = [
        ErrorDetails(type="extra_forbidden", loc=(key,), msg="", input=None) for key in unknown
    ]
    try:
        found = model.model_validate({k: v for k, v in values.items() if k not in unknown})
    except ValidationError as error:
        return None, [*mistakes, *error.errors(include_url=False)]
    return None if mistakes else found, mistakes


def _variable(plugin: str, key: str) -> str:
    return f"{PLUGINS_PREFIX}{plugin}_{key}".upper().replace("-", "_")
