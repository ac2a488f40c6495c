"""A line to the database that takes its time: what either side says is heard a moment later.

    python -m tests.benchmarks.shared.line FOLDER SECONDS

listens on a port of this machine, which it prints, and passes on to the server whose socket is in
`FOLDER`, until its stdin ends. One thread for each way: an event loop rounds to milliseconds.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

AT_ONCE_BYTES = 1 << 20


def main(server: Path, seconds: float) -> None:
    """Pass on."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_accept, args=(listener, server, seconds), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket, server: Path, seconds: float) -> None:
    while True:
        near, _ = listener.accept()
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(server))
        for ends in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=(*ends, seconds), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, seconds: float) -> None:
    with suppress(OSError):
        while said := source.recv(AT_ONCE_BYTES):
            time.sleep(seconds)
            target.sendall(said)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main(Path(sys.argv[1]) / ".s.PGSQL.5432", float(sys.argv[2]))
