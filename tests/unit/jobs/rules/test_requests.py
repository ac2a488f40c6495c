"""What a request key stands for: pure."""

from __future__ import annotations

import pytest

from mcp_server.errors import InvalidPayload
from mcp_server.jobs.rules.requests import check_digest


def test_a_request_key_is_refused_for_another_call() -> None:
    """And says what to do."""
    with pytest.raises(InvalidPayload, match="take a new one for a new request"):
        check_digest("ours", "another")


def test_the_same_call_may_come_again_under_its_key() -> None:
    """However often: it is answered as before."""
    check_digest("ours", "ours")
