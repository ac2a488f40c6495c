"""The settings that need the user's permission, and what they would do.

They are those that send something somewhere, spend money, write outside the workspace or run
something. A value that the user set, in the environment or their own settings file, needs none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcp_server.config import Workspace, database_of, manner_of

_PLACE = frozenset({"database", "workspace_id", "content_id"})
"""Settings that say together where texts and pages are kept."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing to permit."""

    grant: str
    """What is recorded. Another value of the setting with the same effect needs no new permission,
    such as another model of the same provider."""
    setting: str
    would: str
    """What it would do, in the words of the question to the user."""

    def is_met_by(self, given: Collection[str]) -> bool:
        """Whether the user has permitted this, or the same in a manner that the file chose."""
        chosen = f"{self.grant} ("
        return self.grant in given or any(each.startswith(chosen) for each in given)


def needs_of(workspace: Workspace) -> Sequence[Need]:
    """Return what the workspace's own file asks for beyond its own folder."""
    settings = workspace.settings
    found: list[Need] = []
    where = destination(settings.model, settings.model_url)
    if where is not None and (by := chosen_by(workspace)) is not None:
        found.append(Need(grant=where, setting=by, would=_would_send(where)))
    if settings.database and _PLACE & workspace.brought:
        where = f"{database_of(settings.database)}, as {settings.workspace_id!r}"
        # As another role, or unencrypted: that is another thing to permit, if the file says it.
        if "database" in workspace.brought and (manner := manner_of(settings.database)):
            where = f"{where} ({manner})"
        would = f"keep its texts in the database {where}, and do what others have queued there"
        found.append(Need(grant=f"database:{where}", setting="database", would=would))
    where = None if settings.embedding_model is None else destination(*settings.embedding_model)
    by = embedder_chosen_by(workspace)
    if where and by and where not in {need.grant for need in found}:
        found.append(Need(grant=where, setting=by, would=_would_send(where)))
    if workspace.writes_outside and "content_dir" in workspace.brought:
        folder = workspace.content_dir.resolve()
        would = f"read and write the live pages in {str(folder)!r}, outside the workspace"
        found.append(Need(grant=f"folder:{folder}", setting="content_dir", would=would))
    return found


def chosen_by(workspace: Workspace) -> str | None:
    """Return the setting by which the workspace's file decides where a model's questions go.

    An empty `model_url` decides it, too: it overrides the user's own server. `None` where the user
    has decided it.
    """
    brought, settings = workspace.brought, workspace.settings
    if "model_url" in brought:
        return "model_url"
    return "model" if "model" in brought and not settings.model_url else None


def embedder_chosen_by(workspace: Workspace) -> str | None:
    """Return the setting by which the workspace's file decides where texts go to be embedded.

    `None` where the user has decided it.
    """
    found = workspace.settings.embedding_model
    by = "embedder" if found is None or found[1] is None else "model_url"
    return by if by in workspace.brought else None


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
    """Whether an address is literally this machine's own. No name is looked up in the DNS."""
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
