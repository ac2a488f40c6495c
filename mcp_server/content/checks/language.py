"""In which language a text is, as far as its commonest words and its letters tell. Pure.

No library: those that are small guess badly on a few sentences, and the good ones are large. Words
like `the` and `nicht` tell languages apart that a site is likely to have; others are passed over.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from mcp_server.content.checks.words import words

COMMON: Mapping[str, frozenset[str]] = {
    code: frozenset(words(listed))
    for code, listed in {
        "en": "the of and to in is that it for was on are as with his they at be this from have"
        " or by"
        " had not but what all were when we there can an your which their said if will each about"
        " how up"
        " out them then she many some so these would into has more her him no way could people my"
        " than"
        " our us who been its now find any only new every you where here",
        "de": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als"
        " auch es an"
        " werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so"
        " zum war"
        " haben nur oder aber vor zur bis mehr durch man sein wurde wir uns unser unsere unserer"
        " unserem"
        " ihr ihre ihren ihnen kann können hier dort wenn schon immer alle jeder jeden ohne unter"
        " gegen"
        " kein keine ab sowie doch dann seit euch",
        "fr": "le la les de des du et en un une est que qui dans pour par sur au aux avec ce"
        " cette ces il"
        " elle nous vous ils ne pas plus son sa ses leur leurs se ou où mais comme tout tous"
        " toute toutes"
        " nos notre votre vos sont être avoir fait ont été chez sans très aussi bien entre après"
        " avant dès"
        " chaque depuis donc si même y c'est d'un d'une l'on qu'il",
        "es": "el la los las de del y en un una es que por para con no se su sus al lo como más o"
        " pero"
        " este esta estos estas ese esa nos nuestro nuestra nuestros nuestras muy todo todos toda"
        " todas"
        " desde hasta sin sobre también cuando donde hay son ha ser está están fue usted tu",
        "it": "il lo la i gli le di del della dei delle dello e in un una uno è che per con non"
        " si su al"
        " alla dal dalla nel nella come più o ma questo questa questi queste nostro nostra nostri"
        " nostre"
        " sono ha essere molto tutto tutti tutte dove quando anche da ogni ci vi suo sua",
        "nl": "de het een en van in is dat op te zijn met voor niet aan er om ook als dan maar"
        " bij nog uit"
        " door naar over worden wordt werd heeft hebben kan deze dit die wij we onze ons uw jouw"
        " alle elke"
        " geen meer of tot wat waar",
        "pt": "o a os as de do da dos das e em um uma é que por para com não se seu sua no na nos"
        " nas ao"
        " à como mais ou mas este esta isso nosso nossa nossos nossas muito todo todos toda todas"
        " desde até"
        " sem sobre também quando onde são foi ser está você",
        "sv": "och i att det som en på är av för med till den har de inte om ett han men var jag"
        " sig från"
        " vi så kan när år vår våra hos alla eller vid",
        "da": "og i at det som en på er af for med til den har de ikke om et han men var jeg sig"
        " fra vi så"
        " kan når vores hos alle eller ved",
        "pl": "i w z na do nie się że jest to o jak po co ale od za dla przez przy oraz są już"
        " ich jego"
        " nasz nasza nasze naszych lub czy tak",
    }.items()
}
_SCRIPTS: Mapping[str, frozenset[str]] = {
    "LATIN": frozenset(COMMON),
    "CYRILLIC": frozenset({"ru", "uk", "bg", "sr", "mk", "be", "kk"}),
    "GREEK": frozenset({"el"}),
    "ARABIC": frozenset({"ar", "fa", "ur"}),
    "HEBREW": frozenset({"he", "yi"}),
    "CJK": frozenset({"zh", "ja", "ko"}),
    "HIRAGANA": frozenset({"ja"}),
    "KATAKANA": frozenset({"ja"}),
    "HANGUL": frozenset({"ko"}),
    "THAI": frozenset({"th"}),
    "DEVANAGARI": frozenset({"hi", "mr", "ne"}),
}
NAMES: Mapping[str, str] = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "nl": "Dutch", "pt": "Portuguese", "sv": "Swedish", "da": "Danish", "pl": "Polish",
}  # fmt: skip
_ASKED: Mapping[str, str] = {
    name: code
    for code, names in {
        "en": "english englisch englische englischen anglais anglaise",
        "de": "german deutsch deutsche deutschen allemand allemande",
        "fr": "french französisch französische französischen français française francais",
        "es": "spanish spanisch spanische spanischen espagnol espagnole",
        "it": "italian italienisch italienische italienischen italien italienne",
        "nl": "dutch niederländisch holländisch néerlandais néerlandaise",
        "pt": "portuguese portugiesisch portugais portugaise",
        "sv": "swedish schwedisch suédois",
        "da": "danish dänisch danois",
        "pl": "polish polnisch polonais",
    }.items()
    for name in words(names)
}
_TRANSLATED = re.compile(
    r"\btranslat|\bübersetz|\btradui|\btraduc|\blanguages?\b|\bsprachen?\b|\blangues?\b"
    r"|\bbilingual|\bzweisprachig|\bbilingue",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_QUOTED = re.compile(
    r"^ {0,3}>[^\n]*|\"[^\"\n]{0,400}\"|„[^“\n]{0,400}“|«[^»\n]{0,400}»|“[^”\n]{0,400}”",
    re.MULTILINE,
)
_HITS_MIN = 4
"""Common words of another language from which on a text is said to be in it."""
_WORDS_MIN = 8
"""Words of a text below which nothing is said."""
_SHARE_MIN = 0.15
"""Share of common words in a text of any of these languages; lists and names have less."""


def asked_in(text: str) -> frozenset[str] | None:
    """Return the languages that instructions ask for; `None` if they ask for an unknown one."""
    named = frozenset(
        _ASKED[word] for word in map(str.lower, _WORD.findall(text)) if word in _ASKED
    )
    return named if named or _TRANSLATED.search(text) is None else None


def other_language(prose: str, expected: Iterable[str], before: str = "") -> str | None:
    """Return the language that a text, or a paragraph of it, is in, if it is none of `expected`.

    What it has of the text `before` it says nothing new, in whatever language it is; nor are the
    letters of that news: names of programs make Korean Latin.
    """
    wanted = {code.partition("-")[0].lower() for code in expected}
    was = _QUOTED.sub(" ", before)
    known = {_words_of(part) for part in was.split("\n\n")}
    parts = [p for p in _QUOTED.sub(" ", prose).split("\n\n") if _words_of(p) not in known]
    found = (_other(each, wanted) for each in ("\n\n".join(parts), *parts))
    no_news = (None, _other_script(was, wanted))
    return next((other for other in found if other not in no_news), None)


def _words_of(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _other(text: str, wanted: set[str]) -> str | None:
    read = [word.lower() for word in _WORD.findall(text)]
    if len(read) < _WORDS_MIN:
        return _other_script(text, wanted)
    known = wanted & COMMON.keys()
    if not known:
        return _other_script(text, wanted)
    counted = Counter(read)
    for code, common in COMMON.items():
        if code not in wanted and all(_is_in(counted, common, COMMON[each]) for each in known):
            best = max(COMMON, key=lambda each: sum(counted[word] for word in COMMON[each]))
            return NAMES[best if best not in wanted else code]
    return _other_script(text, wanted)


def _is_in(counted: Counter[str], common: frozenset[str], wanted: frozenset[str]) -> bool:
    """Whether a text is clearly in one language rather than in the one that is wanted."""
    hits = sum(counted[word] for word in common - wanted)
    against = sum(counted[word] for word in wanted - common)
    return hits >= max(_HITS_MIN, 3 * against) and hits >= _SHARE_MIN * counted.total()


def _other_script(text: str, wanted: set[str]) -> str | None:
    """Return the script of a text whose letters are mostly of one that the language has not."""
    letters = [c for c in text[:2000] if c.isalpha()]
    if len(letters) < 12:
        return None
    scripts = Counter(unicodedata.name(c, "?").split()[0] for c in letters)
    script, count = scripts.most_common(1)[0]
    languages = _SCRIPTS.get(script)
    if languages is None or count < 0.7 * len(letters) or not wanted:
        return None
    written = {s for s, codes in _SCRIPTS.items() if codes & wanted}
    return None if not written or script in written else script.capitalize()
