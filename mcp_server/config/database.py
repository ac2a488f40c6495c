"""The address of a shared database: which one it names, and whether it holds a password. Pure.

It is read as the driver reads it, so that what the user is asked about is where things go. What can
be read in two ways is no address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

_HOST = r"(?:\[[^\s@/?#\\\[\],]+\]|[^\s@/?#\\\[\]:,]*)(?::[0-9]*)?"
_ADDRESS = re.compile(
    r"(?P<scheme>postgres(?:ql)?)://"
    r"(?:(?P<user>[^\s@/?#\\:]*)(?P<password>:[^\s@/?#\\]*)?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)"
    r"(?P<path>/(?P<name>[^\s@/?#\\]*))?"
    r"(?:\?(?P<asked>[^\s?#\\]*))?"
)
_PASSWORDS = ("password", "sslpassword")
_NAMED = {"host", "hostaddr", "port", "dbname", "service", *_PASSWORDS}
"""What says which database it is, or is told to nobody."""
_APART = str.maketrans({",": "%2C", "%": "%25"})
"""So that a value never looks like several."""


def database_of(address: str) -> str | None:
    """Return hosts, ports and name of a PostgreSQL database; `None` if it is no address of one.

    Two addresses of one server and database have the same. Where a user's password stands in it, it
    is not in what is returned.
    """
    asked = _said(address)
    if asked is None:
        return None
    servers, name = _servers(asked["host"], asked["port"]), asked["dbname"]
    # A file of services that comes along would name any server.
    if servers is None or "/" in name or "servicefile" in asked:
        return None
    if not all(map(str.isprintable, asked.values())):
        return None
    at = f" at {asked['hostaddr']}" if asked.get("hostaddr") else ""
    by = f" (service {asked['service']})" if asked.get("service") else ""
    where = ",".join(f"{host}{at}:{port or 5432}" for host, port in servers)
    return f"{where}/{name}{by}"


def manner_of(address: str) -> str:
    """Return how the address of a database has it connected to: as whom, and how safely.

    That is all that stands in it beside host, port, name and passwords, in one order.
    """
    asked = _said(address) or {}
    named = sorted(key for key in asked.keys() - _NAMED if asked[key])
    return ", ".join(f"{key}={asked[key].translate(_APART)}" for key in named)


def holds_password(address: str) -> bool:
    """Whether the address of a database holds a password."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return False
    asked = _asked(found["asked"]) or {}
    return (found["password"] or ":") != ":" or any(asked.get(each) for each in _PASSWORDS)


def without_its_password(address: str) -> str:
    """Return the address of a database as it may be written into a workspace's file."""
    found = _ADDRESS.fullmatch(address)
    assert found is not None, "it is an address"
    pairs = (found["asked"] or "").split("&")
    kept = [each for each in pairs if unquote(each.partition("=")[0]) not in _PASSWORDS]
    user = "" if found["user"] is None else f"{found['user']}@"
    query = f"?{'&'.join(kept)}" if any(kept) else ""
    return f"{found['scheme']}://{user}{found['hosts']}{found['path'] or ''}{query}"


def _hosts(text: str) -> tuple[str, str]:
    """Return the hosts and the ports of an address, each with commas between; '' if none is said.

    An address may name several servers, of which the driver takes the first that will do.
    """
    pairs = [re.fullmatch(r"(\[.+\]|[^:]*)(?::(.*))?", each) for each in text.split(",")]
    hosts = ",".join(each[1].strip("[]") for each in pairs if each)
    ports = ",".join(each[2] or "" for each in pairs if each)
    return hosts, ports if ports.strip(",") else ""


def _servers(hosts: str, ports: str) -> Sequence[tuple[str, str]] | None:
    """Return host and port of each server; `None` if they cannot be told apart."""
    of_hosts, of_ports = hosts.split(","), ports.split(",")
    if len(of_ports) == 1:  # it is that of all
        of_ports *= len(of_hosts)
    odd = any("/" in host and not host.startswith("/") for host in of_hosts)
    if odd or len(of_ports) != len(of_hosts):
        return None
    lower = [host if host.startswith("/") else host.lower() for host in of_hosts]
    return list(zip(lower, of_ports, strict=True))


def _said(address: str) -> dict[str, str] | None:
    """Return all that an address says; `None` if it is none, or says a thing in two places."""
    found = _ADDRESS.fullmatch(address)
    asked = None if found is None else _asked(found["asked"])
    if found is None or asked is None:
        return None
    hosts, ports = _hosts(found["hosts"])
    said = {"user": found["user"], "host": hosts, "port": ports, "dbname": found["name"]}
    for key, value in said.items():
        if value and key in asked:  # the driver goes by the one, and whoever reads it by the other
            return None
        asked[key] = unquote(value) if value else asked.get(key, "")
    return asked


def _asked(query: str | None) -> dict[str, str] | None:
    """Return what stands after the `?`; `None` if it is not to be read, or says a thing twice."""
    asked: dict[str, str] = {}
    for pair in filter(None, (query or "").split("&")):
        key, equals, value = map(unquote, pair.partition("="))
        if not equals or key in asked:
            return None
        asked[key] = value
    return asked
