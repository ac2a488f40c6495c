"""How a process ends that is told to: three signals, each with less patience."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.waiting import PATIENCE_S, wait_until

STUBBORN = """
import anyio
from mcp_server.app.shutdown import run_until_told

async def body(stopping):
    print("begun", flush=True)
    await stopping.wait()
    print("told", flush=True)
    try:
        await anyio.sleep_forever()
    finally:
        print("told again", flush=True)
        with anyio.CancelScope(shield=True):
            await anyio.sleep_forever()

run_until_told(body)
"""
"""Says what it hears, and ends at nothing that it could hear."""

BLOCKED = """
import time
from mcp_server.app.shutdown import run_until_told

async def body(stopping):
    print("begun", flush=True)
    while True:
        time.sleep(600)

run_until_told(body)
"""
"""Lets nobody else have its event loop."""


@contextmanager
def running(code: str) -> Generator[subprocess.Popen[str]]:
    """Run a program that has begun."""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert said(process) == "begun"
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip()


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_the_second_cancels_and_the_third_kills(
    first: signal.Signals,
) -> None:
    """Whatever hangs, three signals end it."""
    with running(STUBBORN) as process:
        process.send_signal(first)
        assert said(process) == "told"
        process.send_signal(first)
        assert said(process) == "told again"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == -signal.SIGTERM


def test_signals_end_a_process_whose_event_loop_is_blocked() -> None:
    """They are counted where they arrive, not where they are heard."""
    with running(BLOCKED) as process:

        def ends() -> bool:
            process.send_signal(signal.SIGTERM)
            return process.poll() is not None

        wait_until(ends)
        assert process.returncode == -signal.SIGTERM
