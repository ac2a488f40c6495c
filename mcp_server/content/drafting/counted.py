"""Connections on which a server may send only so many bytes after each write of ours.

httpx2 shows an answer from its headers on. What a server sends before them, such as interim
answers (1xx) without end, is seen only here.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

from mcp_server.content.drafting.answer_bounds import HEAD_BYTES_MAX, AnswerOutOfBounds

HEAD_TOO_LARGE = f"it has more than {HEAD_BYTES_MAX // 2**10} kB of headers"


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
    """A connection on which a server may send only so many bytes after each write of ours."""

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
