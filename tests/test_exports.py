"""The two doors: `mcp_server` for our own handlers, `mcp_server.plugin` for plugins."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

import mcp_server
from mcp_server import plugin

ROOT = Path(__file__).resolve().parent.parent
DOORS = (mcp_server, plugin)
PLUGIN_CODE = (
    "README.md",
    "docs/plugins.md",
    "docs/progress-events.md",
    "tests/interfaces/test_plugin*.py",
    "tests/faults/test_misbehaving_handlers.py",
)
"""Where plugins are shown or tried, their code in quotes."""


@pytest.mark.parametrize("door", DOORS)
def test_every_public_name_is_there_and_sorted(door: ModuleType) -> None:
    """`__all__` is what may be imported."""
    assert list(door.__all__) == sorted(door.__all__, key=_like_ruff)
    for name in door.__all__:
        assert getattr(door, name) is not None


def test_our_handlers_import_every_name_of_their_door() -> None:
    """What none of them needs is not offered: plugins have a door of their own."""
    used = {name for path in (ROOT / "handlers").glob("*.py") for name in imported_in(path)}
    assert sorted(used) == sorted(mcp_server.__all__)


def test_a_plugin_imports_from_its_door_and_nowhere_else() -> None:
    """In the README, on the pages, and in the tests' own plugins."""
    shown = [text for name in PLUGIN_CODE for path in ROOT.glob(name) for text in listings(path)]
    modules = {module for text in shown for module in re.findall(r"from (mcp_server\S*)", text)}
    assert modules == {"mcp_server.plugin", "mcp_server.testing"}


@pytest.mark.parametrize("name", plugin.__all__)
def test_every_name_of_the_plugins_door_says_what_it_is(name: str) -> None:
    """In a sentence of its own, not one that was made from its fields."""
    home = import_module(imported_by(plugin)[name])
    assert documented(ast.parse(inspect.getsource(home)), name).strip().endswith(".")


def test_the_table_of_public_names_is_complete_and_sorted() -> None:
    """Each is imported at run time from where type checkers are told that it is."""
    assert list(mcp_server.HOMES) == list(mcp_server.__all__)
    assert imported_by(mcp_server) == mcp_server.HOMES


def test_a_name_that_was_looked_up_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first look-up imports anything."""
    monkeypatch.delattr(mcp_server, "PREVIEW", raising=False)
    found = mcp_server.PREVIEW
    assert vars(mcp_server)["PREVIEW"] is found


def test_the_package_says_its_version() -> None:
    """That of the distribution which is installed."""
    assert mcp_server.__version__ == version("pressroom")


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy exports hide no mistake."""
    with pytest.raises(AttributeError, match="nothing_like_it"):
        getattr(mcp_server, "nothing_like_it")  # noqa: B009 -- pyright knows that it is not there


def imported_in(path: Path) -> Iterator[str]:
    """Yield the names that a handler imports from `mcp_server`."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module == "mcp_server":
            yield from (name.name for name in node.names)


def listings(path: Path) -> list[str]:
    """Return the code of plugins that a page shows, or that a test has in triple quotes."""
    fences = (
        (r"```python\n(.*?)```",) if path.suffix == ".md" else (r'"{3}(.*?)"{3}', r"'{3}(.*?)'{3}")
    )
    text = path.read_text("utf-8")
    return [found for fence in fences for found in re.findall(fence, text, re.DOTALL)]


def documented(tree: ast.Module, name: str) -> str:
    """Return what a module says of one of its names; fail where it says nothing."""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        match node, after:
            case (ast.ClassDef() | ast.FunctionDef(), _) if node.name == name:
                text = ast.get_docstring(node)
            case (
                ast.Assign(targets=[ast.Name(id=id)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                text = text if id == name else None
            case _:
                text = None
        if text:
            return text
    raise AssertionError(f"{name} has no docstring")


def imported_by(module: ModuleType) -> dict[str, str]:
    """Return each name that a module imports from this package, and the module it is from."""
    tree = ast.parse(inspect.getsource(module))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    ours = [node for node in found if str(node.module).startswith("mcp_server.")]
    return {name.name: str(node.module) for node in ours for name in node.names}


def _like_ruff(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions: as the linter sorts them."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name
