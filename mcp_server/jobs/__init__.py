"""Durable background work: batch → queue → worker → attempt. Knows nothing of sites or MCP."""
