"""What a site's user can have done, one row a verb: the words in which it is spoken of.

Whoever says something of a batch looks its words up here, so a new verb is a new row. What a verb
does is in `content.actions`; its jobs' terms, priority and keys are there, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import cast

from mcp_server.jobs.job import Batch, Job, Json

KEPT = "What was done stays."
"""What a cancelled batch leaves behind, of a verb that says no more of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """The words for one kind of batch."""

    kind: str
    """The kind of its batches, which is also the name of its tool."""
    noun: str
    """As in `Queued generation of 5 sections`."""
    name: str
    """What an operation of it is called in a list."""
    infinitive: str
    """As in `No sections to roll back`."""
    would: str
    """As in `Would draft 5 sections`."""
    past: str
    """As in `39 of 40 drafted`."""
    doing: str
    """As in `drafting menu/hero`."""
    job_kind: str = ""
    """The kind of the jobs that do it, which a batch counts."""
    target: str = ""
    """Where it goes, with a space before it: ` to production`."""
    writes_files: bool = False
    """Whether pages' files follow from it. They may fail although every section is done."""
    kept: str = KEPT
    """What a cancelled batch leaves behind, and which call goes on from there."""
    conflict_help: str = ""
    """What helps a section that somebody changed meanwhile, which `retry` leaves out."""
    next_tool: str | None = None
    """The tool that most likely comes next once a batch of it has done something."""


GENERATE = Verb(
    kind="generate",
    noun="generation",
    name="Content generation",
    infinitive="generate",
    would="draft",
    past="drafted",
    doing="drafting",
    job_kind="content-generate",
    kept="The drafts that were written stay; retry takes up only the rest.",
    conflict_help="generate it anew",
    next_tool="promote",
)
PROMOTE = Verb(
    kind="promote",
    noun="promotion",
    name="Content promotion",
    infinitive="promote",
    would="promote",
    past="promoted",
    doing="promoting",
    job_kind="content-promote",
    target=" to production",
    writes_files=True,
    kept="What is already live stays live; rollback with this batchId takes it back.",
    conflict_help="promote it again, with force if the live text may go",
)
ROLLBACK = Verb(
    kind="rollback",
    noun="rollback",
    name="Content rollback",
    infinitive="roll back",
    would="roll back",
    past="rolled back",
    doing="rolling back",
    job_kind="content-rollback",
    writes_files=True,
    kept="What was already taken back stays so; retry takes up only the rest.",
    conflict_help="roll the section back by name, or with force",
)

UNPUBLISH = Verb(
    kind="unpublish",
    noun="unpublishing",
    name="Content unpublishing",
    infinitive="unpublish",
    would="unpublish",
    past="unpublished",
    doing="unpublishing",
    job_kind="content-unpublish",
    writes_files=True,
    kept="What is already off stays off; rollback with this batchId brings it back.",
    conflict_help="unpublish it again, with force if what it says now may go",
)

VERBS: Mapping[str, Verb] = {verb.kind: verb for verb in (GENERATE, PROMOTE, ROLLBACK, UNPUBLISH)}
"""Our own verbs, by the kind of their batches."""

WORDS = "words"
"""Where a plugin's words are in the details of its batch, so that every process has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a plugin calls its batches, and what they do, where plain words would not be enough."""

    name: str
    """What an operation of it is called in a list: `Word count`."""
    past: str = "done"
    """As in `39 of 40 counted`."""
    doing: str = ""
    """As in `counting menu`; without it, the kind of the job."""
    kept: str = KEPT
    """What a cancelled batch leaves behind, in a sentence."""


def verb_of(batch: Batch) -> Verb:
    """Return the words for a batch: ours, those that a plugin gave it, or plain ones."""
    if known := VERBS.get(batch.kind):
        return known
    given: object = batch.details.get(WORDS)
    if not isinstance(given, Mapping):
        return plain_verb(batch.kind)
    texts = {name: text for name, text in cast("Json", given).items() if isinstance(text, str)}
    names = {field.name for field in fields(Words)}
    return replace(plain_verb(batch.kind), **{n: text for n, text in texts.items() if n in names})


def doing(batch: Batch, job: Job) -> str:
    """Return what a job of a batch is doing, as in `drafting menu/hero`, without what it is about.

    A plugin's word is for the jobs that its batch counts.
    """
    known = JOBS_DOING.get(job.kind)
    own = verb_of(batch).doing if WORDS in batch.details and job.counted else ""
    return known or own or job.kind


def plain_verb(kind: str) -> Verb:
    """Return the words for a kind of batch that nobody has given any."""
    return Verb(
        kind=kind,
        noun=kind,
        name=kind_name(kind),
        infinitive="do",
        would="do",
        past="done",
        doing=kind,
    )


def kind_name(kind: str) -> str:
    """Return what a job or a batch of this kind is called: `site-build` is `Site build`."""
    known = VERBS.get(kind)
    return known.name if known else kind.replace("-", " ").replace("_", " ").capitalize()


JOBS_DOING: Mapping[str, str] = {verb.job_kind: verb.doing for verb in VERBS.values()} | {
    "content-export": "writing"
}
"""What a running job is doing, by its kind. An export follows from verbs and is none itself."""
