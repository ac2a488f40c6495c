"""What a model must not write, in words that tell it what to change. Pure.

What the text to be revised held already may stay, as it is a person's own. So may what the
template's format puts around the fields.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from mcp_server.content.template import FieldType, Template
from mcp_server.content.text.format import PLACEHOLDER
from mcp_server.content.text.hazards import Hazard, Kind, hazards_in, kinds_of
from mcp_server.content.text.markdown import render, values_of
from mcp_server.content.text.visible import visible_text
from mcp_server.entities.entity import Revision

_VALUE = r"[^\"'<>{}`\n]*"
"""What a field may add to a piece of the format: nothing that ends an attribute or a tag."""
_ADVICE = {
    Kind.LINK: "link to https://, http://, mailto:, tel: or a path",
    Kind.TEMPLATE: "put code between backticks",
    Kind.THINKING: "hand in the finished text only",
    Kind.MARKER: "hand in the finished text only",
}
_PLAIN = "write plain Markdown"


def objection_to(
    template: Template, fields: Mapping[str, Any], current: Revision | None = None
) -> str | None:
    """Return what must be left out of `fields`, which fit the template; `None` where nothing must.

    They are checked one by one, and as the section that they make together: harmless fields may
    make a harmful one. `current` is the text to be revised, if any. No field is quoted.
    """
    known = _known(current)
    by_field = {
        name: kinds
        for name, field, value in values_of(template.fields, fields)
        if isinstance(value, str) and field.type is not FieldType.CHOICE
        if (kinds := kinds_of(each for each in hazards_in(value) if each not in known))
    }
    if by_field:
        said = [f"{name} must not hold: {_listed(k)}" for name, k in by_field.items()]
        return f"{'; '.join(said)}; {_advice(k for kinds in by_field.values() for k in kinds)}"
    kinds = kinds_of(_new_in(render(template, fields), template, known))
    if not kinds:
        return None
    return f"the fields together must not make: {_listed(kinds)}; {_advice(kinds)}"


def objectionable(text: str, template: Template | None, before: str | None) -> tuple[Hazard, ...]:
    """Return what must be left out of a whole text; `before` is what was there, if anything."""
    known = (
        frozenset(hazards_in(before)) | frozenset(hazards_in(visible_text(before)))
        if before
        else ()
    )
    return tuple(_new_in(text, template, known))


def _new_in(text: str, template: Template | None, known: Collection[Hazard]) -> Iterator[Hazard]:
    """Yield what a text holds that neither the format has nor the text before had."""
    own = _own(template.format) if template is not None else ()
    yield from (e for e in hazards_in(text) if e not in known and not _is_own(e, own))


def _known(current: Revision | None) -> Collection[Hazard]:
    """Return what the present text holds, as a whole and in its fields."""
    if current is None:
        return frozenset()
    texts = {current.markdown or "", *_strings(current.fields)}
    texts |= {visible_text(text) for text in texts}  # as an answer that repeats it would come
    return frozenset(hazard for text in texts for hazard in hazards_in(text))


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in cast("Mapping[str, object]", value).values():
                yield from _strings(inner)
        case list() | tuple():
            for inner in cast("Sequence[object]", value):
                yield from _strings(inner)
        case _:
            pass


@lru_cache(maxsize=512)
def _own(format: str) -> Collection[tuple[Kind, re.Pattern[str]]]:
    """Return the hazards in the format itself, as patterns that leave room for values."""
    return tuple((found.kind, _with_values(found)) for found in hazards_in(format))


def _with_values(found: Hazard) -> re.Pattern[str]:
    """Return a pattern of the piece with values in it; a script with a value never matches."""
    value = _VALUE if found.kind is not Kind.SCRIPT else r"(?!)"
    # `split` returns the groups too, between the fixed pieces.
    fixed = PLACEHOLDER.split(found.piece)[:: PLACEHOLDER.groups + 1]
    return re.compile(value.join(map(re.escape, fixed)))


def _is_own(found: Hazard, own: Iterable[tuple[Kind, re.Pattern[str]]]) -> bool:
    return any(k is found.kind and pattern.fullmatch(found.piece) for k, pattern in own)


def _listed(kinds: Iterable[Kind]) -> str:
    return ", ".join(kind.value for kind in kinds)


def _advice(kinds: Iterable[Kind]) -> str:
    return ", ".join(dict.fromkeys(_ADVICE.get(kind, _PLAIN) for kind in kinds))
