"""Embeddings of servers that are nearly OpenAI's: each vector goes to its text."""

from __future__ import annotations

import json
from array import array
from base64 import b64decode
from typing import Any

import pytest

from mcp_server.content.drafting.near_openai import mended

NOTHING = object()


def firsts(*places: object) -> list[float]:
    """Return the first number of each vector, of an answer that says these places of them."""
    rows: list[dict[str, Any]] = [
        {"embedding": [float(n)]} | ({} if place is NOTHING else {"index": place})
        for n, place in enumerate(places)
    ]
    found = mended(200, json.dumps({"data": rows}).encode())
    assert found is not None
    packed = [row["embedding"] for row in json.loads(found[1])["data"]]
    return [array("f", b64decode(each))[0] for each in packed]


def test_vectors_are_put_in_the_order_of_their_places() -> None:
    """Whatever order they come in."""
    assert firsts(2, 0, 1) == [1, 2, 0]


@pytest.mark.parametrize("odd", [NOTHING, None, "0", False, 0.5, 7])
def test_where_a_place_is_not_told_all_are_as_they_came(odd: object) -> None:
    """So it is also with one vector only, as a question has it."""
    assert firsts(odd) == [0]
    assert firsts(odd, 1) == [0, 1]
    assert firsts(1, odd) == [0, 1]
