"""Hosts and origins are compared as what they name, not as texts that begin alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.transport_security import TransportSecurityMiddleware
from starlette.requests import Request

from mcp_server.errors import ConfigError
from mcp_server.interfaces.http.checks import AllowedCallers, Authority, WebOrigin, allowed_callers

LOCAL = allowed_callers("127.0.0.1", (), ())
NAMED = AllowedCallers(
    ["press.example.org", "other.example.org:8443", "web.example.org:443", "[2001:db8::7]"],
    ["https://press.example.org", "http://dev.example.org:*", "vscode-webview://1a2b"],
)
NO_HOSTS = (
    "",
    " ",
    "localhost:evil.com",
    "localhost:80:80",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "localhost:99999999999999999999",
    "localhost:-1",
    "localhost:+80",
    "localhost:080",
    "localhost:8 0",
    "localhost:٨",
    "localhost :80",
    "localhost/",
    "localhost,evil.com",
    "localhost#",
    "localhost?",
    "localhost\\",
    "localhost%00",
    "localhost\x00",
    "localhost\n",
    "user@localhost",
    "localhost:80@evil.com",
    ".localhost",
    "local..host",
    "::1",
    "[::1",
    "[::1]x",
    "[::1]:",
    "[::1]]",
    "[::1%lo]",
    "[1::2::3]",
    "[127.0.0.1]",
    "[]",
    "*",
    "*:80",
    "löcalhost",
    "ｌocalhost",
)


@pytest.mark.parametrize("text", NO_HOSTS)
def test_what_names_no_host_is_refused(text: str) -> None:
    """By its spelling: nobody guesses which part of it was meant."""
    assert Authority.parse(text) is None


@pytest.mark.parametrize(
    "text", ["localhost", "LocalHost:1", "127.0.0.1:65535", "[::1]:8765", "[0:0:0:0:0:0:0:1]"]
)
def test_this_machine_is_called_by_its_names_with_any_port(text: str) -> None:
    """In any spelling that means the same."""
    host = Authority.parse(text)
    assert host is not None
    assert LOCAL.allows_host(host)


@pytest.mark.parametrize(
    "text",
    [
        "localhost.",
        "localhost.evil.com",
        "127.0.0.1.evil.com:80",
        "localhost-evil.com",
        "xlocalhost",
        "evil.com",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ],
)
def test_names_that_are_not_listed_are_other_hosts(text: str) -> None:
    """Also those that a resolver might lead here: whoever means us has a listed name."""
    host = Authority.parse(text)
    assert host is not None
    assert not LOCAL.allows_host(host)


def test_a_server_on_another_loopback_address_is_called_by_that_too() -> None:
    """What it listens on is what clients write."""
    host = Authority("127.0.0.53", 8765)
    assert allowed_callers("127.0.0.53", (), ()).allows_host(host)
    assert not LOCAL.allows_host(host)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("press.example.org", True),
        ("press.example.org:8443", True),
        ("PRESS.EXAMPLE.ORG:1", True),
        ("other.example.org:8443", True),
        ("other.example.org:8444", False),
        ("other.example.org:844", False),
        ("other.example.org", False),
        ("web.example.org:443", True),
        ("web.example.org", True),
        ("web.example.org:80", False),
        ("[2001:DB8:0::7]:99", True),
        ("[2001:db8::8]", False),
        ("example.org", False),
        ("localhost", False),
    ],
)
def test_a_named_host_is_allowed_with_its_port_or_with_every_port(text: str, allowed: bool) -> None:
    """A port that was named is that port; one that browsers leave out may be left out."""
    host = Authority.parse(text)
    assert host is not None
    assert NAMED.allows_host(host) is allowed


@pytest.mark.parametrize("text", [f"http://{text}" for text in NO_HOSTS])
def test_an_origin_of_no_host_is_none(text: str) -> None:
    """What follows the scheme is read as a host is."""
    assert WebOrigin.parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "localhost",
        "//localhost",
        "http:localhost",
        "http:///localhost",
        "http://localhost/",
        "http://localhost/path",
        "http://localhost:@evil.com",
        "http://localhost http://evil.com",
        "1http://localhost",
        "http ://localhost",
        "http://localhost,http://localhost",
    ],
)
def test_what_is_no_origin_names_nobody(text: str) -> None:
    """An origin ends with its port; browsers send `null` for pages that have none."""
    assert WebOrigin.parse(text) is None


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("https://press.example.org", True),
        ("HTTPS://Press.Example.Org", True),
        ("https://press.example.org:443", True),
        ("https://press.example.org:4430", False),
        ("http://press.example.org", False),
        ("http://press.example.org:443", False),
        ("https://press.example.org.evil.com", False),
        ("http://dev.example.org", True),
        ("http://dev.example.org:3000", True),
        ("https://dev.example.org:3000", False),
        ("vscode-webview://1a2b", True),
        ("vscode-webview://1a2bc", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(text: str, allowed: bool) -> None:
    """All three, the port also where it goes without saying."""
    origin = WebOrigin.parse(text)
    assert origin is not None
    assert NAMED.allows_origin(origin) is allowed


@pytest.mark.parametrize(
    "entry", ["", "https://example.org", "example.org/", "a b", "example.org:x", "a:1:*", "*", "é"]
)
def test_a_host_that_cannot_be_allowed_is_refused_at_the_start(entry: str) -> None:
    """It would never match, and nobody would know why."""
    with pytest.raises(ConfigError, match=r"--allowed-host press\.example\.org"):
        AllowedCallers([entry], [])


@pytest.mark.parametrize(
    "entry", ["", "*", "null", "example.org", "https://example.org/", "https://a:1:*"]
)
def test_an_origin_that_cannot_be_allowed_is_refused_at_the_start(entry: str) -> None:
    """The same, with its own example."""
    with pytest.raises(ConfigError, match=r"--allowed-origin https://example\.org"):
        AllowedCallers([], [entry])


def test_an_address_is_allowed_with_or_without_brackets() -> None:
    """As users write it elsewhere."""
    assert AllowedCallers(["2001:db8::7"], []).allows_host(Authority("[2001:db8::7]", 80))


NAMES = st.sampled_from(
    ["localhost", "127.0.0.1", "[::1]", "press.example.org", "other.example.org", "dev.example.org"]
)
PORTS = st.one_of(st.none(), st.sampled_from([80, 443, 8443, 3000]))
SCHEMES = st.sampled_from(["http", "https", "vscode-webview"])


@pytest.mark.anyio
@given(name=NAMES, port=PORTS, scheme=SCHEMES, page=NAMES, page_port=PORTS, local=st.booleans())
async def test_the_library_lets_pass_what_we_let_pass(
    name: str, port: int | None, scheme: str, page: str, page_port: int | None, local: bool
) -> None:
    """Its own check stays on behind ours, and never refuses a client that we allow."""
    callers = LOCAL if local else NAMED
    host = Authority(name, port)
    origin = WebOrigin.parse(f"{scheme}://{Authority(page, page_port)}")
    assert origin is not None
    if callers.allows_host(host) and callers.allows_origin(origin):
        headers = [(b"host", str(host).encode()), (b"origin", str(origin).encode())]
        request = Request({"type": "http", "method": "GET", "headers": headers})
        settings = callers.for_library()
        assert settings.enable_dns_rebinding_protection
        assert await TransportSecurityMiddleware(settings).validate_request(request) is None
