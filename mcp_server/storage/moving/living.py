"""Whether somebody still works on the workspace that is to be moved."""

from __future__ import annotations

from mcp_server.errors import Unavailable
from mcp_server.jobs.host.presence import MACHINE, is_alive
from mcp_server.jobs.records import Host
from mcp_server.storage.sql.queue.rows import host_of
from mcp_server.storage.sql.transaction import Transaction

NAMED_MAX = 5

ENDS = (
    "`pressroom stop` ends the worker, and a server ends with the client that started it, or when "
    "it is interrupted"
)


def check_nobody_lives(tx: Transaction, *, now: float) -> None:
    """Return if neither a worker nor a server of the workspace lives.

    Raises:
        Unavailable: some do, and are named.
    """
    hosts = map(host_of, tx.all("list_hosts", seen_after=0))
    alive = [_named(host) for host in hosts if is_alive(host, now)]
    if alive:
        raise Unavailable(
            f"The workspace is in use, and was not moved: {', '.join(alive[:NAMED_MAX])}. {ENDS}."
        )


def _named(host: Host) -> str:
    machine = host.details.get("machine", MACHINE)
    where = "" if machine == MACHINE else f" on {machine}"
    return f"{host.role} process {host.pid}{where}"
