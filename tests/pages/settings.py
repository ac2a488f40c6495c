"""The tables of `docs/settings.md`: every setting, from the class that checks it."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel

from mcp_server.config import Budget, Settings, open_workspace
from mcp_server.config.sources import (
    ENV_PREFIX,
    STATE_DIR_VARIABLE,
    TOKEN_VARIABLE,
    WORKSPACE_VARIABLE,
)
from mcp_server.content.drafting.model import ModelChoice, key_hint
from mcp_server.trust.needs import needs_of
from tests.pages.schema_words import allowed, table

STRANGERS: Mapping[str, Mapping[str, str]] = {
    "model": {"model": "anthropic:NAME"},
    "model_url": {"model": "NAME", "model_url": "https://models.example/v1"},
    "embedder": {"embedder": "openai:NAME"},
    "database": {"database": "postgresql://db.example/sites", "workspace_id": "bistro"},
    "content_dir": {"content_dir": "/srv/site/content"},
}
"""How somebody else's file would use each setting that can name something outside."""

WORDS = frozenset({"workspace_id", "content_id"})
"""Settings that are one word of small letters: by themselves they lead nowhere."""

KEYS = {
    "`anthropic:…`": ModelChoice(name="anthropic:NAME"),
    "`openai:…`": ModelChoice(name="openai:NAME"),
    "the server at `model_url`": ModelChoice(name="NAME", url="https://models.example/v1"),
}
"""Who wants a key. Those of other providers are found alike, by the provider's name."""


def settings_table() -> list[str]:
    """Return every setting, in the order of the class."""
    said = docstrings()
    asking = {setting for setting, _, _ in _needs()}
    rows = [
        (
            f"`{name}`",
            f"`{ENV_PREFIX}{name.upper()}`",
            _default(getattr(Settings(), name)),
            allowed(schema),
            "asks" if name in asking else "",
            said[name],
        )
        for name, schema in schemas().items()
    ]
    return table(("setting", "variable", "default", "may be", "trust", "what it does"), rows)


def schemas() -> Mapping[str, Mapping[str, object]]:
    """Return the JSON schema of each setting."""
    return Settings.model_json_schema()["properties"]


def budget_table() -> list[str]:
    """Return what `[budget]` may hold."""
    said = docstrings(Budget)
    rows = [
        (f"`{name}`", _default(getattr(Budget(), name)), allowed(schema), said[name])
        for name, schema in Budget.model_json_schema()["properties"].items()
    ]
    return table(("in `[budget]`", "default", "may be", "what it does"), rows)


def docstrings(of: type[BaseModel] = Settings) -> dict[str, str]:
    """Return what stands below each setting in the class."""
    [made] = ast.parse(inspect.getsource(of)).body
    assert isinstance(made, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(made.body, made.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "`{}`"
    return f"`{json.dumps(value.as_posix() if isinstance(value, Path) else value)}`"


def trust_table() -> list[str]:
    """Return what needs its user's word, and what they are asked."""
    rows = [(f"`{setting}`", f"`{written}`", would) for setting, written, would in _needs()]
    return table(("setting", "such as", "it would"), rows)


def _needs() -> Iterator[tuple[str, str, str]]:
    """Yield each setting that needs a word, a way to write it, and what it would do."""
    for setting, written in STRANGERS.items():
        lines = [f"{name} = {json.dumps(value)}" for name, value in written.items()]
        with TemporaryDirectory() as folder:
            (Path(folder) / "pressroom.toml").write_text("\n".join(lines), "utf-8")
            [need] = needs_of(open_workspace(Path(folder), {}))
        assert need.setting == setting
        yield setting, "; ".join(lines), need.would


def variables_table() -> list[str]:
    """Return the variables beside those of the settings."""
    rows = [
        (f"`{WORKSPACE_VARIABLE}`", "The workspace, where `--workspace` does not name it."),
        (
            f"`{STATE_DIR_VARIABLE}`",
            "A folder for drafts, history and jobs, instead of `.pressroom/` in the workspace.",
        ),
        (f"`{TOKEN_VARIABLE}`", "The bearer token that `pressroom serve --http` asks for."),
        *(
            (f"`{variable}`", f"The key for {what}. Or keep it in the system keyring: `{keyring}`.")
            for what, choice in KEYS.items()
            for variable, keyring in re.findall(r"set (\w+), or run: (.+)", key_hint(choice))
        ),
    ]
    return table(("variable", "what it is"), rows)


PARTS = {
    "settings": settings_table,
    "budget": budget_table,
    "trust": trust_table,
    "variables": variables_table,
}
