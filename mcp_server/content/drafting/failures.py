"""Tells apart how asking a model went wrong, and what it cost anyway.

Of what a server said nothing is passed on but a known error code.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import httpx2
import structlog
from pydantic_ai import RunUsage
from pydantic_ai import exceptions as trouble

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
from mcp_server.content.drafting.http import AnswerRedirects
from mcp_server.content.drafting.model import ModelChoice, key_hint
from mcp_server.content.drafting.provider import address_setting
from mcp_server.content.text.visible import visible
from mcp_server.excerpt import on_one_line

logger = structlog.get_logger(__name__)

ASKED_AGAIN_MAX = 2
"""How often an answer that does not fit is sent back: a model that fails three times will not
succeed."""

COMPLAINT_LENGTH_MAX = 400
"""Characters of a complaint in a tool's answer: one about fifty items must stay readable."""

AFTER_S_MAX = 86_400.0
"""The longest wait that a provider may ask for: their longest limits are daily ones."""

COST_USD_MAX = 1_000.0
"""The largest cost of one question that is believed: it is computed from the server's counts."""

CAUSES_MAX = 50
"""How far a chain of causes is followed. Libraries wrap an error four or five times."""

CUT_OFF = "the answer was cut off at the model's output limit; write less"
FILTERED = "the provider's content filter stopped the answer"
NOT_FILLED_IN = "it did not fill in the fields"
UNREADABLE = "a reply that could not be read"
NOT_NOW = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Statuses with which a provider says that it may work later."""

NO_QUOTA = "insufficient_quota"
"""OpenAI's word for an empty account, which servers that speak like OpenAI's use too."""

E = TypeVar("E", bound=BaseException)


def usage_of(usage: RunUsage) -> Usage:
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


def failure_of(
    choice: ModelChoice, error: Exception, complaint: str | None, spent: RunUsage
) -> ModelTrouble:
    """Return the failure to report, without the text of `error`: that may quote anything."""
    usage = usage_of(spent)
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
            return ModelBusy(choice.name, UNREADABLE, usage=usage_of(spent))
        case _:
            complaint = on_one_line(visible(last or NOT_FILLED_IN), COMPLAINT_LENGTH_MAX)
    return ModelRefused(choice.name, complaint, usage=usage_of(spent))


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
