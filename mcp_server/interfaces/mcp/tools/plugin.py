"""The tools of plugins, behind the same boundary as our own, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from mcp_server.errors import InvalidPayload, NotFound
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.batch import view_of
from mcp_server.interfaces.mcp.answers.fit import REPLY_BYTES_MAX, ROWS, fitted
from mcp_server.interfaces.mcp.answers.job import job_row
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import PluginReply, Reply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import (
    Waiting,
    added_by_host,
    parse,
    unknown_argument,
)
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.schemas import listed_reply, wire_schema
from mcp_server.interfaces.mcp.tools.tool import noting
from mcp_server.interfaces.mcp.wait import Reporter, report_batch, report_job
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import ENDED_JOB_STATES, Job
from mcp_server.plugin.context import PluginTool
from mcp_server.plugin.loading import Plugins

CALL_S = 30.0
"""How long a plugin's tool may take to queue its work; clients give up a call after a minute."""
WAIT = "waitSeconds"


class PluginTookTooLong(InvalidPayload):
    """The plugin's function did not return in time; what it has queued by then goes on."""

    def __init__(self, tool: str) -> None:
        problem = f"its plugin took longer than {CALL_S:g} s; status shows what it has queued"
        super().__init__(tool, [problem])


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginToolEntry:
    """One tool of a plugin, with what its calls need."""

    tool: PluginTool[Any]
    plugins: Plugins
    caller: Caller

    @property
    def name(self) -> str:
        """The name that clients call it by."""
        return self.tool.name

    def listed(self) -> Tool:
        """Return the tool for the list that clients ask for."""
        tool = self.tool
        return Tool(
            name=tool.name,
            title=tool.title,
            description=f"{tool.description} Answers at once with an id; follow it with status.",
            input_schema=arguments_schema(tool.arguments),
            output_schema=listed_reply(PluginReply),
            annotations=ToolAnnotations(
                read_only_hint=False,
                destructive_hint=tool.destructive,
                idempotent_hint=tool.idempotent,
                open_world_hint=tool.open_world,
            ),
        )

    async def call(self, raw: Mapping[str, Any], ctx: OpenCall) -> Reply:
        """Check the arguments, let the plugin queue its work, wait if asked to, and answer.

        Raises:
            CallerError: the arguments do not fit, or the plugin refused them.
        """
        waiting = parse(self.name, Waiting, {WAIT: raw[WAIT]} if WAIT in raw else {})
        extras = added_by_host(raw, arguments_schema(self.tool.arguments)["properties"])
        own = {name: value for name, value in raw.items() if name not in extras}
        arguments = parse_plugin(self.name, self.tool.arguments, own)
        services = await self.caller.services()
        context = self.plugins.context(self.tool.plugin, self.caller.origin)
        id = None
        with anyio.move_on_after(CALL_S):
            id = await self.tool.run(arguments, context)
        if id is None:
            raise PluginTookTooLong(self.name)
        try:  # a plugin may answer with the id of a job or of a batch
            job = await services.batches.job(id, owner=self.caller.owner)
        except NotFound:
            return noting(extras, await self._batch_reply(services, id, waiting, ctx))
        return noting(extras, await self._job_reply(services, job, waiting, ctx))

    async def _job_reply(
        self, services: Services, job: Job, waiting: Waiting, ctx: OpenCall
    ) -> PluginReply:
        if waiting.wait_s:
            job = await report_job(
                services.hub, job, seconds=waiting.wait_s, reporter=Reporter(ctx)
            )
        ended, marks = job.state in ENDED_JOB_STATES, Marks(self.caller.clock)

        # What `fitted` counts down here is no number of rows, but how much of each text is shown.
        def build(size: int) -> PluginReply:
            row = job_row(job, size, marks) if waiting.wait_s else None
            return PluginReply(
                status="queued" if not ended and not waiting.wait_s else job.state.value,
                message=sentences.queued_job(job, outlives=self.caller.outlives(services)),
                job_id=job.id,
                batch_id=job.batch_id,
                tip=None if ended else sentences.BACKGROUND,
                next=None if ended else sentences.call("status", {"jobId": job.id}),
                marks=marks.meaning_if_in(row.text()) if row is not None else None,
                job=row,
            )

        return fitted(build, ROWS, bytes_max=REPLY_BYTES_MAX, least=1)

    async def _batch_reply(
        self, services: Services, batch_id: str, waiting: Waiting, ctx: OpenCall
    ) -> PluginReply:
        batch = await services.batches.get(batch_id, owner=self.caller.owner)
        if waiting.wait_s:
            reporter = Reporter(ctx)
            await report_batch(services.hub, batch_id, seconds=waiting.wait_s, reporter=reporter)
            batch = await services.batches.get(batch_id, owner=self.caller.owner)
        health = await services.worker_health()
        seen = await view_of(services, batch, health=health, now=services.clock.now())
        outlives = self.caller.outlives(services)
        return PluginReply(
            status=batch.state.value if waiting.wait_s or batch.ended else "queued",
            message=sentences.queued_batch(batch, seen.sentence, outlives=outlives),
            batch_id=batch.id,
            tip=None if batch.ended else sentences.BACKGROUND,
            next=seen.next,
            operation=seen.operation if waiting.wait_s else None,
        )


def arguments_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a plugin's arguments: in camelCase, closed, and with `waitSeconds`."""
    schema = wire_schema(model)
    properties = {to_camel(name): found for name, found in schema.get("properties", {}).items()}
    required = (
        {"required": [to_camel(n) for n in schema["required"]]} if "required" in schema else {}
    )
    waits = wire_schema(Waiting)["properties"]
    return {
        "type": "object",
        "properties": {**properties, **waits},
        **required,
        "additionalProperties": False,
    }


def parse_plugin(tool: str, model: type[BaseModel], raw: Mapping[str, Any]) -> BaseModel:
    """Return the arguments of a plugin's tool as its model; a `null` counts as absent.

    Raises:
        InvalidPayload: arguments are wrong; names all of them in plain words.
    """
    names = {to_camel(name): name for name in model.model_json_schema().get("properties", ())}
    given = {name: value for name, value in raw.items() if value is not None and name != WAIT}
    problems = [unknown_argument(name, [*names, WAIT]) for name in given if name not in names]
    try:
        found = model.model_validate({names.get(name, name): v for name, v in given.items()})
    except ValidationError as error:
        wire = {name: shown for shown, name in names.items()}
        problems += [_problem(wire, e["type"], e["loc"], e["msg"]) for e in error.errors()]
        raise InvalidPayload(tool, list(dict.fromkeys(filter(None, problems)))) from None
    if problems:
        raise InvalidPayload(tool, problems)
    return found


def _problem(wire: Mapping[str, str], type: str, loc: tuple[int | str, ...], message: str) -> str:
    if type == "extra_forbidden":
        return ""  # `unknown_argument` tells of it, with the names that are known
    name, *within = loc or ("arguments",)
    path = ".".join(str(part) for part in (wire.get(str(name), name), *within))
    return f"{path} is missing" if type == "missing" else f"{path}: {message}"
