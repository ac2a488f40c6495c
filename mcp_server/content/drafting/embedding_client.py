"""Asking a model for embeddings through pydantic-ai. Importing this takes seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import anyio
from pydantic import SecretStr
from pydantic_ai import RunUsage
from pydantic_ai.embeddings import EmbeddingModel, EmbeddingSettings, infer_embedding_model
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.providers import Provider

from mcp_server.content.drafting.error_rules import Meaning
from mcp_server.content.drafting.errors import (
    ModelBusy,
    ModelKeyRefused,
    ModelRejected,
    ModelTrouble,
    ModelUnknown,
)
from mcp_server.content.drafting.failures import ADVICE, failure_of
from mcp_server.content.drafting.http import ModelHTTPClient
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.provider import made_for, provider_at, provider_named
from mcp_server.content.drafting.watch import hush
from mcp_server.meaning.errors import EmbeddingTrouble, TextsRefused

ANSWER_WAIT_S = 60.0
"""Seconds to wait for one answer: most take less than one."""

_THEN_RETRY = re.compile(r"[,;:.]? [Tt]hen retry the batch\b")


class EmbeddingClient:
    """One model and its connections, for any number of questions at a time in one event loop."""

    def __init__(
        self, choice: ModelChoice, key: SecretStr | None, *, answer_wait_s: float = ANSWER_WAIT_S
    ) -> None:
        """Make ready without connecting; this reads certificates, so do it in a thread.

        Raises:
            ModelKeyRefused: there is no key, or it holds characters that no key has.
            EmbeddingTrouble: there is no such provider here, or its address is none.
        """
        self._choice, self._answer_wait_s = choice, answer_wait_s
        self._http = ModelHTTPClient(bare=choice.url is not None)
        try:
            self._model = made_for(choice, key, lambda: _model(choice, key, self._http))
        except ModelUnknown as error:
            raise EmbeddingTrouble(_said(error), passes=False) from None
        hush()

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the numbers of each text. A request that fails is not repeated here.

        Raises:
            ModelKeyRefused: the key was refused.
            EmbeddingTrouble, TextsRefused: as `EmbeddingModel`.
        """
        failure: ModelTrouble | None = None
        try:
            with anyio.fail_after(self._answer_wait_s):
                settings = EmbeddingSettings(truncate=True)
                answer = await self._model.embed(
                    list(texts), input_type="document", settings=settings
                )
                return answer.embeddings
        except TimeoutError:
            failure = ModelBusy(self._choice.name, "no answer in time")
        except Exception as error:  # noqa: BLE001 - what a server sends can make libraries raise anything
            failure = failure_of(self._choice, error, None, RunUsage())
        # Raised outside of the `except` block: the caught error may quote a key or an address.
        if isinstance(failure, ModelKeyRefused):
            raise failure from None
        raise _trouble(failure) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _model(choice: ModelChoice, key: SecretStr | None, http: ModelHTTPClient) -> EmbeddingModel:
    if choice.url is not None:
        at = _asked_once(provider_at(choice.url, key, http))
        return OpenAIEmbeddingModel(choice.model, provider=at)
    return infer_embedding_model(
        choice.name, provider_factory=lambda name: _asked_once(provider_named(name, key, http))
    )


def _asked_once(provider: Provider[Any]) -> Provider[Any]:
    """Return the provider with an SDK that repeats nothing: the queue does, and counts it."""
    client = provider.client
    if hasattr(client, "max_retries") and hasattr(client, "timeout"):
        client.max_retries, client.timeout = 0, ANSWER_WAIT_S
    return provider


def _trouble(failure: ModelTrouble) -> EmbeddingTrouble:
    match failure:
        case ModelBusy():
            return EmbeddingTrouble(_said(failure), passes=True, after_s=failure.after_s)
        case ModelRejected(advice=advice) if not isinstance(failure, ModelUnknown):
            return TextsRefused(
                _said(failure),
                too_long=advice == ADVICE[Meaning.LENGTH],
                of_text=advice == ADVICE[Meaning.FILTER],
            )
        case _:
            return EmbeddingTrouble(_said(failure), passes=False)


def _said(failure: ModelTrouble) -> str:
    """Return what went wrong, without the advice that is for batches."""
    return _THEN_RETRY.sub("", str(failure)).rstrip(".")
