"""What a process of Pressroom logs: lines without secrets in them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import structlog

from mcp_server.app.process import log_to_stderr

SECRET = "quite-secret-1234"


@dataclass
class Connection:
    """Something that is logged as it is."""

    key: str


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        [1, ("a", SECRET)],
        {"headers": {"authorization": [f"Bearer {SECRET}"]}},
        {SECRET: 1},
        Connection(SECRET),
        ValueError({"key": SECRET}),
        SECRET.encode(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_taken_out_of_a_logged_value_however_deep_it_is(
    value: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a list, a mapping, or anything that is written as text."""
    monkeypatch.setenv("SOME_API_KEY", SECRET)
    log_to_stderr()
    structlog.get_logger().warning("asked", given=value, count=3, done=True, nothing=None)
    said = capsys.readouterr().err
    assert SECRET not in said
    assert "[hidden]" in said
    assert "count=3 done nothing=" in said
