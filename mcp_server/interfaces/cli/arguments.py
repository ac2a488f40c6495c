"""What is typed as a command, as the arguments of its tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer


def given(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments that were given. An empty text is the tool's to judge."""
    return {
        name: v for name, v in arguments.items() if v is not None and v is not False and v != []
    }


def selected(
    targets: Sequence[str] | None, pages: Sequence[str] | None, sections: Sequence[str] | None
) -> Mapping[str, Any]:
    """Return the arguments that select what is named: in order, by place or by option."""
    pages = [*(pages or ()), *(each for each in targets or () if "/" not in each)]
    sections = [*(sections or ()), *(each for each in targets or () if "/" in each)]
    beside = not targets and len(pages) <= 1 and len(sections) <= 1  # a page, and a bare id on it
    if beside or len(pages) + len(sections) <= 1:
        return {"page": next(iter(pages), None), "section": next(iter(sections), None)}
    return {"pages": pages, "sections": sections}


def replacements(old: Sequence[str], new: Sequence[str]) -> Sequence[Mapping[str, str]]:
    """Return the changes of an edit.

    Raises:
        BadParameter: one has no other half.
    """
    if len(old) != len(new):
        raise typer.BadParameter("each --replace goes with one --with", param_hint="--replace")
    return [{"old": each, "new": other} for each, other in zip(old, new, strict=True)]


def given_text(text: str | None) -> str | None:
    """Return a text that was given, or what stdin has where that is `-`."""
    return typer.get_text_stream("stdin").read() if text == "-" else text


def file_text(name: str | None) -> str | None:
    """Return what a file holds, or stdin where it is named `-`.

    Raises:
        BadParameter: it cannot be read, or holds no text.
    """
    try:
        text = given_text(name) if name in (None, "-") else Path(name).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise typer.BadParameter(f"{name}: {why}", param_hint="--material") from None
    if text is not None and not text.strip():
        raise typer.BadParameter(f"{name}: it is empty", param_hint="--material")
    return text
