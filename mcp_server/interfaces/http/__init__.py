"""The MCP server, the events and the metrics over HTTP."""
