"""The answers of the tools: camelCase on the wire, absent instead of null, small.

The docstrings of these models are sent to clients, as descriptions in the output schemas.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

QueueStatus = Literal[
    "queued", "planned", "completed", "pending", "processing", "paused", "failed", "cancelled"
]


class WireModel(BaseModel):
    """Base of all that is answered."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True
    )

    def facts(self) -> dict[str, Any]:
        """Return the structured content; fields that are `None` are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def text(self) -> str:
        """Return the same facts as JSON, for clients that show a model only text."""
        return json.dumps(self.facts(), ensure_ascii=False)


class NextCallRow(WireModel):
    """A call that would help now."""

    tool: str
    arguments: dict[str, Any]
    why: str


class EstimateFacts(WireModel):
    """What drafting is expected to use; without earlier drafts, by its templates alone."""

    input_tokens: int
    output_tokens: int
    cost_usd: float | None = None
    from_drafts: int


class CostFacts(WireModel):
    """What a batch has cost, in US dollars; what is reserved counts too."""

    spent_usd: float
    reserved_usd: float | None = None
    limit_usd: float | None = None
    requests: int
    unpriced_requests: int | None = None


class SkippedRow(WireModel):
    """A section that was left out."""

    section: str
    reason: str
    batch_id: str | None = None


class PlannedRow(WireModel):
    """A section of a dry run; the hashes are shortened."""

    section: str
    change: str
    hash_from: str | None = None
    hash_to: str | None = None
    placeholder: bool | None = None
    conflict: str | None = None


class Operation(WireModel):
    """A batch, or a job outside any, as `status` lists it."""

    type: str
    status: str
    progress: str | None = None
    """Such as `8/12`; absent if the round has no sections, and only writes files."""
    percent_complete: int
    current_task: str | None = None
    started_at: str | None = None
    estimated_completion: str | None = None
    batch_id: str | None = None
    job_id: str | None = None
    by: str | None = None
    """Who asked for it; in a list of what has changed."""


class WorkerRow(WireModel):
    """One of several workers."""

    machine: str
    pid: int
    version: str
    running: int
    seen_seconds: float
    """How long ago it has said that it lives."""


class WorkerFacts(WireModel):
    """Whether somebody works."""

    alive: bool
    mode: str | None = None
    message: str | None = None
    pid: int | None = None
    version: str | None = None
    oldest_due_seconds: float | None = None
    last_claim_seconds: float | None = None
    worker_count: int | None = None
    workers: list[WorkerRow] | None = None
    """Where there may be several: which live, and where."""


class QueueFacts(WireModel):
    """How many jobs there are: of everybody, and less those that were forgotten after a day."""

    jobs: dict[str, int]
    kinds: dict[str, dict[str, int]]


class Counts(WireModel):
    """How many sections there are, and where they stand; of a batch, those of its latest round."""

    total: int
    pending: int
    processing: int
    completed: int
    failed: int
    paused: int | None = None
    cancelled: int | None = None


class SectionRow(WireModel):
    """A section of a batch, or a file that it writes; `skipped`: it was left out when planned."""

    section: str
    state: str
    reason: str | None = None
    code: str | None = None
    job_id: str | None = None
    round: int | None = None
    """The round in which it was worked on last, if that is not the first."""
    hash_from: str | None = None
    hash_to: str | None = None
    cost_usd: float | None = None


class JobRow(WireModel):
    """One job, as it is stored; texts in it stand between the marks that `marks` names."""

    job_id: str
    kind: str
    subject: str
    state: str
    batch_id: str | None = None
    attempts: int
    crashes: int | None = None
    code: str | None = None
    reason: str | None = None
    step: str | None = None
    template_name: str | None = None
    target_entity_type: str | None = None
    payload: dict[str, Any]
    result: dict[str, Any] | None = None


class ReviewedRow(WireModel):
    """A section as it stands; generated texts stand between the marks that `marks` names."""

    section: str
    state: str
    template: str | None = None
    author: str | None = None
    placeholder: bool | None = None
    locked: bool | None = None
    draft_hash: str | None = None
    live_hash: str | None = None
    batch_id: str | None = None
    note: str | None = None
    findings: list[str] | None = None
    found_in: str | None = None
    file_hash: str | None = None
    size: int | None = None
    when: str | None = None
    instructions: str | None = None
    related: list[str] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    draft: str | None = None
    live: str | None = None
    diff: str | None = None
    file: str | None = None


class PageRow(WireModel):
    """A page, its title, and how many of its sections are in each state."""

    page: str
    title: str | None = None
    counts: dict[str, int]


class Reply(WireModel):
    """What every answer has: a sentence."""

    message: str


class QueueReply(Reply):
    """What became of a call that queues; words of a file stand between the marks."""

    status: QueueStatus
    batch_id: str | None = None
    tip: str | None = None
    next: str | None = None
    total_sections: int
    queued_sections: int
    sections: list[PlannedRow] | None = None
    skipped: list[SkippedRow] | None = None
    skipped_count: int | None = None
    duplicate: bool | None = None
    model: str | None = None
    estimate: EstimateFacts | None = None
    digest: str | None = None
    sections_with_findings: int | None = None
    notes: list[str] | None = None
    marks: str | None = None
    calls: list[NextCallRow] | None = None
    operation: Operation | None = None
    files: list[str] | None = None
    file_count: int | None = None


class PluginReply(Reply):
    """What became of a call of a plugin's tool, which queues a job or a batch."""

    status: str
    job_id: str | None = None
    batch_id: str | None = None
    tip: str | None = None
    next: str | None = None
    operation: Operation | None = None
    marks: str | None = None
    job: JobRow | None = None
    notes: list[str] | None = None


class StatusReply(Reply):
    """What runs, what ran, and whether a worker lives."""

    operations: list[Operation]
    counts: Counts | None = None
    cost: CostFacts | None = None
    sections: list[SectionRow] | None = None
    marks: str | None = None
    job: JobRow | None = None
    files: list[str] | None = None
    file_count: int | None = None
    next: str | None = None
    next_cursor: int | None = None
    worker: WorkerFacts | None = None
    queue: QueueFacts | None = None
    notes: list[str] | None = None


class CancelReply(Reply):
    """What a cancellation found."""

    status: str | None = None
    batch_id: str | None = None
    stopped: int
    never_started: int
    already_done: int
    next: str | None = None
    notes: list[str] | None = None


class EditedRow(WireModel):
    """The draft of a section after an edit; what has changed stands between the marks."""

    section: str
    state: str
    content_hash: str | None = None
    diff: str | None = None
    findings: list[str] | None = None


class EditReply(Reply):
    """What became of an edit."""

    sections: list[EditedRow]
    marks: str | None = None
    notes: list[str] | None = None
    next: str | None = None


class ReviewReply(Reply):
    """The counts of all selected sections, and some of them."""

    counts: dict[str, int]
    marks: str | None = None
    pages: list[PageRow] | None = None
    sections: list[ReviewedRow]
    brief: str | None = None
    planned: list[PlannedRow] | None = None
    skipped: list[SkippedRow] | None = None
    digest: str | None = None
    notes: list[str] | None = None
    next: str | None = None
    next_cursor: int | None = None


class SearchedRow(WireModel):
    """A text that was found: where it is, why, and the piece that shows it, between the marks."""

    type: str
    id: str
    file: str | None = None
    state: str | None = None
    why: str
    snippet: str
    note: str | None = None


class SearchReply(Reply):
    """What was found, the best first."""

    marks: str | None = None
    found: list[SearchedRow]
    notes: list[str] | None = None
    next: str | None = None
    next_cursor: int | None = None
