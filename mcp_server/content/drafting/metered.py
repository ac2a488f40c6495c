"""A wrapper around a model that pays for each request: reserved before, settled after."""

from __future__ import annotations

import json
import math
from decimal import Decimal

from pydantic_ai import ModelSettings
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel

from mcp_server.content.drafting.answer_bounds import counted
from mcp_server.content.drafting.failures import COST_USD_MAX, was_not_taken_up
from mcp_server.content.drafting.prices import Price
from mcp_server.content.drafting.purse import Purse
from mcp_server.entities.usage import NANO, NOTHING, Spent

HIDDEN_TOKENS = 2_000
"""Room for what a provider adds to a request: its own words around tools are a few hundred."""


class MeteredModel(WrapperModel):
    """A model whose requests are paid from a purse."""

    def __init__(self, wrapped: Model, name: str, price: Price | None, purse: Purse) -> None:
        super().__init__(wrapped)
        self._name, self._price, self._purse = name, price, purse

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """See `Model.request`.

        Raises:
            OverBudget, BudgetTaken: it was not sent.
        """
        async with self._purse.paying(
            self._name,
            self._price,
            input_tokens=tokens_at_most(messages, model_request_parameters),
            output_tokens=self._purse.budget.answer_tokens,
        ) as entry:
            try:
                response = await super().request(messages, model_settings, model_request_parameters)
            except Exception as error:
                # Otherwise it may have cost something, and nobody says how much: it stays open.
                if was_not_taken_up(error):
                    entry.spent = NOTHING
                raise
            entry.spent = spent = self._spent(response)
            if spent.cost is not None:  # what the revision says of its cost is the ledger's word
                response.usage.cost = Decimal(spent.cost) / NANO
            return response

    def _spent(self, response: ModelResponse) -> Spent:
        """Return what an answer says that it cost; nothing where it does not say."""
        usage = response.usage
        tokens = counted(usage.input_tokens), counted(usage.output_tokens)
        if None in tokens or not any(tokens):
            return Spent(cost=0 if self._price is not None and self._price.is_free else None)
        return Spent(input_tokens=tokens[0], output_tokens=tokens[1], cost=self._cost(response))

    def _cost(self, response: ModelResponse) -> int | None:
        said = response.usage.cost
        # A gateway knows what it takes; nobody else is asked what to pay.
        if self._name.startswith("gateway/") and said is not None and 0 <= said <= COST_USD_MAX:
            return math.ceil(said * NANO)
        return None if self._price is None else self._price.of(response.usage)


def tokens_at_most(messages: list[ModelMessage], parameters: ModelRequestParameters) -> int:
    """Return more tokens than a request can have: no tokenizer makes more tokens than bytes."""
    sent = len(ModelMessagesTypeAdapter.dump_json(messages))
    tools = [*parameters.function_tools, *parameters.output_tools]
    for tool in tools:
        described = [tool.name, tool.description, tool.parameters_json_schema]
        sent += len(json.dumps(described, ensure_ascii=False).encode(errors="replace"))
    return sent + HIDDEN_TOKENS
