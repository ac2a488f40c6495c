"""What a model's tokens cost: by genai-prices' list, by the settings, or nothing on this machine.

genai-prices is imported late: its list takes most of a second to load.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from mcp_server.content.drafting.model import ModelChoice
from mcp_server.entities.usage import NANO
from mcp_server.trust import is_loopback

_ADDRESSES = {"ollama": "OLLAMA_BASE_URL", "vllm": "VLLM_BASE_URL"}
"""Providers that run wherever their user says, and the variable that says where."""


class TokenUsage(Protocol):
    """What a request has used, as pydantic-ai and genai-prices have it."""

    @property
    def input_tokens(self) -> int | None: ...

    @property
    def output_tokens(self) -> int | None: ...


class Price(Protocol):
    """What requests to one model cost, in units of `entities.usage`."""

    @property
    def is_free(self) -> bool:
        """Whether nothing costs anything, however much is asked for."""
        ...

    def of(self, usage: TokenUsage) -> int | None:
        """Return the cost of a request, `None` where it cannot be told from its usage."""
        ...

    def most(self, input_tokens: int, output_tokens: int) -> int:
        """Return the most that a request with so many tokens can cost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatPrice:
    """So many dollars for a million tokens."""

    input_usd: float
    output_usd: float

    @property
    def is_free(self) -> bool:
        return self.input_usd == 0 == self.output_usd

    def of(self, usage: TokenUsage) -> int | None:
        return self.most(usage.input_tokens or 0, usage.output_tokens or 0)

    def most(self, input_tokens: int, output_tokens: int) -> int:
        millionths = input_tokens * Decimal(str(self.input_usd))
        millionths += output_tokens * Decimal(str(self.output_usd))
        return math.ceil(millionths * NANO / 1_000_000)


FREE = FlatPrice(input_usd=0, output_usd=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """The price in genai-prices' list, with its steps and its rates for what is cached."""

    model: str
    provider: str
    url: str | None = None
    """The provider's address, where that is what is known of it."""

    @property
    def is_free(self) -> bool:
        return self.most(1_000_000, 1_000_000) == 0

    def of(self, usage: TokenUsage) -> int | None:
        try:
            return self._price(usage)
        except (LookupError, ValueError):  # counts that contradict each other
            return None

    def most(self, input_tokens: int, output_tokens: int) -> int:
        """See `Price.most`. To write a token into the cache costs more than to read it."""
        from genai_prices import Usage  # noqa: PLC0415 -- see above

        tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        cached = Usage(**tokens, cache_write_tokens=input_tokens)
        return max(self._price(Usage(**tokens)), self._price(cached))

    def _price(self, usage: Any) -> int:
        from genai_prices import calc_price  # noqa: PLC0415 -- see above

        if self.url is not None:
            price = calc_price(usage, self.model, provider_api_url=self.url)
        else:
            price = calc_price(usage, self.model, provider_id=self.provider)
        return math.ceil(price.total_price * NANO)


def price_of(choice: ModelChoice, environ: Mapping[str, str] = os.environ) -> Price | None:
    """Return a model's price, `None` where it is in no list. On this machine it costs nothing.

    Call this in a thread: it may load the list.
    """
    return FREE if is_local(choice, environ) else _listed(choice)


def is_local(choice: ModelChoice, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the model runs on this machine, or is none at all."""
    variable = _ADDRESSES.get(choice.provider or "")
    return choice.is_composer or is_loopback(
        choice.url or (environ.get(variable) if variable else None)
    )


def _listed(choice: ModelChoice) -> ListedPrice | None:
    provider = (choice.provider or "").removeprefix("gateway/")
    price = ListedPrice(model=choice.model, provider=provider, url=choice.url)
    try:
        price.most(1, 1)
    except (LookupError, ValueError):
        return None
    return price
