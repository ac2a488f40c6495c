"""Ways in: the MCP server, HTTP, the command line."""
