"""Asking a model through pydantic-ai, and telling apart how it goes wrong.

Importing this module costs seconds: `content.drafting` does it late and in a thread. Nothing else
imports pydantic-ai.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, SecretStr
from pydantic_ai import (
    Agent,
    ModelRetry,
    ModelSettings,
    RunContext,
    RunUsage,
    StructuredDict,
    ToolOutput,
    UsageLimits,
)
from pydantic_ai import exceptions as trouble
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers import Provider, infer_provider, infer_provider_class
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from mcp_server.content.model import ModelChoice, key_hint
from mcp_server.content.model_errors import (
    ModelAccountEmpty,
    ModelBusy,
    ModelKeyRefused,
    ModelRefused,
    ModelRejected,
    ModelUnknown,
    Usage,
)
from mcp_server.content.prompt import Prompt
from mcp_server.content.visible import visible, visible_fields
from mcp_server.jobs.telemetry import is_tracing

ASKED_AGAIN_MAX = 2
"""A model that fits the template neither at once nor when told twice what is wrong will not."""

ANSWER_WAIT_S = 120.0
"""For one answer. Three of them still end near the queue's limit of five minutes for a job."""

ANSWER_TOKENS_MAX = 16_000
"""For Anthropic, where one must be sent and the default is the model's own maximum: room for
thinking and for several times the longest section, and an end to a model that rambles."""

COMPLAINT_LENGTH_MAX = 400
"""So that a complaint about fifty items stays readable in an answer of a tool."""

CUT_OFF = "the answer was cut off at the model's output limit; write less"
NOT_FILLED_IN = "it did not fill in the fields"
FILTERED = "the provider's content filter stopped the answer"
NOT_NOW = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Statuses with which a provider says that it may work later."""

NO_QUOTA = "insufficient_quota"
"""OpenAI's word for an empty account, which servers that speak like OpenAI's use too."""

TOOL_NAME = "write_section"

Complaint = Callable[[Mapping[str, Any]], str | None]
"""Says what is wrong with the fields of an answer, `None` if nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The fields that a model gave, stripped of what nobody sees, and what they cost."""

    fields: dict[str, Any]
    usage: Usage


class ModelClient:
    """One model and its connections, for any number of questions at a time in one event loop."""

    def __init__(self, choice: ModelChoice, key: SecretStr | None) -> None:
        """Make ready without connecting; this reads certificates, so do it in a thread.

        Raises:
            ModelKeyRefused: there is no key, or it holds characters that no key has.
            ModelUnknown: there is no such provider here.
        """
        self._choice = choice
        self._model = _model_of(choice, key)
        self._is_open = False

    async def ask(self, prompt: Prompt, answer: type[BaseModel], complaint: Complaint) -> Answer:
        """Return the model's fields once there is no `complaint` about them.

        An answer that does not fit is sent back with the complaint, `ASKED_AGAIN_MAX` times.
        Requests that fail are not repeated here: the queue does that.

        Raises:
            ModelTrouble: one of its subclasses, with the usage so far.
        """
        await self._open()
        usage = RunUsage()
        check = _Check(complaint)
        with _translated(self._choice, check, usage):
            result = await _agent(self._model, _settings(self._choice), answer, check).run(
                prompt.own,
                instructions=prompt.shared,
                usage=usage,
                usage_limits=UsageLimits(request_limit=1 + ASKED_AGAIN_MAX),
            )
        fitting = answer.model_validate(visible_fields(result.output))
        fields = fitting.model_dump(mode="json", by_alias=True, exclude_none=True)
        return Answer(fields=fields, usage=_usage_of(usage))

    async def aclose(self) -> None:
        """Close the connections. Doing so twice changes nothing."""
        if self._is_open:
            self._is_open = False
            await self._model.__aexit__(None, None, None)

    async def _open(self) -> None:
        """Hold the connections open between questions: a model closes them after each otherwise."""
        if not self._is_open:
            self._is_open = True
            await self._model.__aenter__()


def _model_of(choice: ModelChoice, key: SecretStr | None) -> Model:
    if key is not None and not _could_be_sent(key):
        hint = "it holds characters that no key has"
        raise ModelKeyRefused(choice.name, status=None, hint=f"{hint}; {key_hint(choice)}")
    if key is None and choice.ability is not None:
        raise ModelKeyRefused(choice.name, status=None, hint=key_hint(choice))
    if choice.url:
        plain = key.get_secret_value() if key else None
        provider = OpenAICompatibleProvider("openai-compatible", base_url=choice.url, api_key=plain)
        return OpenAIChatModel(choice.model, provider=provider)
    return _provided_model(choice, key)


def _provided_model(choice: ModelChoice, key: SecretStr | None) -> Model:
    def provider(name: str) -> Provider[Any]:
        if key is None or name.startswith("gateway/"):
            return infer_provider(name)
        make = cast("Callable[..., Provider[Any]]", infer_provider_class(name))
        return make(api_key=key.get_secret_value())

    try:
        return infer_model(choice.name, provider)
    except (trouble.UserError, ValueError):
        advice = "No such provider, or its settings are incomplete: check the model's name."
    except ImportError:
        advice = f"Install it: pip install 'pydantic-ai-slim[{choice.provider}]'."
    raise ModelUnknown(choice.name, advice=advice) from None


def _could_be_sent(key: SecretStr) -> bool:
    return re.fullmatch(r"[\x21-\x7e]+", key.get_secret_value()) is not None


class _Check:
    """Looks at each answer; `last` is the last complaint about one."""

    def __init__(self, complaint: Complaint) -> None:
        self._complaint = complaint
        self.last: str | None = None

    async def __call__(self, context: RunContext[object], output: dict[str, Any]) -> dict[str, Any]:
        """Return the answer if it fits, else send it back with the complaint."""
        self.last = _cut_short(context) or self._complaint(visible_fields(output))
        if self.last is not None:
            raise ModelRetry(f"{self.last}. Hand in the whole section again.")
        return output


def _agent(
    model: Model, settings: ModelSettings, answer: type[BaseModel], check: _Check
) -> Agent[object, dict[str, Any]]:
    """Return an agent that hands in a plain object, so that all complaints are in our words."""
    form = StructuredDict(answer.model_json_schema(by_alias=True))
    agent: Agent[object, dict[str, Any]] = Agent(
        model,
        output_type=ToolOutput(form, name=TOOL_NAME, description="Hand in the section."),
        retries=ASKED_AGAIN_MAX,
        model_settings=settings,
    )
    agent.output_validator(check.__call__)
    if is_tracing():  # in spans of the SDK's own words; never with what was written
        agent.instrument = InstrumentationSettings(
            include_content=False, include_model_request_parameters=False
        )
    return agent


def _settings(choice: ModelChoice) -> ModelSettings:
    settings = ModelSettings(max_retries=0, timeout=ANSWER_WAIT_S, cache={"messages": False})
    if choice.provider == "anthropic":
        settings["max_tokens"] = ANSWER_TOKENS_MAX
    return settings


def _cut_short(context: RunContext[object]) -> str | None:
    """Say so if the answer ended early: what there is of it may look whole."""
    last = next((m for m in reversed(context.messages) if isinstance(m, ModelResponse)), None)
    match last and last.finish_reason:
        case "length":
            return CUT_OFF
        case "content_filter" | "error":
            return FILTERED
        case _:
            return None


def _usage_of(usage: RunUsage) -> Usage:
    known = usage.total_tokens > 0
    return Usage(
        input_tokens=usage.input_tokens if known else None,
        output_tokens=usage.output_tokens if known else None,
        cost_usd=None if usage.cost is None else float(usage.cost),
    )


@contextmanager
def _translated(choice: ModelChoice, check: _Check, spent: RunUsage) -> Generator[None]:
    """Raise what pydantic-ai raises as ours, without its text: that may quote a key or a URL."""
    try:
        yield
    except trouble.OutputTokenLimitExceeded:
        failure = ModelRefused(choice.name, CUT_OFF, usage=_usage_of(spent))
    except trouble.ContentFilterError:
        failure = ModelRefused(choice.name, FILTERED, usage=_usage_of(spent))
    except (trouble.UnexpectedModelBehavior, trouble.UsageLimitExceeded):
        failure = _of_answers(choice, check.last, spent)
    except trouble.ModelAPIError as error:
        failure = _of_request(choice, error, _usage_of(spent))
    except trouble.UserError:
        advice = "It cannot be used this way: check the model's name and its provider's settings."
        failure = ModelUnknown(choice.name, advice=advice, usage=_usage_of(spent))
    else:
        return
    raise failure from None


def _of_answers(choice: ModelChoice, last: str | None, spent: RunUsage) -> ModelRefused | ModelBusy:
    """Tell answers that were refused to the last from a reply that is no answer at all."""
    if spent.requests <= ASKED_AGAIN_MAX:
        return ModelBusy(choice.name, "a reply that could not be read", usage=_usage_of(spent))
    return ModelRefused(choice.name, _short(last or NOT_FILLED_IN), usage=_usage_of(spent))


def _of_request(
    choice: ModelChoice, error: trouble.ModelAPIError, usage: Usage
) -> ModelBusy | ModelKeyRefused | ModelAccountEmpty | ModelRejected:
    status = error.status_code if isinstance(error, trouble.ModelHTTPError) else None
    code = _code(error.provider_error_code or error.provider_error_type)
    match error:
        case _ if isinstance(error, trouble.ModelQuotaExceededError) or code == NO_QUOTA:
            return ModelAccountEmpty(choice.name, usage=usage)
        case trouble.ModelAuthenticationError():
            return ModelKeyRefused(choice.name, status=status, hint=key_hint(choice), usage=usage)
        case trouble.ModelNotFoundError():
            advice = "There is no such model there: correct its name, then retry the batch."
            return ModelUnknown(choice.name, status=status, code=code, advice=advice, usage=usage)
        case trouble.ModelContextWindowExceededError():
            advice = "The facts and the text are too long for it."
            return ModelRejected(choice.name, status=status, code=code, advice=advice, usage=usage)
        case _ if status is not None and status not in NOT_NOW:
            return ModelRejected(choice.name, status=status, code=code, usage=usage)
        case _:
            cause = f"HTTP {status}" if status else _unreached(error)
            return ModelBusy(choice.name, cause, after_s=error.retry_after, usage=usage)


def _unreached(error: trouble.ModelAPIError) -> str:
    if isinstance(error, trouble.ModelTimeoutError | trouble.ModelRequestTimeout):
        return "no answer in time"
    return "no connection" if isinstance(error, trouble.ModelConnectionError) else "an error there"


def _code(code: str | None) -> str | None:
    """Return the provider's error code if it is a word: a sentence may quote something."""
    return code if code and re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", code) else None


def _short(text: str) -> str:
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= COMPLAINT_LENGTH_MAX else flat[: COMPLAINT_LENGTH_MAX - 1] + "…"
