"""What the rest of the package may ask of stored content. Implemented in `storage`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mcp_server.entities.entity import PRODUCTION, Author, Entity, Revision
from mcp_server.entities.page_files import KnownFile, PageVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is stored at one moment, read in one transaction."""

    drafts: Mapping[str, Entity]
    live: Mapping[str, Entity]
    history: Mapping[str, Sequence[Revision]]
    """All live texts that each section had, oldest first; empty unless it was asked for."""
    files: Mapping[str, KnownFile]
    """As `EntityStore.page_files` has it."""


@dataclass(frozen=True, slots=True)
class About:
    """What a question is about: a page, or one section of it.

    Which of the two an id names cannot be seen: `docs/guide` may be a page, or a section of `docs`.
    """

    page: str
    section: str | None = None
    """In full, as `docs/guide`."""

    @property
    def id(self) -> str:
        """The section's id, or the page's."""
        return self.section or self.page


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a batch has made of one text: its hashes before and after, `None` for no text."""

    hash_from: str | None
    hash_to: str | None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One text that was written by hand, outside any batch. A later one has a larger `order`."""

    order: int
    type: str
    section: str
    author: Author
    hash: str | None
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """What is known of the entities of one type without reading a text, by their ids.

    Plain tables: of a large site there are 10,000 entries, and an object for each takes longer
    than reading them.
    """

    revision: Mapping[str, int] = field(default_factory=dict[str, int])
    """The id of the current revision; of every entity that has a text."""
    hash: Mapping[str, str] = field(default_factory=dict[str, str])
    """The hash of that text."""
    base: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """The base of its current revision."""
    withdrawn: Collection[str] = ()
    removed: Collection[str] = ()
    """The entities whose text was removed."""
    superseded: Collection[str] = ()
    """Of withdrawn drafts, those that somebody has gone on from in a file (`is_superseded`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastUsage:
    """What a model used for one draft."""

    entity_id: str
    template: str
    input_tokens: int
    output_tokens: int


class EntityStore(Protocol):
    """Reading content. Changes are effects, applied with the end of a job (entities.effects)."""

    async def get(self, type: str, entity_id: str) -> Entity | None:
        """Return the entity, or `None` where there is none or its text was removed."""
        ...

    async def list_after(self, type: str, *, after: str, limit: int) -> Sequence[Entity]:
        """Return entities of a type whose ids come after `after`, in the order of their ids."""
        ...

    async def get_all(self, type: str, *, page: str | None = None) -> Mapping[str, Entity]:
        """Return the entities of the type by id, all or those of one page. No hidden limit."""
        ...

    async def history(self, type: str, entity_id: str) -> Sequence[Revision]:
        """Return all revisions of one entity that were ever current, oldest first.

        A draft that a discard brought back is not there again (see `entities.drafts`).
        """
        ...

    async def with_hash(self, entity_id: str, digits: str) -> Sequence[Revision]:
        """Return the drafts and live texts of a section whose hash begins with `digits`.

        Oldest first; those count too that came too late, and never were current (R5).
        """
        ...

    async def histories(
        self, type: str, *, batch_id: str | None = None
    ) -> Mapping[str, Sequence[Revision]]:
        """Return `history` of every entity of the type, or of those that a batch wrote, by id."""
        ...

    async def snapshot(
        self,
        pages: Collection[str] | None = None,
        *,
        history: bool = False,
        only: Collection[str] | None = None,
    ) -> Snapshot:
        """Return what is stored of these pages, or of all, at this moment.

        With `history`, the earlier live texts too. With `only`, no texts but those of these
        sections.
        """
        ...

    async def heads(self, pages: Collection[str] | None = None) -> tuple[Heads, Heads]:
        """Return what is known, at one moment, of the drafts and live texts of these pages or all.

        No text is read.
        """
        ...

    async def live_before(self, at: float, pages: Collection[str] | None = None) -> Heads:
        """Return what was live at a moment on these pages, or on all; no text is read.

        Without bases and marks: these are not kept.
        """
        ...

    async def latest(
        self, entity_ids: Collection[str] | None, *, before: int | None, limit: int
    ) -> Sequence[Revision]:
        """Return the revisions of these entities, or of all, newest first: drafts and live texts.

        Those that never were current, too. `before`: only those with a smaller id.
        """
        ...

    async def revisions(self, ids: Collection[int]) -> Mapping[int, Revision]:
        """Return these revisions by id; one that is not there is left out."""
        ...

    async def revisions_of_batch(self, batch_id: str) -> Sequence[Revision]:
        """Return every revision that a batch stored, oldest first."""
        ...

    async def pages_of_batch(self, batch_id: str, *, type: str = PRODUCTION) -> Mapping[str, bool]:
        """Return the pages on which a batch changed live texts, or drafts where `type` says so.

        With each goes whether the batch left any there.
        """
        ...

    async def changes_of_batch(
        self, batch_id: str, type: str, entity_ids: Collection[str]
    ) -> Mapping[str, Change]:
        """Return, of these texts, what a batch has made of those that it changed."""
        ...

    async def edits(
        self, about: About | None = None, *, since: float, before: int | None = None, limit: int
    ) -> Sequence[Edit]:
        """Return what was written by hand outside any batch, newest first; before this `order`.

        `about` is a section or a page; `None` is the whole site. What somebody changed in a page's
        file counts once it was taken over.
        """
        ...

    async def edit_counts(
        self, about: About | None = None, *, since: float
    ) -> Mapping[Author, int]:
        """Return how many of these `edits` there are, by whom."""
        ...

    async def batches_about(self, about: About) -> Collection[str]:
        """Return the ids of the batches that wrote texts of a section, or on a page."""
        ...

    async def page_files(self, pages: Collection[str] | None = None) -> Mapping[str, KnownFile]:
        """Return what is known of the files of these pages, or of all, by page.

        A page whose file nobody has looked at is not there, nor one whose row somebody damaged:
        its file is looked at as for the first time, with `version` 0.
        """
        ...

    async def put_seen(self, seen: Sequence[KnownFile]) -> None:
        """Remember stat and hash of files whose spans are as they were known to be (P2).

        Nothing else of them is stored, and their version stays. Where another has stored a page
        since, or nobody ever has, nothing happens.
        """
        ...

    async def page_bytes(self, hash: str) -> bytes | None:
        """Return the bytes of a page that were kept and have this hash; `None`: they are not."""
        ...

    async def page_versions(self, page: str) -> Sequence[PageVersion]:
        """Return what was kept of a page's file, oldest first."""
        ...

    async def kept(
        self, pages: Collection[str], *, before: int | None, limit: int
    ) -> Sequence[PageVersion]:
        """Return what was kept of these pages' files, newest first, each with its size.

        What a write found is left out where that was kept last. `before`: only those with a
        smaller id.
        """
        ...

    async def latest_kept(self, page: str, *, limit: int) -> Sequence[PageVersion]:
        """Return what was kept last of a page's file, newest first.

        What a write found is left out: of what it left, `before` says it.
        """
        ...

    async def past_usage(self, model: str, *, count: int) -> Sequence[PastUsage]:
        """Return what the latest drafts by a model used, newest first."""
        ...

    async def known_paths(self) -> Sequence[str]:
        """Return the paths of the page files that are there, or that somebody took away."""
        ...

    async def known_sections(self) -> Mapping[str, Sequence[str]]:
        """Return, by page, the sections that its file had when it was last seen."""
        ...

    async def move_page(self, old: str, new: str, file: str) -> bool:
        """Give all that is stored of a page to the page that its file was renamed to.

        Returns whether it was done: not where something is stored of the new one, or while
        something is under way on the old one.
        """
        ...

    async def put_site(self, hash: str, document: str) -> None:
        """Store a parsed site under its hash, as the newest; the same hash again is that site."""
        ...

    async def get_site(self, hash: str) -> str | None:
        """Return the site stored under this hash."""
        ...

    async def get_material(self, hash: str) -> str | None:
        """Return the text that was pasted as a source and has this hash."""
        ...

    async def newest_site(self) -> str | None:
        """Return the site that was stored last, `None` if none ever was."""
        ...
