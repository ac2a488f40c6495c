"""The plan of a call: the jobs to queue, each with its description for the answer. Pure.

A plan lists the sections that the call works on, with the hashes that it saw (R1). The jobs carry
these hashes, and they are checked in the transaction that writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from mcp_server.content.actions.calls import Planned, Skipped
from mcp_server.content.actions.job_keys import key_of_claim
from mcp_server.entities.effects import PutBack
from mcp_server.entities.entity import page_of, split_id
from mcp_server.jobs.job import Dedup, NewJob, Priority

STATIC = "has a static text in site.yaml"
"""Why a section is neither drafted nor promoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Jobs to queue, each with its description for the answer, and the sections left out."""

    steps: tuple[tuple[Planned, NewJob], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    files: Mapping[str, NewJob] = field(default_factory=dict[str, NewJob])
    """Jobs that write a missing file again although no text changes, by the file's shown path."""
    declared: Mapping[str, NewJob] = field(default_factory=dict[str, NewJob])
    """Jobs that bring what `site.yaml` declares into a page's file, by what that is (P11)."""
    put_back: frozenset[str] = frozenset()
    """Sections that somebody took out of their files, and that are named: they come back (P5)."""

    @property
    def planned(self) -> tuple[Planned, ...]:
        """The descriptions of the jobs, for the answer."""
        return tuple(planned for planned, _ in self.steps)

    @property
    def put_back_effects(self) -> tuple[PutBack, ...]:
        """What lets the named sections be written again."""
        pages = dict.fromkeys(map(page_of, sorted(self.put_back)))
        return tuple(
            PutBack(page, frozenset(split_id(i)[1] for i in self.put_back if page_of(i) == page))
            for page in pages
        )

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages that it is about."""
        pages = [page_of(job.subject) for _, job in self.steps]
        return tuple(dict.fromkeys([*pages, *(job.subject for job in self.written)]))

    @property
    def jobs(self) -> tuple[NewJob, ...]:
        """All jobs to queue."""
        return (*(job for _, job in self.steps), *self.written)

    @property
    def written(self) -> tuple[NewJob, ...]:
        """Jobs that write files although no text changes, one for each page."""
        jobs = [*self.files.values(), *self.declared.values()]
        return tuple({job.subject: job for job in jobs}.values())


def new_job(
    kind: str,
    payload: BaseModel,
    section: str,
    *,
    claim: str,
    priority: int = Priority.NORMAL,
    requires: str | None = None,
    retries: int = 3,
) -> NewJob:
    """Return the job for one section. Two jobs with the same `claim` never work on one section."""
    return NewJob(
        kind=kind,
        payload=payload.model_dump(mode="json", exclude_none=True),
        subject=section,
        priority=priority,
        max_retries=retries,
        dedup=Dedup.SKIP,
        dedup_key=key_of_claim(claim, section),
        requires=requires,
    )
