"""The package's public names."""

from __future__ import annotations

import ast
import inspect
from importlib.metadata import version
from types import ModuleType

import pytest

import mcp_server


def test_every_public_name_is_there_and_sorted() -> None:
    """`__all__` is what handlers may import."""
    assert list(mcp_server.__all__) == sorted(mcp_server.__all__, key=_like_ruff)
    for name in mcp_server.__all__:
        assert getattr(mcp_server, name) is not None


def test_the_table_of_public_names_is_complete_and_sorted() -> None:
    """Each is imported at run time from where type checkers are told that it is."""
    assert list(mcp_server.HOMES) == list(mcp_server.__all__)
    assert imported_by(mcp_server) == mcp_server.HOMES


def test_a_name_that_was_looked_up_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first look-up imports anything."""
    monkeypatch.delattr(mcp_server, "ABSENT", raising=False)
    found = mcp_server.ABSENT
    assert vars(mcp_server)["ABSENT"] is found


def test_the_package_says_its_version() -> None:
    """That of the distribution which is installed."""
    assert mcp_server.__version__ == version("pressroom")


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy exports hide no mistake."""
    with pytest.raises(AttributeError, match="nothing_like_it"):
        getattr(mcp_server, "nothing_like_it")  # noqa: B009 -- pyright knows that it is not there


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
