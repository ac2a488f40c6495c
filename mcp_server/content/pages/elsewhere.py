"""The files of pages that lie in a folder of another machine: here, nothing is known of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from mcp_server.content.pages import disk
from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.listing import Listed
from mcp_server.content.pages.page_files import LOCKED_S, PageFiles
from mcp_server.content.pages.sight import Ask, Sight
from mcp_server.content.pages.write import Writing
from mcp_server.content.site import Site
from mcp_server.entities.page_files import KnownFile

ELSEWHERE = "the pages' files are in a folder of another machine"


class FilesElsewhere(PageFiles):
    """Stands for page files that are looked at and written on another machine.

    What is stored of them counts. A folder here of the same name is left alone.
    """

    @asynccontextmanager
    async def locked(self, layout: Layout, *, within_s: float = LOCKED_S) -> AsyncGenerator[None]:  # noqa: ARG002 - nobody waits
        raise disk.PageHeld(layout.page, file=self.shown(layout.file), holder="")
        yield

    def listed(self) -> Listed:
        return Listed(missing=ELSEWHERE)

    def existing(self, site: Site) -> frozenset[str]:  # noqa: ARG002 - as above
        return frozenset()

    def read(self, file: str) -> bytes | None:  # noqa: ARG002 - as above
        return None

    def sizes(self, files: Iterable[str]) -> dict[str, int]:  # noqa: ARG002 - as above
        return {}

    def look(self, asks: Iterable[Ask]) -> dict[str, Sight]:
        return {ask.layout.page: Sight() for ask in asks}

    async def begin_waits(self, layouts: Iterable[Layout]) -> None:
        """Nobody can be saving one here."""

    def write(self, layout: Layout, writing: Writing) -> KnownFile:
        action = "removed" if writing.data is None else "written"
        raise disk.page_failure(self.content_dir / layout.file, action, ELSEWHERE)
