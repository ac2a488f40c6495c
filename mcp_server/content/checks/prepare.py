"""The words of a Markdown text that are read as prose, at their places in it. Pure.

What is left out (code, addresses of links, numbers of lists, idioms) is replaced by spaces, so that
a place in the result is the same place in the text.
"""

from __future__ import annotations

import re

from mcp_server.content.checks.words import MONTHS, WEEKDAYS
from mcp_server.content.text.blocks import next_fence

_CODE_SPAN = re.compile(r"(`{1,9})(?!`)[^`\n]{0,2000}\1")
_TAG = re.compile(r"<[^<>\n]{0,2000}>")
_DESTINATION = re.compile(r"(?<=\])\([^()\s]{0,2000}(?:\s\"[^\"\n]{0,500}\")?\)")
_REFERENCE = re.compile(r"(?<=\])\[\d{1,4}\]")
"""`[the map][1]`: visitors read the number, unless there is a definition of it."""
_DEFINED = re.compile(r"^ {0,3}(\[\d{1,4}\]):", re.MULTILINE)
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,200}\]:[^\n]*", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^[^\]\n]{1,60}\]:?")
_LIST_NUMBER = re.compile(
    r"^[ \t>]{0,20}(?:#{1,6}[ \t]{1,9})?(?:\*\*)?\d{1,3}[.)](?=[ \t*])"
    r"(?!\s{1,3}(?:jan|feb|mär|apr|mai|jun|jul|aug|sep|okt|nov|dez))",
    re.MULTILINE | re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,12});", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"')\]]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}",
    re.IGNORECASE,
)
_IDIOM = re.compile(
    r"\b(?:24 ?/ ?7|24 ?h(?:eures)? ?(?:/|sur) ?24|vingt-quatre heures sur vingt-quatre"
    r"|24 hours a day|(?<=7 jours )sur 7|(?<=7 j)/7|(?<=7j)/7|(?<=sept jours )sur sept"
    r"|365 days a year|(?:fifty-two|52|zweiundfünfzig|cinquante-deux)(?= (?:sundays|saturdays|weeks"
    r"|wochen|sonntage|samstage|semaines|dimanches|samedis))|365 tage im jahr|24 stunden am tag"
    # English
    r"|(?:just )?(?:one|1) (?:or|to) (?:two|2)|(?:two|2) (?:or|to) (?:three|3)|(?:a"
    r"|one) \w+ or two|eine? \w+ oder zwei|une? \w+ ou deux"
    r"|nine[ -]to[ -]five|number one|for (?:the )?two(?: of (?:you|us|them))?(?= ?[.,;:!?\n])"
    r"|the two of (?:you|us|them)|two of a kind|cloud nine|on all fours|four corners"
    r"|(?:all )?(?:four|five) (?:seasons|walls|senses)|third[ -]part(?:y|ies)|two steps away"
    r"|(?:a|one) (?:thousand|hundred|million) (?:times|thanks|ways|words)|in two minds|two[ -]way"
    r"|seven seas|ten out of ten|hundred per ?cent|second to none|21st[ -]century"
    r"|twenty-first century|21\. jahrhundert\w*|(?:21|xxi)e siècle|zero[ -]waste|fifty[ -]fifty"
    r"|50[ /:-]50"
    r"|sixes and sevens|one hundred per ?cent|third time lucky|square one|two left feet"
    r"|nine times out of ten|one in a million|a million miles|a hundred and one|forty winks"
    r"|whole nine yards|dressed to the nines|eleventh hour|two birds|two heads|the first two"
    r"|(?:the )?other (?:two|three)"
    r"|six of one|five[ -]a[ -]day|zero (?:effort|hassle|stress|fuss|emissions?|additives)"
    r"|four[ -](?:legged|poster|leaf|wheel)|two[ -](?:seater|wheeler|tone)|three cheers"
    r"|three wishes|two and two together|twice as (?:nice|good)|ten thousand thanks"
    r"|once or twice|a (?:hundred|thousand) years ago"
    r"|two sides of|a stone's throw|two hoots|two[ -]fold|second of two"
    # German
    r"|sieben sachen|zwei linken? (?:füßen?|händen?)|zwei fliegen|wolke sieben|alle neune"
    r"|fünfte rad|vier pfoten|aller guten dinge sind drei|(?:zum|beim) (?:ersten|zweiten"
    r"|dritten) mal|drei ?mal dürfen|dreimal (?:dürfen|raten|umsteigen)|tausendundein\w{0,2}"
    r"|hundert ?mal|tausend ?mal|hundertprozentig\w{0,2}|hundert prozent|null (?:chance|ahnung|bock"
    r"|stress|promille|risiko|zusatzstoffe)|beide[nr]? zwei|in zwei hälften|tausend (?:gründe"
    r"|kleinigkeiten|dinge|farben|ideen)|zwei paar schuhe|zwischen zwei stühlen|sechs richtige"
    r"|(?:die |den )?anderen (?:zwei|drei)|(?:die |den )?(?:zwei|drei) anderen"
    r"|fünf gerade sein|zwölf schlägt|alle viere|zwei seiten (?:einer|der)|fünf vor zwölf"
    r"|in zwei worten|mit zwei worten|hundert gründe|tausend und eine"
    r"|ein(?:s|e|en|er)?(?:,| bis| oder) zwei|zwei(?:,| bis| oder) drei|zu (?:zweit|dritt|viert)"
    r"|unter vier augen|(?:eigenen |die |meine[nr]? |ihre[nr]? )?vier wände?n?|auf allen vieren"
    r"|(?:alle |allen |den |die )?(?:vier jahreszeiten|fünf sinnen?)|sieb(?:ter|ten) himmel"
    r"|tausend dank|vor (?:hundert|tausend) jahren|null problem(?:o)?"
    r"|null komma nichts|(?:außer |in )acht|acht (?:geben|gibt"
    r"|zu geben)|(?:gib|gebt"
    r"|geben sie) acht"
    r"|zu zweien|(?:an|durch|für|von|mit) dritten?(?= ?[.,;:!?\n)]| (?:weiter|ist|sind|nicht))"
    r"|aus (?:erster|zweiter) hand|zu hundert prozent|nummer eins|zu zweit"
    # French
    r"|met(?:s|tre|tent|tons)? en quatre|trente-six|midi à quatorze heures|mille et une?"
    r"|(?:cheveux )?en quatre|deux coups|quatre vents|trois pommes|quatre épingles"
    r"|septième ciel|quatre pattes|deux temps,? trois mouvements|cent lieues|sept lieues"
    r"|des mille et des cents|quatre murs|deux mains|cent fois|mille fois|mille excuses"
    r"|zéro (?:déchets?|stress|gaspillage|souci|tracas|additifs?|plastique|faute)"
    r"|deux fois plutôt qu'une|tous les quatre matins|entre deux|à deux voix"
    r"|en un mot comme en cent|trois fois rien|il y a (?:cent|mille) ans"
    r"|les deux autres|les deux premi\w{3,5}"
    r"|un(?:e)? ou deux|deux ou trois|à deux(?= ?[.,;:!?\n])|à (?:deux|quelques) pas"
    r"|(?:les )?(?:quatre saisons|quatre coins|cinq sens)|mille (?:mercis|et une?)|cent pour cent"
    r"|à quatre mains|tous? les deux|toutes les deux|les deux|tout(?:e)? neuf"
    r"|neufs?(?= ?[.,;:!?\n])"
    r"|100 ?(?:%|percent|per cent|prozent|pour ?cent))(?!\w)",
    re.IGNORECASE,
)
_NAMES = "|".join(sorted((*MONTHS, *WEEKDAYS), key=len, reverse=True))
_GLUED = re.compile(
    rf"(?!(?<!\w)(?:{_NAMES})-?\d)" + r"(?<![\w.,])(?:(?!(?:eur|usd|gbp|chf|fr"
    r"|rs)\d)[A-Za-zÄÖÜäöüé]{1,12}-?\d{1,4}[A-Za-z]{0,3}(?![\w%€])|v\d+(?:\.\d+){0,4}"
    r"|(?!\d{1,2}\.\d{1,2}\.(?:19|20)?\d\d(?![\d.]))(?<!\+)(?!0\d)\d+(?:\.\d+){2,5}(?![\w.])"
    r"|\d{1,2}[DGKd](?![\w])|[48]k(?!\w)|\d[xX×]\d|\d:\d(?!\d))"
)
_NAMED = re.compile(
    r"\b(?:(?:windows|python|office|java|php|iphone|ipad|android|ios|html|css|web|version|release"
    r"|bluetooth|usb"
    r"|industr(?:y|ie)|route|formula|formel|formule|agenda|expo|horizon|covid|top|factor|area"
    r"|studio)[ -]\d{1,4}(?:\.\d{1,3}){0,4}"
    r"|(?:step|schritt|étape|etape|part|teil|partie|chapter|kapitel|chapitre|level|stufe|niveau"
    r"|figure|abbildung"
    r"|abb\.|fig\.|page|seite|table|tabelle|question|frage|tip|tipp|conseil|punkt|point|phase"
    r"|option|variante) \d{1,2})(?!\w)",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b")
_EVERYTHING_ELSE = (_TAG, _DESTINATION, _DEFINITION, _FOOTNOTE, _LIST_NUMBER, _ENTITY)


def prose_of(text: str) -> str:
    """Return `text` with spaces for what is not read as prose: code, tags, addresses of links."""
    text = without_code(text)
    defined = frozenset(_DEFINED.findall(text))
    text = _REFERENCE.sub(lambda found: _blank(found) if found[0] in defined else found[0], text)
    for pattern in _EVERYTHING_ELSE:
        text = pattern.sub(_blank, text)
    return text


def without_code(text: str) -> str:
    """Return `text` with spaces for what is code in it."""
    return _CODE_SPAN.sub(_blank, _without_fences(text))


def figures_of(prose: str) -> str:
    """Return prose with spaces for figures that claim nothing: names with numbers, idioms."""
    for pattern in (_ADDRESS, _POSTCODE, _IDIOM, _NAMED, _GLUED):
        prose = pattern.sub(_blank, prose)
    return prose


def _without_fences(text: str) -> str:
    if "```" not in text and "~~~" not in text:
        return text
    fence, lines = "", list[str]()
    for line in text.split("\n"):
        inside, fence = bool(fence), next_fence(fence, line)
        lines.append(" " * len(line) if inside or fence else line)
    return "\n".join(lines)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
