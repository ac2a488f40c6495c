"""Following the machine's clock where it was set back."""

from __future__ import annotations

import structlog

from mcp_server.jobs.rules.clocks import set_back_s
from mcp_server.storage.sql.transaction import Transaction

logger = structlog.get_logger(__name__)


def follow(tx: Transaction, *, now: float) -> None:
    """If the clock was set back, set back what was stored by the clock of before.

    By whoever notices first, in the transaction that writes his own time down: nobody does it
    again.
    """
    found = tx.one("latest_time")
    latest = found["at"] if found is not None else 0.0
    back = set_back_s(now, latest)
    if not back:
        return
    logger.warning("the clock was set back; what is due later is, too", seconds=round(back))
    tx.run("set_back_due", back=back, now=now)
    tx.run("set_back_paused", back=back, now=now)
    tx.run("set_back_leases", back=back, latest=latest)
    tx.run("set_back_following", now=now)
    tx.run("set_back_hosts", now=now)
    tx.run("note_claim", now_ms=int(now * 1000))
