"""The composer: writes a section from the site's facts and the template's phrases, without a model.

A template offers phrases for its fields:

    phrases:
      headline:                                   # the first one that can be said is used
        - "{facts.name} in {facts.address.city}"
        - "{facts.name}"
      offers:                                     # a list of lines: each one that can be said
        - "{facts.parking}"
        - {each: facts.dishes, item: "{item.name}: {item.price}"}
      team:                                       # a list of groups
        - {each: facts.people, item: {name: "{item.name}", role: ["{item.role}", "Guest"]}}

A phrase can be said if all it refers to is there: `{facts.x}` (the section's own, else the
site's), `{section.facts.x}`, `{section.id}`, `{page.title}`, `{page.description}`,
`{site.title}`, `{site.description}`, `{site.facts.x}`, `{brief}`, and inside of `each` `{item}`
and `{item.x}`. A list of values is joined by commas. `each` over a mapping gives `{item.key}` and
`{item.value}`. Nothing is invented, and the same facts always give the same text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from mcp_server.content.site import Section, Site
from mcp_server.content.template import PROSE, Field, FieldType, Template
from mcp_server.content.text.fields import LINE_LENGTH_MAX, TEXT_LENGTH_MAX, URL_LENGTH_MAX
from mcp_server.errors import ServerError

FILLED_LENGTH_MAX = 100_000
"""Characters of a phrase with its references replaced: no field may be longer."""

_REFERENCE = re.compile(r"\{([^{}]+)\}")
_NO_FACT = re.compile(r"(?:page|item)\b|(?:site|section)\.(?!facts\.)|brief$")


_PATH = re.compile(r"[\w.-]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A field that nothing could be said for, and the references that would have helped."""

    field: str
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.missing:
            return f"the template has no phrase for {self.field}"
        return f"{self.field} needs {' or '.join(dict.fromkeys(map(_shown, self.missing)))}"


class ComposerGap(ServerError):
    """The facts and phrases do not make a text that fits the template.

    `gaps` are the required fields that nothing could be said for, `missing` the references that
    would have helped, `misfit` is what is wrong with a text that was composed.
    """

    def __init__(
        self, section: str, template: str, gaps: Sequence[Gap] = (), *, misfit: str = ""
    ) -> None:
        self.section, self.gaps, self.misfit = section, tuple(gaps), misfit
        self.missing = tuple(dict.fromkeys(name for gap in gaps for name in gap.missing))
        why = misfit or "; ".join(map(str, gaps))
        super().__init__(
            f"{section} cannot be written without a model: {why}. "
            f"To go on, {self._advice(template)}, or configure a model."
        )

    def _advice(self, template: str) -> str:
        facts = [name for name in self.missing if not _NO_FACT.match(name)]
        if facts:
            return f"add {_shown(facts[0])} to site.yaml"
        if "brief" in self.missing:
            return f"give {self.section} a brief in site.yaml"
        return f"change the phrases of the template {template}"


def _shown(path: str) -> str:
    """Return a reference as it may be shown to anybody; it is not, if it is more than a path."""
    return path if _PATH.fullmatch(path) else "a fact that the template names"


def compose(site: Site, section: Section, template: Template) -> dict[str, Any]:
    """Return the fields of `section`, as far as the facts and the phrases give them.

    An optional field that cannot be said is left out.

    Raises:
        ComposerGap: a required field cannot be said.
    """
    facts = _Facts(site, section)
    fields: dict[str, Any] = {}
    gaps: list[Gap] = []
    for each in template.fields:
        missing: list[str] = []
        value = _value(each, template.phrases.get(each.name), facts, missing)
        if value is not None:
            fields[each.name] = value
        elif each.required:
            gaps.append(Gap(field=each.name, missing=tuple(dict.fromkeys(missing))))
    if gaps:
        raise ComposerGap(section.entity_id, template.name, gaps)
    return fields


@dataclass(frozen=True, slots=True)
class _Facts:
    """What phrases may refer to; `item` is set inside of `each`."""

    site: Site
    section: Section
    item: object = field(default=None)

    def look_up(self, path: str) -> object:
        """Return what `path` names, `None` if there is nothing."""
        root, _, rest = path.strip().partition(".")
        match root:
            case "facts":
                own = _descend(self.section.facts, rest)
                return _descend(self.site.facts, rest) if _is_empty(own) else own
            case "item":
                return _descend(self.item, rest)
            case "brief":
                return self.section.brief if not rest else None
            case "site" | "section" | "page":
                return _descend(self._described(root), rest)
            case _:
                return None

    def _described(self, root: str) -> Mapping[str, object]:
        site, section, page = self.site, self.section, self.site.page(self.section.page)
        if root == "site":
            return {"title": site.title, "description": site.description, "facts": site.facts}
        if root == "section":
            return {"id": section.id, "brief": section.brief, "facts": section.facts}
        if page is None:
            return {"id": section.page}
        return {"id": page.id, "title": page.title, "description": page.description}


def _value(each: Field, phrases: object, facts: _Facts, missing: list[str]) -> object:
    """Return what can be said for one field, `None` if nothing can."""
    candidates = _as_list(phrases)
    if each.type is FieldType.LIST:
        return _list_value(each, candidates, facts, missing)
    said = (_scalar(each, candidate, facts, missing) for candidate in candidates)
    return next((value for value in said if value is not None), None)


def _list_value(
    each: Field, candidates: Sequence[object], facts: _Facts, missing: list[str]
) -> list[object] | None:
    items = [
        item
        for phrase, scope in _spread(candidates, facts, missing)
        if (item := _item(each, phrase, scope, missing)) is not None
    ]
    if len(items) < each.items_min or (each.required and not items):
        return None
    return items[: each.items_max] or None


def _spread(
    candidates: Sequence[object], facts: _Facts, missing: list[str]
) -> Iterator[tuple[object, _Facts]]:
    """Yield each phrase with the facts it may refer to, and an `each` once for every item."""
    for candidate in candidates:
        if not (isinstance(candidate, Mapping) and "each" in candidate):
            yield candidate, facts
            continue
        loop = cast("Mapping[str, object]", candidate)
        path = str(loop["each"])
        source = _items_of(facts.look_up(path))
        if not source:
            missing.append(path)
        for item in source:
            yield loop.get("item"), _Facts(facts.site, facts.section, item)


def _item(each: Field, phrase: object, facts: _Facts, missing: list[str]) -> object:
    """Return one item of a list: a line, or a group of which all required fields can be said."""
    if not each.of:
        return _scalar(each, phrase, facts, missing)
    if not isinstance(phrase, Mapping):
        return None
    phrases = cast("Mapping[str, object]", phrase)
    group: dict[str, object] = {}
    for part in each.of:
        value = _value(part, phrases.get(part.name), facts, missing)
        if value is not None:
            group[part.name] = value
        elif part.required:
            return None
    return group or None


def _scalar(each: Field, phrase: object, facts: _Facts, missing: list[str]) -> object:
    text = _filled(str(phrase), facts, missing) if isinstance(phrase, str | int | float) else None
    if text is None:
        return None
    match each.type:
        case FieldType.INTEGER | FieldType.NUMBER:
            return _number(each.type, text)
        case FieldType.CHOICE:
            return text if text in each.choices else None
        case FieldType.TEXT | FieldType.MARKDOWN:
            return _bounded(each, text)
        case FieldType.LINE | FieldType.URL | FieldType.LIST:
            return _bounded(each, " ".join(text.split()))


def _bounded(each: Field, text: str) -> str | None:
    default = TEXT_LENGTH_MAX if each.type in PROSE else LINE_LENGTH_MAX
    if each.type is FieldType.URL:
        default = URL_LENGTH_MAX
    return text if 0 < len(text) <= (each.length_max or default) else None


def _number(type: FieldType, text: str) -> int | float | None:
    try:
        number = int(text) if type is FieldType.INTEGER else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _filled(phrase: str, facts: _Facts, missing: list[str]) -> str | None:
    """Return `phrase` with its references replaced, `None` if one of them leads nowhere."""
    lacking = [path for path in _REFERENCE.findall(phrase) if _text_of(facts.look_up(path)) is None]
    missing += [path.strip() for path in lacking]
    if lacking or _filled_length(phrase, facts) > FILLED_LENGTH_MAX:
        return None
    return _REFERENCE.sub(lambda found: _text_of(facts.look_up(found[1])) or "", phrase).strip()


def _filled_length(phrase: str, facts: _Facts) -> int:
    """Return the length of the phrase once filled in, without building it: it may be huge."""
    return len(phrase) + sum(
        len(_text_of(facts.look_up(path)) or "") for path in _REFERENCE.findall(phrase)
    )


def _text_of(value: object) -> str | None:
    """Return a scalar as text, scalars joined by commas; `None` for what has no text."""
    if isinstance(value, list):
        texts = [_text_of(item) for item in cast("list[object]", value)]
        return ", ".join(cast("list[str]", texts)) if texts and None not in texts else None
    if value is None or isinstance(value, bool | Mapping):
        return None
    return str(value).strip() or None


def _descend(value: object, path: str) -> object:
    for key in filter(None, path.split(".")):
        if isinstance(value, Mapping):
            value = cast("Mapping[object, object]", value).get(key)
        elif isinstance(value, list) and key.isdecimal():
            listed = cast("list[object]", value)
            # By length first: Python reads no number of thousands of digits.
            within = len(key) <= len(str(len(listed))) and int(key) < len(listed)
            value = listed[int(key)] if within else None
        else:
            return None
    return value


def _items_of(value: object) -> list[object]:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return [{"key": str(key), "value": held} for key, held in pairs]
    return [] if _is_empty(value) else _as_list(value)


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [], {})
