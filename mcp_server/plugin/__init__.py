"""What handlers are given (`JobContext`), and what plugins are given (`PluginContext`)."""

from __future__ import annotations

from mcp_server.plugin.context import PluginContext
from mcp_server.plugin.job_context import JobContext, Workbench

__all__ = ["JobContext", "PluginContext", "Workbench"]
