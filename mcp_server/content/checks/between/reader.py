"""Reads what a piece of a text says in figures, and of what. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mcp_server.content.checks.between.phrases import (
    BETWEEN_PRICES,
    BETWEEN_TIMES,
    BOUND,
    CLAUSE_END,
    DASH,
    END_ROLE,
    EXCEPT,
    FOUNDED,
    FROM,
    MOST,
    NOUN,
    OFFER,
    PHRASES,
    SHUT,
    TOTAL,
    UNTIL,
    WITH,
    YEAR,
)
from mcp_server.content.checks.between.pieces import Piece
from mcp_server.content.checks.between.statement import Kind, Statement, Value
from mcp_server.content.checks.between.subjects import stem, stems_of
from mcp_server.content.checks.between.vocabulary import UNITS
from mcp_server.content.checks.figures.days import DAILY, WEEKDAYS, WEEKEND, named_days
from mcp_server.content.checks.mentions.mention import Date, Mention, Quantity
from mcp_server.content.checks.mentions.phones import plain_phone
from mcp_server.content.checks.mentions.scan import scan

_MEASURES = frozenset(
    {"duration", "calendar", "night", "weight", "volume", "length", "area", "count", "temperature"}
)
_ITEM_WORDS_MAX = 5
_CLAUSE_WORDS_MAX = 2
"""Words of an item, and of a clause in a list of them, that are a name rather than a sentence."""
_ALL_DAYS = frozenset(range(7))
_PRESET = (
    (DAILY, _ALL_DAYS),
    (WEEKEND, frozenset({5, 6})),
    (WEEKDAYS, frozenset(range(5))),
)


def _without(prose: str, piece: Piece, mentions: Sequence[Mention]) -> str:
    """Return the text of a piece without what is said in figures: `half an hour` is no half."""
    text = prose[piece.start : piece.end]
    for mention in mentions:
        start, end = mention.start - piece.start, mention.end - piece.start
        text = text[:start] + " " * (end - start) + text[end:]
    return text


class PieceReader:
    """Reads one piece."""

    def __init__(self, prose: str, piece: Piece, mentions: Sequence[Mention]) -> None:
        self._prose, self._piece, self._mentions = prose, piece, mentions
        self._text = prose[piece.start : piece.end]
        said = f"{piece.label_text} {self._text} {piece.heading_text}"
        self._years = frozenset(YEAR.findall(said))
        phrases = frozenset(name for pattern, name in PHRASES if pattern.search(self._text))
        self._bare = _without(prose, piece, mentions)
        self._wide = frozenset(stems_of(f"{piece.label_text} {self._bare} {piece.heading_text}"))
        self._wide |= phrases
        self._phrases = phrases
        self._preset = self._days_in(f"{piece.label_text} {self._text}")

    @staticmethod
    def _days_in(text: str) -> frozenset[int]:
        return next((days for pattern, days in _PRESET if pattern.search(text)), frozenset[int]())

    def _measured(
        self, start: int, end: int, others: Sequence[Mention]
    ) -> frozenset[tuple[str, Value]]:
        """Return the measures beside a value, up to the next of its kind."""
        low = max((m.end for m in others if m.end <= start), default=self._piece.start)
        high = min((m.start for m in others if m.start >= end), default=self._piece.end)
        near = [m for m in self._mentions if low <= m.start < high and m not in others]
        label = self._piece.label_text
        if any(letter.isdigit() for letter in label):
            near += scan(label)
        return frozenset(
            (q.dimension, frozenset({q.value}))
            for m in near
            for q in m.quantities
            if q.dimension in _MEASURES
        )

    def statements(self) -> Iterator[Statement]:
        """Yield what it says of each kind."""
        yield from self._prices()
        yield from self._times()
        yield from self._closing()
        yield from self._dates()
        yield from self._years_of_founding()
        yield from self._numbers()
        yield from self._phones()

    def _of(self, kind: str) -> list[Mention]:
        return [m for m in self._mentions if m.kind == kind]

    def _clause(self, start: int, end: int, others: Sequence[Mention]) -> frozenset[str]:
        """Return the words beside a value: of its clause, or the one before, or the one after."""
        low = max((m.end for m in others if m.end <= start), default=self._piece.start)
        high = min((m.start for m in others if m.start >= end), default=self._piece.end)
        ends = [
            low,
            *(
                f.end()
                for f in CLAUSE_END.finditer(self._prose, low, high)
                if f.end() <= start or f.start() >= end
            ),
            high,
        ]
        before = [each for each in ends if each <= start]
        after = [each for each in ends if each >= end]
        right = after[0] if after else high
        for left in reversed(before):
            words = self._stems(left, start) | self._stems(end, right)
            if words - UNITS:
                return words
        return next(
            (words for each in after if (words := self._stems(end, each))), frozenset[str]()
        )

    def _stems(self, start: int, end: int) -> frozenset[str]:
        at = self._piece.start
        return frozenset(stems_of(self._bare[start - at : end - at]))

    def _statement(
        self,
        kind: Kind,
        start: int,
        end: int,
        value: Value,
        others: Sequence[Mention],
        *,
        days: frozenset[int] = frozenset(),
        role: str = "",
    ) -> Statement:
        piece = self._piece
        beside = self._clause(start, end, others)
        if piece.label is not None:
            core, exact = (
                piece.label | self._stems(piece.start, start) | self._stems(end, piece.end),
                True,
            )
        elif piece.is_item and len(others) == 1:
            core = self._stems(piece.start, start) | self._stems(end, piece.end)
            exact = len(core) <= _ITEM_WORDS_MAX
        else:
            core = beside
            exact = len(others) > 1 and len(core) <= _CLAUSE_WORDS_MAX
        core |= self._phrases
        return Statement(
            kind,
            " ".join(self._prose[start:end].split()),
            value,
            core,
            self._wide | core,
            exact=exact and bool(core),
            days=days,
            role=role,
            measures=self._measured(start, end, others) if kind == "price" else frozenset(),
            years=self._years - ({str(v)[:4] for v in value} if kind == "year" else set()),
        )

    def _prices(self) -> Iterator[Statement]:
        prices = self._of("price")
        around = f"{self._piece.heading_text} {self._piece.label_text} {self._text}"
        if not prices or OFFER.search(around):
            return
        in_range: set[int] = set()
        for place in range(len(prices) - 1):
            if BETWEEN_PRICES.fullmatch(self._prose, prices[place].end, prices[place + 1].start):
                in_range |= {place, place + 1}
        for place, mention in enumerate(prices):
            before = self._prose[max(self._piece.start, mention.start - 24) : mention.start]
            is_from = FROM.search(before) is not None
            if place in in_range or mention.about or (BOUND.search(before) and not is_from):
                continue
            value = frozenset(
                float(q.value)
                for q in mention.quantities
                if q.dimension.startswith("money") and isinstance(q.value, float)
            )
            if value:
                role = "from" if is_from else ""
                yield self._statement("price", mention.start, mention.end, value, prices, role=role)

    def _times(self) -> Iterator[Statement]:
        """Yield hours, with the days that they are of, and single times."""
        times = [m for m in self._with_bare_hours() if _minutes(m)]
        place = 0
        while place < len(times):
            one = times[place]
            other = times[place + 1] if place + 1 < len(times) else None
            if other is not None and self._is_span(one, other):
                spans = frozenset(
                    (a, b) for a in _minutes(one) for b in _minutes(other) if a < b <= a + 1080
                )
                if spans:
                    yield self._statement(
                        "hours",
                        one.start,
                        other.end,
                        frozenset(spans),
                        times,
                        days=self._days_of(one.start, other.end, times),
                    )
                    place += 2
                    continue
            place += 1
            if one.kind != "time" or any(q.dimension in {"bare", "age"} for q in one.quantities):
                continue
            before = self._prose[max(self._piece.start, one.start - 24) : one.start]
            yield self._statement(
                "time",
                one.start,
                one.end,
                frozenset(_minutes(one)),
                times,
                days=self._days_of(one.start, one.end, times),
                role="until" if END_ROLE.search(before) else "",
            )

    def _is_span(self, one: Mention, other: Mention) -> bool:
        if BETWEEN_TIMES.fullmatch(self._prose, one.end, other.start):
            return True
        until = UNTIL.match(self._prose, other.start)  # `until noon` is read as one
        return until is not None and not self._prose[one.end : other.start].strip()

    def _with_bare_hours(self) -> Iterator[Mention]:
        """Yield the mentions; `Sunday 8–13` has two times, although nothing says so."""
        may = "=open" in self._wide or any(
            m.quantities[0].dimension == "weekday" for m in self._mentions
        )
        bare = [may and _may_be_hour(m) for m in self._mentions]
        for at, mention in enumerate(self._mentions):
            if bare[at] and any(
                0 <= other < len(bare)
                and bare[other]
                and DASH.fullmatch(
                    self._prose,
                    self._mentions[min(at, other)].end,
                    self._mentions[max(at, other)].start,
                )
                for other in (at - 1, at + 1)
            ):
                hours = [q.figure * 60 for q in mention.quantities if 0 <= q.figure <= 24]
                times = tuple(Quantity("time", each, each / 60) for each in hours)
                yield replace(mention, kind="time", quantities=times)
            else:
                yield mention

    def _days_of(self, start: int, end: int, times: Sequence[Mention]) -> frozenset[int]:
        """Return the days of the week that a time is of: named last before it, or after it."""
        named = [m for m in self._mentions if any(q.dimension == "weekday" for q in m.quantities)]
        if self._piece.label is not None:
            in_label = _weekdays(self._piece.label_text)
            return in_label or self._days_in(self._piece.label_text) or self._group(named)
        low = max((m.end for m in times if m.end <= start), default=self._piece.start)
        before = [m for m in named if low <= m.start < start]
        if before:
            return self._group(before)
        if self._preset:
            return self._preset
        earlier = [m for m in named if m.start < start]
        if earlier:  # `Tuesday 9–12 and 14–18`
            last = max(
                (m.end for m in times if m.end <= earlier[-1].start), default=self._piece.start
            )
            return self._group([m for m in earlier if m.start >= last])
        high = min((m.start for m in times if m.start >= end), default=self._piece.end)
        return self._group([m for m in named if end <= m.start < high])

    def _group(self, named: Sequence[Mention]) -> frozenset[int]:
        return _spread(self._prose, named)

    def _closing(self) -> Iterator[Statement]:
        around = f"{self._piece.label_text} {self._text}"
        named = [m for m in self._mentions if any(q.dimension == "closed" for q in m.quantities)]
        days = [m for m in named if all(q.dimension == "closed" for q in m.quantities)]
        if self._piece.label is not None:
            in_label = _weekdays(self._piece.label_text)
            if (
                in_label
                and SHUT.search(self._text)
                and not any(_minutes(m) for m in self._mentions)
            ):
                yield self._shut(self._piece.label_text, in_label)
            return
        if days and SHUT.search(around) and not EXCEPT.search(around):
            yield self._shut(self._prose[days[0].start : days[-1].end], self._group(days))

    def _shut(self, written: str, days: frozenset[int]) -> Statement:
        value: Value = frozenset(float(day) for day in days)
        return Statement(
            "closing day",
            " ".join(written.replace("|", " ").split()),
            value,
            self._stems(self._piece.start, self._piece.end),
            self._wide,
            days=days,
            years=self._years,
        )

    def _dates(self) -> Iterator[Statement]:
        dates = [m for m in self._mentions if _days_of_months(m)]
        place = 0
        while place < len(dates):
            first, last = dates[place], dates[place]
            while place + 1 < len(dates) and BETWEEN_TIMES.fullmatch(
                self._prose, dates[place].end, dates[place + 1].start
            ):
                place += 1
                last = dates[place]
            place += 1
            value = frozenset(_days_of_months(first)) | frozenset(_days_of_months(last))
            before = self._prose[max(self._piece.start, first.start - 24) : first.start]
            role = "span" if last is not first else "until" if END_ROLE.search(before) else ""
            yield self._statement("date", first.start, last.end, value, dates, role=role)

    def _years_of_founding(self) -> Iterator[Statement]:
        for mention in self._of("date"):
            year = self._prose[mention.start : mention.end]
            if not (year.isdigit() and len(year) == 4):
                continue
            before = self._prose[max(self._piece.start, mention.start - 40) : mention.start]
            after = self._prose[mention.end : min(self._piece.end, mention.end + 24)]
            verbs = [*FOUNDED.finditer(before)] or [*FOUNDED.finditer(after)]
            if verbs and (role := verbs[-1].lastgroup):
                value: Value = frozenset({float(year)})
                yield self._statement(
                    "year", mention.start, mention.end, value, [mention], role=role
                )

    def _numbers(self) -> Iterator[Statement]:
        counts = [m for m in self._mentions if m.kind == "number" and not m.about]
        for mention in counts:
            value = frozenset(
                float(q.value)
                for q in mention.quantities
                if q.dimension == "count" and isinstance(q.value, float) and q.value > 1
            )
            noun = NOUN.match(self._prose, mention.end)
            if not value or noun is None or WITH.match(self._prose, noun.start(1)):
                continue
            name = stem(noun[1])
            clause = self._prose[
                max(self._piece.start, mention.start - 60) : min(self._piece.end, noun.end() + 24)
            ]
            if not name or not TOTAL.search(clause):
                continue
            role = f"{name} at most" if MOST.search(clause) else name
            yield self._statement("number", mention.start, noun.end(), value, counts, role=role)

    def _phones(self) -> Iterator[Statement]:
        phones = self._of("phone number")
        for mention in phones:
            digits = mention.quantities[0].value
            value: Value = (
                frozenset({plain_phone(digits)}) if isinstance(digits, str) else frozenset()
            )
            yield self._statement("phone number", mention.start, mention.end, value, phones)


def _may_be_hour(mention: Mention) -> bool:
    return all(q.dimension in {"bare", "count"} and 0 <= q.figure <= 24 for q in mention.quantities)


def _minutes(mention: Mention) -> list[float]:
    return [
        q.value for q in mention.quantities if q.dimension == "time" and isinstance(q.value, float)
    ]


def _days_of_months(mention: Mention) -> list[Date]:
    return [q.value for q in mention.quantities if isinstance(q.value, tuple) and q.value[2]]


def _weekdays(text: str) -> frozenset[int]:
    mentions = [m for m in scan(text) if m.quantities[0].dimension in {"weekday", "closed"}]
    return _spread(text, mentions)


def _spread(text: str, named: Sequence[Mention]) -> frozenset[int]:
    """Return the days that are named, with those between `Monday to Friday`."""
    return frozenset(named_days(text, named, "weekday", "closed"))
