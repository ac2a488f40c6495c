"""What a write makes of a page's file: the spans that change, and nothing else (P7, P9, P11). Pure.

look, under the page's lock  ->  to_write  ->  plan_write  ->  store `known`, which has the
intention  ->  put `data` in the file's place  ->  store `after`
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from mcp_server.content.pages.declared import (
    Declared,
    declared_in,
    due,
    only_ours,
    outdated,
)
from mcp_server.content.pages.layout import Blocked, Layout
from mcp_server.content.pages.look import Looked, same, texts_in
from mcp_server.content.pages.new_file import new_file
from mcp_server.content.pages.page_text import PageText, parse, plain_text
from mcp_server.content.pages.splice import SpliceRefused, meta_of, splice
from mcp_server.content.pages.undone import undone
from mcp_server.content.text.meta import meta_fields, meta_text
from mcp_server.entities.entity import text_hash
from mcp_server.entities.page_files import Intent, KnownFile, bytes_hash

Changes = Mapping[str, str | None]
"""By section, the text that its span is to hold; `None`: nothing."""

Text = TypeVar("Text", str, str | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """One write of a page's file, and what is remembered of it before and after."""

    data: bytes | None
    """What the file is to hold; `None`: it is to be removed."""
    replaces: str | None
    """The hash of what must be there still, right before the rename; `None`: nothing."""
    known: KnownFile
    """To be stored before the rename: what was found, and the intention."""
    after: KnownFile
    """To be stored when it is done, with the new file's stat; its version is that of `known` plus
    one, as storing counts."""
    changes: Changes
    declared: tuple[str, ...] = ()
    """What `site.yaml` declares and this write brings into the file: `title`, `section:imprint`."""
    restored: bool = False
    """Whether the file gets the very bytes that it had before an earlier write (P9)."""
    kept_file: bool = False
    """Whether all texts go and the file stays, as there is more in it than we wrote."""
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sections whose text cannot be written into the file as it is, and why; others are."""
    marked: bool = False
    """Whether marks come into a file that had none."""


def to_write(looked: Looked, live: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return what the file does not hold yet, by section; `live` has the texts, `None` a removal.

    Nothing that was just found to be edited, that somebody took out of the file, or that has no
    key in `live`, is written.
    """
    if looked.blocked is not None:
        return {}
    theirs = looked.known.gone | looked.ground.keys() | looked.taken.keys()
    return {
        section: _text(live[section])
        for section in _sections(looked.layout, live)
        if section not in theirs
        and not same(_hash(live[section]), looked.known.in_file.get(section))
    }


def plan_write(
    looked: Looked,
    changes: Changes,
    *,
    earlier: bytes | None,
    writes: Sequence[tuple[bytes, bytes]] = (),
    since: bytes | None = None,
    off: Collection[str] = (),
    unpublished: bool = False,
) -> Writing | Blocked | None:
    """Return the write that brings `changes`, and what is declared, into the file.

    `earlier`: the bytes that a write had replaced whose after-image the file is now; of a file that
    is not there, the last ones. They are put back whole if they hold in every section what it
    should hold; a file that is not there is made from them, without the keys of sections that are
    `off`: they were live and are not any more. `unpublished`: nothing of the page is live any more,
    so its file goes with the front matter that others wrote. Of a file that somebody has changed
    since, one of `writes` (before, after) is taken back if that is what is asked; from the bytes
    `since` which only we have written, too.
    `None`: nothing is to be done.
    """
    if looked.blocked is not None:
        return looked.blocked
    assert looked.known.intent is None, "a look settles the intention, or blocks"
    if looked.page is None:
        if earlier is None:
            return _created(looked, changes)
        return _again(looked, changes, earlier, off)
    if _leaves_nothing(looked.page, changes) and _is_to_go(looked, looked.page, unpublished):
        return _removed(looked, changes)
    if earlier is not None and _fits(earlier, looked, changes):
        return _writing(looked, earlier, changes, Declared(), restored=True)
    return _spliced(looked, looked.page, changes, partial(undone, writes=writes, since=since))


def _is_to_go(looked: Looked, page: PageText, unpublished: bool) -> bool:
    """Whether a file goes whose texts all go."""
    if only_ours(page, looked.known.front):
        return True
    return unpublished and (page.layout.split or only_ours(page, looked.known.front, front=False))


def _again(
    looked: Looked, changes: Changes, earlier: bytes, off: Collection[str]
) -> Writing | Blocked | None:
    """Return the write that makes a file again as it was, with the texts of now (P5).

    It is blocked where that cannot be: a new file would lose what others wrote, `draft` too.
    """
    if not _has_texts(looked, changes):
        return None
    page = parse(earlier, looked.layout)
    if isinstance(page, Blocked):
        return _not_again(page.reason)
    if _fits(earlier, looked, changes):
        return _writing(looked, earlier, changes, Declared(), restored=True)
    declared = due(page, looked.known.front)
    try:
        wanted = _wanted_again(page, changes, off)
        data = splice(page, {**wanted, **declared.static}, front=declared.front)
    except SpliceRefused as reason:
        return _not_again(str(reason))
    more = {s: text for s, text in changes.items() if s in wanted and wanted[s] != text}
    unasked = {part.section for part in page.layout.parts if part.keys} - wanted.keys()
    return _with_kept_keys(_writing(looked, data, changes, declared), more, unasked)


def _wanted_again(page: PageText, changes: Changes, off: Collection[str]) -> dict[str, str | None]:
    """Return the texts of a file that is made again; what is not asked for stays away.

    Keys of front matter stay, for others may have written them, unless their section was taken
    `off`; also those that a text does not name: it may be older than their field.
    """
    static = {part.section for part in page.layout.parts if part.static is not None}
    keyed = {part.section: part for part in page.layout.parts if part.keys}
    away = dict.fromkeys(page.spans.keys() - (keyed.keys() - set(off)))
    wanted = {s: text for s, text in {**away, **changes}.items() if s not in static}
    for section in keyed.keys() & page.spans.keys():
        if text := wanted.get(section):
            part, kept = keyed[section], meta_fields(page.spans[section].text)
            wanted[section] = meta_text(kept | meta_of(part, plain_text(text)), part.keys)
    return wanted


def _with_kept_keys(writing: Writing, asked: Changes, unasked: Collection[str]) -> Writing:
    """Return the write so that the next look takes what the file says beyond what was asked.

    Else the write after it would take the kept keys out, be they of a text that was `asked` for, or
    of a section of which nothing was.
    """
    hashes = {section: text_hash(text) for section, text in asked.items() if text is not None}
    intent = writing.known.intent
    assert intent is not None, "every write has one"
    if not hashes and intent.in_file.keys().isdisjoint(unasked):
        return writing
    in_file = {**intent.in_file, **hashes}.items()
    intent = replace(intent, in_file={s: hash for s, hash in in_file if s not in unasked})
    known = replace(writing.known, intent=intent)
    # No layout has this hash, so that the file is read and not only its stat.
    return replace(
        writing, known=known, after=replace(writing.after, in_file=intent.in_file, layout="")
    )


def _not_again(reason: str) -> Blocked:
    return Blocked(
        f"it is gone, and cannot be made again as it was ({reason}); put the file back yourself"
    )


def _has_texts(looked: Looked, changes: Changes) -> bool:
    """Whether there is something to make a file of: a text, or static texts only."""
    static = {part.section for part in looked.layout.parts if part.static}
    return any(text is not None for text in changes.values()) or (
        is_static(looked.layout) and bool(static - looked.known.gone)
    )


def _sections(layout: Layout, live: Mapping[str, str | None]) -> list[str]:
    """Return the sections of the file that have a live text or a removal, in order."""
    static = {part.section for part in layout.parts if part.static is not None}
    known = [part.section for part in layout.parts]
    found = [*known, *(section for section in live if section not in known and layout.split)]
    return [section for section in found if section in live and section not in static]


def _created(looked: Looked, changes: Changes) -> Writing | Blocked | None:
    """A new file: of the texts that are to be written, or of static texts only."""
    layout = looked.layout
    texts = {section: text for section, text in changes.items() if text is not None}
    static: dict[str, str | None] = {p.section: p.static for p in layout.parts if p.static}
    if not _has_texts(looked, changes):
        return None
    try:
        data, refused = _without_refused(texts, lambda left: new_file(layout, left))
    except SpliceRefused as reason:
        return Blocked(str(reason))
    left = {section: text for section, text in changes.items() if section not in refused}
    if texts and not texts.keys() - refused.keys():
        return Blocked(_in_words(refused))
    declared = Declared(front=layout.front, static=static)
    return replace(_writing(looked, data, left, declared), refused=refused)


def is_static(layout: Layout) -> bool:
    """Whether a page consists of texts that `site.yaml` declares."""
    texts = [part for part in layout.parts if not part.keys]
    return bool(texts) and all(part.static is not None for part in texts)


def _leaves_nothing(page: PageText, changes: Changes) -> bool:
    """Whether a text goes, and none stays that is a section's, known to the site or not."""
    static = {part.section for part in page.layout.parts if part.static is not None}
    texts = {s for s, span in page.spans.items() if span.text.strip() and s not in static}
    goes = {s for s, text in changes.items() if text is None}
    comes = any(text is not None for text in changes.values())
    strays = any(text.strip() for text in page.strays.values())
    return bool(texts & goes) and not texts - goes and not comes and not strays


def _removed(looked: Looked, changes: Changes) -> Writing:
    # What we wrote of the declared is remembered: it may come back with these bytes.
    known = replace(looked.known, intent=Intent(hash=None, front=looked.known.front))
    after = replace(looked.known, stat=None, hash=None, in_file={}, version=known.version + 1)
    return Writing(data=None, replaces=looked.known.hash, known=known, after=after, changes=changes)


def _fits(earlier: bytes, looked: Looked, changes: Changes) -> bool:
    """Whether these bytes hold what every section should hold, and nothing declared of old."""
    page = parse(earlier, looked.page.layout if looked.page is not None else looked.layout)
    if isinstance(page, Blocked) or outdated(page, looked.known.front):
        return False
    now, then = _texts(looked.page) if looked.page is not None else {}, _texts(page)
    wanted = {**now, **{section: _hash(text) for section, text in changes.items()}}
    return all(same(wanted.get(s), then.get(s)) for s in wanted.keys() | then.keys())


def _texts(page: PageText) -> dict[str, str]:
    """Return the hashes of all texts, static ones apart, as `outdated` judges those."""
    static = {part.section for part in page.layout.parts if part.static is not None}
    texts = {s: span.text for s, span in page.spans.items() if s not in static}
    return {section: text_hash(text) for section, text in {**page.strays, **texts}.items()}


def _spliced(
    looked: Looked,
    page: PageText,
    changes: Changes,
    taken_back: Callable[[PageText, Changes], bytes | None],
) -> Writing | Blocked | None:
    declared = due(page, looked.known.front)
    if not declared.names and (data := taken_back(page, changes)) is not None:
        return _writing(looked, data, changes, declared, kept_file=_leaves_nothing(page, changes))
    try:
        data, refused = _without_refused(
            changes, lambda left: splice(page, {**left, **declared.static}, front=declared.front)
        )
    except SpliceRefused as reason:
        return Blocked(str(reason))
    if data == page.data:
        return Blocked(_in_words(refused)) if refused else None
    left = {section: text for section, text in changes.items() if section not in refused}
    kept = _leaves_nothing(page, left)
    writing = _writing(looked, data, left, declared, kept_file=kept)
    return replace(writing, refused=refused)


def _without_refused(
    changes: Mapping[str, Text], written: Callable[[Mapping[str, Text]], bytes]
) -> tuple[bytes, dict[str, str]]:
    """Write what can be written: a text that cannot keeps none of the others back."""
    left, refused = dict(changes), dict[str, str]()
    while True:
        try:
            return written(left), refused
        except SpliceRefused as reason:
            if reason.section not in left:
                raise
            refused[reason.section] = reason.reason
            del left[reason.section]


def _in_words(refused: Mapping[str, str]) -> str:
    return "; ".join(f"{section}: {reason}" for section, reason in refused.items())


def _writing(
    looked: Looked,
    data: bytes,
    changes: Changes,
    declared: Declared,
    *,
    restored: bool = False,
    kept_file: bool = False,
) -> Writing:
    layout, known = looked.page.layout if looked.page else looked.layout, looked.known
    page = parse(data, layout)
    assert not isinstance(page, Blocked), "what was checked can be read"
    now = declared_in(page)
    front = {**known.front, **{name: now[name] for name in declared.names if name in now}}
    static = {part.section for part in looked.layout.parts if part.static is not None}
    spans = {s: text_hash(span.text) for s, span in page.spans.items() if s not in static}
    strays = {s: hash for s, hash in known.in_file.items() if s in page.strays}
    # A layout that is made of a split file's sections does not know one that is new in it yet.
    spans |= {s: text_hash(page.strays[s]) for s in changes if s in page.strays}
    intent = Intent(hash=bytes_hash(data), in_file=strays | spans, front=front)
    after = replace(
        known,
        stat=None,
        hash=intent.hash,
        in_file=intent.in_file,
        front=front,
        gone=known.gone - texts_in(page),
        version=known.version + 1,
    )
    return Writing(
        data=data,
        replaces=known.hash,
        known=replace(known, intent=intent),
        after=after,
        changes=changes,
        declared=declared.names,
        restored=restored,
        kept_file=kept_file,
        marked=looked.page is not None and page.marked and not looked.page.marked,
    )


def _hash(text: str | None) -> str | None:
    return None if text is None else text_hash(text)


def _text(text: str | None) -> str | None:
    """Return a text that holds nothing as none: what its span is to be is the same."""
    return None if text is None or not text.strip() else text
