"""How embedding goes wrong."""

from __future__ import annotations

from mcp_server.errors import ServerError


class EmbeddingTrouble(ServerError):
    """No vectors could be made. `passes`: it may work later, after `after_s` seconds if known."""

    def __init__(self, reason: str, *, passes: bool, after_s: float | None = None) -> None:
        self.passes, self.after_s = passes, after_s
        super().__init__(reason)


class TextsRefused(EmbeddingTrouble):
    """A provider does not take one of the texts, or the whole request: it does not say which.

    `too_long`: it is too long for the model. `of_text`: it is surely about a text.
    """

    def __init__(self, reason: str, *, too_long: bool = False, of_text: bool = False) -> None:
        self.too_long, self.of_text = too_long, too_long or of_text
        super().__init__(reason, passes=False)
