"""Tells apart how asking a model went wrong, and what it cost anyway.

Of what a server said nothing is passed on but a known error code.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, TypeVar

import httpx2
import structlog
from pydantic_ai import RunUsage
from pydantic_ai import exceptions as trouble

from mcp_server.content.drafting.answer_bounds import AnswerOutOfBounds, counted
from mcp_server.content.drafting.error_rules import Meaning
from mcp_server.content.drafting.errors import (
    ASKED_AGAIN_MAX,
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
from mcp_server.content.drafting.http import AnswerRedirects, ProxyFailed
from mcp_server.content.drafting.model import ModelChoice, key_hint
from mcp_server.content.drafting.provider import address_setting
from mcp_server.content.drafting.server_errors import meaning_of, wait_within
from mcp_server.content.text.visible import visible
from mcp_server.excerpt import on_one_line

logger = structlog.get_logger(__name__)

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

TURNED_AWAY = frozenset({429, 502, 503, 529})
"""Statuses with which a request was not taken up at all: a rate limit, an overload, or nobody
behind a gateway. It cost nothing, and the next one may be taken up in a minute."""

ADVICE = {
    Meaning.MODEL: "There is no such model there, or it is not loaded: correct its name, "
    "then retry the batch.",
    Meaning.TOOLS: "This model, or its server as it was started, takes no tool calls, and those "
    "fill in the fields: choose a model that does, then retry the batch.",
    Meaning.PLACE: "Its provider does not serve the country that this machine asks from: choose "
    "another model, then retry the batch.",
    Meaning.PROXY: "The proxy on the way wants a name and a password: write them into HTTPS_PROXY "
    "or HTTP_PROXY, then retry the batch.",
    Meaning.LENGTH: "The facts and the text are too long for it.",
    Meaning.FILTER: "A filter there stopped the request for what is in it: change the facts or the "
    "wishes of this section.",
}
"""What helps, by what an error means."""

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
        return _redirected(choice, elsewhere, usage)
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


def _redirected(choice: ModelChoice, elsewhere: AnswerRedirects, usage: Usage) -> ModelTrouble:
    setting = address_setting(choice)
    advice = f"Its address redirects to another one, which is not followed: correct {setting}."
    return ModelRejected(choice.name, status=elsewhere.status, advice=advice, usage=usage)


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


def _of_request(choice: ModelChoice, error: trouble.ModelAPIError, usage: Usage) -> ModelTrouble:
    status = error.status_code if isinstance(error, trouble.ModelHTTPError) else None
    code = _code(error.provider_error_code or error.provider_error_type)
    meaning = meaning_of(status, error.body) if status is not None else None
    meaning = meaning or _by_kind(error, code)
    facts = _Facts(status=status, code=code, usage=usage)
    if meaning is None and status is not None and status not in NOT_NOW:
        return ModelRejected(choice.name, **facts)
    if meaning is None or meaning is Meaning.LATER:
        return _busy(choice, error, meaning, facts)
    return _refusal(choice, meaning, facts)


def _refusal(choice: ModelChoice, meaning: Meaning, facts: _Facts) -> ModelTrouble:
    """Return the failure where asking the same again would not help."""
    status, usage = facts["status"], facts["usage"]
    match meaning:
        case Meaning.ACCOUNT:
            return ModelAccountEmpty(choice.name, usage=usage)
        case Meaning.KEY:
            return ModelKeyRefused(choice.name, status=status, hint=key_hint(choice), usage=usage)
        case Meaning.LENGTH | Meaning.FILTER:
            return ModelRejected(choice.name, advice=ADVICE[meaning], **facts)
        case Meaning.ADDRESS:
            return ModelUnknown(choice.name, advice=_about_address(choice), **facts)
        case _:
            return ModelUnknown(choice.name, advice=ADVICE[meaning], **facts)


class _Facts(TypedDict):
    """What is told of every request that was refused."""

    status: int | None
    code: str | None
    usage: Usage


def _by_kind(error: trouble.ModelAPIError, code: str | None) -> Meaning | None:
    """Return what pydantic-ai takes an error for, where its words say nothing to us."""
    match error:
        # First, as it comes with status 429, which otherwise means "later".
        case _ if isinstance(error, trouble.ModelQuotaExceededError) or code == NO_QUOTA:
            return Meaning.ACCOUNT
        case trouble.ModelAuthenticationError():
            return Meaning.KEY
        case trouble.ModelNotFoundError():
            return Meaning.MODEL
        case trouble.ModelContextWindowExceededError():
            return Meaning.LENGTH
        case _:
            return None


def _about_address(choice: ModelChoice) -> str:
    """Return what helps where a server answers, but not at the path that it is asked at."""
    if choice.url is None:
        return ADVICE[Meaning.MODEL]
    return (
        "Its server does not know this path: correct model_url, which ends where the API begins, "
        "as in http://127.0.0.1:11434/v1, or the model's name; then retry the batch."
    )


def _busy(
    choice: ModelChoice, error: trouble.ModelAPIError, meaning: Meaning | None, facts: _Facts
) -> ModelBusy:
    status = facts["status"]
    after_s = error.retry_after or wait_within(error.body)
    return ModelBusy(
        choice.name,
        f"HTTP {status}" if status else _unreached(error),
        after_s=after_s and min(after_s, AFTER_S_MAX),
        turned_away=meaning is Meaning.LATER or status in TURNED_AWAY or _was_not_sent(error),
        usage=facts["usage"],
    )


def was_not_taken_up(error: Exception) -> bool:
    """Whether a request cost nothing: the server refused it or turned it away, or got none."""
    if isinstance(error, trouble.ModelHTTPError):
        return error.status_code in range(400, 500) or error.status_code in TURNED_AWAY
    return (isinstance(error, trouble.ModelAPIError) and _was_not_sent(error)) or (
        _cause(error, AnswerRedirects) is not None
    )


def _was_not_sent(error: trouble.ModelAPIError) -> bool:
    """Whether there was no connection to send a request by."""
    return isinstance(error, trouble.ModelConnectionError) and (
        _cause(error, httpx2.ConnectError) is not None
        or _cause(error, httpx2.ConnectTimeout) is not None
        or _cause(error, ProxyFailed) is not None
    )


def _unreached(error: trouble.ModelAPIError) -> str:
    if through := _cause(error, ProxyFailed):
        named = f"the proxy {through.proxy}" if through.proxy else "the proxy"
        return f"no connection through {named} that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names"
    if isinstance(error, trouble.ModelTimeoutError | trouble.ModelRequestTimeout):
        return "no answer in time"
    if not isinstance(error, trouble.ModelConnectionError) or _cause(error, httpx2.DecodingError):
        return UNREADABLE
    if not (_cause(error, httpx2.TransportError) or _cause(error, OSError)):
        _log_unexpected(error)  # Anthropic's SDK reports any error as a connection error
    return "no connection"


def _code(code: object) -> str | None:
    """Return the provider's error code if it is a known one."""
    return code if isinstance(code, str) and code in ERROR_CODES else None
