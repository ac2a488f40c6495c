"""Stored content: an entity is keyed by (type, id); a revision is one immutable version of it.

The id of a section's text is `page/section`, written so everywhere; `entity_id` builds it and
`split_id` parses it, and nothing else does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mcp_server.entities.page_files import Source
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes, is_seen

PREVIEW = "site-content-preview"
"""Entity type of drafts."""
PRODUCTION = "site-content-production"
"""Entity type of live texts."""

SLUG_LENGTH_MAX = 64
"""Long enough for a title in words, short enough for every file system."""
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
"""Letters, digits, hyphen and underscore: safe as a file name on every platform."""

PAGE_ID_LENGTH_MAX = 400
"""Characters of a page's id, folders included."""
PAGE_ID_BYTES_MAX = 1_200
"""And its bytes: an index of PostgreSQL has to hold it twice, with the id of a section."""
FILE_NAME_BYTES_MAX = 240
"""Bytes of a file's name, without extension: less than any file system allows."""
PAGE_IDS = (
    "write the path of its file without extension, such as menu or posts/2024/hello, in at most "
    f"{PAGE_ID_LENGTH_MAX} characters ({PAGE_ID_BYTES_MAX:,} bytes)"
)
DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}
)
"""Names that Windows reserves for devices: no file can have them."""
_UNUSABLE = re.compile(r'[<>:"|?*\\`]')
"""What Windows allows in no name; and backticks, which would end a quotation in Markdown."""

AuthorKind = Literal["model", "chat", "person", "composer", "adopted", "file", "plugin"]
"""Who wrote a revision: a model that was asked to draft, the model in somebody's chat, a person,
the composer (a placeholder), a file as we first met it (the ground), somebody who changed a page's
file since (taken over), or a plugin (an entity of its own)."""


ADOPTED = "page file"
"""The name of the person who wrote a text that was in its file, and that a batch brought back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a revision, and by which name (the model's, the chat's, or the interface's)."""

    kind: AuthorKind
    name: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether somebody wrote it who was looking at it: bulk drafting leaves it alone (R4)."""
        return self.kind in {"chat", "person"}

    @property
    def by_people(self) -> bool:
        """Whether people wrote it, by hand or in its file: bulk drafting passes it by (P14)."""
        return self.by_hand or self.in_file

    @property
    def in_file(self) -> bool:
        """Whether it stood in a page's file first, also where a rollback has brought it back."""
        return self.kind in {"adopted", "file"} or (self.kind, self.name) == ("person", ADOPTED)

    @property
    def shown(self) -> str:
        """Who it was, for people: `chat (claude-ai)`, a model's name, or the kind."""
        if self.kind == "chat" and self.name:
            return f"{self.kind} ({self.name})"
        return self.name or self.kind


FindingLevel = Literal["refused", "held", "noted"]
"""What a finding means for its text: it is not taken, bulk promote passes it by, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a check has to say of a text."""

    level: FindingLevel
    kind: str
    """What was found, in fixed words of ours: `price in no source`, `script element`."""
    piece: str = ""
    """The piece of the text that it is about, which is data: quote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One version of an entity. `markdown` is `None` where the revision is a removal.

    `base` is the content hash of the live text it was made against (`None`: nothing was live).
    `id` is 0 until it is stored; then larger means later.
    """

    type: str
    entity_id: str
    template: str
    fields: Mapping[str, Any]
    markdown: str | None
    author: Author
    base: str | None = None
    batch_id: str | None = None
    job_id: str | None = None
    site_hash: str | None = None
    inputs_hash: str | None = None
    """Hash of all that the text was made from: facts, template, brief, instructions, model."""
    instructions: str = ""
    """What was wished for it."""
    material: str | None = None
    """Hash of the source text that it was written from, beside the site's facts."""
    related: Mapping[str, str] = field(default_factory=dict[str, str])
    """By section, the hash of a text that it was not to repeat or contradict."""
    findings: tuple[Finding, ...] | None = None
    """What the checks found in it; `None` where it was never checked."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    withdrawn: bool = False
    """Whether a rollback took this draft back (R9). It is marked later; saving it marks nothing."""
    id: int = 0
    created_at: float = 0.0
    effective: bool = True
    """False: it came too late, and was kept without ever being the current one (R5)."""
    source: Source | None = None
    """Where its text stands in the bytes of a page that are kept with it: it is stored once."""

    @property
    def is_removal(self) -> bool:
        """Whether this revision says that there is no text."""
        return self.markdown is None

    @property
    def is_placeholder(self) -> bool:
        """Whether it was written without a model."""
        return self.author.kind == "composer"

    @property
    def hash(self) -> str | None:
        """Hash of the text, `None` for a removal (R1)."""
        return None if self.markdown is None else text_hash(self.markdown)

    def as_type(self, type: str) -> Revision:
        """Return the same text as a new, not yet stored revision of another entity type."""
        return replace(self, type=type, withdrawn=False, id=0, created_at=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """The current revision of (type, id), and the mark that belongs to the entity."""

    current: Revision
    withdrawn: bool = False

    @property
    def hash(self) -> str:
        """Content hash of the current text."""
        hash = self.current.hash
        assert hash is not None, "a removed entity is not an entity"
        return hash


def text_hash(markdown: str) -> str:
    """Return the hash of a text: 32 hex digits over its Markdown (R1).

    Line ends, and blank lines before and after it, do not count; nor does how it came about: with
    fields or without, the same text has the same hash.
    """
    lines = markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first, beyond = 0, len(lines)
    while first < beyond and not lines[first].strip():
        first += 1
    while first < beyond and not lines[beyond - 1].strip():
        beyond -= 1
    text = "\n".join(lines[first:beyond]).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def is_slug(text: str) -> bool:
    """Whether `text` can be the id of a page, a section or a template."""
    return SLUG.fullmatch(text) is not None


def is_page_id(text: str) -> bool:
    """Whether `text` can be the id of a page: slugs, or names of folders and a file, with `/`.

    A page that was there before us is named after its file: `posts/2024/Hello World`. Names that
    some platform cannot hold, that are hidden, or that lead out of their folder, are none.
    """
    if len(text) > PAGE_ID_LENGTH_MAX or not all(map(_is_file_name, text.split("/"))):
        return False
    return text.isascii() or len(text.encode()) <= PAGE_ID_BYTES_MAX


def entity_id(page: str, section: str) -> str:
    """Return `page/section`.

    Raises:
        InvalidPayload: the section is no slug, or the page no id.
    """
    if not is_page_id(page):
        raise InvalidPayload("id", [f"{in_quotes(page)} is no id of a page; {PAGE_IDS}"])
    if not is_slug(section):
        raise InvalidPayload("id", [f"{in_quotes(section)} is not a slug (a-z, 0-9, - and _)"])
    return f"{page}/{section}"


def split_id(entity_id: str) -> tuple[str, str]:
    """Return (page, section) of `page/section`; the page may hold slashes.

    Raises:
        InvalidPayload: it is not an id of a page and a slug with a slash between them.
    """
    page, slash, section = entity_id.rpartition("/")
    if not slash or not is_page_id(page) or not is_slug(section):
        raise InvalidPayload("section", [f"{in_quotes(entity_id)} is not written as page/section"])
    return page, section


def page_of(entity_id: str) -> str:
    """Return the page of an id that is known to be one."""
    return entity_id.rpartition("/")[0]


def _is_file_name(part: str) -> bool:
    if is_slug(part):
        return part not in DEVICES
    return (
        0 < len(part.encode("utf-8", "surrogatepass")) <= FILE_NAME_BYTES_MAX
        and all(map(is_seen, part))
        and not _UNUSABLE.search(part)
        and part[0] not in ". "
        and part[-1] not in ". "
        and part.partition(".")[0].lower() not in DEVICES
    )
