"""What may have become of a file, told from its bytes alone: a plain reading beside the product's.

A text is compared as lines without the blank ones around them, keys by their values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from tests.faults.page_campaign.site import KEYS
from tests.pages_core.scan import Piece, Scan, outside, plain, scanned, strictly_outside

META = "meta"
CONFLICT = b"<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n"


def is_split(page: str) -> bool:
    """Whether the sections of a page are its headings."""
    return page.startswith("guides/")


def has_meta(page: str) -> bool:
    """Whether keys of a page's front matter are a section."""
    return page != "menu"


def scan_of(page: str, data: bytes) -> Scan:
    """Take a page's file apart; the pieces are named as its sections are."""
    scan = scanned(data, split=is_split(page))
    if not scan.marked and not is_split(page):
        scan.pieces[0].owner = {"menu": "hero", "about": "story"}.get(page, "body")
    return scan


def texts_of(page: str, data: bytes | None) -> dict[str, str]:
    """Return what the file says, by section."""
    if data is None:
        return {}
    scan = scan_of(page, data)
    texts = {piece.owner: piece.text for piece in scan.pieces if piece.owner is not None}
    if has_meta(page) and scan.front is not None:
        texts[META] = keys_of(scan)
    return {section: text for section, text in texts.items() if text}


def keys_of(scan: Scan) -> str:
    """Return the keys that are a section, as a text."""
    return canonical("\n".join(f"{key}: {value}" for key, value in scan.keys().items()))


def canonical(text: str) -> str:
    """Return the text of a `meta` section in one form, whoever has written it down."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key in KEYS:
            found[key] = value.strip().strip("\"'")
    return "\n".join(f"{key}: {found[key]}" for key in KEYS if found.get(key))


def as_kept(section: str, text: str | None) -> str:
    """Return a stored text as `texts_of` would read it in a file."""
    if text is None:
        return ""
    return canonical(text) if section == META else Piece(None, b"", [text.encode()]).text


def wrong_between(
    page: str, before: bytes, after: bytes, asked: Mapping[str, str | None]
) -> Iterator[str]:
    """Yield what of a file is not as it was, less these texts that were asked for."""
    one, two = scan_of(page, before), scan_of(page, after)
    changed = set(asked) - {META}
    keys = KEYS if META in asked else ()
    for section, text in asked.items():
        now = texts_of(page, after).get(section, "")
        if now != (text or ""):
            yield f"{page}/{section} is {now!r}, and was to be {text!r}"
    pieces = [[piece.owner for piece in scan.pieces] for scan in (one, two)]
    texts = [p.text for scan in (one, two) for p in scan.pieces if p.owner in changed]
    same = bool(one.front) == bool(two.front)
    if all(texts) and pieces[0] == pieces[1] and same:
        was, now = (strictly_outside(scan, changed, keys) for scan in (one, two))
    else:
        was, now = (b"\n".join(_loosely(scan, changed, keys)) for scan in (one, two))
    if was != now:
        yield f"{page}: outside of {sorted(asked)} there was {was!r}, and is {now!r}"


def _loosely(scan: Scan, changed: Collection[str], keys: Collection[str]) -> list[bytes]:
    """Return the lines outside; marks of changed sections may come and go."""
    return [
        line for line in outside(scan, changed, keys) if line.strip() not in {b"", b"\xef\xbb\xbf"}
    ]


def with_text(page: str, data: bytes, section: str, text: str) -> bytes | None:
    """Return the file with another text of a section, as a person would type it."""
    scan = scan_of(page, data)
    end = b"\r\n" if b"\r\n" in data else b"\n"
    if section == META:
        return _with_title(data, text)
    piece = scan.piece(section)
    if piece is None:
        return None
    filled = [n for n, line in enumerate(piece.lines) if line.strip()]
    if not filled:
        return None
    lines = [line.encode() + end for line in text.split("\n")]
    last = piece.lines[filled[-1]]
    if not last.endswith(b"\n"):
        lines[-1] = lines[-1].rstrip(b"\r\n")
    piece.lines[filled[0] : filled[-1] + 1] = lines
    return scan.joined()


def _with_title(data: bytes, text: str) -> bytes | None:
    found = re.subn(rb"(?m)^title:[^\r\n]*", b"title: " + text.encode(), data, count=1)
    return found[0] if found[1] else None


def formatted(data: bytes) -> bytes:
    """Return a file as a formatter leaves it."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    lines = re.sub(rb"(?m)^\* ", b"- ", data)
    return lines.rstrip(b"\r\n") + end


def other_ends(data: bytes) -> bytes:
    """Return a file with the other line ends."""
    lf = data.replace(b"\r\n", b"\n")
    return lf if lf != data else lf.replace(b"\n", b"\r\n")


def shown(data: bytes | None) -> str:
    """Return bytes for a report."""
    return "no file" if data is None else plain(data)
