"""Any sequence of moves, drawn from a seed: what people and models do to a site's texts."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.lifecycle.model import SECTIONS, Call, Model, Ticket


@dataclass(frozen=True)
class Generate:
    """Draft sections afresh."""

    words: dict[str, str]


@dataclass(frozen=True)
class Edit:
    """Write a draft by hand; `restored`: it is a text that the section had before."""

    section: str
    word: str
    restored: bool = False


@dataclass(frozen=True)
class Discard:
    """Take a draft off."""

    section: str


@dataclass(frozen=True)
class Dry:
    """Make a dry run, and keep its digest."""

    call: Call


@dataclass(frozen=True)
class Spend:
    """Call with a digest: fresh, spent, or of long ago."""

    ticket: Ticket


@dataclass(frozen=True)
class Lock:
    """Lock a section, or lift its lock."""

    section: str
    locked: bool


@dataclass(frozen=True)
class Wait:
    """Let some hours pass."""

    hours: float


Move = Generate | Edit | Discard | Call | Dry | Spend | Lock | Wait
WEIGHTS = {
    "generate": 5,
    "promote": 6,
    "rollback": 6,
    "unpublish": 3,
    "edit": 3,
    "restore": 2,
    "discard": 2,
    "dry": 4,
    "spend": 4,
    "lock": 1,
    "wait": 1,
}


@dataclass
class Dice:
    """Draws the next move that makes sense."""

    random: Random
    words: int = 0

    def move(self, model: Model, tickets: list[Ticket], drafted: list[str]) -> Move:
        """Return what is done next; `drafted` are the batches that have drafted."""
        kind = self.random.choices([*WEIGHTS], weights=[*WEIGHTS.values()])[0]
        if kind in ("promote", "rollback", "unpublish"):
            return self._call(model, drafted, kind)
        if kind == "generate":
            return Generate({id: self._word() for id in self._some()})
        if kind == "wait":
            return Wait(self.random.choice([1.0, 25.0]))
        if kind == "spend" and tickets:
            return Spend(self.random.choice(tickets[-3:]))
        return self._about(kind, self.random.choice(SECTIONS), model) or Dry(
            self._call(model, drafted)
        )

    def _about(self, kind: str, section: str, model: Model) -> Move | None:
        """Return a move about one section, if it is of that kind and can be made."""
        said = model.words(section)
        match kind:
            case "edit":
                return Edit(section, self._word())
            case "restore" if said:
                return Edit(section, self.random.choice(said), restored=True)
            case "discard":
                return Discard(section)
            case "lock":
                return Lock(section, section not in model.locked)
            case _:
                return None

    def _call(self, model: Model, drafted: list[str], tool: str | None = None) -> Call:
        tool = tool or self.random.choice(["promote", "rollback", "unpublish"])
        batches = drafted if tool == "promote" else [*model.kinds]
        if tool == "unpublish" or self.random.random() < 0.3:
            return Call(tool, sections=self._some())
        if batches and self.random.random() < 0.5:
            return Call(tool, batch=self.random.choice(batches[-4:]))
        return Call(tool)

    def _some(self) -> tuple[str, ...]:
        count = self.random.randint(1, len(SECTIONS))
        drawn = set(self.random.sample(SECTIONS, count))
        return tuple(id for id in SECTIONS if id in drawn)

    def _word(self) -> str:
        self.words += 1
        return "word" + "".join(chr(ord("a") + int(digit)) for digit in str(self.words))
