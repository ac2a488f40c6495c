"""Whether a file lost its text, or a text its mark: nobody can say what was meant (P6). Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mcp_server.content.pages.declared import BLANKS
from mcp_server.content.pages.layout import Blocked
from mcp_server.content.pages.page_text import PageText, parse

TELLING_LENGTH = 20
"""Characters from which a text is looked for anywhere; a shorter one counts as whole lines only."""


def is_emptied(page: PageText, wanted: Collection[str]) -> Blocked | None:
    """Return why a file without text is blocked where `wanted` sections stood in it before.

    An editor that saves by truncating leaves such a file, and so does a full disk.
    """
    data = page.data.removeprefix(b"\xef\xbb\xbf")
    keyed = {part.section for part in page.layout.parts if part.keys}
    missed = wanted if not data.strip() else [s for s in wanted if s not in keyed]
    body = page.data[page.front.body if page.front else 0 :]
    if not missed or body.strip(BLANKS):
        return None
    return Blocked(
        "it is empty though it had text; put the text back, or unpublish what should be gone"
    )


def remains(page: PageText, section: str, kept: Sequence[bytes]) -> Blocked | None:
    """Return why a section whose mark is away is blocked: its text is still in the file.

    `kept` has what the file was when the mark was there. A text that stood elsewhere too, and now
    stands there only, does not count.
    """
    for data in kept:
        was = parse(data, page.layout)
        if isinstance(was, Blocked) or section not in was.spans:
            continue
        text = was.spans[section].text
        # Values of front matter may stand there in quotes: then their text stood nowhere.
        if text.strip() and 0 < _count(data, text) <= _count(page.data, text):
            reason = (
                f"the mark of {section} is gone and its text is still there; put the mark back, "
                "or take the text out too"
            )
            return Blocked(reason, _line(page.data, text))
    return None


def _count(data: bytes, text: str) -> int:
    decoded = data.decode("utf-8", "replace")
    if len(text) >= TELLING_LENGTH:
        return _flat(decoded).count(_flat(text))
    lines, wanted = _lines(decoded), _lines(text)
    return sum(lines[at : at + len(wanted)] == wanted for at in range(len(lines)))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _line(data: bytes, text: str) -> int | None:
    """Return the first line that is the first of `text`, unless the text was wrapped anew."""
    first, lines = _lines(text)[0], data.decode("utf-8", "replace").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.strip() == first), None)
