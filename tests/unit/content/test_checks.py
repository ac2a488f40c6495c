"""What the checks have to say of a text, case by case."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType

import pytest

from mcp_server.content.checks.check import check
from mcp_server.content.checks.sources import FINDINGS_MAX, Sources, sources_of
from mcp_server.content.site import Page, Section, Site
from mcp_server.entities.entity import PREVIEW, Author, Finding, Revision

SECTION = Section(page="menu", id="hero")


def site_in(language: str, **facts: object) -> Site:
    """Make a site of one section and these facts."""
    page = Page(id="menu", title="Menu", sections=(SECTION,))
    return Site(
        title="Site", description="", language=language, facts=facts, pages=(page,), templates={}
    )


def found(text: str, *said: str, language: str = "en", before: str = "") -> Sequence[Finding]:
    """Check a text of which `said` are the sources."""
    return check(
        text,
        section=SECTION,
        site=site_in(language),
        template=None,
        sources=Sources(texts=said, before=before),
    )


def held(text: str, *said: str, language: str = "en") -> list[str]:
    """Return the pieces for which a text is held."""
    return [each.piece for each in found(text, *said, language=language) if each.level == "held"]


SAME = [
    ("en", "It costs €1,200.50.", "price: 1.200,50 EUR"),
    ("de", "Es kostet 1.200,50 €.", "price: 1200.5"),
    ("en", "It costs twelve euros.", "price: 12 €"),
    ("en", "It costs €12.", "zwölf Euro"),
    ("de", "Es kostet 12,- Euro.", "12 €"),
    ("de", "Zweihundertfünfzig Euro", "250 €"),
    ("fr", "deux cent cinquante euros", "250 €"),
    ("en", "80p", "price: £0.80"),
    ("en", "It costs £6.50 for two.", "price: 6.5"),
    ("en", "We open at 9 am.", "9 Uhr"),
    ("de", "Wir öffnen um 9 Uhr.", "opens: 09:00"),
    ("en", "From half past nine to 5.30 pm", "9:30–17:30"),
    ("de", "Von halb zehn bis 17.30 Uhr", "9:30–17:30"),
    ("fr", "De neuf heures et demie à 17h30", "9:30–17:30"),
    ("en", "Lunch until 3 pm.", "Served from noon until three."),
    ("fr", "dès 7 h et jusqu'à dix-neuf heures trente", "7h–19h30"),
    ("en", "It takes an hour and a half.", "90 minutes"),
    ("en", "It takes 1.5 hours.", "duration: 90 minutes"),
    ("de", "Anderthalb Stunden", "90 min"),
    ("de", "eine halbe Stunde", "30 Minuten"),
    ("en", "A guarantee of half a year.", "6 months"),
    ("en", "£140 for seven days", "£140 a week"),
    ("en", "Stay for 10 to 12 days.", "10–12 days"),
    ("de", "am 5. Mai 2025", "date: 2025-05-05"),
    ("fr", "le 5 mai", "May 5, 2025"),
    ("en", "on Monday 14 September", "supper: 14 September 2026, 7.30 pm"),
    ("de", "vom 22. Dezember bis zum 4. Januar", "22.12.2026 bis 4.1.2027"),
    ("de", "25. Dezember", "closed on 25 and 26 December"),
    ("en", "since 2004", "opened: May 2004"),
    ("en", "in the 1990s", "founded: 1998"),
    ("en", "Call 01632 960142.", "phone: +44 1632 960142"),
    ("de", "Telefon 0221 9876540", "0221 987654-0"),
    ("en", "ten percent off", "10 %"),
    ("en", "children pay half price", "children: 50 %"),
    ("fr", "quatre-vingt-cinq emplacements", "emplacements: 85"),
    ("en", "thirty-four seats", "seats: 34 inside"),
    ("en", "nearly fifty kinds", "48 kinds"),
    ("en", "open Wednesday", "open Tuesday to Friday"),
    ("en", "Closed on Mondays.", "Monday: closed, Tuesday to Sunday: 9:00"),
    ("en", "Closed on Mondays.", "Tuesday to Sunday 9:00–17:00"),
    ("en", "7 Harbour Road, YO21 3PU", "7 Harbour Rd., Whitby YO213PU"),
    ("de", "In der Bahnhofstraße 5", "Bahnhofstr. 5"),
    ("en", "See https://inn.example/book.", "inn.example"),
    ("en", "Somebody is there 24/7.", "reception: 24 hours, every day"),
    ("en", "Write to Stay@inn.example or see inn.example.", "stay@inn.example, www.inn.example"),
]


@pytest.mark.parametrize(("language", "text", "source"), SAME)
def test_what_a_source_says_in_another_way_is_said(language: str, text: str, source: str) -> None:
    """Figures are compared by value, across notations and languages."""
    assert held(text, source, language=language) == []


OTHER = [
    ("en", "It costs €14.", "price: 12 €", "€14"),
    ("en", "It costs $12.", "price: 12 €", "$12"),
    ("en", "It takes 12 minutes.", "price: 12 €", "12 minutes"),
    ("en", "until 6 pm", "9:00–17:00", "6 pm"),
    ("en", "on 6 May", "May 5, 2025", "6 May"),
    ("en", "5 May 2026", "5 May 2025", "5 May 2026"),
    ("en", "for 27 years", "since 1998", "27 years"),
    ("en", "50 seats", "34 inside, 16 in the courtyard", "50"),
    ("en", "Call 01632 960143.", "01632 960142", "01632 960143"),
    ("en", "[Call](tel:01632960143)", "01632 960142", "01632960143"),
    ("en", "Over 200 guests", "2 guests", "200"),
    ("en", "Thousands of guests", "since 1998", "Thousands"),
    ("en", "in the third generation", "3 pm", "third"),
    ("en", "Closed on Wednesdays.", "Tuesday to Sunday 9:00–17:00", "Wednesdays"),
    ("en", "Open on Mondays.", "Monday: closed, Tuesday to Sunday: 9:00", "Mondays"),
    ("en", "open until midnight", "12:00–21:30", "midnight"),
    ("en", "Find us in Mill Lane.", "7 Harbour Road", "Mill Lane"),
    ("en", "Write to info@inn.example.", "stay@inn.example", "info@inn.example"),
    ("en", "See https://inn.example/book.", "hotel.example", "https://inn.example/book."),
    ("en", "See https://book.inn.example.", "inn.example", "https://book.inn.example."),
    ("en", "Call us 24/7.", "phone: 01632 960142, Mon-Fri", "24/7"),
    ("de", "Über 2.000 Patienten", "eröffnet: 2012, 2 Ärzte", "2.000"),
    ("de", "nur drei Gehminuten", "drei Zimmer", "drei Gehminuten"),
    ("de", "im dritten Stock", "2. Stock", "dritten"),
    ("fr", "une réduction de 10 %", "10 €", "10 %"),
    ("fr", "12 avenue Victor-Hugo", "12 rue des Lilas", "avenue Victor-Hugo"),
]


@pytest.mark.parametrize(("language", "text", "source", "piece"), OTHER)
def test_what_no_source_says_is_held(language: str, text: str, source: str, piece: str) -> None:
    """Computed years and sums are no facts either: nobody has said them."""
    assert piece in held(text, source, language=language)


CLAIM_NOTHING = [
    ("en", "You are one of the best. Version 2.3.1, 100 % natural, a word or two."),
    ("en", "1. Come in\n2. Sit down\n\n## 3. Enjoy"),
    ("en", "Three reasons:\n\n- calm\n- light\n- air"),
    ("en", "Flour, water and salt: three things."),
    ("en", "May we help you? On Windows 11 and with Bluetooth 5.0, `x = 99`.\n\n```\n42 €\n```"),
    ("de", "Zu zweit oder allein, unter vier Augen, in allen vier Jahreszeiten. Acht geben!"),
    ("fr", "À deux pas d'ici, un four tout neuf, aux quatre coins du monde."),
]


@pytest.mark.parametrize(("language", "text"), CLAIM_NOTHING)
def test_figures_that_claim_nothing_are_passed_over(language: str, text: str) -> None:
    """Numbers of lists, names, idioms, code, and counts that the text itself shows."""
    assert held(text, "nothing", language=language) == []


LANGUAGES: list[tuple[str, str, list[str]]] = [
    (
        "en",
        "Wir freuen uns auf Ihren Besuch und zeigen Ihnen gern, was wir für Sie tun.",
        ["German"],
    ),
    (
        "de",
        "We look forward to your visit and will show you what we can do for you here.",
        ["English"],
    ),
    (
        "de",
        "Nous sommes heureux de vous accueillir et de vous montrer notre maison dans la rue.",
        ["French"],
    ),
    (
        "en",
        "We look.\n\nWir freuen uns auf Ihren Besuch und sind für Sie da, wenn Sie da sind.",
        ["German"],
    ),
    ("en", "Добро пожаловать в нашу пекарню, мы рады вас видеть", ["Cyrillic"]),
    ("en", "Boeuf bourguignon, crème brûlée, pain au chocolat", []),
    ("en", "Willkommen!", []),
    ("fi", "Tervetuloa meille, olemme avoinna joka päivä ja odotamme sinua", []),
]


@pytest.mark.parametrize(("language", "text", "said"), LANGUAGES)
def test_another_language_is_held(language: str, text: str, said: list[str]) -> None:
    """Little text, names and languages that are not known are passed over."""
    assert held(text, language=language) == said


def test_a_language_that_was_asked_for_is_expected() -> None:
    """Instructions may want a translation; then the page's own language is right as well."""
    german = "Wir freuen uns auf Ihren Besuch und zeigen Ihnen gern, was wir für Sie tun."
    for asked in ("Translate it to German", "auf Deutsch bitte", "Traduis en langue bavaroise"):
        sources = Sources(asked=asked)
        assert not check(
            german, section=SECTION, site=site_in("en"), template=None, sources=sources
        )


@pytest.mark.parametrize(
    "text",
    [
        "TODO: prices",
        "Lorem ipsum dolor",
        "Dear [your name]",
        "[Preis einfügen]",
        "XXX",
        "[votre ville]",
    ],
)
def test_what_was_left_to_be_done_is_held(text: str) -> None:
    """It stands there until somebody sees it."""
    assert held(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<script>alert(1)</script>", "script element"),
        ("[a](javascript:alert)", "unsafe link"),
        ("{{ site.secret }}", "template syntax"),
        ("<think>hm</think>", "thinking block"),
        ("<!-- section: b -->", "section mark"),
        ("```\ncode", "open code block"),
    ],
)
def test_what_runs_or_breaks_the_file_is_refused(text: str, kind: str) -> None:
    """Unless the text before had it, as that is a person's own."""
    assert kind in [each.kind for each in found(text) if each.level == "refused"]
    if kind not in {"section mark", "open code block"}:
        assert not [each for each in found(text, before=text) if each.level == "refused"]


def test_links_to_no_page_and_no_heading_are_noted() -> None:
    """Files, other sites and pages whose headings are not known are passed over."""
    text = (
        "# Our menu\n[a](/menu) [b](/gone) [c](#our-menu) [d](#lost) [e](/menu.html) [f](/x.pdf) "
        "[g](menu#prices) [h](/menu#none) [i](mailto:a@b.example)"
    )
    noted = check(
        text,
        section=SECTION,
        site=site_in("en"),
        template=None,
        sources=Sources(texts=("a@b.example",)),
        anchors={"menu": {"prices"}},
    )
    assert [(each.level, each.piece) for each in noted] == [
        ("noted", "/gone"),
        ("noted", "#lost"),
        ("noted", "/menu#none"),
    ]


def test_words_that_the_glossary_avoids_are_noted() -> None:
    """With the word that the site uses instead; only whole words."""
    site = replace(site_in("en"), glossary={"guest": ("customer", "client")})
    text = "Our Customers? No: each client, `customer` in code, clientele."
    noted = check(text, section=SECTION, site=site, template=None, sources=Sources())
    assert [(each.level, each.piece) for each in noted] == [("noted", "client (guest)")]


def test_facts_of_other_pages_are_no_source() -> None:
    """Facts of the site and of the page are, briefs and static texts too."""
    here = Section(page="menu", id="hero", brief="12 seats", facts={"price": "£3"})
    beside = Section(
        page="menu", id="more", facts={"loaves": [{"name": "Rye"}, {"name": "Spelt"}] * 2}
    )
    elsewhere = Section(page="rooms", id="hero", facts={"price": "£85"})
    static = Section(page="imprint", id="text", text="Tax number 4711")
    pages = (
        Page(id="menu", title="Menu", sections=(here, beside)),
        Page(id="rooms", title="Rooms", sections=(elsewhere,)),
        Page(id="imprint", title="Imprint", sections=(static,)),
    )
    site = Site(
        title="Inn",
        description="",
        language="en",
        facts={"founded": 1998},
        pages=pages,
        templates={},
    )
    text = "Since 1998: 12 seats, four loaves, tea for £3, tax number 4711, rooms for £85."
    sources = sources_of(site, here)
    assert [
        each.piece for each in check(text, section=here, site=site, template=None, sources=sources)
    ] == ["£85"]


HOSTILE = (
    "<script>x</script> [a](javascript:x) <!-- section: a -->\n---\nt: 1\n---\n\x1b[31m\u202e\u2066"
    "\U000e0041 two hundred and 12.03. €1,1 (((0 a@a. http://a [your `{{ Mon- rue de la Aa "
)


def test_a_hostile_text_is_checked_in_linear_time() -> None:
    """Twice the text takes twice the calls, and of a huge one only the beginning is compared."""
    small, large = (_calls(HOSTILE * times) for times in (100, 200))
    assert large < 2.5 * small
    kinds = {each.kind for each in found(HOSTILE * (1_000_000 // len(HOSTILE)))}
    assert {"text too long to be checked", "script element", "section mark"} <= kinds


@pytest.mark.parametrize(
    "text",
    ["12 €/m²", "Preis pro m²", "Tee¹ und Kuchen²", "③ Zimmer", "half past ²³", "à midi ²³²"],
)
def test_raised_and_ringed_figures_are_read_as_letters(text: str) -> None:
    """Python calls them digits, and makes no number of them."""
    assert found(f"{text}.", text) == ()
    assert held("It costs €12.", text) == ([] if "12" in text else ["€12"])


@pytest.mark.parametrize("minutes", ["²³²", "③③③"])
def test_an_hour_and_such_figures_are_an_hour(minutes: str) -> None:
    """What stands where minutes would is no number."""
    assert held(f"It takes an hour and {minutes} minutes.", "It takes 1 hour.") == []


def test_a_text_full_of_inventions_has_a_bounded_list_of_findings() -> None:
    """Whoever reads it has seen enough by then."""
    assert len(found(" ".join(f"€{n}" for n in range(1000, 3000)))) == FINDINGS_MAX


def test_what_is_found_often_leaves_room_for_the_rest() -> None:
    """Fifty times the same is one finding."""
    assert {"TODO", "€77"} <= set(held("TODO. " * 60 + "It costs €77."))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [("It costs 77\u00a0€.", ["77 €"]), ("Many.", [f"€{n}" for n in range(FINDINGS_MAX)])],
)
def test_what_a_draft_is_held_for_is_no_source(text: str, pieces: Sequence[str]) -> None:
    """R32: whatever its blanks are; one with more findings than are kept says nothing at all."""
    findings = tuple(Finding(level="held", kind="price in no source", piece=p) for p in pieces)
    draft = Revision(
        type=PREVIEW,
        entity_id="menu/hero",
        template="",
        fields={},
        markdown=text,
        author=Author(kind="chat"),
        findings=findings,
    )
    said = sources_of(site_in("en"), SECTION, before=draft).before or ""
    assert not any(word in said for word in ("77", "Many"))


def _calls(text: str) -> int:
    """Return how many calls of functions it takes to check a text."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        del frame, event, argument
        count += 1

    sys.setprofile(counted)
    try:
        found(text)
    finally:
        sys.setprofile(None)
    return count
