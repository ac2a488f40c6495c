"""Drafting by servers that are nearly OpenAI's: what they are known to send, over real HTTP.

docs/models.md has a line for each, with the name of its test.
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar, cast

import anyio
import keyring
import pytest
from keyring.backends.null import Keyring as NullKeyring

from mcp_server.content.drafting.drafter import (
    Drafted,
    Drafter,
    ModelAccountEmpty,
    ModelBusy,
    ModelKeyRefused,
    ModelRefused,
    ModelRejected,
    ModelTrouble,
    ModelUnknown,
    drafter_for,
)
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.template import Field, FieldType, Template
from tests.handlers.test_model_over_http import GOOD, REQUEST
from tests.hostile_model import Hostile, answer, completion, hostile
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio

T = TypeVar("T", bound=ModelTrouble)
ENVIRON = {"PRESSROOM_MODEL_KEY": "sk-only-for-this-test"}
DISHES = Field(
    name="dishes",
    type=FieldType.LIST,
    required=False,
    of=(Field(name="name", type=FieldType.LINE), Field(name="price", type=FieldType.NUMBER)),
)
MENU = Template(
    name="menu",
    prompt="List the dishes.",
    fields=(
        Field(name="headline", type=FieldType.LINE),
        Field(name="guests", type=FieldType.INTEGER, required=False),
        Field(name="days", type=FieldType.LIST, required=False),
        DISHES,
    ),
    format="# {headline}\n\n{guests}\n\n- {days}\n\n## Dishes\n\n- {dishes.name}: {dishes.price}\n",
)
SOUP = {"name": "Soup", "price": 4.5}


@pytest.fixture(autouse=True)
def no_keyring() -> Generator[None]:
    """The machine's own keyring is not asked."""
    before = keyring.get_keyring()
    keyring.set_keyring(NullKeyring())
    yield
    keyring.set_keyring(before)


# Fields


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"dishes": json.dumps([SOUP])}, {"dishes": [SOUP]}),
        ({"dishes": [json.dumps(SOUP)]}, {"dishes": [SOUP]}),
        ({"dishes": json.dumps(SOUP)}, {"dishes": [SOUP]}),
        ({"dishes": SOUP}, {"dishes": [SOUP]}),
        ({"days": '["Monday", "Friday"]'}, {"days": ["Monday", "Friday"]}),
        ({"days": '["Fri\\u200bday"]'}, {"days": ["Friday"]}),
    ],
)
async def test_a_list_in_a_string_is_taken_as_the_list_it_is(
    sent: dict[str, Any], taken: dict[str, Any]
) -> None:
    """And so is an object; nothing hidden comes in by that way."""
    drafted, server = await menu({"headline": "Menu"} | sent)
    assert drafted.fields == {"headline": "Menu"} | taken
    assert len(server.requests) == 1


@pytest.mark.parametrize("sent", ["Soup, pie", "[", '{"name": ', "[" * 5_000, '"Soup"'])
async def test_a_string_that_is_no_list_is_sent_back(sent: str) -> None:
    """With the complaint that there always was."""
    refused = await trouble(ModelRefused, called({"headline": "Menu", "dishes": sent}), MENU)
    assert refused.complaint == "dishes is a string; write a list of objects"


async def test_numbers_in_strings_and_strings_in_numbers_are_what_they_say() -> None:
    """Servers that parse a model's XML know no types; a headline may be a year."""
    dish = {"name": 1848, "price": "4.50"}
    drafted, _ = await menu({"headline": 2026, "guests": " 12 ", "dishes": [dish]})
    dishes = [{"name": "1848", "price": 4.5}]
    assert drafted.fields == {"headline": "2026", "guests": 12, "dishes": dishes}
    for guests in ("twelve", "1e3", "0x1f", "9" * 5_000, "010", True):
        refused = await trouble(ModelRefused, called({"headline": "x", "guests": guests}), MENU)
        assert "guests is" in refused.complaint


async def test_fields_within_an_object_of_their_own_are_found() -> None:
    """Small models add a level: parameters, properties, section."""
    drafted, _ = await draft(called({"parameters": GOOD}))
    assert drafted.fields == GOOD


async def test_what_a_model_thought_before_its_text_is_no_part_of_it() -> None:
    """In the very field, closed; anything that is not so clear is sent back."""
    thought = "<think>\nThe visitors want bread.\n</think>\n\n"
    drafted, _ = await draft(called({name: thought + text for name, text in GOOD.items()}))
    assert drafted.fields == GOOD
    refused = await trouble(ModelRefused, called({"headline": "Bread", "intro": "<think>Hm."}))
    assert "thinking" in refused.complaint


# Letters


@pytest.mark.parametrize(
    "headline", [r"Fresh \ud83c\udf5e", r"Fresh \udf5e\ud83c\udf5e", r"\ud83cFresh \ud83c\udf5e"]
)
async def test_half_an_emoji_goes_and_halves_that_belong_together_are_one(headline: str) -> None:
    """Escaped in what was filled in, and in the answer around it."""
    arguments = f'{{"headline": "{headline}"}}'
    for sent in (json.dumps(arguments), f'"{arguments.replace(chr(34), chr(92) + chr(34))}"'):
        drafted, _ = await draft(completion("url", sent))
        assert drafted.fields == {"headline": "Fresh 🍞"}


async def test_an_emoji_that_is_split_over_two_pieces_is_joined() -> None:
    """A message may come as a list of parts, each with its half."""
    halves = [{"type": "text", "text": '{"headline": "Fresh \ud83c'}]
    halves += [{"type": "text", "text": '\udf5e"}'}]
    drafted, _ = await draft(said({"content": halves}))
    assert drafted.fields == {"headline": "Fresh 🍞"}


async def test_an_answer_with_a_byte_missing_or_before_it_is_read() -> None:
    """A letter that was cut in UTF-8, one encoded by halves, and a byte order mark."""
    body = said_json({"headline": "Fresh HERE"}).encode()
    for bytes_ in (b"\xf0\x9f", b"\xed\xa0\xbc"):
        drafted, _ = await draft(body.replace(b"HERE", bytes_))
        assert drafted.fields == {"headline": "Fresh"}
    drafted, _ = await draft(body.replace(b"HERE", b"\xed\xa0\xbc\xed\xbd\x9e"))
    assert drafted.fields == {"headline": "Fresh 🍞"}
    drafted, _ = await draft(b"\xef\xbb\xbf\n\n" + body.replace(b" HERE", b""))
    assert drafted.fields == {"headline": "Fresh"}


# Tool calls


@pytest.mark.parametrize(
    "arguments",
    [
        GOOD,
        json.dumps(json.dumps(GOOD)),
        f"```json\n{json.dumps(GOOD)}\n```",
        f"{json.dumps(GOOD)}\nI hope that you like it {{really}}.",
        json.dumps(GOOD).replace("our own", "our\nown"),
        json.dumps([GOOD]),
    ],
    ids=["object", "string in a string", "fence", "more words", "line break", "list"],
)
async def test_arguments_that_are_nearly_json_are_read(arguments: Any) -> None:
    """llama.cpp sends an object; models add a fence, words, a level, a bare line break."""
    drafted, server = await draft(called(arguments))
    assert {**drafted.fields, "intro": drafted.fields["intro"].replace("\n", " ")} == GOOD
    assert len(server.requests) == 1


@pytest.mark.parametrize("more", [{"id": None}, {"type": None}, {"id": 7, "type": ""}])
async def test_a_tool_call_without_id_or_type_is_taken(more: dict[str, Any]) -> None:
    """There is only one tool that it could mean."""
    call = {"id": "c", "type": "function", "function": {"name": "write_section"}} | more
    call["function"] = {"name": "functions.write_section", "arguments": json.dumps(GOOD)}
    drafted, _ = await draft(said({"content": "", "tool_calls": [call]}))
    assert drafted.fields == GOOD


async def test_a_call_in_the_old_manner_is_taken() -> None:
    """`function_call`, from before there were tools."""
    call = {"name": "write_section", "arguments": json.dumps(GOOD)}
    drafted, _ = await draft(said({"function_call": call}))
    assert drafted.fields == GOOD


CALL = {"name": "write_section"}
TEXTS = {
    "plain": json.dumps(GOOD),
    "fence": f"Here is the section:\n\n```json\n{json.dumps(GOOD, indent=1)}\n```\nEnjoy!",
    "thought": f"<think>\nA {{title}} first.\n</think>\n\n{json.dumps(GOOD)}",
    "mark": f"<tool_call>\n{json.dumps(CALL | {'arguments': GOOD})}\n</tool_call>",
    "call": json.dumps(CALL | {"parameters": GOOD}),
    "calls": json.dumps({"tool_calls": [{"function": CALL | {"arguments": GOOD}}]}),
    "object": GOOD,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_fields_that_were_put_into_the_text_are_taken(text: Any) -> None:
    """Ollama, vLLM and LM Studio leave them there where a model's mark for calls is not known."""
    drafted, server = await draft(said({"content": text, "tool_calls": []}, "stop"))
    assert drafted.fields == GOOD
    assert len(server.requests) == 1


async def test_a_part_of_fields_that_were_cut_off_is_not_taken_for_the_whole() -> None:
    """It ends in the middle of a list, whose first item is an object, too."""
    text = '{"headline": "Menu", "dishes": [{"headline": "Soup"}, {"na'
    for message in ({"content": text}, called(text)["choices"][0]["message"]):
        refused = await trouble(ModelRefused, said(message, "stop"))
        assert refused.complaint == "it did not fill in the fields"


EXAMPLE = json.dumps({"headline": "…", "intro": "…"}, ensure_ascii=False)
TWO = {
    "example first": f"The form is {EXAMPLE}. Here it is: {json.dumps(GOOD)}",
    "two fences": f"```json\n{EXAMPLE}\n```\nNo, rather:\n```json\n{json.dumps(GOOD)}\n```",
    "plain, then a fence": f"{EXAMPLE}\n```json\n{json.dumps(GOOD)}\n```",
    "a brace between": f"{json.dumps(GOOD)} or {{so}}: {EXAMPLE}",
}


@pytest.mark.parametrize("text", TWO.values(), ids=TWO)
async def test_of_two_objects_with_the_same_fields_none_is_taken(text: str) -> None:
    """One is an example, or a first try, and nothing says which: the model is asked again."""
    for message in ({"content": text}, called(text)["choices"][0]["message"]):
        assert (await trouble(ModelRefused, said(message, "stop"))).complaint


# Around the answer


ODD: list[dict[str, Any]] = [
    {"id": None, "created": None, "object": None, "model": None},
    {"created": 1.5, "object": "chat.completion.chunk", "model": 7, "id": 1},
    {"usage": None},
    {"usage": {"prompt_tokens": None, "completion_tokens": 7.5}},
    {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": []}},
    {"usage": [], "service_tier": None, "system_fingerprint": None},
]
ODD_CHOICES: list[dict[str, Any]] = [
    {"finish_reason": None},
    {"finish_reason": ""},
    {"finish_reason": "STOP", "index": None},
    {"finish_reason": 7, "logprobs": []},
    {"finish_reason": "end_turn", "index": "0"},
]
ODD_MESSAGES: list[dict[str, Any]] = [
    {"role": None, "content": None, "refusal": ""},
    {"role": "model", "annotations": {}, "audio": []},
    {"reasoning_content": "The user wants bread.", "reasoning": None, "content": ""},
    {"reasoning_details": [{"type": "reasoning.text", "text": "Bread."}], "content": []},
]


@pytest.mark.parametrize("more", [*ODD, *ODD_CHOICES, *ODD_MESSAGES], ids=str)
async def test_an_odd_value_that_nobody_needs_loses_no_answer(more: dict[str, Any]) -> None:
    """Ids, counts, times, reasoning and reasons, in types of a server's own."""
    body = called(GOOD)
    choice = body["choices"][0]
    place = body if more in ODD else choice if more in ODD_CHOICES else choice["message"]
    place |= more
    drafted, server = await draft(body)
    assert drafted.fields == GOOD
    assert len(server.requests) == 1


async def test_a_message_that_was_meant_for_a_stream_is_read() -> None:
    """It is called `delta` then."""
    body = called(GOOD)
    body["choices"][0]["delta"] = body["choices"][0].pop("message")
    drafted, _ = await draft(body)
    assert drafted.fields == GOOD


@pytest.mark.parametrize("media", ["text/plain", "application/octet-stream", "text/html", ""])
async def test_json_is_read_whatever_the_server_calls_it(media: str) -> None:
    """The name of a type is no reason to pay again."""
    body = answer(json.dumps(called(GOOD)), content_type=media)
    drafted, _ = await draft(body)
    assert drafted.fields == GOOD


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "max_tokens", "model_length"])
async def test_other_words_for_an_answer_that_was_cut_off_are_known(reason: str) -> None:
    """What there is of it may look whole."""
    body = called({"headline": "Fresh at"})
    body["choices"][0]["finish_reason"] = reason
    assert "cut off" in (await trouble(ModelRefused, body)).complaint


@pytest.mark.parametrize("reason", ["SAFETY", "sensitive", "content_filter"])
async def test_other_words_for_an_answer_that_was_filtered_are_known(reason: str) -> None:
    """The section fails, and says so."""
    body = said({"content": None}, reason)
    assert "content filter" in (await trouble(ModelRefused, body)).complaint


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource", "network_error"])
async def test_an_answer_that_the_server_broke_off_is_asked_for_again(reason: str) -> None:
    """Even where fields were filled in: DeepSeek, Z.ai and OpenRouter send what they had."""
    body = called({"headline": "Fresh at"})
    body["choices"][0]["finish_reason"] = reason
    assert (await trouble(ModelBusy, body)).cause == "HTTP 503"


@pytest.mark.parametrize(
    "body",
    [b"", b"\n\n\n", b"<html>502 Bad Gateway</html>", b"{}", b'{"choices": []}', b"null", b"[]"],
)
async def test_a_200_without_an_answer_is_asked_for_again(body: bytes) -> None:
    """DeepSeek sends blank lines while one waits, and at times nothing after them."""
    busy = await trouble(ModelBusy, body)
    assert busy.cause == "a reply that could not be read"
    assert not busy.turned_away


# Errors


ERRORS: dict[str, tuple[int, Any, type[ModelTrouble], str]] = {
    "Gemini, bad key": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "API key not valid. Please pass a valid API key.",
                    "status": "INVALID_ARGUMENT",
                    "details": [{"reason": "API_KEY_INVALID"}],
                }
            }
        ],
        ModelKeyRefused,
        "PRESSROOM_MODEL_KEY",
    ),
    "xAI, bad key": (
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect%20API%20key%20prov"},
        ModelKeyRefused,
        "PRESSROOM_MODEL_KEY",
    ),
    "xAI, no credit": (
        403,
        {"error": "Your newly created teams doesn't have any credits yet."},
        ModelAccountEmpty,
        "top it up",
    ),
    "DeepSeek, no credit": (
        402,
        {"error": {"message": "Insufficient Balance", "type": "unknown_error"}},
        ModelAccountEmpty,
        "top it up",
    ),
    "one-api, no credit": (
        403,
        {"error": {"message": "用户额度不足", "code": "insufficient_user_quota"}},
        ModelAccountEmpty,
        "top it up",
    ),
    "Moonshot, no credit": (
        429,
        {"error": {"message": "suspended", "type": "exceeded_current_quota_error"}},
        ModelAccountEmpty,
        "top it up",
    ),
    "Alibaba, no credit": (400, {"error": {"code": "Arrearage"}}, ModelAccountEmpty, "top it up"),
    "Gemini, quota of the day": (
        429,
        [{"error": {"details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPer"}]}]}}],
        ModelAccountEmpty,
        "quota",
    ),
    "Gemini, country": (
        400,
        [{"error": {"message": "User location is not supported for the API use."}}],
        ModelUnknown,
        "country",
    ),
    "Ollama, no tools": (
        400,
        {"error": {"message": "registry.ollama.ai/library/gemma3:4b does not support tools"}},
        ModelUnknown,
        "takes no tool calls",
    ),
    "vLLM, no tools": (
        400,
        {"object": "error", "message": '"auto" tool choice requires --enable-auto-tool-choice'},
        ModelUnknown,
        "takes no tool calls",
    ),
    "OpenRouter, no tools": (
        404,
        {"error": {"message": "No endpoints found that support tool use.", "code": 404}},
        ModelUnknown,
        "takes no tool calls",
    ),
    "OpenRouter, no model": (
        400,
        {"error": {"message": "foo/bar is not a valid model ID", "code": 400}},
        ModelUnknown,
        "no such model",
    ),
    "DeepSeek, no model": (400, {"error": {"message": "Model Not Exist"}}, ModelUnknown, "no such"),
    "Ollama, no model": (
        404,
        {"error": {"message": 'model "x" not found, try pulling it first'}},
        ModelUnknown,
        "no such model",
    ),
    "one-api, no model": (
        503,
        {"error": {"message": "no channel", "code": "model_not_found"}},
        ModelUnknown,
        "no such model",
    ),
    "LM Studio, no model": (
        404,
        {"error": {"message": "No models loaded. Please load a model in the developer page."}},
        ModelUnknown,
        "not loaded",
    ),
    "LM Studio, unloaded": (400, {"error": "Model unloaded."}, ModelBusy, "HTTP 400"),
    "llama.cpp, loading": (
        503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        ModelBusy,
        "HTTP 503",
    ),
    "llama.cpp, too long": (
        500,
        {"error": {"message": "the request exceeds the available context size"}},
        ModelRejected,
        "too long",
    ),
    "LM Studio, too long": (
        400,
        {"error": "The number of tokens to keep is greater than the context length."},
        ModelRejected,
        "too long",
    ),
    "vLLM, too long": (
        400,
        {"object": "error", "message": "This model's maximum context length is 10000 tokens."},
        ModelRejected,
        "too long",
    ),
    "DeepSeek, filter": (
        400,
        {"error": {"message": "Content Exists Risk"}},
        ModelRejected,
        "filter",
    ),
    "Alibaba, filter": (
        400,
        {"error": {"code": "data_inspection_failed"}},
        ModelRejected,
        "filter",
    ),
    "a proxy": (407, "<html>Proxy Authentication Required</html>", ModelUnknown, "HTTPS_PROXY"),
    "a path": (404, "404 page not found", ModelUnknown, "model_url"),
    "FastAPI's path": (404, {"detail": "Not Found"}, ModelUnknown, "model_url"),
    "a method": (405, {"detail": "Method Not Allowed"}, ModelUnknown, "model_url"),
    "a gateway": (502, "<html>Bad Gateway</html>", ModelBusy, "HTTP 502"),
}


@pytest.mark.parametrize(("status", "body", "kind", "words"), ERRORS.values(), ids=ERRORS)
async def test_an_error_is_told_by_what_it_says(
    status: int, body: Any, kind: type[ModelTrouble], words: str
) -> None:
    """What concerns every section pauses the batch; the server's own words are shown to nobody."""
    text = body if isinstance(body, str) else json.dumps(body)
    found = await trouble(kind, answer(text, status))
    assert words in str(found)
    assert "registry" not in str(found)


WITHIN: dict[str, tuple[Any, type[ModelTrouble]]] = {
    "402": ({"error": {"message": "Insufficient credits", "code": 402}}, ModelAccountEmpty),
    "429": ({"error": {"message": "Slow down", "code": "429"}}, ModelBusy),
    "401": ({"error": {"message": "No auth", "code": 401}, "choices": None}, ModelKeyRefused),
    "502": ({"error": {"message": "Upstream", "code": 502}, "choices": []}, ModelBusy),
    "413": ({"error": {"message": "Too large", "code": 413}}, ModelRejected),
    "by its type": ({"type": "error", "error": {"type": "authentication_error"}}, ModelKeyRefused),
    "by its words": ({"error": "model 'x' not found, try pulling it first"}, ModelUnknown),
    "vLLM's own": ({"object": "error", "message": "x", "code": 401}, ModelKeyRefused),
    "a list": ([{"error": {"code": 403, "message": "x"}}], ModelKeyRefused),
    "unknown": ({"error": {"message": "Something went wrong"}}, ModelBusy),
    "LM Studio's path": (
        {"error": "Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"},
        ModelUnknown,
    ),
}


@pytest.mark.parametrize(("body", "kind"), WITHIN.values(), ids=WITHIN)
async def test_an_error_within_a_200_is_what_its_status_would_be(
    body: Any, kind: type[ModelTrouble]
) -> None:
    """OpenRouter and other gateways have said 200 by the time that they know."""
    server_said = await trouble(kind, body)
    assert "200" not in str(server_said)


async def test_an_error_within_a_choice_is_one_even_beside_text() -> None:
    """What is there of the text is a part."""
    body = called({"headline": "Fresh at"})
    body["choices"][0] |= {"error": {"code": 502, "message": "Provider disconnected"}}
    assert (await trouble(ModelBusy, body)).cause == "HTTP 502"


async def test_the_wait_that_gemini_puts_into_an_error_is_kept() -> None:
    """It has no header for that."""
    error = {"code": 429, "details": [{"retryDelay": "25.465784708s"}]}
    busy = await trouble(ModelBusy, answer(json.dumps([{"error": error}]), 429))
    assert busy.after_s == 25.465784708


# On the way


async def test_a_dead_proxy_is_not_between_us_and_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many environments name one for everything."""
    for variable in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    drafted, _ = await draft(called(GOOD))
    assert drafted.fields == GOOD


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_cannot_be_reached_is_named_without_its_password(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody looks for the fault at the model."""
    port = free_port()
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://me:hush@127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "")
    busy = await trouble_at(ModelBusy, f"{scheme}://models.invalid/v1")
    assert f"the proxy http://127.0.0.1:{port} that" in busy.cause
    assert "hush" not in str(busy)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://127.0.0.1:9"])
async def test_a_proxy_that_cannot_be_used_at_all_is_said_to_be_one(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stops no model on this machine."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    assert "proxy" in (await trouble_at(ModelBusy, "http://models.invalid/v1")).cause
    drafted, _ = await draft(called(GOOD))
    assert drafted.fields == GOOD


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            422,
            {"detail": [{"msg": "Field required", "input": {"prompt": "our rate limit is fair"}}]},
        ),
        (400, {"error": {"message": "Bad", "body": "They do not support tools or a rate limit."}}),
        (400, {"error": {"message": "Bad", "details": [{"messages": ["no api key"]}]}}),
        (422, {"detail": [{"msg": "Bad near 'our rate limit', 'they do not support tools'"}]}),
    ],
    ids=["input", "body", "messages", "in words"],
)
async def test_words_of_ours_that_an_error_quotes_mean_nothing(status: int, body: Any) -> None:
    """Servers built with FastAPI send back what they were sent; the site may speak of limits."""
    found = await trouble(ModelRejected, answer(json.dumps(body), status))
    assert str(found) == f"llama rejected the request (HTTP {status})."


async def test_a_server_that_fails_and_quotes_us_is_asked_again() -> None:
    """A window that is cleaned is none of tokens."""
    body = {"error": {"message": "internal", "prompt": "A context window cleaning offer."}}
    assert (await trouble(ModelBusy, answer(json.dumps(body), 500))).cause == "HTTP 500"


# Asking


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def called(arguments: Any) -> dict[str, Any]:
    """Return an answer in which the tool is called with these arguments."""
    body = json.loads(completion("url", "{}"))
    given = json.dumps(arguments) if _is_fields(arguments) else arguments
    body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = given
    return body


def _is_fields(arguments: Any) -> bool:
    return isinstance(arguments, dict) and arguments is not GOOD


def said(message: Mapping[str, Any], reason: str = "tool_calls") -> dict[str, Any]:
    """Return an answer with this message."""
    body = json.loads(completion("url", "{}"))
    body["choices"] = [{"index": 0, "finish_reason": reason, "message": {"role": "assistant"}}]
    body["choices"][0]["message"] |= message
    return body


def said_json(fields: Mapping[str, Any]) -> str:
    """Return an answer with these fields as its text, written in UTF-8."""
    return json.dumps(said({"content": json.dumps(fields)}, "stop"))


async def draft(
    body: dict[str, Any] | bytes | str, template: Template | None = None
) -> tuple[Drafted, Hostile]:
    """Return the draft that comes of a server's answer, always the same, and the server."""
    with hostile(_whole(body)) as server:
        async with opened(server.url) as drafter:
            return await drafter.draft(_request(template), _silent), server


async def menu(fields: dict[str, Any]) -> tuple[Drafted, Hostile]:
    """Return the draft of a menu that was filled in so."""
    return await draft(called(fields), MENU)


async def trouble(kind: type[T], body: Any, template: Template | None = None) -> T:
    """Return the trouble, of exactly this kind, that a server's answer ends in."""
    with hostile(_whole(body)) as server:
        return await trouble_at(kind, server.url, template)


async def trouble_at(kind: type[T], url: str, template: Template | None = None) -> T:
    """Return the trouble that asking at this address ends in."""
    async with opened(url) as drafter:
        with pytest.raises(kind) as caught:
            await drafter.draft(_request(template), _silent)
    assert type(caught.value) is kind
    return caught.value


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Drafter]:
    """Hold a drafter open, with a limit on how long a test may take."""
    drafter = drafter_for(ModelChoice(name="llama", url=url), environ=ENVIRON)
    with anyio.fail_after(PATIENCE_S):
        try:
            yield drafter
        finally:
            await drafter.aclose()


def _whole(body: Any) -> bytes:
    """Return an answer with its head, if that is not there already."""
    if isinstance(body, bytes) and body.startswith(b"HTTP/"):
        return body
    return answer(cast("bytes", body) if isinstance(body, bytes | str) else json.dumps(body))


def _request(template: Template | None) -> Any:
    if template is None:
        return REQUEST
    site = replace(REQUEST.site, templates={template.name: template})
    section = replace(REQUEST.section, template=template.name)
    return replace(REQUEST, site=site, section=section, template=template)


async def _silent(_current: int, _total: int, _message: str) -> None:
    """Report to nobody."""
