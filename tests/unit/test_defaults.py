"""Times that hold where nobody names another: documents promise them, and callers rely on them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from mcp_server.jobs.hub.hub import Hub
from mcp_server.plugin import PluginContext
from mcp_server.progress.stream import Events


def default_of(call: Callable[..., Any], name: str) -> object:
    """Return what an argument is where it is left out."""
    return inspect.signature(call).parameters[name].default


@pytest.mark.parametrize("subscribe", [Hub.subscribe, Events.subscribe, Events.feed])
def test_of_one_operation_there_is_one_event_in_500_ms(subscribe: Callable[..., Any]) -> None:
    """Chat rooms and panels are not flooded (seed 003)."""
    assert default_of(subscribe, "interval_s") == 0.5


@pytest.mark.parametrize("wait", [PluginContext.wait_for_batch, PluginContext.wait_for_idle])
def test_a_plugin_waits_for_a_minute(wait: Callable[..., Any]) -> None:
    """Longer than a draft takes, shorter than a call may last (seed 000)."""
    assert default_of(wait, "timeout_s") == 60.0
