"""What a request key stands for (R2): the call that it was first used with, for a day.

And what was spent (R28): it stays so for as long, and is worth nothing by then.
"""

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


def check_spent(digest: str, remembered: str, *, batch_id: str | None) -> None:
    """Return if a call is the one that has spent what it hands in, by their digests.

    `batch_id` is `None` where that is the batch of another owner, of which nobody else is told.

    Raises:
        InvalidPayload: it was spent by another call, or by another owner.
    """
    if digest != remembered or batch_id is None:
        by = "somebody else" if batch_id is None else f"batch {batch_id}"
        what = f"it was spent already, by {by}: look at a new dry run, and pass its"
        raise InvalidPayload("digest", [what])
