"""`on_error` hooks: called once a failure is stored, so they cannot change it."""

from __future__ import annotations

import anyio
import structlog

from mcp_server.errors import UnknownKind
from mcp_server.jobs.handler import Failure
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.worker.attempt import is_in_a_task

HOOK_S = 10.0
"""How long a hook may take."""

HOOKS_MAX = 8
"""How many run at once; the others wait for them."""

logger = structlog.get_logger(__name__)


class Hooks:
    """Calls the `on_error` hooks of kinds, a few at a time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._places = anyio.CapacityLimiter(HOOKS_MAX)

    async def tell(self, failure: Failure) -> None:
        """Call the hook of the failed job's kind, if it has one.

        What the hook raises is logged and swallowed, and it is stopped after `HOOK_S`.
        """
        try:
            handler = self._registry.get(failure.job.kind)
        except UnknownKind:  # taken out since
            return
        if handler.on_error is None:
            return
        log = logger.bind(job_id=failure.job.id, kind=failure.job.kind)
        async with self._places:
            try:
                payload = handler.payload.model_validate(failure.job.payload)
                with anyio.move_on_after(HOOK_S) as scope:
                    await handler.on_error(failure, payload)
                if scope.cancelled_caught:
                    log.warning("an on_error hook took too long and was stopped", limit_s=HOOK_S)
            except anyio.get_cancelled_exc_class():
                await anyio.lowlevel.checkpoint_if_cancelled()  # raises where we were cancelled
                log.exception("an on_error hook failed: what it waited for was cancelled")
            except BaseException as error:  # a plugin's mistake stays the plugin's
                if isinstance(error, GeneratorExit) and not is_in_a_task():
                    raise  # nobody waits for it any more: the loop is gone
                log.exception("an on_error hook failed")
