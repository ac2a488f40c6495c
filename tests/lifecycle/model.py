"""What a site's texts should be after any sequence of moves: plain lists, and no code of ours.

A text is one word. Of each section there are the drafts as a stack, and all that was ever live.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

DAY_S = 24 * 3600.0

SECTIONS = ("home/s1", "home/s2", "menu/s1", "menu/s2")


@dataclass
class Draft:
    """One draft, as it was written; the mark may come later."""

    word: str
    base: str | None
    batch: str | None
    by_hand: bool = False
    withdrawn: bool = False


@dataclass(frozen=True)
class Live:
    """What was live from some move on; `None`: nothing was."""

    word: str | None
    batch: str
    base: str | None
    order: int
    by_hand: bool = False


@dataclass(frozen=True)
class Change:
    """What a section's live text is before a change, and after it."""

    before: str | None
    after: str | None
    source: Draft | Live | None = field(default=None, compare=False)
    """Where the text after it comes from."""


Changes = Mapping[str, Change | None]
"""By section: what becomes of its live text, or `None` where that would be a conflict."""


@dataclass(frozen=True)
class Call:
    """A promote, rollback or unpublish: of these sections, of a batch, or with neither in bulk."""

    tool: str
    sections: tuple[str, ...] = ()
    batch: str | None = None


@dataclass(eq=False)
class Ticket:
    """A digest: the call that it was shown for, what that would change, and when it was shown."""

    call: Call
    changes: Changes
    at: float
    spent: str | None = None
    """The batch that it was spent for."""


@dataclass
class Model:
    """The texts of all sections."""

    drafts: dict[str, list[Draft]] = field(default_factory=lambda: {s: [] for s in SECTIONS})
    ever: dict[str, list[Draft]] = field(default_factory=lambda: {s: [] for s in SECTIONS})
    """All drafts that there were, discarded ones too."""
    lives: dict[str, list[Live]] = field(default_factory=lambda: {s: [] for s in SECTIONS})
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    """What each batch was that changed something."""
    locked: set[str] = field(default_factory=set[str])
    now: float = 0.0
    _orders: count[int] = field(default_factory=count)

    # What there is

    def live(self, section: str) -> str | None:
        past = self.lives[section]
        return past[-1].word if past else None

    def draft(self, section: str) -> Draft | None:
        return self.drafts[section][-1] if self.drafts[section] else None

    def words(self, section: str) -> Sequence[str]:
        """Return all that the section ever said, each once."""
        said = [draft.word for draft in self.ever[section]]
        return list(
            dict.fromkeys([*said, *(each.word for each in self.lives[section] if each.word)])
        )

    def shown(self) -> dict[str, tuple[str | None, str | None, bool]]:
        """Return, by section, what is live, what is drafted, and whether that is withdrawn."""
        found = {id: (self.live(id), self.draft(id)) for id in SECTIONS}
        return {
            id: (live, draft.word if draft else None, bool(draft and draft.withdrawn))
            for id, (live, draft) in found.items()
        }

    # Drafts

    def generate(self, words: Mapping[str, str], batch: str) -> None:
        """Draft sections afresh, with these words."""
        for id, word in words.items():
            if id not in self.locked:
                self._push(id, Draft(word, self.live(id), batch))

    def edit(self, section: str, word: str) -> bool:
        """Write a draft by hand, or restore one; `False` if that is refused."""
        if section in self.locked:
            return False
        draft, live = self.draft(section), self.live(section)
        base = draft.base if draft else live
        if draft and (draft.word == live or (draft.withdrawn and live is None)):
            base = live
        self._push(section, Draft(word, base, None, by_hand=True))
        return True

    def discard(self, section: str) -> bool:
        """Take the draft off, so that the one before is the draft; `False` if that is refused."""
        if section in self.locked or not self.drafts[section]:
            return False
        self.drafts[section].pop()
        return True

    # Live texts

    def do(self, call: Call, batch: str) -> bool:
        """Carry a call out, each section by itself; `False` if it leads to no batch."""
        changes = self.plan(call)
        if changes:
            self._apply(call.tool, changes, batch)
        return bool(changes)

    def ticket(self, call: Call) -> Ticket | None:
        """Return the digest of a dry run; there is none where something would be a conflict."""
        changes = self.plan(call)
        if not changes or None in changes.values():
            return None
        return Ticket(call, changes, self.now)

    def spend(self, ticket: Ticket, batch: str) -> str | None:
        """Return the batch of a call with this digest; `None` if it is refused."""
        if ticket.spent is None:
            changes = self.plan(ticket.call)
            if self.lapsed(ticket) or changes != ticket.changes:
                return None
            self._apply(ticket.call.tool, changes, batch)
            ticket.spent = batch
        return ticket.spent

    def lapsed(self, ticket: Ticket) -> bool:
        """Whether a digest is no good any more, unless it was spent."""
        return self.now - ticket.at >= DAY_S

    def plan(self, call: Call) -> Changes:
        """Return what a call would change, and what it would leave as a conflict."""
        changes: Changes
        if call.tool == "promote":
            changes = self._promotions(call)
        elif call.tool == "unpublish":
            changes = {id: Change(live, None) for id in call.sections if (live := self.live(id))}
        elif call.sections:
            changes = self._undone(call.sections)
        else:
            target = call.batch or self._target()
            changes = self._taken_back(target) if target else {}
        return {id: change for id, change in changes.items() if id not in self.locked}

    def refuses(self, call: Call) -> bool:
        """Whether all that a call names is locked."""
        return bool(call.sections) and all(id in self.locked for id in call.sections)

    def _promotions(self, call: Call) -> Changes:
        named = bool(call.sections or call.batch)
        found: dict[str, Change | None] = {}
        for id in call.sections or SECTIONS:
            draft, live = self.draft(id), self.live(id)
            if draft is None or draft.word == live or (draft.withdrawn and not named):
                continue
            if call.batch and not self._is_of(call.batch, id):
                continue
            returns = draft.withdrawn and live is None
            fits = draft.base == live or returns
            found[id] = Change(live, draft.word, draft) if fits else None
        return found

    def _is_of(self, batch: str, section: str) -> bool:
        """Whether the draft is the batch's, or was edited by hand from one that is."""
        for draft in reversed(self.drafts[section]):
            if draft.batch == batch:
                return True
            if not draft.by_hand:
                return False
        return False

    def _undone(self, sections: Collection[str]) -> Changes:
        past = {id: self.lives[id] for id in SECTIONS if id in sections and self.lives[id]}
        return {
            id: _back_to(each[-2] if len(each) > 1 else None, each[-1]) for id, each in past.items()
        }

    def _taken_back(self, batch: str) -> Changes:
        found: dict[str, Change | None] = {}
        for id, past in self.lives.items():
            written = [n for n, each in enumerate(past) if each.batch == batch]
            if not written:
                continue
            change = _back_to(past[written[0] - 1] if written[0] else None, past[-1])
            if change.before != change.after:
                found[id] = change if change.before == past[written[-1]].word else None
        return found

    def _target(self) -> str | None:
        """Return what a bare rollback takes back: nothing right after a rollback."""
        every = sorted((e for past in self.lives.values() for e in past), key=lambda e: -e.order)
        batches = list(dict.fromkeys(each.batch for each in every))
        if not batches or self.kinds[batches[0]] == "rollback":
            return None
        return next((b for b in batches if self.kinds[b] != "rollback" and self._stands(b)), None)

    def _stands(self, batch: str) -> bool:
        wrote = {id: [e for e in past if e.batch == batch] for id, past in self.lives.items()}
        return any(each and self.live(id) == each[-1].word for id, each in wrote.items())

    def _apply(self, kind: str, changes: Changes, batch: str) -> None:
        self.kinds[batch] = kind
        for id, change in changes.items():
            if change is None:
                continue
            if kind == "unpublish":
                self._withdraw_all(id, batch)
            elif kind == "rollback" and change.before is not None:
                self._mark(id, change.before)
            base = change.source.base if change.source else None
            by_hand = change.source.by_hand if change.source else False
            self.lives[id].append(Live(change.after, batch, base, next(self._orders), by_hand))

    def _withdraw_all(self, id: str, batch: str) -> None:
        draft, live = self.draft(id), self.lives[id][-1]
        assert live.word is not None
        if draft is None:
            self._push(id, Draft(live.word, live.base, batch, live.by_hand))
        for word in {live.word, draft.word if draft else live.word}:
            self._mark(id, word)

    def _mark(self, id: str, word: str) -> None:
        for draft in self.ever[id]:
            draft.withdrawn = draft.withdrawn or draft.word == word

    def _push(self, id: str, draft: Draft) -> None:
        self.drafts[id].append(draft)
        self.ever[id].append(draft)


def _back_to(earlier: Live | None, now: Live) -> Change:
    return Change(now.word, earlier.word if earlier else None, earlier)
