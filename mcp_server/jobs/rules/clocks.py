"""What it means to what is stored that the machine's clock was set back.

Times are stored by the wall clock, as they must outlive the process and the machine's sleep. Where
it was a day ahead and is put right, all that was to happen in a second would happen in a day.
"""

from __future__ import annotations

SET_BACK_MIN_S = 120.0
"""By less than this a clock was not set back: processes read it at different moments, and what is
due a little late is no harm."""


def set_back_s(now: float, latest: float) -> float:
    """Return how far the clock was set back since `latest`, the last time that was written down.

    0 where it was not. It is too little by as long as nobody had written a time down, which is a
    heartbeat at most while anybody lives.
    """
    back = latest - now
    return back if back >= SET_BACK_MIN_S else 0.0
