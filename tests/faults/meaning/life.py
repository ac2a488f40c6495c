"""One site whose texts change all the time, while whoever embeds them is killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.faults.invariants import assert_sound
from tests.faults.meaning.shop import TYPE, text_of
from tests.faults.meaning.stored import is_settled, problems, texts
from tests.faults.page_campaign.hands import Died, Hands, Refused, pause
from tests.faults.page_campaign.site import Words
from tests.faults.processes import children, kill, processes
from tests.harness import small_site, trusted, write_settings
from tests.waiting import wait_until
from tests.wire import query

PAGES = {"menu": 3, "visit": 2}
SECTIONS = [f"{page}/s{n}" for page, count in PAGES.items() for n in range(1, count + 1)]
SETTINGS = {
    "worker": "embedded",
    "lease_s": 1,
    "heartbeat_s": 0.3,
    "composer_delay_s": 0,
    "crashes_max": 1000,
    "poll_s": 0.02,
    "synchronous": "NORMAL",
}
SOME = 6
"""Products that are changed one by one; there are crowds beside them."""
CROWD = 90
"""Products that come together: more than are embedded together."""
EMBEDDERS = ("local", "local", "words")
FREEZE_S = (0.02, 2.0)
"""From within a transaction to past the lease."""
SETTLES_S = 90.0
"""How long it may take until everything is embedded, once nobody is killed any more."""


class Violation(Exception):
    """Something is not as it must be."""


class Life:
    """A site, from its first text to the moment in which everything has settled."""

    def __init__(self, root: Path, name: str, counts: Counter[str]) -> None:
        self.random, self.root, self.counts = Random(name), root, counts
        self._words = Words.of(self.random)
        self._embedder = self.random.choice(EMBEDDERS)
        small_site(root, PAGES, **SETTINGS, embedder=self._embedder)
        trusted(root)
        self._products: dict[str, set[str | None]] = {}
        """By id, what may be said of it: more than one thing after a call without an answer."""
        self._embedding: set[int] = set()
        """Processes that were seen to embed."""
        self.done: list[str] = []
        self._hands = self._begin()

    def live(self, moves: int) -> None:
        """Change texts so many times, strike, and look at the end."""
        for number in range(moves):
            move = (
                self.random.choice(MOVES) if number else put_product
            )  # of which nothing takes all
            self.done.append(move.__name__)
            try:
                move(self)
            except Refused:
                self.counts["calls refused"] += 1
            if number == 0 or self.random.random() < 0.6:
                self._strike(deadly=number == 0)
        self._settle()
        self.counts["rounds"] += 1

    def close(self) -> None:
        """Leave nobody behind."""
        self._note_embedding()
        for pid in [*self._hands.pids(), *self._embedding]:
            kill(pid, signal.SIGCONT)
        self._hands.close()
        wait_until(lambda: not any(_lives(pid) for pid in self._embedding))

    # Moves

    def line(self) -> str:
        """Return a line of prose with new words."""
        return f"{self._words.line()} And the {self._words.word()}, too."

    def sections(self) -> list[str]:
        """Return some sections."""
        return sorted(self.random.sample(SECTIONS, self.random.randint(1, 3)))

    def batch(self, tool: str, **arguments: object) -> None:
        """Queue work; at times it is struck before its end, at times nobody waits for that."""
        answer = self._hands.queued(tool, **arguments)
        if (batch := answer.get("batchId")) and self.random.random() < 0.7:
            struck = self.random.random() < 0.4
            at = (self.random.uniform(0, 0.3),) if struck else ()
            self._hands.wait_ended(batch, at=at)
        self.counts[tool] += 1

    def call(self, tool: str, **arguments: object) -> None:
        """Call a tool; at times its server dies meanwhile.

        Raises:
            Died: it has; what it was asked for is done, or is not.
        """
        server = self._hands.server()
        call = self._hands.call_soon(server, tool, **arguments)
        if self.random.random() < 0.15:
            pause(self.random.uniform(0, 0.05))
            self._hands.kill_server(server)
            self.counts["servers killed in a call"] += 1
            raise Died
        self._hands.answer(server, call)
        self.counts[tool] += 1

    def stock(self, how: str, skus: list[str]) -> None:
        """Change products, and note what may be true of them now."""
        says = None if how == "delete" else self.line()
        try:
            self.call("stock", how=how, skus=skus, **({} if says is None else {"says": says}))
        except (Died, Refused):
            for sku in skus:
                self._products.setdefault(sku, {None}).add(says)
            raise
        self._products |= {sku: {says} for sku in skus}

    def there(self) -> list[str]:
        """Return products that are there for sure."""
        return sorted(sku for sku, says in self._products.items() if None not in says)

    def set_embedder(self) -> None:
        """Let who starts from now on use another embedder, or the same; the worker starts anew."""
        self._embedder = self.random.choice(EMBEDDERS)
        write_settings(self.root, **SETTINGS, embedder=self._embedder)
        self._hands.kill_worker()
        self.counts["embedders set"] += 1

    # Strikes

    def _strike(self, *, deadly: bool) -> None:
        """Strike while texts are embedded, or at any other moment; `deadly`: somebody dies."""
        if self.random.random() < 0.7:
            with suppress(TimeoutError):
                wait_until(lambda: _embeds(self.root), seconds=2)
                self.counts["strikes at an embedding"] += 1
            pause(self.random.uniform(0, self.random.choice((0.2, 3.0))))
        else:
            pause(self.random.uniform(0, 1.5))
        self._note_embedding()
        strike = self.random.choice(("worker", "worker", "embedder", "embedder", "server", "both"))
        if strike == "embedder" and not deadly:
            self._strike_embedder()
        elif self.random.random() < 0.3 and not deadly:
            self._freeze(self._hands.pids())
        else:
            if strike != "server":
                self._hands.kill_worker()
            if strike != "worker":
                self._hands.kill_server()
        self._hands.work()

    def _strike_embedder(self) -> None:
        there = [pid for pid in self._embedding if _lives(pid)]
        if self.random.random() < 0.3:
            self._freeze(there)
            return
        for pid in there:
            kill(pid)
        self.counts["embedders killed"] += len(there)

    def _freeze(self, pids: list[int]) -> None:
        chosen = [pid for pid in pids if self.random.random() < 0.7]
        for pid in chosen:
            kill(pid, signal.SIGSTOP)
        pause(self.random.uniform(*FREEZE_S))
        for pid in chosen:
            kill(pid, signal.SIGCONT)
        self.counts["processes frozen"] += len(chosen)

    def _note_embedding(self) -> None:
        for pid in self._hands.pids():
            self._embedding |= {*_embedders_of(pid)}

    # The end

    def _begin(self) -> Hands:
        servers = self.random.randint(1, 2)
        hands = Hands(self.root, self.random, self.counts, servers=servers)
        hands.call("status")  # now there is a database
        return hands

    def _settle(self) -> None:
        """Kill everybody once more, let a worker work until it is idle, and look."""
        self.close()
        self._hands = self._begin()
        if self.random.random() < 0.5:  # or a server sees for itself that there is work
            self._hands.work()
        try:
            wait_until(lambda: is_settled(self.root, self._embedder), seconds=SETTLES_S)
        except TimeoutError:
            jobs = "SELECT kind, subject, state, reason FROM jobs WHERE state <> 'completed'"
            wrong = [*problems(self.root, self._embedder), str(query(self.root, jobs))]
            raise Violation("\n".join(["it does not settle", *wrong])) from None
        assert_sound(self.root)
        if wrong := problems(self.root, self._embedder):
            raise Violation("\n".join(wrong))
        self._check_products()
        self.counts["texts known at the end"] += len(texts(self.root))

    def _check_products(self) -> None:
        """What was answered is stored; and is found, or found no more."""
        stored = texts(self.root)
        for sku, fine in self._products.items():
            text = stored.get((TYPE, sku))
            if text not in {None if says is None else text_of(says, sku) for says in fine}:
                raise Violation(f"{sku} is {text!r}, and was to be one of {fine}")
        for sku in self.random.sample(sorted(self._products), min(4, len(self._products))):
            answer = self._hands.call("search", query=sku, type=TYPE, limit=5)
            found = [row["id"] for row in answer["found"]]
            if ((TYPE, sku) in stored) != (sku in found):
                raise Violation(f"{sku} is stored as {stored.get((TYPE, sku))!r}; found: {found}")
            self.counts["searches at the end"] += 1


def edit(life: Life) -> None:
    """Write a draft by hand."""
    text = f"## {life.random.choice(SECTIONS)}\n\n{life.line()}"
    with suppress(Died):
        life.call("edit", section=life.random.choice(SECTIONS), text=text)


def draft(life: Life) -> None:
    """Let the composer draft some sections."""
    life.batch("generate", sections=life.sections(), mode="new")


def promote(life: Life) -> None:
    """Make all drafts live, or some."""
    life.batch("promote", **life.random.choice(({}, {"sections": life.sections(), "force": True})))


def roll_back(life: Life) -> None:
    """Take back the last batch, or a section's last change."""
    life.batch("rollback", **life.random.choice(({}, {"section": life.random.choice(SECTIONS)})))


def unpublish(life: Life) -> None:
    """Take a section or a page off."""
    which = ({"section": life.random.choice(SECTIONS)}, {"page": life.random.choice([*PAGES])})
    life.batch("unpublish", **life.random.choice(which))


def change_file(life: Life) -> None:
    """Change a page's file by hand, and have somebody look."""
    path = life.root / "content" / f"{life.random.choice([*PAGES])}.md"
    with suppress(FileNotFoundError):
        data = path.read_text("utf-8").rstrip() + f"\n\n{life.line()}\n"
        path.write_text(data, "utf-8")
        os.utime(path, (1, 1))
        life.counts["files changed"] += 1
    with suppress(Died):
        life.call("review")


def discard(life: Life) -> None:
    """Take a draft off."""
    with suppress(Died):
        life.call("edit", section=life.random.choice(SECTIONS), discard=True)


def put_product(life: Life) -> None:
    """Create a product, or a later version of one."""
    how = life.random.choice(("create", "create", "create-now"))
    with suppress(Died):
        life.stock(how, [f"lamp{life.random.randrange(SOME)}"])


def change_product(life: Life) -> None:
    """Update a product that is there."""
    if there := life.there():
        with suppress(Died):
            life.stock("update", [life.random.choice(there)])


def remove_products(life: Life) -> None:
    """Remove some."""
    if there := life.there():
        with suppress(Died):
            life.stock("delete", life.random.sample(there, min(len(there), 5)))


def stock_up(life: Life) -> None:
    """Create so many that they are embedded in several chunks."""
    crowd = life.random.randrange(3)
    with suppress(Died):
        life.stock("create", [f"tent{crowd}-{n}" for n in range(CROWD)])


def change_embedder(life: Life) -> None:
    """Change the setting."""
    life.set_embedder()


MOVES: tuple[Callable[[Life], None], ...] = (
    edit,
    edit,
    draft,
    promote,
    promote,
    roll_back,
    unpublish,
    change_file,
    change_file,
    discard,
    put_product,
    put_product,
    change_product,
    remove_products,
    stock_up,
    change_embedder,
)


def _embeds(root: Path) -> bool:
    asked = "SELECT 1 FROM jobs WHERE kind = 'embedding' AND state = 'processing' LIMIT 1"
    return bool(query(root, asked))


def _embedders_of(pid: int) -> list[int]:
    return [each.pid for each in children(pid) if "anyio.to_process" in each.command]


def _lives(pid: int) -> bool:
    return any(
        each.pid == pid and not each.state.startswith("Z") and "to_process" in each.command
        for each in processes()
    )
