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
    r"|\.\.\.)(?:[ _:-][^\[\]\n]{0,80})?\](?![(\[:]))"
    r"|_{4,}(?=[ .,€\n]|$)"
)


def leftovers_in(prose: str) -> Iterator[tuple[int, int]]:
    """Yield the places in a text that somebody meant to fill in."""
    for found in _LEFTOVER.finditer(prose):
        yield found.span()
