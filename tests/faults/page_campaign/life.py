"""What is to be true of a site while its owner, its tools and a killer are at it.

The model is a plain dictionary of the bytes that each file is to have. What a batch was asked to
change is read from the texts that it has made live; everything else in the files must be as it was.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.invariants import assert_sound
from tests.faults.page_campaign.hands import Hands, Refused
from tests.faults.page_campaign.site import Words, build
from tests.faults.page_campaign.stored import DRAFT, LIVE, heads, history, kept_pages, of_batch
from tests.faults.page_campaign.told import META, shown, texts_of, wrong_between
from tests.wire import query

AGED_S = 300.0
"""How long ago a file was saved that is not being saved."""


class Violation(Exception):
    """Something is not as it must be."""


class Life:
    """One sequence, from its site to its end."""

    def __init__(self, root: Path, name: str, model_url: str, counts: Counter[str]) -> None:
        self.random, self.root, self.counts = Random(name), root, counts
        self.words = Words.of(self.random)
        self.moves: list[str] = []
        self.files: dict[str, bytes | None] = dict(build(root, self.random, self.words, model_url))
        self.ever: dict[str, set[str]] = {}
        """By section, the texts that must be in the history."""
        self.said: dict[str, set[str]] = {}
        """By section, the texts that were live or in its file at any time."""
        self.kept = set[bytes]()
        """The versions of pages that must be kept."""
        self.last: dict[str, bytes] = {}
        """The bytes that a file had before it went."""
        self.seen: dict[str, bytes | None] = {}
        """The bytes that the product knows for sure."""
        self.blocked: set[str] = set()
        self.owed: dict[str, dict[str, str | None]] = {}
        """By page, what is live and could not be written yet, as its file was just edited."""
        self.undo: tuple[str, dict[str, bytes | None]] | None = None
        """The last batch that changed files, and what they were before; none if one was edited."""
        self._saved = 0
        for path in list(self.files):
            self.age(path)
            self.note(path)
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "The site")):
            self.git_only(*words)
        servers = 2 if self.random.random() < 0.25 else 1
        self.hands = Hands(root, self.random, counts, servers=servers)
        self.hands.call("review")  # from now on there is a database

    # Files

    def path(self, file: str) -> Path:
        """Return where a file is."""
        return self.root / "content" / file

    def age(self, file: str) -> None:
        """Let a file have been saved a while ago, and at a time of its own."""
        self._saved += 1
        at = time.time_ns() - int(AGED_S * 1e9) + self._saved * 1000
        os.utime(self.path(file), ns=(at, at))

    def tree(self) -> dict[str, bytes]:
        """Return every file in the content folder."""
        inside = self.root / "content"
        return {
            path.relative_to(inside).as_posix(): path.read_bytes()
            for path in sorted(inside.rglob("*"))
            if path.is_file()
        }

    def there(self) -> list[str]:
        """Return the pages' files that are there and can be worked on."""
        return [f for f, data in self.files.items() if data is not None and f not in self.blocked]

    def put(self, file: str, data: bytes | None, *, beside: bool = True, aged: bool = True) -> None:
        """Save a file as an editor does: written beside and renamed, or in its place."""
        path = self.path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            self.last[file] = self.files[file] or b""
            path.unlink()
        elif beside:
            other = path.with_name(f"{path.name}.saved")
            other.write_bytes(data)
            other.replace(path)
        else:
            path.write_bytes(data)
        if data is not None and aged:
            self.age(file)
        self.met(file, data)

    def met(self, file: str, data: bytes | None) -> None:
        """Note that somebody else has changed a file."""
        self.files[file], self.undo = data, None
        self.note(file)

    def note(self, file: str) -> None:
        """Note what a file says by now."""
        page = page_of(file)
        for section, text in texts_of(page, self.files[file]).items():
            self.said.setdefault(f"{page}/{section}", set()).add(text)

    def git_only(self, *words: str) -> bool:
        """Run git where it changes no page."""
        return self.hands.git(*words) if hasattr(self, "hands") else _git(self.root, *words)

    def git(self, *words: str) -> bool:
        """Run git, and note which files it has changed."""
        done = self.hands.git(*words)
        now = self.tree()
        for file in {*now, *self.files}:
            if now.get(file) == self.files.get(file):
                continue
            if file in now:
                self.age(file)
            elif (was := self.files[file]) is not None:
                self.last[file] = was
            self.met(file, now.get(file))
        return done

    # Sections

    def sections(self, file: str) -> list[str]:
        """Return the sections that have a text in a file, by id."""
        page = page_of(file)
        return [f"{page}/{section}" for section in texts_of(page, self.files[file])]

    def section(self) -> tuple[str, str]:
        """Return a file, and a section in it."""
        file = self.random.choice([f for f in self.there() if self.sections(f)])
        return file, self.random.choice(self.sections(file))

    def saw(self, file: str) -> None:
        """Note that the product has looked at a file, and stored that: all in it is kept by now."""
        data, page = self.files[file], page_of(file)
        if data is None or file in self.blocked:
            return
        for section, text in texts_of(page, data).items():
            self.ever.setdefault(f"{page}/{section}", set()).add(text)
        if self.seen.get(file) is None:
            self.kept.add(data)
        self.seen[file] = data

    # Calls

    def call(self, tool: str, /, **arguments: Any) -> dict[str, Any] | None:
        """Call a tool; `None` if it refuses, which is counted."""
        try:
            return self.hands.call(tool, **arguments)
        except Refused as refused:
            self.refused(tool, str(refused))
            return None

    def refused(self, tool: str, why: str) -> None:
        """Count a refusal."""
        self.moves[-1] += f" -- refused: {why[:160]}"
        self.counts[f"refused: {tool}"] += 1

    def batch(self, tool: str, /, **arguments: Any) -> str | None:
        """Queue work, strike at who does it, and check what has come of it; return the batch."""
        drafts = heads(self.root, DRAFT)
        before = dict(self.files)
        armed = tool != "generate" and self.random.random() < 0.3
        if armed:
            self.hands.arm()
        try:
            answer = self.hands.queued(tool, **arguments)
        except Refused as refused:
            self.hands.disarm()
            self.refused(tool, str(refused))
            return None
        if "batchId" not in answer or not answer.get("totalSections", 1):
            self.hands.disarm()
            self.moves[-1] += f" -- nothing: {answer.get('message', '')[:120]}"
            self.counts[f"nothing: {tool}"] += 1
            if "batchId" not in answer:
                self.unchanged(f"{tool} that did nothing")
                return None
        self.end(answer["batchId"])
        if armed and not self.hands.disarm():
            self.counts["workers killed in a write"] += 1
        self.counts[f"batches: {tool}"] += 1
        self.check(tool, answer["batchId"], before, drafts)
        return answer["batchId"]

    def end(self, batch_id: str) -> str:
        """Wait for the end of a batch, and strike meanwhile."""
        strikes = self.random.choices((0, 1, 2), (70, 25, 5))[0]
        at = tuple(self.random.uniform(0, 0.25) for _ in range(strikes))
        try:
            state = self.hands.wait_ended(batch_id, at=at)
        except TimeoutError as late:
            rows = query(
                self.root,
                "SELECT kind, subject, state, code, reason FROM jobs WHERE state <> 'completed'",
            )
            raise Violation(f"batch {batch_id} does not end: {rows}") from late
        self.moves[-1] += f" -- {batch_id}: {state}"
        return state

    # What must be

    def unchanged(self, after: str) -> None:
        """Fail unless all files are as the model has them, and there are no others."""
        now = self.tree()
        for file in sorted({*now, *self.files}):
            if file not in self.files:
                raise Violation(f"{after}: {file} is there, and nobody's")
            if now.get(file) != self.files[file]:
                is_, was = shown(now.get(file)), shown(self.files[file])
                raise Violation(f"{after}: {file} is\n{is_}\nand was\n{was}")

    def check(
        self,
        tool: str,
        batch_id: str,
        before: Mapping[str, bytes | None],
        drafts: Mapping[str, str | None],
    ) -> None:
        """Fail unless the batch has changed what it says to have changed, and nothing else."""
        if tool == "generate":
            for id, text in of_batch(self.root, batch_id, DRAFT).items():
                self.ever.setdefault(id, set()).add(text or "")
                self.counts["drafted"] += 1
            self.unchanged(f"generate {batch_id}")
            return
        asked = of_batch(self.root, batch_id, LIVE)
        self.counts[f"sections: {tool}"] += len(asked)
        for id, text in asked.items():
            if tool == "promote" and text != drafts.get(id):
                raise Violation(f"{id} was promoted as {text!r}, and drafted as {drafts.get(id)!r}")
            if tool == "rollback" and text and text not in self.said.get(id, ()):
                raise Violation(f"{id} went back to {text!r}, which it never said")
            self.was_live(id, text)
        self.compare(tool, batch_id, before, asked)

    def was_live(self, id: str, text: str | None) -> None:
        """Note a text that a batch has made live: it is kept, and a rollback may go back to it."""
        for texts in (self.ever, self.said):
            texts.setdefault(id, set()).add(text or "")

    def compare(
        self,
        what: str,
        batch_id: str,
        before: Mapping[str, bytes | None],
        asked: Mapping[str, str | None],
    ) -> None:
        """Compare every file with what it was, less what was asked for; take over what is new."""
        by_page: dict[str, dict[str, str | None]] = {}
        for id, text in asked.items():
            page, _, section = id.rpartition("/")
            by_page.setdefault(page, {})[section] = text
        now = self.tree()
        if strays := now.keys() - before.keys():
            raise Violation(f"{what} {batch_id}: nobody's files {sorted(strays)}")
        changed: dict[str, bytes | None] = {}
        for file, was in before.items():
            data, page = now.get(file), page_of(file)
            wanted = by_page.get(page, {})
            problems = list(self._problems(file, was, data, wanted))
            if problems and page in self.owed:
                problems = list(self._problems(file, was, data, {**self.owed[page], **wanted}))
            if problems:
                raise Violation(
                    f"{what} {batch_id}: {'; '.join(problems)}\n--- before\n{shown(was)}\n"
                    f"--- after\n{shown(data)}"
                )
            if page in by_page or data != was:
                self.owed.pop(page, None)
                self.saw(file)
            if data != was:
                changed[file] = was
                if was is not None:
                    self.kept.add(was)
                    self.last[file] = was
                if data is not None:
                    self.kept.add(data)
                self.files[file] = self.seen[file] = data
                self.note(file)
        again = what == "promote" and None in changed.values()
        self.undo = (batch_id, changed) if asked and changed and not again else None

    def _problems(
        self, file: str, was: bytes | None, now: bytes | None, asked: Mapping[str, str | None]
    ) -> Iterator[str]:
        page = page_of(file)
        if was != now and file in self.blocked:
            yield f"{file} is blocked, and was written"
        if was is not None and now is not None:
            yield from wrong_between(page, was, now, asked)
        elif was is not None:
            yield from _wrongly_removed(page, was, asked)
        elif now is not None:
            yield from self._wrongly_back(page, now, asked)

    def _wrongly_back(
        self, page: str, now: bytes, asked: Mapping[str, str | None]
    ) -> Iterator[str]:
        """Yield what of a file that was written again is neither asked for nor live."""
        said, live = texts_of(page, now), heads(self.root, LIVE)
        for section in {*said, *asked} - {META}:
            wanted = asked[section] if section in asked else live.get(f"{page}/{section}")
            if said.get(section, "") != (wanted or ""):
                yield f"{page}/{section} came back as {said.get(section)!r}, not as {wanted!r}"

    def finish(self) -> None:
        """Look at every page once more; then nothing is lost, doubled or left behind."""
        self.moves.append("the end")
        for file in self.there():
            if sections := [s for s in self.sections(file) if not s.endswith(f"/{META}")]:
                text = self.words.line()
                if self.call("edit", section=sections[0], text=text) is not None:
                    self.ever.setdefault(sections[0], set()).add(text)
                    self.saw(file)
        self.unchanged("the end")
        for file in self.there():
            self._live_is_what_the_file_says(file)
        self._nothing_is_lost()
        rows = query(
            self.root,
            "SELECT kind, subject, state FROM jobs "
            "WHERE state NOT IN ('completed', 'failed', 'cancelled')",
        )
        if rows:
            raise Violation(f"left undone: {rows}")
        if open_ := query(self.root, "SELECT page FROM page_files WHERE intent IS NOT NULL"):
            self.counts["intentions left for the next look"] += len(open_)
        try:
            assert_sound(self.root)
        except AssertionError as broken:
            raise Violation(str(broken)) from broken

    def _live_is_what_the_file_says(self, file: str) -> None:
        page, live = page_of(file), heads(self.root, LIVE)
        if self.seen.get(file) != self.files[file]:
            return
        for section, text in texts_of(page, self.files[file]).items():
            now = live.get(f"{page}/{section}")
            if now != text and self.owed.get(page, {}).get(section, "") != now:
                raise Violation(f"{page}/{section} is live as {now!r}, and its file has {text!r}")

    def _nothing_is_lost(self) -> None:
        stored = history(self.root)
        for id, texts in self.ever.items():
            if lost := {text for text in texts if text} - stored.get(id, set()):
                raise Violation(f"of {id} is lost: {lost}; there is {stored.get(id)}")
            self.counts["texts in the history"] += len(texts)
        if lost := self.kept - kept_pages(self.root):
            raise Violation(f"{len(lost)} versions of pages are lost:\n{shown(min(lost))}")
        self.counts["versions kept"] += len(self.kept)


def _wrongly_removed(page: str, was: bytes, asked: Mapping[str, str | None]) -> Iterator[str]:
    """Yield what stood in a file that was removed, and was not to go."""
    if not asked or any(asked.values()):
        yield f"the file of {page} was removed, and {sorted(asked)} asked for"
    if left := texts_of(page, was).keys() - asked.keys() - {META}:
        yield f"the file of {page} was removed with {sorted(left)}"


def page_of(file: str) -> str:
    """Return the id of the page in a file."""
    return file.removesuffix(".md").removeprefix("company/")


def _git(root: Path, *words: str) -> bool:
    return Hands.git(type("At", (), {"root": root})(), *words)  # type: ignore[arg-type]
