"""What is read of a text at one place: after a number, after a word. Pure.

Each pattern is tried at a place and reads a bounded number of characters from there.
"""

from __future__ import annotations

import re

from mcp_server.content.checks.words import FRENCH, GERMAN, HOLIDAYS, MONTHS, WEEKDAYS, words

GAP = "[ \\t\u00a0\u202f\u2009]"
MONTH_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
ANCHOR = re.compile(r"[+(]{0,2}\d|[¼½¾]|[^\W\d_]+(?:-[^\W\d_]+)*")
# What the patterns say is read after a number or a word, at that place, and never further than a
# fixed number of characters.

MONTH_AFTER = re.compile(
    rf"(?:\.|st|nd|rd|th|er|ère|e)?{GAP}{{0,2}}(?:of{GAP}|de{GAP})?({MONTH_NAMES})\b\.?"
    rf"(?:,?{GAP}{{1,2}}(\d{{4}})(?!\d))?"
)
DAY_AFTER = re.compile(
    rf"\.?{GAP}(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d|\d|{GAP}?(?:uhr|h\b|am"
    rf"|pm|km|m\b|min|€|%|x|personen|pers|places|plätze))(?:,{GAP}(\d{{4}}))?"
)
_MONTHS_APART = rf"\.?{GAP}?(?:[–—/&+,-]|(?:to|and|und|et|bis|à|au|until|through)\b){GAP}?"
MONTH_THEN = re.compile(rf"{_MONTHS_APART}(?:{MONTH_NAMES})\b")
MONTH_BEFORE = re.compile(rf"\b(?:{MONTH_NAMES}){_MONTHS_APART}$")
FRENCH_MONTHS = frozenset(
    words("janvier février avril juillet août septembre octobre novembre décembre")
)
"""Written small, and no other words."""
SHORT_MONTHS = frozenset(words("janv févr fév avr juil oct nov déc feb okt dez"))
"""Months before a dot."""
YEAR_AFTER = re.compile(rf"\.?,?{GAP}(\d{{4}})(?!\d)")
ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
NUMERIC_DATE = re.compile(
    r"(\d{1,2})([./-])[ ]?(\d{1,2})\2[ ]?((?:19|20)?\d{2})(?![\d./])"
    r"|(\d{1,2})(\.)[ ]?(\d{1,2})\.(?![\d])|([0-3]\d)(/)([0-3]\d)(?![\d/€$£%])"
)
CLOCK = re.compile(
    rf"(?P<hour>\d{{1,2}})(?:(?P<sign>[:.])(?P<minute>\d{{2}})(?![\d.,:]\d|\d)"
    rf"(?:{GAP}?(?P<exact>uhr\b|h\b)|{GAP}?(?P<half>[ap]\.?m\.?(?!\w)))?"
    rf"|{GAP}?(?P<french>h)(?:{GAP}?(?P<minute2>[0-5]\d))?(?![\w]))"
)
AMOUNT = re.compile(
    rf"\d{{1,3}}\.\d{{2}}{GAP}?(?:[€$£%]|(?:eur|euros?|chf|franken|francs?|pounds?|dollars?|usd|gbp"
    r"|km|kg|m|ha|l|meter|metres?|meters?|litres?|liter)\b)"
)
TIMES = re.compile(rf"\d{{1,2}}(?::\d\d|{GAP}?(?:[–-]{GAP}?\d|uhr|h\b))")
OCLOCK = re.compile(rf"{GAP}?(uhr\b|o['’]clock|heures?\b|[ap]\.m\.?|[ap]m\b)")
PART_OF_DAY = re.compile(
    rf"{GAP}{{0,2}}(?:in the (?:early )?(?:morning|afternoon|evening)|at night|o'clock at night"
    r"|(?:am )?(?:frühen |späten )?(?:morgens|vormittags?|nachmittags?|abends?|nachts|mittags)"
    r"|morgens|früh"
    r"|du (?:matin|soir)|de l['’]après-midi)(?!\w)"
)
_SPOKEN_MINUTES = {
    "trente-cinq": 35, "vingt-cinq": 25, "quarante-cinq": 45, "cinquante-cinq": 55, "cinq": 5,
    "dix": 10, "vingt": 20, "quarante": 40, "cinquante": 50,
}  # fmt: skip
FRENCH_MINUTES = re.compile(
    rf"{GAP}?(et demie?|et quart|moins le quart|moins vingt|moins dix|moins cinq|trente|quinze"
    rf"|{'|'.join(_SPOKEN_MINUTES)})\b(?!-)"
)
HOUR_AND_MINUTES = re.compile(
    rf"(?:(?:an|one){GAP}hour|eine[rn]?{GAP}stunde|(?P<french>une{GAP}heure))"
    rf"(?:{GAP}(?:and|und|et))?{GAP}(?P<minutes>\d{{1,2}}|[^\W\d_]{{3,20}}(?:-[^\W\d_]{{2,9}})?)"
    rf"(?P<unit>{GAP}(?:minutes?|minuten))?\b"
)
MINUTES = {
    **_SPOKEN_MINUTES,
    "moins vingt": -20,
    "moins dix": -10,
    "moins cinq": -5,
    "et demie": 30,
    "et demi": 30,
    "et quart": 15,
    "moins le quart": -15,
    "trente": 30,
    "quinze": 15,
}
TWO_DIGITS = re.compile(rf"{GAP}?([0-5]\d)(?![\d:.,])(?!{GAP}?[€%])")
NEXT_WORD = re.compile(rf"(?:{GAP}{{1,2}}|-)([^\W\d_]{{1,40}})")
NEXT_NUMBER_WORD = re.compile(
    rf"(?:{GAP}|-)((?:and|und|et){GAP}|et-)?([^\W\d_]{{2,20}}(?:-[^\W\d_]{{2,10}}){{0,3}})"
)
UNIT = re.compile(
    rf"(?:{GAP}{{0,2}}|-)(km/h|us\$|mbit|[€$£¥%‰°]|[^\W\d_]{{1,24}}(?:[²³]|2(?!\d))?)(?![^\W_])"
)
SPECIAL_UNIT = re.compile(
    rf"(?:{GAP}{{0,2}}|-)(°{GAP}?[cf]\b|degrees? (?:celsius|fahrenheit)|degrés? celsius"
    rf"|per{GAP}cent|pour{GAP}cent"
    r"|square (?:metres?|meters?)|mètres? carrés?|sq\.? ?m|km ?carrés|square kilomet\w{2,3})(?!\w)"
)
SCALE = re.compile(
    rf"{GAP}?(k|mio\.?|hundred|thousand|million|billion|millionen|milliarden|milliards|millions"
    rf"|tausend|hundert|mille|dozen|dutzend|douzaines)\b"
)
DASH_PRICE = re.compile(rf"[,.][-–—]{{1,2}}(?!\d)(?:{GAP}?(€|euro|eur|chf|fr\.?))?")
SOME_WORDS = re.compile(rf"(?:{GAP}{{1,2}}[^\W\d_]{{1,40}}){{1,3}}")
LOWER_AFTER = re.compile(rf"{GAP}[a-zäöü]")
SMALL_MONEY = re.compile(rf"{GAP}?(\d{{2}})(?![\d.,:]\d|\d|{GAP}?[^\W\d_]|{GAP}?[€%])")
MONTHS_IN_SHORT = re.compile(r"\.?\)|\. (?:laufzeit|vertrag|garantie)")
"""After `12 Mon`, which are months there and no Monday."""
SURE_SHORT_DAYS = frozenset(words("lun ven sam dim"))
"""Days before a dot: no other words."""
ONES = frozenset({"un", "ein", "one"})
ONE_COIN = re.compile(rf"{GAP}(?:euro|pound|dollar|franken|franc)\b")
MORE_MINUTES = re.compile(
    rf"\.?,?{GAP}?(?:(?:and|und|et){GAP})?([0-5]?\d){GAP}?(?:minutes?|minuten|min|mn)\b\.?"
)
MONEY = frozenset({"money:EUR", "money:USD", "money:GBP", "money:CHF"})
AND_A_HALF = re.compile(rf"{GAP}(?:and a half|et demie?|und eine halbe)\b")
CENTURY = re.compile(
    rf"(?:st|nd|rd|th|\.|e|è?me|ième)?(?:{GAP}|-)(?:century|centuries|jahrhundert\w{{0,2}}|siècles?)\b"
)
DECADE = re.compile(r"(?:s|er)\b")
NOUN_AFTER = re.compile(rf"(?:{GAP}{{1,2}}|-)[^\W\d_]|[^\W\d_]")
NO_NOUN_AFTER = re.compile(
    rf"{GAP}{{0,2}}(?:$|[^\w\s%€$£¥°‰]|\n|(?:and|or|on|in|at|to|until|till|for|the|every|daily|each|when"
    rf"|while|but|if|we|you"
    r"|monday|mondays|tuesday|tuesdays|wednesday|wednesdays|thursday|thursdays|friday|fridays"
    r"|saturday|saturdays|sunday|sundays"
    r"|und|oder|bis|an|am|im|geöffnet|offen|täglich|für|da|auf|ist|sind|haben|hat|schließt|öffnet"
    r"|geschlossen|sonntags"
    r"|samstags|montags|dienstags|mittwochs|donnerstags|freitags"
    r"|et|ou|le|du|à|au|sur|en|dans|nous|tous|toute|jusqu)\b)"
)
CONNECTOR = re.compile(
    rf"(?:st|nd|rd|th|er|e|\.)?{GAP}{{0,2}}(?:[–—-]|/|,|&|to|till|until|and|or|bis(?: zu)?|und|oder"
    rf"|à|au|et|ou|jusqu['’]à"
    rf"|as well as|sowie|through|and the|und der|und den|et le)"
    rf"(?:{GAP}(?:um|the|den|le|zum))?{GAP}{{0,2}}(?:[€$£])?"
)
SHORT_DAY_AFTER = re.compile(
    rf"{GAP}?(?:[.:–—/&+€$£-]|,|to\b|bis\b|und\b|au\b|à\b|et\b|and\b|$|\n|\d"
    rf"|(?:ab|um|von|from|at|until|till|de|dès|à|jusqu['’]à|before|vor){GAP}\d"
    r"|matin|soir|après-midi|morgens|vormittags?|nachmittags?|abends?|morning|afternoon|evening)"
)
_DAY_NAMES = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
JOINED_NAMES = re.compile(
    rf"(?<!\w)((?:{_DAY_NAMES}|{MONTH_NAMES})\.?)-(?=(?:{_DAY_NAMES}|{MONTH_NAMES})\b)"
)
"""A range of days or months that is written as one word: `Mo-Fr`."""
_DAYS_APART = rf"\.?{GAP}?(?:[–—/&+,-]|(?:to|and|und|et|au|à|bis)\b){GAP}?(?:le{GAP})?"
DAY_THEN_DAY = re.compile(
    rf"{_DAYS_APART}(?:{_DAY_NAMES})\b|\.?:?{GAP}?\d{{1,2}}{GAP}?(?:h\b|h\d|[:.]\d\d|uhr|[ap]m\b)"
)
BEFORE_A_DAY = re.compile(
    rf"\b(?:\d(?:st|nd|rd|th|\.|e|er)|first|second|third|last|every|each|on|jeden|letzte[nr]?|am"
    rf"|chaque){GAP}$"
)
DAY_BEFORE_DAY = re.compile(rf"\b(?:{_DAY_NAMES}){_DAYS_APART}$")
COMPOUND_UNIT = re.compile(
    r"(?<=[a-zäöüß]{2})(?:minuten|stunden|tage|tagen|wochen|monate|monaten"
    r"|jahre|jahren|kilometer|quadratmeter)$"
)
CLOSED = re.compile(
    r"\bemergenc|\bnotfälle|\bnotdienst|\burgences?\b|\bnobody\b|\bniemand|\bpersonne\b(?! par)"
    r"|\bsleeps?\b|\bschl(?:äft|afen)\b|\bdor(?:t|mons|ment)\b|\brelax|\bpause|\bruhe\b"
    r"|\bclos(?:ed|es|ing day)|geschlossen|ruhetag|\bruh(?:t|en)\b"
    r"|\bferm(?:ée?s?|ons|ent|eture)\b|(?<!la )\bferme (?:le|les|à|ses|tous)\b"
    r"|\bzu\b(?= *$)"
    r"|\brests?\b|day off|repos|\bnot\b|\bno\b|\bnicht\b|\bkeine?\b|\bpas\b"
)
EXCEPT = re.compile(
    r"\bexcept\b|\bapart from\b|\bother than\b|\bbut (?=\w{4,9}day)|\baußer\b|\bausgenommen\b"
    r"|\bbis auf\b"
    r"|\bsauf\b|\bexcepté\b|\bhormis\b|\bà l['’]exception\b"
)
"""Of the days after it something is not so; what stands before it is."""
CLAUSES = re.compile(r"[.,;!?|\n]| (?:but|aber|mais) ")
SENTENCES = re.compile(r"[.;!?\n]")
PAST = re.compile(
    rf"{GAP}(?:minutes? |minuten )?(past|after|to|before|nach|vor){GAP}(?=[^\W\d_]|\d{{1,2}}(?!\d))"
)
BACK = frozenset({"to", "before", "vor", "moins"})
"""Words between minutes and an hour: so long before it."""
AROUND_HOUR = {
    "past": 30, "british": 30, "to": -30, "quarter_past": 15, "quarter_to": -15,
    "quarter_of": -45,
}  # fmt: skip
HOUR_WORD = re.compile(rf"{GAP}?([^\W\d_]{{2,12}}|\d{{1,2}})")
_ENGLISH_HOURS = "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_GERMAN_HOURS = "(?:eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)"
_ENDS_HOUR = (
    rf"(?={GAP}{{0,2}}(?:$|[^\w\s]|\n|in the (?:morning|afternoon|evening)|at night|on|and|or"
    r"|every|until|till|to|for|we|when|sharp)\b|\s*$|[.,;:!?)])"
)
"""What stands behind `half seven`, which is half past seven."""
HALVES = re.compile(
    rf"(?P<quarter_past>a quarter past|quarter past|viertel nach){GAP}"
    rf"|(?P<quarter_to>a quarter to|quarter to|viertel vor|dreiviertel(?= ?[^\W\d_]{{3,8}}\b)){GAP}"
    rf"|(?P<past>half past|half after){GAP}|"
    rf"(?P<british>half){GAP}(?={_ENGLISH_HOURS}\b{_ENDS_HOUR})"
    rf"|(?P<quarter_of>viertel){GAP}(?={_GERMAN_HOURS}\b)"
    rf"|(?P<to>halb){GAP}(?=[^\W\d_]{{3,10}}(?!\w)"
    rf"|\d{{1,2}}(?!\d))"
    r"|(?P<hour_and_half>(?:an|one|1) hour and a half|one and a half hours|anderthalb(?:e"
    r"|stündig\w{0,2})? ?(?:stunden?)?|eineinhalb stunden|eineinhalbstündig\w{0,2}"
    r"|une heure et demie)"
    r"|(?P<half_hour>half an hour|half-hour|half-an-hour|(?:eine[rn]? )?halbe[nr]? stunde"
    r"|halbstündig\w{0,2}|(?:une )?demi-heure)"
    r"|(?P<quarter_hour>(?:a )?quarter of an hour|viertelstunde|(?:un )?quart d['’]heure)"
    r"|(?P<three_quarters>(?:three-quarters|three quarters) of an hour|dreiviertelstunde"
    r"|trois quarts d['’]heure)"
    r"|(?P<half_year>half a year|six-month|halbes jahr|halben jahr|halbjahr)"
    r"|(?P<half_dozen>half a dozen|half-dozen|(?:ein )?halbes dutzend|(?:une )?demi-douzaine)"
    r"|(?P<hour>within an hour|innerhalb einer stunde|binnen einer stunde|en une heure"
    r"|en moins d['’]une heure|in under an hour|in einer stunde)"
    r"|(?P<half_price>half(?: the)?[ -]price|half off|halbe[mnr]? preis|(?:die |zur )?hälfte"
    r"|moitié(?: prix)?|costs half)"
    r"|(?P<third>(?:a|one)[ -]third of|(?:ein|einem) drittel|un tiers (?=d))"
    r"|(?P<two_thirds>two[ -]thirds|zwei drittel|deux tiers)"
    r"|(?P<quarter>(?:a|one) quarter of (?!an)|ein viertel (?=d)|un quart de)"
    r"|(?P<three_fourths>three[ -]quarters(?! of an)|drei viertel|trois quarts)"
    r"|(?P<twice>(?:twice|two times) (?=a |per |each |every |daily|weekly)|zweimal (?=am|pro|im"
    r"|die|täglich|wöchentlich|jährlich|in)|deux fois (?=par))"
    r"|(?P<noon>(?:at|until|till|from|by|before|after|bis|ab|um|jusqu['’]à|à|dès|de) (?:noon"
    r"|midday|12 noon|mittag|midi)|noon|midday)"
    r"|(?P<midnight>midnight|mitternacht|minuit)"
)
AMOUNTS: dict[str, tuple[str, float]] = {
    "hour_and_half": ("duration", 5400.0), "half_hour": ("duration", 1800.0),
    "quarter_hour": ("duration", 900.0), "three_quarters": ("duration", 2700.0),
    "half_year": ("calendar", 6.0), "half_dozen": ("count", 6.0), "hour": ("duration", 3600.0),
    "half_price": ("percent", 50.0), "third": ("percent", 33.0), "two_thirds": ("percent", 66.0),
    "quarter": ("percent", 25.0), "three_fourths": ("percent", 75.0), "twice": ("count", 2.0),
}  # fmt: skip
FIRST_OF_SPECIAL = frozenset(
    words(
        "a quarter viertel half halb an one anderthalb anderthalbe eineinhalb"
        " eineinhalbstündige une half-hour half-an-hour eine einer einen"
        " halbe halben halber halbstündig halbstündige halbstündigen demi-heure viertelstunde un"
        " quart three-quarters dreiviertelstunde trois"
        " halbes halbjahr dreiviertel half-dozen"
        " ein demi-douzaine within innerhalb binnen en in costs halbem"
        " hälfte die zur moitié zwei deux"
        " drei two twice zweimal at until till from by before after bis ab um jusqu à dès de noon"
        " midday midnight mitternacht minuit"
        " mittag midi half-price one-third two-thirds einem three six-month"
    )
)
MAGNITUDES = ("dozens", "hundreds", "thousands", "millions")
VAGUE = {
    "dozens": "dozens", "dutzende": "dozens", "dutzenden": "dozens", "dizaines": "dozens",
    "hundreds": "hundreds", "hunderte": "hundreds", "hunderten": "hundreds",
    "centaines": "hundreds", "thousands": "thousands", "tausende": "thousands",
    "tausenden": "thousands", "milliers": "thousands", "millions": "millions",
    "millionen": "millions", "zillions": "millions",
}  # fmt: skip
OF_AFTER = re.compile(rf"{GAP}(?:of|von|de|d['’]|[^\W\d_])")
FIRST_OF_HOLIDAY = frozenset(name.split()[0].split("'")[0] for name in HOLIDAYS)
HOLIDAY = re.compile(
    "(?:"
    + "|".join(sorted(map(re.escape, HOLIDAYS), key=len, reverse=True)).replace("'", "['’]")
    + r")\b"
)
ABOUT = frozenset(
    words(
        "about around nearly almost over some roughly approximately circa ca than rund etwa"
        " ungefähr knapp knappe knappen fast gut gute guten reichlich über"
        " bald beinahe environ près presque quelque plus moins"
    )
)
TIME_PREPOSITIONS = frozenset(
    words(
        "at until till from by before after around um bis ab gegen von vor nach zwischen"
        " between à dès jusqu vers avant après entre de"
    )
)
SURE_PREPOSITIONS = frozenset(words("at until till um gegen"))
"""After these a number of which nothing is counted is a time, or an age: `at four`."""
DATE_PREPOSITIONS = frozenset(
    words(
        "in until till since from of by during to through every each early late mid im ab seit"
        " bis anfang ende mitte von vom zum jeden en"
        " depuis dès de d jusqu fin début à au mi and und et between zwischen entre"
    )
)
YEAR_PREPOSITIONS = frozenset(
    words("in since until from by en depuis seit jahr année year dès début fin ende anfang mitte")
)
NO_NOUNS = frozenset(
    words(
        "in at on from until till to im am an auf bei zum zur vom bis mit ab à au aux dans en sur"
        " chez dès and und et or oder ou"
    )
)
"""After these a number counts nothing: `Mill Road 17 in Whitby`."""
NO_ADJECTIVES = frozenset(
    words(
        "and und et or oder ou to bis à in on the der die das den dem of von de du la le les"
        " for für pour with mit avec per pro par at am im"
        " zu a an ein eine un une is are ist sind est sont from ab seit since nach vor after before"
        " if when wenn as als que which"
    )
)
BOUND = {
    "an": FRENCH, "ans": FRENCH, "ton": "en", "p": "en", "mi": "en", "tag": GERMAN, "fr": GERMAN,
    "grad": GERMAN, "pied": FRENCH, "pieds": FRENCH, "mn": FRENCH, "livre": FRENCH,
    "livres": FRENCH,
}  # fmt: skip
NEVER_NUMBERS = frozenset({"cents", "neufs"})
GERMAN_COMPOUND = re.compile(
    r"([a-zäöüß]{3,30}?)-?(sekündig|minütig|stündig|tägig|wöchig|monatig|jährig|gängig|stöckig"
    r"|köpfig|teilig|bändig|sitzig|türig"
    r"|prozentig|mal|geschossig|stellig|sprachig|sternig|sterne|gang|gänge|zimmer)(?:e[nrsm]?"
    r"|s)?(?:-?[a-zäöüß]{0,30})"
)
ORDINALS: dict[str, float] = {
    word: float(number)
    for number, listed in (
        (3, "third dritte dritten dritter drittes drittem troisième"),
        (4, "fourth vierte vierten vierter viertes quatrième"),
        (5, "fifth fünfte fünften fünfter fünftes cinquième"),
        (6, "sixth sechste sechsten sechster sixième"),
        (7, "seventh siebte siebten siebter siebente septième"),
        (8, "eighth achte achten achter huitième"),
        (9, "ninth neunte neunten neunter neuvième"),
        (10, "tenth zehnte zehnten zehnter dixième"),
        (11, "eleventh elfte elften elfter onzième"),
        (12, "twelfth zwölfte zwölften zwölfter douzième"),
        (20, "twentieth zwanzigste zwanzigsten zwanzigster vingtième"),
        (25, "fünfundzwanzigste fünfundzwanzigsten"),
        (50, "fiftieth fünfzigste fünfzigsten cinquantième"),
        (100, "hundredth hundertste hundertsten centième"),
    )
    for word in words(listed)
}
_ENDINGS = ("te", "ten", "ter", "tes")
_GERMAN_ORDINALS = {
    f"{stem}{ending}": float(number)
    for number, stem in enumerate(
        words("dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"), 13
    )
    for ending in _ENDINGS
}
_GERMAN_DAYS = {
    f"{ones}{tens}s{ending}": float(number)
    for tens, number_of_tens in (("zwanzig", 20), ("dreißig", 30))
    for number, ones in enumerate(
        ("", *(f"{one}und" for one in words("ein zwei drei vier fünf sechs sieben acht neun"))),
        number_of_tens,
    )
    for ending in _ENDINGS
}
_ONES = words("first second third fourth fifth sixth seventh eighth ninth")
_ENGLISH_DAYS = {
    f"{tens}-{one}": float(number)
    for tens, number_of_tens in (("twenty", 21), ("thirty", 31))
    for number, one in enumerate(_ONES, number_of_tens)
}
_ENGLISH_TEENS = {
    word: float(number)
    for number, word in enumerate(
        words(
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        13,
    )
}
FIRSTS: dict[str, float] = {
    word: float(number)
    for number, listed in (
        (1, "first erste ersten erster premier"),
        (2, "second zweite zweiten zweiter"),
        (30, "thirtieth"),
    )
    for word in words(listed)
}
"""They mean too much to be read anywhere but before a month."""
ORDINALS.update(_GERMAN_ORDINALS | _GERMAN_DAYS | _ENGLISH_DAYS | _ENGLISH_TEENS)
