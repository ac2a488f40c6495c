"""Asking a provider's model for embeddings: with the user's trust, and with the key for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from pydantic import SecretStr

from mcp_server.config import Settings
from mcp_server.content.drafting.errors import ModelKeyRefused
from mcp_server.content.drafting.keys import lack_of_key
from mcp_server.content.drafting.model import (
    KeyLeftLiteral,
    ModelChoice,
    abilities,
    check_variables,
    find_key,
    key_hint,
)
from mcp_server.entities.meaning import embedder_of_ability
from mcp_server.jobs.records import Lack
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.trust import ModelTrust

if TYPE_CHECKING:
    from mcp_server.content.drafting.embedding_client import EmbeddingClient

UNTRUSTED_EMBEDDER = (
    "the embedder in pressroom.toml counts once its user trusts this workspace. "
    "Let them run `pressroom trust` in the workspace's folder, in a terminal, and say yes"
)


def embedding_choice(settings: Settings) -> ModelChoice | None:
    """Return the provider's model that embeds, `None` where none does."""
    found = settings.embedding_model
    return None if found is None else ModelChoice(name=found[0], url=found[1])


def stored_name(choice: ModelChoice) -> str:
    """Return the name under which a model's vectors are stored.

    Two servers may call different models the same, so an address belongs to it; its hash only, as
    an address may hold what is nobody's business.
    """
    if choice.url is None:
        return choice.name
    return f"server:{choice.model}@{sha256(choice.url.encode()).hexdigest()[:8]}"


def can_ask(
    choice: ModelChoice, trusted: ModelTrust, environ: Mapping[str, str] = os.environ
) -> bool:
    """Whether a provider's model may be asked here, and there is the key that it wants.

    The keyring may take a moment to answer: call this outside the event loop.
    """
    if trusted == "untrusted":
        return False
    if choice.url is not None or choice.ability is None:
        return True  # whether it wants a key is known once it is asked
    return choice.ability in abilities(environ, choice)


def lack_of_ability(ability: str) -> Lack:
    """Return what to say of an ability that no worker has: a key, or an embedder."""
    name = embedder_of_ability(ability)
    if name is None:
        return lack_of_key(ability)
    advice = (
        'Set embedder = "words" on all machines if texts are to be found by their words alone, or '
        "start a worker where `pressroom doctor` finds nothing wrong with it"
    )
    return Lack(f"the embedder {name}", advice)


class EmbeddingModel:
    """Asks one model. Nothing heavy is imported, and no key looked for, before the first question.

    `problem`: why its address in the settings cannot be used.
    """

    def __init__(
        self,
        choice: ModelChoice,
        trust: Callable[[], ModelTrust],
        *,
        problem: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._choice, self._trust, self._environ = choice, trust, environ
        self._problem = problem if choice.url else None
        self._client: EmbeddingClient | None = None
        self._trusted: ModelTrust | None = None
        self._opening = anyio.Lock()

    async def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the numbers of each text.

        Raises:
            EmbeddingTrouble: it may not be asked, or there is no answer that can be read.
            TextsRefused: it does not take one of the texts, or none at all.
        """
        if self._problem is not None:
            raise EmbeddingTrouble(self._problem, passes=False)
        trusted = await anyio.to_thread.run_sync(self._trust)
        if trusted == "untrusted":
            raise EmbeddingTrouble(f"nothing was sent: {UNTRUSTED_EMBEDDER}", passes=False)
        try:
            client = await self._opened(trusted)
            return await client.embed(texts)
        except ModelKeyRefused as refused:
            await self.aclose()  # the user may mend the key while this process runs
            if trusted == "keyless":
                wants = f"{self._choice.name} wants a key, and was given none"
                if refused.status is None:
                    wants = "nothing was sent"
                raise EmbeddingTrouble(f"{wants}: {UNTRUSTED_EMBEDDER}", passes=False) from None
            said = "there is no key" if refused.status is None else "the key was refused"
            hint = refused.hint or key_hint(self._choice)
            raise EmbeddingTrouble(
                f"{said} for {self._choice.name}: {hint}", passes=False
            ) from None

    async def aclose(self) -> None:
        """Close the connections. The next question opens others, with the key of that time."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self, trusted: ModelTrust) -> EmbeddingClient:
        async with self._opening:
            if self._trusted != trusted:
                await self.aclose()
            if self._client is None:
                self._trusted = trusted
                self._client = await anyio.to_thread.run_sync(self._open, trusted)
            return self._client

    def _open(self, trusted: ModelTrust) -> EmbeddingClient:
        from mcp_server.content.drafting.embedding_client import (  # noqa: PLC0415 - seconds
            EmbeddingClient,
        )

        return EmbeddingClient(self._choice, self._key(trusted))

    def _key(self, trusted: ModelTrust) -> SecretStr | None:
        try:
            check_variables(self._choice, self._environ)
            return None if trusted == "keyless" else find_key(self._choice, self._environ)
        except KeyLeftLiteral as error:
            raise ModelKeyRefused(self._choice.name, status=None, hint=str(error)) from None
