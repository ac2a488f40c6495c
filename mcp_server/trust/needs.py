"""The settings that need a word of the user's, and what they would do.

They are those that send something somewhere, spend, write outside or run something. A value that
the user gave himself, in the environment or in his own settings file, needs none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcp_server.config import Workspace

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing to trust."""

    grant: str
    """What is kept of it: another value of the setting that leads to the same needs no new word."""
    setting: str
    would: str
    """What it would do, as the user is asked."""


def needs_of(workspace: Workspace) -> Sequence[Need]:
    """Return what the workspace's own file asks for beyond its own folder."""
    settings = workspace.settings
    found: list[Need] = []
    where = destination(settings.model, settings.model_url)
    if where is not None and (by := chosen_by(workspace)) is not None:
        found.append(Need(grant=where, setting=by, would=_would_send(where)))
    if workspace.writes_outside and "content_dir" in workspace.brought:
        folder = workspace.content_dir.resolve()
        would = f"read and write the live pages in {str(folder)!r}, outside the workspace"
        found.append(Need(grant=f"folder:{folder}", setting="content_dir", would=would))
    return found


def chosen_by(workspace: Workspace) -> str | None:
    """Return the setting by which the workspace's file decides where a model's questions go.

    An empty `model_url` decides it, too: it takes the user's own server out of the way. `None`
    where the user has decided it.
    """
    brought, settings = workspace.brought, workspace.settings
    if "model_url" in brought:
        return "model_url"
    return "model" if "model" in brought and not settings.model_url else None


def destination(model: str | None, url: str | None) -> str | None:
    """Return where a model's questions go, `None` for nowhere (the composer).

    All models of a provider, and all of a server, have one destination.
    """
    if model is None or model == "composer":
        return None
    if not url:
        return f"provider:{model.partition(':')[0]}"
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"host:{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"


def is_loopback(url: str | None) -> bool:
    """Whether an address is this machine's own, by its looks: no name is looked up."""
    host = urlsplit(url or "").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _would_send(where: str) -> str:
    kind, _, name = where.partition(":")
    to = f"the model provider {name}" if kind == "provider" else f"the model server {name}"
    key = "your key for it" if kind == "provider" else "the key in PRESSROOM_MODEL_KEY, if set"
    return f"send the site's facts and texts to {to}, with {key}, which may cost you money"
