"""What a caller may ask of the content service, and what it is told at once."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.content.drafting.prompt import Mode
from mcp_server.progress.verbs import Verb


@dataclass(frozen=True, slots=True)
class Quoted:
    """A sentence of ours, and after it words of a file: a chat is shown those only as data."""

    said: str
    words: str


Note = str | Quoted
"""What a caller must know: in words that are all ours, or with words of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which sections are meant. Nothing named means all; an empty list is an absent one."""

    page: str | None = None
    section: str | None = None
    """`page/section`, or the bare section id where `page` is given too."""
    pages: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateCall:
    """Draft the selected sections. No mode is `leave`, or `with-current` with instructions."""

    selector: Selector = Selector()
    mode: Mode | None = None
    instructions: str = ""
    dry_run: bool = False
    request_key: str | None = None
    tool: str = "generate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCall:
    """Change live texts: make drafts live, or take changes back.

    `batch_id` is the batch whose drafts are promoted (R8), or which is rolled back (R12).
    """

    selector: Selector = Selector()
    batch_id: str | None = None
    digest: str | None = None
    force: bool = False
    dry_run: bool = False
    request_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A section that was left out, why, and the batch that holds it where one does."""

    section: str
    reason: str
    held: bool = False
    """Whether an unfinished batch holds it, which may be another owner's: that is not named."""
    batch_id: str | None = None
    paused_reason: str | None = None
    """Why that batch is paused, if it is: waiting for it does not help."""
    mistake: bool = False
    """Whether `site.yaml` is to be mended before this section can be worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A section that is worked on, and what its live text goes from and to, if it changes."""

    section: str
    change: str
    """In words: `draft`, `redraft`, `publish`, `replace`, `restore`, `remove`."""
    hash_from: str | None = None
    hash_to: str | None = None
    placeholder: bool = False
    conflict: str | None = None
    """Why this section will fail with `conflict` as things stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCall:
    """A call that would help now, in words and as tool name and wire arguments."""

    tool: str
    arguments: dict[str, object]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of a queueing call.

    `batch_id` is `None` where nothing was queued: a dry run, or nothing to do. With `duplicate`
    the batch is one that was under way already.
    """

    verb: Verb
    total_sections: int
    """Sections that were selected and can be worked on at all."""
    planned: tuple[Planned, ...]
    """What was queued, or what would be in a dry run."""
    skipped: tuple[Skipped, ...] = ()
    batch_id: str | None = None
    duplicate: bool = False
    dry_run: bool = False
    model: str | None = None
    digest: str | None = None
    """What a promote or rollback is about to do, for the `digest` argument of the real call."""
    notes: tuple[Note, ...] = ()
    """Sentences the caller must know: placeholders, instructions ignored, detached worker, …"""
    with_findings: int = 0
    """How many of the texts hold something that a check has to say something of."""
    next_calls: tuple[NextCall, ...] = ()
    paused_reason: str | None = None
    """Why the batch found as a duplicate is paused."""
    taken_up: int = 0
    """Sections that are worked on beside the planned ones, and that nobody needs to be listed."""
    ended_as: str | None = None
    """How the batch has ended that the same request was answered with before."""

    @property
    def count(self) -> int:
        """How many sections are worked on, or would be."""
        return len(self.planned) + self.taken_up
