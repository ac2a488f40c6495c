"""Make changed texts known to search: their words, and the vectors of what they mean."""

from __future__ import annotations

from mcp_server import (
    Done,
    Embedding,
    EmbeddingTrouble,
    Fail,
    JobContext,
    Outcome,
    Retry,
    Skip,
    Snooze,
    handler,
)

CHUNK = 64
"""Texts that are embedded together, in a tenth of a second: whoever stops it waits no longer."""
CHUNKS_MAX = 100
"""After so many the job goes to the end of the queue: others take their turn."""
PAUSE_S = 10.0
"""How long a provider is left alone that took some texts and no more, unless it says so itself."""


@handler("embedding", Embedding, timeout_s=600)
async def embedding(payload: Embedding, context: JobContext) -> Outcome:
    """Embed one text, as long as it is the one of the payload; or all that have changed.

    A worker that lacks the embedder leaves that to one that has it, on another machine.

    Safe to run twice. Each chunk is stored by itself; the last one together with the job's end.
    Where no vectors can be made, what is new is found by its words all the same.
    """
    try:
        if context.job.attempts:  # the last one may have been cut off
            await context.save_words(at_once=CHUNK)
        if (elsewhere := await context.embedded_elsewhere()) is not None:
            return await _left_to(elsewhere, payload, context)
        if payload.type:
            return await _one(payload, context)
        return await _all(context)
    except EmbeddingTrouble as trouble:
        await context.save_words(at_once=CHUNK)
        if trouble.passes:
            return Retry(str(trouble), after_s=trouble.after_s)
        return Fail("embedding-failed", str(trouble))


async def _left_to(elsewhere: object, payload: Embedding, context: JobContext) -> Outcome:
    await context.save_words(at_once=CHUNK)
    ids = [(payload.type, payload.id)] if payload.type else None
    if not await context.unembedded(ids, limit=1):
        return Skip("all is known to search already")
    return Done({"embedded": "elsewhere"}, (elsewhere,))


async def _one(payload: Embedding, context: JobContext) -> Outcome:
    texts = await context.unembedded([(payload.type, payload.id)], limit=1)
    if not texts:
        return Skip("it is known to search already")
    if texts[0].hash != payload.hash:
        return Skip("its text has changed since; that is embedded by a job of its own")
    return Done({"entityId": payload.id}, tuple(await context.embed(texts)))


async def _all(context: JobContext) -> Outcome:
    done = 0
    for _ in range(CHUNKS_MAX):
        texts = await context.unembedded(limit=CHUNK)
        try:
            effects = await context.embed(texts)
        except EmbeddingTrouble as trouble:
            if not (done and trouble.passes):
                raise
            # Some were taken, as where so many a minute are allowed: that costs no retry.
            await context.save_words(at_once=CHUNK)
            return Snooze(context.now + (trouble.after_s or PAUSE_S), str(trouble))
        done += len(texts)
        if len(texts) < CHUNK:
            return Done({"texts": done}, tuple(effects))
        await context.checkpoint(effects)
        await context.progress(done, 0, f"{done} texts")
    return Snooze(context.now)
