"""Which model writes, and whether this process holds the key for it.

Keys come from the environment or the system keyring, and nowhere else. They are wrapped in
`SecretStr` as soon as they are read, so that no repr, log or error can show one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from mcp_server.config import KEY_VARIABLE, left_literal, still_literal
from mcp_server.content.drafting.keys import key_ability, key_owner, key_variables
from mcp_server.errors import ConfigError
from mcp_server.excerpt import in_quotes

COMPOSER = "composer"
"""The name for no model at all: texts are made from the site's facts and a template's phrases."""


class KeyLeftLiteral(ConfigError):
    """A key's variable still holds a placeholder, `${…}`; that is sent to nobody as a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The model that writes: `composer`, `provider:model`, or any name beside a `url`.

    The URL is that of an OpenAI-compatible server. It is left out of the repr, since it may hold
    a password.

    Raises:
        ConfigError: the name says no provider, and there is no URL.
    """

    name: str
    url: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.is_composer or (self.url and self.name):
            return
        provider, _, model = self.name.partition(":")
        if not provider or not model:
            raise ConfigError(
                f"model = {in_quotes(self.name)}: write the provider before it, as in "
                '"anthropic:claude-sonnet-5" or "openai:gpt-5.2", or give the address of an '
                'OpenAI-compatible server as model_url, or write "composer".'
            )

    @property
    def is_composer(self) -> bool:
        """Whether no model writes at all."""
        return self.name == COMPOSER

    @property
    def provider(self) -> str | None:
        """The provider's prefix, `None` where the composer or a URL is used."""
        return None if self.is_composer or self.url else self.name.partition(":")[0]

    @property
    def model(self) -> str:
        """The model's name as the provider knows it."""
        if self.url:
            return self.name.removeprefix("openai-chat:").removeprefix("openai:")
        return self.name if self.is_composer else self.name.partition(":")[2]

    @property
    def ability(self) -> str | None:
        """What a worker must have to use it, such as `key:anthropic`; `None` if nothing."""
        owner = _key_owner(self)
        return None if owner is None else key_ability(owner)


def abilities(environ: Mapping[str, str], *choices: ModelChoice) -> frozenset[str]:
    """Return the `key:*` abilities that this process has for `choices`.

    The keyring is asked only for what the environment does not hold, and never made to prompt. It
    may take a moment to answer: call this outside the event loop.
    """
    return frozenset(
        ability
        for choice in choices
        if (ability := choice.ability) is not None and _has_key(choice, environ)
    )


def find_key(choice: ModelChoice, environ: Mapping[str, str] = os.environ) -> SecretStr | None:
    """Return the key for `choice` from the environment, else from the keyring, else `None`.

    The keyring may take a moment to answer: call this outside the event loop.

    Raises:
        KeyLeftLiteral: the program that started us left `${…}` in the key's variable.
    """
    check_variables(choice, environ)
    for variable in _key_variables(choice):
        if key := environ.get(variable, "").strip():
            return SecretStr(key)
    owner = "model" if choice.url else _key_owner(choice)
    return None if owner is None else _keyring_key(owner)


def check_variables(choice: ModelChoice, environ: Mapping[str, str]) -> None:
    """Make sure that no variable for the key of `choice` still holds a placeholder, `${…}`.

    Raises:
        KeyLeftLiteral: one does.
    """
    for variable in _key_variables(choice):
        if literal := left_literal(environ.get(variable, "")):
            raise KeyLeftLiteral(still_literal(variable, literal))


def _has_key(choice: ModelChoice, environ: Mapping[str, str]) -> bool:
    try:
        return find_key(choice, environ) is not None
    except KeyLeftLiteral:
        return False


def key_hint(choice: ModelChoice) -> str:
    """Return where a person puts the key for `choice`, in words."""
    variables = _key_variables(choice)
    owner = "model" if choice.url else _key_owner(choice)
    where = " or ".join(variables) or "the provider's credentials"
    return f"set {where}, or run: keyring set pressroom {owner}" if owner else f"set {where}"


def _key_owner(choice: ModelChoice) -> str | None:
    return None if choice.provider is None else key_owner(choice.provider)


def _key_variables(choice: ModelChoice) -> tuple[str, ...]:
    if choice.url:
        return (KEY_VARIABLE,)
    owner = _key_owner(choice)
    return () if owner is None else key_variables(owner)


def _keyring_key(owner: str) -> SecretStr | None:
    from mcp_server.content.drafting.system_keyring import (  # noqa: PLC0415 - seldom needed
        keyring_key,
    )

    return keyring_key(owner)
