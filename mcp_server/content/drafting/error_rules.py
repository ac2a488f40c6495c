"""What a model server's error means, by its words: one table for all servers.

Servers that are nearly OpenAI's say the same things with different statuses: Gemini answers a bad
key with 400, OpenRouter a model without tools with 404, a gateway an empty account with 200. The
words are only compared, and never shown: a server may write what it likes.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import Enum, auto

ANY_ERROR = range(400, 600)
OF_THE_REQUEST = range(400, 500)
NOT_OF_ITS_FORM = frozenset(OF_THE_REQUEST) - {422}
"""Without the status of a request that was read and not understood: it quotes the request, and a
server that is busy, or has no tools, says so with another."""


class Meaning(Enum):
    """What an error is about, as far as that decides what happens to the batch."""

    KEY = auto()
    """The key is wrong, for every section alike."""
    ACCOUNT = auto()
    """There is no money or quota left, and waiting a minute does not help."""
    MODEL = auto()
    """The server has no such model, or has not loaded it."""
    TOOLS = auto()
    """This model, or its server as it was started, cannot fill in fields."""
    ADDRESS = auto()
    """The server is there, but this is not where it is asked."""
    PLACE = auto()
    """The provider does not serve the country that the request comes from."""
    PROXY = auto()
    """A proxy on the way wants to know who asks."""
    LENGTH = auto()
    """This section's material is too long for the model."""
    FILTER = auto()
    """A filter stopped the request for what is in it."""
    LATER = auto()
    """The server is busy, or loads the model."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An error means this if it has one of the statuses and holds one of the words."""

    meaning: Meaning
    statuses: Container[int]
    words: tuple[str, ...]
    """In lower case; `""` is in every error."""


RULES = (
    Rule(Meaning.PROXY, range(407, 408), ("",)),
    Rule(
        Meaning.LENGTH,
        ANY_ERROR,  # llama.cpp and gateways send it with 500, too
        (
            "context length",  # OpenAI, vLLM, OpenRouter, LM Studio
            "context_length",
            "context window",
            "context size",  # llama.cpp, LM Studio
            "context_size",
            "input token count",  # Gemini
            "prompt is too long",  # Anthropic
            "reduce the length of the messages",  # Groq
            "request too large",  # a limit per minute that is smaller than the request
        ),
    ),
    Rule(
        Meaning.KEY,
        OF_THE_REQUEST,
        (
            "api_key_invalid",  # Gemini: 400
            "api key not valid",
            "api key expired",
            "incorrect api key",  # xAI: 400
            "invalid api key",
            "invalid_api_key",
            "api key is invalid",  # DeepSeek: "Your api key: … is invalid" comes as 401
            "invalid x-api-key",
            "missing api key",
            "no api key",
            "you didn't provide an api key",
        ),
    ),
    Rule(
        Meaning.ACCOUNT,
        OF_THE_REQUEST,
        (
            "insufficient_quota",  # OpenAI: 429
            "insufficient quota",
            "insufficient_user_quota",  # one-api and its kin: 403
            "insufficient balance",  # DeepSeek: 402; Z.ai: 429
            "balance is insufficient",  # SiliconFlow: 403
            "insufficient credits",  # OpenRouter
            "more credits",
            "not enough credits",
            "have any credits",  # xAI: 403
            "credit balance is too low",  # Anthropic: 400
            "credit_balance_exhausted",
            "exceeded_current_quota_error",  # Moonshot: 429
            "billing_hard_limit_reached",  # OpenAI: 400
            "billing_not_active",  # OpenAI: 429
            "account is not active",
            "enable billing",  # Gemini: 400
            "arrearage",  # Alibaba: 400
            "perday",  # Gemini: 429, a quota of the day, beside those of the minute
            "limit: 0,",  # Gemini: 429, a model that the free tier has not
            "余额不足",
            "额度不足",
        ),
    ),
    Rule(
        Meaning.TOOLS,
        NOT_OF_ITS_FORM,
        (
            "support tool",  # Ollama: 400 "does not support tools"; OpenRouter: 404
            "support function calling",
            "support the provided 'tool_choice'",  # OpenRouter: 404
            "support this tool_choice",  # DeepSeek: 400
            "enable-auto-tool-choice",  # vLLM: 400
            "tool calling is not supported",
            "tools are not supported",
            "tools is not supported",
        ),
    ),
    Rule(
        Meaning.ADDRESS,
        OF_THE_REQUEST,
        ("unexpected endpoint",),  # LM Studio, with 200
    ),
    Rule(
        Meaning.PLACE,
        OF_THE_REQUEST,
        (
            "user location is not supported",  # Gemini: 400
            "unsupported_country",  # OpenAI: 403
            "not available in your country",
            "not available in your region",
        ),
    ),
    Rule(
        Meaning.LATER,
        NOT_OF_ITS_FORM,
        (
            "overloaded",
            "model unloaded",  # LM Studio: 400, when another program loads its own
            "model is unloaded",
            "model has crashed",
            "model is loading",
            "loading model",
            "rate limit",
            "rate_limit",
        ),
    ),
    Rule(
        Meaning.MODEL,
        ANY_ERROR,  # one-api and its kin: 503 where no channel has the model
        (
            "model_not_found",
            "model not exist",  # DeepSeek: 400
            "model not found",
            "is not a valid model",  # OpenRouter: 400
            "unknown model",
            "no models loaded",  # LM Studio
            "multiple models are loaded",
            "failed to load model",
            "try pulling it first",  # Ollama: 404
            "no available channel for model",
            "no endpoints found",  # OpenRouter: 404
        ),
    ),
    Rule(
        Meaning.FILTER,
        OF_THE_REQUEST,
        (
            "content_filter",  # Azure: 400
            "content_policy_violation",
            "content management policy",
            "content exists risk",  # DeepSeek: 400
            "data_inspection_failed",  # Alibaba: 400
            "datainspectionfailed",
            "flagged_input",  # OpenRouter: 403
            "input was flagged",
            "prohibited_content",
        ),
    ),
    Rule(Meaning.MODEL, range(404, 405), ("model",)),
    Rule(Meaning.ADDRESS, range(404, 406), ("",)),
)
"""The first that applies counts: what is said clearly stands before what is only likely."""
