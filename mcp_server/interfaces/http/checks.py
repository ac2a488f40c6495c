"""Which requests are answered: Host and Origin, parsed before they are compared, and the token."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.errors import ConfigError

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

SINGLE_HEADERS = frozenset({b"host", b"origin", b"authorization", b"mcp-session-id"})
"""If one of these came twice, we and a proxy before us might each go by another one."""

_AUTHORITY = re.compile(
    r"(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[(?P<v6>[0-9a-f:.]+)\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/]+)")
_ANY_PORT = re.compile(r"(?P<rest>.+?):\*")
PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and the port that was written with it, as in `Host: localhost:8765`."""

    name: str
    port: int | None

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Authority | None:
        """Return the host and port that `text` names, in one spelling; `None` if it names none.

        A port is a number from 1 to 65535 without a leading zero. User names, escapes and empty
        ports are not accepted. A name that ends in a dot differs from the one without.
        """
        found = _AUTHORITY.fullmatch(text.lower())
        if found is None:
            return None
        name = found["name"] if found["v6"] is None else _ipv6(found["v6"])
        port = None if found["port"] is None else int(found["port"])
        return None if name is None or (port or 0) > PORT_MAX else cls(name, port)


@dataclass(frozen=True, slots=True)
class WebOrigin:
    """Where a page comes from, as browsers say it: scheme, host, and an unusual port."""

    scheme: str
    authority: Authority

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @classmethod
    def parse(cls, text: str) -> WebOrigin | None:
        """Return the origin that `text` names, without the scheme's own port; `None` if it is none.

        Nothing may follow the port, and `null` is no origin.
        """
        found = _ORIGIN.fullmatch(text.lower())
        authority = Authority.parse(found["authority"]) if found is not None else None
        if found is None or authority is None:
            return None
        if authority.port == DEFAULT_PORTS.get(found["scheme"]):
            authority = Authority(authority.name, None)
        return cls(found["scheme"], authority)


class AllowedCallers:
    """The hosts by which we may be called, and the origins whose pages may call.

    A host without a port is allowed with every port. `name:*` says the same, of origins too.

    Raises:
        ConfigError: an entry names no host or no origin.
    """

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._hosts: set[Authority] = set()
        self._names: set[str] = set()
        for entry in hosts:
            host, any_port = _allowed_host(entry)
            if any_port or host.port is None:
                self._names.add(host.name)
            else:
                self._hosts.add(host)
        self._origins: set[WebOrigin] = set()
        self._pages: set[tuple[str, str]] = set()
        for entry in origins:
            origin, any_port = _allowed_origin(entry)
            if any_port:
                self._pages.add((origin.scheme, origin.authority.name))
            else:
                self._origins.add(origin)

    def allows_host(self, host: Authority) -> bool:
        """Whether this host is allowed; without a port it stands for ports 80 and 443."""
        ports = DEFAULT_PORTS.values() if host.port is None else (host.port,)
        return host.name in self._names or any(
            Authority(host.name, port) in self._hosts for port in ports
        )

    def allows_origin(self, origin: WebOrigin) -> bool:
        """Whether pages from there may call."""
        return origin in self._origins or (origin.scheme, origin.authority.name) in self._pages

    def for_library(self) -> TransportSecuritySettings:
        """Return the same rules for the library's own check, which stays on behind ours.

        Without these settings, the library checks nothing on any address but loopback.
        """
        # Clients leave the scheme's own port out of the Host header.
        web = {host.name for host in self._hosts if host.port in DEFAULT_PORTS.values()}
        pages = {f"{scheme}://{name}" for scheme, name in self._pages}
        return TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[*_with_any_port(self._names), *map(str, self._hosts), *web],
            allowed_origins=[*_with_any_port(pages), *map(str, self._origins)],
        )


def allowed_callers(
    loopback: str | None, hosts: Sequence[str], origins: Sequence[str]
) -> AllowedCallers:
    """Return who may call: those that the user named and, on a `loopback` address, this machine.

    Raises:
        ConfigError: as `AllowedCallers`.
    """
    local = () if loopback is None else dict.fromkeys((*LOOPBACK_NAMES, _bracketed(loopback)))
    return AllowedCallers([*local, *hosts], [*(f"http://{name}:*" for name in local), *origins])


class CallerCheck:
    """Lets only requests through whose Host and Origin are allowed, on every route.

    Both headers are passed on in our spelling, so that nothing behind can read them differently.
    """

    def __init__(self, app: ASGIApp, callers: AllowedCallers) -> None:
        self._app, self._callers = app, callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 400, 403 or 421."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":  # nothing else, such as a websocket, gets through
            try:
                headers = self._checked(scope["headers"])
            except _Refused as refused:
                answer = PlainTextResponse(f"{refused.why}\n", refused.status)
                await answer(scope, receive, send)
            else:
                await self._app({**scope, "headers": headers}, receive, send)

    def _checked(self, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        single = [name for name, _ in headers if name in SINGLE_HEADERS]
        if len(set(single)) < len(single):
            raise _Refused(400, "A header that may stand there once stands there twice.")
        given = dict(headers)  # headers that may come twice are not read from this
        spelled = {b"host": self._host(given.get(b"host", b""))}
        if b"origin" in given:
            spelled[b"origin"] = self._origin(given[b"origin"])
        return [(name, spelled.get(name, value)) for name, value in headers]

    def _host(self, given: bytes) -> bytes:
        host = Authority.parse(given.decode("latin-1"))  # which decodes any bytes, and never raises
        if host is None:
            raise _Refused(400, "The Host header names no host.")
        if not self._callers.allows_host(host):
            raise _Refused(421, "This host is not served here.")
        return str(host).encode()

    def _origin(self, given: bytes) -> bytes:
        origin = WebOrigin.parse(given.decode("latin-1"))
        if origin is None or not self._callers.allows_origin(origin):
            raise _Refused(403, "Pages from there may not call.")
        return str(origin).encode()


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def check_token(token: str) -> None:
    """Return if clients can send the token.

    Raises:
        ConfigError: it holds a line end, or another character that is in no header or unseen.
    """
    if any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in token):
        raise ConfigError(
            "PRESSROOM_TOKEN holds a line end or another invisible character, which no client can "
            "send. Set it to one line, such as the output of `openssl rand -hex 32`."
        )


class BearerToken:
    """Lets through only requests that carry the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = _hash(token.encode(errors="surrogateescape"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "http" or self._allows(scope):
            await self._app(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Bearer realm="pressroom"'}
        refusal = PlainTextResponse("A bearer token is needed.", 401, headers=challenge)
        await refusal(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = (given[0] if len(given) == 1 else b"").partition(b" ")
        # Hashes of equal length: neither the time nor the length of the token shows.
        matches = secrets.compare_digest(_hash(token.strip()), self._expected)
        return scheme.lower() == b"bearer" and matches


def _allowed_host(entry: str) -> tuple[Authority, bool]:
    text, any_port = _without_any_port(_bracketed(entry))
    host = Authority.parse(text)
    if host is None or (any_port and host.port is not None):
        raise ConfigError(
            f"{entry!r} is no host that can be allowed. Write a name as clients send it, with a "
            "port or without, such as --allowed-host press.example.org."
        )
    return host, any_port


def _allowed_origin(entry: str) -> tuple[WebOrigin, bool]:
    text, any_port = _without_any_port(entry)
    origin = WebOrigin.parse(text)
    if origin is None or (any_port and origin.authority.port is not None):
        raise ConfigError(
            f"{entry!r} is no origin that can be allowed. Write it as browsers send it, with "
            "nothing after the host and its port, such as --allowed-origin https://example.org."
        )
    return origin, any_port


def _without_any_port(entry: str) -> tuple[str, bool]:
    found = _ANY_PORT.fullmatch(entry)
    return (entry, False) if found is None else (found["rest"], True)


def _with_any_port(texts: Iterable[str]) -> list[str]:
    return [pattern for text in texts for pattern in (text, f"{text}:*")]


def _bracketed(host: str) -> str:
    """Return an address as it is written in a Host header: IPv6 in brackets."""
    name = _ipv6(host)
    return host if name is None else name


def _ipv6(text: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(text)}]"
    except ValueError:
        return None


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
