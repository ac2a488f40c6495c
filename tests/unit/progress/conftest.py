"""Batches and jobs as the store would return them, with only what a test is about spelled out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mcp_server.jobs.job import Batch, Job, Step
from tests.specimens import BATCH, JOB

MakeBatch = Callable[..., Batch]
MakeJob = Callable[..., Job]


@pytest.fixture
def a_batch() -> MakeBatch:
    """Make a batch of 21 that is being worked on; keywords say what is different."""

    def make(**different: Any) -> Batch:
        return replace(BATCH, **different)

    return make


@pytest.fixture
def a_job() -> MakeJob:
    """Make a running job; `done` is the fraction it last reported, keywords what is different."""

    def make(done: float | None = None, **different: Any) -> Job:
        step = None if done is None else Step(current=done, total=1.0)
        return JOB._replace(**({"step": step} | different))

    return make
