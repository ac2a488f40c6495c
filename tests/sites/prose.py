"""Sentences and titles of made-up sites: a backup tool's manual, and a bicycle workshop's journal.

Everything here was written for these tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

DOCS = (
    "A plan names what is copied, how often, and where the copies go.",
    "Tidewater reads the plan once, when the run begins; a change counts from the next run on.",
    "The first copy takes about as long as the disk takes to read {n} GB.",
    "Copies that follow hold only the blocks that have changed since.",
    "If the target cannot be reached, the run waits for {n} minutes and tries once more.",
    "Each run writes one line to the journal, with its number, its time and its result.",
    "You can stop a run at any moment: what it had copied stays, and is used by the next one.",
    "The command needs no root rights as long as it may read the folders in the plan.",
    "Files that vanish while they are read are listed at the end, and are no error.",
    "A restore never writes over a file unless you say so with `--replace`.",
    "Keep the key somewhere else than the copies; without it nobody can read them, you included.",
    "We test each release on {n} machines that have been in use since 2019.",
    "On a slow line, limit the upload with `rate`, which is in KiB a second.",
    "The web page shows the last {n} runs; older ones are in the journal.",
    "Times are those of the machine that runs the plan, with its summer time.",
    "A folder may be in several plans, and each of them keeps its own state.",
    "To leave out a folder, write its path below `skip`, relative to the plan.",
    "Symbolic links are copied as links. What they lead to is not followed.",
    "Should the disk be full, the run ends with code 4 and nothing older is removed.",
    "Old copies are thinned out by `keep`: the newest {n}, then one a week, then one a month.",
    "The agent speaks to the server over one port, {n}00 by default.",
    "Behind a proxy, set `proxy` in the plan; the environment is not read.",
    "This page describes version 3; what was different before is at its end.",
    "Ask in the forum before you open a ticket: most questions have been answered there.",
    "An answer of 409 means that another run holds the lock; wait, or look who it is.",
    "Sizes are given in powers of 1024, as `du -h` gives them.",
    "With `--dry-run` the plan is read, all folders are walked, and nothing is sent.",
    "The database of the server is a single file; copy it while the server is stopped.",
)
JOURNAL = (
    "The workshop opens at nine, and by ten the first {n} bicycles stand in a row outside.",
    "Most of what people bring in spring needs an hour, new brake pads and a little patience.",
    "We bought the old truing stand from a school that closed in {n} weeks flat.",
    "A chain that has done three thousand kilometres is longer than it looks.",
    "Rosa writes the tickets by hand, since nobody has ever lost a piece of paper with grease on.",
    "On Saturday we ride out to the lighthouse, {n} kilometres there and back, whatever the wind.",
    "If the wheel wobbles, do not tighten the first spoke you see.",
    "There was a frame from 1974 in the cellar, and it had been there for longer than the house.",
    "The new stand holds {n} kilograms, which is more than any of us can lift twice.",
    "Children's bicycles are mended first; they are needed at four.",
    "We tried the wax that everybody writes about, and went back to oil in November.",
    "Nobody needs a torque wrench until the day on which everybody does.",
    "A saddle that fits is worth more than a frame that is light.",
    "Last winter the canal froze, and {n} of us rode to the island and back.",
    "The course is free, as it was last year, and ends with soup.",
    "Bring the bicycle, the lock and its key, and a towel you do not love.",
    "Headsets knock, bottom brackets creak, and the sound never comes from where you hear it.",
    "We keep every worn part for a month, so that you can see what you paid for.",
    "The tandem is back from Lyon with a bent fork and a postcard.",
    "In the end it was the pump.",
    "He came for a bell and stayed for {n} years.",
    "What is cheap in the catalogue is dear on the road, and the other way round less often.",
    "We are closed between the years; the pump outside stays where it is.",
    "Thank you to the {n} people who wrote after the storm.",
)
GERMAN = (
    "Ein Plan sagt, was gesichert wird, wie oft und wohin.",
    "Die erste Sicherung dauert so lange, wie die Platte für {n} GB zum Lesen braucht.",
    "Ist das Ziel nicht erreichbar, wartet der Lauf {n} Minuten und versucht es noch einmal.",
    "Der Schlüssel gehört an einen anderen Ort als die Kopien.",
    "Wer einen Ordner auslassen will, schreibt ihn unter `skip` in den Plan.",
    "Die Werkstatt öffnet um neun, und um zehn stehen draußen schon {n} Räder.",
    "Kinderräder kommen zuerst dran, die werden um vier gebraucht.",
    "Eine Kette, die dreitausend Kilometer hinter sich hat, ist länger, als sie aussieht.",
    "Am Samstag fahren wir zum Leuchtturm, hin und zurück {n} Kilometer.",
    "Der Kurs ist kostenlos, wie im letzten Jahr, und hört mit Suppe auf.",
    "Größenangaben sind Vielfache von 1024, wie bei `du -h`.",
    "Am Ende war es die Pumpe.",
    "Zwischen den Jahren ist geschlossen; die Luftpumpe draußen bleibt stehen.",
    "Läuft die Platte voll, endet der Lauf mit 4, und nichts Älteres wird gelöscht.",
)
FRENCH = (
    "Un plan dit ce qui est copié, à quel rythme et vers où.",
    "La première copie dure le temps de lire {n} Go sur le disque.",
    "Si la cible ne répond pas, l'exécution attend {n} minutes et recommence une fois.",
    "Gardez la clé ailleurs que les copies ; sans elle, personne ne pourra les lire.",
    "L'atelier ouvre à neuf heures, et à dix heures {n} vélos attendent déjà dehors.",
    "Les vélos d'enfants passent d'abord : on en a besoin à seize heures.",
    "Samedi nous roulons jusqu'au phare, {n} kilomètres aller-retour, quel que soit le vent.",
    "Une selle qui convient vaut mieux qu'un cadre léger.",
    "Le cours est gratuit, comme l'an dernier, et finit par une soupe.",
    "Les tailles sont données en puissances de 1024, comme avec `du -h`.",
    "À la fin, c'était la pompe.",
)
CHINESE = (
    "计划说明复制什么、多久一次、存到哪里。",
    "第一次复制所需的时间，约等于读取 {n} GB 的时间。",
    "如果目标无法连接，会等待 {n} 分钟，然后再试一次。",
    "请把密钥和副本分开存放。",
    "工作坊九点开门，十点门外已经停了 {n} 辆自行车。",
    "孩子的车先修，四点钟就要用。",
    "大小按 1024 的倍数计算，与 `du -h` 相同。",
)
DOCS_TITLES = (
    "Getting started", "Install on Debian", "The plan file", "Targets and keys", "Restore a folder",
    "Thinning out", "Behind a proxy", "Exit codes", "The journal", "Upgrade from 2.x",
    "What's new in 3.1", "Rate limits", "Run without root", "The HTTP API", "Locks: who holds one?",
    "Glossary", "Time zones", "Links and devices", "Encryption", "Sizing a server",
    "FAQ", "Moving to another disk", "Hooks before and after", "Windows agents", "Metrics",
    "Troubleshooting", "Contribute a target", "Roadmap", "Release process", "Security model",
)  # fmt: skip
JOURNAL_TITLES = (
    "A chain is longer than it looks", "To the lighthouse and back", "The frame in the cellar",
    "Wax, oil, and November", "Winter hours", "What the pump said", "Truing a wheel in an hour",
    "Soup at the end", "The tandem from Lyon", "Ten years of Rosa", "How to: brake pads",
    "After the storm", "Free course in March", "Spring, all at once", "On saddles",
    "The canal froze", "A bell & a bicycle", "Open day 2024", "Who mends the menders?",
    "Headset, knocking", "Lights for December", "Children first", "Prices from April",
)  # fmt: skip
TITLES: Mapping[str, tuple[str, ...]] = {
    "de": ("Erste Schritte", "Der Plan", "Schlüssel und Ziele", "Ausdünnen", "Über uns",
           "Häufige Fragen", "Zum Leuchtturm", "Winteröffnungszeiten", "Kette & Öl", "Preise"),
    "fr": ("Premiers pas", "Le plan", "Clés et cibles", "Jusqu'au phare", "À propos",
           "Horaires d'hiver", "Questions fréquentes", "La chaîne", "Tarifs"),
    "zh-cn": ("快速开始", "计划文件", "密钥", "关于我们", "常见问题"),
}  # fmt: skip
SENTENCES: Mapping[str, tuple[str, ...]] = {"de": GERMAN, "fr": FRENCH, "zh-cn": CHINESE}


class Writer:
    """Writes titles, sentences and paragraphs in one language, on one of the two subjects."""

    def __init__(self, random: Random, language: str, *, journal: bool) -> None:
        self._random = random
        english = JOURNAL if journal else DOCS
        self._sentences = SENTENCES.get(language, english)
        self._titles = TITLES.get(language, JOURNAL_TITLES if journal else DOCS_TITLES)

    def title(self) -> str:
        """Return a page's title."""
        return self._random.choice(self._titles)

    def heading(self) -> str:
        """Return a heading below the title."""
        return self._random.choice(self._titles)

    def sentence(self) -> str:
        """Return one sentence."""
        number = self._random.randint(2, 90)
        return self._random.choice(self._sentences).replace("{n}", str(number))

    def paragraph(self) -> str:
        """Return a paragraph: one line, or wrapped as some people do."""
        text = " ".join(self.sentence() for _ in range(self._random.randint(2, 5)))
        return text if self._random.random() < 0.6 else _wrapped(text)


def _wrapped(text: str) -> str:
    lines, line = list[str](), ""
    for word in text.split(" "):
        if line and len(line) + len(word) > 78:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
