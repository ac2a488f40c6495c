"""What a look finds in a page's file, beside what is remembered of it (P1, P5, P6). Pure.

The file is right: a text in it that is neither the one last seen there nor the one that we were
about to write was edited, and is taken over. A live text that the file does not hold yet is to be
written, and never taken for an edit. What is away from the file removes nothing.

Who stores a look expects `known` unchanged. A look that met an open intention may be stored only
under the page's lock: without it the write may still be under way, and is not to be settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mcp_server.content.pages.declared import declared_in
from mcp_server.content.pages.layout import Blocked, Layout
from mcp_server.content.pages.page_text import PageText, Span, parse
from mcp_server.content.pages.remains import is_emptied, remains
from mcp_server.entities.entity import text_hash
from mcp_server.entities.page_files import KnownFile, Stat, bytes_hash

EMPTY = text_hash("")
"""The hash of a span that is there and holds nothing."""

Settled = Literal["written", "not written"]
Verdict = Literal["recorded", "ground", "taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was on the disk. `data` is `None` where there was no file, or it could not be read."""

    stat: Stat | None = None
    data: bytes | None = None
    problem: str | None = None
    """Why it could not be read: too large, no permission, two files for one id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look at a page's file comes to."""

    layout: Layout
    before: KnownFile | None
    known: KnownFile
    """To be stored, with the texts that were found, in one transaction. As it was, if blocked."""
    page: PageText | None = None
    data: bytes | None = None
    ground: Mapping[str, Span] = field(default_factory=dict[str, Span])
    """Texts that are live as of now, with nothing before them: first met, or told apart anew."""
    taken: Mapping[str, Span] = field(default_factory=dict[str, Span])
    """Texts that somebody changed in the file."""
    gone: frozenset[str] = frozenset()
    """Sections that somebody took out of the file since it was last seen."""
    blocked: Blocked | None = None
    settled: Settled | None = None
    """What became of an open intention; `None`: there was none, or the file was changed since."""
    missing: bool = False
    """Somebody took the file away."""

    @property
    def moved(self) -> bool:
        """Whether there is more to store than a stat."""
        before = self.before or _unknown(self.layout)
        return replace(self.known, stat=None) != replace(before, stat=None)

    def stored(self) -> Looked:
        """Return the same look after `known` was stored, so that a write can follow."""
        return replace(self, known=replace(self.known, version=self.known.version + 1))


def look(
    layout: Layout,
    known: KnownFile | None,
    found: Found,
    live: Mapping[str, str | None],
    *,
    kept: Sequence[bytes] = (),
) -> Looked:
    """Return what the page's file says, beside what is remembered of it.

    `live` has the hash of each section's newest live revision, `None` for a removal, and no key
    where there never was one. `kept`: the bytes that are kept of `known.hash`, and of the open
    intention's hash, if the file's hash is another; they tell whether a text that lost its mark is
    still in the file.
    """
    before = known or _unknown(layout)
    as_before = Looked(layout=layout, before=known, known=before, data=found.data)
    if found.problem is not None:
        return replace(as_before, blocked=Blocked(found.problem))
    if found.data is None:
        return _without_file(as_before, live)
    page = _read(found.data, layout, before)
    if isinstance(page, Blocked):
        return replace(as_before, blocked=page)
    return _Comparison(as_before, page, found, live, kept).looked()


def same(one: str | None, other: str | None) -> bool:
    """Whether two hashes say the same of a span: a removed text equals an empty or absent one."""
    return (one or EMPTY) == (other or EMPTY)


def texts_in(page: PageText) -> set[str]:
    """Return the sections that have a text in the file: what was gone and is here is back."""
    return {section for section, span in page.spans.items() if span.text.strip()}


def _unknown(layout: Layout) -> KnownFile:
    return KnownFile(page=layout.page, file=layout.file, layout=layout.hash)


def _read(data: bytes, layout: Layout, before: KnownFile) -> PageText | Blocked:
    """Return what the file holds; a body without a mark stays whose it was, or the first drafted's.

    Otherwise a section that is put before it in `site.yaml` would take its text.
    """
    page = parse(data, layout)
    if isinstance(page, Blocked) or page.marked or layout.split:
        return page
    texts = [part for part in layout.parts if not part.keys]
    drafted = [part for part in texts if part.static is None]
    held = [part for part in drafted if not same(before.in_file.get(part.section), None)]
    away = [part for part in drafted if part.section in before.gone]
    owner = next(iter(held or away or drafted), None)
    if owner is None or owner is texts[0]:
        return page
    others = tuple(part for part in layout.parts if part is not owner)
    return parse(data, replace(layout, parts=(owner, *others)))


def _without_file(looked: Looked, live: Mapping[str, str | None]) -> Looked:
    """Nothing is removed (P5), unless we were about to remove the file and nobody has told yet."""
    before, intent = looked.known, looked.known.intent
    here = replace(before, file=looked.layout.file, layout=looked.layout.hash, intent=None)
    if intent is not None and intent.hash is None:
        known = replace(here, stat=None, hash=None, in_file={}, front=intent.front)
        return replace(looked, known=known, settled="written")
    settled: Settled | None = None if intent is None else "not written"
    if before.hash is None:
        return replace(looked, known=here, settled=settled, missing=bool(before.gone))
    away = _all_sections(looked, live)
    known = replace(here, stat=None, hash=None, in_file={}, gone=before.gone | away)
    return replace(looked, known=known, gone=away - before.gone, settled=settled, missing=True)


def _all_sections(looked: Looked, live: Mapping[str, str | None]) -> frozenset[str]:
    """What was in the file, and what was to come into it: all of that stays away."""
    was = {s for s, hash in looked.known.in_file.items() if not same(hash, None)}
    due = {section for section, hash in live.items() if not same(hash, None)}
    static = {part.section for part in looked.layout.parts if part.static is not None}
    return frozenset(was | due | static)


class _Comparison:
    """A file that can be read, section by section beside what is remembered of it."""

    def __init__(
        self,
        start: Looked,
        page: PageText,
        found: Found,
        live: Mapping[str, str | None],
        kept: Sequence[bytes],
    ) -> None:
        assert found.data is not None, "a file that is not there has nothing to compare"
        self.start, self.page, self.found, self.live, self.kept = start, page, found, live, kept
        self.before, self.hash = start.known, bytes_hash(found.data)
        intent = start.known.intent
        self.settled: Settled | None = None
        if intent is not None and self.hash == intent.hash:
            self.settled = "written"
        elif intent is not None and self.hash == self.before.hash:
            self.settled = "not written"
        written = intent is not None and self.settled == "written"
        was = intent.in_file if intent and written else self.before.in_file
        static = {part.section for part in start.layout.parts if part.static is not None}
        self.spans = {s: span for s, span in page.spans.items() if s not in static}
        self.was = {s: hash for s, hash in was.items() if s not in static}
        """By section, the hash of the text that we expect in the file."""
        nothing: Mapping[str, str] = {}
        self.also = intent.in_file if intent and self.settled is None else nothing
        """What we were about to write into a file that somebody else has changed, too."""
        self.mixed = intent is not None and self.settled is None
        self.unchanged = self.hash in {self.before.hash, intent.hash if intent else None}
        """Nobody has touched the file: what differs, differs by another layout."""

    def looked(self) -> Looked:
        if (blocked := self._emptied() or self._loose()) is not None:
            return replace(self.start, blocked=blocked)
        away = self._away()
        verdicts = {section: self._verdict(section) for section in self.spans}
        by = {
            verdict: {s: self.spans[s] for s, of in verdicts.items() if of == verdict}
            for verdict in verdicts.values()
        }
        return replace(
            self.start,
            known=self._known(away),
            page=self.page,
            ground=by.get("ground", {}),
            taken=by.get("taken", {}),
            gone=away & self._in_layout(),
            settled=self.settled,
        )

    def _known(self, away: frozenset[str]) -> KnownFile:
        strays = {s: hash for s, hash in self.was.items() if self._is_stray(s)}
        in_file = {s: text_hash(span.text) for s, span in self.spans.items()}
        return replace(
            self.before,
            file=self.start.layout.file,
            layout=self.start.layout.hash,
            stat=self.found.stat,
            hash=self.hash,
            in_file=strays | in_file,
            gone=(self.before.gone - texts_in(self.page)) | away,
            front=self._front(),
            intent=None,
        )

    def _front(self) -> Mapping[str, str]:
        """What we wrote last of what is declared; of a write half undone, what is there of it."""
        intent = self.before.intent
        if intent is None or self.settled == "not written":
            return self.before.front
        if self.settled == "written":
            return intent.front
        now = declared_in(self.page)
        ours = {name: hash for name, hash in intent.front.items() if now.get(name) == hash}
        return {**self.before.front, **ours}

    def _verdict(self, section: str) -> Verdict:
        """Whether the text of a span is what we know, and if not, since when it is live."""
        text, live = text_hash(self.spans[section].text), self.live.get(section)
        known = section in self.was and same(text, self.was[section])
        written = self.mixed and same(text, self.also.get(section))
        if section in self.before.gone:
            return "recorded" if same(text, None) or same(text, live) else "taken"
        if known or (written and (section in self.also or section in self.was)):
            return "recorded"
        if section not in self.was:
            return self._newcomer(section, text)
        if same(text, live):
            return "recorded"
        return "ground" if self.unchanged else "taken"

    def _newcomer(self, section: str, text: str) -> Verdict:
        """A text where there was none: the first of its section, or somebody's addition."""
        live, first = self.live.get(section), self.before.hash is None
        if live is None and (first or not same(text, None)):
            return "taken" if section in self.live and not first else "ground"
        return "recorded" if same(text, None) or same(text, live) else "taken"

    def _away(self) -> frozenset[str]:
        """Sections whose text was in the file, is wanted, and has no span any more."""
        inside = {s for s in self._lost() if self.live.get(s) is not None}
        outside = {
            s
            for s, hash in self.was.items()
            if s not in self._in_layout() and not self._is_stray(s) and not same(hash, None)
        }
        return frozenset(inside | outside)

    def _lost(self) -> set[str]:
        """Sections of the layout that held a text and have no span; not as we meant it."""
        return {
            s
            for s, hash in self.was.items()
            if s not in self.spans
            and s in self._in_layout()
            and not same(hash, None)
            and not (self.mixed and same(self.also.get(s), None))
        }

    def _in_layout(self) -> set[str]:
        declared = {part.section for part in self.start.layout.parts}
        return declared | (self.was.keys() if self.start.layout.split else set())

    def _is_stray(self, section: str) -> bool:
        return section not in self.page.spans and section in self.page.strays

    def _emptied(self) -> Blocked | None:
        if self.unchanged:
            return None
        texts = {s for s, hash in self.was.items() if not same(hash, None)}
        back = self.before.gone if self.before.hash is None else frozenset[str]()
        wanted = {s for s in texts | back if not same(self.live.get(s), None)}
        return is_emptied(self.page, wanted)

    def _loose(self) -> Blocked | None:
        """A mark that is away while its text is still there: nobody can say whose it is (P6)."""
        if self.unchanged or self.start.layout.split:
            return None
        for section in sorted(self._lost()):
            if self.live.get(section) is None:
                continue
            if (blocked := remains(self.page, section, self.kept)) is not None:
                return blocked
        return None
