"""When the next snapshot may go to a subscriber. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most one snapshot per `interval_s`; what comes too early is held, not dropped."""

    interval_s: float
    sent_at: float | None = None

    def hold_s(self, now: float) -> float:
        """Return how long to hold a snapshot that is ready now.

        Never longer than the interval, even if the clock was set back.
        """
        if self.sent_at is None:
            return 0.0
        return min(self.interval_s, max(0.0, self.sent_at + self.interval_s - now))

    def sent(self, now: float) -> Throttle:
        """Return the throttle after a snapshot went out."""
        return Throttle(self.interval_s, now)
