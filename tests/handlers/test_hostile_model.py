"""Drafting by a model server that means harm: it costs little, and ends in plain words."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from threading import Event
from typing import Any, TypeVar, cast

import pytest
import structlog.testing
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from mcp_server.content.drafting.client import ModelClient
from mcp_server.content.drafting.drafter import (
    Drafted,
    Drafter,
    ModelBusy,
    ModelKeyRefused,
    ModelRefused,
    ModelRejected,
    ModelTrouble,
    Usage,
    drafter_for,
)
from mcp_server.content.drafting.failures import AFTER_S_MAX
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.prompt import prompt_for
from mcp_server.content.text.fields import answer_model
from tests.handlers.test_model_over_http import GOOD, HERO, REQUEST
from tests.hostile_model import (
    MEGABYTE,
    Hostile,
    Script,
    answer,
    bomb,
    chunked,
    completion,
    head,
    hostile,
)

pytestmark = pytest.mark.anyio

over_url = pytest.mark.parametrize("desk", ["url"], indirect=True)
"""For what happens below the SDKs, and is the same for all."""

T = TypeVar("T", bound=ModelTrouble)
KEY = "sk-only-for-this-test-0123456789"
ENVIRON = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "PRESSROOM_MODEL_KEY": KEY}
ROOM_BYTES = 12 * MEGABYTE
"""What a bad answer may take while it is read: a few times its bound."""


@dataclass
class Desk:
    """A drafter that asks a hostile server, in one of the dialects."""

    dialect: str
    server: Hostile
    drafter: Drafter

    async def draft(self, *scripts: Script | bytes) -> Drafted:
        """Return the draft that comes of what the server sends."""
        self.server.scripts = list(scripts)
        return await self.drafter.draft(REQUEST, _silent)

    async def trouble(self, kind: type[T], script: Script | bytes) -> T:
        """Return the trouble, of exactly this kind, that drafting ends in."""
        with pytest.raises(kind) as caught:
            await self.draft(script)
        assert type(caught.value) is kind
        return caught.value

    async def end(self, script: Script | bytes) -> Drafted | ModelTrouble:
        """Return how drafting ends, in a text or in words."""
        try:
            return await self.draft(script)
        except ModelTrouble as trouble:
            return trouble

    def good(self, **more: Any) -> str:
        """Return an answer as it should be."""
        return completion(self.dialect, json.dumps(GOOD), **more)


@pytest.fixture(params=["openai", "anthropic", "url"])
async def desk(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncGenerator[Desk]:
    """Each way to speak to a model: OpenAI, Anthropic, and an OpenAI-compatible URL.

    It has been used once, so that what is measured is no import.
    """
    with hostile(b"") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("ANTHROPIC_BASE_URL", server.url)
        drafter = drafter_for(choice_of(request.param, server), environ=ENVIRON)
        desk = Desk(request.param, server, drafter)
        try:
            await desk.draft(answer(desk.good()))
            server.requests.clear()
            yield desk
        finally:
            await drafter.aclose()


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
    exporter.shutdown()


# Size


async def test_a_small_answer_that_unpacks_into_a_large_one_is_dropped(desk: Desk) -> None:
    """At a bound, and asking again would only cost again: the section fails."""
    packed = bomb("gzip", 50)
    with little_memory():
        refused = await desk.trouble(ModelRefused, packed)
    assert "larger than 1 MB" in str(refused)
    assert len(desk.server.requests) == 1


@over_url
@pytest.mark.parametrize("packing", ["deflate", "br", "zstd", "gzip, gzip", "gzip, br"])
async def test_an_answer_that_is_packed_otherwise_is_not_unpacked(desk: Desk, packing: str) -> None:
    """Nobody asked for it, and each way to unpack has bombs of its own."""
    packed = bomb("gzip, gzip" if "," in packing else "gzip", 20)
    named = packed.replace(b"content-encoding: gzip", f"content-encoding: {packing}".encode(), 1)
    with little_memory():
        assert "packed in a way" in str(await desk.trouble(ModelRefused, named))


async def test_what_models_fill_in_takes_little_memory_however_it_is_made(desk: Desk) -> None:
    """A text of brackets is small, and large once it is parsed."""
    arguments = '{"headline": [' + '{"a": 0}, ' * 30_000 + "{}]}"
    with little_memory():
        await desk.trouble(ModelRefused, answer(completion(desk.dialect, arguments)))


@over_url
async def test_a_packed_answer_in_many_small_pieces_is_dropped_too(desk: Desk) -> None:
    """The unpacked bytes are counted over all of them."""
    packed = gzip.compress(b" " * (50 * MEGABYTE))
    pieces = [packed[at : at + 100] for at in range(0, len(packed), 100)]

    def script(_: Event) -> Iterable[bytes]:
        yield head(transfer_encoding="chunked", content_encoding="gzip")
        yield from (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)

    with little_memory():
        assert "larger than 1 MB" in str(await desk.trouble(ModelRefused, script))


async def test_an_honest_packed_answer_is_read(desk: Desk) -> None:
    """Servers pack where they are asked to, and are."""
    packed = gzip.compress(desk.good().encode())
    assert (await desk.draft(answer(packed, content_encoding="gzip"))).fields == GOOD
    assert "accept-encoding: gzip\r\n" in desk.server.requests[0].lower()


@over_url
@pytest.mark.parametrize("piece", [b"a", b" ", b"["])
async def test_an_answer_without_end_is_dropped(desk: Desk, piece: bytes) -> None:
    """Chunk by chunk, of whatever."""
    with little_memory():
        refused = await desk.trouble(ModelRefused, lambda _: chunked(repeat(piece * 65536)))
    assert "larger than 1 MB" in str(refused)


@over_url
async def test_an_answer_of_single_bytes_is_dropped(desk: Desk) -> None:
    """Each chunk costs time, whatever its size."""

    def script(_: Event) -> Iterable[bytes]:
        yield head(transfer_encoding="chunked")
        yield from repeat(b"1\r\na\r\n" * 1000)

    assert "20,000 pieces" in str(await desk.trouble(ModelRefused, script))


@over_url
@pytest.mark.parametrize(
    "piece",
    [
        b"x-more: and more\r\n" * 1000,
        b"set-cookie: a=" + b"b" * 65536,
        b"\r\nHTTP/1.1 100 Continue\r\n" * 1000,
        b"\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n" * 1000,
    ],
    ids=["many headers", "a long header", "continue", "early hints"],
)
async def test_a_head_without_end_is_dropped(desk: Desk, piece: bytes) -> None:
    """Headers, or one "wait a moment" after another."""

    def script(_: Event) -> Iterable[bytes]:
        yield b"HTTP/1.1 100 Continue\r\n"
        yield from repeat(piece)

    with little_memory():
        assert "64 kB of headers" in str(await desk.trouble(ModelRefused, script))
    assert len(desk.server.requests) == 1


@pytest.mark.parametrize(("status", "kind"), [(500, ModelBusy), (401, ModelKeyRefused)])
async def test_an_error_without_end_is_told_by_its_status(
    desk: Desk, status: int, kind: type[ModelTrouble]
) -> None:
    """Nobody reads more of it than its code takes."""
    packed = bomb("gzip", 50).replace(b" 200 ", f" {status} ".encode(), 1)
    with little_memory():
        await desk.trouble(kind, lambda _: chunked(repeat(b"a" * 65536), status))
        await desk.trouble(kind, packed)


@over_url
@pytest.mark.parametrize("media", ["application/json", "text/plain"])
async def test_a_character_set_that_unpacks_is_not_believed(desk: Desk, media: str) -> None:
    """Python's codecs include some that do, and a header may name any."""
    packed = zlib.compress(b"a" * (50 * MEGABYTE))
    named = f"{media}; charset=zlib"
    with little_memory():
        await desk.trouble(ModelRefused, answer(packed, content_type=named))
        await desk.trouble(ModelBusy, answer(packed, 500, content_type=named))
        await desk.trouble(ModelRejected, answer(b"{}", 400, content_type=named))


async def test_an_answer_through_a_proxy_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that the environment names is still used."""
    with hostile(bomb("gzip", 20)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("NO_PROXY", "")
        choice = ModelChoice(name="llama", url="http://models.invalid/v1")
        drafter = drafter_for(choice, environ=ENVIRON)
        await Desk("url", proxy, drafter).trouble(ModelRefused, proxy.scripts[0])
        await drafter.aclose()
    assert proxy.requests[0].startswith("POST http://models.invalid/v1/")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("ollama:llama3.2", "OLLAMA_BASE_URL"),
        ("vllm:llama", "VLLM_BASE_URL"),
        ("openai-chat:gpt-5.2", "OPENAI_BASE_URL"),
        ("gateway/openai:gpt-5.2", "PYDANTIC_AI_GATEWAY_BASE_URL"),
        ("gateway/anthropic:claude-sonnet-5", "PYDANTIC_AI_GATEWAY_BASE_URL"),
    ],
)
async def test_what_other_providers_answer_is_bounded_too(
    name: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is given the same client; a local one without a key, a gateway with its own."""
    with hostile(bomb("gzip", 20)) as server:
        monkeypatch.setenv(variable, server.url)
        keys = {"OPENAI_API_KEY": KEY, "PYDANTIC_AI_GATEWAY_API_KEY": KEY}
        drafter = drafter_for(ModelChoice(name=name), environ=keys)
        await Desk("other", server, drafter).trouble(ModelRefused, server.scripts[0])
        await drafter.aclose()
    assert (KEY in server.requests[0]) == ("openai" in name or "gateway" in name)


# Time


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nx: ", head(content_length="100000")])
async def test_an_answer_that_drips_is_given_up(desk: Desk, begun: bytes) -> None:
    """There is one deadline for all of it; each byte comes soon enough after the one before."""

    def script(over: Event) -> Iterable[bytes]:
        yield begun
        while not over.wait(0.02):
            yield b" "

    desk.server.scripts = [script]
    choice = choice_of(desk.dialect, desk.server)
    client = ModelClient(choice, SecretStr(KEY), answer_wait_s=0.4)
    with pytest.raises(ModelBusy) as caught:
        await client.ask(prompt_for(REQUEST), answer_model(HERO), lambda _: None)
    await client.aclose()
    assert caught.value.cause == "no answer in time"


@over_url
async def test_a_server_that_wants_us_back_in_a_thousand_years_waits_a_day(desk: Desk) -> None:
    """The job is to be seen again in its user's lifetime."""
    busy = await desk.trouble(ModelBusy, answer("{}", 429, retry_after="31536000000"))
    assert busy.after_s == AFTER_S_MAX


# What parsers break on

LONG = "9" * 5_000
BAD_VALUES = {
    "deep list": "[" * 100_000 + "]" * 100_000,
    "deep object": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "open list": "[" * 100_000,
    "many objects": "[" + "{}," * 100_000 + "{}]",
    "many numbers": "[" + "0," * 300_000 + "0]",
    "many names": "{" + ",".join(f'"{n}":0' for n in range(50_000)) + "}",
    "one name": "{" + '"a":0,' * 50_000 + '"a":0}',
    "long number": LONG,
    "long fraction": f"0.{LONG}e-{LONG}",
    "open text": '"' + "\\" * 19_999,
    "long text": '"' + "<think></think>" * 30_000 + '"',
}
ODD_VALUES = {
    "not a number": "NaN",
    "too large for a float": "1e999",
    "half a character": r'"\ud800"',
    "null": "null",
    "list of lists": "[[]]",
    "object": "{}",
    "text": '""',
    "large number": "9" * 90,
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
async def test_a_value_that_breaks_parsers_is_refused_wherever_it_stands(
    desk: Desk, value: str
) -> None:
    """As all of the answer, within it, and as what the model filled in."""
    bodies = [
        value,
        f'{{"choices": {value}}}',
        desk.good(id=0).replace('"id": 0', f'"id": {value}'),
        completion(desk.dialect, f'{{"headline": {value}}}'),
        completion(desk.dialect, value),
    ]
    for body in bodies:
        assert isinstance(await desk.end(answer(body)), ModelRefused | ModelBusy)


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES)
async def test_an_odd_value_ends_in_a_text_or_in_words_wherever_it_stands(
    desk: Desk, value: str
) -> None:
    """In each place of an answer that is otherwise as it should be."""
    bodies = [json.dumps(body) for body in with_odd_places(json.loads(desk.good()))]
    bodies += [completion(desk.dialect, '{"headline": "ODD", "headline": "ODD"}')]
    for body in bodies:
        odd = body.replace('"ODD"', value).replace(r"\"ODD\"", json.dumps(value)[1:-1])
        assert isinstance(await desk.end(answer(odd)), Drafted | ModelRefused | ModelBusy), odd


@over_url
async def test_an_answer_in_another_character_set_is_refused(desk: Desk) -> None:
    """Python would read it, and what is looked for before would not be found in it."""
    for codec in ("utf-16", "utf-32-le"):
        body = '{"choices": ' + "[" * 9_999 + "]" * 9_999 + "}"
        assert "UTF-8" in str(await desk.trouble(ModelRefused, answer(body.encode(codec))))


async def test_a_thousand_answers_in_one_are_refused(desk: Desk) -> None:
    """Each would be looked at, and argued about."""
    body = json.loads(desk.good())
    calls = body.get("output") or body.get("content") or body["choices"][0]["message"]["tool_calls"]
    calls *= 500
    assert "more than 20 times" in str(await desk.trouble(ModelRefused, answer(json.dumps(body))))


@pytest.mark.parametrize("count", [-5, 10**30, 10**99])
async def test_counts_that_cannot_be_are_not_stored(desk: Desk, count: int) -> None:
    """They would add to what was spent, or take from it, or not fit into the database."""
    names = ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens")
    counts: dict[str, Any] = dict.fromkeys(names, count)
    counts["input_tokens_details"] = {"cached_tokens": count}
    counts["output_tokens_details"] = {"reasoning_tokens": count}
    end = await desk.end(answer(desk.good(usage=counts)))
    if isinstance(end, Drafted):
        assert (end.input_tokens, end.output_tokens, end.cost_usd) == (None, None, None)
    else:
        assert isinstance(end, ModelBusy)
        assert end.usage == Usage()


# Where it leads, and what it gives away


@pytest.mark.parametrize("status", [300, 301, 307, 399])
async def test_a_redirect_is_not_followed(desk: Desk, status: int) -> None:
    """Whoever it leads to gets neither the prompt nor the key, and is not named."""
    with hostile(answer("{}")) as other:
        away = answer("{}", status, location=f"{other.url}/stolen")
        rejected = await desk.trouble(ModelRejected, away)
        assert other.requests == []
    assert rejected.status == status
    assert "redirects" in str(rejected)
    assert "stolen" not in str(rejected) and "127.0.0.1" not in str(rejected)
    assert ("model_url" in str(rejected)) == (desk.dialect == "url")


@over_url
async def test_what_a_server_sets_is_not_sent_back(desk: Desk) -> None:
    """No cookie grows with each answer, or names who asks."""
    for _ in range(2):
        await desk.trouble(ModelBusy, answer("{}", 500, set_cookie="who=you; Max-Age=99999"))
    assert len(desk.server.requests) == 2
    assert not any("who=you" in request for request in desk.server.requests)


@pytest.mark.parametrize(
    "secret", [KEY, base64.b64encode(KEY.encode()).decode(), "visit-evil.example"]
)
async def test_a_code_of_the_server_s_own_making_is_left_out(desk: Desk, secret: str) -> None:
    """It is a word that anything can stand in, such as what the server was sent."""
    error = {"message": secret, "code": secret, "type": secret, "param": secret}
    body = json.dumps({"type": "error", "error": error, "code": secret})
    for status in (400, 402, 403, 404, 413, 418, 429, 500):
        found = await desk.end(answer(body, status, request_id=secret, x_request_id=secret))
        assert isinstance(found, ModelTrouble)
        assert secret not in f"{found} {found!r} {vars(found)}"


async def test_a_code_that_is_documented_is_told(desk: Desk) -> None:
    """It is what a person looks up."""
    code = "request_too_large" if desk.dialect == "anthropic" else "unsupported_parameter"
    body = {"type": "error", "error": {"message": "", "code": code, "type": code}}
    assert code in str(await desk.trouble(ModelRejected, answer(json.dumps(body), 413)))


BAD_ENDS: dict[str, Callable[[str], bytes]] = {
    "unreadable": lambda secret: answer(f"<p>{secret}</p>"),
    "no completion": lambda secret: answer(json.dumps({secret: secret, "choices": secret})),
    "error": lambda secret: answer(json.dumps({"error": {"message": secret}}), 400, x=secret),
    "no HTTP": lambda secret: secret.encode() + b"\r\n\r\n",
    "redirect": lambda secret: answer(secret, 302, location=f"http://{secret}/"),
    "too large": lambda secret: answer(secret * 300_000),
    "cut off": lambda secret: answer(secret)[:-3],
    "unforeseen": lambda secret: answer(completion("url", secret, created=10**90)),
}


@pytest.mark.parametrize("end", BAD_ENDS.values(), ids=BAD_ENDS)
async def test_nothing_that_failed_shows_a_key_an_address_or_a_word_of_the_server(
    desk: Desk,
    end: Callable[[str], bytes],
    spans: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    """Neither the error nor what it came from, no log line, no warning, no span."""
    caplog.set_level(logging.DEBUG)
    failure = await desk.end(end("evil-words"))
    assert isinstance(failure, ModelTrouble)
    assert failure.__cause__ is None and failure.__context__ is None
    shown = "".join(traceback.format_exception(failure)) + caplog.text
    shown += "".join(str(warning.message) for warning in recwarn) + "".join(capfd.readouterr())
    assert_silent(shown + texts(spans), desk)


async def test_what_nobody_foresaw_is_logged_by_its_name_and_place() -> None:
    """Otherwise a mistake of ours would look like a server that is busy."""
    with hostile(b"") as server, structlog.testing.capture_logs() as logs:
        drafter = drafter_for(ModelChoice(name="llama", url=server.url), environ=ENVIRON)
        body = completion("url", json.dumps(GOOD), created=10**90)
        await Desk("url", server, drafter).trouble(ModelBusy, answer(body))
        await drafter.aclose()
    [line] = logs
    assert (line["log_level"], line["error"]) == ("error", "ValidationError")
    assert ".py:" in line["at"]


async def test_a_mistake_in_what_looks_at_answers_is_raised(desk: Desk) -> None:
    """It is no trouble of the model's: nobody is to wait for it to pass."""
    desk.server.scripts = [answer(desk.good())]
    client = ModelClient(choice_of(desk.dialect, desk.server), SecretStr(KEY))
    with pytest.raises(ZeroDivisionError):
        await client.ask(prompt_for(REQUEST), answer_model(HERO), lambda fields: str(1 // 0))
    await client.aclose()


async def test_no_trace_of_a_draft_holds_what_the_server_named(
    desk: Desk, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    """Ids, models and tools are names that it chooses; the model is called as we know it."""
    caplog.set_level(logging.DEBUG)
    right = desk.good(id="evil-words", model="evil-words")
    wrong = right.replace("write_section", "evil-words").replace('"t1"', '"evil-words"')
    named = dict.fromkeys(("request_id", "x_request_id", "anthropic_organization_id"), "evil-words")
    assert (await desk.draft(answer(wrong, **named), answer(right, **named))).fields == GOOD
    model = choice_of(desk.dialect, desk.server).model
    names = [span.name for span in spans.get_finished_spans()]
    assert names == [f"chat {model}", f"chat {model}", f"invoke_agent {model}"]
    assert_silent(caplog.text + texts(spans), desk)


def texts(spans: InMemorySpanExporter) -> str:
    """Return everything that spans say."""
    return "".join(span.to_json() for span in spans.get_finished_spans())


def assert_silent(shown: str, desk: Desk) -> None:
    """Assert that none of what must not be seen is in there."""
    port = desk.server.url.rpartition(":")[2].removesuffix("/v1")
    for secret in (KEY, "evil-words", "127.0.0.1", f":{port}", "uthorization"):
        assert secret not in shown


# Asking


@contextmanager
def little_memory() -> Generator[None]:
    """Assert that what happens within takes little memory at any time."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < ROOM_BYTES


def with_odd_places(value: Any) -> Iterator[Any]:
    """Yield a JSON value with each of the values in it, one after the other, made odd."""
    yield "ODD"
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        for name, inner in named.items():
            yield from ({**named, name: odd} for odd in with_odd_places(inner))
    if isinstance(value, list):
        listed = cast("list[Any]", value)
        for at, inner in enumerate(listed):
            yield from ([*listed[:at], odd, *listed[at + 1 :]] for odd in with_odd_places(inner))


def choice_of(dialect: str, server: Hostile) -> ModelChoice:
    """Return a model that speaks a dialect."""
    if dialect == "url":
        return ModelChoice(name="llama", url=server.url)
    name = "gpt-5.2" if dialect == "openai" else "claude-sonnet-5"
    return ModelChoice(name=f"{dialect}:{name}")


async def _silent(_current: int, _total: int, _message: str) -> None:
    """Report to nobody."""
