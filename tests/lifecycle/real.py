"""The site as users have it: through the tools, with a real worker, database and files."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.app import Parts
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Entity
from tests.harness import Desk, ToolRefused, desk, read_site, small_site, write_site
from tests.lifecycle.life import Shown
from tests.lifecycle.model import SECTIONS, Call
from tests.promises.moves import QUICK, SAYS, Later, brief, live, parts_of, words
from tests.storage.invariants import check_invariants


@dataclass
class RealSite:
    """`Played` by a client."""

    chat: Desk
    parts: Parts
    clock: Later

    async def generate(self, words: dict[str, str]) -> str | None:
        brief(self.chat.root, **{id.replace("/", "_"): word for id, word in words.items()})
        return await self._batch("generate", sections=[*words], mode="new")

    async def edit(self, section: str, word: str, *, restored: bool) -> bool:
        text = f"## By hand\n\n{SAYS}{word}\n"
        how = {"restore": await self._hash(section, word)} if restored else {"text": text}
        return await self._edited(section=section, **how)

    async def discard(self, section: str) -> bool:
        return await self._edited(section=section, discard=True)

    async def call(self, call: Call, digest: str | None = None) -> tuple[str | None, bool]:
        more = {} if digest is None else {"digest": digest}
        try:
            done = await self.chat.run(call.tool, **_arguments(call), **more)
        except ToolRefused:
            return None, True
        return done.get("batchId"), False

    async def dry(self, call: Call) -> str | None:
        self.clock.ahead_s += 0.01
        try:
            shown = await self.chat.call(call.tool, **_arguments(call), dryRun=True)
        except ToolRefused:
            return None
        return shown.get("digest")

    async def lock(self, section: str, *, locked: bool) -> None:
        site = read_site(self.chat.root)
        for page in site["pages"]:
            for each in page["sections"]:
                if f"{page['id']}/{each['id']}" == section:
                    each["locked"] = locked
        write_site(self.chat.root, site)

    def wait(self, seconds: float) -> None:
        self.clock.ahead_s += seconds

    async def shown(self) -> Shown:
        lives = await self.parts.entities.get_all(PRODUCTION)
        drafts = await self.parts.entities.get_all(PREVIEW)
        said = {id: _word(each) for id, each in lives.items()}
        assert live(self.chat.root) == said, "the files are what is live"
        return {
            id: (
                said.get(id),
                _word(drafts[id]) if id in drafts else None,
                id in drafts and drafts[id].withdrawn,
            )
            for id in SECTIONS
        }

    async def words(self, section: str) -> set[str]:
        past = [
            *await self.parts.entities.history(PREVIEW, section),
            *await self.parts.entities.history(PRODUCTION, section),
        ]
        return {words(each.markdown) for each in past if each.markdown}

    async def _batch(self, tool: str, **arguments: Any) -> str | None:
        try:
            return (await self.chat.run(tool, **arguments)).get("batchId")
        except ToolRefused:
            return None

    async def _edited(self, **arguments: Any) -> bool:
        try:
            await self.chat.call("edit", **arguments)
        except ToolRefused:
            return False
        return True

    async def _hash(self, section: str, word: str) -> str:
        for type in (PREVIEW, PRODUCTION):
            for each in await self.parts.entities.history(type, section):
                if each.markdown and each.hash and words(each.markdown) == word:
                    return each.hash
        raise AssertionError(f"{section} never said {word}")


@asynccontextmanager
async def real_site(root: Path) -> AsyncGenerator[RealSite]:
    """Make a site of the sections of the model, with a worker and a client."""
    clock = Later()
    small_site(root, {"home": 2, "menu": 2}, **QUICK)
    async with desk(root, clock=clock) as chat, parts_of(root) as parts:
        yield RealSite(chat, parts, clock)
        check_invariants(parts.workspace.database)


def _arguments(call: Call) -> dict[str, Any]:
    of_batch = {} if call.batch is None else {"batchId": call.batch}
    return {**({"sections": [*call.sections]} if call.sections else {}), **of_batch}


def _word(entity: Entity) -> str:
    assert entity.current.markdown is not None
    return words(entity.current.markdown)
