"""What many tests set up: a workspace on disk, the application in this process, a client for it.

Everything is real: the files, the database, the worker, the protocol. Only the process is shared.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from mcp import Client

from mcp_server.app import Application
from mcp_server.clock import Clock
from mcp_server.config import open_workspace
from mcp_server.content.workspace.starter import init_workspace
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Origin
from mcp_server.plugin.loading import Plugins
from mcp_server.trust import Grants, StateFolder
from mcp_server.trust.needs import needs_of
from tests.databases import another_place

Era = Literal["legacy", "auto"]
"""`legacy`: the handshake of 2025-11-25; `auto`: 2026-07-28 without one."""


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: float = 1_000_000.0) -> None:
        self.at = at

    def now(self) -> float:
        """Return where it stands."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Move it on."""
        self.at += seconds


def starter(root: Path, **settings: object) -> Path:
    """Make a workspace from the starter site; return its folder."""
    init_workspace(root)
    write_settings(root, **settings)
    return root


def small_site(root: Path, pages: Mapping[str, int], **settings: object) -> Path:
    """Make a workspace with so many `note` sections (`page/s1`, `page/s2`, …) on each page."""
    folder = root / "pressroom"
    (folder / "templates").mkdir(parents=True)
    write_settings(root, **settings)
    note: dict[str, Any] = {
        "prompt": "Write a short note.",
        "fields": {"title": "line", "text": "text"},
        "format": "## {title}\n\n{text}\n",
        "phrases": {"title": ["{section.facts.title}"], "text": ["{facts.name}: {brief}"]},
    }
    (folder / "templates" / "note.yaml").write_text(yaml.safe_dump(note), "utf-8")
    site: dict[str, Any] = {
        "title": "Notes",
        "description": "A site of notes.",
        "language": "en",
        "facts": {"name": "Ada's notes"},
        "pages": [_page(page, count) for page, count in pages.items()],
    }
    write_site(root, site)
    return root


def _page(page: str, count: int) -> dict[str, Any]:
    sections: list[dict[str, Any]] = [
        {
            "id": f"s{n}",
            "template": "note",
            "brief": f"note {n} of {page}",
            "facts": {"title": f"{page.title()} {n}"},
        }
        for n in range(1, count + 1)
    ]
    return {"id": page, "title": page.title(), "sections": sections}


def read_site(root: Path) -> dict[str, Any]:
    """Return `site.yaml` as data, to change and write back."""
    return yaml.safe_load((root / "pressroom" / "site.yaml").read_text("utf-8"))


def write_site(root: Path, site: Mapping[str, Any]) -> None:
    """Write `site.yaml`."""
    text = yaml.safe_dump(dict(site), sort_keys=False, allow_unicode=True)
    (root / "pressroom" / "site.yaml").write_text(text, "utf-8")


def write_settings(root: Path, **settings: object) -> None:
    """Write `pressroom.toml` with these settings."""
    root.mkdir(parents=True, exist_ok=True)
    place = another_place(root)
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**settings, **place}.items()]
    (root / "pressroom.toml").write_text("\n".join(lines) + "\n", "utf-8")
    if place:
        workspace = open_workspace(root, {})
        grants = {each.grant for each in needs_of(workspace) if each.setting == "database"}
        StateFolder(workspace).trust(grants)


def trusted(root: Path) -> Path:
    """Say yes, as the workspace's user, to all that it asks for; return its folder."""
    workspace = open_workspace(root, {})
    state = StateFolder(workspace)
    state.trust({need.grant for need in Grants(workspace, state).missing()})
    return root


def content(root: Path) -> dict[str, bytes]:
    """Return every exported file by name."""
    return {path.name: path.read_bytes() for path in sorted((root / "content").glob("*.md"))}


class ToolRefused(AssertionError):
    """A tool answered with an error; `text` is what it said."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass
class Desk:
    """A client at work: calls tools, and waits for what they queue."""

    client: Client
    root: Path
    services: Services | None = None
    progress: list[tuple[float, float | None, str | None]] | None = None

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool with wire arguments; return its structured answer.

        Raises:
            ToolRefused: it answered with an error.
        """
        result = await self.client.call_tool(tool, arguments, progress_callback=self._note)
        if result.is_error:
            raise ToolRefused(_text(result.content))
        assert result.structured_content is not None
        return dict(result.structured_content)

    async def refused(self, tool: str, /, **arguments: Any) -> str:
        """Call a tool that should refuse; return what it says."""
        try:
            answer = await self.call(tool, **arguments)
        except ToolRefused as refusal:
            return refusal.text
        raise AssertionError(f"{tool} was not refused: {answer}")

    async def run(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a queueing tool, wait for the end, and return its answer at the end."""
        return await self.call(tool, **arguments, waitSeconds=45)

    async def states(self, **selector: Any) -> dict[str, str]:
        """Return each section's state, as `review` has it."""
        states: dict[str, str] = {}
        cursor = 0
        while True:
            answer = await self.call("review", **selector, limit=50, cursor=cursor)
            states |= {row["section"]: row["state"] for row in answer.get("sections", [])}
            if "nextCursor" not in answer:
                return states
            cursor = answer["nextCursor"]

    async def sections(self, batch_id: str) -> dict[str, dict[str, Any]]:
        """Return each section of a batch as `status` has it."""
        rows: dict[str, dict[str, Any]] = {}
        cursor: int | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            answer = await self.call("status", batchId=batch_id, waitSeconds=0, limit=50, **more)
            rows |= {row["section"]: row for row in answer.get("sections", [])}
            if "nextCursor" not in answer:
                return rows
            cursor = answer["nextCursor"]

    async def _note(self, progress: float, total: float | None, message: str | None) -> None:
        if self.progress is not None:
            self.progress.append((progress, total, message))


@asynccontextmanager
async def desk(
    root: Path,
    *,
    era: Era = "auto",
    owner: str = "local",
    clock: Clock | None = None,
    plugins: Plugins | None = None,
) -> AsyncGenerator[Desk]:
    """Run the application on a workspace in this process, worker included, with a client."""
    application = Application(root, default_mode="embedded", clock=clock, plugins=plugins)
    async with application.running():
        origin = Origin(owner=owner, interface="test")
        server = build_server(application, version="0", origin=origin, clock=clock)
        async with Client(server, mode=era) as client:
            yield Desk(client, root, await application.services())


def _text(blocks: Any) -> str:
    return "\n".join(block.text for block in blocks if block.type == "text")
