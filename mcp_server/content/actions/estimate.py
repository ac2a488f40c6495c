"""What drafting some sections will use and cost, by what it took before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from mcp_server.content.actions.calls import Estimate
from mcp_server.content.drafting.prices import Price
from mcp_server.content.drafting.prompt import Prompt
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.entities.store import PastUsage
from mcp_server.entities.usage import NANO

LETTERS_PER_TOKEN = 4
"""In European languages; others have fewer."""
ITEMS = 5
"""As many items a list is taken to have, where its template allows that."""
LINE_LENGTH, TEXT_LENGTH = 200, 4_000
"""The longest line and text, where the template names no length."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one section uses."""

    input_tokens: int
    output_tokens: int


def estimate(
    sections: Mapping[str, str],
    past: Iterable[PastUsage],
    price: Price | None,
    unseen: Callable[[str, str], Tokens],
) -> Estimate:
    """Return what drafting `sections` will use: a map of ids to the names of their templates.

    Each counts with the median of its own past drafts; else with that of its template's; else with
    what `unseen(template, id)` says, which is asked once for each template.
    """
    of_section, of_template = dict[str, list[Tokens]](), dict[str, list[Tokens]]()
    for each in past:
        used = Tokens(each.input_tokens, each.output_tokens)
        of_section.setdefault(each.entity_id, []).append(used)
        of_template.setdefault(each.template, []).append(used)
    known = {name: _median(found) for name, found in of_template.items()}
    guessed = dict[str, Tokens]()
    expected = list[Tokens]()
    for id, template in sections.items():
        if id in of_section:
            expected.append(_median(of_section[id]))
        elif template in known:
            expected.append(known[template])
        else:
            if template not in guessed:
                guessed[template] = unseen(template, id)
            expected.append(guessed[template])
    return Estimate(
        input_tokens=sum(tokens.input_tokens for tokens in expected),
        output_tokens=sum(tokens.output_tokens for tokens in expected),
        cost_usd=_cost(expected, price),
        from_drafts=sum(map(len, of_section.values())),
    )


def from_limits(prompt: Prompt, template: Template, besides: int = 0) -> Tokens:
    """Return what a section without a past will use: by its prompt, and as long as it may be.

    A present text says how long that is. `besides` are tokens that come to the prompt later.
    """
    asked = len(prompt.shared) + len(prompt.own) + sum(map(_described, template.fields))
    answered = sum(map(_length, template.fields))
    answer_tokens = prompt.answer_tokens or answered // LETTERS_PER_TOKEN
    return Tokens(asked // LETTERS_PER_TOKEN + besides, answer_tokens)


def _median(found: Sequence[Tokens]) -> Tokens:
    return Tokens(
        round(median(tokens.input_tokens for tokens in found)),
        round(median(tokens.output_tokens for tokens in found)),
    )


def _cost(expected: Sequence[Tokens], price: Price | None) -> float | None:
    costs = [price.of(tokens) for tokens in expected] if price is not None else [None]
    known = [cost for cost in costs if cost is not None]
    return sum(known) / NANO if len(known) == len(costs) else None


def _described(field: Field) -> int:
    return len(field.name) + len(field.description) + sum(map(_described, field.of))


def _length(field: Field) -> int:
    """Return about how many letters a field's answer has."""
    match field.type:
        case FieldType.LIST:
            items = min(field.items_max, max(field.items_min, ITEMS))
            return items * (sum(map(_length, field.of)) or field.length_max or LINE_LENGTH)
        case FieldType.TEXT | FieldType.MARKDOWN:
            return field.length_max or TEXT_LENGTH
        case FieldType.LINE | FieldType.URL | FieldType.CHOICE:
            return field.length_max or LINE_LENGTH
        case _:
            return LETTERS_PER_TOKEN
