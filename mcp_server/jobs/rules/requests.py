"""What a request key stands for (R2): the call that it was first used with, for a day."""

from __future__ import annotations

from mcp_server.errors import InvalidPayload

REQUEST_KEY_S = 24 * 3600
"""How long a request key is remembered."""


def check_digest(digest: str, remembered: str) -> None:
    """Return if a call is the one that its key is remembered for, by their digests.

    Raises:
        InvalidPayload: the key was used for something else.
    """
    if digest != remembered:
        raise InvalidPayload(
            "requestKey", ["it was used with other arguments; take a new one for a new request"]
        )
