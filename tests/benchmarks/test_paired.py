"""What a pair of measurements says."""

from __future__ import annotations

from tests.benchmarks.paired import ratios


def test_more_is_better_of_a_rate_and_of_a_time() -> None:
    """Twice the jobs a second, and half the milliseconds, are both twice as good."""
    old = {"drain-1": (1000.0, "jobs/s"), "start": (4.0, "ms")}
    new = {"drain-1": (2000.0, "jobs/s"), "start": (2.0, "ms")}
    assert ratios(old, new) == {"drain-1": 2.0, "start": 2.0}


def test_what_only_one_of_them_measures_is_no_ratio() -> None:
    """A figure that is new, or of which nothing was measured, says nothing of the other."""
    assert ratios({"start": (0.0, "ms")}, {"start": (2.0, "ms"), "bulk": (5.0, "ms")}) == {}
