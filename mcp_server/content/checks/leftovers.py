"""What was left to be done in a text: TODO, lorem ipsum, `[your name]`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LEFTOVER = re.compile(
    r"\b(?:TODO|TO-DO|FIXME|TBD|TBA|TKTK|X{3,}|NNN+)\b"
    r"|(?i:\b(?:lorem ipsum|dolor sit amet|consectetur adipi\w{1,12})\b)"
    r"|(?i:\b(?:to be (?:determined|confirmed|announced|added)|coming soon: text"
    r"|insert \w{1,20} here"
    r"|placeholder text|sample text here|platzhalter(?:text)?|blindtext|hier (?:text|name|preis"
    r"|adresse|telefonnummer) einfügen"
    r"|texte à (?:venir|compléter)|à compléter|faux texte|xx+ ?(?:€|euro))\b)"
    r"|(?i:\[(?:insert|add|your|enter|placeholder|todo|tbd|company|business|shop|name|address"
    r"|phone|e-?mail|date|price|time|link|url"
    r"|city|town|number|hier|ihr|ihre|dein|deine|einfügen|firma|firmenname|preis|adresse|telefon"
    r"|telefonnummer|datum|uhrzeit|ort|stadt"
    r"|votre|vos|insérer|ajouter|nom|prix|adresse|téléphone|ville|numéro|à compléter|x+|…"
    r"|\.\.\.)(?:[ _:-][^\[\]\n]{0,80})?\])"
    r"|_{4,}(?=[ .,€\n]|$)"
)


_ITEM = re.compile(r"[ \t>]{0,40}(?:[-*+]|\d{1,9}[.)])[ \t]{1,9}")
_DEFINED = re.compile(r"^[ \t>]{0,40}(\[[^\]\n]{1,200}\]):[ \t]*(?!<?#)\S", re.MULTILINE)
"""A definition that leads somewhere else than within the page."""


def leftovers_in(prose: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the places in `prose` that somebody meant to fill in.

    `text` is what it was made of, at the same places: there, links and tasks are seen as such.
    """
    found = [each.span() for each in _LEFTOVER.finditer(prose)]
    in_brackets = any(text[start] == "[" for start, _ in found)
    defined = (
        {each[1].casefold() for each in _DEFINED.finditer(text)} if in_brackets else set[str]()
    )
    for start, end in found:
        piece = text[start:end]
        if piece[0] != "[" or not (
            text[end : end + 1] in {"(", "[", ":"}
            or piece.casefold() in defined
            or (piece in {"[x]", "[X]"} and _is_task(text, start))
        ):
            yield start, end


def _is_task(text: str, start: int) -> bool:
    """Whether what stands there is the box of a list's item."""
    return _ITEM.fullmatch(text, text.rfind("\n", 0, start) + 1, start) is not None
