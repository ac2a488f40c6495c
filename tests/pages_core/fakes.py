"""A fake disk and a plain store: one page, in memory, without a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mcp_server.content.pages.look import Found, Looked
from mcp_server.entities.entity import text_hash
from mcp_server.entities.page_files import KnownFile, Stat, bytes_hash


@dataclass
class Disk:
    """Files by path. Each change gives another stat; all that they ever held is remembered."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    stats: dict[str, Stat] = field(default_factory=dict[str, Stat])
    held: list[bytes] = field(default_factory=list[bytes])
    ticks: int = 0

    def put(self, path: str, data: bytes | None) -> None:
        """Make `data` the file at `path`, or remove that (`None`)."""
        self.ticks += 1
        if data is None:
            self.files.pop(path, None)
            return
        self.files[path] = data
        self.stats[path] = Stat(
            size=len(data), modified_ns=self.ticks, changed_ns=self.ticks, inode=self.ticks
        )
        if data not in self.held:
            self.held.append(data)

    def found(self, path: str) -> Found:
        """Look at a file."""
        data = self.files.get(path)
        return Found() if data is None else Found(stat=self.stats[path], data=data)

    def rename(self, path: str, to: str) -> None:
        """Give a file another name, as a person does."""
        if path in self.files:
            self.files[to], self.stats[to] = self.files.pop(path), self.stats[path]


@dataclass(frozen=True)
class Text:
    """A live revision; `None` is a removal."""

    text: str | None
    author: str


@dataclass
class Store:
    """What the database remembers of the page. Each method is one transaction."""

    known: KnownFile | None = None
    live: dict[str, list[Text]] = field(default_factory=dict[str, list[Text]])
    drafts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    kept: dict[str, bytes] = field(default_factory=dict[str, bytes])
    writes: list[tuple[str | None, str | None]] = field(
        default_factory=list[tuple[str | None, str | None]]
    )

    def texts(self) -> dict[str, str | None]:
        """Return what is live, by section."""
        return {section: texts[-1].text for section, texts in self.live.items()}

    def hashes(self) -> dict[str, str | None]:
        """Return the hashes of what is live."""
        return {s: None if text is None else text_hash(text) for s, text in self.texts().items()}

    def history(self) -> set[str]:
        """Return the hashes of all texts that were ever live or drafted, on the whole page."""
        live = {text_hash(t.text) for texts in self.live.values() for t in texts if t.text}
        return live | {text_hash(text) for texts in self.drafts.values() for text in texts}

    def make_live(self, section: str, text: str | None, author: str) -> None:
        """Store a live revision."""
        self.live.setdefault(section, []).append(Text(text, author))

    def put_back(self, section: str) -> None:
        """Let a section be written again that somebody took out (P5)."""
        if self.known is not None and section in self.known.gone:
            gone = self.known.gone - {section}
            self.known = replace(self.known, gone=gone, version=self.known.version + 1)

    def save(self, known: KnownFile) -> bool:
        """Store what is remembered of the file, if it is as `known` was made from it."""
        if known.version != (self.known.version if self.known else 0):
            return False
        self.known = replace(known, version=known.version + 1)
        return True

    def save_look(self, looked: Looked, live: Mapping[str, str | None]) -> bool:
        """Store a look and the texts it found, unless what it was made with has moved."""
        found = {**looked.ground, **looked.taken}
        now = self.hashes()
        if any(now.get(section) != live.get(section) for section in found):
            return False
        if not self.save(looked.known):
            return False
        if looked.data is not None:
            self.kept[bytes_hash(looked.data)] = looked.data
        for section, span in found.items():
            self.make_live(section, span.text, "file" if section in looked.taken else "adopted")
        return True

    def bytes_of(self, known: KnownFile | None) -> list[bytes]:
        """Return the kept bytes that a look wants."""
        hashes = [known.hash, known.intent.hash if known.intent else None] if known else []
        return [self.kept[hash] for hash in hashes if hash in self.kept]

    def before(self, hash: str | None) -> list[bytes]:
        """Return the bytes that writes had replaced which left this hash, newest first."""
        found = [before for before, after in reversed(self.writes) if after == hash]
        return [self.kept[before] for before in found if before is not None]
