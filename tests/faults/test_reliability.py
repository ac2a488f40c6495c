"""99.9 % of jobs complete under faults; `python -m tests.faults.reliability` says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import databases
from tests.faults.processes import seed
from tests.wire import environment

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the workers are forked, to start at once")
def test_of_five_thousand_jobs_with_faults_and_kills_999_in_1000_complete() -> None:
    """The rest, if any, failed with a reason: the command itself checks that."""
    line = [sys.executable, "-m", "tests.faults.reliability", "--json", "--seed", str(seed())]
    if (address := databases.address()) is not None:
        line += ["--postgres", address]
    done = subprocess.run(
        line, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["jobs"] == figures["completed"] + figures["failed"] == 5000
    assert figures["faulty"] > 800 and figures["killed"] > 20
    assert figures["percent"] >= 99.9
