"""What is looked for in a model's answer before anybody parses it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.drafting.answer_bounds import (
    CALLS_MAX,
    DEPTH_MAX,
    DIGITS_MAX,
    PARTS_MAX,
    TEXT_BYTES_MAX,
    TOKENS_MAX,
    AnswerOutOfBounds,
    check_calls,
    check_json,
    counted,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**80), 10**80) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
MARKS = '{"a": "[[[{{{,,,999' + "9" * 200 + r' \"[[\\"}'
"""Marks of every kind, where they are none: within a text."""


@given(value=JSON, ascii=st.booleans())
def test_any_answer_of_ordinary_size_passes(value: Any, ascii: bool) -> None:
    """Whatever is in its texts, and however it is written down."""
    check_json(json.dumps({"value": value}, ensure_ascii=ascii).encode(errors="surrogatepass"))


@given(body=st.binary())
def test_what_is_no_json_passes_or_is_out_of_bounds(body: bytes) -> None:
    """A parser says what is wrong with it, unless it would take it for UTF-16."""
    expected = pytest.raises(AnswerOutOfBounds, match="UTF-8") if b"\0" in body else nullcontext()
    with expected:
        check_json(body)


@pytest.mark.parametrize("blank", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\n" * 1000])
@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_the_bound_of_nesting_is_met_exactly(opened: bytes, closed: bytes, blank: bytes) -> None:
    """One level more is too deep, whether it is closed or not."""
    levels = opened.count(b"[") + opened.count(b"{")
    fitting = DEPTH_MAX // levels
    check_json(blank + opened * fitting + b"0" + closed * fitting)
    for body in (opened * (fitting + 1) + b"0" + closed * (fitting + 1), opened * (fitting + 1)):
        with pytest.raises(AnswerOutOfBounds, match="deep"):
            check_json(blank + body)


def test_many_parts_side_by_side_are_not_deep() -> None:
    """What is closed counts no more."""
    check_json(b"[" + b"[{}]," * 10_000 + b"0]")


@pytest.mark.parametrize("part", ["0", '""', "[]", "{}", "null", '"a"'])
def test_the_bound_of_parts_counts_all_kinds(part: str) -> None:
    """None of them is free."""
    with pytest.raises(AnswerOutOfBounds, match="parts"):
        check_json(f"[{','.join([part] * PARTS_MAX)}]".encode())


@pytest.mark.parametrize("number", ["{}", "-{}", "0.{}", "{}.5", "1e{}", "1E-{}"])
def test_the_bound_of_digits_holds_in_each_place_of_a_number(number: str) -> None:
    """Python reads some of them as text that is too long, some as infinite."""
    check_json(f"[{number.format('9' * DIGITS_MAX)}]".encode())
    with pytest.raises(AnswerOutOfBounds, match="digits"):
        check_json(f"[{number.format('9' * (DIGITS_MAX + 1))}]".encode())


def test_the_bound_of_a_text_is_in_bytes_as_it_is_sent() -> None:
    """Quotation marks included."""
    check_json(b'["%s"]' % (b"a" * (TEXT_BYTES_MAX - 2)))
    for text in (b'"%s"' % (b"a" * TEXT_BYTES_MAX), b'"' + b"\\" * TEXT_BYTES_MAX):
        with pytest.raises(AnswerOutOfBounds, match="400 kB"):
            check_json(b"[%s]" % text)


def test_what_stands_in_a_text_is_no_part() -> None:
    """Neither brackets nor digits nor escaped quotation marks."""
    check_json(json.dumps([MARKS, MARKS * 50]).encode())


def test_arguments_that_are_a_text_are_looked_at_as_one_that_is_an_object_is() -> None:
    """Servers send the one or the other."""
    deep: dict[str, Any] = {}
    for _ in range(DEPTH_MAX):
        deep = {"a": deep}
    wide: dict[str, Any] = {"a": [{}] * PARTS_MAX}
    for bad in (deep, wide, json.dumps(deep), json.dumps(wide)):
        with pytest.raises(AnswerOutOfBounds):
            check_calls([None, {}, "", bad])
    check_calls([{"a": [{"b": "c"}]}, '{"a": [{"b": "c"}]}', "no JSON", None] * 5)


def test_too_many_calls_are_none() -> None:
    """There is one tool, to be called once."""
    check_calls(["{}"] * CALLS_MAX)
    with pytest.raises(AnswerOutOfBounds, match="20 times"):
        check_calls(["{}"] * (CALLS_MAX + 1))


def test_only_a_count_is_a_count() -> None:
    """It goes into the database and into the price."""
    assert [counted(n) for n in (0, 7, TOKENS_MAX)] == [0, 7, TOKENS_MAX]
    assert [counted(n) for n in (-1, TOKENS_MAX + 1, 1.5, "7", None)] == [None] * 5
