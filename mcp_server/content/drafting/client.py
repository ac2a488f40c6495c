"""Asking a model through pydantic-ai, and telling apart how it goes wrong.

Importing this module takes seconds: `drafter` does it late and in a thread. Only this module and
those that it imports (`provider`, `watch`) import pydantic-ai.
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
"""How often an answer that does not fit is sent back: a model that fails three times will not
succeed."""

ANSWER_WAIT_S = 120.0
"""Seconds to wait for one answer. Three in a row take little longer than the queue allows a job."""

ANSWER_TOKENS_MAX = 16_000
"""Sent to Anthropic, where a limit is required and the default is the model's own maximum. It has
room for reasoning and for several times the longest section, and stops a model that rambles."""

COMPLAINT_LENGTH_MAX = 400
"""Characters of a complaint in a tool's answer: one about fifty items must stay readable."""

COMPLAINT_TOLD_MAX = 4_000
"""Characters of a complaint to the model: more would cost money and explain nothing new."""

AFTER_S_MAX = 86_400.0
"""The longest wait that a provider may ask for: their longest limits are daily ones."""

COST_USD_MAX = 1_000.0
"""The largest cost of one question that is believed: it is computed from the server's counts."""

CAUSES_MAX = 50
"""How far a chain of causes is followed. Libraries wrap an error four or five times."""

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
    """The fields of a model's answer, without invisible characters, and what they cost."""

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
        # `spent` is counted from outside the run, so that it is known even if the run fails.
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
                raise  # a mistake of ours must not look like trouble with the model
            failure = _failure(self._choice, error, check.last, spent)
        else:
            return _answer_of(answer, check.clean(result.output), spent)
        # Raised outside of the `except` block: inside it, the caught error would become the context
        # of this one, and that may quote a key or a URL.
        raise failure from None

    async def aclose(self) -> None:
        """Close the connections. Doing so twice changes nothing."""
        if self._is_open:
            self._is_open = False
            await self._model.__aexit__(None, None, None)
        await self._http.aclose()

    async def _open(self) -> None:
        """Keep connections open between questions: otherwise pydantic-ai closes them each time."""
        if not self._is_open:
            self._is_open = True
            await self._model.__aenter__()


class _Check:
    """Checks each answer; `last` is the latest complaint.

    `is_broken` says that the check itself raised: that error is ours and not the server's.
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
        """Return the answer without invisible characters, nor the key: the server may repeat it."""
        return visible_fields(output, self._secrets)


def _agent(
    model: Model, settings: ModelSettings, answer: type[BaseModel], check: _Check
) -> Agent[object, dict[str, Any]]:
    """Return an agent whose answer is a plain object: our own check complains, in our words."""
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
        max_retries=0,  # the queue repeats what fails, and counts it
        timeout=answer_wait_s,
        request_timeout=answer_wait_s,  # for the whole answer: `timeout` begins anew at each read
        cache={"messages": False},
    )
    if choice.provider == "anthropic":
        settings["max_tokens"] = ANSWER_TOKENS_MAX
    return settings


def _cut_short(context: RunContext[object]) -> str | None:
    """Return a complaint if the answer ended early: what there is of it may look whole."""
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
    # Both are 0 where the server reported nothing.
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
    """Return the failure to report, without the text of `error`: that may quote anything."""
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
    """Log an error that nobody foresaw: it may be a mistake of ours, or the server's doing.

    Only its type and place are logged: its text may hold a server's words.
    """
    *_, root = _causes(error)
    places = traceback.extract_tb(root.__traceback__)
    place = Path(places[-1].filename) if places else Path("?")
    at = f"{place.parent.name}/{place.name}:{places[-1].lineno if places else 0}"
    logger.error("an answer of a model cannot be read", error=type(root).__name__, at=at)


def _cause(error: BaseException, kind: type[E]) -> E | None:
    """Return the error of this kind that led to `error`: each library wraps the one below it."""
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
    """Tell answers that were all refused from a reply that is no answer, and worth another try."""
    match error:
        case trouble.OutputTokenLimitExceeded():
            complaint = CUT_OFF
        case trouble.ContentFilterError():
            complaint = FILTERED
        # It ended before the last answer that was allowed, so none was refused to the end.
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
        # First, as it comes with status 429, which otherwise means "later".
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
        _log_unexpected(error)  # Anthropic's SDK reports any error as a connection error
    return "no connection"


def _code(code: object) -> str | None:
    """Return the provider's error code if it is a known one."""
    return code if isinstance(code, str) and code in ERROR_CODES else None
