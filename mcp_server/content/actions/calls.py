"""The calls that the content service takes, and the answer that it gives at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_server.content.drafting.prompt import Mode
from mcp_server.content.text.replace import Replacement
from mcp_server.progress.verbs import Verb


@dataclass(frozen=True, slots=True)
class Quoted:
    """A sentence of ours, followed by words from a file, which a chat must see marked as data."""

    said: str
    words: str


Note = str | Quoted
"""Something that the caller must know: in our own words, or quoting a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which sections are selected. If nothing is named, all are."""

    page: str | None = None
    section: str | None = None
    """`page/section`, or the bare section id where `page` is given too."""
    pages: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateCall:
    """Draft the selected sections.

    Without a mode: `leave`; with instructions or material `with-current`.
    """

    selector: Selector = Selector()
    mode: Mode | None = None
    instructions: str = ""
    material: str = ""
    """A text to write from, beside the facts."""
    max_cost_usd: float | None = None
    """The most that the batch may cost, over all its rounds."""
    dry_run: bool = False
    request_key: str | None = None
    tool: str = "generate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCall:
    """Change live texts: make drafts live, or take changes back.

    `batch_id` is the batch whose drafts are promoted (R8), or which is rolled back (R12). A
    rollback may go back to a `revision` instead, by the hash of its text, or to a moment (R29).
    """

    selector: Selector = Selector()
    batch_id: str | None = None
    revision: str | None = None
    as_of: float | None = None
    digest: str | None = None
    force: bool = False
    dry_run: bool = False
    request_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCall:
    """Change a draft by hand, at once; exactly one of the ways from `text` to `discard` is given.

    Only `replace` may be about several sections.
    """

    selector: Selector = Selector()
    text: str | None = None
    """The whole text of the section, in Markdown."""
    fields: Mapping[str, Any] | None = None
    """Those of the template that change; `None` takes an optional one away."""
    replace: tuple[Replacement, ...] = ()
    restore: str | None = None
    """The first digits of the hash of a revision that becomes the draft."""
    discard: bool = False
    """Bring the draft back that was current before, or have none."""
    content_hash: str | None = None
    """The first digits of the hash of the text that the caller has read."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A section that was left out, the reason, and the batch that holds it, if one does."""

    section: str
    reason: str
    held: bool = False
    """Whether an unfinished batch holds it. If that is another owner's, it is not named."""
    batch_id: str | None = None
    paused_reason: str | None = None
    """Why that batch is paused, if it is: then waiting for it does not help."""
    mistake: bool = False
    """Whether a mistake in `site.yaml` keeps this section from being worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A section to be worked on, and its live text's hashes before and after, if that changes."""

    section: str
    change: str
    """In words: `draft`, `redraft`, `publish`, `replace`, `restore`, `remove`."""
    hash_from: str | None = None
    hash_to: str | None = None
    placeholder: bool = False
    conflict: str | None = None
    """Why this section will fail with `conflict` as things stand."""
    live_since: float | None = None
    """In a rollback: when the text that goes went live."""
    comes_from: float | None = None
    """When the text that comes back went live."""
    newer_draft: bool = False
    """Whether there is a draft that is neither of them, and that stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCall:
    """A call that would help now, in words and as tool name and wire arguments."""

    tool: str
    arguments: dict[str, object]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What drafting will use, and cost if the price is known."""

    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    from_drafts: int
    """How many earlier drafts it was made from; without one, from the templates alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The answer to a call that queues work.

    `batch_id` is `None` where nothing was queued: a dry run, or nothing to do. With `duplicate`
    the batch is one that was under way already.
    """

    verb: Verb
    total_sections: int
    """How many of the selected sections can be worked on."""
    planned: tuple[Planned, ...]
    """What was queued; in a dry run, what would be."""
    skipped: tuple[Skipped, ...] = ()
    batch_id: str | None = None
    duplicate: bool = False
    dry_run: bool = False
    model: str | None = None
    digest: str | None = None
    """Identifies what a promote or rollback changes; passed as `digest` to the real call."""
    notes: tuple[Note, ...] = ()
    """What the caller must know: placeholders, instructions that are ignored, …"""
    with_findings: int = 0
    """How many of the texts have findings."""
    files: int = 0
    """How many missing files are written again although no text changes, or would be."""
    next_calls: tuple[NextCall, ...] = ()
    paused_reason: str | None = None
    """Why the batch found as a duplicate is paused."""
    taken_up: int = 0
    """How many sections a retry takes up again; they are counted, not listed in `planned`."""
    estimate: Estimate | None = None
    """In a dry run of drafting by a model: what it would cost."""
    ended_as: str | None = None
    """If the same request was answered before with a batch that has ended: in which state."""

    @property
    def count(self) -> int:
        """How many sections are worked on, or would be."""
        return len(self.planned) + self.taken_up
