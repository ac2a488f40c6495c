"""A wrapper around a model that checks each answer and makes a span of each request.

    attempt → invoke_agent → chat

pydantic-ai and the SDKs below it have spans of their own. They are not used: they take ids and
names from the server's answers, where a server can put what it was sent, such as a key.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from pydantic_ai import ModelSettings
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel

from mcp_server.content.drafting.answer_bounds import check_calls, counted
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.near_json import TOOL_NAME, fields_in, fields_of, whole_strings
from mcp_server.jobs.telemetry import TRACER, is_tracing

LOGGERS = ("anthropic", "httpcore", "httpcore2", "httpx", "httpx2", "openai")
"""Libraries whose debug and info lines quote addresses, headers and a server's answers."""

WARNERS = ("anthropic", "openai", "pydantic", "pydantic_ai")
"""Libraries whose warnings quote values of an answer that are not as they should be."""


def hush() -> None:
    """Silence what these libraries log of a request, whatever the environment asks for.

    Call it after they are imported: OPENAI_LOG and ANTHROPIC_LOG take effect at the import.
    """
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in WARNERS:
        warnings.filterwarnings("ignore", module=rf"{name}(\.|$)")


class WatchedModel(WrapperModel):
    """A model whose tool calls are within bounds, and objects, however they were written down."""

    def __init__(self, wrapped: Model, choice: ModelChoice) -> None:
        super().__init__(wrapped)
        self._choice = choice

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """See `Model.request`.

        Raises:
            AnswerOutOfBounds: what the model fills in is more than anybody could use.
        """
        with _span("chat", self._choice, SpanKind.CLIENT) as span:
            response = await super().request(messages, model_settings, model_request_parameters)
            check_calls([part.args for part in response.parts if isinstance(part, ToolCallPart)])
            for name in ("input_tokens", "output_tokens"):
                if (count := counted(getattr(response.usage, name))) is not None:
                    span.set_attribute(f"gen_ai.usage.{name}", count)
            return replace(response, parts=_with_call(response.parts))


def _with_call(parts: Sequence[ModelResponsePart]) -> list[ModelResponsePart]:
    """Return an answer's parts with their tool calls read, or the one that was put into a text."""
    if any(isinstance(part, ToolCallPart) for part in parts):
        return [_read(part) if isinstance(part, ToolCallPart) else part for part in parts]
    text = "".join(part.content for part in parts if isinstance(part, TextPart))
    if (fields := fields_in(text)) is None:
        return [*parts]
    rest = [part for part in parts if not isinstance(part, TextPart)]
    return [*rest, ToolCallPart(TOOL_NAME, whole_strings(fields))]


def _read(call: ToolCallPart) -> ToolCallPart:
    """Return a tool call with its arguments as an object, if they are one, and under our name.

    What cannot be read stays: pydantic-ai tells the model. Some servers leave marks of their own
    around the name.
    """
    name = TOOL_NAME if TOOL_NAME in call.tool_name else call.tool_name
    if not isinstance(call.args, str):
        return replace(call, tool_name=name, args=whole_strings(call.args))
    given = fields_of(call.args)
    # Without its fences: pydantic-ai would take what is in the first one.
    args = call.args.replace("```", "") if given is None else whole_strings(given)
    return replace(call, tool_name=name, args=args)


@contextmanager
def traced_question(choice: ModelChoice) -> Generator[None]:
    """Put all requests of one question into one span."""
    with _span("invoke_agent", choice, SpanKind.INTERNAL):
        yield


@contextmanager
def _span(operation: str, choice: ModelChoice, kind: SpanKind) -> Generator[Span]:
    """Open a span if tracing is on. It keeps only the type of an error: the text may quote."""
    if not is_tracing():
        yield trace.INVALID_SPAN
        return
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": choice.provider or "openai-compatible",
        "gen_ai.request.model": choice.model,
    }
    with trace.get_tracer(TRACER).start_as_current_span(
        f"{operation} {choice.model}",
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise
