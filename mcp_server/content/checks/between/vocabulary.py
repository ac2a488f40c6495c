"""What words mean for a comparison: units, kinds of things, and words that say little. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from mcp_server.content.checks.language import COMMON
from mcp_server.content.checks.words import MONTHS, WEEKDAYS, words


def plain(word: str) -> str:
    """Return a word in lower case and without accents."""
    folded = unicodedata.normalize("NFKD", word.lower().replace("ß", "ss"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


MEANT: Mapping[str, str] = {
    plain(form): f"={name}"
    for name, forms in {
        # What a price may be by, and for whom
        "night": "night nights nacht nächte nuit nuits nuitée overnight",
        "person": "person persons persone personne personnes pers kopf head tête pax",
        "hour": "hour hours stunde stunden heure heures hourly",
        "day": "day days tag tage jour jours journée",
        "week": "week weeks woche wochen semaine semaines weekly",
        "month": "month months monat monate mois monthly monatlich",
        "year": "year years jahr jahre année annual yearly jährlich",
        "group": "group groups gruppe gruppen groupe groupes",
        "bottle": "bottle bottles flasche flaschen bouteille bouteilles",
        "case": "case cases karton kartons carton cartons kiste kisten",
        "glass": "glass glasses glas gläser verre verres",
        "piece": "piece pieces stück pièce each item",
        "slice": "slice slices scheibe tranche tranches",
        "child": (
            "child children kid kids kind kinder kindern enfant enfants junior juniors toddler"
            " toddlers pupils jugendliche jugendlicher under-16 under-18"
        ),
        "adult": "adult adults grown-up erwachsene erwachsener erwachsenen adulte adultes",
        "reduced": (
            "reduced concession concessions ermäßigt ermäßigte ermäßigter ermäßigten ermäßigung"
            " réduit réduite tarif-réduit discounted"
        ),
        "student": (
            "student students studierende studenten schüler étudiant étudiants étudiante azubis"
        ),
        "senior": "senior seniors pensioner pensioners rentner senioren retraités",
        "family": "family families familie familien familienkarte famille familles",
        "member": "member members mitglied mitglieder membre membres adhérent adhérents",
        "school": "school schools schulklasse schulklassen klassen scolaire scolaires",
        "dog": "dog dogs hund hunde chien chiens",
        # Sizes and kinds
        "small": "small klein kleine kleiner kleines petit petite petits petites mini",
        "large": "large big groß große großer großes grand grande grands grandes",
        "half": "half halb halbe halber demi demie",
        "double": "double doppel doppelzimmer twin deux-places",
        "single": "single einzel einzelzimmer simple",
        "return": "return hin-und-rück aller-retour round-trip",
        "net": "net netto zuzüglich zzgl excluding hors ht exkl",
        "gross": "gross brutto inklusive einschließlich including ttc inkl",
        # Times of the year, the week, the day
        "summer": "summer sommer sommers été summertime hauptsaison",
        "winter": "winter winters hiver",
        "spring": "spring frühling frühjahr printemps",
        "autumn": "autumn herbst automne",
        "holiday": (
            "holiday holidays ferien feiertag feiertage feiertags feiertagen vacances fériés férié"
            " bank-holiday half-term"
        ),
        "weekend": "weekend weekends wochenende wochenenden week-end week-ends",
        "weekday": "weekday weekdays werktag werktags werktage wochentags",
        "breakfast": "breakfast frühstück petit-déjeuner",
        "lunch": "lunch lunchtime mittags mittagstisch mittagessen midi déjeuner noon mittag",
        "dinner": "dinner supper abendessen abends dîner souper abend soir evening evenings soirée",
        "morning": "morning mornings vormittags vormittag morgens matin matinée",
        "afternoon": "afternoon afternoons nachmittags nachmittag après-midi",
        # What many sites have a value of
        "open": (
            "open opens opening opened-daily geöffnet öffnet offen öffnungszeiten öffnungszeit"
            " ouvert ouverte ouverts ouvertes ouvre ouvrent ouverture hours horaires horaire"
        ),
        "parking": (
            "parking garage tiefgarage parkplatz parkplätze stellplatz stellplätze parkhaus"
            " stationnement parkgebühr car-park"
        ),
        "check-in": (
            "check-in checkin arrive arrival arrivals anreise ankunft anreisen arrivée arrivées"
            " bezugsfertig bezugsbereit check-ins"
        ),
        "check-out": "check-out checkout departure abreise départ départs",
        "deposit": "deposit kaution pfand anzahlung caution acompte arrhes",
        "delivery": "delivery lieferung versand livraison shipping postage versandkosten",
        "entry": "entry admission entrance eintritt entrée",
        "ticket": "ticket tickets karte karten eintrittskarte billet billets",
        "room": "room rooms zimmer chambre chambres",
        "seat": "seat seats sitzplätze sitzplatz",
        "pitch": "pitch pitches emplacement emplacements",
        "emergency": (
            "emergency emergencies notfall notfälle notfällen notdienst notruf urgence urgences"
        ),
        "booking": (
            "booking bookings reservation reservations reservierung reservierungen buchung"
            " buchungen réservation réservations appointment appointments termin termine"
            " terminvereinbarung rendez-vous"
        ),
        "order": (
            "order orders bestellung bestellungen bestellen vorbestellen commande commandes"
            " commander"
        ),
        # Parts of a business, which have hours of their own
        "shop": (
            "shop shops store stores laden läden ladengeschäft geschäft magasin boutique boutiques"
        ),
        "office": "office offices büro büros bureau bureaux secretariat sekretariat secrétariat",
        "branch": "branch branches filiale filialen standort standorte agence agences succursale",
        "cafe": "cafe cafés café cafeteria bistro coffee-shop",
        "restaurant": "restaurant restaurants gaststube wirtschaft brasserie auberge",
        "kitchen": "kitchen küche cuisine",
        "bar": "bar pub",
        "reception": "reception rezeption réception empfang accueil front-desk",
        "library": "library bibliothek bücherei bibliothèque médiathèque",
        "garden": "garden gardens garten gärten jardin jardins park parc",
        "pool": "pool swimmingpool schwimmbad becken piscine bassin",
        "sauna": "sauna spa wellness hammam",
        "museum": "museum musée",
        "workshop": "workshop werkstatt atelier studio studios",
        "desk": "desk kasse caisse box-office billetterie ticket-office guichet",
        "market": "market markt marché wochenmarkt",
        "tower": "tower turm",
        "phone": "hotline phone-line switchboard telefonzeiten",
        "fax": "fax telefax télécopie",
        "mobile": "mobile handy mobil portable whatsapp",
    }.items()
    for form in words(forms)
}
UNITS = frozenset(
    f"={name}"
    for name in words("night person hour day week month year group bottle case glass piece slice")
)
"""What a price may be by."""
GROUPS: Mapping[str, frozenset[str]] = {
    name: frozenset(f"={each}" for each in words(names))
    for name, names in {
        "for whom": "child adult reduced student senior family member school",
        "size": "small large half",
        "beds": "double single",
        "way": "single return",
        "tax": "net gross",
        "season": "summer winter spring autumn",
        "holiday": "holiday",
        "days": "weekend weekday",
        "meal": "breakfast lunch dinner morning afternoon",
    }.items()
}
"""Of each of these a thing has one: a child's ticket is no adult's."""
SILENT = frozenset({"=adult", "=person", "=piece", "=day", "=gross", "=single"})
"""What is meant where nothing is said."""
COMPATIBLE = (frozenset({"=reduced", "=student"}), frozenset({"=reduced", "=senior"}))
GENERIC = frozenset(
    map(
        plain,
        words(
            # what is said of any price
            "price prices priced cost costs costing pay pays paid charge charged charges fee fees"
            " euro euros eur chf usd gbp pound pounds dollar dollars pence cent cents franken"
            " francs kostet kosten kostete kosteten preis preise preisen preisliste zahlen"
            " zahlt zahlung"
            " gebühr gebühren bezahlt prix tarif tarifs coûte coûtent coûtait coûter payer"
            " paie paient compris comprise inclus incluse included incl total vat mwst tva"
            " steuer umsatzsteuer"
            # of any time
            "from until till before after around between start starts starting begin begins beginn"
            " beginning beginnt end ends um uhr ab bis von gegen dauer lasts dauert dès jusqu vers"
            " à partir commence commencent début fin heures am pm o clock daily täglich quotidien"
            " o'clock every each jeden jede jeweils chaque tous toutes toujours always immer"
            # of any number, telephone, date
            "phone telephone tel téléphone telefon telefonisch call calls ring rufen anrufen"
            " appelez appeler number nummer numéro line ligne direct directe durchwahl"
            " erreichen erreichbar joindre contact kontakt"
            # of any year
            " founded established built opened set-up gegründet erbaut gebaut eröffnet fondé fondée"
            " créé créée construit construite bâti bâtie"
            # verbs and words that say little
            "get gets got give gives take takes bring brings come comes leave leaves make makes"
            " need needs ask asks want wants like likes let lets just please find see look know"
            " tell stay stays keep keeps put puts go goes help helps think say says said use"
            " uses work"
            " works try call turn set show shows happy welcome good new really most much well"
            " still even ever never often sometimes soon later usually also already yet both"
            " simply quite perhaps maybe another between without within above below while where"
            " there here them this these those very too own same thing things way ways lot lots"
            " does did doing has had having been being are were was will would could should may"
            " might must shall than then that such only about over under again once down off"
            " kommen kommt komm gehen geht nehmen nimmt machen macht bringen bitte gerne gern"
            " finden sehen wissen sagen bleiben bleibt stehen steht liegen liegt geben gibt gab"
            " lassen lässt halten hält brauchen braucht wollen wird wurde würde sollen soll muss"
            " müssen darf dürfen mag möchte sowie etwa rund circa ganz sehr viel viele mehr meist"
            " meistens oft manchmal danach davor dazu dabei damit davon darin dort hier heute"
            " allen aller alles allem andere anderen anderer eigenen eigene selbst jedem jeder"
            " jedes ihnen ihrem ihres eines diese dieser dieses diesem diesen unsere unserem"
            " unseren welche beim ins vom zum zur zwischen während neben hinter vor nach"
            " bekommen bekommt haben hatte waren sein seine einfach erst schon noch nur etwas"
            " venez venir viens allez aller prenez prendre prend faites faire font donnez donner"
            " mettez mettre laissez laisser restez rester reste restent trouvez trouver voir"
            " savoir dire peut peuvent pouvez pouvoir voulez vouloir doit doivent falloir faut"
            " environ presque souvent parfois ensuite puis ainsi alors encore déjà seulement"
            " toute même autre autres celui celle ceux celles leur leurs notre votre vos nos"
            " cette sans avec pour par dans chez sous entre comme quand comment pourquoi"
            " merci bonjour ici voici voilà soit sera seront était étaient ayant avons avez ont"
        ),
    )
)
HEADING_GENERIC = frozenset(
    map(
        plain,
        words(
            "information informations info infos welcome about contact home overview hours times"
            " practical good-to-know faq questions question answers frequently asked useful"
            " kontakt willkommen start überblick übersicht zeiten fragen häufige wissenswertes"
            " gut anfahrt accueil bienvenue pratique pratiques aperçu questions adresse address"
            " rates tarife booking buchung terms wann was wie wo when what how where why warum"
            " wer who quand où combien aktuell aktuelles news actualités und and first second third"
            " erste ersten erster erstes zweite zweiten premier première premiers deuxième time"
            " times happens happen passe geschieht passiert"
        ),
    )
)
FUNCTION = frozenset(
    plain(word) for code in ("en", "de", "fr") for word in COMMON[code] if "'" not in word
)
CALENDAR = frozenset(map(plain, (*MONTHS, *WEEKDAYS)))
