"""What may be asked of a queue: jobs, outcomes, and which of the things that are there."""

from __future__ import annotations

from hypothesis import strategies as st

from mcp_server.entities.effects import Require
from mcp_server.entities.entity import PREVIEW
from mcp_server.jobs.job import Dedup
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.jobs.records import Request
from tests.storage.stores import a_job

FOLLOW_UPS = (
    a_job(dedup=Dedup.COALESCE, dedup_key="page", counted=False),
    a_job(dedup=Dedup.COALESCE, dedup_key="page"),
    a_job(dedup=Dedup.REPLACE, dedup_key="page", payload={"n": 2}, counted=False),
    a_job(dedup=Dedup.SKIP, dedup_key="k1"),
    a_job(counted=False),
)
JOBS = (
    a_job(),
    a_job(priority=10, max_retries=0),
    a_job(counted=False),
    a_job(dedup=Dedup.SKIP, dedup_key="k1"),
    a_job(dedup=Dedup.SKIP, dedup_key="k2"),
    a_job(dedup=Dedup.COALESCE, dedup_key="page"),
    a_job(dedup=Dedup.COALESCE, dedup_key="page", counted=False),
    a_job(dedup=Dedup.REPLACE, dedup_key="page", payload={"n": 3}),
    a_job(dedup=Dedup.REPLACE, dedup_key="page", payload={"n": 4}, delay_s=5.0, requires="key:x"),
    a_job(delay_s=5.0),
    a_job(requires="key:x"),
)
OUTCOMES: tuple[Outcome, ...] = (
    Done(),
    Done({"n": 1}),
    *(Done(effects=(Enqueue(job),)) for job in FOLLOW_UPS),
    Done(effects=(Enqueue(a_job()), Require(PREVIEW, "menu/hero", "0" * 32))),
    Skip("nothing"),
    Retry("again"),
    Retry("again", after_s=0.0),
    Snooze(0.0),
    Fail("no", "it cannot"),
    Fail("no", "it cannot", effects=(Enqueue(FOLLOW_UPS[0]),)),
    Pause("no key"),
)
EFFECTS = (Enqueue(FOLLOW_UPS[0]), Enqueue(FOLLOW_UPS[3]), Require(PREVIEW, "a/b", "0" * 32))
REQUESTS = (*[None] * 6, *(Request(key=key, digest=digest) for key in "pq" for digest in "de"))

which = st.integers(0, 3)
"""Of the things that there are, counted from the newest."""
ANY_ATTEMPT = 5
attempts = st.integers(0, 2 * ANY_ATTEMPT - 1)
"""Of the attempts; half of the time of those alone that still have their claim."""
some = st.lists(attempts, min_size=1, max_size=3)
jobs = st.lists(st.sampled_from(JOBS), min_size=1, max_size=4)
claims = st.tuples(st.integers(1, 4), st.sampled_from([("key:x",), ()]), st.sampled_from("vw"))
