"""What tools say, and whether people can read it."""

from __future__ import annotations

from typing import Any


def text(result: dict[str, Any]) -> str:
    """Return what a tool said."""
    return "\n".join(block["text"] for block in result["content"])


def assert_one_clear_line(refusal: dict[str, Any]) -> None:
    """Fail unless a tool refused with a sentence for people."""
    assert refusal.get("isError"), refusal
    said = text(refusal).strip()
    assert said
    assert "\n" not in said
    assert "Traceback" not in said
    assert "/" not in said
