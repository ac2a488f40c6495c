"""How embedding goes wrong."""

from __future__ import annotations

from mcp_server.errors import ServerError


class EmbeddingTrouble(ServerError):
    """No vectors could be made. `passes`: it may work later, after `after_s` seconds if known."""

    def __init__(self, reason: str, *, passes: bool, after_s: float | None = None) -> None:
        self.passes, self.after_s = passes, after_s
        super().__init__(reason)
