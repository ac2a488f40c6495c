"""A template: the prompt, the typed fields and the Markdown format of a kind of section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FieldType(StrEnum):
    """What a field of a template may hold."""

    LINE = "line"
    """Text without a line break."""
    TEXT = "text"
    """One or more paragraphs of Markdown text, without headings."""
    MARKDOWN = "markdown"
    """Prose as Markdown has it: headings, lists, tables and code, too."""
    INTEGER = "integer"
    NUMBER = "number"
    URL = "url"
    CHOICE = "choice"
    LIST = "list"
    """A list of lines, or of groups where `of` names fields."""


PROSE = frozenset({FieldType.TEXT, FieldType.MARKDOWN})
"""What stands alone in a format, between blank lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its type, its bounds, and what the model is told about it."""

    name: str
    type: FieldType
    description: str = ""
    required: bool = True
    length_max: int = 0
    """In characters; 0 is the type's default (200 for a line, 4,000 for a text, 200,000 for
    Markdown)."""
    items_min: int = 0
    items_max: int = 50
    choices: tuple[str, ...] = ()
    of: tuple[Field, ...] = ()
    """For a list of groups: the fields of one. Empty for a list of lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How the sections that name it are written."""

    name: str
    prompt: str
    fields: tuple[Field, ...]
    format: str
    """Markdown with `{field}` placeholders, see `content.text.format`."""
    title: str = ""
    phrases: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """By field, what the composer may say; see `content.drafting.composer`."""
    front_matter: bool = False
    """Whether its fields are keys of a page's front matter; the sections are called `meta`."""
    related: bool = True
    """Whether a model is shown what other sections of the site say."""
