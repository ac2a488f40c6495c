"""A plain reading of the page files that the sequences make, apart from the product's own.

It knows front matter between `---`, fences of backticks, marks and second-level headings; the files
that are played with hold nothing else that could hide a mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from mcp_server.content.pages.slug import unique_slugs

MARK = re.compile(r"(?:<!--|\{/\*) section: (?:[\w/]+/)?([\w-]+) (?:-->|\*/\})\s*")
KEY = re.compile(r"([A-Za-z_]\w*):")


@dataclass
class Piece:
    """Lines that belong together: after a mark or a heading, or before the first (`None`)."""

    owner: str | None
    opening: bytes
    lines: list[bytes] = field(default_factory=list[bytes])

    @property
    def text(self) -> str:
        """The text, as a section's text is kept."""
        lines = plain(b"".join(self.lines)).split("\n")
        while lines and not lines[0].strip():
            del lines[0]
        while lines and not lines[-1].strip():
            del lines[-1]
        return "\n".join(lines)


@dataclass
class Scan:
    """A file taken apart."""

    bom: bytes
    front: list[bytes] | None
    """With the lines that open and close it."""
    pieces: list[Piece]

    @property
    def marked(self) -> bool:
        """Whether it has a mark, or a heading that divides it."""
        return len(self.pieces) > 1

    def piece(self, owner: str | None) -> Piece | None:
        """Return the piece of a section."""
        return next((piece for piece in self.pieces if piece.owner == owner), None)

    def joined(self) -> bytes:
        """Return the bytes again."""
        front = b"".join(self.front or [])
        body = b"".join(piece.opening + b"".join(piece.lines) for piece in self.pieces)
        return self.bom + front + body

    def keys(self) -> dict[str, str]:
        """Return the front matter's keys and values, as they are written."""
        found = [plain(line).rstrip("\n").partition(":") for line in (self.front or [])[1:-1]]
        return {key: value.strip().strip("\"'") for key, colon, value in found if colon}


def plain(data: bytes) -> str:
    """Return bytes as text with LF."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def scanned(data: bytes, *, split: bool = False) -> Scan:
    """Take a file apart."""
    bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    lines = data.removeprefix(bom).splitlines(keepends=True)
    front: list[bytes] | None = None
    if lines and lines[0].strip() == b"---":
        close = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == b"---"), None)
        if close is not None:
            front, lines = lines[: close + 1], lines[close + 1 :]
    pieces, hidden = [Piece("intro" if split else None, b"")], b""
    for line in lines:
        owner = None if hidden else _owner(line, split=split)
        if owner is not None:
            pieces.append(Piece(owner, line))
            continue
        pieces[-1].lines.append(line)
        hidden = _hidden(line, hidden)
    if split:
        named = unique_slugs([piece.owner or "" for piece in pieces[1:]], {"intro", "meta"})
        for piece, owner in zip(pieces[1:], named, strict=True):
            piece.owner = owner
    return Scan(bom, front, pieces)


def _hidden(line: bytes, hidden: bytes) -> bytes:
    """Return what ends the code or the comment that goes on after this line, if one does."""
    if hidden == b"```":
        return b"" if line.strip() == hidden else hidden
    if hidden:
        return b"" if hidden in line else hidden
    if line.startswith(b"<!--"):
        return b"" if b"-->" in line else b"-->"
    return b"```" if line.startswith(b"```") else b""


def _owner(line: bytes, *, split: bool) -> str | None:
    text = plain(line)
    if split:
        return text[2:].strip() if text.startswith(("## ", "##\n")) or text == "##" else None
    match = MARK.fullmatch(text)
    return match[1] if match else None


def outside(scan: Scan, changed: Collection[str], keys: Collection[str]) -> list[bytes]:
    """Return every line that belongs to no changed section and to no changed key.

    Blank lines and marks are left out, as a section that comes or goes brings them or takes them;
    `strictly_outside` keeps them.
    """
    front = [line for line in scan.front or [] if _key(line) not in keys and line.strip() != b"---"]
    kept = list(front)
    for piece in scan.pieces:
        if piece.owner in changed:
            continue
        kept += [] if piece.owner is None else [piece.opening]
        kept += piece.lines
    return [line.rstrip(b"\r\n") for line in kept if line.strip()]


def strictly_outside(scan: Scan, changed: Collection[str], keys: Collection[str]) -> bytes:
    """Return all bytes but the texts of changed sections and the lines of changed keys."""
    kept = scan.bom + b"".join(line for line in scan.front or [] if _key(line) not in keys)
    for piece in scan.pieces:
        kept += piece.opening
        kept += _around(piece) if piece.owner in changed else b"".join(piece.lines)
    return kept


def _around(piece: Piece) -> bytes:
    text = [n for n, line in enumerate(piece.lines) if line.strip()]
    if not text:
        return b"".join(piece.lines)
    first, last = text[0], text[-1]
    end = piece.lines[last][len(piece.lines[last].rstrip(b"\r\n")) :]
    return b"".join(piece.lines[:first]) + b"<text>" + end + b"".join(piece.lines[last + 1 :])


def _key(line: bytes) -> str:
    match = KEY.match(plain(line))
    return match[1] if match else ""
