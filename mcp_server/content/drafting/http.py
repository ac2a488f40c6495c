"""The HTTP client that every model provider is given: whatever a server answers, it is bounded.

    the SDK of a provider → ModelHTTPClient → BoundedTransport → httpx2 → CountedStream → the socket

An SDK gets an answer only once it has arrived whole and within `content.drafting.answer_bounds`:
unpacked by us, made what OpenAI would have sent (`near_openai`), and with no header but those the
SDK needs. Redirects are not followed, and cookies are not kept. The environment's proxies are used,
but not for this machine's own servers. The caller sets the time limit.
"""

from __future__ import annotations

import ipaddress
import zlib
from contextlib import aclosing
from typing import Any

import anyio.lowlevel
import anyio.to_thread
import httpx2

from mcp_server.content.drafting.answer_bounds import (
    ANSWER_BYTES_MAX,
    ERROR_BYTES_MAX,
    HEAD_BYTES_MAX,
    PIECES_MAX,
    AnswerOutOfBounds,
    check_json,
)
from mcp_server.content.drafting.counted import CountedStream, count_what_arrives
from mcp_server.content.drafting.near_openai import mended

CONNECT_WAIT_S = 5.0
"""A server that has not accepted a connection by then will not answer either."""

TURN_PIECES = 500
"""Pieces after which other tasks get a turn: pieces that are here already are read without a
wait."""

TOO_LARGE = f"it is larger than {ANSWER_BYTES_MAX // 2**20} MB; a section takes a few kB"

SMALL = 32 * 2**10
"""Bytes of an answer that is read where it arrives. A larger one, such as one of embeddings, would
keep all others waiting for a tenth of a second."""

HEADERS_KEPT = ("retry-after", "retry-after-ms", "x-should-retry")
"""The headers that SDKs act upon. Any other could only carry a server's words further."""

HEADERS_SENT = frozenset(
    {"accept", "authorization", "connection", "content-length", "content-type", "host"}
)
"""What an OpenAI-compatible server needs."""

HEADER_LENGTH_MAX = 40
"""A date takes 29 characters."""


class AnswerRedirects(Exception):
    """A model server named another address, which gets neither the prompt nor the key."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"HTTP {status}")


class ProxyFailed(httpx2.TransportError):
    """There is no connection by way of the proxy that the environment names, `proxy`.

    That is its address, without name and password; `None` where no address can be made out.
    """

    def __init__(self, proxy: str | None) -> None:
        self.proxy = proxy
        super().__init__("no connection through the proxy")


class ModelHTTPClient(httpx2.AsyncClient):
    """Sends an SDK's requests; each answer is whole and within bounds, or an error.

    Raises, from `send`:
        AnswerOutOfBounds: the answer is more than `content.drafting.answer_bounds` allows, or is
            packed in a way that was not asked for.
        AnswerRedirects: it is no answer but another address.
        ProxyFailed: there is no connection through the proxy that the environment names.
        httpx2.DecodingError: it cannot be read.
    """

    def __init__(self, *, bare: bool = False) -> None:
        """Make ready without connecting; this reads certificates, so do it in a thread.

        With `bare`, headers that an SDK takes from its own environment variables (`OPENAI_ORG_ID`,
        `OPENAI_CUSTOM_HEADERS`) are not sent: they are for its provider, not for any other server.
        """
        self._is_astray = False
        super().__init__(event_hooks={"request": [_strip]} if bare else None)
        # The hooks below are private to httpx2: a version without them would be unbounded.
        made = [self._transport, *filter(None, self._mounts.values())]
        assert all(isinstance(transport, BoundedTransport | _NoProxy) for transport in made)

    # Overridden, instead of passing `transport=`: httpx2 looks for the environment's proxies only
    # if it makes the transports itself.

    def _init_transport(self, *arguments: Any, **options: Any) -> httpx2.AsyncBaseTransport:
        return self._bounded(super()._init_transport(*arguments, **options))

    def _init_proxy_transport(
        self, proxy: httpx2.Proxy, *arguments: Any, **options: Any
    ) -> httpx2.AsyncBaseTransport:
        address = str(proxy.url).rstrip("/")
        try:
            made = super()._init_proxy_transport(proxy, *arguments, **options)
        except ImportError:  # a SOCKS proxy, for which a library of its own is needed
            return _NoProxy(address)
        return self._bounded(made, address)

    def _get_proxy_map(self, proxy: Any, allow_env_proxies: bool) -> dict[str, httpx2.Proxy | None]:
        try:
            return super()._get_proxy_map(proxy, allow_env_proxies)
        except (ValueError, httpx2.InvalidURL):
            self._is_astray = True
            return {}

    def _transport_for_url(self, url: httpx2.URL) -> httpx2.AsyncBaseTransport:
        """Return what a request is sent by: to this machine itself never a proxy.

        Many environments name one for everything, and none forwards to whoever asks it.
        """
        if is_loopback(url.host):
            return self._transport
        return _NoProxy(None) if self._is_astray else super()._transport_for_url(url)

    @staticmethod
    def _bounded(
        inner: httpx2.AsyncBaseTransport, proxy: str | None = None
    ) -> httpx2.AsyncBaseTransport:
        assert isinstance(inner, httpx2.AsyncHTTPTransport)
        return BoundedTransport(inner, proxy)


async def _strip(request: httpx2.Request) -> None:
    for name in [name for name in request.headers if name.lower() not in HEADERS_SENT]:
        del request.headers[name]


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Sends requests by another transport, and reads the answers to their end or to a bound.

    `proxy` is the address of the proxy that it sends them by, if it does.
    """

    def __init__(self, inner: httpx2.AsyncHTTPTransport, proxy: str | None = None) -> None:
        self._inner, self._proxy = inner, proxy
        count_what_arrives(inner)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `ModelHTTPClient`."""
        # Only gzip: `_Gunzip` can undo that piece by piece, and stop at a bound.
        request.headers["accept-encoding"] = "gzip"
        waits = {**request.extensions.get("timeout", {}), "connect": CONNECT_WAIT_S}
        request.extensions = {**request.extensions, "timeout": waits}
        response = await self._sent(request)
        try:
            body = await _body(response)
        finally:
            await response.aclose()
        if len(body) <= SMALL:
            return _answer(response, body)
        return await anyio.to_thread.run_sync(_answer, response, body)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._inner.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError):
            if self._proxy is None:
                raise
        raise ProxyFailed(self._proxy)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _NoProxy(httpx2.AsyncBaseTransport):
    """Stands for a proxy that cannot be used at all."""

    def __init__(self, proxy: str | None) -> None:
        self._proxy = proxy

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002 -- as in the base
        """Raise `ProxyFailed`."""
        raise ProxyFailed(self._proxy)


def is_loopback(host: str) -> bool:
    """Whether a host is literally this machine. No name is looked up in the DNS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answer(response: httpx2.Response, body: bytes) -> httpx2.Response:
    """Return what an SDK gets of an answer. What is JSON is called so, whatever its server did."""
    headers = _headers(response)
    found = mended(response.status_code, body)
    if found is None:
        return httpx2.Response(response.status_code, headers=headers, content=body)
    status, body = found
    return httpx2.Response(
        status, headers=headers | {"content-type": "application/json"}, content=body
    )


async def _body(response: httpx2.Response) -> bytes:
    """Return an answer's body; that of an error is dropped if it cannot be used."""
    if response.is_redirect:
        raise AnswerRedirects(response.status_code)
    if response.is_success:
        body = await _unpacked(response, ANSWER_BYTES_MAX)
        if len(body) <= SMALL:
            check_json(body)
        else:
            await anyio.to_thread.run_sync(check_json, body)
        return body
    try:
        body = await _unpacked(response, ERROR_BYTES_MAX)
        check_json(body)
    except (AnswerOutOfBounds, httpx2.DecodingError):
        return b""
    return body


async def _unpacked(response: httpx2.Response, bytes_max: int) -> bytes:
    """Read a body piece by piece, and no further than a bound."""
    stream = response.extensions.get("network_stream")
    if isinstance(stream, CountedStream):
        stream.allow(bytes_max + HEAD_BYTES_MAX, TOO_LARGE)
    unpacker = _unpacker(response)
    parts, left, pieces = list[bytes](), bytes_max, 0
    async with aclosing(response.aiter_raw()) as body:
        async for piece in body:
            # One byte more than is left, to tell; never 0, which would mean "without a bound".
            part = unpacker.unpack(piece, left + 1) if unpacker else piece
            parts.append(part)
            left, pieces = left - len(part), pieces + 1
            if left < 0:
                raise AnswerOutOfBounds(TOO_LARGE)
            if pieces > PIECES_MAX:
                raise AnswerOutOfBounds(f"it came in more than {PIECES_MAX:,} pieces")
            if pieces % TURN_PIECES == 0:
                await anyio.lowlevel.checkpoint()
    return b"".join(parts)


def _unpacker(response: httpx2.Response) -> _Gunzip | None:
    """Return what undoes the packing; only gzip was asked for."""
    named = response.headers.get_list("content-encoding", split_commas=True)
    packings = [name for part in named if (name := part.strip().lower()) not in {"", "identity"}]
    match packings:
        case []:
            return None
        case ["gzip" | "x-gzip"]:
            return _Gunzip()
        case _:
            raise AnswerOutOfBounds("it is packed in a way that was not asked for")


class _Gunzip:
    """Unpacks gzip, never more at once than allowed."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def unpack(self, piece: bytes, bytes_max: int) -> bytes:
        """Return the next bytes. Anything after the end of the gzip data is ignored."""
        if self._zlib.eof:
            return b""
        try:
            # Input that is left over at the bound is dropped: the caller stops there.
            return self._zlib.decompress(piece, bytes_max)
        except zlib.error:
            raise httpx2.DecodingError("this is not gzip") from None


def _headers(response: httpx2.Response) -> dict[str, str]:
    """Return the headers that an SDK needs.

    The content type is reduced to one of three: a character set that a server named would be looked
    up among Python's codecs, and some of those decompress, without a bound.
    """
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    known = media if media == "text/event-stream" else "text/plain"
    kept = {"content-type": "application/json" if media.endswith("json") else known}
    for name in HEADERS_KEPT:
        value = response.headers.get(name, "")
        if 0 < len(value) <= HEADER_LENGTH_MAX:
            kept[name] = value
    return kept
