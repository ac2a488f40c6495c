"""Which name somebody may have meant."""

from __future__ import annotations

import pytest

from mcp_server.likeness import COMPARED_LENGTH_MAX, did_you_mean, nearest


@pytest.mark.parametrize("name", ["menuu", "MENU", "mneu"])
def test_a_slip_of_the_pen_finds_the_name_as_it_is_written(name: str) -> None:
    """Whatever the case of what was asked for."""
    assert nearest(name, ["about", "Menu"]) == ("Menu",)
    assert did_you_mean(name, ["about", "Menu"]) == "; did you mean Menu?"


def test_nothing_alike_is_no_guess() -> None:
    """It would only lead astray."""
    assert nearest("prices", ["about", "menu"]) == ()
    assert did_you_mean("prices", ["about", "menu"]) == ""


def test_several_guesses_come_the_most_alike_first() -> None:
    """At most as many as were asked for."""
    known = ["team-3", "our-team", "team"]
    assert nearest("team", known, most=2) == ("team", "team-3")


def test_of_a_very_long_name_only_the_beginning_is_compared() -> None:
    """To compare takes time by length."""
    known = ["n" * COMPARED_LENGTH_MAX]
    assert nearest("n" * 10_000_000, known) == tuple(known)
