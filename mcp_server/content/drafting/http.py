"""The HTTP client that every model provider is given: whatever a server answers, it is bounded.

    the SDK of a provider → ModelHTTPClient → BoundedTransport → httpx2 → CountedStream → the socket

An SDK gets an answer only once it has arrived whole and within `content.drafting.answer_bounds`:
unpacked by us, and with no header but those the SDK needs. Redirects are not followed, cookies are
not kept, and the environment's proxies are used as usual. The caller sets the time limit.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

import anyio.lowlevel
import httpcore2
import httpx2

from mcp_server.content.drafting.answer_bounds import (
    ANSWER_BYTES_MAX,
    ERROR_BYTES_MAX,
    HEAD_BYTES_MAX,
    PIECES_MAX,
    AnswerOutOfBounds,
    check_json,
)

CONNECT_WAIT_S = 5.0
"""A server that has not accepted a connection by then will not answer either."""

TURN_PIECES = 500
"""Pieces after which other tasks get a turn: pieces that are here already are read without a
wait."""

TOO_LARGE = f"it is larger than {ANSWER_BYTES_MAX // 2**20} MB; a section takes a few kB"
HEAD_TOO_LARGE = f"it has more than {HEAD_BYTES_MAX // 2**10} kB of headers"

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


class ModelHTTPClient(httpx2.AsyncClient):
    """Sends an SDK's requests; each answer is whole and within bounds, or an error.

    Raises, from `send`:
        AnswerOutOfBounds: the answer is more than `content.drafting.answer_bounds` allows, or is
            packed in a way that was not asked for.
        AnswerRedirects: it is no answer but another address.
        httpx2.DecodingError: it cannot be read.
    """

    def __init__(self, *, bare: bool = False) -> None:
        """Make ready without connecting; this reads certificates, so do it in a thread.

        With `bare`, headers that an SDK takes from its own environment variables (`OPENAI_ORG_ID`,
        `OPENAI_CUSTOM_HEADERS`) are not sent: they are for its provider, not for any other server.
        """
        super().__init__(event_hooks={"request": [_strip]} if bare else None)
        # The hooks below are private to httpx2: a version without them would be unbounded.
        made = [self._transport, *filter(None, self._mounts.values())]
        assert all(isinstance(transport, BoundedTransport) for transport in made)

    # Overridden, instead of passing `transport=`: httpx2 looks for the environment's proxies only
    # if it makes the transports itself.

    def _init_transport(self, *arguments: Any, **options: Any) -> httpx2.AsyncBaseTransport:
        return self._bounded(super()._init_transport(*arguments, **options))

    def _init_proxy_transport(self, *arguments: Any, **options: Any) -> httpx2.AsyncBaseTransport:
        return self._bounded(super()._init_proxy_transport(*arguments, **options))

    @staticmethod
    def _bounded(inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        assert isinstance(inner, httpx2.AsyncHTTPTransport)
        return BoundedTransport(inner)


async def _strip(request: httpx2.Request) -> None:
    for name in [name for name in request.headers if name.lower() not in HEADERS_SENT]:
        del request.headers[name]


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Sends requests by another transport, and reads the answers to their end or to a bound."""

    def __init__(self, inner: httpx2.AsyncHTTPTransport) -> None:
        self._inner = inner
        count_what_arrives(inner)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `ModelHTTPClient`."""
        # Only gzip: `_Gunzip` can undo that piece by piece, and stop at a bound.
        request.headers["accept-encoding"] = "gzip"
        waits = {**request.extensions.get("timeout", {}), "connect": CONNECT_WAIT_S}
        request.extensions = {**request.extensions, "timeout": waits}
        response = await self._inner.handle_async_request(request)
        try:
            body = await _body(response)
        finally:
            await response.aclose()
        return httpx2.Response(response.status_code, headers=_headers(response), content=body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def count_what_arrives(transport: httpx2.AsyncHTTPTransport) -> None:
    """Make the transport open counted connections only. httpx2 has no public way for that."""
    pool = transport._pool  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    inner = pool._network_backend  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    pool._network_backend = CountedBackend(inner)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


class CountedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections that are counted."""

    def __init__(self, inner: httpcore2.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """See `AsyncNetworkBackend`."""
        stream = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return CountedStream(stream)

    async def sleep(self, seconds: float) -> None:
        """See `AsyncNetworkBackend`."""
        await self._inner.sleep(seconds)


class CountedStream(httpcore2.AsyncNetworkStream):
    """A connection on which a server may send only so many bytes after each write of ours.

    httpx2 shows an answer from its headers on. What a server sends before them, such as interim
    answers (1xx) without end, is seen only here.
    """

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self.allow(HEAD_BYTES_MAX, HEAD_TOO_LARGE)

    def allow(self, count: int, otherwise: str) -> None:
        """Allow so many more bytes; `otherwise` says what is wrong with a longer answer."""
        self._left, self._otherwise = count, otherwise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See `AsyncNetworkStream`; one read may exceed the bound, the next one raises.

        Raises:
            AnswerOutOfBounds: more was sent than is taken.
        """
        if self._left <= 0:
            raise AnswerOutOfBounds(self._otherwise)
        data = await self._inner.read(max_bytes, timeout)
        self._left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See `AsyncNetworkStream`; what comes next is the head of an answer, with its bound."""
        self.allow(HEAD_BYTES_MAX, HEAD_TOO_LARGE)
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """See `AsyncNetworkStream`."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """See `AsyncNetworkStream`; from here on the decrypted bytes are counted."""
        return CountedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """See `AsyncNetworkStream`."""
        return self._inner.get_extra_info(info)


async def _body(response: httpx2.Response) -> bytes:
    """Return an answer's body; that of an error is dropped if it cannot be used."""
    if response.is_redirect:
        raise AnswerRedirects(response.status_code)
    if response.is_success:
        body = await _unpacked(response, ANSWER_BYTES_MAX)
        check_json(body)
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
