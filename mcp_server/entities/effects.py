"""The database changes a handler may ask for. Each says what it expects to find.

They are applied in the transaction that ends the job. Where one finds something else, none is
applied and the job fails with code `conflict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mcp_server.entities.entity import Author, Revision
from mcp_server.entities.page_files import KnownFile, VersionKind


class Expected(Enum):
    """What an effect may expect beside a content hash."""

    ABSENT = "absent"
    ANY = "any"


ABSENT = Expected.ABSENT
"""There is no such entity, or its current revision is a removal."""
ANY = Expected.ANY
"""Whatever is there."""

Expectation = str | Expected
"""A content hash, `ABSENT` or `ANY`."""


@dataclass(frozen=True, slots=True)
class Require:
    """Change nothing, but fail the job with a conflict unless (type, id) is as expected."""

    type: str
    entity_id: str
    expects: Expectation


@dataclass(frozen=True, slots=True)
class SaveRevision:
    """Make `revision` the current one of its entity, and take off a withdrawn mark.

    With `keep_on_conflict`, a revision whose expectation fails is stored too, but not as the
    current one: text that was paid for is not thrown away (R5).
    """

    revision: Revision
    expects: Expectation
    keep_on_conflict: bool = False


@dataclass(frozen=True, slots=True)
class SaveRemoval:
    """Record that the entity has no text any more; `revision` is a removal."""

    revision: Revision
    expects: Expectation


@dataclass(frozen=True, slots=True)
class DiscardDraft:
    """Bring back the draft that was current before the present one, or have none.

    It comes back as it was, with its withdrawn mark. The discard itself is stored as a revision
    without a text, by `author`.
    """

    entity_id: str
    expects: Expectation
    author: Author


@dataclass(frozen=True, slots=True)
class MarkWithdrawn:
    """Mark the draft as withdrawn if its content hash is `hash`; otherwise leave it (R9).

    Earlier drafts of this hash are marked too, as a discard may bring them back.
    """

    entity_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class SavePageFile:
    """Remember what a look found in a page's file, or what is to be written (P1).

    It expects the version that `known` was made from, and stores it as the next one; a look that
    another has overtaken is a conflict, and is to be made again.
    """

    known: KnownFile


@dataclass(frozen=True, slots=True)
class PutBack:
    """Let what somebody took out of a page's file be written again, as a call names it (P5)."""

    page: str
    sections: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeepPage:
    """Keep the bytes of a page's file, compressed, once for each hash (P9).

    `data` is `None` where there was, or is to be, no file. `before`: of a write, the hash of what
    it replaces.
    """

    page: str
    data: bytes | None
    kind: VersionKind
    before: str | None = None


@dataclass(frozen=True, slots=True)
class SaveMaterial:
    """Keep a text that was pasted as a source under its hash; the same again is that text."""

    hash: str
    text: str


@dataclass(frozen=True, slots=True)
class SaveVector:
    """Make a text known to search: its words, and the vector of what it means.

    If the entity's text is not the one of `hash` any more (`None`: it was removed), nothing
    happens: what changed it has asked for this anew (L34).
    """

    type: str
    entity_id: str
    hash: str | None
    words: str = ""
    """As they are indexed: see `meaning.words`."""
    embedder: str | None = None
    """What made the vector. `None`: nothing did, and only its words are found."""
    vector: bytes | None = None
    unfinished: bool = False
    """It is found by its words for now: its vector is still to be made."""


Effect = (
    Require
    | SaveRevision
    | SaveRemoval
    | DiscardDraft
    | MarkWithdrawn
    | SavePageFile
    | PutBack
    | KeepPage
    | SaveMaterial
    | SaveVector
)


def expect_hash(hash: str | None) -> Expectation:
    """Return the expectation of finding exactly this hash, `ABSENT` for `None`."""
    return ABSENT if hash is None else hash
