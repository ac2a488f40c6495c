"""P9, R12, R14, R29: whatever way back is taken, texts and bytes are what a plain list says.

A batch, the last change, a text, a moment; between them drafts are made live, and a person edits
the page's file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.app import Parts
from mcp_server.content.actions.moments import stamp
from mcp_server.content.pages.earlier import BATCHES_MAX
from mcp_server.entities.entity import PRODUCTION
from tests.harness import Desk, desk, read_site, small_site, write_site
from tests.promises.moves import QUICK, SAYS, Later, brief, parts_of
from tests.promises.moves import words as words_of

TEXTS = ("s1", "s2", "s3")
SECTIONS = ("meta", *TEXTS)
FILES: Mapping[str, bytes | None] = {
    "none": None,
    "one": b"---\n# ours\ndescription:   'as it was'\nweight: 3\n---\n\n\nas it was  \n\n\n",
    "marks": (
        '\ufeff---\ndescription: "as it was"\nweight: 3\n---\n\n{{< banner >}}\n\n'
        "<!-- section: s2 -->\n\n## Two\n\nas it was\n\n\n<!-- section: s1 -->\n## One\n\nas it was"
    )
    .replace("\n", "\r\n")
    .encode(),
}
"""The page's file as Pressroom first meets it: without marks; or with all that no tool may touch.
Its sections stand otherwise than in `site.yaml`, and it ends without a line's end."""

THEIRS = (b"# ours", b"weight: 3", b"{{< banner >}}")
"""What of it is no section's."""
MET = "as it was"
"""What each section says there."""

State = dict[str, str | None]
"""By section, the words that are live."""


@dataclass(frozen=True)
class Publish:
    """Draft sections, by hand or by generating, and make them live in one batch."""

    sections: tuple[str, ...]
    by_hand: bool


@dataclass(frozen=True)
class Batch:
    """Take a batch back: the last one, or so many before it."""

    back: int


@dataclass(frozen=True)
class Undo:
    """Take the last change to each of these sections back."""

    sections: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """Go back to a text that a section had; so many before the last one."""

    section: str
    back: int


@dataclass(frozen=True)
class Moment:
    """Go back to what was live at the end of an earlier move; of the page, or of sections."""

    back: int
    sections: tuple[str, ...]


@dataclass(frozen=True)
class Bare:
    """Take back whatever was last."""


@dataclass(frozen=True)
class ByHand:
    """A person changes the file: the words of a section, or what is none's."""

    section: str | None


Move = Publish | Batch | Undo | Text | Moment | Bare | ByHand

some = st.sets(st.sampled_from(SECTIONS), min_size=1).map(
    lambda found: tuple(each for each in SECTIONS if each in found)
)
back = st.integers(0, 4)
moves = st.one_of(
    st.builds(Publish, some, st.booleans()),
    st.builds(Publish, some, st.booleans()),
    st.builds(Batch, back),
    st.builds(Undo, some),
    st.builds(Text, st.sampled_from(SECTIONS), back),
    st.builds(Moment, st.integers(0, 9), st.one_of(st.just(()), some)),
    st.just(Bare()),
)
by_hand = st.builds(ByHand, st.sampled_from([None, *SECTIONS]))


@dataclass
class Model:
    """What every section said, and when: lists of words."""

    past: dict[str, list[tuple[str | None, str]]] = field(
        default_factory=lambda: {each: [] for each in SECTIONS}
    )
    """By section, its live words and the batch that brought them, "" for a person's."""
    grounds: set[str] = field(default_factory=set[str])
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    """By batch, in their order, what it was."""

    def state(self, moment: Mapping[str, int] | None = None) -> State:
        """Return what is live, or was when the sections had so many texts."""
        ends = moment or {each: len(past) for each, past in self.past.items()}
        found = {each: past[: ends[each]] for each, past in self.past.items()}
        return {each: past[-1][0] if past else None for each, past in found.items()}

    def push(self, batch: str, kind: str, changes: Mapping[str, str | None]) -> None:
        """Note what a batch has changed."""
        if changes:
            self.kinds[batch] = kind
        for each, word in changes.items():
            self.past[each].append((word, batch))

    def undone(self, sections: Sequence[str]) -> State:
        """Return what the sections say without their last change (R14); the ground stays (P4)."""
        return {
            each: self.past[each][-2][0] if len(self.past[each]) > 1 else None
            for each in sections
            if len(self.past[each]) > (1 if each in self.grounds else 0)
        }

    def without(self, batch: str) -> State:
        """Return what the sections say without a batch (R12)."""
        now, found = self.state(), State()
        for each, past in self.past.items():
            wrote = [n for n, (_, by) in enumerate(past) if by == batch]
            if not wrote:
                continue
            before = past[wrote[0] - 1][0] if wrote[0] else None
            if now[each] == past[wrote[-1]][0] != before:
                found[each] = before
        return found

    def last(self) -> str | None:
        """Return the batch that is taken back where none is named: if it stands whole (P12)."""
        if not self.kinds or self.kinds[[*self.kinds][-1]] == "rollback":
            return None
        batch, now = [*self.kinds][-1], self.state()
        wrote = {
            each: [word for word, by in past if by == batch] for each, past in self.past.items()
        }
        whole = all(not words or now[each] == words[-1] for each, words in wrote.items())
        return batch if whole else None

    def at(self, moment: Mapping[str, int], sections: Sequence[str]) -> State:
        """Return what changes if sections go back to a moment: what was off then stays."""
        now, then = self.state(), self.state(moment)
        return {e: then[e] for e in sections if then[e] is not None and then[e] != now[e]}


@dataclass
class Page:
    """One page of a real site, and the model beside it."""

    chat: Desk
    parts: Parts
    clock: Later
    model: Model
    number: int = 0
    lines: list[bytes] = field(default_factory=list[bytes])
    """What a person has written outside the sections."""
    seen: list[tuple[State, bytes | None]] = field(
        default_factory=list[tuple[State, "bytes | None"]]
    )
    """What the page was since a person last changed its file."""
    moments: list[tuple[str, dict[str, int]]] = field(
        default_factory=list[tuple[str, dict[str, int]]]
    )
    done: list[str] = field(default_factory=list[str])

    @property
    def path(self) -> Path:
        return self.chat.root / "content" / "menu.md"

    @property
    def data(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    async def play(self, move: Move) -> None:
        """Do a move, and compare."""
        self.clock.ahead_s += 5
        self.done.append(str(move))
        match move:
            case Publish(sections, by_hand):
                await self._publish(sections, by_hand=by_hand)
            case ByHand(section):
                self._edit(section)
            case Bare():
                batch = self.model.last()
                await self._back(self.model.without(batch) if batch else {})
            case Batch(back) if self.model.kinds:
                batch = [*self.model.kinds][-1 - back % len(self.model.kinds)]
                await self._back(self.model.without(batch), batchId=batch)
            case Undo(sections):
                ids = [f"menu/{each}" for each in sections]
                await self._back(self.model.undone(sections), sections=ids)
            case Text(section, back):
                await self._to_text(section, back)
            case Moment(back, sections) if self.moments:
                at, moment = self.moments[-1 - back % len(self.moments)]
                ids = [f"menu/{each}" for each in sections]
                what = {"sections": ids} if ids else {"page": "menu"}
                await self._back(self.model.at(moment, sections or SECTIONS), asOf=at, **what)
            case _:
                pass
        self.note()

    async def check(self, expected: State) -> None:
        """The texts are those of the model, in the database and in the file."""
        lives = await self.parts.entities.get_all(PRODUCTION)
        for each, past in self.model.past.items():
            if past and past[-1][1]:  # what a person wrote is stored with the next batch
                stored = lives.get(f"menu/{each}")
                said = _word(stored.current.markdown) if stored else None
                assert said == expected[each], self._told(f"{each} is {said}")
        data = (self.data or b"").replace(b"\r\n", b"\n").decode("utf-8-sig")
        for each, word in expected.items():
            assert word is None or word in data, self._told(f"{each} does not say {word}: {data!r}")
        ever = {word for past in self.model.past.values() for word, _ in past}
        gone = (ever - {*expected.values(), MET}) & {*data.split()}
        assert not gone, self._told(f"{gone} should be gone: {data!r}")
        if self.data is not None:
            for line in self.lines:
                assert line in self.data, self._told(f"{line!r} is lost: {self.data!r}")

    def check_bytes(self) -> None:
        """Where the page was the same before, and nobody has changed it since, so are its bytes."""
        state = self.model.state()
        earlier = [data for seen, data in self.seen[-BATCHES_MAX:] if seen == state]
        assert not earlier or self.data in earlier, self._told(
            f"{self.data!r} is none of {earlier!r}"
        )

    async def _publish(self, sections: Sequence[str], *, by_hand: bool) -> None:
        words = {each: self._new() for each in sections}
        if any(batch == "" for each in sections for _, batch in self.model.past[each]):
            by_hand = True  # the composer writes over no text of a person
        for each, word in words.items():
            if each == "meta":
                await self.chat.call("edit", section="menu/meta", fields={"description": word})
            elif by_hand:
                text = f"## By hand\n\n{SAYS}{word}\n"
                await self.chat.call("edit", section=f"menu/{each}", text=text)
        texts = [each for each in sections if each != "meta"]
        if texts and not by_hand:
            brief(self.chat.root, **{f"menu_{each}": words[each] for each in texts})
            ids = [f"menu/{each}" for each in texts]
            done = await self.chat.run("generate", sections=ids, mode="new")
            assert done["status"] == "completed", done
        ids = [f"menu/{each}" for each in sections]
        done = await self.chat.run("promote", sections=ids, force=True)
        assert done["status"] == "completed", self._told(str(done))
        self.model.push(done["batchId"], "promote", dict(words))
        await self.check(self.model.state())

    async def _back(self, changes: Mapping[str, str | None], **how: object) -> None:
        done = await self.chat.run("rollback", **how)
        self.model.push(done.get("batchId", ""), "rollback", changes)
        try:
            await self.check(self.model.state())
            self.check_bytes()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{how} answered {done}") from None

    async def _to_text(self, section: str, back: int) -> None:
        past = [word for word, _ in self.model.past[section] if word is not None]
        if not past:
            return
        word = past[-1 - back % len(past)]
        history = await self.parts.entities.history(PRODUCTION, f"menu/{section}")
        found = {e.hash for e in history if e.markdown and _word(e.markdown) == word and e.hash}
        if len(found) != 1:
            return  # a person changed its form, or it is not stored yet
        changes = {section: word} if self.model.state()[section] != word else {}
        await self._back(changes, section=f"menu/{section}", revision=found.pop())

    def _edit(self, section: str | None) -> None:
        data = self.data
        if data is None:
            return
        word = self.model.state()[section] if section else None
        if section is None or word is None or data.count(word.encode()) != 1:
            line = f"# note {self._new()}".encode()
            start = data.find(b"---") + 3
            end = b"\r\n" if b"\r\n" in data else b"\n"
            self.path.write_bytes(data[:start] + end + line + data[start:])
            self.lines.append(line)
        else:
            new = self._new()
            self.path.write_bytes(data.replace(word.encode(), new.encode()))
            self.model.past[section].append((new, ""))
        os.utime(self.path, (self.clock.now(), self.clock.now()))
        self.seen.clear()

    def note(self) -> None:
        self.seen.append((self.model.state(), self.data))
        at = stamp(self.clock.now())
        self.moments.append((at, {each: len(past) for each, past in self.model.past.items()}))

    def _new(self) -> str:
        self.number += 1
        return "word" + "".join(chr(ord("a") + int(digit)) for digit in str(self.number))

    def _told(self, what: str) -> str:
        return "\n".join([what, *(f"  {n}. {each}" for n, each in enumerate(self.done, 1))])


def _word(markdown: str | None) -> str | None:
    if markdown is None:
        return None
    return words_of(markdown).removeprefix("description: ").strip("'\" ")


def site(root: Path, file: str) -> Path:
    """Make a site of one page, whose file is there already or not."""
    small_site(root, {"menu": len(TEXTS)}, **QUICK, embedder="off")
    meta = {"prompt": "Write.", "front_matter": True, "fields": {"description": "line"}}
    (root / "pressroom" / "templates" / "keys.yaml").write_text(yaml.safe_dump(meta), "utf-8")
    said = read_site(root)
    said["pages"][0]["sections"].insert(0, {"id": "meta", "template": "keys"})
    write_site(root, said)
    if (data := FILES[file]) is not None:
        (root / "content").mkdir()
        (root / "content" / "menu.md").write_bytes(data)
    return root


async def play(root: Path, moves: Sequence[Move]) -> None:
    """Play moves on the page of a site."""
    clock = Later()
    async with desk(root, clock=clock) as chat, parts_of(root) as parts:
        page = Page(chat, parts, clock, Model())
        if (data := page.data) is not None:
            page.lines = [line for line in THEIRS if line in data]
            met = SECTIONS[: data.count(MET.encode())]
            page.model.grounds |= {*met}
            page.model.past |= {each: [(MET, "")] for each in met}
        page.note()
        for move in moves:
            await page.play(move)


@given(
    st.sampled_from([*FILES]),
    st.lists(moves, min_size=4, max_size=10),
    st.lists(st.tuples(st.integers(0, 9), by_hand), max_size=1),
)
@settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_any_way_back_leads_to_what_there_was(
    file: str, moves: list[Move], edits: list[tuple[int, Move]]
) -> None:
    """P9, R12, R14, R29: by batch, section, text or moment, over edits of the file by hand."""
    for at, edit in edits:
        moves = [*moves[:at], edit, *moves[at:]]
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(play, site(Path(folder), file), moves)


def test_beyond_the_batches_that_are_looked_through_only_the_spans_are_as_they_were(
    tmp_path: Path,
) -> None:
    """The texts are those of the moment; of a section that came in between its mark is left."""
    files: list[bytes] = []

    async def go_far_back() -> None:
        texts = Publish(("meta", "s1"), by_hand=True)
        later = [Publish(("s3",), by_hand=True), *[texts] * (BATCHES_MAX + 1)]
        await play(
            site(tmp_path, "one"), [*later, Batch(len(later) - 1), Moment(len(later) + 1, ())]
        )
        files.append((tmp_path / "content" / "menu.md").read_bytes())

    anyio.run(go_far_back)
    head, body = (FILES["one"] or b"").split(b"\n\n\n", 1)
    left = b"\n\n\n<!-- section: s1 -->\n\n" + body + b"<!-- section: s3 -->\n\n\n"
    assert files == [head + left]


@pytest.mark.anyio
@pytest.mark.parametrize("tool", ["rollback", "unpublish"])
@pytest.mark.parametrize("is_away", [True, False])
async def test_what_was_taken_off_stays_off_though_its_file_is_made_again(
    tmp_path: Path, tool: str, *, is_away: bool
) -> None:
    """P5, R27: for another text, and without the description; also if the file was away then."""
    root = site(tmp_path, "none")
    async with desk(root) as chat:
        await chat.call("edit", section="menu/meta", fields={"description": "taken off"})
        await chat.call("edit", section="menu/s1", text="## One")
        await chat.run("promote", sections=["menu/meta", "menu/s1"])
        if is_away:
            (root / "content" / "menu.md").unlink()
        await chat.run(tool, page="menu")
        assert not (root / "content" / "menu.md").exists()
        await chat.call("edit", section="menu/s2", text="## Two")
        await chat.run("promote", section="menu/s2")
        made = (root / "content" / "menu.md").read_text("utf-8")
        assert made.startswith("---\ntitle: Menu\n---\n")
        assert made.endswith("<!-- section: s2 -->\n\n## Two\n")


@pytest.mark.anyio
async def test_keys_of_a_file_that_is_away_stay_whose_section_the_site_gets_meanwhile(
    tmp_path: Path,
) -> None:
    """P5: they were never taken off; a page that others had marked as a draft is one again."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK, embedder="off")
    file = root / "content" / "menu.md"
    file.parent.mkdir()
    file.write_text("---\ntitle: Menu\ndraft: true\n---\n\nOld.\n", "utf-8")
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text="New.")
        await chat.run("promote", section="menu/s1")
        file.unlink()
        await chat.call("review", page="menu")
        meta = {"prompt": "Write.", "front_matter": True, "fields": {"draft": "line"}}
        (root / "pressroom" / "templates" / "keys.yaml").write_text(yaml.safe_dump(meta), "utf-8")
        said = read_site(root)
        said["pages"][0]["sections"].insert(0, {"id": "meta", "template": "keys"})
        write_site(root, said)
        await chat.call("edit", section="menu/s1", text="Newer.")
        await chat.run("promote", section="menu/s1")
    assert file.read_text("utf-8") == "---\ntitle: Menu\ndraft: true\n---\n\nNewer.\n"
