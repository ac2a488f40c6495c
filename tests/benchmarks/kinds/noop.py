"""A kind that does nothing. `serving` brings it to the server and to the worker it starts."""

from __future__ import annotations

from pydantic import BaseModel

from mcp_server import Done, JobContext, Outcome, handler


class Noop(BaseModel, frozen=True, extra="forbid"):
    """What a no-op is given: its number."""

    number: int


@handler("noop", Noop)
async def noop(payload: Noop, context: JobContext) -> Outcome:
    """Do nothing; twice, too."""
    return Done()
