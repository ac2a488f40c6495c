"""numpy, loaded late and in such a way that it computes on one core."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

INSTALL = "pip install 'pressroom[meaning]'"
"""Brings numpy, and the model that runs here: 32 MB."""
VARIABLE = "OPENBLAS_NUM_THREADS"


def has_numpy() -> bool:
    """Whether it is installed; it is not loaded."""
    return importlib.util.find_spec("numpy") is not None


def numpy() -> Any:
    """Return numpy. It takes 0.1 s to load, and only who embeds or searches needs it.

    Its library for matrices would start a thread for each core, which wait for each other by
    spinning: on a machine that has other work to do, that is slower, and it takes that work's time.
    """
    ours = VARIABLE not in os.environ
    if ours:
        os.environ[VARIABLE] = "1"  # read once, while it is loaded
    try:
        import numpy as np  # noqa: PLC0415 - as late as can be
    finally:
        if ours:
            del os.environ[VARIABLE]
    return np
