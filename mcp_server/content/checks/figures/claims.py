"""Whether a number without a unit claims something, or is a manner of speaking. Pure.

A number in digits claims something. A small one in words, a round one or a share does so only
where it counts what visitors rely on: guests, rooms, awards, generations.
"""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.mention import Mention
from mcp_server.content.checks.mentions.units import NO_ADJECTIVES
from mcp_server.content.checks.words import WEEKDAYS

_SMALL = 12
_ROUND = frozenset({100.0, 1000.0, 1e6})
_PLAIN = frozenset({"bare", "count", "ordinal", "vague"})
_WORDS_BETWEEN = 3
"""Words between a number and what it counts: `twelve very friendly guides`."""
_NEXT = re.compile(r"[ \t\u00a0\u202f*_-]{1,3}(?:[dl]['’])?([^\W\d_]{1,40})", re.IGNORECASE)
_PARTITIVES = frozenset(("of", "von", "de", "du", "der", "des", "the", "les", "la", "le", "aller"))
_PEOPLE = (
    r"guests?|customers?|clients?|visitors?|members?|employees?|staff|colleagues?|people|persons?"
    r"|experts?|specialists?|craftsmen|engineers?|doctors?|teachers?|trainers?|instructors?"
    r"|guides?|actors?|actresses|musicians?|men|women|patients?|students?|pupils?|families|subscribers?|followers?|readers?|partners?"
    r"|suppliers?|volunteers?|singers?|players?|apprentices?|child|children|kids?|couples?"
    r"|\w{0,20}(?:gäste?n?|kund(?:en|innen)|besucher\w{0,5}|mitglieder?n?|mitarbeiter\w{0,5}"
    r"|mitarbeitenden?|angestellten?|kolleg(?:en|innen)|personen|menschen|expert(?:en|innen)"
    r"|spezialist(?:en|innen)|fachleuten?|fachkräften?|ingenieuren?|ärzten?|lehrer\w{0,5}"
    r"|trainer\w{0,5}|patient(?:en|innen)|schüler\w{0,5}|familien|abonnenten|lesern?|partnern?"
    r"|schauspieler\w{0,5}|musiker\w{0,5}|männern?|frauen|helfern?|gesellen|meistern?|köpfen?|kind(?:er|ern)?|köch(?:e|en|innen))"
    r"|clients?|clientes|visiteurs?|invités?|membres?|salariés?|employés?|collaborateurs?"
    r"|collègues|personnes|spécialistes?|ingénieurs?|médecins?|professeurs?|formateurs?|patients?"
    r"|élèves|familles|abonnés|lecteurs|partenaires|bénévoles|couverts?|enfants?|artisans"
    r"|adhérents|acteurs|comédiens|musiciens|hommes|femmes"
)
_PLACES = (
    r"rooms?|bedrooms?|bathrooms?|flats?|apartments?|suites?|beds?|seats?|tables?|places|floors?"
    r"|storeys?|branches|locations?|shops?|stores?|offices?|restaurants?|sites?|pitches|courts?"
    r"|countries|cities|towns|houses|cottages|cabins|pools?|stations?"
    r"|\w{0,20}(?:zimmern?|wohnungen|betten|plätzen?|tischen?|etagen|stockwerken?|filialen"
    r"|standorten?|läden|geschäften?|büros|restaurants|ländern?|städten?|häusern?|hütten"
    r"|sälen?|räumen?)"
    r"|chambres?|appartements?|lits?|étages?|agences?|succursales?|magasins?|boutiques?|bureaux"
    r"|salles?|pays|villes|emplacements?|maisons|piscines?"
)
_BOASTS = (
    r"stars?|awards?|prizes?|medals?|certificates?|patents?|projects?|products?|brands?|stages?"
    r"|titles?|reviews?|ratings?|generations?|machines?|vehicles?|vans?|cars?|buses|boats?|bikes?"
    r"|copies|bottles|trees|cows|goats|sheep|hens|animals|lorries|sold|downloads?|concerts?|tours"
    r"|\w{0,20}(?:sternen?|preisen?|auszeichnungen|medaillen|zertifikaten?|patenten?|projekten?"
    r"|produkten?|marken|titeln?|bewertungen|generation(?:en)?|maschinen|fahrzeugen?|autos"
    r"|bussen?|booten?|räder|rädern|flaschen|bäumen?|kühen?|ziegen|schafen?|tieren?|konzerten?"
    r"|aufträgen?)"
    r"|étoiles?|prix|médailles?|récompenses?|certificats?|brevets?|projets?|produits?|marques?"
    r"|titres?|avis|générations?|véhicules?|voitures?|bateaux|vélos?|exemplaires|bouteilles?"
    r"|arbres|vaches|chèvres|brebis|animaux|objets|concerts?|pièces"
)
_COUNTED = re.compile(rf"(?:{_PEOPLE}|{_PLACES}|{_BOASTS})", re.IGNORECASE)
_RANKED = re.compile(
    r"generations?|years?|places?|editions?|anniversary|birthdays?|floors?|storeys?|months?"
    r"|seasons?|branch|shop|child|nights?|days?|weeks?|hours?|lessons?|visits?|orders?"
    r"|generation|jahr\w{0,12}|lebensjahr\w{0,3}|platz|rang|auflage|ausgabe|jubiläum|geburtstag"
    r"|etage|stock|obergeschoss|monats?|saison|filiale|kind(?:es)?|nacht|tage?s?|woche|stunde"
    r"|besuch|bestellung"
    r"|génération|année|place|rang|édition|anniversaire|étage|mois|saison|boutique|enfant|nuit"
    r"|jour|semaine|heure|visite|commande",
    re.IGNORECASE,
)
"""What an ordinal is a claim of: `our fourth generation`, `from the third night`."""
_OFTEN = re.compile(
    r"[ -]?(?:times|mal|fois)[ \u00a0](?:a|an|per|each|every|im|in der|am|pro|die|je|jeden?|par"
    r"|daily|weekly|täglich|wöchentlich|jährlich)\b",
    re.IGNORECASE,
)
"""How often something is: `three times a week`."""
_COMPOUND = re.compile(
    r"-?(?:köpfig|stöckig|geschossig|stern|zimmer|sitzig|sprachig|türig|bändig|prozentig)",
    re.IGNORECASE,
)
_SHARES = re.compile(r"(?:third|quarter|drittel|viertel|tiers|quart|hälfte|moitié)", re.IGNORECASE)
_SHARED = re.compile(
    r"\w{0,20}(?:preis(?:e[sn]?)?|umsatz(?:es)?|gewinns?|kosten|energie|stroms?|ernte|fläche"
    r"|beitrags?|gebühr|summe|betrags?|anzahlung)"
    r"|prices?|fees?|sales|turnover|profits?|costs?|energy|power|harvest|revenue|deposit|amount"
    r"|prix|tarifs?|chiffre|ventes|énergie|récolte|frais|montant|somme",
    re.IGNORECASE,
)
_PAID = re.compile(
    r"pric|pay|paid|cost|fee|discount|\boff\b|preis|zahl|kost|gebühr|eintritt|rabatt|ermäßig"
    r"|prix|pai|payé|coût|tarif|remise|rédu|règle",
    re.IGNORECASE,
)
_AROUND = 60
"""Characters on both sides within which a half is one of a price."""


def is_claim(text: str, mention: Mention) -> bool:
    """Whether a mention claims something that visitors rely on, so that a source must say it."""
    written = text[mention.start : mention.end]
    if any(letter.isdigit() for letter in written):
        return any(q.figure != 0 or q.dimension not in _PLAIN for q in mention.quantities)
    if _SHARES.search(written) and all(q.dimension == "percent" for q in mention.quantities):
        return _is_share_of_something(text, mention)
    if all(q.dimension == "temperature" and q.figure == 0 for q in mention.quantities):
        return False  # where water freezes
    if any(q.dimension not in _PLAIN for q in mention.quantities) or mention.kind != "number":
        return True
    if any(_is_exact(q.figure) for q in mention.quantities if q.dimension != "vague"):
        return True
    return _counts_something(text, mention)


def _is_exact(figure: float) -> bool:
    """Whether a number in words is one that nobody uses as a manner of speaking."""
    return figure > _SMALL and figure not in _ROUND


def _counts_something(text: str, mention: Mention) -> bool:
    if _OFTEN.match(text, mention.end) or _COMPOUND.match(text, mention.end):
        return True
    ordinal = all(q.dimension == "ordinal" for q in mention.quantities)
    return _is_before(text, mention, _RANKED if ordinal else _COUNTED, days=ordinal)


def _is_share_of_something(text: str, mention: Mention) -> bool:
    """`a third of our guests`, `half the price`, but no `quarter of the way`."""
    around = text[max(0, mention.start - _AROUND) : mention.end + _AROUND]
    is_half = mention.quantities[0].value == 50.0
    return (
        (is_half and _PAID.search(around) is not None)
        or _is_before(text, mention, _COUNTED)
        or _is_before(text, mention, _SHARED)
    )


def _is_before(text: str, mention: Mention, nouns: re.Pattern[str], *, days: bool = False) -> bool:
    """Whether one of `nouns` follows, with no more than a few words such as adjectives before."""
    end = mention.start + len(text[mention.start : mention.end].rstrip())
    for _ in range(_WORDS_BETWEEN):
        found = _NEXT.match(text, end)
        if found is None:
            return False
        word = found[1].lower()
        if nouns.fullmatch(word) or (days and word in WEEKDAYS):
            return True
        if word in NO_ADJECTIVES and word not in _PARTITIVES:
            return False
        end = found.end()
    return False
