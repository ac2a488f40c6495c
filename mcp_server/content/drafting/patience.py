"""How long a provider that turns requests away is waited for."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager

from mcp_server.clock import Clock
from mcp_server.content.drafting.errors import BudgetTaken, ModelBusy, ModelTrouble, OverBudget

PATIENCE_S = 15 * 60.0
"""How long nothing may get through, beyond what the provider asked for, until a person is to look.
Limits are per minute, and a model takes minutes to be loaded; what takes longer needs somebody.
No longer is slept at a stretch either: a worker that nothing is due in does not stay so long."""

WAIT_MIN_S, WAIT_MAX_S = 10.0, 60.0
"""Seconds until a section is tried again where the provider says nothing. The first is for limits
of a few requests per minute, the last for those that are counted by the whole minute."""

TOLD_TIMES = 4.0
"""A provider that says "in a second" is believed until so many times of it have passed."""

SPREAD = 0.618
"""The golden section: steps of it round a circle never come close to each other."""

STEP_S = 0.25
"""Between sections that were put off together: no less often than four lanes ask, and seldom enough
that a batch of thousands is not put off over and over."""

OVER_S = 2 * WAIT_MAX_S
"""How long patience stays over: each batch that waits is tried within that, and pauses too."""


class Patience:
    """What the sections that ask one model know together: whether any of them got through.

    So a batch of hundreds may take as long as its provider's limits make it, while a provider that
    answers nobody is noticed. While one waits none of them asks: providers count what they turn
    away, and would let nothing through.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._until, self._turned_away = 0.0, 0
        self._over_until = 0.0
        self._closed_until, self._put_off = 0.0, 0
        self._last: ModelBusy | None = None

    @contextmanager
    def counting(self, clock: Clock) -> Generator[None]:
        """Note how a question within ends; say of one that was turned away when to ask again.

        Raises:
            ModelBusy: the model is not to be asked yet; nothing within has run.
        """
        self._check_open(clock.now())
        try:
            yield
        except ModelBusy as busy:
            self._note(busy, clock.now())
            raise
        except (BudgetTaken, OverBudget):
            raise  # it was not asked
        except ModelTrouble:
            self._open()  # it was taken up, whatever came of it
            raise
        else:
            self._open()

    def _check_open(self, now: float) -> None:
        if self._last is None or now >= self._closed_until:
            return
        self._put_off += 1
        busy = ModelBusy(self._last.model, self._last.cause, turned_away=True)
        busy.again_at = self._closed_until + STEP_S * self._put_off
        raise busy

    def _open(self) -> None:
        self._since = self._last = None
        self._over_until = 0.0

    def _note(self, busy: ModelBusy, now: float) -> None:
        """Say when to ask again, or what a person is to do."""
        if not busy.turned_away:
            self._open()
        if (after_s := busy.after_s or 0.0) > PATIENCE_S:
            busy.advice = f"It asks to wait {_in_words(after_s)}; `retry` goes on then."
        elif busy.turned_away:
            busy.again_at = self._again_at(after_s, now)
            if busy.again_at is None:
                busy.advice = (
                    "It has taken no question for too long; when it does, `retry` goes on."
                )
            else:
                self._close(busy, busy.again_at)

    def _close(self, busy: ModelBusy, until: float) -> None:
        if self._last is None or until > self._closed_until:
            self._last, self._closed_until, self._put_off = busy, until, 0

    def _again_at(self, after_s: float, now: float) -> float | None:
        """Return when to try again, `None` if patience is over.

        The times of many sections are spread, so that they do not come back at once.
        """
        if now < self._over_until:
            return None
        if self._since is None:
            self._since = self._until = now
        self._until = max(self._until, self._since + after_s + PATIENCE_S)
        if now > self._until:
            self._open()  # who retries a batch gets all of it again
            self._over_until = now + OVER_S
            return None
        if after_s:
            return now + max(after_s, min(WAIT_MAX_S, (now - self._since) / TOLD_TIMES))
        self._turned_away += 1
        wait_s = min(WAIT_MAX_S, max(WAIT_MIN_S, now - self._since))
        return now + wait_s * (1.0 + 0.5 * (SPREAD * self._turned_away % 1.0))


def _in_words(seconds: float) -> str:
    """Return a length of time that is not too short, such as `24 hours`."""
    unit, length = ("hours", 3_600) if seconds >= 2 * 3_600 else ("minutes", 60)
    return f"{math.ceil(seconds / length)} {unit}"
