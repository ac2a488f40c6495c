"""Which versions of the protocol a client is told of."""

from __future__ import annotations

from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

HANDSHAKE_VERSIONS = ("2025-11-25", "2025-06-18")
"""Versions before 2026-07-28 that are served over HTTP beside it, newest first. Older ones are
served in part: 2025-03-26 has batches, and 2024-11-05 another transport."""


async def name_all_versions(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Let `server/discover` name the older versions too, over HTTP.

    There, each request says of which version it is. Over stdio the first one decides for the whole
    connection, and a handshake after a discovery is refused: to offer it would be a lie.
    """
    result = await call_next(ctx)
    if ctx.method != "server/discover" or ctx.request is None:
        return result
    found = cast("dict[str, Any]", result)
    versions = dict.fromkeys([*found["supportedVersions"], *HANDSHAKE_VERSIONS])
    return {**found, "supportedVersions": [*versions]}
