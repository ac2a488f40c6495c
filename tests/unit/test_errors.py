"""Errors say what to do next, in one printable line, and by class who is to do it."""

from __future__ import annotations

import inspect

import pytest

from mcp_server import errors
from mcp_server.errors import (
    ID_LIKENESS,
    CallerError,
    ConfigError,
    InvalidPayload,
    InvalidTransition,
    LimitExceeded,
    LostClaim,
    NotFound,
    ServerError,
    StorageBusy,
    StorageError,
    Unavailable,
    UnknownKind,
)

CALLERS = (NotFound, InvalidPayload, UnknownKind, InvalidTransition, LimitExceeded, Unavailable)


def test_every_error_has_its_place_in_the_tree() -> None:
    """And the tree in the module's docstring names each of them."""
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass)]
    ours = [c for c in classes if c.__module__ == errors.__name__]
    assert ours and all(issubclass(c, ServerError) for c in ours)
    assert all(c.__name__ in (errors.__doc__ or "") for c in ours)
    assert all(issubclass(c, CallerError) for c in CALLERS)
    assert not any(issubclass(c, CallerError) for c in (LostClaim, StorageError, ConfigError))
    assert issubclass(StorageBusy, StorageError)


def test_what_is_not_found_is_answered_with_up_to_three_that_look_like_it() -> None:
    """The nearest first; without any, there is no guess."""
    error = NotFound("page", "mneu", known=["menu", "home", "menus", "men", "about"])
    assert error.nearest[0] == "menu" and len(error.nearest) <= 3
    assert "Did you mean" in str(error)
    assert str(NotFound("page", "x", hint="Look.")) == "There is no page 'x'. Look."


def test_of_ids_only_those_with_a_letter_or_two_wrong_are_named() -> None:
    """What was made in the same hour begins alike, and is another thing; capitals do not count."""
    known = ["b_01m80zq5x2kwv3t9r4c8ye7jnd"]

    def nearest(id: str) -> tuple[str, ...]:
        return NotFound("batch", id, known=known, likeness=ID_LIKENESS).nearest

    for typed in ("b_01m80zq5x2kwv3t9r4c8ye7jne", "b_01m80zq5x2kwvt39r4c8ye7jnd", known[0].upper()):
        assert nearest(typed) == tuple(known)
    assert nearest(known[0][:-2]) == tuple(known)
    for other in ("b_01m80zq5x3m1n8a0d6hgs2bqpf", "j_01m80zq5x2f7x1c0gj5mza8tqr", "b_01m80zq5x2"):
        assert nearest(other) == ()


@pytest.mark.parametrize("id", ["a\nb", "a\x00b", "\x1b[31mred", "a\u202eb", "x" * 300])
def test_an_id_is_repeated_printable_and_short(id: str) -> None:
    """Nothing a caller sends writes over a terminal, or fills an answer."""
    text = str(NotFound("page", id))
    assert text.isprintable() and len(text) < 120


def test_each_class_writes_its_message_from_facts() -> None:
    """And keeps the facts for programs."""
    payload = InvalidPayload("payload of toy", ["n: too small", "m: missing"])
    assert str(payload) == "payload of toy: n: too small; m: missing"
    limit = LimitExceeded("batch", actual=5, maximum=4, unit="jobs")
    assert (limit.actual, limit.maximum) == (5, 4) and "5 jobs" in str(limit)
    move = InvalidTransition("batch b", state="failed", action="cancel", advice="Use retry.")
    assert str(move) == "Cannot cancel batch b: it is failed. Use retry."
    assert (move.state, move.action) == ("failed", "cancel")
    lost = LostClaim("j", "a")
    assert (lost.job_id, lost.attempt_id) == ("j", "a")
    assert "toy, other" in str(UnknownKind("toi", ["toy", "other"]))
