"""A site that two machines work, and what must be true of it after each round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from mcp_server.entities.page_files import bytes_hash
from tests import databases
from tests.benchmarks.postgres import Postgres
from tests.faults.invariants import assert_each_section_once
from tests.faults.page_campaign.stored import LIVE, heads
from tests.faults.page_campaign.told import META, texts_of
from tests.faults.postgres.machines import Died, Machine, Refused
from tests.faults.postgres.proxy import Proxy
from tests.faults.postgres.strikes import LEASE_S, Strikes
from tests.faults.processes import end_workers, has_ended, hasty_site
from tests.harness import content, read_site, write_site
from tests.shared.site import Site
from tests.storage.invariants import UNFINISHED
from tests.waiting import wait_until
from tests.wire import query

PAGES, SECTIONS = 10, 12
JOBS = PAGES * SECTIONS
SETTINGS: Mapping[str, object] = {
    "composer_delay_s": 0.1,
    "concurrency": 4,
    "crashes_max": 1000,
    "heartbeat_s": 0.5,
    "lease_s": LEASE_S,
}
NAMES = ("anna", "berta")
NEXT: Mapping[str, Sequence[str]] = {
    "rollback": ("generate-all",),
    "generate-all": ("promote", "promote", "generate-all"),
    "promote": ("rollback",),
}
"""What may be asked for after what: each queues a job for every section."""
STRIKES = (3, 8)
"""So many while it runs."""
ENDS_S = 300.0
"""How long it may take to its end once nothing is done to it any more, on a busy machine."""
LOST_ANSWER = "a commit was made whose answer was lost"
"""What is logged then."""
TRIES = 60
"""How often a client asks again whose server died, or could not reach the database."""


class StruckSite:
    """Two machines, and what strikes at them."""

    def __init__(
        self, machines: Sequence[Machine], strikes: Strikes, rng: Random, struck: Counter[str]
    ) -> None:
        self._machines, self._strikes, self._rng, self._struck = machines, strikes, rng, struck
        self._root = machines[0].root
        self._rounds = 0
        self._last, self._facts = "rollback", ""

    @classmethod
    @contextmanager
    def made(
        cls, folder: Path, postgres: Postgres, proxy: Proxy, rng: Random, struck: Counter[str]
    ) -> Generator[StruckSite]:
        """Make a site in a database of its own.

        Its machines share the folder of the pages, or the first that opens the site has it; they
        reach the database through the proxy, but one of them may go past it.
        """
        address = postgres.fresh("FULL")
        name = address.partition("?")[0].rpartition("/")[2]
        proxied = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}?sslmode=disable"
        past = rng.choice((None, *NAMES))
        shares = rng.random() < 0.5
        with ExitStack() as stack:
            site = stack.enter_context(Site.made(name, address))
            stack.enter_context(databases.sharing(address, site.id))
            machines = list[Machine]()
            for each in NAMES:
                root = folder / ("site" if shares else each)
                if not root.exists():
                    hasty_site(root, PAGES, SECTIONS, **SETTINGS)
                variables = site.variables | {"PRESSROOM_EMBEDDER": "off"}
                if each != past:
                    variables["PRESSROOM_DATABASE"] = proxied
                if shares:
                    variables["PRESSROOM_CONTENT_ID"] = "volume"
                    variables["PRESSROOM_STATE_DIR"] = str(folder / f"state-{each}")
                machines.append(Machine(each, root, variables, struck))
                stack.callback(end_workers, root)
                stack.callback(machines[-1].end)
            strikes = Strikes(machines, postgres, proxy, address, rng, struck)
            stack.callback(strikes.over)
            yield (made := cls(machines, strikes, rng, struck))
            struck["commits whose answer was lost"] += made.logged(LOST_ANSWER)

    def round(self) -> str:
        """Ask for work, strike, let it end, and look at everything; return what was asked for."""
        self._rounds += 1
        tool = self._rng.choice(NEXT[self._last])
        try:
            batch = self._hand_in(tool)
            for _ in range(self._rng.randint(*STRIKES)):
                self._strikes.pause(self._rng.uniform(0, 0.4))
                self._revive()
                self._strikes.strike()
                if has_ended(self._root, batch):
                    break
            self._strikes.over()
            wait_until(partial(self._is_over, batch), seconds=ENDS_S)
            self._check(tool, batch)
        except (AssertionError, TimeoutError):
            self._tell()
            raise
        self._last = tool
        return tool

    def logged(self, what: str) -> int:
        """Return how often the machines' logs say that."""
        return sum(log.read_text("utf-8").count(what) for log in self._logs())

    def _logs(self) -> Sequence[Path]:
        folder = self._root.parent  # of all that the machines have
        return sorted({*folder.glob("*.log"), *folder.glob("**/worker.log")})

    # What is done

    def _hand_in(self, tool: str) -> str:
        """Ask both servers for the same; return the batch, which is one."""
        arguments: dict[str, Any] = {"requestKey": f"round {self._rounds}"}
        if tool == "generate-all":
            arguments["mode"] = "new"
            self._change_facts()
        left, batches = list(self._machines), set[str]()
        self._rng.shuffle(left)
        if self._rng.random() < 0.3:
            del left[1]  # at times only one is asked
        for attempt in count():
            assert attempt < TRIES, f"nobody can do it: {[each.name for each in left]}"
            calls = {each.name: self._ask(each, tool, arguments) for each in left}
            if self._rng.random() < 0.7 / (attempt + 1):
                self._strikes.pause(self._rng.uniform(0, 0.1))
                self._strikes.strike_a_call()
            for each in list(left):
                batch = self._answered(each, calls[each.name])
                if batch is not None:
                    batches.add(batch)
                    left.remove(each)
            if not left:
                break
            self._strikes.pause(0.2)
        [one] = batches
        return one

    def _change_facts(self) -> None:
        """Change what all texts say from now on."""
        self._facts = f"Ada's notes {self._rounds}"
        for root in {each.root for each in self._machines}:
            site = read_site(root)
            site["facts"]["name"] = self._facts
            write_site(root, site)

    def _ask(self, machine: Machine, tool: str, arguments: Mapping[str, Any]) -> int | None:
        try:
            return machine.ask(tool, **arguments)
        except Died:
            self._struck["calls that died"] += 1
            return None

    def _answered(self, machine: Machine, call: int | None) -> str | None:
        if call is None:
            return None
        try:
            return machine.answer(call)["batchId"]
        except Died:
            self._struck["calls that died"] += 1
        except Refused as refused:
            if "database" not in str(refused):
                raise
            self._struck["calls that were refused"] += 1
        return None

    def _revive(self) -> None:
        """See to it that somebody works, now and then on either machine."""
        for machine in self._machines:
            if not machine.works() and self._rng.random() < 0.5:
                machine.work()

    def _is_over(self, batch: str) -> bool:
        """Whether the batch has ended, and all that came of it."""
        self._revive()
        unfinished = f"SELECT count(*) FROM jobs WHERE state IN {UNFINISHED}"
        return has_ended(self._root, batch) and query(self._root, unfinished) == [(0,)]

    # What must be

    def _check(self, tool: str, batch: str) -> None:
        end = assert_each_section_once(self._root, batch, JOBS)
        made = query(self._root, "SELECT count(*) FROM batches")
        assert made == [(self._rounds,)], "asked for under one key, made otherwise than once"
        jobs = query(self._root, "SELECT count(*) FROM jobs WHERE counted = 1")
        assert jobs == [(self._rounds * JOBS,)], "jobs were lost, or made twice"
        self._check_files(is_live=tool == "promote")
        self._struck["attempts lost"] += int(end.crashes)
        self._struck["jobs"] += end.completed

    def _check_files(self, *, is_live: bool) -> None:
        """Fail unless the files are what is live, as they were recorded, and nothing else."""
        live: dict[str, dict[str, str]] = {}
        for entity, text in heads(self._root, LIVE).items():
            if text is not None:
                page, _, section = entity.rpartition("/")
                live.setdefault(f"{page}.md", {})[section] = text
                assert self._facts in text, f"{entity} is an older text"
        assert sum(map(len, live.values())) == (JOBS if is_live else 0)
        found = [files for each in {m.root for m in self._machines} if (files := content(each))]
        assert len(found) == is_live, "files are where the pages are, and nowhere else"
        files = found[0] if found else {}
        assert {name: _sections(name, data) for name, data in files.items()} == live
        recorded = query(self._root, "SELECT page, hash FROM page_files WHERE hash IS NOT NULL")
        assert {f"{page}.md": hash for page, hash in recorded} == {
            name: bytes_hash(data) for name, data in files.items()
        }
        hidden = [path for m in self._machines for path in (m.root / "content").glob(".*")]
        assert hidden == [], hidden

    def _tell(self) -> None:
        """Print what there is to be known of a failure."""
        self._strikes.tell()
        print("states:", query(self._root, "SELECT kind, state, count(*) FROM jobs GROUP BY 1, 2"))
        for log in self._logs():
            print(f"{log} ends:", log.read_text("utf-8")[-6000:], sep="\n")


def _sections(name: str, data: bytes) -> dict[str, str]:
    """Return the texts of a page's file less its front matter, which has no text here."""
    texts = texts_of(name.removesuffix(".md"), data)
    return {section: text for section, text in texts.items() if section != META}
