"""One page through a life: what Pressroom does to it, what others do, and what must be true of it.

The glue here is what the product's disk side and jobs do around the pure decisions: look, store,
record the intention, rename, confirm. `asked` is the plain model: by section, the text that a call
named and that the file does not show yet. A write may change nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mcp_server.content.pages.declared import SECTION
from mcp_server.content.pages.layout import Blocked, Layout, Part
from mcp_server.content.pages.look import Looked, look
from mcp_server.content.pages.page_text import split_sections
from mcp_server.content.pages.write import Writing, plan_write, to_write
from mcp_server.entities.entity import text_hash
from mcp_server.entities.page_files import bytes_hash
from tests.pages_core.fakes import Disk, Store
from tests.pages_core.scan import Scan, outside, scanned, strictly_outside

PAGE = "docs/menu"
EMPTY = text_hash("")
COUNTS: Counter[str] = Counter()
"""What happened in all sequences, to see that none of it is left out."""


@dataclass
class Plan:
    """What `site.yaml` says of the page."""

    file: str = f"{PAGE}.md"
    sections: tuple[str, ...] = ("body",)
    keys: tuple[str, ...] = ()
    """Of a `meta` section; there is none without keys."""
    static: dict[str, str] = field(default_factory=dict[str, str])
    front: dict[str, str] = field(default_factory=dict[str, str])
    split: bool = False

    def layout(self, data: bytes | None) -> Layout:
        """Return the page's layout; of a page that is split, with what the file has."""
        named = split_sections(data or b"") if self.split else self.sections
        meta = (Part(section="meta", keys=self.keys),) if self.keys else ()
        parts = [Part(section=name, static=self.static.get(name)) for name in named]
        front = {key: value for key, value in self.front.items() if key not in self.keys}
        return Layout(
            page=PAGE, file=self.file, parts=(*meta, *parts), split=self.split, front=front
        )


@dataclass
class Under:
    """A write that has recorded its intention and has not renamed yet; the page's lock is held."""

    writing: Writing
    file: str
    declared: dict[str, str]


@dataclass
class World:
    """The disk, what is remembered, and what was asked for."""

    plan: Plan = field(default_factory=Plan)
    disk: Disk = field(default_factory=Disk)
    store: Store = field(default_factory=Store)
    asked: dict[str, str | None] = field(default_factory=dict[str, str | None])
    must: set[str] = field(default_factory=set[str])
    """Those of `asked` whose text nobody has touched in the file since: they have to come."""
    under: Under | None = None
    other: tuple[Looked, Mapping[str, str | None]] | None = None
    """What another server has seen, and not stored yet."""
    touched: bool = True
    """Whether somebody else changed the file since the last look that was stored."""
    changed_site: bool = True
    wrote: dict[str, str] = field(default_factory=dict[str, str])
    """Declared values that writes of ours brought into the file."""

    # What there is

    @property
    def data(self) -> bytes | None:
        """The page's file."""
        return self.disk.files.get(self.plan.file)

    def scan(self, data: bytes | None = None) -> Scan:
        """Take the page's file apart, plainly."""
        return scanned(self.data or b"" if data is None else data, split=self.plan.split)

    def shown(self, section: str) -> str:
        """Return the text that the file has for a section, "" if none."""
        scan = self.scan()
        if section == "meta":
            keys = scan.keys()
            return "\n".join(f"{k}: {keys[k]}" for k in self.plan.keys if k in keys)
        if not scan.marked:
            return scan.pieces[0].text if section == self.unmarked() else ""
        piece = scan.piece(section)
        return piece.text if piece else ""

    def unmarked(self) -> str:
        """Return whose text an unmarked body is: whose it was, or the first's."""
        if self.plan.split:
            return "intro"
        known = self.store.known
        held = [s for s, hash in known.in_file.items() if hash != EMPTY] if known else []
        drafted = [s for s in self.plan.sections if s not in self.plan.static]
        held = [s for s in drafted if s in held]
        away = [s for s in drafted if known and s in known.gone]
        return (held or away or drafted or [*self.plan.sections])[0]

    # Looking

    def looked(self) -> Looked:
        """Look at the file."""
        found = self.disk.found(self.plan.file)
        layout, known = self.plan.layout(found.data), self.store.known
        kept = self.store.bytes_of(known)
        looked = look(layout, known, found, self.store.hashes(), kept=kept)
        assert looked.known.version == (known.version if known else 0)
        return looked

    def store_look(self) -> Looked | None:
        """Look and store, as a submit does; `None`: a write is under way, so it must wait."""
        looked, live = self.looked(), self.store.hashes()
        if needs_lock(looked) and self.under is not None:
            return None
        self.ours_is_no_edit(looked)
        if looked.blocked is not None:
            COUNTS["look: blocked"] += 1
            return looked
        self.touched = self.changed_site = False
        if looked.moved:
            assert self.store.save_look(looked, live), "nobody else is at work"
            looked = looked.stored()
        self.after_look(looked)
        return looked

    def ours_is_no_edit(self, looked: Looked) -> None:
        """What nobody else has touched was not edited, whatever writes of ours came to."""
        if not self.touched and not self.changed_site:
            assert not looked.taken, f"what we wrote is called an edit: {looked.taken}"
            assert looked.blocked is None
            assert not looked.gone
            assert not looked.ground

    def after_look(self, looked: Looked) -> None:
        """Check what a stored look must have kept, and what it overruled."""
        COUNTS[f"look: {looked.settled or 'nothing to settle'}"] += 1
        for word in ("taken", "ground", "gone"):
            found: set[str] = set(getattr(looked, word))
            COUNTS[f"look: {word}"] += len(found)
            for section in found:
                self.asked.pop(section, None)
                self.must.discard(section)
        if looked.data is not None and looked.data == self.data:
            assert looked.known.hash in self.store.kept, "the page as met is kept"
            self.nothing_is_lost(looked)
        if looked.data == self.data:  # what another server saw may be different by now
            self.forget_what_is_there()

    def nothing_is_lost(self, looked: Looked) -> None:
        """Every text in a span is in the history."""
        history = self.store.history()
        static = {part.section for part in looked.layout.parts if part.static is not None}
        for part in looked.layout.parts:
            text = self.shown(part.section)
            if part.section in static or not text.strip():
                continue
            if self.scan().marked or part.keys:
                assert text_hash(text) in history, f"{part.section} is lost: {text!r}"
        assert looked.page is not None
        for section, span in looked.page.spans.items():
            if section not in static and span.text.strip():
                assert text_hash(span.text) in history, f"{section} is lost: {span.text!r}"

    def forget_what_is_there(self) -> None:
        """What was asked for and is in the file has been done."""
        for section in [*self.asked]:
            if text_hash(self.asked[section] or "") == text_hash(self.shown(section)):
                del self.asked[section]
                self.must.discard(section)

    # Asking

    def ask(self, section: str, text: str | None, author: str = "model") -> None:
        """Make a text live, as a promote, a rollback or an unpublish of this section does."""
        self.store.make_live(section, text, author)
        if text is not None:
            self.store.put_back(section)
        self.asked[section] = text
        self.must.add(section)

    # Writing

    def begin(self) -> bool:
        """Take the lock, look, and record the intention; whether there is something to write."""
        if self.under is not None or (looked := self.store_look()) is None:
            return False
        changes = to_write(looked, self.store.texts())
        writing = self.planned(looked, changes)
        if writing is None:
            return False
        self.check(writing, looked)
        assert self.store.save(writing.known), "nobody else is at work"
        if writing.data is not None:
            self.store.kept[bytes_hash(writing.data)] = writing.data
        self.store.writes.append((writing.replaces, writing.after.hash))
        declared = {k: v for k, v in self.plan.front.items() if k in writing.declared}
        self.under = Under(writing, self.plan.file, declared)
        return True

    def planned(self, looked: Looked, changes: Mapping[str, str | None]) -> Writing | None:
        """Plan a write, with earlier bytes if some fit."""
        for earlier in self.store.before(looked.known.hash) if changes else []:
            writing = plan_write(looked, changes, earlier=earlier)
            if isinstance(writing, Writing) and writing.restored:
                COUNTS["write: restored"] += 1
                return writing
        writing = plan_write(looked, changes, earlier=None)
        if isinstance(writing, Blocked):
            COUNTS[f"write: blocked, {writing.reason[-40:]}"] += 1
            self.must.clear()
            return None
        if writing is not None:
            COUNTS["write: a section refused"] += bool(writing.refused)
            self.must -= writing.refused.keys()
        return writing

    def finish(self, ending: str) -> None:
        """End the write that is under way: `done`, `failed`, `crashed`, or `unconfirmed`."""
        under, self.under = self.under, None
        if under is None:
            return
        writing, now = under.writing, self.disk.files.get(under.file)
        if ending in {"failed", "crashed"}:
            COUNTS[f"write: {ending}"] += 1
            return
        if (None if now is None else bytes_hash(now)) != writing.replaces:
            COUNTS["write: file changed meanwhile"] += 1
            return
        if now is not None:
            assert self.store.kept[bytes_hash(now)] == now, "what is replaced is kept"
        self.disk.put(under.file, writing.data)
        self.wrote |= under.declared
        if ending == "unconfirmed":
            COUNTS["write: unconfirmed"] += 1
            return
        COUNTS["write: removed" if writing.data is None else "write: done"] += 1
        stat = self.disk.found(under.file).stat
        if self.store.save(replace(writing.after, stat=stat)):
            self.forget_what_is_there()

    # What must be true of a write

    def check(self, writing: Writing, looked: Looked) -> None:
        """Only what was asked for changes, and no byte outside."""
        for section, text in writing.changes.items():
            assert section in self.asked, f"nobody asked to write {section}: {text!r}"
            assert text_hash(text or "") == text_hash(self.asked[section] or ""), section
        COUNTS["write: marked"] += writing.marked
        COUNTS["write: kept file"] += writing.kept_file
        COUNTS["write: declared only"] += not writing.changes
        if looked.data is None:
            assert writing.replaces is None
            return
        if writing.data is None:
            self.check_removal(looked.data)
            return
        self.check_outside(writing, looked.data, writing.data)

    def check_outside(self, writing: Writing, old: bytes, new: bytes) -> None:
        before, after = self.scan(old), self.scan(new)
        static = {name.removeprefix(SECTION) for name in writing.declared if SECTION in name}
        changed = {*writing.changes, *static, *(self.plan.static if writing.restored else ())}
        keys = {name for name in writing.declared if SECTION not in name}
        keys |= set(self.plan.keys) if "meta" in writing.changes else set()
        keys |= set(self.plan.front) if writing.restored else set()
        self.check_texts(writing, after)
        for key in keys - set(self.plan.keys):
            value, then = before.keys().get(key), after.keys().get(key)
            if writing.restored:
                allowed = {None, value, self.plan.front.get(key)}
                assert then in allowed, f"{key} would be as it was declared before"
            if not writing.restored:
                assert value is None or value == self.wrote.get(key), f"{key} was the file's"
        if before.marked != after.marked or (not before.marked and changed - {"meta"}):
            return self.check_marking(writing, before, after, keys)
        assert outside(before, changed, keys) == outside(after, changed, keys)
        same_pieces = [p.owner for p in before.pieces] == [p.owner for p in after.pieces]
        texts = [p.text for scan in (before, after) for p in scan.pieces if p.owner in changed]
        if all(texts) and same_pieces and not writing.restored and before.front and after.front:
            one, two = (strictly_outside(scan, changed, keys) for scan in (before, after))
            assert one == two, (one, two)
        return None

    def check_texts(self, writing: Writing, after: Scan) -> None:
        for section, text in writing.changes.items():
            if section != "meta" and after.marked:
                piece = after.piece(section)
                assert text_hash(piece.text if piece else "") == text_hash(text or ""), section

    def check_marking(self, writing: Writing, before: Scan, after: Scan, keys: set[str]) -> None:
        """A file without marks: its body is one section's, front matter stays."""
        one = outside(Scan(before.bom, before.front, []), (), keys)
        assert one == outside(Scan(after.bom, after.front, []), (), keys)
        texts = {text_hash(piece.text) for piece in after.pieces}
        if len(writing.changes) == 1 and after.marked and before.pieces[0].text.strip():
            first = text_hash(before.pieces[0].text)
            changed = {text_hash(text or "") for text in writing.changes.values()}
            assert first in texts or changed <= texts

    def check_removal(self, old: bytes) -> None:
        """A file goes only if nothing in it is anybody's but ours."""
        scan = self.scan(old)
        for key, value in scan.keys().items():
            assert key in self.plan.keys or self.wrote.get(key) == value, f"{key} was the file's"
        if scan.marked:
            assert not scan.pieces[0].text.strip(), "somebody's text stood before the first mark"


def needs_lock(looked: Looked) -> bool:
    """Whether a look may be stored only under the page's lock: a write may be under way (P1)."""
    return looked.before is not None and looked.before.intent is not None
