"""The package's public names."""

from __future__ import annotations

import pytest

import mcp_server


def test_every_public_name_is_there_and_sorted() -> None:
    """`__all__` is what handlers and plugins may import."""
    assert list(mcp_server.__all__) == sorted(mcp_server.__all__, key=_like_ruff)
    for name in mcp_server.__all__:
        assert getattr(mcp_server, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy exports hide no mistake."""
    with pytest.raises(AttributeError, match="nothing_like_it"):
        getattr(mcp_server, "nothing_like_it")  # noqa: B009 -- pyright knows that it is not there


def _like_ruff(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions: as the linter sorts them."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name
