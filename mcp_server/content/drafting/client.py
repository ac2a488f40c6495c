"""Asking a model through pydantic-ai.

Importing this module takes seconds: `drafter` does it late and in a thread. Only this module and
those that it imports (`failures`, `provider`, `watch`) import pydantic-ai.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

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
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model

from mcp_server.content.drafting.errors import (
    ASKED_AGAIN_MAX,
    BudgetTaken,
    OverBudget,
    Usage,
)
from mcp_server.content.drafting.failures import (
    CUT_OFF,
    FILTERED,
    failure_of,
    usage_of,
)
from mcp_server.content.drafting.http import ModelHTTPClient
from mcp_server.content.drafting.length import answer_wait_s
from mcp_server.content.drafting.metered import MeteredModel
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.near_json import TOOL_NAME, as_asked
from mcp_server.content.drafting.prices import Price, price_of
from mcp_server.content.drafting.prompt import Prompt
from mcp_server.content.drafting.provider import model_of
from mcp_server.content.drafting.purse import Purse
from mcp_server.content.drafting.watch import WatchedModel, hush, traced_question
from mcp_server.content.text.visible import visible, visible_fields
from mcp_server.excerpt import on_one_line

ANSWER_WAIT_S = 120.0
"""Seconds to wait for one answer. Three in a row take little longer than the queue allows a job."""

ANSWER_TOKENS_MAX = 16_000
"""Sent to Anthropic, where a limit is required and the default is the model's own maximum. It has
room for reasoning and for several times the longest section, and stops a model that rambles. To
others one is sent where their answers cost money: what is reserved for a request must be true."""

COMPLAINT_TOLD_MAX = 4_000
"""Characters of a complaint to the model: more would cost money and explain nothing new."""

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
        self._choice, self._answer_wait_s = choice, answer_wait_s
        self._http = ModelHTTPClient(bare=choice.url is not None)
        self._model = model_of(choice, key, self._http)
        self._price = price_of(choice)
        self._is_open = False
        self._secrets = () if key is None else (key.get_secret_value(),)
        hush()

    async def ask(
        self,
        prompt: Prompt,
        answer: type[BaseModel],
        complaint: Complaint,
        purse: Purse | None = None,
    ) -> ModelAnswer:
        """Return the model's fields once there is no `complaint` about them.

        An answer that does not fit is sent back with the complaint, `ASKED_AGAIN_MAX` times. Each
        request is paid from the purse; without one, none is entered in the ledger.
        Requests that fail are not repeated here: the queue does that.

        Raises:
            ModelTrouble: one of its subclasses, with the usage so far.
        """
        await self._open()
        # `spent` is counted from outside the run, so that it is known even if the run fails.
        form = answer.model_json_schema(by_alias=True)
        spent, check = RunUsage(), _Check(form, complaint, self._secrets)
        price = self._price or (purse.budget.price if purse else None)
        model = MeteredModel(self._model, self._choice.name, price, purse) if purse else self._model
        wait_s = answer_wait_s(prompt.answer_tokens, self._answer_wait_s)
        settings = _settings(self._choice, wait_s, price, purse)
        agent = _agent(WatchedModel(model, self._choice), settings, form, check)
        try:
            with traced_question(self._choice):
                result = await agent.run(
                    prompt.own,
                    instructions=prompt.shared,
                    usage=spent,
                    usage_limits=UsageLimits(request_limit=1 + ASKED_AGAIN_MAX),
                )
        except (BudgetTaken, OverBudget) as unpaid:
            unpaid.usage = usage_of(spent)
            raise
        except Exception as error:  # what a server sends can make libraries raise anything
            if check.is_broken:
                raise  # a mistake of ours must not look like trouble with the model
            failure = failure_of(self._choice, error, check.last, spent)
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

    def __init__(
        self, form: dict[str, Any], complaint: Complaint, secrets: Collection[str]
    ) -> None:
        self._form, self._complaint, self._secrets = form, complaint, secrets
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
        """Return the answer in the types that were asked for, and as a person would see it.

        That is without invisible characters, nor the key: the server may repeat it.
        """
        return visible_fields(as_asked(self._form, output), self._secrets)


def _agent(
    model: Model, settings: ModelSettings, form: dict[str, Any], check: _Check
) -> Agent[object, dict[str, Any]]:
    """Return an agent whose answer is a plain object: our own check complains, in our words."""
    agent: Agent[object, dict[str, Any]] = Agent(
        model,
        output_type=ToolOutput(
            StructuredDict(form), name=TOOL_NAME, description="Hand in the section."
        ),
        retries=ASKED_AGAIN_MAX,
        model_settings=settings,
    )
    agent.output_validator(check.__call__)
    return agent


def _settings(
    choice: ModelChoice, answer_wait_s: float, price: Price | None, purse: Purse | None
) -> ModelSettings:
    settings = ModelSettings(
        max_retries=0,  # the queue repeats what fails, and counts it
        timeout=answer_wait_s,
        request_timeout=answer_wait_s,  # for the whole answer: `timeout` begins anew at each read
        cache={"messages": False},
    )
    costs = purse is not None and price is not None and not price.is_free
    if costs or choice.provider == "anthropic":
        settings["max_tokens"] = purse.budget.answer_tokens if purse else ANSWER_TOKENS_MAX
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
    return ModelAnswer(fields=dumped, usage=usage_of(spent))
