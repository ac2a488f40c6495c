"""JSON documents: what was written can be read, by everybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from mcp_server.jobs.json_text import DIGITS_MAX, dumped, encoded

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(["NaN", "-Infinity", "7" * (DIGITS_MAX + 1), 10 ** (DIGITS_MAX - 1)])
)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(documents)
def test_what_is_written_is_read_as_it_was(document: object) -> None:
    """By Python's reader as by pydantic's."""
    text = encoded(document)
    assert json.loads(text) == document
    assert from_json(text) == document


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (-float("inf"), "Infinity"),
        (10**DIGITS_MAX, "4,300 digits"),
        (-(10**9999), "4,300 digits"),
        ("half a \ud800", "surrogates"),
        (object(), "object"),
    ],
    ids=["nan", "infinity", "minus-infinity", "digits", "minus-digits", "surrogate", "object"],
)
@pytest.mark.parametrize("beside", ["", "NaN" * 3000, "4" * 20_000], ids=["", "words", "digits"])
def test_what_nobody_could_read_is_refused(value: Any, why: str, beside: str) -> None:
    """Wherever in the document it is; the error says what it was."""
    for document in (value, {"before": beside, "at": [{"last": value}]}, [value, beside]):
        with pytest.raises(ValueError, match=why):
            encoded(document)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_compared_as_text_holds_no_number_that_is_no_json(value: float) -> None:
    """Python would read it again, and nothing else would."""
    with pytest.raises(ValueError, match="JSON"):
        dumped({"at": [value]})
