"""The words beside a figure that say which figure it is, in three languages. Pure."""

from __future__ import annotations

import re

PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (
            (
                r"\brooms? (?:is|are|will be) (?:ready|available)"
                r"|\bzimmer[^.,;]{0,30}(?:bereit|bezugsfertig|fertig|beziehen)"
                r"|\bchambres? [^.,;]{0,20}(?:prêtes?|disponibles?)|\bmove in\b"
            ),
            "=check-in",
        ),
        (
            (
                r"\bleave (?:the|your) room|\bvacate"
                r"|\bzimmer[^.,;]{0,30}(?:räumen|frei ?geben|verlassen)"
                r"|\b(?:libérer|quitter|rendre) (?:la|les|votre) (?:chambres?|clés?)"
            ),
            "=check-out",
        ),
    )
)
"""What is said in several words."""
CLAUSE_END = re.compile(r"[,;:()|](?=[\s*_)]|$)|\s[–—-]\s|\s(?:and|und|et|but|aber|mais)\s")
BETWEEN_TIMES = re.compile(
    r"(?:[ \u00a0]?(?:uhr|h|a\.?m\.?|p\.?m\.?))?[ \u00a0]?(?:[–—-]|to|till|until"
    r"|through|bis(?: um)?|à|jusqu['’]à"
    r"|and|und|et)[ \u00a0]?",
    re.IGNORECASE,
)
UNTIL = re.compile(r"(?:to|till|until|bis|à|jusqu)\b", re.IGNORECASE)
DASH = re.compile(r" ?[–—-] ?")
BETWEEN_PRICES = re.compile(
    r"(?: ?(?:€|eur|euros?|£|\$))?[ \u00a0]?(?:[–—-]|to|bis|à|and|und|et)[ \u00a0]?", re.IGNORECASE
)
BOUND = re.compile(
    r"\b(?:from|starting at|as little as|up to|over|more than|less than|under|at least|at most"
    r"|max\.?|ab|bis zu|über|mehr als|unter|mindestens|höchstens|maximal|à partir de|dès|jusqu['’]à"
    r"|plus de|moins de|au moins|minimum|between|zwischen|entre)[ \u00a0*_]{0,3}(?:[€£$]|eur )?$",
    re.IGNORECASE,
)
FROM = re.compile(
    r"\b(?:from|starting at|ab|à partir de|dès)[ \u00a0*_]{0,3}(?:[€£$]|eur )?$", re.IGNORECASE
)
OFFER = re.compile(
    r"\b(?:instead of|rather than|was (?:[€£$]|eur)|formerly|used to|reduced (?:from|to)"
    r"|(?:%|[€£$] ?\d+) off\b|discount|saves?\b|sale\b|offer\b|special\b|voucher"
    r"|statt\b|anstatt|bisher|früher|vorher"
    r"|sonderangebot|rabatt|sparen|nachlass|gutschein\w*|angebot\w*|au lieu d|avant\b|ancien prix"
    r"|passent? de|passe de|remise|réduction|soldes?|promo\w*|économis|bon cadeau|pauschal\w*)",
    re.IGNORECASE,
)
"""Beside these stands another price than the usual one."""
FOUNDED = re.compile(
    r"\b(?:(?P<open>opened|eröffnet|ouverte?s? (?:en|depuis)|ouvrit|öffnete)"
    r"|(?P<built>built|erbaut|gebaut|construite?s?|bâtie?s?)"
    r"|(?P<founded>founded|established|est\.|since|started|set up|gegründet|seit|besteht"
    r"|gründete\w*|fondée?s?|créée?s?|depuis|fonda|fondèrent))(?!\w)",
    re.IGNORECASE,
)
TOTAL = re.compile(
    r"\b(?:there are|there is room for|we have|has|have|only|in total|altogether|all of|up to"
    r"|room for|at most|no more than|max(?:imum|\.)?|maximal|gibt(?: es)?|insgesamt"
    r"|nur|höchstens|haben wir"
    r"|wir haben|hat|verfügt|zusammen|platz für|bietet|il y a|au total|au maximum|au plus|seulement"
    r"|compten?t?|nous avons|dispose\w*|sommes|en tout|offre|seats|sleeps|holds)\b",
    re.IGNORECASE,
)
MOST = re.compile(
    r"\b(?:up to|at most|no more than|max(?:imum|\.)?|maximal|höchstens|au maximum|au plus|bis zu"
    r"|jusqu['’]à)\b",
    re.IGNORECASE,
)
WITH = re.compile(r"[^\W\d_]+[ \u00a0](?:with|for|mit|für|avec|pour|per|pro|par)\b", re.IGNORECASE)
NOUN = re.compile(r"[ \u00a0*_]{1,3}([^\W\d_]{3,40})")
END_ROLE = re.compile(
    r"\b(?:until|till|by|before|close[sd]?(?: at)?|ends?(?: at)?|bis|spätestens|endet|schließt|vor"
    r"|jusqu['’]à|avant|ferme|fin|last|letzte[rn]?|derni\w{2,3}|to|à \d.{0,8}[–-])"
    r"[ \u00a0]*(?:um |at |à )?$",
    re.IGNORECASE,
)
SHUT = re.compile(
    r"closed|ruhetag|geschlossen|schließtag|\bzu\b|fermé|fermeture|schlie(?:ß|ss)en|\bclose\b|shut",
    re.IGNORECASE,
)
EXCEPT = re.compile(r"\b(?:except|außer|sauf|unless|christmas|weihnacht|noël)\b", re.IGNORECASE)
YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]\d)")
