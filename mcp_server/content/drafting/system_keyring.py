"""Asking the system keyring for a key, without letting it prompt anybody."""

from __future__ import annotations

import threading
from contextlib import closing

import keyring
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringError
from pydantic import SecretStr

SERVICE = "pressroom"
"""The service under which the keyring holds our keys; the user name is the provider."""

WAIT_S = 2.0
"""A keyring that has not answered by then is probably waiting for somebody at a screen."""


def keyring_key(owner: str, *, wait_s: float = WAIT_S) -> SecretStr | None:
    """Return the key that the keyring holds for `owner`, `None` if there is none to be had.

    A machine without a keyring, a locked one and one that does not answer in time all have none.
    It is asked in a thread of its own, since nothing can interrupt one that waits.
    """
    found: list[SecretStr] = []
    # A daemon thread: one that waits for ever must not keep the process from ending.
    thread = threading.Thread(target=_ask, args=(owner, found), name="keyring", daemon=True)
    thread.start()
    thread.join(wait_s)
    return found[0] if found else None


def _ask(owner: str, found: list[SecretStr]) -> None:
    try:
        backend = keyring.get_keyring()
        chained = isinstance(backend, ChainerBackend)
        chain: list[KeyringBackend] = list(backend.backends) if chained else [backend]
        # One by one: the chain itself would also ask those that prompt.
        for each in chain:
            if not _would_prompt(each) and (key := each.get_password(SERVICE, owner)):
                found.append(SecretStr(key.strip()))
                return
    except (KeyringError, RuntimeError, OSError, ImportError, AttributeError, ValueError):
        return  # no keyring here, a broken one, or one that refuses: the same as no key


def _would_prompt(backend: KeyringBackend) -> bool:
    """Whether asking might open a window, or read from the terminal, which is the client's."""
    module = type(backend).__module__
    if module == "keyring.backends.SecretService":
        return _secret_service_is_locked()
    return module in {"keyring.backends.kwallet", "keyring.backends.libsecret"} or (
        module.startswith("keyrings.") and "Encrypted" in type(backend).__name__
    )


def _secret_service_is_locked() -> bool:
    import secretstorage  # noqa: PLC0415 - there is none but on Linux

    try:
        with closing(secretstorage.dbus_init()) as connection:
            return secretstorage.get_collection_by_alias(connection, "default").is_locked()
    except secretstorage.SecretStorageException:
        return True
