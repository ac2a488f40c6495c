"""Finds what a text says in figures. Pure, and in time that is proportional to its length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mcp_server.content.checks.mentions import Kind, Mention, Quantity
from mcp_server.content.checks.numerals import (
    DIGITS,
    scale_of,
    value_of_word,
    values_of_digits,
)
from mcp_server.content.checks.patterns import (
    ABOUT,
    AMOUNT,
    AMOUNTS,
    ANCHOR,
    AND_A_HALF,
    AROUND_HOUR,
    BACK,
    BEFORE_A_DAY,
    BOUND,
    CENTURY,
    CLAUSES,
    CLOCK,
    CLOSED,
    COMPOUND_UNIT,
    CONNECTOR,
    DASH_PRICE,
    DATE_PREPOSITIONS,
    DAY_AFTER,
    DAY_BEFORE_DAY,
    DAY_THEN_DAY,
    DECADE,
    EXCEPT,
    FIRST_OF_HOLIDAY,
    FIRST_OF_SPECIAL,
    FIRSTS,
    FRENCH_MINUTES,
    FRENCH_MONTHS,
    GERMAN_COMPOUND,
    HALVES,
    HOLIDAY,
    HOUR_AND_MINUTES,
    HOUR_WORD,
    ISO_DATE,
    JOINED_NAMES,
    LOWER_AFTER,
    MAGNITUDES,
    MINUTES,
    MONEY,
    MONTH_AFTER,
    MONTH_BEFORE,
    MONTH_THEN,
    MONTHS_IN_SHORT,
    MORE_MINUTES,
    NEVER_NUMBERS,
    NEXT_NUMBER_WORD,
    NEXT_WORD,
    NO_ADJECTIVES,
    NO_NOUN_AFTER,
    NO_NOUNS,
    NOUN_AFTER,
    NUMERIC_DATE,
    OCLOCK,
    OF_AFTER,
    ONE_COIN,
    ONES,
    ORDINALS,
    PART_OF_DAY,
    PAST,
    SCALE,
    SENTENCES,
    SHORT_DAY_AFTER,
    SHORT_MONTHS,
    SMALL_MONEY,
    SOME_WORDS,
    SPECIAL_UNIT,
    SURE_PREPOSITIONS,
    SURE_SHORT_DAYS,
    TIME_PREPOSITIONS,
    TIMES,
    TWO_DIGITS,
    UNIT,
    VAGUE,
    YEAR_AFTER,
    YEAR_PREPOSITIONS,
)
from mcp_server.content.checks.phones import phone_at
from mcp_server.content.checks.words import (
    CURRENCY_CODES,
    CURRENCY_SIGNS,
    GERMAN,
    HOLIDAYS,
    LANGUAGES,
    MONTHS,
    SHORT_WEEKDAYS,
    UNITS,
    UNSURE_MONTHS,
    WEEKDAYS,
    Unit,
)

PARTS = frozenset({"two", "three", "zwei", "drei", "deux", "trois"})
"""With these begin parts: `three quarters`."""
GERMAN_DAYS = ("montag", "dienstag", "donnerstag", "freitag", "samstag", "sonntag")
"""They end in `tag`, and are no unit: `an sechs Donnerstagen`."""
FIVES = frozenset({5, 10, 20, 25})
"""Minutes of which people say how many there are to the hour."""


def scan(text: str, languages: Sequence[str] = LANGUAGES) -> tuple[Mention, ...]:
    """Return what `text` (as `figures_of` gives it) says in figures, in order.

    Number words are read in `languages`; figures, months and weekdays in all.
    """
    return tuple(_with_ranges(text, list(_Scanner(text, tuple(languages)).mentions())))


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it was read: what it may be, and where it ends."""

    values: frozenset[float]
    end: int
    in_digits: bool
    digits: str = ""


class _Scanner:
    def __init__(self, text: str, languages: tuple[str, ...]) -> None:
        self._text, self._languages = text, languages
        self._lower = JOINED_NAMES.sub(r"\1–", _lowered(text))
        self._word_before, self._word_end = "", -9

    def mentions(self) -> Iterator[Mention]:
        """Yield the mentions from the start of the text to its end."""
        done = 0
        for anchor in ANCHOR.finditer(self._lower):
            start = anchor.start()
            if start < done:
                continue
            found = self._at(start, anchor[0])
            if found is not None:
                done = found.end
                yield found
            if not anchor[0][-1].isdecimal():
                self._word_before, self._word_end = anchor[0], anchor.end()

    def _at(self, start: int, anchor: str) -> Mention | None:
        if anchor[-1].isdecimal():
            return self._at_figure(start, anchor)
        if anchor in "¼½¾":
            return self._at_number(start, _Number(values_of_digits(anchor), start + 1, True))
        return self._at_word(start, anchor)

    # Figures

    def _at_figure(self, start: int, anchor: str) -> Mention | None:
        if phone := phone_at(self._lower, start, after_word=self._preceding(start)):
            end, digits = phone
            start += self._lower[start] == "(" and ")" not in self._lower[start:end]
            return Mention("phone number", start, end, (Quantity("phone", digits),))
        start += len(anchor) - 1
        if not self._is_amount(start) and (
            found := self._numeric_date(start) or self._clock(start)
        ):
            return found
        written = DIGITS.match(self._lower, start)
        assert written is not None, "an anchor begins with a digit"
        values = values_of_digits(written[0], self._languages)
        digits = re.sub(r"\D", "", written[0])
        if not values:  # a version, or a date that is none
            return Mention("number", start, written.end(), (Quantity("code", written[0]),))
        return self._at_number(start, _Number(values, written.end(), True, digits))

    def _is_amount(self, start: int) -> bool:
        """Whether `9.50` is so much money, or a measure, and no time."""
        if self._lower[max(0, start - 2) : start].rstrip()[-1:] in CURRENCY_SIGNS:
            return True
        return AMOUNT.match(self._lower, start) is not None

    def _numeric_date(self, start: int) -> Mention | None:
        if found := ISO_DATE.match(self._lower, start):
            year, month, day = (int(found[n]) for n in (1, 2, 3))
            return _dated(start, found.end(), [(year, month, day)])
        if found := NUMERIC_DATE.match(self._lower, start):
            first, second = (int(found[n] or found[n + 4] or found[n + 7]) for n in (1, 3))
            year = int(found[4] or 0)
            year += 2000 if 0 < year < 100 else 0
            # The day comes first in most countries, the month in the United States.
            dates = [(year, second, first), (year, first, second)]
            return _dated(start, found.end(), dates[:1] if "." in found[0] else dates)
        return None

    def _clock(self, start: int) -> Mention | None:
        found = CLOCK.match(self._lower, start)
        if found is None:
            return None
        hour, minute = int(found["hour"]), int(found["minute"] or found["minute2"] or 0)
        if hour > 24 or minute > 59:
            return None
        part = self._part_of_day(found.end())
        said = (found["half"] or "").replace(".", "") or part[0]
        exact = bool(found["exact"] or found["french"]) or found["hour"].startswith("0")
        if found["french"] and not found["minute2"]:
            return self._hours(start, found, hour)
        times = times_of(hour, minute, said, exact=exact)
        quantities = [Quantity("time", float(t), float(hour)) for t in times]
        if found["minute2"]:
            quantities.append(Quantity("duration", hour * 3600.0 + minute * 60, float(hour)))
        if found["sign"] == "." and not found["exact"] and not found["half"]:
            quantities.append(
                Quantity(
                    "bare", float(f"{hour}.{found['minute']}"), float(f"{hour}.{found['minute']}")
                )
            )
        return Mention("time", start, max(found.end(), part[1]), tuple(quantities))

    def _hours(self, start: int, found: re.Match[str], hour: int) -> Mention:
        """`9 h` is nine o'clock, or nine hours."""
        minute, end = 0, found.end()
        if extra := FRENCH_MINUTES.match(self._lower, end):
            minute, end = MINUTES[extra[1]], extra.end()
        hour, minute = (hour - 1, 60 + minute) if minute < 0 else (hour, minute)
        part = self._part_of_day(end)
        times = times_of(hour, minute, part[0], exact=not part[0])
        quantities = [Quantity("time", float(t), float(hour)) for t in times]
        seconds = hour * 3600.0 + minute * 60
        quantities.append(Quantity("duration", seconds, float(hour)))
        return Mention("time", start, max(end, part[1]), tuple(quantities))

    def _part_of_day(self, end: int) -> tuple[str, int]:
        found = PART_OF_DAY.match(self._lower, end)
        if found is None:
            return "", end
        morning = re.search(r"morn|morg|vorm|früh|matin|nachts", found[0]) is not None
        return ("am" if morning else "pm"), found.end()

    # Numbers and what they count

    def _at_number(self, start: int, number: _Number) -> Mention | None:
        about = self._preceding(start) in ABOUT
        if found := self._day_of_month(start, number) or self._hour_of_day(start, number):
            return found
        number = self._scaled(number)
        if found := self._money(start, number):
            return replace(found, about=about)
        quantities, end = self._counted(number)
        kind: Kind = "number"
        if self._preceding(start) == "années" and number.in_digits:
            quantities += tuple(Quantity("decade", v, v) for v in number.values)
        if any(q.dimension.startswith("money") for q in quantities):
            kind = "price"
        elif number.in_digits and _is_year(number) and end == number.end:
            kind = "date"
        return Mention(kind, start, end, quantities, about)

    def _scaled(self, number: _Number) -> _Number:
        """`1.5 million`, `12k`."""
        found = SCALE.match(self._lower, number.end)
        if found is None or not number.in_digits or (scale := scale_of(found[1])) is None:
            return number
        if found[1] in {"cent", "cents"}:  # of a euro, rather than French hundreds
            return number
        return _Number(frozenset(v * scale for v in number.values), found.end(), True)

    def _day_of_month(self, start: int, number: _Number) -> Mention | None:
        """`5 May 2025`, `5. Mai`, `1er mai`, `5th of May`."""
        day = _whole(number)
        if day is None or not 1 <= day <= 31 or self._lower[start - 1 : start] in {"x", "×"}:
            return None
        found = MONTH_AFTER.match(self._lower, number.end)
        if found is None:
            return None
        return _dated(start, found.end(), [(int(found[2] or 0), MONTHS[found[1]], day)])

    def _hour_of_day(self, start: int, number: _Number) -> Mention | None:
        """`nine o'clock`, `neun Uhr dreißig`, and `until nine`, which may be a number as well."""
        hour = _whole(number)
        if hour is None or hour > 24:
            return None
        if found := OCLOCK.match(self._lower, number.end):
            minute, end = (
                self._minutes_after(found.end()) if found[1] == "uhr" else (0, found.end())
            )
            part = self._part_of_day(end)
            said = found[1].replace(".", "") if found[1][0] in "ap" else part[0]
            exact = found[1] == "uhr" and number.in_digits
            times = times_of(hour, minute, said, exact=exact)
            values = tuple(Quantity("time", float(t), float(hour)) for t in times)
            if found[1].startswith("heure"):
                return self._heures(start, found.end(), hour, exact=number.in_digits)
            return Mention("time", start, max(end, part[1]), values)
        if part := PART_OF_DAY.match(self._lower, number.end):
            said, end = self._part_of_day(number.end)
            del part
            values = tuple(
                Quantity("time", float(t), float(hour))
                for t in times_of(hour, 0, said, exact=False)
            )
            return Mention("time", start, end, values)
        if self._is_at(start, number):
            times = times_of(hour, 0, "", exact=False)
            values = [Quantity("time", float(t), float(hour)) for t in times]
            sure = self._preceding(start) in SURE_PREPOSITIONS
            values.append(Quantity("age" if sure else "bare", float(hour), float(hour)))
            return Mention("time", start, number.end, tuple(values))
        return None

    def _is_at(self, start: int, number: _Number) -> bool:
        """Whether `at nine` is a time: no noun follows."""
        before = self._preceding(start)
        if DASH_PRICE.match(self._lower, number.end):
            return False
        if before in TIME_PREPOSITIONS and self._ends_here(number.end):
            return True
        following = self._lower[number.end : number.end + 4]
        if before in {"from", "between", "open"} and following == " to ":
            return True
        return (
            self._languages == (GERMAN,)
            and before in {"um", "gegen", "ab", "bis", "vor", "nach"}
            and LOWER_AFTER.match(self._text, number.end) is not None
            and self._unit_at(number.end) is None
        )

    def _heures(self, start: int, end: int, hour: int, *, exact: bool) -> Mention:
        minute = 0
        if extra := FRENCH_MINUTES.match(self._lower, end):
            minute, end = MINUTES[extra[1]], extra.end()
        elif extra := TWO_DIGITS.match(self._lower, end):
            minute, end = int(extra[1]), extra.end()
        said, last = self._part_of_day(end)
        times = times_of(*divmod(hour * 60 + minute, 60), said, exact=exact and not said)
        values = [Quantity("time", float(t), float(hour)) for t in times]
        values.append(Quantity("duration", hour * 3600.0 + minute * 60, float(hour)))
        return Mention("time", start, max(end, last), tuple(values))

    def _minutes_after(self, end: int) -> tuple[int, int]:
        if found := TWO_DIGITS.match(self._lower, end):
            return int(found[1]), found.end()
        word = NEXT_WORD.match(self._lower, end)
        if word is not None and (number := self._number_in_words(word.start(1), word[1])):
            value = _whole(number)
            if value is not None and 0 < value < 60:
                return value, number.end
        return 0, end

    def _money(self, start: int, number: _Number) -> Mention | None:
        """`€12`, `EUR 12`, `12,-`: the sign stands before the number, or is left out."""
        before = self._lower[max(0, start - 2) : start].rstrip("\u00a0\u202f ")
        code = self._preceding(start)
        if code == "fr" and self._is_friday(start):
            code = ""
        currency = CURRENCY_SIGNS.get(before[-1:]) or CURRENCY_CODES.get(code)
        end = number.end
        if dash := DASH_PRICE.match(self._lower, end):
            end = dash.end()
            sign = (dash[1] or "").strip()
            known = UNITS.get(sign)
            currency = currency or (known[0].dimension.partition(":")[2] if known else "ANY")
        if currency is None:
            return None
        if (unit := self._unit_at(end)) is not None and all(
            u.dimension == f"money:{currency}" for u in unit[0]
        ):
            end = unit[1]
        if before[-1:] in CURRENCY_SIGNS:
            start -= len(self._lower[max(0, start - 2) : start]) - len(before) + 1
        values = tuple(Quantity(f"money:{currency}", v, v) for v in sorted(number.values))
        return Mention("price", start, end, values)

    def _is_friday(self, start: int) -> bool:
        """Whether `Fr` before a number is the day: `Mo–Fr 9`, `Fr: 14`, `Fr 14–18`."""
        before = self._lower[max(0, start - 24) : self._word_end - 2]
        return (
            ":" in self._lower[self._word_end : start]
            or DAY_BEFORE_DAY.search(before) is not None
            or TIMES.match(self._lower, start) is not None
        )

    def _counted(self, number: _Number) -> tuple[tuple[Quantity, ...], int]:
        """Return what a number counts, and where that ends."""
        values = sorted(number.values)
        if century := CENTURY.match(self._lower, number.end):
            return tuple(Quantity("century", v, v) for v in values), century.end()
        unit = self._unit_at(number.end) or self._unit_soon(number.end)
        if unit is None:
            if decade := DECADE.match(self._lower, number.end):
                made = [Quantity("bare", v, v) for v in values]
                made += [Quantity("decade", v % 100, v) for v in values if v % 10 == 0]
                return tuple(made), decade.end()
            if self._noun_after(number) and not self._is_date(number):
                return tuple(Quantity("count", v, v) for v in values), number.end
            return tuple(Quantity("bare", v, v) for v in values), number.end
        units, end = unit
        is_days = self._lower[end - 5 : end] == "jours" or self._lower[end - 2 : end] == " j"
        if len(values) == 1 and is_days and values[0] in {8.0, 15.0}:
            values = [values[0], values[0] - 1]  # `quinze jours` are two weeks
        more, end = self._and_more(end)
        found = tuple(
            Quantity(u.dimension, round((v + more) * u.factor, 6), v + more)
            for u in units
            for v in values
        )
        if units[0].dimension.startswith("money") and (rest := SMALL_MONEY.match(self._lower, end)):
            cents = int(rest[1]) / 100
            found = tuple(Quantity(q.dimension, q.figure + cents, q.figure + cents) for q in found)
            end = rest.end()
        elif units[0].dimension in MONEY and (small := self._small_money(end)) is not None:
            cents, end = small
            found = tuple(Quantity(q.dimension, q.figure + cents, q.figure + cents) for q in found)
        elif units == UNITS["hour"] and (rest := MORE_MINUTES.match(self._lower, end)):
            minutes = int(rest[1]) * 60
            found = tuple(
                Quantity(q.dimension, float(q.value) + minutes)
                for q in found
                if isinstance(q.value, float)
            )
            end = rest.end()
        return found, end

    def _small_money(self, end: int) -> tuple[float, int] | None:
        """`deux euros cinquante`, `drei Euro fünfzig`."""
        word = NEXT_WORD.match(self._lower, end)
        number = self._number_in_words(word.start(1), word[1]) if word is not None else None
        cents = _whole(number) if number is not None else None
        if number is None or cents is None or not 5 <= cents < 100 or self._unit_at(number.end):
            return None
        return cents / 100, number.end

    def _noun_after(self, number: _Number) -> bool:
        """Whether a noun may follow; German ones have a capital."""
        end = number.end
        if NOUN_AFTER.match(self._lower, end) is None:
            return False
        following = SOME_WORDS.match(self._text, end)
        if following is None:
            return True
        listed = following[0].split()
        if listed[0].lower() in NO_NOUNS:
            return False
        return self._languages != (GERMAN,) or any(word[0].isupper() for word in listed)

    def _is_date(self, number: _Number) -> bool:
        """Whether it is a year: `In 1932 a teacher`, `als er 1932 seine Schule`."""
        if not number.in_digits or not _is_year(number):
            return False
        following = SOME_WORDS.match(self._text, number.end)
        before = self._preceding(number.end - len(number.digits))
        is_verb = following is not None and following[0].split()[0][0].islower()
        return before in YEAR_PREPOSITIONS or (self._languages == (GERMAN,) and is_verb)

    def _unit_at(self, end: int) -> tuple[tuple[Unit, ...], int] | None:
        if found := SPECIAL_UNIT.match(self._lower, end):
            return _special(found[1]), found.end()
        found = UNIT.match(self._lower, end)
        if found is None:
            return None
        word = found[1]
        only = BOUND.get(word)
        if only is not None and only not in self._languages:
            return None
        if word == "p" and self._lower[found.end() : found.end() + 1] == ".":
            return None  # `p. P.`, per person
        if word == "mon" and MONTHS_IN_SHORT.match(self._lower, found.end()):
            return UNITS["month"], found.end()
        units = UNITS.get(word) or _of_compound(word)
        return (units, found.end()) if units else None

    def _unit_soon(self, end: int) -> tuple[tuple[Unit, ...], int] | None:
        """`30 unforgettable minutes`."""
        for _ in range(2):
            word = NEXT_WORD.match(self._lower, end)
            if word is None or word[1] in NO_ADJECTIVES or word[1] in {"half", "halbe", "demi"}:
                return None
            end = word.end()
            unit = self._unit_at(end)
            if unit is not None and len(self._lower[word.start(1) : unit[1]]) > len(word[1]) + 2:
                return unit
        return None

    def _and_more(self, end: int) -> tuple[float, int]:
        """`an hour and a half`, `deux heures et demie`."""
        if found := AND_A_HALF.match(self._lower, end):
            return 0.5, found.end()
        return 0.0, end

    # Words

    def _at_word(self, start: int, word: str) -> Mention | None:
        if word in MONTHS and (month := self._month(start, word)) is not None:
            return month
        if (found := self._weekday(start, word) or self._part(start, word)) is not None:
            return found
        if (number := self._number_in_words(start, word)) is not None:
            if (time := self._spoken_time(start, number)) is not None:
                return time
            return self._at_number(start, number)
        return self._special_word(start, word)

    def _part(self, start: int, word: str) -> Mention | None:
        """`twenty-first` and `two thirds`, which begin with a number."""
        if "-" in word and word in ORDINALS:
            return self._ordinal(start, start + len(word), ORDINALS[word])
        found = HALVES.match(self._lower, start) if word in PARTS else None
        return self._half(start, found) if found else None

    def _number_in_words(self, start: int, word: str) -> _Number | None:
        """`twenty-five`, `two hundred and fifty`, `zweihundert`, `quatre-vingt dix`."""
        for language in self._languages:
            value, end = self._word_value(start, word, language)
            if value is None:
                continue
            for _ in range(8):
                following = NEXT_NUMBER_WORD.match(self._lower, end)
                if following is None:
                    break
                next_value = value_of_word(following[2], language)
                if next_value is None and following[2] in {"un", "une", "one"}:
                    next_value = 1.0
                joined = next_value is not None and _joined(value, next_value, bool(following[1]))
                if not joined:
                    break
                value, end = joined, following.end()
            return _Number(frozenset({float(value)}), end, in_digits=False)
        return None

    def _word_value(self, start: int, word: str, language: str) -> tuple[float | None, int]:
        if word in NEVER_NUMBERS:
            return None, start
        value = value_of_word(word, language)
        if value is not None:
            return value, start + len(word)
        head, hyphen, _ = word.partition("-")
        if hyphen and (value := value_of_word(head, language)) is not None:
            return value, start + len(head)
        if language == GERMAN and (found := GERMAN_COMPOUND.fullmatch(word)):
            value = value_of_word(found[1], GERMAN) or (1.0 if found[1] == "ein" else None)
            if value is not None and (value != 1 or found[2] != "mal"):
                return value, start + len(found[1])
        return None, start

    def _month(self, start: int, word: str) -> Mention | None:
        end = start + len(word)
        month = MONTHS[word]
        if found := DAY_AFTER.match(self._lower, end):
            day = int(found[1])
            if 1 <= day <= 31:
                return _dated(start, found.end(), [(int(found[2] or 0), month, day)])
        if found := YEAR_AFTER.match(self._lower, end):
            return _dated(start, found.end(), [(int(found[1]), month, 0)])
        after = self._preceding(start) in DATE_PREPOSITIONS and word != "sept"
        short = word in SHORT_MONTHS and self._lower[end : end + 1] == "."
        placed = after or short or self._is_beside_month(start, end)
        named = self._text[start].isupper() or word in FRENCH_MONTHS
        if not placed and (word in UNSURE_MONTHS or not named):
            return None
        return _dated(start, end, [(0, month, 0)])

    def _is_beside_month(self, start: int, end: int) -> bool:
        """Whether another month stands right before it or after it: `avril–octobre`."""
        return (
            MONTH_THEN.match(self._lower, end) is not None
            or MONTH_BEFORE.search(self._lower, max(0, start - 24), start) is not None
        )

    def _weekday(self, start: int, word: str) -> Mention | None:
        end = start + len(word)
        head, hyphen, _ = word.partition("-")
        if word not in WEEKDAYS and hyphen and head in WEEKDAYS:
            word, end = head, start + len(head)
        if word not in WEEKDAYS:
            return None
        if word in SHORT_WEEKDAYS and not self._is_short_day(start, end):
            return None
        day = float(WEEKDAYS[word])
        around = (self._lower[max(0, start - 80) : start], self._lower[end : end + 80])
        dimensions = [
            name
            for name, apart in (("weekday", CLAUSES), ("closed", SENTENCES))
            if _is_closed(apart.split(around[0])[-1], apart.split(around[1])[0])
            is (name == "closed")
        ]
        return Mention("date", start, end, tuple(Quantity(name, day) for name in dimensions))

    def _is_short_day(self, start: int, end: int) -> bool:
        """Whether `Mon`, or `lun` beside another day or a time, is a day."""
        if self._text[start].isupper():
            return (
                SHORT_DAY_AFTER.match(self._lower, end) is not None
                or BEFORE_A_DAY.search(self._lower, max(0, start - 12), start) is not None
            )
        if self._lower[start:end] in SURE_SHORT_DAYS and self._lower[end : end + 1] == ".":
            return True
        return end - start > 2 and (
            DAY_THEN_DAY.match(self._lower, end) is not None
            or DAY_BEFORE_DAY.search(self._lower, max(0, start - 24), start) is not None
        )

    def _spoken_time(self, start: int, number: _Number) -> Mention | None:
        """`ten past nine`, `zehn nach neun`."""
        minute = _whole(number)
        found = PAST.match(self._lower, number.end)
        if minute is None or found is None or minute > 59:
            return None
        if found[1] in {"to", "before"} and not self._is_time_alone(found.end()):
            return None  # `five to ten minutes`
        if found[1] == "to" and (
            minute not in FIVES or self._preceding(start) in {"from", "open", "between"}
        ):
            return None  # `from five to ten`, `seven to ten`
        return self._around_hour(start, found.end(), -minute if found[1] in BACK else minute)

    def _is_time_alone(self, start: int) -> bool:
        word = HOUR_WORD.match(self._lower, start)
        return word is not None and self._ends_here(word.end())

    def _around_hour(self, start: int, place: int, minutes: int) -> Mention | None:
        """Return the time that is so many minutes after the hour at `place`, or before it."""
        word = HOUR_WORD.match(self._lower, place)
        if word is None:
            return None
        hour = self._hour(word.start(1), word[1])
        if hour is None:
            return None
        total = hour * 60 + minutes
        said, end = self._part_of_day(word.end())
        times = times_of(*divmod(total % 1440, 60), said, exact=False)
        return Mention("time", start, end, tuple(Quantity("time", float(t)) for t in times))

    def _hour(self, start: int, word: str) -> int | None:
        if word.isdecimal():
            return int(word) if int(word) <= 24 else None
        if word in {"midnight", "mitternacht", "minuit"}:
            return 0
        if word in {"one", "eins", "ein", "une"}:
            return 1
        number = self._number_in_words(start, word)
        value = _whole(number) if number is not None else None
        return value if value is not None and value <= 24 else None

    def _ordinal(self, start: int, end: int, ordinal: float) -> Mention | None:
        """`the third`, and `the tenth of July`."""
        if month := MONTH_AFTER.match(self._lower, end):
            date = (int(month[2] or 0), MONTHS[month[1]], int(ordinal))
            return _dated(start, month.end(), [date])
        dimension = "century" if CENTURY.match(self._lower, end) else "ordinal"
        return Mention("number", start, end, (Quantity(dimension, ordinal, ordinal),))

    def _special_word(self, start: int, word: str) -> Mention | None:
        if word in ONES and ONE_COIN.match(self._lower, start + len(word)):
            end = start + len(word)
            return self._at_number(start, _Number(frozenset({1.0}), end, in_digits=False))
        if word in FIRST_OF_SPECIAL:
            if (lasting := self._hour_and_minutes(start)) is not None:
                return lasting
            if found := HALVES.match(self._lower, start):
                return self._half(start, found)
        return self._ordinal_word(start, word)

    def _ordinal_word(self, start: int, word: str) -> Mention | None:
        ordinal = ordinal_of(word)
        if word in FIRSTS and MONTH_AFTER.match(self._lower, start + len(word)):
            ordinal = FIRSTS[word]
        if ordinal is not None:
            return self._ordinal(start, start + len(word), ordinal)
        if word in VAGUE and OF_AFTER.match(self._lower, start + len(word)):
            return Mention(
                "number",
                start,
                start + len(word),
                (Quantity("vague", float(MAGNITUDES.index(VAGUE[word]))),),
            )
        if word in FIRST_OF_HOLIDAY and (found := HOLIDAY.match(self._lower, start)):
            month, day = HOLIDAYS[found[0].replace("’", "'")]
            return _dated(start, found.end(), [(0, month, day)])
        return None

    def _hour_and_minutes(self, start: int) -> Mention | None:
        """`an hour and fifteen minutes`, `une heure vingt`."""
        found = HOUR_AND_MINUTES.match(self._lower, start)
        if found is None or not (found["unit"] or found["french"]):
            return None
        written, place = found["minutes"], found.start("minutes")
        number = None if written.isdecimal() else self._number_in_words(place, written)
        minutes = int(written) if written.isdecimal() else number and _whole(number)
        if not minutes or minutes > 59:
            return None
        values = [Quantity("duration", 3600.0 + minutes * 60)]
        if found["french"]:
            times = times_of(1, minutes, "", exact=False)
            values += [Quantity("time", float(each)) for each in times]
        return Mention("number", start, found.end(), tuple(values))

    def _half(self, start: int, found: re.Match[str]) -> Mention | None:
        name = found.lastgroup or ""
        if name in AROUND_HOUR:
            return self._around_hour(start, found.end(), AROUND_HOUR[name])
        match name:
            case "noon":
                more, end = self._half_past(found.end())
                return Mention("time", start, end, (Quantity("time", 720.0 + more),))
            case "midnight":
                more, end = self._half_past(found.end())
                values = (Quantity("time", more), Quantity("time", 1440.0 + more))
                return Mention("time", start, end, values)
            case _:
                kind, value = AMOUNTS[name]
                about = kind == "duration"
                figure = value if kind == "count" else -1.0
                amount = (Quantity(kind, value, figure),)
                return Mention("number", start, found.end(), amount, about)

    def _half_past(self, end: int) -> tuple[float, int]:
        """`midi et demi`."""
        found = FRENCH_MINUTES.match(self._lower, end)
        return (float(MINUTES[found[1]]), found.end()) if found else (0.0, end)

    def _preceding(self, start: int) -> str:
        """Return the word just before a place, "" where something else stands between."""
        gap = start - self._word_end
        between = self._lower[self._word_end : start] if 0 <= gap <= 3 else "?"
        return self._word_before if not between.strip(" .:\u00a0\u202f(") else ""

    def _ends_here(self, end: int) -> bool:
        """Whether no noun follows, so that a number can be a time of day."""
        return NO_NOUN_AFTER.match(self._lower, end) is not None


def times_of(hour: int, minute: int, said: str, *, exact: bool) -> tuple[int, ...]:
    """Return the minutes of the day that a time may be; without `am` or `pm` there may be two."""
    base = hour % 24 * 60 + minute
    if said.startswith("a"):
        return (base % 720,) if hour in range(13) else (base,)
    if said.startswith("p"):
        return (base % 720 + 720,) if hour in range(13) else (base,)
    if exact or hour >= 12:
        return (base,)
    return (base, (base + 720) % 1440)


def _with_ranges(text: str, found: list[Mention]) -> Iterator[Mention]:
    """Give a number the unit of the next one: `9–17 Uhr`, `5 or 6 May`, `10 to 12 euros`."""
    for index in range(len(found) - 2, -1, -1):
        one, other = found[index], found[index + 1]
        if other.start - one.end <= 14 and CONNECTOR.fullmatch(text, one.end, other.start):
            shared, found[index + 1] = _shared(one, other)
            if text[one.end : other.start].strip() == "à":  # `les six à 6,50 €`
                shared = replace(shared, quantities=(*shared.quantities, *one.quantities))
            found[index] = shared
    yield from found


def _shared(one: Mention, other: Mention) -> tuple[Mention, Mention]:
    if _is_bare(one) and not _is_bare(other):
        return _in_terms_of(one, other), other
    if _is_bare(other) and one.kind == "price":
        read = _in_terms_of(other, one)
        return one, replace(read, quantities=(*read.quantities, *_counts_of(other)))
    if one.kind == "time" and other.kind == "number" and _is_only_bare(other):
        read = _in_terms_of(other, one)
        return one, replace(read, quantities=(*read.quantities, *other.quantities))
    return one, other


def _counts_of(mention: Mention) -> Iterator[Quantity]:
    """`£140 / 100 cards`: what follows a price may be things as well."""
    return (q for q in mention.quantities if q.dimension == "count")


def _is_only_bare(mention: Mention) -> bool:
    return all(q.dimension == "bare" for q in mention.quantities)


def _is_bare(mention: Mention) -> bool:
    return all(q.dimension in {"bare", "count", "ordinal"} for q in mention.quantities) or (
        mention.kind == "time" and any(q.dimension == "bare" for q in mention.quantities)
    )


def _in_terms_of(bare: Mention, other: Mention) -> Mention:
    figures = [q.figure for q in bare.quantities if q.dimension in {"bare", "count", "ordinal"}]
    made: list[Quantity] = []
    for figure in figures:
        for q in other.quantities:
            match q.dimension, q.value:
                case "time", _ if figure <= 24 and figure == int(figure):
                    half = "" if q.value == q.figure * 60 else "both"
                    times = times_of(int(figure), 0, "", exact=not half)
                    made += [Quantity("time", float(t), figure) for t in times]
                case "date", (int(year), int(month), _) if figure <= 31:
                    made.append(Quantity("date", (year, month, int(figure))))
                case dimension, float(value) if q.figure > 0 and dimension not in {
                    "time",
                    "weekday",
                }:
                    made.append(Quantity(dimension, round(figure * value / q.figure, 6), figure))
                case _:
                    pass
    if not made:
        return bare
    return replace(bare, kind=other.kind, quantities=tuple(dict.fromkeys(made)))


def ordinal_of(word: str) -> float | None:
    """Return the value of an ordinal in words from the third on; the first two mean too much."""
    return ORDINALS.get(word)


def _dated(start: int, end: int, dates: Sequence[tuple[int, int, int]]) -> Mention | None:
    real = [d for d in dates if 1 <= d[1] <= 12 and 0 <= d[2] <= 31]
    if not real:
        return None
    return Mention("date", start, end, tuple(Quantity("date", d) for d in dict.fromkeys(real)))


def _whole(number: _Number) -> int | None:
    values = [v for v in number.values if v == int(v)]
    return int(values[0]) if len(values) == 1 and len(number.values) == 1 else None


def _is_year(number: _Number) -> bool:
    value = _whole(number)
    return value is not None and len(number.digits) == 4 and 1000 <= value <= 2199


def _joined(value: float, following: float, with_and: bool) -> float | None:
    """Return the number that two number words make, `None` where they are two numbers."""
    if following >= 100 and value < following and not with_and:
        return value * following
    if following == 100 and value >= 1000 and 1 < value % 1000 < 10:
        return value + value % 1000 * 99  # `mille deux cents`
    if value == 4 and following == 20:
        return 80.0
    if value in {60, 80} and following < 20:
        return value + following
    for size in (10, 100, 1000, 1e6):
        if value >= size * (2 if size == 10 else 1) and value % size == 0 and following < size:
            if with_and and size == 10 and following != 1:
                continue
            return value + following
    return None


def _special(words: str) -> tuple[Unit, ...]:
    if "°" in words or "deg" in words:
        return (Unit("temperature"),)
    if "cent" in words and words[0] == "p":
        return (Unit("percent"),)
    if words.startswith("k"):
        return (Unit("area", 1e6),)
    return (Unit("area"),)


def _of_compound(word: str) -> tuple[Unit, ...] | None:
    """Return the unit in which a German compound ends: `Gehminuten`."""
    found = COMPOUND_UNIT.search(word) if not word.startswith(GERMAN_DAYS) else None
    return UNITS[found[0]] if found else None


def _is_closed(before: str, after: str) -> bool:
    """Whether what stands around a day says that something is not open on it."""
    return EXCEPT.search(before) is not None or CLOSED.search(f"{before} {after}") is not None


def _lowered(text: str) -> str:
    """Return `text` in lower case, letter by letter, so that places stay the same."""
    lowered = text.lower()
    return (
        lowered
        if len(lowered) == len(text)
        else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
    )
