"""The words for numbers, units, months and days in English, German and French."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

ENGLISH, GERMAN, FRENCH = "en", "de", "fr"
LANGUAGES = (ENGLISH, GERMAN, FRENCH)


def words(listed: str) -> list[str]:
    """Return the words of a list that is written as one text."""
    return listed.split()


MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier janv",
            "february feb februar feber février fevrier févr fév",
            "march mar märz maerz mrz mars",
            "april apr avril avr",
            "may mai",
            "june jun juni juin",
            "july jul juli juillet juil",
            "august aug août aout",
            "september sep sept septembre",
            "october oct oktober okt octobre",
            "november nov novembre",
            "december dec dezember dez décembre decembre déc",
        ),
        1,
    )
    for name in words(names)
}
UNSURE_MONTHS = frozenset(words("may mar mars jan jun sep sept dec oct mai avr aug jul juli juin"))
"""They also mean something else, or are short: only beside a day, a year or a preposition."""

_WEEKDAYS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "monday mon mondays montag montags mo lundi lundis lun",
            "tuesday tue tues tuesdays dienstag dienstags di mardi mardis mar",
            "wednesday wed wednesdays mittwoch mittwochs mi mercredi mercredis mer",
            "thursday thu thur thurs thursdays donnerstag donnerstags do jeudi jeudis jeu",
            "friday fri fridays freitag freitags fr vendredi vendredis ven",
            "saturday sat saturdays samstag samstags sonnabend sonnabends sa samedi samedis sam",
            "sunday sun sundays sonntag sonntags so dimanche dimanches dim",
        )
    )
    for name in words(names)
}
_PARTS_OF_DAYS = "morgen vormittag mittag nachmittag abend nacht"
WEEKDAYS: Mapping[str, int] = {
    **_WEEKDAYS,
    **{
        f"{name}{part}{ending}": _WEEKDAYS[name]
        for name in words("montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag")
        for part in words(_PARTS_OF_DAYS)
        for ending in ("", "s", "e", "en")
    },
}
SHORT_WEEKDAYS = frozenset(
    words(
        "mon tue tues wed thu thur thurs fri sat sun mo di mi do fr sa so"
        " lun mar mer jeu ven sam dim"
    )
)
"""Only in a range, before a dot or beside a time: most of them are other words as well."""

HOLIDAYS: Mapping[str, tuple[int, int]] = {
    "christmas eve": (12, 24), "heiligabend": (12, 24), "heiliger abend": (12, 24),
    "heiligen abend": (12, 24), "heilig abend": (12, 24), "réveillon de noël": (12, 24),
    "veille de noël": (12, 24),
    "christmas day": (12, 25), "erster weihnachtstag": (12, 25), "ersten weihnachtstag": (12, 25),
    "jour de noël": (12, 25),
    "boxing day": (12, 26), "zweiter weihnachtstag": (12, 26), "zweiten weihnachtstag": (12, 26),
    "new year's eve": (12, 31), "silvester": (12, 31), "saint-sylvestre": (12, 31),
    "new year's day": (1, 1), "neujahr": (1, 1), "neujahrstag": (1, 1), "jour de l'an": (1, 1),
    "nouvel an": (1, 1), "tag der arbeit": (5, 1), "fête du travail": (5, 1),
    "may day": (5, 1), "allerheiligen": (11, 1), "toussaint": (11, 1),
    "heilige drei könige": (1, 6), "epiphany": (1, 6), "épiphanie": (1, 6),
    "tag der deutschen einheit": (10, 3), "armistice": (11, 11), "assomption": (8, 15),
    "bastille day": (7, 14), "fête nationale": (7, 14),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts: its dimension, and how many of that dimension's base one of it is."""

    dimension: str
    factor: float = 1.0


def _units() -> Iterator[tuple[str, tuple[Unit, ...]]]:
    for dimension, rows in _UNITS.items():
        for factor, names in rows:
            for name in words(names):
                yield name, (Unit(dimension, factor),)


_HOUR, _DAY, _WEEK = 3600.0, 86400.0, 604800.0
_UNITS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "duration": (
        (1.0, "second seconds sec secs sek sekunde sekunden seconde secondes sekündig"),
        (60.0, "minute minutes min mins minuten minütig minütige minütigen minütiger minütiges mn"),
        (_HOUR, ("hour hours hr hrs stunde stunden std h heure heures"
                " stündig stündige stündigen stündiger stündiges")),
        (_DAY, ("day days tag tage tagen tages jour jours journée journées mornings"
               " evenings afternoons"
               " abende abenden vormittage nachmittage matins matinées soirs soirées"
               " tägig tägige tägigen tägiger tägiges")),
        (_WEEK, "week weeks woche wochen semaine semaines wöchig wöchige wöchigen wöchiger"),
        (2 * _WEEK, "fortnight fortnights"),
    ),
    "calendar": (
        (1.0, "month months monat monate monaten monats mois monatig monatige monatigen"),
        (12.0, ("year years yr yrs jahr jahre jahren jahres an ans année années"
               " jährig jährige jährigen jähriger jähriges")),
        (120.0, "decade decades jahrzehnt jahrzehnte jahrzehnten décennie décennies"),
        (1200.0, "jahrhunderte jahrhunderten centuries siècles"),
    ),
    "night": ((1.0, "night nights nacht nächte nächten nuit nuits nuitée nuitées"),),
    "percent": ((1.0, "% percent prozent prozentig prozentige prozentigen pourcent"),
                (0.1, "‰ promille")),
    "money:EUR": ((1.0, "€ euro euros eur"),),
    "money:USD": ((1.0, "$ dollar dollars usd us$ bucks"),),
    "money:GBP": ((1.0, "£ gbp sterling quid"), (0.01, "p pence penny")),
    "money:CHF": ((1.0, "chf franken francs franc sfr fr"), (0.01, "rappen rp")),
    "money:JPY": ((1.0, "¥ yen"),),
    "money:OTHER": ((1.0, "sek nok dkk kronen krone kronor kr zł pln złoty czk kč"),),
    "length": (
        (0.001, "mm millimeter millimetern millimetre millimetres millimeters millimètres"),
        (0.01, ("cm centimeter centimeters centimetre centimetres zentimeter zentimetern"
               " centimètre centimètres")),
        (1.0, "m meter metern meters metre metres mètre mètres"),
        (1000.0, "km kilometer kilometern kilometers kilometre kilometres kilomètre kilomètres"),
        (1609.344, "mile miles meile meilen mi"),
        (0.9144, "yard yards"),
        (0.3048, "ft foot feet fuß pied pieds"),
        (0.0254, "inch inches zoll pouce pouces"),
    ),
    "area": (
        (1.0, "m² m2 qm sqm quadratmeter quadratmetern"),
        (10_000.0, "ha hektar hectare hectares"),
        (4046.86, "acre acres"),
        (1e6, "km² km2 quadratkilometer"),
        (0.092903, "sqft"),
    ),
    "weight": (
        (0.001, "mg milligramm milligram milligrams"),
        (1.0, "g gr gramm gram grams gramme grammes"),
        (1000.0, "kg kilo kilos kilogramm kilogram kilograms kilogramme kilogrammes"),
        (1e6, "t tonne tonnes tonnen tons ton"),
        (453.592, "lb lbs"),
        (28.3495, "oz ounce ounces unze unzen"),
    ),
    "volume": (
        (0.001, "ml milliliter millilitre millilitres millilitern"),
        (0.01, "cl zentiliter centiliter centilitre centilitres"),
        (0.1, "dl deziliter décilitre décilitres"),
        (1.0, "l liter litern liters litre litres"),
        (0.568261, "pint pints"),
    ),
    "temperature": ((1.0, "° °c °f grad degrees degree degrés degré celsius"),),
    "power": ((1.0, "w watt watts"), (1000.0, "kw kilowatt kilowatts"), (1e6, "mw megawatt"),
              (735.5, "ps hp chevaux")),
    "energy": ((1.0, "kwh kilowattstunden kilowattstunde"), (1000.0, "mwh"), (0.001163, "kcal")),
    "speed": ((1.0, "km/h kmh mph"),),
    "data": ((1.0, "mb"), (1000.0, "gb"), (1e6, "tb"), (1.0, "mbit"), (1000.0, "gbit")),
}  # fmt: skip
UNITS: Mapping[str, tuple[Unit, ...]] = {
    **dict(_units()),
    # Both are money and weight; the German one is 500 g.
    "pound": (Unit("money:GBP"), Unit("weight", 453.592)),
    "pounds": (Unit("money:GBP"), Unit("weight", 453.592)),
    "pfund": (Unit("weight", 500.0), Unit("money:GBP")),
    "livre": (Unit("money:GBP"), Unit("weight", 500.0)),
    "livres": (Unit("money:GBP"), Unit("weight", 500.0), Unit("count")),
    "cent": (Unit("money:EUR", 0.01), Unit("money:USD", 0.01)),
    "cents": (Unit("money:EUR", 0.01), Unit("money:USD", 0.01)),
    "centime": (Unit("money:EUR", 0.01), Unit("money:CHF", 0.01)),
    "centimes": (Unit("money:EUR", 0.01), Unit("money:CHF", 0.01)),
    "ct": (Unit("money:EUR", 0.01),),
    "j": (Unit("duration", _DAY), Unit("calendar", 12.0)),
    "sek": (Unit("duration"), Unit("money:OTHER")),
}
"""What the word after a number means: more than one where it is not clear."""
CURRENCY_SIGNS: Mapping[str, str] = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
CURRENCY_CODES: Mapping[str, str] = {
    "eur": "EUR",
    "usd": "USD",
    "gbp": "GBP",
    "chf": "CHF",
    "fr": "CHF",
    "euro": "EUR",
}
