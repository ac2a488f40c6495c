"""`cancel`: stop what has not finished."""

from __future__ import annotations

from pydantic import Field

from mcp_server.errors import InvalidPayload
from mcp_server.interfaces.mcp.answers import batch_sentences, sentences
from mcp_server.interfaces.mcp.answers.replies import CancelReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import Arguments, Id
from mcp_server.interfaces.mcp.tools.tool import Tool, hints
from mcp_server.interfaces.services import Services
from mcp_server.jobs.records import Cancelled


class CancelArguments(Arguments):
    """What to stop: a batch or a job."""

    batch_id: Id | None = Field(None, description="The batch to stop.")
    job_id: Id | None = Field(None, description="Only this job of a batch.")


class Cancel(Tool[CancelArguments]):
    """Stop what has not finished, and say what was already done."""

    name = "cancel"
    title = "Stop a batch"
    description = (
        "A batch, or one job of it: stops what has not finished and says what was "
        "already done, which stays. Neither a wait that runs out nor a closed chat stops a "
        "batch, only this does. status lists the batches."
    )
    arguments = CancelArguments
    reply = CancelReply
    annotations = hints(destructive=True, idempotent=True)

    async def run(self, arguments: CancelArguments, ctx: OpenCall) -> CancelReply:  # noqa: ARG002 - all tools are called alike
        found = await self._cancelled(await self.caller.services(), arguments)
        batch_id = found.batch.id if found.batch is not None else arguments.batch_id or None
        return CancelReply(
            message=batch_sentences.cancelled(found, alone=bool(arguments.job_id)),
            status=found.batch.state.value if found.batch is not None else None,
            batch_id=batch_id,
            stopped=found.stopped,
            never_started=found.dropped,
            already_done=found.done,
            next=_next(found, batch_id),
        )

    async def _cancelled(self, services: Services, arguments: CancelArguments) -> Cancelled:
        match arguments.batch_id or None, arguments.job_id or None:
            case str(batch_id), None:
                return await services.batches.cancel(batch_id, owner=self.caller.owner)
            case None, str(job_id):
                return await services.batches.cancel_job(job_id, owner=self.caller.owner)
            case _:
                raise InvalidPayload("cancel", ["give either batchId or jobId"])


def _next(found: Cancelled, batch_id: str | None) -> str | None:
    """Return the call that comes next: `status` while the batch goes on, as retry refuses that."""
    if batch_id is None or found.stopped + found.dropped == 0:
        return None
    goes_on = found.batch is not None and batch_sentences.goes_on(found.batch)
    return sentences.call("status" if goes_on else "retry", {"batchId": batch_id})
