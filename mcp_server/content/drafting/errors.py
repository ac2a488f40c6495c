"""How asking a model ends badly, divided by what the queue can do about it.

    ServerError
    └── ModelTrouble
        ├── ModelRefused        no answer fitted the template or the bounds: this section fails
        ├── ModelBusy           it may work later: wait, or retry after `after_s`
        ├── ModelKeyRefused     the key is missing or refused: pause the batch
        ├── ModelUntrusted      the workspace's user has not said that it may be asked: pause
        ├── ModelAccountEmpty   the account has no money left: pause the batch
        ├── OverBudget          the budget has no room for a request: pause the batch
        ├── BudgetTaken         others have reserved what is left of it: wait until `again_at`
        └── ModelRejected       the provider will not take this request: this section fails
            └── ModelUnknown    there is no such model: pause the batch

No message holds a key, a URL, or any word of the provider's but those in `ERROR_CODES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.errors import ServerError

UNTRUSTED_MODEL = (
    "the model in pressroom.toml counts once its user trusts this workspace. Let them run "
    "`pressroom trust` in the workspace's folder, in a terminal, and say yes."
)
"""Advice where the workspace's own file names the model: a stranger may have written it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What asking has cost so far; `None` where it is not known."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


ERROR_CODES = frozenset(
    {
        # what Anthropic documents, https://platform.claude.com/docs/en/api/errors
        "api_error",
        "authentication_error",
        "billing_error",
        "invalid_request_error",
        "not_found_error",
        "overloaded_error",
        "permission_error",
        "rate_limit_error",
        "request_too_large",
        "timeout_error",
        # what OpenAI does, https://developers.openai.com/api/docs/guides/error-codes, and its SDK
        "account_deactivated",
        "billing_hard_limit_reached",
        "billing_not_active",
        "content_filter",
        "content_policy_violation",
        "context_length_exceeded",
        "credit_balance_exhausted",
        "data_residency_mismatch",
        "empty_array",
        "insufficient_quota",
        "integer_above_max_value",
        "integer_below_min_value",
        "invalid_api_key",
        "invalid_function_parameters",
        "invalid_json_schema",
        "invalid_prompt",
        "invalid_type",
        "invalid_value",
        "missing_required_parameter",
        "model_not_found",
        "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "overloaded",
        "project_spend_limit_exceeded",
        "rate_limit_exceeded",
        "server_error",
        "server_is_overloaded",
        "service_unavailable",
        "service_unavailable_error",
        "string_above_max_length",
        "too_many_requests",
        "unknown_parameter",
        "unsupported_country_region_territory",
        "unsupported_parameter",
        "unsupported_value",
    }
)
"""The error codes that we show and log. Any other could be a text of the server's choosing: one
server sent back, as its code, the credentials that it had been sent."""


ASKED_AGAIN_MAX = 2
"""How often an answer that does not fit is sent back: a model that fails three times will not
succeed."""


class ModelTrouble(ServerError):
    """Asking the model did not end in a text. `model` is its name, `usage` what it cost anyway."""

    def __init__(self, model: str, text: str, *, usage: Usage | None = None) -> None:
        self.model, self.usage = model, usage or Usage()
        super().__init__(text)


class ModelRefused(ModelTrouble):
    """The answer did not fit the template; `complaint` is the last thing that was wrong with it.

    An answer beyond `content.drafting.answer_bounds` ends so too: asking again would cost again.
    """

    def __init__(self, model: str, complaint: str, *, usage: Usage | None = None) -> None:
        self.complaint = complaint
        super().__init__(
            model, f"The answer of {model} does not fit the template: {complaint}", usage=usage
        )


class ModelBusy(ModelTrouble):
    """The provider could not answer now; `after_s` is how long it asked us to wait.

    `turned_away`: it did not even take up the question, which says nothing about this section and
    cost nothing. `again_at` is then when it is to be asked again, in seconds since the epoch.
    `advice` is what a person is to do, where it is not to be asked again without one.
    """

    def __init__(
        self,
        model: str,
        cause: str,
        *,
        after_s: float | None = None,
        turned_away: bool = False,
        usage: Usage | None = None,
    ) -> None:
        self.cause, self.after_s, self.turned_away = cause, after_s, turned_away
        self.again_at: float | None = None
        self.advice: str | None = None
        super().__init__(model, f"{model} could not answer now ({cause}).", usage=usage)


class ModelKeyRefused(ModelTrouble):
    """The key is missing (`status` is `None`) or was refused."""

    def __init__(
        self, model: str, *, status: int | None, hint: str, usage: Usage | None = None
    ) -> None:
        self.status, self.hint = status, hint
        said = "There is no key" if status is None else f"The key was refused (HTTP {status})"
        super().__init__(model, f"{said} for {model}: {hint}; then retry the batch.", usage=usage)


class ModelUntrusted(ModelTrouble):
    """The workspace's file names the model, and the user has not permitted that.

    A server on this machine is asked nevertheless, but without a key; `wants_key` says that it did
    not answer without one.
    """

    def __init__(self, model: str, *, wants_key: bool = False) -> None:
        what = f"{model} wants a key, and was given none" if wants_key else "Nothing was sent"
        super().__init__(model, f"{what}: {UNTRUSTED_MODEL} Then retry the batch.")


class ModelAccountEmpty(ModelTrouble):
    """The account behind the key has no credit or quota left."""

    def __init__(self, model: str, *, usage: Usage | None = None) -> None:
        super().__init__(
            model,
            f"The account for {model} has no credit or quota left: top it up, or configure another "
            "model; then retry the batch.",
            usage=usage,
        )


class OverBudget(ModelTrouble):
    """A request was not sent: the budget has no room for it, or nobody knows what it would cost."""


class BudgetTaken(ModelTrouble):
    """A request was not sent yet: others have reserved what is left of the budget.

    `again_at` is when to try again, in seconds since the epoch.
    """

    def __init__(self, model: str, *, again_at: float, usage: Usage | None = None) -> None:
        self.again_at = again_at
        super().__init__(
            model, "the budget has room again once the requests that run are over", usage=usage
        )


class ModelRejected(ModelTrouble):
    """The provider did not accept the request; `status` and `code` are what it answered."""

    def __init__(
        self,
        model: str,
        *,
        status: int | None = None,
        code: str | None = None,
        advice: str = "",
        usage: Usage | None = None,
    ) -> None:
        self.status, self.code, self.advice = status, code, advice
        facts = ", ".join(filter(None, [f"HTTP {status}" if status else "", code or ""]))
        said = f"{model} rejected the request{f' ({facts})' if facts else ''}."
        super().__init__(model, f"{said} {advice}".strip(), usage=usage)


class ModelUnknown(ModelRejected):
    """There is no such model at this provider, or no such provider."""
