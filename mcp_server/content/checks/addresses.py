"""Addresses in a text: of mail, of web pages, of streets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mcp_server.content.checks.mentions.phones import is_same_phone, plain_phone, runs_of

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_WEB = re.compile(r"(?:https?://|www\.)[^\s<>\"'()\[\]{}|]{2,2000}", re.IGNORECASE)
_CALL = re.compile(r"\btel:(\+?[\d().\-/ %]{5,30})", re.IGNORECASE)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b")
_UPPER = "A-ZÄÖÜÀÂÉÈÊÎÔŒ"
_STREET = re.compile(
    # Bahnhofstraße, Lange Gasse 5, Am Markt 3
    rf"(?<!\w)(?:[{_UPPER}][\wäöüß-]{{2,30}}(?:straße|strasse|str\.|gasse|allee|chaussee)"
    rf"|[{_UPPER}][\wäöüß-]{{2,30}}"
    r"(?:weg|platz|ring|damm|ufer|steig|markt|graben|hof|stieg|promenade|berg|pfad"
    r"|kai)(?= \d{1,3}\b)"
    rf"|[{_UPPER}][\wäöüß-]{{1,30}}[ -](?:Straße|Strasse|Str\.|Gasse|Allee|Chaussee)"
    rf"|[{_UPPER}][\wäöüß-]{{1,30}}[ -](?:Weg|Platz|Ring|Damm|Ufer|Markt)(?= \d{{1,3}}\b)"
    rf"|(?:Am|An der|Zum|Zur|Im|Auf dem|Auf der|Unter den"
    rf"|Hinter der) [{_UPPER}][\wäöüß-]{{2,30}}(?= \d{{1,3}}[a-z]?(?:,| in |\.|\n| ?$))"
    # Mill Lane
    rf"|(?:[{_UPPER}][\w'’-]{{1,30}} ){{1,3}}(?:Street|St\.?(?=,|\n)|Road|Rd\.?|Lane"
    rf"|Avenue|Ave\.?|Boulevard|Blvd\.?|Terrace|Crescent"
    r"|Drive|Close|Alley|Row|Quay|Wharf|Parade|Gardens?(?= \d)|Square|Way(?=,|\.|\n))(?!\w)"
    # 12 Mill St London; without a number it is a saint
    rf"|(?<=\d )(?:[{_UPPER}][\w'’-]{{1,30}} ){{1,3}}St\.?(?= [{_UPPER}])"
    # rue de la Paix
    rf"|(?i:\b(?:rue|avenue|boulevard|bd|quai|impasse|chemin|allée|route|ruelle|faubourg|cours"
    rf"|place|square)) (?:(?:de la|de l['’]|des|du|de|d['’]|aux?|le|la|les|saint-?)[ ]?)?"
    rf"[{_UPPER}][\wàâéèêîôûç'’-]{{1,40}}(?:[ -][{_UPPER}][\wàâéèêîôûç'’-]{{1,40}}){{0,3}})",
)
_COMMON_STREETS = re.compile(
    r"(?i:(?:seiten|neben|land|einkaufs|durchgangs|dorf|wohn|spiel|quer|einbahn|küsten|pracht"
    r"|geschäfts|fußgänger|schnell|auto|milch|"
    r"daten|bundes|uferstraßen|ring|wein)(?:straße|strasse|gasse|allee)n?)|\b(?:The|This|Our|A"
    r"|Each|Every|Your|Same|Next|In|On|By|One|Cross|Side|High) (?:Street|Way|Row|Close|Square"
    r"|Road|Drive)"
)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one source says of addresses, in one spelling."""

    mails: frozenset[str]
    webs: frozenset[str]
    plain: str
    runs: frozenset[str]
    groups: frozenset[str]


@lru_cache(maxsize=64)
def _said_in(text: str) -> _Said:
    webs = {_web(found[0]) for found in _WEB.finditer(text)}
    names = {
        word.strip(".,;:()<>\"'").lower()
        for word in text.split()
        if "." in word and len(word) < 200
    }
    webs |= {_web(name) for name in names}
    return _Said(
        mails=frozenset(found[0].lower() for found in _MAIL.finditer(text)),
        webs=frozenset(webs | {web.partition("/")[0] for web in webs}),
        plain=_plain(text),
        runs=frozenset(
            re.sub(r"\D", "", run) for run in re.findall(r"\+?\d[\d ()/.–-]{5,24}\d", text)
        ),
        groups=frozenset(plain_phone(digits) for _, _, digits in runs_of(text)),
    )


def unsaid_addresses(text: str, sources: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield places and kinds of addresses and linked telephone numbers that no source says."""
    said = [_said_in(source) for source in sources if source]
    for found in _MAIL.finditer(text):
        if not any(found[0].lower() in each.mails for each in said):
            yield (*found.span(), "address")
    for found in _WEB.finditer(text):
        web = _web(found[0])
        if not any(web in each.webs or web.partition("/")[0] in each.webs for each in said):
            yield (*found.span(), "address")
    for found in _CALL.finditer(text):
        digits = re.sub(r"\D", "", found[1])
        if not any(
            plain_phone(digits) in each.groups
            or any(is_same_phone(digits, run) for run in each.runs)
            for each in said
        ):
            yield found.start(1), found.start(1) + len(found[1].rstrip(" ).-")), "phone number"
    for pattern in (_STREET, _POSTCODE):
        for found in pattern.finditer(text):
            if not _COMMON_STREETS.fullmatch(found[0]) and not any(
                _is_said(found[0], each.plain) for each in said
            ):
                yield (*found.span(), "address")


def _is_said(address: str, plain: str) -> bool:
    """Whether a street stands in a source; words before its name may be those of a sentence."""
    if _POSTCODE.fullmatch(address):
        return address.lower().replace(" ", "") in plain.replace(" ", "")
    parts = _plain(address).split()
    return any(" ".join(parts[start:]) in plain for start in range(max(1, len(parts) - 1)))


def _plain(text: str) -> str:
    """Return a text in one spelling: `Hauptstr.` is `Hauptstraße`, `St` is `Street`."""
    lowered = text.lower().replace("ß", "ss").replace("’", "'").replace("-", " ")
    lowered = re.sub(r"str\.|\bstr\b", "strasse", lowered)
    for short, long in (
        ("st", "street"),
        ("rd", "road"),
        ("ave", "avenue"),
        ("bd", "boulevard"),
        ("blvd", "boulevard"),
    ):
        lowered = re.sub(rf"\b{short}\b\.?", long, lowered)
    return " ".join(lowered.split())


def _web(address: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", address.lower()).rstrip("/.,;:!?*_")
