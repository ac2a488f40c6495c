"""Asking a model through pydantic-ai, and telling apart how it goes wrong.

Importing this module costs seconds: `content.drafting` does it late and in a thread. Nothing else
imports pydantic-ai.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import structlog
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
from pydantic_ai.models import Model

from mcp_server.content.drafting.answer_bounds import AnswerOutOfBounds, counted
from mcp_server.content.drafting.errors import (
    ERROR_CODES,
    ModelAccountEmpty,
    ModelBusy,
    ModelKeyRefused,
    ModelRefused,
    ModelRejected,
    ModelTrouble,
    ModelUnknown,
    Usage,
)
from mcp_server.content.drafting.http import AnswerRedirects, ModelHTTPClient
from mcp_server.content.drafting.model import ModelChoice, key_hint
from mcp_server.content.drafting.prompt import Prompt
from mcp_server.content.drafting.provider import address_setting, model_of
from mcp_server.content.drafting.watch import WatchedModel, hush, traced_question
from mcp_server.content.text.visible import visible, visible_fields
from mcp_server.excerpt import on_one_line

logger = structlog.get_logger(__name__)

ASKED_AGAIN_MAX = 2
"""A model that fits the template neither at once nor when told twice what is wrong will not."""

ANSWER_WAIT_S = 120.0
"""For one answer. Three of them still end near the queue's limit of five minutes for a job."""

ANSWER_TOKENS_MAX = 16_000
"""For Anthropic, where one must be sent and the default is the model's own maximum: room for
thinking and for several times the longest section, and an end to a model that rambles."""

COMPLAINT_LENGTH_MAX = 400
"""So that a complaint about fifty items stays readable in an answer of a tool."""

COMPLAINT_TOLD_MAX = 4_000
"""To the model, who pays by the word and has understood by then."""

AFTER_S_MAX = 86_400.0
"""Daily limits are the longest that providers ask to wait for."""

COST_USD_MAX = 1_000.0
"""Of one question. It is made of counts that a server gave; a budget is not to believe more."""

CAUSES_MAX = 50
"""Of an error, one behind the other. Libraries wrap four or five times."""

CUT_OFF = "the answer was cut off at the model's output limit; write less"
NOT_FILLED_IN = "it did not fill in the fields"
UNREADABLE = "a reply that could not be read"
FILTERED = "the provider's content filter stopped the answer"
NOT_NOW = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Statuses with which a provider says that it may work later."""

NO_QUOTA = "insufficient_quota"
"""OpenAI's word for an empty account, which servers that speak like OpenAI's use too."""

TOOL_NAME = "write_section"

E = TypeVar("E", bound=BaseException)

Complaint = Callable[[Mapping[str, Any]], str | None]
"""Says what is wrong with the fields of an answer, `None` if nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """The fields that a model gave, stripped of what nobody sees, and what they cost."""

    fields: dict[str, Any]
    usage: Usage


class ModelClient:
    """One model and its connections, for any number of questions at a time in one event loop."""

    def __init__(
        self, choice: ModelChoice, key: SecretStr | None, *, answer_wait_s: float = ANSWER_WAIT_S
    ) -> None:
        """Make ready without connecting; this reads certificates, so do it in a thread.

        Raises:
            ModelKeyRefused: there is no key, or it holds characters that no key has.
            ModelUnknown: there is no such provider here, or its address is none.
        """
        self._choice, self._settings = choice, _settings(choice, answer_wait_s)
        self._http = ModelHTTPClient(bare=choice.url is not None)
        self._model = WatchedModel(model_of(choice, key, self._http), choice)
        self._is_open = False
        self._secrets = () if key is None else (key.get_secret_value(),)
        hush()

    async def ask(
        self, prompt: Prompt, answer: type[BaseModel], complaint: Complaint
    ) -> ModelAnswer:
        """Return the model's fields once there is no `complaint` about them.

        An answer that does not fit is sent back with the complaint, `ASKED_AGAIN_MAX` times.
        Requests that fail are not repeated here: the queue does that.

        Raises:
            ModelTrouble: one of its subclasses, with the usage so far.
        """
        await self._open()
        spent, check = RunUsage(), _Check(complaint, self._secrets)
        agent = _agent(self._model, self._settings, answer, check)
        try:
            with traced_question(self._choice):
                result = await agent.run(
                    prompt.own,
                    instructions=prompt.shared,
                    usage=spent,
                    usage_limits=UsageLimits(request_limit=1 + ASKED_AGAIN_MAX),
                )
        except Exception as error:  # what a server sends can make libraries raise anything
            if check.is_broken:
                raise
            failure = _failure(self._choice, error, check.last, spent)
        else:
            return _answer_of(answer, check.clean(result.output), spent)
        # Outside of the handler: what it caught may quote a key or a URL, and would be its context.
        raise failure from None

    async def aclose(self) -> None:
        """Close the connections. Doing so twice changes nothing."""
        if self._is_open:
            self._is_open = False
            await self._model.__aexit__(None, None, None)
        await self._http.aclose()

    async def _open(self) -> None:
        """Hold the connections open between questions: a model closes them after each otherwise."""
        if not self._is_open:
            self._is_open = True
            await self._model.__aenter__()


class _Check:
    """Looks at each answer; `last` is the last complaint about one.

    `is_broken`: looking raised an error, which is ours and none of the server's.
    """

    def __init__(self, complaint: Complaint, secrets: Collection[str]) -> None:
        self._complaint, self._secrets = complaint, secrets
        self.last: str | None = None
        self.is_broken = False

    async def __call__(self, context: RunContext[object], output: dict[str, Any]) -> dict[str, Any]:
        """Return the answer if it fits, else send it back with the complaint."""
        try:
            self.last = _cut_short(context) or self._complaint(self.clean(output))
        except Exception:
            self.is_broken = True
            raise
        if self.last is not None:
            told = on_one_line(visible(self.last), COMPLAINT_TOLD_MAX)
            raise ModelRetry(f"{told}. Hand in the whole section again.")
        return output

    def clean(self, output: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer without what nobody sees, and without the key: its server knows it."""
        return visible_fields(output, self._secrets)


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
    return agent


def _settings(choice: ModelChoice, answer_wait_s: float) -> ModelSettings:
    settings = ModelSettings(
        max_retries=0,
        timeout=answer_wait_s,
        request_timeout=answer_wait_s,  # the other is for each read, of which there may be many
        cache={"messages": False},
    )
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


def _answer_of(model: type[BaseModel], fields: dict[str, Any], spent: RunUsage) -> ModelAnswer:
    fitting = model.model_validate(fields)
    dumped = fitting.model_dump(mode="json", by_alias=True, exclude_none=True)
    return ModelAnswer(fields=dumped, usage=_usage_of(spent))


def _usage_of(usage: RunUsage) -> Usage:
    """Return what asking cost, as far as it can be believed."""
    counts = counted(usage.input_tokens), counted(usage.output_tokens)
    if None in counts or not any(counts):
        return Usage()
    return Usage(
        input_tokens=counts[0],
        output_tokens=counts[1],
        cost_usd=_cost_of(usage),
    )


def _cost_of(usage: RunUsage) -> float | None:
    cost = None if usage.cost is None else float(usage.cost)
    return cost if cost is not None and 0 <= cost <= COST_USD_MAX else None


def _failure(
    choice: ModelChoice, error: Exception, complaint: str | None, spent: RunUsage
) -> ModelTrouble:
    """Return what became of a question, without the text of `error`: that may quote anything."""
    usage = _usage_of(spent)
    if beyond := _cause(error, AnswerOutOfBounds):
        return ModelRefused(choice.name, beyond.what, usage=usage)
    if elsewhere := _cause(error, AnswerRedirects):
        setting = address_setting(choice)
        advice = f"Its address redirects to another one, which is not followed: correct {setting}."
        return ModelRejected(choice.name, status=elsewhere.status, advice=advice, usage=usage)
    match error:
        case trouble.UnexpectedModelBehavior() | trouble.UsageLimitExceeded():
            return _of_answers(choice, error, complaint, spent)
        case trouble.ModelAPIError():
            return _of_request(choice, error, usage)
        case trouble.UserError():
            advice = (
                "It cannot be used this way: check the model's name and its provider's settings."
            )
            return ModelUnknown(choice.name, advice=advice, usage=usage)
        case _:
            _log_unexpected(error)
            return ModelBusy(choice.name, UNREADABLE, usage=usage)


def _log_unexpected(error: Exception) -> None:
    """Log what nobody foresaw, by its name and place: it may be a mistake of ours, or a server's.

    Its text may hold a server's words.
    """
    *_, root = _causes(error)
    places = traceback.extract_tb(root.__traceback__)
    place = Path(places[-1].filename) if places else Path("?")
    at = f"{place.parent.name}/{place.name}:{places[-1].lineno if places else 0}"
    logger.error("an answer of a model cannot be read", error=type(root).__name__, at=at)


def _cause(error: BaseException, kind: type[E]) -> E | None:
    """Return what of a kind `error` comes from: each library wraps what it was raised from."""
    return next((cause for cause in _causes(error) if isinstance(cause, kind)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if at is None:
            return
        yield at
        at = at.__cause__ or at.__context__


def _of_answers(
    choice: ModelChoice, error: trouble.AgentRunError, last: str | None, spent: RunUsage
) -> ModelRefused | ModelBusy:
    """Tell answers that were refused to the last from a reply that is no answer at all."""
    match error:
        case trouble.OutputTokenLimitExceeded():
            complaint = CUT_OFF
        case trouble.ContentFilterError():
            complaint = FILTERED
        case _ if spent.requests <= ASKED_AGAIN_MAX:
            return ModelBusy(choice.name, UNREADABLE, usage=_usage_of(spent))
        case _:
            complaint = on_one_line(visible(last or NOT_FILLED_IN), COMPLAINT_LENGTH_MAX)
    return ModelRefused(choice.name, complaint, usage=_usage_of(spent))


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
            after_s = error.retry_after and min(error.retry_after, AFTER_S_MAX)
            return ModelBusy(choice.name, cause, after_s=after_s, usage=usage)


def _unreached(error: trouble.ModelAPIError) -> str:
    if isinstance(error, trouble.ModelTimeoutError | trouble.ModelRequestTimeout):
        return "no answer in time"
    if not isinstance(error, trouble.ModelConnectionError):
        return "an error there"
    if _cause(error, httpx2.DecodingError):
        return UNREADABLE
    if not (_cause(error, httpx2.TransportError) or _cause(error, OSError)):
        _log_unexpected(error)  # Anthropic's SDK takes any error for this one
    return "no connection"


def _code(code: object) -> str | None:
    """Return the provider's error code if it is one that is known."""
    return code if isinstance(code, str) and code in ERROR_CODES else None
