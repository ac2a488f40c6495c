"""The arithmetic of the local model in another order: the same vectors, twice as fast.

The model looks at each token of a text among its neighbours, and at what came of that once more.
What the first look takes from a token depends on that token alone, and a site uses few of them: it
is worked out once and kept. What words are divided into is kept, too.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.meaning.numbers import numpy

BEGIN, END = 1, 2
"""Tokens around each text."""
NOTHING = 0
"""The token of a text in which there is nothing to read."""
LOOKS = ((2, 0), (3, 1), (5, 2))
"""How many tokens each look takes in, and how many of them stand before the one it is about."""
REACH = 2
"""Places left empty around each text, so that no look reaches into another."""
WIDTH = 256
"""Numbers that come out of a look."""
KEPT = 4_096
"""Tokens whose share in the first look is kept: 54 MB at most. Most of a text are among them."""
BATCH = 384
"""Tokens whose numbers are worked out together: they fit the processor's cache."""
RUN = 2_048
"""Tokens that are looked up together."""
WORDS = 20_000
"""Words kept with their tokens, none of them longer than `LONGEST`."""
LONGEST = 40

_WORD = re.compile(r"[^ \t\r\n]+")


class Encoder:
    """Makes vectors of texts. Threads take turns."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """Take the numbers of a `NumpyBackend`, and its tokenizer."""
        self._model, self._tokenizer = model, tokenizer
        self._alone = threading.Lock()
        self._words: dict[str, Sequence[int]] = {}
        self._shares = _Shares(model)

    def encode(self, texts: Sequence[str]) -> Any:
        """Return a row for each text, of length 1."""
        np = numpy()
        sums = np.empty((len(texts), self._model.ln_g.shape[0]), np.float32)
        with self._alone:
            tokens = [self.tokens(text) for text in texts]
            if any(len(each) > KEPT for each in tokens):
                return self._model.encode(texts)
            for run in _groups(tokens, RUN):
                self._shares.learn([token for each in tokens[run] for token in each])
                for group in _groups(tokens[run], BATCH):
                    sums[run][group] = self._summed(tokens[run][group])
        lengths = np.array([[len(each)] for each in tokens], np.float32).reshape(-1, 1)
        return self._concluded(sums, lengths)

    def tokens(self, text: str) -> Sequence[int]:
        """Return what the tokenizer makes of a text. No token of its model spans two words."""
        found = [token for word in _WORD.findall(text) for token in self._tokens_of(word)]
        return [BEGIN, *(found or [NOTHING]), END]

    def _tokens_of(self, word: str) -> Sequence[int]:
        known = self._words.get(word)
        if known is None:
            made: list[int] = self._tokenizer.encode(word, add_bos=False, add_eos=False)
            known = [] if made == [NOTHING] else made
            if len(word) <= LONGEST:
                if len(self._words) >= WORDS:
                    self._words.clear()
                self._words[word] = known
        return known

    def _summed(self, texts: Sequence[Sequence[int]]) -> Any:
        """Return, for each text, the sum of what was seen at its tokens."""
        np, model = numpy(), self._model
        laid = _laid_out(texts)
        inner = slice(REACH, len(laid.tokens) - REACH)
        slots = self._shares.slots(laid.tokens)
        slots[laid.empty] = 0
        seen = np.empty((len(laid.tokens) - 2 * REACH, model.ln_g.shape[0]), np.float32)
        plain = seen.shape[1] - len(LOOKS) * WIDTH
        seen[:, :plain] = self._shares.plain(laid.tokens[inner])
        first = np.zeros((len(laid.tokens), WIDTH), np.float32)
        room = np.empty((len(seen), WIDTH), np.float32)
        for look, (width, before) in enumerate(LOOKS):
            at = [slice(start, start + len(seen)) for start in range(REACH - before, REACH + width)]
            own = first[inner]
            own[:] = 0
            for place in range(width):
                own += self._shares.take(look, place, slots[at[place]], room)
            np.maximum(own, 0, out=own)
            own += self._shares.take(look, None, slots[inner], room)
            first[laid.empty] = 0
            second = seen[:, plain + look * WIDTH : plain + (look + 1) * WIDTH]
            second[:] = model.b2[look]
            for place in range(width):
                weights = model.w2[look][place * WIDTH : (place + 1) * WIDTH]
                second += np.matmul(first[at[place]], weights, out=room)
            np.maximum(second, 0, out=second)
            second += own
        means = seen.mean(axis=1)
        spread = np.einsum("ij,ij->i", seen, seen) / seen.shape[1] - means * means
        weights = laid.owned / np.sqrt(spread + model.eps)
        return weights @ seen - (weights @ means)[:, None]

    def _concluded(self, sums: Any, lengths: Any) -> Any:
        """Return the vectors of texts by what was seen in them."""
        np, model = numpy(), self._model
        rows = (sums * model.ln_g + lengths * model.ln_b) @ model.cnn_W + lengths * model.cnn_b
        rows /= np.sqrt(lengths)
        one = np.maximum(rows @ model.d0, 0)
        two = np.maximum(rows @ model.p1 + one @ model.d1, 0)
        three = np.maximum(two @ model.d2, 0)
        made = np.tanh(two @ model.p3 + three @ model.d3)
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-6)


class _Shares:
    """What each token brings to the first look, at each place of it.

    A token has a slot; slot 0 is that of an empty place, which brings nothing.
    """

    def __init__(self, model: Any) -> None:
        np = self._np = numpy()
        self._model = model
        self._slots = np.zeros(len(model.table), np.int32)
        self._tokens = np.zeros(KEPT + 1, np.int64)
        self._uses = np.zeros(KEPT + 1, np.int64)
        self._count = 0
        # memory that is not written to yet takes no room
        self._rows = {
            (look, place): np.zeros((KEPT + 1, WIDTH), np.float32)
            for look, (width, _) in enumerate(LOOKS)
            for place in (None, *range(width))
        }

    def slots(self, tokens: Any) -> Any:
        return self._slots[tokens]

    def take(self, look: int, place: int | None, slots: Any, room: Any) -> Any:
        """Return the shares at a place of a look; without a place, what the look adds to."""
        return self._rows[look, place].take(slots, axis=0, out=room, mode="clip")

    def plain(self, tokens: Any) -> Any:
        """Return the numbers of tokens as the model has them."""
        model, chunk = self._model, tokens % len(self._model.scale)
        numbers = model.table[tokens].astype("f4")
        numbers *= model.scale[chunk, None]
        numbers += model.lo[chunk, None]
        return numbers

    def learn(self, tokens: Sequence[int]) -> None:
        """Have a slot for each of these tokens. Of too many, the rarest lose theirs."""
        np = self._np
        used, uses = np.unique(np.array(tokens, np.int64), return_counts=True)
        new = used[self._slots[used] == 0]
        if self._count + len(new) > KEPT:
            self._forget(room=KEPT - len(used))
            new = used[self._slots[used] == 0]
        for at in range(0, len(new), BATCH):
            self._add(new[at : at + BATCH])
        self._uses[self._slots[used]] += uses

    def _forget(self, room: int) -> None:
        """Keep the tokens of most uses: half of what is kept, or as many as there is room for."""
        np = self._np
        slots = np.argsort(-self._uses[1 : self._count + 1])[: min(room, KEPT // 2)] + 1
        slots.sort()
        self._count = len(slots)
        kept = slice(1, self._count + 1)
        for rows in self._rows.values():
            rows[kept] = rows[slots]
        self._tokens[kept], self._uses[kept] = self._tokens[slots], self._uses[slots] // 2
        self._uses[self._count + 1 :] = 0
        self._slots[:] = 0
        self._slots[self._tokens[kept]] = np.arange(1, self._count + 1)

    def _add(self, tokens: Any) -> None:
        np, model = self._np, self._model
        slots = slice(self._count + 1, self._count + 1 + len(tokens))
        numbers = self.plain(tokens) @ model.proj_W + model.proj_b
        numbers -= numbers.mean(axis=1, keepdims=True)
        spread = np.einsum("ij,ij->i", numbers, numbers) / numbers.shape[1]
        numbers /= np.sqrt(spread + model.eps)[:, None]
        numbers = numbers * model.ln_g_all + model.ln_b_all
        for look, (width, before) in enumerate(LOOKS):
            own = np.ascontiguousarray(numbers[:, look * WIDTH : (look + 1) * WIDTH])
            self._rows[look, None][slots] = own
            for place in range(width):
                share = own @ model.w1[look][place * WIDTH : (place + 1) * WIDTH]
                self._rows[look, place][slots] = (
                    share + model.b1[look] if place == before else share
                )
        self._tokens[slots] = tokens
        self._slots[tokens] = np.arange(slots.start, slots.stop)
        self._count += len(tokens)


@dataclass(frozen=True, slots=True)
class _Laid:
    """Texts one after another, with empty places around each."""

    tokens: Any
    empty: Any
    """Which places are."""
    owned: Any
    """A row for each text: 1 where a place is its own. The places at both ends are left out."""


def _laid_out(texts: Sequence[Sequence[int]]) -> _Laid:
    np = numpy()
    gap = [NOTHING] * REACH
    tokens = np.array([*gap, *(token for text in texts for token in (*text, *gap))], np.int64)
    owner = np.repeat(np.arange(len(texts)), [len(text) + REACH for text in texts])
    ends = np.cumsum([len(text) + REACH for text in texts]) + REACH
    empty = np.zeros(len(tokens), bool)
    for place in range(REACH):
        empty[place] = True
        empty[ends - 1 - place] = True
    owned = np.zeros((len(texts), len(tokens) - REACH), np.float32)
    owned[owner, np.arange(len(owner))] = ~empty[REACH:]
    return _Laid(tokens, empty, owned[:, :-REACH])


def _groups(texts: Sequence[Sequence[int]], most: int) -> Iterable[slice]:
    """Yield parts of the texts that have so many tokens together, or one text that has more."""
    first, count = 0, 0
    for at, text in enumerate(texts):
        if at > first and count + len(text) > most:
            yield slice(first, at)
            first, count = at, 0
        count += len(text)
    if texts:
        yield slice(first, len(texts))
