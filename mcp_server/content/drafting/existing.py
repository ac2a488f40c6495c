"""The marks in a model's answer that stand for the syntax of the present text (P14). Pure.

What is missing is asked for once. If it is missing again, the wishes may want it so: then the draft
is kept, and held with a finding for each piece.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mcp_server.content.checks.told import syntax_gone
from mcp_server.content.drafting.errors import ASKED_AGAIN_MAX
from mcp_server.content.text.syntax import (
    Doubled,
    Hidden,
    Misplaced,
    Missing,
    Trouble,
    Unknown,
    filled_fields,
    strings_in,
    troubles,
)
from mcp_server.entities.entity import Finding

NAMED_MAX = 20
"""Marks that a complaint names; the others are counted."""

AGAIN = "or the section without it again, if the wishes ask for it to go"
"""How a model says that something is to be lost."""

Fit = Callable[[Mapping[str, Any]], str | None]
"""Says what is wrong with the fields of an answer, `None` if nothing is."""


class ExistingSyntax:
    """What of one present text is to survive, and what the answers to one question make of it.

    `fit` is asked about fields with their pieces put back. `values` are those of the front matter
    that there are, by key.
    """

    def __init__(
        self, hidden: Hidden | None, fit: Fit, values: Mapping[str, str] | None = None
    ) -> None:
        self._pieces = hidden.pieces if hidden is not None else ()
        self._fit, self._values = fit, values or {}
        self._asked_for: frozenset[int | str] = frozenset()
        self._answers = 0

    def complaint(self, fields: Mapping[str, Any]) -> str | None:
        """Return what is wrong with an answer; a piece that was asked for before may be missing."""
        self._answers += 1
        wrong = [each for each in self._troubles(fields) if not isinstance(each, Missing)]
        found = [_in_words(each) for each in wrong]
        missing, keys = self.missing_in(fields), self._left_out(fields)
        lacking = frozenset((*missing, *keys))
        if lacking - self._asked_for and self._answers <= ASKED_AGAIN_MAX:
            found += [_in_words(Missing(tuple(missing)))] if missing else []
            found += [f"{', '.join(keys)} had a value; {AGAIN}"] if keys else []
            self._asked_for |= lacking
        if not wrong and (misfit := self._fit(self.restored(fields))) is not None:
            found.append(misfit)
        return "; ".join(found) or None

    def restored(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of an answer with their pieces put back."""
        return filled_fields(fields, self._pieces) if self._pieces else dict(fields)

    def missing_in(self, fields: Mapping[str, Any]) -> Sequence[int]:
        """Return which pieces an answer lacks; one that it spells out is there."""
        lacking = next((e for e in self._troubles(fields) if isinstance(e, Missing)), None)
        if lacking is None:
            return ()
        answer = "\n".join(strings_in(self.restored(fields)))
        wanted = Counter(piece.text for piece in self._pieces)
        gone = {text for text, count in wanted.items() if answer.count(text) < count}
        return [n for n in lacking.numbers if self._pieces[n - 1].text in gone]

    def lost(self, fields: Mapping[str, Any]) -> tuple[Finding, ...]:
        """Return a finding for each piece or value that an answer was taken without."""
        pieces = [self._pieces[number - 1].text for number in self.missing_in(fields)]
        values = [f"{key}: {self._values[key]}" for key in self._left_out(fields)]
        return tuple(syntax_gone(each) for each in (*pieces, *values))

    def _left_out(self, fields: Mapping[str, Any]) -> Sequence[str]:
        return [key for key, value in self._values.items() if value and not fields.get(key)]

    def _troubles(self, fields: Mapping[str, Any]) -> Iterator[Trouble]:
        return troubles(strings_in(fields), self._pieces) if self._pieces else iter(())


def _in_words(trouble: Trouble) -> str:
    """Return what to change; no piece is quoted, as a complaint is shown in a chat."""
    said = _marks(trouble.numbers)
    are = "is" if len(trouble.numbers) == 1 else "are"
    match trouble:
        case Unknown():
            return f"{said} {are} no mark of the present text; leave it out"
        case Doubled():
            return f"{said} {are} there more than once; hand in each mark exactly once"
        case Misplaced():
            return f"{said} must have a line to itself, without other text or list marks"
        case Missing():
            return f"{said} {are} missing; hand in each mark once, where it belongs, {AGAIN}"


def _marks(numbers: Sequence[int]) -> str:
    named = ", ".join(f"⟦{number}⟧" for number in numbers[:NAMED_MAX])
    more = f" and {len(numbers) - NAMED_MAX} more" if len(numbers) > NAMED_MAX else ""
    return f"{named}{more}"
