"""What is told of an installation without loading it is what is found when it is loaded."""

from __future__ import annotations

from mcp_server.app import HOMES, __all__, installation
from mcp_server.content.actions.payloads import JOB_KINDS
from mcp_server.plugin.loading import GROUP


def test_the_kinds_are_those_that_our_tools_queue() -> None:
    """Each has a module of its own, and all are here."""
    assert sorted(installation.KINDS) == sorted(JOB_KINDS)
    installation.check_handlers()


def test_plugins_are_looked_for_where_they_are_loaded_from() -> None:
    """None is installed beside these tests."""
    assert installation.PLUGINS == GROUP
    assert not installation.has_plugins()


def test_every_public_name_has_a_home() -> None:
    """It is imported from there when it is first asked for."""
    assert list(HOMES) == list(__all__)
