"""Spans as an OpenTelemetry SDK takes them: one call, followed through batch, attempt and model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.harness import desk, small_site
from tests.promises.moves import QUICK, TOOL, says, settings
from tests.waiting import wait_until
from tests.wire import over_stdio

pytestmark = pytest.mark.anyio

SITE_CUSTOMIZE = """
import os
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

file = open(os.environ["SPANS"], "a", encoding="utf-8")
exporter = ConsoleSpanExporter(out=file, formatter=lambda span: span.to_json(indent=None) + "\\n")
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""
"""Sets up an SDK in every process, as `opentelemetry-instrument` does."""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What an SDK in this process takes; a process has one for good, so this one stays."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()  # and in silence, unlike its processor, it takes no more


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """Return the spans of a name that have ended."""
    return [span for span in spans.get_finished_spans() if span.name == name]


def is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether one span is right below the other, in the same trace."""
    assert parent.context is not None and span.context is not None
    above = span.parent
    if above is None or span.context.trace_id != parent.context.trace_id:
        return False
    return above.span_id == parent.context.span_id


def attributes(span: ReadableSpan) -> dict[str, object]:
    """Return what is said of a span."""
    return dict(span.attributes or {})


def texts(found: Sequence[ReadableSpan]) -> str:
    """Return everything that these spans say."""
    return "\n".join(span.to_json() for span in found)


async def test_a_call_is_followed_through_batch_attempt_and_model(
    tmp_path: Path, llmock: LLMock, spans: InMemorySpanExporter
) -> None:
    """Each is the child of the one before; what was written is in none of them."""
    root = small_site(tmp_path, {"menu": 1}, **settings(llmock.base_url("openai")))
    says(llmock, "A very particular sentence.")
    async with desk(root) as chat:
        answer = await chat.run("generate-all")
    assert answer["status"] == "completed"
    [call] = [s for s in named(spans, "tools/call generate-all") if s.kind is trace.SpanKind.SERVER]
    [submit] = named(spans, "submit generate")
    [attempt] = named(spans, "attempt content-generate")
    [asked] = named(spans, "chat writer")
    assert is_child(submit, call)
    assert is_child(attempt, submit)
    [run] = [span for span in spans.get_finished_spans() if is_child(asked, span)]
    assert is_child(run, attempt)
    assert attributes(submit)["pressroom.batch.id"] == answer["batchId"]
    said = attributes(attempt)
    assert said["pressroom.batch.id"] == answer["batchId"]
    assert said["pressroom.job.subject"] == "menu/s1"
    assert (said["pressroom.attempt.number"], said["pressroom.outcome"]) == (1, "done")
    assert "very particular" not in texts(spans.get_finished_spans())


async def test_a_failed_attempt_is_an_error_and_a_retry_is_of_its_own_call(
    tmp_path: Path, llmock: LLMock, spans: InMemorySpanExporter
) -> None:
    """The attempts of the next round are children of the call that opened it."""
    root = small_site(tmp_path, {"menu": 1}, **settings(llmock.base_url("openai"), max_retries=0))
    llmock.call_tool(TOOL, {"nothing": "that was asked for"}, times=3)
    says(llmock, "Better.")
    async with desk(root) as chat:
        failed = await chat.run("generate-all")
        assert failed["status"] == "failed", failed
        retried = await chat.run("retry", batchId=failed["batchId"])
        assert retried["status"] == "completed", retried
    first, second = named(spans, "attempt content-generate")
    [again] = named(spans, "retry generate")
    assert first.status.status_code is trace.StatusCode.ERROR
    assert attributes(first)["error.type"] == "invalid-answer"
    assert is_child(second, again)
    assert second.status.status_code is trace.StatusCode.UNSET


async def test_the_attempt_of_a_detached_worker_is_a_child_of_the_call(tmp_path: Path) -> None:
    """Three processes, one trace: client, server and worker; the client's own span is above all."""
    root = small_site(tmp_path / "site", {"menu": 1}, **QUICK)
    (tmp_path / "sitecustomize.py").write_text(SITE_CUSTOMIZE, "utf-8")
    out = tmp_path / "spans"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    async with over_stdio(root, PYTHONPATH=path, SPANS=str(out)) as chat:
        await chat.run("generate-all")
    wait_until(lambda: '"attempt content-generate"' in out.read_text("utf-8"))
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    by_name = {span["name"]: span for span in found}
    attempt, submit = by_name["attempt content-generate"], by_name["submit generate"]
    assert attempt["parent_id"] == submit["context"]["span_id"]
    assert attempt["context"]["trace_id"] == submit["context"]["trace_id"]
    assert submit["parent_id"] == by_name["tools/call generate-all"]["context"]["span_id"]


def test_without_an_sdk_there_are_no_spans_and_it_is_not_imported() -> None:
    """Nobody pays for what they did not ask for."""
    code = (
        "import sys, mcp_server.app\n"
        "from mcp_server.jobs.telemetry import is_tracing\n"
        "heavy = ('opentelemetry.sdk', 'prometheus_client')\n"
        "print(is_tracing(), [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False []\n"
