"""What honest writers make of facts, and inventions beside it that look nearly the same."""

from __future__ import annotations

import pytest

from mcp_server.content.checks.check import check
from mcp_server.content.checks.sources import Sources
from mcp_server.content.site import Page, Section, Site

SECTION = Section(page="menu", id="hero")


def held(language: str, text: str, source: str) -> list[str]:
    """Return the pieces for which a text is held."""
    pages = (Page(id="menu", title="Menu", sections=(SECTION,)),)
    site = Site(title="", description="", language=language, facts={}, pages=pages, templates={})
    found = check(text, section=SECTION, site=site, template=None, sources=Sources(texts=(source,)))
    return [each.piece for each in found if each.level == "held"]


HOURS = "Mo-Fr: 07:30-18:00\nSa-So: 08:30-18:00"
OPENING = "Tue-Sat 10:00-17:30"
OUVERT = "boutique: mar-sam 10h30-18h30"

HONEST = [
    (
        "en",
        "Tuesday to Saturday from ten to half past five; closed on Sundays and Mondays.",
        OPENING,
    ),
    ("en", "Come on a Wednesday or Thursday.", OPENING),
    ("en", "We rest on Monday.", "Tuesdays to Sundays, 9 till 5"),
    ("en", "Open every day except Tuesday.", "Wed-Mon 12:00-22:00"),
    ("en", "On weekdays, Monday to Friday.", "weekdays 9-5"),
    ("en", "Drop it off on a Monday if you like and it is ready in a week.", "within a week"),
    ("en", "On Saturday, 14 March, at seven.", "2026-03-14 19:00"),
    ("en", "Saturday is party night.", "date: 2026-03-14"),
    ("en", "Rehearsals are on Tuesday evenings.", "Tue 19:30"),
    ("en", "Market on Wed and Sat mornings.", "market: wed + sat morning"),
    ("en", "From half past seven until six in the evening.", HOURS),
    ("en", "From seven to ten in the evening", "19:00-22:00"),
    ("en", "Doors at quarter to eight.", "doors 7.45pm"),
    ("en", "We serve from noon until midnight.", "12:00-00:00"),
    ("en", "Supper is at a quarter past six.", "18:15"),
    ("en", "The workshop lasts two hours.", "19:00-21:00"),
    ("en", "An hour later, at eight, the bar closes.", "shop until 19:00, bar until 20:00"),
    ("en", "Between 9 and 5, 9 to 5.", "hours: 9am-5pm"),
    ("en", "Please be there by ten.", "start 10:00"),
    ("en", "The tour takes an hour and fifteen minutes.", "75 min"),
    ("en", "It takes 1 h 15 min.", "duration: 75 minutes"),
    ("en", "Two nights, forty-eight hours", "48 h, 2 nights"),
    ("en", "Six actors: two women and four men.", "cast: 2 f, 4 m"),
    ("en", "We ask £30 for both: £12 for the pot and £18 for the plate.", "pot £12, plate £18"),
    ("en", "Children pay half price.", "adults £8, children £4"),
    ("en", "One of the three loaves is rye, and all three are good.", "wheat, spelt and rye"),
    ("en", "The first two chapters, second to none, zero waste, at sixes and sevens.", "nothing"),
    ("en", "A cabin built in the 1930s", "built 1932"),
    (
        "en",
        "In 1932 teacher Ann Reed opened it, and since 1932 it has been open.",
        "Ann Reed, 1932",
    ),
    ("en", "It is in its third year.", "year: 3"),
    ("en", "The second and the third Saturday of each month", "2nd and 3rd Sat of the month"),
    ("en", "a walk of 1.2 km, or 1,200 metres", "beach 1200 m"),
    ("en", "half a kilo, that is 500 g", "500 g"),
    ("en", "Find us on the A449; ask at Gate 7 for EN 1090 parts.", "A449, gate 7, EN 1090"),
    ("en", "twelve and a half acres", "acres: 12.5"),
    ("en", "a fortnight, fourteen days", "2 weeks"),
    ("en", "From the 23rd to the 25th of April", "23-25 April 2026"),
    ("en", "Book early for July and August.", "season: 1 April - 31 October"),
    ("en", "on the 18th of January", "18/01/2026"),
    ("en", "Call 01632 960 244 or +44 1632 960244.", "01632-960244"),
    ("en", "See https://inn.example/rooms?x=2#top.", "web: https://www.inn.example"),
    ("de", "Montags bis freitags ab halb acht, am Sonntag ab 8.30 Uhr.", HOURS),
    ("de", "Mittwochs und am Donnerstagabend, sonntags und montags geschlossen", "Di-Sa 10-18 Uhr"),
    ("de", "Montag ist Ruhetag.", "Di–So ab 11 Uhr"),
    ("de", "Jeden Tag außer Dienstag.", "Mi-Mo 11:00-22:00"),
    ("de", "Am Samstag, dem 14. März 2026", "Sa 14.03.2026"),
    ("de", "Samstagnachmittags geöffnet", "Sa 14-17 Uhr"),
    ("de", "Wenn Sie Ihr Rad an einem Montag bringen, ist es bald fertig.", "Reparatur"),
    ("de", "Mittwoch, Freitag und am Wochenende", "Mi, Fr, Sa/So ab 9 Uhr"),
    ("de", "Von halb acht bis um sechs Uhr abends", HOURS),
    ("de", "Um Viertel nach acht, um dreiviertel acht", "20:15, 19:45"),
    ("de", "Von acht bis zwölf und von zwei bis sechs Uhr nachmittags", "8-12 Uhr und 14-18 Uhr"),
    ("de", "Um sieben beginnt das Konzert, um neun ist Schluss.", "19:00-21:00 Uhr"),
    ("de", "Das Konzert dauert zwei Stunden.", "19:00-21:00 Uhr"),
    ("de", "Eine halbe Stunde länger, bis 10.30 Uhr", "7:00-10:00, So 7:00-10:30"),
    ("de", "Von neun bis achtzehn Uhr", "Mo-Fr 9-18, Sa 9-13"),
    ("de", "Anderthalb Stunden", "so 1,5 Std."),
    ("de", "fünfundsiebzig Minuten", "1 Std. 15 Min."),
    ("de", "Zwischen 22 Uhr und sieben Uhr früh", "22:00-07:00"),
    ("de", "Drei Euro fünfzig, sechs Euro zwanzig", "3,50 EUR; 6,20 €"),
    ("de", "Ab dem fünften Lebensjahr", "ab 5. Lebensjahr"),
    ("de", "In der Seefeldstr. 112 in Zürich", "Seefeldstrasse 112, Zürich"),
    ("de", "Als Anton Riedl 1932 seine Vitrine füllte", "Anton Riedl (Vitrine 1932)"),
    ("de", "Erwachsene zahlen vier Euro, Kinder die Hälfte.", "Eintritt 4 €, Kinder 2 €"),
    ("de", "Zwei linke Füße, sieben Sachen, hundert Prozent, vier Pfoten, null Stress", "nichts"),
    ("de", "Vierzehn Franken neunzig oder 14.90 Franken, 280.– für alles", "CHF 14.90, CHF 280.-"),
    ("de", "in den Dreißigerjahren, den 30er Jahren", "seit 1932"),
    ("de", "Ein Kilometer, also tausend Meter", "1000 m Uferweg"),
    ("de", "elfeinhalb Hektar, 11,5 ha", "flaeche_ha: 11.5"),
    ("de", "Telefon 0231 – 86 44 20 oder +49 231 864420", "0231 864420"),
    ("de", "vom 1. April bis Mitte Oktober, auch im Juli", "saison: 01.04.-15.10."),
    ("de", "am 3. Mai", "Am 03.05. läuft Metropolis"),
    ("de", "am dritten Samstag im Monat", "3. Sa im Monat"),
    (
        "fr",
        "Du mardi au samedi, de dix heures trente à 18 h 30, fermé le dimanche et le lundi",
        OUVERT,
    ),
    ("fr", "Le mercredi après-midi et le jeudi soir", OUVERT),
    ("fr", "les vendredis et samedis à vingt et une heures", "ven. et sam. à 21h"),
    ("fr", "Le lundi soir, à six heures et quart", "lundi 18h15-19h30"),
    ("fr", "La séance dure une heure et quart.", "lundi 18h15-19h30"),
    ("fr", "La séance dure soixante-quinze minutes.", "lundi 18h15-19h30"),
    ("fr", "On se quitte deux heures plus tard, à 22 h 30.", "mercredi 20h30-22h30"),
    ("fr", "Le bar ouvre soixante minutes avant, donc à 20 h.", "à 21h, bar dès 20h"),
    ("fr", "une demi-heure de plus, jusqu'à 10 h 30", "lun-sam 7h-10h, dim 7h-10h30"),
    ("fr", "La réception veille 24 h/24 et 7 j/7.", "réception: jour et nuit, tous les jours"),
    ("fr", "Fermé le lundi, ouvert tous les jours sauf le lundi.", "mardi-dimanche 9h-19h"),
    ("fr", "Le spectacle dure une heure vingt.", "Durée 1h20 sans entracte"),
    ("fr", "trois quarts d'heure, soit 45 minutes", "45 min"),
    ("fr", "de neuf heures à midi et de 14 h à 18 h", "lun-ven 9h-12h et 14h-18h"),
    ("fr", "du 7 au 29 novembre", "du 07/11 au 29/11"),
    ("fr", "du 5 avril au 28 septembre, surtout en août", "ouverture: 05/04-28/09"),
    ("fr", "le 1er avril, le premier avril", "2026-04-01"),
    ("fr", "le dimanche quatorze décembre", "2025-12-14"),
    ("fr", "les premier et troisième samedis du mois", "1er et 3e samedis du mois"),
    ("fr", "onze hectares et demi", "surface_ha: 11.5"),
    ("fr", "deux euros cinquante, dix-sept euros", "2,50 €, 17€"),
    ("fr", "un délai de quinze jours", "2 semaines"),
    ("fr", "une demi-douzaine d'œufs, une douzaine", "6 œufs, 12 œufs"),
    ("fr", "au 05 58 00 46 12", "+33 5 58 00 46 12"),
    ("fr", "On se met en quatre ; mille mercis, zéro déchet, mille et une idées.", "rien"),
    ("fr", "six cents mètres, ou 600 m", "mer: 0,6 km"),
    ("fr", "Si vous passez un lundi, sonnez.", "rien"),
    ("fr", "les années 30", "depuis 1932"),
]


@pytest.mark.parametrize(("language", "text", "source"), HONEST)
def test_an_honest_text_is_not_held(language: str, text: str, source: str) -> None:
    """Ranges, spoken times, and what follows from two figures side by side."""
    assert held(language, text, source) == []


INVENTED = [
    ("en", "Closed on Fridays.", OPENING, "Fridays"),
    ("en", "Open on Sundays.", OPENING, "Sundays"),
    ("en", "from half past eight", "Mon-Fri 07:30-18:00", "half past eight"),
    ("en", "until seven in the evening", HOURS, "seven in the evening"),
    ("en", "The workshop lasts three hours.", "19:00-21:00", "three hours"),
    ("en", "Please come 20 minutes early.", "19:00-21:00", "20 minutes"),
    (
        "en",
        "Two hours later, at nine, the bar closes.",
        "shop until 19:00, bar until 20:00",
        "nine",
    ),
    ("en", "Doors open half an hour before, at 7 pm.", "begins 19:00, ends 21:00", "half an hour"),
    ("en", "Seven actors: two women and four men.", "cast: 2 f, 4 m", "Seven"),
    ("en", "£35 for both: £12 for the pot and £18 for the plate.", "pot £12, plate £18", "£35"),
    ("en", "Children pay half price.", "adults £8, children £5", "half price"),
    ("en", "Rated 4.9 out of 5 stars.", "5 rooms, 4 floors, 9 beds", "4.9"),
    ("en", "Over 500 customers, 20 years of experience", "5 rooms, open until 20:00", "500"),
    ("en", "20 years of experience", "open until 20:00", "20 years"),
    ("en", "built in the 1920s", "built 1932", "1920s"),
    ("en", "in November", "season: 1 April - 31 October", "November"),
    ("en", "on 15 July", "season: 1 April - 31 October", "15 July"),
    ("en", "on the 24th of May", "23-25 April 2026", "24th of May"),
    ("en", "2 km away", "beach 1200 m", "2 km"),
    ("en", "15% off", "15 rooms", "15%"),
    ("en", "Call 01632 960 245.", "01632-960244", "01632 960 245"),
    ("en", "Open seven days a week.", OPENING, "seven days"),
    ("de", "Am Dienstagabend", "Mi-So 17:30", "Dienstagabend"),
    ("de", "Sonntags von zehn bis zwölf", "Di-Sa 10-12 Uhr", "Sonntags"),
    ("de", "ab 6.15 Uhr", "ab 6:30", "6.15 Uhr"),
    ("de", "Um zehn wird es dunkel.", "beginn: 19:30", "zehn"),
    ("de", "Das Konzert dauert drei Stunden.", "19:00-21:00 Uhr", "drei Stunden"),
    ("de", "Drei Euro fünfzig", "3,00 EUR, 2,50 €", "Drei Euro fünfzig"),
    ("de", "in vierter Generation", "ab 5. Lebensjahr", "vierter"),
    ("de", "Seit 1958 decken wir Dächer.", "seit 1985", "1958"),
    ("de", "rund 70 Prozent", "7 Gesellen", "70 Prozent"),
    ("de", "über 1.000 Kunden", "1000 m Uferweg", "1.000"),
    ("de", "In der Seefeldstr. 114", "Seefeldstrasse 112", "114"),
    ("de", "Rund um die Uhr, 24/7 erreichbar", "Mo-Fr 9-18", "24/7"),
    ("fr", "ouvert le dimanche", OUVERT, "dimanche"),
    ("fr", "fermé le jeudi", OUVERT, "jeudi"),
    ("fr", "à sept heures et quart", "lundi 18h15-19h30", "sept heures et quart"),
    ("fr", "à 9 h 30", "lun-ven 9h-12h", "9 h 30"),
    ("fr", "La séance dure deux heures.", "lundi 18h15-19h30", "deux heures"),
    ("fr", "avant le 20 mars", "13-17 avril 2026", "20 mars"),
    ("fr", "en octobre", "ouverture: 05/04-28/09", "octobre"),
    ("fr", "douze hectares et demi", "surface_ha: 11.5", "douze hectares et demi"),
    ("fr", "deux euros cinquante", "2 €, 50 €", "deux euros cinquante"),
    ("fr", "un délai de quinze jours", "3 semaines", "quinze jours"),
    ("fr", "à 250 mètres", "tramway, 25 chambres", "250 mètres"),
    ("fr", "plus de 500 clients", "50 €", "500"),
    ("fr", "7 jours sur 7", OUVERT, "7 jours"),
]


@pytest.mark.parametrize(("language", "text", "source", "piece"), INVENTED)
def test_an_invention_beside_it_is_held(language: str, text: str, source: str, piece: str) -> None:
    """A wrong hour, day, sum or share is one, however near it is to a fact."""
    assert piece in held(language, text, source)
