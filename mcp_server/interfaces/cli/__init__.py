"""The command line. It imports neither `mcp` nor a model library: the runners are passed in."""

from mcp_server.interfaces.cli.commands import build_cli, run_cli
from mcp_server.interfaces.cli.runners import Ask, Board, Called, Runners, Waited

__all__ = ["Ask", "Board", "Called", "Runners", "Waited", "build_cli", "run_cli"]
