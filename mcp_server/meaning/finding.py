"""Finds texts by what they mean and by their words: the best of both, ranked together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import anyio.to_thread

from mcp_server.entities.meaning import Embedder, Known, MeaningStore, Word
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.fusion import SAME_MEANING, SAME_WORDS, Asked, Share, nearest, score
from mcp_server.meaning.index import VectorIndex, cosine
from mcp_server.meaning.questions import Questions
from mcp_server.meaning.words import begins, indexed, parts_of, words_of

SOME_WORDS = "some of the words"
ONLY_NEAR = "near in meaning"
UNRELATED = 0.05
"""Up to this cosine, a text that has none of the words has nothing to do with a question."""
RANKED_MAX = 2_000
"""Texts that the index of words ranks for one question: each takes it 5 µs."""
COMMON = 50
"""A word that is in more than one of so many texts is looked for as it is: those that begin with it
would be more still."""
SMALL = 20_000
"""Up to so many texts, a word that is in none is compared with all of the same first letter; of
more, with those of the same two."""
SPELLINGS_MAX = 5_000
"""Words of the index that it is compared with."""
EMBEDDED_AT_ONCE = 128
"""Texts beside those of the store that one question embeds: the rest is found by its words."""
PATIENCE_S = 20.0
"""How long an embedder may take for a question; then only words are found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A text that is not stored, such as a fact of the site."""

    type: str
    id: str
    text: str
    weight: float = 1.0
    """What it counts beside a stored text."""


class Aside:
    """Texts that are not stored, with their words: made once, and asked often."""

    def __init__(self, texts: Sequence[Beside]) -> None:
        self.texts = texts
        self.indexed = [indexed(each.text) for each in texts]
        self.words = frozenset(word for each in self.indexed for word in each.split())


NONE_ASIDE = Aside(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A text that answers a question, and how."""

    type: str
    id: str
    hash: str | None
    """Of its text; `None` where it is not stored."""
    meaning: float | None
    """The cosine of the meanings; `None` where it is not known."""
    share: Share
    weight: float = 1.0

    @property
    def score(self) -> float:
        """By how much it is an answer."""
        return self.weight * score(self.meaning, self.share)

    @property
    def why(self) -> str:
        """Why it was found, in words."""
        if self._means and self._says:
            return "both"
        if self.is_clear:
            return "same meaning" if self._means else "same words"
        return SOME_WORDS if self.share.text > 0 else ONLY_NEAR

    @property
    def is_clear(self) -> bool:
        """Whether it says what was asked for, and is not only near."""
        return self._means or self._says

    @property
    def _means(self) -> bool:
        return (self.meaning or 0.0) >= SAME_MEANING

    @property
    def _says(self) -> bool:
        return self.share.text >= SAME_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Texts that answer a question, the best first."""

    matches: Sequence[Match]
    words: Sequence[str]
    """What was looked for in texts: the words of the question, or their right spelling."""
    whole: bool
    """Whether there are no others."""
    respelled: Sequence[str]
    """Those that are another spelling."""
    trouble: str | None = None
    """Why meanings could not be compared, where there is an embedder."""


class Finder:
    """Answers questions about the stored texts of one workspace."""

    def __init__(
        self, store: MeaningStore, embedder: Embedder | None, index: VectorIndex | None = None
    ) -> None:
        """`index`: the vectors in memory, where somebody else in this process looks for some."""
        self.store, self.embedder = store, embedder
        if index is None and embedder is not None:
            index = VectorIndex(store, embedder)
        self.index = index
        self.questions = None if embedder is None else Questions(embedder)

    async def find(
        self,
        question: str,
        *,
        width: int,
        types: Collection[str] | None = None,
        beside: Aside = NONE_ASIDE,
    ) -> Ranked:
        """Return the best of the stored texts, about `width` of them, and of those `beside`.

        `types`: only entities of these types, which may be none.
        """
        total = (await self.store.count())["known"]
        counted = await self._counted(words_of(question), total, beside.words)
        stored = types is None or len(types) > 0
        by_words = await self._with_words(counted, width) if stored else ()
        vector, trouble = await self._vector(question, beside)
        cosines: Mapping[int, float] = {}
        if stored and vector is not None and self.index is not None:
            cosines = await self.index.nearest(vector, count=width, types=types, also=by_words)
        known = await self._known({*by_words, *cosines})
        asked = Asked({each.word: each.count for each in counted}, total + len(beside.texts))
        asked.spelled({each.word: each.spelled for each in counted if each.spelled})
        own = [
            Match(
                type=each.type,
                id=each.entity_id,
                hash=each.hash,
                meaning=cosines.get(each.order),
                share=asked.share(each.words),
            )
            for each in known
            if types is None or each.type in types
        ]
        others = await anyio.to_thread.run_sync(self._beside, beside, vector, asked)
        related = [
            match
            for match in (*own, *others)
            if match.share.text > 0 or (match.meaning or 0.0) > UNRELATED
        ]
        related.sort(key=lambda match: (-match.score, match.type, match.id))
        return Ranked(
            matches=related,
            respelled=[word for each in counted for word in each.spelled],
            words=[word for each in counted for word in (each.spelled or (each.word,))],
            whole=len(by_words) < width and len(cosines) < width,
            trouble=trouble,
        )

    async def count(self) -> Mapping[str, int]:
        """Return how many texts are `known`, and how many are `left` to be taken in."""
        return await self.store.count()

    async def _counted(
        self, words: Sequence[str], total: int, there: Collection[str]
    ) -> Sequence[_Counted]:
        """Return the words of a question with how many texts have them.

        `there` are other words that some text has. `lk2210` counts as `lk` and `2210` where no text
        has it as it is.
        """
        plain = [Word(word) for word in words]
        exact = dict(zip(words, await self.store.count_words(plain), strict=True))
        split = {
            word: parts_of(word)
            for word, count in exact.items()
            if not count and word not in there and len(parts_of(word)) > 1
        }
        if split:
            parts = [part for word in words for part in split.get(word, (word,))]
            return await self._counted(list(dict.fromkeys(parts)), total, there)
        rare = [word for word in words if begins(word) and exact[word] * COMMON <= total]
        wider = [Word(word, beginning=True) for word in rare]
        counts = {**exact, **dict(zip(rare, await self.store.count_words(wider), strict=True))}
        found: list[_Counted] = []
        for word in words:
            spelled: Sequence[str] = ()
            count, beginning = counts[word], word in rare
            if not count and not any(each.startswith(word) for each in there):
                beginning, spelled, count = False, *await self._spelled(word, total, there)
            found.append(_Counted(word, count, beginning, tuple(spelled)))
        return found

    async def _spelled(
        self, word: str, total: int, there: Collection[str]
    ) -> tuple[Sequence[str], int]:
        """Return words that are spelled nearly like one that is in no text; and in how many."""
        letters = word[: 1 if total <= SMALL else 2]
        like = await self.store.words_like(letters, limit=SPELLINGS_MAX)
        near = await anyio.to_thread.run_sync(nearest, word, {*like, *there})
        counts = await self.store.count_words([Word(each) for each in near])
        found = {
            each: max(count, 1)
            for each, count in zip(near, counts, strict=True)
            if count or each in there
        }
        return list(found), max(found.values(), default=0)

    async def _with_words(self, counted: Sequence[_Counted], width: int) -> Sequence[int]:
        """Return texts with words of a question: with all of them, and with the rarest.

        To rank all that have a common word would take longer than everything else.
        """
        there = sorted((each for each in counted if each.count), key=lambda each: each.count)
        if not there:
            return []
        every = [each.wanted for each in there]
        rare: list[Sequence[Word]] = []
        left = RANKED_MAX
        for each in there:
            left -= each.count
            if left < 0:
                break
            rare.append(each.wanted)
        found = [] if not rare else [*await self.store.with_any(rare, limit=width)]
        if len(rare) < len(there):
            found += await self.store.with_all(every, limit=width, headings=True)
            found += await self.store.with_all(every, limit=width)
        return list(dict.fromkeys(found))

    async def _known(self, orders: Collection[int]) -> Sequence[Known]:
        known = await self.store.known(orders)
        if self.index is not None and len(known) < len(orders):
            await self.index.forget({*orders} - {each.order for each in known})
        return known

    async def _vector(self, question: str, beside: Aside) -> tuple[bytes | None, str | None]:
        """Return the vector of a question, and make those of texts beside that have none yet."""
        if self.questions is None:
            return None, None
        texts = (question, *(each.text for each in beside.texts))
        try:
            if new := self.questions.unknown(texts)[:EMBEDDED_AT_ONCE]:
                await self.questions.ask(new, patience_s=PATIENCE_S)
        except EmbeddingTrouble as trouble:
            return None, str(trouble)
        return self.questions.vector(question), None

    def _beside(self, beside: Aside, vector: bytes | None, asked: Asked) -> Sequence[Match]:
        known = self.questions
        return [
            Match(
                type=each.type,
                id=each.id,
                hash=None,
                meaning=cosine(vector, None if known is None else known.vector(each.text)),
                share=asked.share(words),
                weight=each.weight,
            )
            for each, words in zip(beside.texts, beside.indexed, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Counted:
    """A word of a question, and in how many texts it is."""

    word: str
    count: int
    beginning: bool
    """Whether those that begin with it are counted."""
    spelled: tuple[str, ...]
    """What is looked for in its place."""

    @property
    def wanted(self) -> Sequence[Word]:
        """What finds those texts, one or another of it."""
        if not self.spelled:
            return [Word(self.word, self.beginning)]
        return [Word(each) for each in self.spelled]
