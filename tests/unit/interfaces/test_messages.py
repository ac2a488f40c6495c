"""What a line on the pipe holds, and what is said of one that holds no message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from mcp_server.interfaces.mcp.messages import (
    BATCHED_MAX,
    DIGITS_MAX,
    LINE_BYTES_MAX,
    NESTING_MAX,
    Batched,
    Refusal,
    read_line,
)

PING: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def line(**members: Any) -> bytes:
    """A request with other members; `...` takes one away."""
    found = {name: value for name, value in {**PING, **members}.items() if value is not ...}
    return json.dumps(found).encode()


def refusal(text: bytes) -> tuple[object, int]:
    """The id and the code of a refusal."""
    found = read_line(text)
    assert isinstance(found, Refusal), found
    error = found.error()
    assert error.error.message.endswith(".")
    return error.id, error.error.code


def params(text: bytes) -> object:
    """The params of a request."""
    found = read_line(text)
    assert isinstance(found, JSONRPCRequest), found
    return found.params


@pytest.mark.parametrize("id", [0, -1, 7, "7", "", 2**70])
def test_a_request_is_read_with_its_id_as_it_is(id: object) -> None:
    """A number stays one, and a text one."""
    found = read_line(line(id=id))
    assert isinstance(found, JSONRPCRequest)
    assert (found.id, found.method, found.params) == (id, "ping", None)


def test_without_an_id_it_is_a_notification() -> None:
    """Nobody waits for an answer."""
    found = read_line(line(id=..., method="notifications/initialized"))
    assert isinstance(found, JSONRPCNotification)


def test_an_answer_is_passed_on_and_one_that_cannot_be_read_is_passed_over() -> None:
    """An error in answer to an answer would be answered again."""
    answer = line(method=..., result={"roots": []})
    assert isinstance(read_line(answer), JSONRPCResponse)
    for broken in (line(method=..., result=5), line(method=..., id=1.5, error={})):
        assert read_line(broken) is None


@pytest.mark.parametrize(
    "blank",
    [b"", b"\n", b"\r\n", b"  \n", b"\xef\xbb\xbf\n"],
    ids=["", "LF", "CRLF", "blank", "BOM"],
)
def test_an_empty_line_means_nothing(blank: bytes) -> None:
    """Some write one after each message."""
    assert read_line(blank) is None


@pytest.mark.parametrize(
    ("before", "after"), [(b"\xef\xbb\xbf", b"\n"), (b"", b"\r\n"), (b"", b"")]
)
def test_a_mark_before_and_a_return_behind_are_no_part_of_a_message(
    before: bytes, after: bytes
) -> None:
    """As parents on Windows write them."""
    assert isinstance(read_line(before + line() + after), JSONRPCRequest)


@pytest.mark.parametrize("id", [1.5, True, False, None, [1], {"a": 1}, float("inf")])
def test_an_id_that_is_none_is_refused_without_one(id: object) -> None:
    """The library takes these for notifications, and their senders would wait."""
    assert refusal(line(id=id)) == (None, INVALID_REQUEST)


@pytest.mark.parametrize(
    "members",
    [
        {"params": 0},
        {"params": "x"},
        {"params": []},
        {"params": True},
        {"jsonrpc": ...},
        {"jsonrpc": "1.0"},
        {"jsonrpc": 2},
        {"method": 5},
        {"method": None},
        {"method": ...},
    ],
    ids=str,
)
def test_what_is_no_request_is_refused_under_its_id(members: dict[str, Any]) -> None:
    """Whose id can be read need not wait."""
    assert refusal(line(id="mine", **members)) == ("mine", INVALID_REQUEST)


def test_a_number_that_python_will_not_read_is_refused_under_its_id() -> None:
    """5,000 digits; one that is merely large is left to the tool."""
    call = b'{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"limit":%b}}'
    assert refusal(call % (b"1" * 5000)) == ("mine", INVALID_REQUEST)
    assert params(call % (b"1" * DIGITS_MAX)) == {"limit": int("1" * DIGITS_MAX)}
    assert refusal(b'{"jsonrpc":"2.0","id":%b,"method":"ping"}' % (b"1" * 5000))[0] is None


def test_what_is_nested_too_deep_is_refused_under_its_id_if_it_can_be_read() -> None:
    """Deeper still, the parser gives up."""

    def nested(depth: int) -> bytes:
        inner = b"[" * depth + b"]" * depth
        return b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":%b}}' % inner

    assert isinstance(read_line(nested(NESTING_MAX - 2)), JSONRPCRequest)
    assert refusal(nested(NESTING_MAX)) == (7, INVALID_REQUEST)
    assert refusal(nested(100_000)) == (None, PARSE_ERROR)


def test_brackets_within_a_text_nest_nothing() -> None:
    """They are counted only to see whether a look is worth it."""
    assert params(line(params={"a": "[{" * 1000})) == {"a": "[{" * 1000}


@pytest.mark.parametrize("text", [b"no JSON", b'{"id":1,', b"\0", b"{'id': 1}", b"[1", b"\xff\xfe"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """Nothing of it can be trusted, an id neither."""
    assert refusal(text) == (None, PARSE_ERROR)


@pytest.mark.parametrize("value", [5, "text", None, True, {}, {"id": 1.5}])
def test_what_is_no_message_is_refused(value: object) -> None:
    """JSON alone is not enough."""
    assert refusal(json.dumps(value).encode()) == (None, INVALID_REQUEST)


def test_what_is_not_utf_8_is_refused_under_its_id() -> None:
    """Replaced in silence, it would end up in a text of the site."""
    text = line(id="mine", params={"a": "é"}).replace(b"\\u00e9", b"\xe9")
    assert refusal(text) == ("mine", INVALID_REQUEST)
    assert params(text.replace(b"\xe9", "é".encode())) == {"a": "é"}


def test_half_an_emoji_is_replaced_and_a_whole_one_stays() -> None:
    """Hosts cut texts at any place; that is no reason to refuse the call."""
    assert params(line(params={"a": "\ud83c"})) == {"a": "\ufffd"}
    assert params(line(params={"\udf55": "🍕"})) == {"\ufffd": "🍕"}
    assert params(line(params={"a": "\\ud83c"})) == {"a": "\\ud83c"}


def test_a_line_has_a_longest_length() -> None:
    """An endless one is refused once it is longer."""
    assert refusal(b"x" * (LINE_BYTES_MAX + 1)) == (None, INVALID_REQUEST)


def test_a_batch_holds_what_each_of_its_members_is() -> None:
    """One that is no message is refused, not the others."""
    found = read_line(b"[%b, 5, %b]" % (line(), line(id=..., method="notifications/initialized")))
    assert isinstance(found, Batched)
    kinds = [type(member) for member in found.members]
    assert kinds == [JSONRPCRequest, Refusal, JSONRPCNotification]


def test_a_batch_is_bounded_and_not_empty() -> None:
    """All of its members are worked on at once."""
    assert refusal(b"[]") == (None, INVALID_REQUEST)
    assert isinstance(read_line(json.dumps([PING] * BATCHED_MAX).encode()), Batched)
    assert refusal(json.dumps([PING] * (BATCHED_MAX + 1)).encode()) == (None, INVALID_REQUEST)
