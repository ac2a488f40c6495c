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


def test_a_line_is_one_line_and_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever a value is of: line ends, escapes and what nobody sees are escaped."""
    log_to_stderr()
    odd = "a\nlevel=info\r\x1b[2J\u2028\u202e\U000e0041\U000e0170\ud83d"
    structlog.get_logger().warning("asked", given=odd)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable() and "\U000e0170" not in line
