"""Arguments that several tools take, and the messages for arguments that do not fit.

The docstrings of a tool's own arguments are sent to clients, as descriptions in its schema.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from mcp_server.clock import Clock
from mcp_server.content.actions.calls import ChangeCall, Selector
from mcp_server.content.actions.moments import end_of
from mcp_server.entities.entity import PAGE_ID_LENGTH_MAX, SLUG_LENGTH_MAX
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import shortened
from mcp_server.interfaces.mcp.tools.schemas import UNLISTED, wire_schema
from mcp_server.likeness import did_you_mean

WAIT_S_MAX = 45.0
"""Clients give up on a call after a minute; this leaves room for the answer."""
KEY_LENGTH_MAX = 128
"""Our own ids have 32 characters at most; this leaves room for keys that callers make."""
QUESTION_LENGTH_MAX = 1_000
"""A question, or a paragraph to find its like."""
LIST_LENGTH_MAX = 1_000
"""A caller who means more sections than this can name pages, or all."""
LIMIT_MAX = 200
"""Rows in one answer. More would not fit into what clients show to a model."""
CURSOR_MAX = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact; ours are far smaller."""
COST_USD_MAX = 100_000.0
"""More than a site of 100,000 sections costs."""
SHOWN_LENGTH = 60
"""Characters of a wrong value when it is repeated to the caller."""


def without_nul(text: str) -> str:
    """Return a text as every database can keep it. A NUL says nothing in it."""
    return text.replace("\0", "")


def _marked(value: object) -> object:
    """Make a NUL what it is shown as: PostgreSQL cannot look for one. No id holds either."""
    if not isinstance(value, str):
        return value
    # A lone surrogate cannot be searched for. Encoding it raises a `ValueError`, so that pydantic
    # reports the argument.
    value.encode()
    return value.replace("\0", "\ufffd")


def _trimmed(value: object) -> object:
    """Remove blanks that were copied along. A text of blanks only stays, as it is not absent."""
    marked = _marked(value)
    return marked.strip() or marked if isinstance(marked, str) else marked


PageId = Annotated[str, BeforeValidator(_trimmed), StringConstraints(max_length=PAGE_ID_LENGTH_MAX)]
SectionId = Annotated[
    str,
    BeforeValidator(_trimmed),
    StringConstraints(max_length=PAGE_ID_LENGTH_MAX + 1 + SLUG_LENGTH_MAX),
]
Id = Annotated[str, BeforeValidator(_trimmed), StringConstraints(max_length=KEY_LENGTH_MAX)]
AsOf = Annotated[str, BeforeValidator(_trimmed), StringConstraints(max_length=KEY_LENGTH_MAX)]
Question = Annotated[
    str, BeforeValidator(_trimmed), StringConstraints(max_length=QUESTION_LENGTH_MAX)
]
Key = Annotated[str, BeforeValidator(_marked), StringConstraints(max_length=KEY_LENGTH_MAX)]

MaxCostUsd = Annotated[float, Field(ge=0, le=COST_USD_MAX, allow_inf_nan=False)]


def as_list(value: object) -> object:
    """Read a list that came as a string, as some clients send it: JSON, or a single bare value."""
    if not isinstance(value, str) or not value:
        return value or None
    try:
        parsed: object = json.loads(value)
    except (ValueError, RecursionError):
        return [value]
    return cast("object", parsed) if isinstance(parsed, list) else [value]


class Arguments(BaseModel):
    """Base of all arguments: camelCase on the wire, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Selecting(Arguments):
    """Which sections are meant."""

    page: PageId | None = Field(
        None, description="A page by its id, such as menu: all its sections."
    )
    section: SectionId | None = Field(
        None,
        description="One section as page/section, such as menu/hero.",
    )
    pages: Annotated[list[PageId] | None, BeforeValidator(as_list)] = Field(
        None, max_length=LIST_LENGTH_MAX, description="Several pages."
    )
    sections: Annotated[list[SectionId] | None, BeforeValidator(as_list)] = Field(
        None, max_length=LIST_LENGTH_MAX, description="Several sections, as page/section."
    )

    @property
    def selector(self) -> Selector:
        """The selector for the content service; an empty text or list counts as absent."""
        return Selector(
            page=self.page or None,
            section=self.section or None,
            pages=tuple(self.pages or ()),
            sections=tuple(self.sections or ()),
        )


class Waiting(Arguments):
    """How long the call stays open."""

    wait_seconds: float | None = Field(
        None,
        ge=0,
        le=WAIT_S_MAX,
        allow_inf_nan=False,
        description="Keep the call open up to 45 seconds, with progress; a wait that runs out "
        "stops nothing. Default: answer at once.",
    )

    @property
    def wait_s(self) -> float:
        """Seconds to wait."""
        return self.wait_seconds or 0.0


class Queueing(Waiting):
    """What every tool takes that queues work."""

    request_key: Key | None = Field(
        None,
        description="Any text of yours: the same call with the same key within 24 hours answers "
        "the same batch instead of queueing another.",
        json_schema_extra=UNLISTED,
    )


class Streaming(Waiting):
    """The older name of a long wait."""

    stream: bool | None = Field(
        None, description="true is the same as waitSeconds 45.", json_schema_extra=UNLISTED
    )

    @property
    def asked_wait_s(self) -> float | None:
        """Seconds to wait, `None` if the caller did not say."""
        if self.wait_seconds is not None or not self.stream:
            return self.wait_seconds
        return WAIT_S_MAX

    @property
    def wait_s(self) -> float:
        """Seconds to wait."""
        return self.asked_wait_s or 0.0


class Changing(Queueing, Selecting):
    """What `promote`, `rollback` and `unpublish` take."""

    digest: Id | None = Field(
        None,
        description="As a dry run answered it: all of that, or nothing if it has changed since.",
    )
    force: bool | None = Field(
        None,
        description="true: even if the live text has changed meanwhile.",
    )
    dry_run: bool | None = Field(
        None, description="true: only say what would change, with the digest."
    )

    def call(self, batch_id: str | None) -> ChangeCall:
        """Return these arguments as a call of the content service."""
        return ChangeCall(
            selector=self.selector,
            batch_id=batch_id or None,
            digest=self.digest or None,
            force=bool(self.force),
            dry_run=bool(self.dry_run),
            request_key=self.request_key or None,
        )


def moment(as_of: str | None, clock: Clock) -> float | None:
    """Return the moment that an argument names, `None` where it names none.

    Raises:
        InvalidPayload: it is no day or time, or has not come yet.
    """
    return end_of(as_of, now=clock.now()) if as_of else None


A = TypeVar("A", bound=Arguments)

PROBLEMS_MAX = 10
"""How many mistakes of one call are named; the rest is counted."""
ADDED_BY_HOSTS = ("toolCallId", "sessionId", "action", "chatInput", "tool")
"""What n8n adds to the arguments of every call that its agent makes: facts of its own run."""


def added_by_host(raw: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Return the arguments that no model has written; none that is `known` to the tool."""
    return [name for name in ADDED_BY_HOSTS if name in raw and name not in known]


def parse(tool: str, model: type[A], raw: Mapping[str, Any]) -> A:
    """Return the checked arguments of a call. An empty text counts as absent, as `null` does.

    Raises:
        InvalidPayload: arguments are wrong; names all of them, and what is allowed, in plain words.
    """
    names = names_of(model)
    given = {name: value for name, value in raw.items() if value != "" or name not in names}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        allowed = cast("dict[str, Any]", wire_schema(model)["properties"])
        found = error.errors(include_url=False, include_context=False)
        first = found[:PROBLEMS_MAX]
        problems = [_problem(e["type"], e["loc"], e["input"], allowed) for e in first]
        if len(found) > len(first):
            problems.append(f"and {len(found) - len(first):,} more")
        raise InvalidPayload(tool, list(dict.fromkeys(problems))) from None


def names_of(model: type[Arguments]) -> set[str]:
    """Return the wire names of the arguments."""
    return {field.alias or name for name, field in model.model_fields.items()}


def _problem(type: str, loc: tuple[int | str, ...], value: object, allowed: dict[str, Any]) -> str:
    name = str(loc[0] if loc else value)  # a name that is half an emoji has no place, but is one
    if name not in allowed:
        return unknown_argument(name, list(allowed))
    schema = allowed[name]
    if len(loc) > 1 and isinstance(loc[1], int):
        name, schema = f"{name}[{loc[1]}]", schema.get("items", {})
    if type == "missing":
        return f"{'.'.join([name, *map(str, loc[2:])])} is missing"
    return f"{name} must be {_expected(schema)}, not {_shown(value)}"


def unknown_argument(name: str, known: list[str]) -> str:
    """Return the message for an argument that does not exist."""
    return f"unknown argument {_shown(name)}{did_you_mean(name, known)} (known: {', '.join(known)})"


def _expected(schema: dict[str, Any]) -> str:
    """Return what a schema allows, in words."""
    match schema:
        case {"enum": values}:
            return "one of " + ", ".join(values)
        case {"type": "string", "maxLength": longest}:
            return f"text of at most {longest:,} characters"
        case {"type": "array", "items": items, "maxItems": most}:
            return f"a list of at most {most:,}, each {_expected(items)}"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "object"}:
            return f"an object with {' and '.join(schema.get('properties', ())) or 'values'}"
        case _:
            return _expected_number(schema)


def _expected_number(schema: dict[str, Any]) -> str:
    if schema["type"] == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    return f"a number from {schema['minimum']:g} to {schema['maximum']:g}"


def _shown(value: object) -> str:
    """Return a wrong value as the caller wrote it, short and printable."""
    try:
        text = json.dumps(value, default=repr)
    except RecursionError:
        return "what is nested too deep"
    if len(text) <= SHOWN_LENGTH:
        return text
    match value:
        case str():
            return f"one of {len(value):,} characters"
        case list():
            return f"a list of {len(cast('list[object]', value)):,}"
        case _:
            return shortened(text, SHOWN_LENGTH)
