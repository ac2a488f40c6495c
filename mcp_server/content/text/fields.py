"""The pydantic model of a template's fields, and what is wrong with an answer, in plain words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)
from pydantic import Field as ModelField
from pydantic import create_model as new_model
from pydantic_core import ErrorDetails, PydanticCustomError

from mcp_server.content.template import Field, FieldType, Template

LINE_LENGTH_MAX = 200
"""Characters of a line whose field names no bound."""
TEXT_LENGTH_MAX = 4_000
"""Characters of a text whose field names no bound."""
MARKDOWN_LENGTH_MAX = 200_000
"""Characters of a field of prose that names no bound: the longest files of real sites fit."""
URL_LENGTH_MAX = 2_000
"""Longer addresses are cut by browsers and mail programs."""
NUMBER_MAX = 2**53 - 1
"""The largest integer that every reader of JSON takes as it is written."""
NUMBER_MIN = 1e-12
"""Smaller fractions have no use on a page, and their digits would fill it."""

UNKNOWN = "extra_forbidden"
"""What pydantic calls a field that is not the template's."""

_URL = re.compile(r"(?:https?://[^\s<>\"/]|mailto:[^\s<>\"]|tel:[0-9+]|#|/(?!/))[^\s<>\"]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CONFIG = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def answer_model(template: Template) -> type[BaseModel]:
    """Return the pydantic model of an answer for `template`.

    Fields that are not the template's are refused, numbers are not guessed from strings, a line
    has no line break. An optional field that is empty counts as absent (`None`). Dump it with
    `by_alias=True, exclude_none=True`: a field named like a method of pydantic's has an alias.
    """
    return _model(template.fields, template.name, template.title)


def problems(template: Template, fields: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with `fields`, each in plain words; empty where they fit.

    They consist of our words and the names of the template's fields. Nothing of the answer is
    repeated: a model may have put text into it that addresses the reader of the problem.
    """
    try:
        answer_model(template).model_validate(dict(fields))
    except ValidationError as error:
        found = error.errors(include_url=False)
        known = [_in_words(template, each) for each in found if each["type"] != UNKNOWN]
        return [*known, *_unknown(template, [each for each in found if each["type"] == UNKNOWN])]
    return []


@lru_cache(maxsize=512)
def _model(fields: tuple[Field, ...], name: str, title: str) -> type[BaseModel]:
    definitions: dict[str, Any] = {_attribute(f.name): _definition(f, name) for f in fields}
    return new_model(_class_name(name), __config__=_CONFIG, __doc__=title or None, **definitions)


def _definition(field: Field, owner: str) -> tuple[Any, Any]:
    """Return type and default of a field, as `create_model` wants them."""
    options: dict[str, Any] = {"description": _description(field)}
    if _attribute(field.name) != field.name:
        options["alias"] = field.name
    if field.required:
        return (_type(field, owner), ModelField(**options))
    # Around the whole union: an empty value has to become `None` before its length is checked.
    optional = Annotated[_type(field, owner) | None, BeforeValidator(_none_if_empty)]
    return (optional, ModelField(default=None, **options))


def _type(field: Field, owner: str) -> Any:
    match field.type:
        case FieldType.LINE:
            return _text(field, LINE_LENGTH_MAX, _one_line)
        case FieldType.TEXT | FieldType.MARKDOWN:
            return _prose(field)
        case FieldType.URL:
            return _text(field, URL_LENGTH_MAX, _url)
        case FieldType.CHOICE:
            return Literal[field.choices]
        case FieldType.LIST:
            return _list(field, owner)
        case FieldType.INTEGER | FieldType.NUMBER:
            return _number(field)


def _text(field: Field, length_max: int, check: Callable[[str], str] = str) -> Any:
    bounds = ModelField(min_length=1, max_length=field.length_max or length_max)
    return Annotated[str, bounds, AfterValidator(check)]


def _prose(field: Field) -> Any:
    """Return the type of a text. The first line of Markdown may be indented: that is code."""
    if field.type is FieldType.TEXT:
        return _text(field, TEXT_LENGTH_MAX)
    bounds = ModelField(min_length=1, max_length=field.length_max or MARKDOWN_LENGTH_MAX)
    return Annotated[
        str, StringConstraints(strip_whitespace=False), AfterValidator(without_outer_lines), bounds
    ]


def without_outer_lines(text: str) -> str:
    """Return a text without the blank lines before it, and without blanks after it."""
    return re.sub(r"\A(?:[^\S\n]*\n)+", "", text.rstrip()) if text.strip() else ""


def _number(field: Field) -> Any:
    if field.type is FieldType.INTEGER:
        return Annotated[int, ModelField(strict=True, ge=-NUMBER_MAX, le=NUMBER_MAX)]
    bounds = ModelField(strict=True, allow_inf_nan=False, ge=-NUMBER_MAX, le=NUMBER_MAX)
    return Annotated[float, bounds, AfterValidator(_plain_number)]


def _list(field: Field, owner: str) -> Any:
    item = (
        _model(field.of, f"{owner}-{field.name}", "")
        if field.of
        else _type(Field(name=field.name, type=FieldType.LINE, length_max=field.length_max), owner)
    )
    least = max(1, field.items_min)
    return Annotated[list[item], ModelField(min_length=least, max_length=field.items_max)]


def _description(field: Field) -> str:
    kinds = {
        FieldType.LINE: "One line.",
        FieldType.TEXT: "Paragraphs of Markdown divided by blank lines, without headings.",
        FieldType.MARKDOWN: "Markdown: paragraphs, headings below the first level, lists, tables, "
        "code.",
        FieldType.URL: "An address such as https://example.org/page or /page.",
    }
    described = field.description.strip()
    if described and described[-1] not in ".!?…":
        described += "."
    return f"{described} {kinds.get(field.type, '')}".strip()


def _unknown(template: Template, found: Sequence[ErrorDetails]) -> Iterator[str]:
    """Yield, for each object, how many of its fields are not in the template; not their names."""
    places = Counter(details["loc"][:-1] for details in found)
    for place, count in places.items():
        where, owner = _where(template.fields, place)
        names = [field.name for field in (owner.of if owner is not None else template.fields)]
        are = "1 field that is" if count == 1 else f"{count} fields that are"
        yield f"{where} has {are} not in the template; its fields are {', '.join(names)}"


def _in_words(template: Template, details: ErrorDetails) -> str:
    where, field = _where(template.fields, details["loc"])
    context = details.get("ctx", {})
    value: object = details["input"]
    match details["type"]:
        case "missing":
            wrong = "is missing"
        case "string_too_short" | "too_short" if isinstance(value, str):
            wrong = f"is empty; write something{_or_leave_out(field)}"
        case "string_too_long" | "too_long":
            wrong = f"has {_amount(value)}; write at most {context['max_length']}"
        case "too_short":
            wrong = f"has {_amount(value)}; write at least {context['min_length']}"
        case "literal_error":
            wrong = (
                f"is none of its {len(field.choices) if field else 0} choices; write one of them"
            )
        case "finite_number" | "greater_than_equal" | "less_than_equal":
            wrong = "is out of bounds; write a number of at most 15 digits"
        case "string_unicode":
            wrong = "holds half a character (a lone surrogate); leave it out"
        case "fit":
            wrong = details["msg"]
        case _:
            is_item = isinstance(details["loc"][-1], int) if details["loc"] else False
            wrong = f"is {_kind(value)}; write {_wanted_item(field) if is_item else _wanted(field)}"
    return f"{where} {wrong}"


def _where(fields: Sequence[Field], location: Sequence[int | str]) -> tuple[str, Field | None]:
    """Return the place as a person would call it, items counted from 1, and its field."""
    words, found = "", None
    for part in location:
        if isinstance(part, int):
            words += f"[{part + 1}]"
            continue
        words += f".{part}" if words else part
        found = next((field for field in fields if field.name == part), None)
        fields = found.of if found is not None else ()
    return words or "the answer", found


def _wanted(field: Field | None) -> str:
    match field.type if field is not None else None:
        case FieldType.INTEGER:
            return "a whole number"
        case FieldType.NUMBER:
            return "a number"
        case FieldType.LIST:
            return "a list of objects" if field is not None and field.of else "a list of lines"
        case None:
            return "an object with the template's fields"
        case _:
            return "a string"


def _wanted_item(field: Field | None) -> str:
    return "an object with its fields" if field is not None and field.of else "a string"


def _or_leave_out(field: Field | None) -> str:
    return "" if field is None or field.required else ", or leave it out"


def _amount(value: object) -> str:
    if isinstance(value, str):
        return f"{len(value.strip())} characters"
    return f"{len(cast('list[object]', value))} items"


def _kind(value: object) -> str:
    """Return the JSON type of a value, in words."""
    match value:
        case None:
            return "null"
        case bool():  # before the numbers: `bool` is a subclass of `int`
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"


def _none_if_empty(value: object) -> object:
    is_blank = isinstance(value, str) and not value.strip()
    return None if is_blank or value == [] else value


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise PydanticCustomError("fit", "must be one line; write it without line breaks")
    return value


def _url(value: str) -> str:
    if _URL.fullmatch(value) is None:
        raise PydanticCustomError(
            "fit",
            "is no address; write one that begins with https://, http://, mailto:, tel:, / or #",
        )
    return value


def _plain_number(value: float) -> float:
    if value and abs(value) < NUMBER_MIN:
        raise PydanticCustomError("fit", "is too small a fraction; write it with fewer digits")
    return value


def _attribute(name: str) -> str:
    """Return a field's attribute: a name that pydantic's models use (`copy`, `json`) gets a `_`.

    A key of front matter may be no name in Python, such as `og-title`.
    """
    if not _NAME.fullmatch(name):
        return f"key_{name.encode().hex()}"
    return f"{name}_" if hasattr(BaseModel, name) else name


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name)) + "Answer"
