"""Plays the conversations that a page shows, on a workspace of its own.

A block of `text` holds calls (`status {"batchId": "b_1"}`), each with the words that its answer
begins with (`→ 21 of 21 drafted.`), in which an ellipsis stands for anything. `(batchId: b_1)`
behind them gives the batch its name on the page, and `(digest: d_1)` the digest. A line in brackets
says what somebody does with a file. A block of `toml` is put into `pressroom.toml`, and trusted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcp_server.content.workspace.starter import init_workspace
from tests.harness import Desk, desk, trusted

CALL = re.compile(r"([a-z-]+) (\{.*\})")
ANSWER = re.compile(r"→ (.+?)(?: \((batchId|digest): (\w+)\))?")
EDIT = re.compile(r'\(in (\S+), you write "(.+)" for "(.+)"\)')
HOLDING = re.compile(r'\((\S+) holds "(.+)"\)')
DELETION = re.compile(r"\(you delete (\S+)\)")


@dataclass
class Play:
    """A page on its way through its conversations."""

    root: Path
    said: list[str] = field(default_factory=list[str])
    """What was answered, for the reader of a failure."""
    _names: dict[str, str] = field(default_factory=dict[str, str])
    """The names of batches and digests on the page, with what they are here."""

    async def play(self, page: str) -> None:
        """Do what the page shows, and see that it answers so."""
        init_workspace(self.root)
        settings = self.root / "pressroom.toml"
        for toml, conversation in conversations(page):
            settings.write_text(toml, "utf-8")
            async with desk(trusted(self.root)) as chat:
                await self._talk(chat, conversation)

    async def _talk(self, chat: Desk, lines: list[str]) -> None:
        answer: dict[str, object] = {}
        for line in lines:
            if found := CALL.fullmatch(line):
                answer = await chat.call(found[1], **json.loads(self._here(found[2])))
                self.said.append(f"{line}\n→ {answer['message']}")
            elif found := ANSWER.fullmatch(line):
                self._compare(found[1], str(answer["message"]))
                if found[2]:
                    self._names[found[3]] = str(answer[found[2]])
            else:
                self._touch(line)

    def _here(self, text: str) -> str:
        return re.sub(r"\b[bd]_\d+\b", lambda name: self._names[name[0]], text)

    def _compare(self, shown: str, message: str) -> None:
        pattern = ".*".join(map(re.escape, self._here(shown).split("…")))
        assert re.match(pattern, message), f"{self.said[-1]}\nis shown as\n→ {shown}"

    def _touch(self, line: str) -> None:
        """Edit, delete or look at a file by hand."""
        if found := DELETION.fullmatch(line):
            (self.root / found[1]).unlink()
        elif found := HOLDING.fullmatch(line):
            self._read(found[1], found[2])
        else:
            found = EDIT.fullmatch(line)
            assert found, f"neither a call nor an answer: {line}"
            file, after, before = found.groups()
            text = self._read(file, before)
            (self.root / file).write_text(text.replace(before, after), "utf-8")

    def _read(self, file: str, part: str) -> str:
        text = (self.root / file).read_text("utf-8")
        assert part in text, f"{file} does not hold {part}"
        return text


def conversations(page: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the settings of the page, one after another, each with what is said under them."""
    toml, lines = "", list[str]()
    for language, block in re.findall(r"```(toml|text)\n(.*?)```", page, flags=re.DOTALL):
        if language == "toml":
            yield toml, lines
            toml, lines = block, []
        else:
            lines += filter(None, block.splitlines())
    yield toml, lines
