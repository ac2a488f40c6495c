"""Plays a sequence of moves on a site and on the model, and compares them after each."""

from __future__ import annotations

from random import Random
from typing import Protocol

from tests.lifecycle.model import SECTIONS, Call, Model, Ticket
from tests.lifecycle.moves import Dice, Discard, Dry, Edit, Generate, Lock, Move, Spend, Wait

Shown = dict[str, tuple[str | None, str | None, bool]]
"""By section: what is live, what is drafted, and whether that is withdrawn."""


class Played(Protocol):
    """A site on which moves are played; what is refused changes nothing."""

    async def generate(self, words: dict[str, str]) -> str | None:
        """Draft sections; return the batch, if there is one."""
        ...

    async def edit(self, section: str, word: str, *, restored: bool) -> bool:
        """Write or restore a draft; `False` if that is refused."""
        ...

    async def discard(self, section: str) -> bool:
        """Take a draft off; `False` if that is refused."""
        ...

    async def call(self, call: Call, digest: str | None = None) -> tuple[str | None, bool]:
        """Carry a call out; return its batch, if there is one, and whether it was refused."""
        ...

    async def dry(self, call: Call) -> str | None:
        """Return the digest of a dry run, if it has one."""
        ...

    async def lock(self, section: str, *, locked: bool) -> None:
        """Lock a section, or lift its lock."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...

    async def shown(self) -> Shown:
        """Return what there is."""
        ...

    async def words(self, section: str) -> set[str]:
        """Return all that is stored of a section, whatever became of it."""
        ...


class Life:
    """The site and the model, side by side."""

    def __init__(self, site: Played, seed: str) -> None:
        self._site, self._model = site, Model()
        self._dice = Dice(Random(seed))
        self._tickets: list[Ticket] = []
        self._digests: dict[int, str] = {}
        self._drafted: list[str] = []
        self.moves: list[Move] = []
        """What was done so far, to be read where they differ."""

    async def step(self) -> None:
        """Do one move; both must come to the same."""
        before = self._model.shown()
        locked = set(self._model.locked)
        move = self._dice.move(self._model, self._tickets, self._drafted)
        self.moves.append(move)
        await self._do(move)
        shown, expected = await self._site.shown(), self._model.shown()
        assert shown == expected, self._told(f"it is {shown}, not {expected}")
        for id in locked & self._model.locked:
            assert shown[id][:2] == before[id][:2], self._told(f"{id} was locked")
        self._check_bulk(move, before, shown)

    async def end(self) -> None:
        """Check that nothing was lost."""
        for id in SECTIONS:
            stored = await self._site.words(id)
            assert stored >= {*self._model.words(id)}, self._told(f"of {id} is left {stored}")

    def _check_bulk(self, move: Move, before: Shown, shown: Shown) -> None:
        """What was withdrawn is published by nobody who named neither it nor its batch."""
        if not isinstance(move, Call) or move.tool != "promote" or move.sections or move.batch:
            return
        for id, (live, _, withdrawn) in before.items():
            assert not withdrawn or shown[id][0] == live, self._told(f"{id} was withdrawn")

    async def _do(self, move: Move) -> None:
        model, site = self._model, self._site
        match move:
            case Generate(words):
                batch = await site.generate(words)
                if batch is not None:
                    model.generate(words, batch)
                    self._drafted.append(batch)
                assert (batch is None) == (model.locked >= {*words}), self._told("it was drafted")
            case Edit(section, word, restored):
                done = await site.edit(section, word, restored=restored)
                assert done == model.edit(section, word), self._told(f"edited: {done}")
            case Discard(section):
                done = await site.discard(section)
                assert done == model.discard(section), self._told(f"discarded: {done}")
            case Call():
                await self._call(move)
            case Dry(call):
                await self._dry(call)
            case Spend(ticket):
                await self._spend(ticket)
            case Lock(section, locked):
                await site.lock(section, locked=locked)
                (model.locked.add if locked else model.locked.discard)(section)
            case Wait(hours):
                site.wait(hours * 3600)
                model.now += hours * 3600

    async def _call(self, call: Call) -> None:
        batch, refused = await self._site.call(call)
        assert refused == self._model.refuses(call), self._told(f"refused: {refused}")
        queued = False if refused else self._model.do(call, batch or "?")
        assert queued == (batch is not None), self._told(f"its batch: {batch}")

    async def _dry(self, call: Call) -> None:
        digest = await self._site.dry(call)
        ticket = None if self._model.refuses(call) else self._model.ticket(call)
        assert (ticket is None) == (digest is None), self._told(f"its digest: {digest}")
        if ticket is not None and digest is not None:
            self._tickets.append(ticket)
            self._digests[id(ticket)] = digest

    async def _spend(self, ticket: Ticket) -> None:
        batch, _ = await self._site.call(ticket.call, self._digests[id(ticket)])
        expected = self._model.spend(ticket, batch or "?")
        if batch is None and self._model.lapsed(ticket):
            return  # it was spent, and that is forgotten by now
        assert batch == expected, self._told(f"its batch: {batch}, not {expected}")

    def _told(self, what: str) -> str:
        return "\n".join([what, *(f"  {n}. {move}" for n, move in enumerate(self.moves, start=1))])
