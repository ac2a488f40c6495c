"""How long a provider that turns requests away is waited for."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from mcp_server.clock import Clock
from mcp_server.content.drafting.errors import ModelBusy, ModelTrouble

PATIENCE_S = 15 * 60.0
"""How long nothing may get through, beyond what the provider asked for, until a person is to look.
Limits are per minute, and a model takes minutes to be loaded; what takes longer needs somebody."""

WAIT_MIN_S, WAIT_MAX_S = 10.0, 60.0
"""Seconds until a section is tried again where the provider says nothing. The first is for limits
of a few requests per minute, the last for those that are counted by the whole minute."""

TOLD_TIMES = 4.0
"""A provider that says "in a second" is believed until so many times of it have passed."""

SPREAD = 0.618
"""The golden section: steps of it round a circle never come close to each other."""


class Patience:
    """What the sections that ask one model know together: whether any of them got through.

    So a batch of hundreds may take as long as its provider's limits make it, while a provider that
    answers nobody is noticed.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._until, self._turned_away = 0.0, 0

    @contextmanager
    def counting(self, clock: Clock) -> Generator[None]:
        """Note how a question within ends; say of one that was turned away when to ask again."""
        try:
            yield
        except ModelBusy as busy:
            if not busy.turned_away:
                self._since = None
                raise
            busy.again_at = self._again_at(busy.after_s or 0.0, clock.now())
            raise
        except ModelTrouble:
            self._since = None  # it was taken up, whatever came of it
            raise
        else:
            self._since = None

    def _again_at(self, after_s: float, now: float) -> float | None:
        """Return when to try again, `None` if patience is over.

        The times of many sections are spread, so that they do not come back at once.
        """
        if self._since is None:
            self._since = self._until = now
        self._until = max(self._until, self._since + after_s + PATIENCE_S)
        if now > self._until:
            self._since = None  # who retries the batch gets all of it again
            return None
        if after_s:
            return now + max(after_s, min(WAIT_MAX_S, (now - self._since) / TOLD_TIMES))
        self._turned_away += 1
        wait_s = min(WAIT_MAX_S, max(WAIT_MIN_S, now - self._since))
        return now + wait_s * (1.0 + 0.5 * (SPREAD * self._turned_away % 1.0))
