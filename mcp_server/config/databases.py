"""The address of a PostgreSQL database: where it leads, and whether it holds a password. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_DATABASE = re.compile(
    r"postgres(?:ql)?://(?:[^\s/?#@]*@)?[^\s/?#@]*(?:/[^\s?#]*)?(?:\?[^\s?#@]*)?"
)
"""An address that the driver and `urlsplit` read alike: the driver looks for the host behind an @,
even if that stands behind a # or ?, where a host ends for `urlsplit`."""
_ELSEWHERE = frozenset({"service", "servicefile"})
"""What would have the server named by another file."""
_PASSWORDS = frozenset({"password", "sslpassword"})


def database_of(address: str) -> str | None:
    """Return the host, port and name of a PostgreSQL database; `None` if it is no address of one.

    They are those that the driver would connect to: what stands behind the `?` outranks the rest.
    Where a user's password stands in it, it is not in what is returned.
    """
    if not _DATABASE.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        port = str(parts.port or 5432)
    except ValueError:  # a port that is no number, or half of an IPv6 address
        return None
    asked = _asked(parts)
    if asked.keys() & _ELSEWHERE:
        return None
    host = asked.get("host", parts.hostname or "")
    at = asked.get("hostaddr") or host
    name = f"/{asked['dbname']}" if "dbname" in asked else parts.path or "/"
    return f"{at}:{asked.get('port', port)}{name}"


def holds_password(address: str) -> bool:
    """Whether the address of a database holds a password."""
    parts = urlsplit(address)
    return parts.password is not None or bool(_asked(parts).keys() & _PASSWORDS)


def _asked(parts: SplitResult) -> Mapping[str, str]:
    """Return what stands behind the `?`. Of two of one name, the last counts."""
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def without_its_password(address: str) -> str:
    """Return the address of a database as it may be written into a workspace's file."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    said = parts.query.split("&")
    asked = [each for each in said if unquote(each.partition("=")[0]) not in _PASSWORDS]
    netloc = f"{user.partition(':')[0]}{at}{host}"
    # Put together here: `urlunsplit` leaves out an empty host, which names a socket's folder.
    query = f"?{'&'.join(asked)}" if any(asked) else ""
    return f"{parts.scheme}://{netloc}{parts.path}{query}"
