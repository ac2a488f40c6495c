"""What an owner does with a site that Pressroom works on, stage by stage.

Each stage leaves the files as it found them, or commits them; each says what it counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from random import Random
from typing import Any

from tests.harness import Desk, ToolRefused
from tests.sites.byte_checks import BOM, halves, only_body_differs, only_keys_differ
from tests.sites.owner import BROKEN, Owner, formatted, phrase_in
from tests.sites.told_anew import SENTENCE

KEYS = ("title", "description", "summary", "excerpt")
DRAFTED = (".md", ".markdown", ".mdx")
ENDED = {"completed", "failed", "cancelled", "paused"}
BLOCKED = re.compile(r"^  (?P<file>.+?\.\w+):\d+: (?P<reason>.+)$", re.MULTILINE)
"""A line of what `init` says of files that cannot be worked on."""


@dataclass
class Visit:
    """One site under test."""

    owner: Owner
    desk: Desk
    random: Random
    counts: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])

    def expect(self, so: bool, what: str) -> None:
        """Note a problem, and go on."""
        if not so:
            self.problems.append(f"{self.owner.built.root.name}: {what}")

    def same_tree(self, before: Mapping[str, bytes], after: str) -> None:
        """Every file is as it was, byte for byte."""
        self.same(before, self.owner.tree(), after)

    def same(self, before: Mapping[str, bytes], now: Mapping[str, bytes], after: str) -> None:
        """These files are the same, byte for byte."""
        differs = [path for path in before.keys() | now.keys() if before.get(path) != now.get(path)]
        self.expect(not differs, f"{after}: {len(differs)} files differ: {sorted(differs)[:5]}")

    async def until_done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a queueing tool; return the answer at the end of its batch."""
        answer = await self.desk.run(tool, **arguments)
        while "batchId" in answer and answer.get("status") not in ENDED:
            now = await self.desk.call("status", batchId=answer["batchId"], waitSeconds=45)
            answer |= {"status": now["operations"][0]["status"], "now": now}
        return answer

    async def row(self, section: str) -> dict[str, Any]:
        """Return a section as `review` shows it."""
        answer = await self.desk.call("review", section=section)
        return answer["sections"][0]

    async def history(self, section: str) -> str:
        """Return all that `review` tells of a section's past."""
        said, cursor = list[str](), 0
        while cursor is not None:
            past = {"section": section, "history": True, "cursor": cursor}
            answer = await self.desk.call("review", **past)
            said.append(json.dumps(answer["sections"]))
            cursor = answer.get("nextCursor")
        return "\n".join(said)

    async def without_draft(self, section: str) -> None:
        """Discard what earlier stages drafted: an edit would start from it."""
        for _ in range(20):
            row = await self.row(section)
            if row["state"] in {"live", "missing"}:
                return
            await self.desk.call("edit", section=section, discard=True)

    def drafted(self, *without: str) -> list[str]:
        """Return the files of pages that can be worked on, with none of these traits."""
        pages = self.owner.built.pages
        return [
            path
            for path in sorted(pages)
            if path.endswith(DRAFTED) and pages[path].isdisjoint({*BROKEN, *without})
        ]


def page_of(file: str) -> str:
    """Return the id of the page in a file."""
    id = str(PurePosixPath(file).with_suffix(""))
    return id.removesuffix("/index")


# 1: in as it is


async def imported(visit: Visit, *arguments: str) -> None:
    """Everything is looked at and promoted: no byte of the content folder changes."""
    before = visit.owner.tree()
    said = visit.owner.init(*arguments)
    visit.expect("is a workspace now" in said, f"init: {said}")
    visit.same_tree(before, "init")
    pages = visit.owner.built.pages
    broken = {path for path, traits in pages.items() if not traits.isdisjoint(BROKEN)}
    blocked = {found["file"]: found["reason"] for found in BLOCKED.finditer(said)}
    visit.expect(blocked.keys() == broken, f"blocked: {blocked}, and are to be: {broken}")
    visit.counts["files"] += len(pages)
    visit.counts.update(f"not readable: {reason}" for reason in blocked.values())


async def promoted_whole(visit: Visit) -> None:
    """Nothing is to be promoted, and nothing changes."""
    before = visit.owner.tree()
    answer = await visit.desk.call("review")
    visit.counts["sections"] += sum(answer["counts"].values())
    visit.expect(set(answer["counts"]) <= {"live", "missing"}, f"review: {answer['counts']}")
    answer = await visit.until_done("promote")
    visit.expect(answer["totalSections"] == 0, f"promote all: {answer['message']}")
    answer = await visit.until_done("promote", force=True)
    visit.expect(answer["totalSections"] == 0, f"promote all by force: {answer['message']}")
    visit.same_tree(before, "promote of everything")
    visit.expect(visit.owner.status() == "", f"git status: {visit.owner.status()[:200]}")


# 2: redrafting


@dataclass(frozen=True, slots=True)
class Redraft:
    """A section that was redrafted, and how."""

    file: str
    section: str
    how: str
    phrase: bytes = b""

    @property
    def id(self) -> str:
        """The section with its page."""
        return f"{page_of(self.file)}/{self.section}"

    def holds(self, old: bytes, new: bytes) -> bool:
        """Whether the file changed as asked, and nowhere else."""
        match self.how:
            case "replace":
                return new == old.replace(self.phrase, self.phrase + b" anew")
            case "keys":
                return old != new and only_keys_differ(old, new, KEYS)
            case "model keys":
                return old != new and SENTENCE.encode() in new and only_keys_differ(old, new, KEYS)
            case "model":
                _, was = halves(old)
                _, now = halves(new)
                end = b"\r\n" if b"\r\n" in was else b"\n"
                kept = was.removeprefix(BOM).strip()
                sentence = (end + end if kept else b"") + SENTENCE.encode()
                said = now.removeprefix(BOM).strip()
                return said == kept + sentence and only_body_differs(old, new)
            case _:
                return b"All new." in new and old != new and only_body_differs(old, new)


async def redraft(visit: Visit, files: Sequence[str], *, model: bool = False) -> list[Redraft]:
    """Redraft a section of each of these files, each in another way."""
    done = list[Redraft]()
    for number, file in enumerate(files):
        ways = ("replace", "keys", "replace", "text")
        how = ways[number % len(ways)]
        if model:
            how = "model keys" if number % 3 == 0 else "model"
        if each := await _redrafted(visit, file, how):
            done.append(each)
    visit.counts["redrafted"] += len(done)
    return done


async def _redrafted(visit: Visit, file: str, how: str) -> Redraft | None:
    data = visit.owner.path(file).read_bytes()
    page, call = page_of(file), visit.desk.call
    traits = visit.owner.built.pages.get(file, frozenset[str]())
    try:
        rows = (await call("review", page=page)).get("sections", [])
    except ToolRefused:
        visit.counts["no pages of ours"] += 1
        return None
    sections = [row["section"].rpartition("/")[2] for row in rows]
    if how.endswith("keys") and ("meta" not in sections or "toml" in traits):
        how = "model" if how.startswith("model") else "replace"
    phrase = phrase_in(data, len(halves(data)[0])) if how == "replace" else None
    if how == "replace" and phrase is None:
        how = "text"
    each = Redraft(file, "meta" if how.endswith("keys") else "body", how, phrase or b"")
    await visit.without_draft(each.id)
    match how:
        case "replace":
            change = {"old": each.phrase.decode(), "new": f"{each.phrase.decode()} anew"}
            await call("edit", section=each.id, replace=[change])
        case "keys":
            await call("edit", section=each.id, fields={"title": f"Of {len(data)}: 'new'"})
        case "text":
            await call("edit", section=each.id, text="All new.\n\n- one\n- two")
        case _:
            wishes = {"instructions": "Say it anew.", "mode": "with-current"}
            answer = await visit.until_done("generate", section=each.id, **wishes)
            if answer["status"] != "completed":
                rows = await visit.desk.sections(answer["batchId"])
                visit.expect(False, f"generate {each.id}: {json.dumps(rows)[:600]}")
                return None
    return each


async def promote(visit: Visit, redrafts: Sequence[Redraft], **more: Any) -> str:
    """Promote these drafts; only their spans differ. Returns the batch."""
    before = visit.owner.tree()
    named = [each.id for each in redrafts]
    answer = await visit.until_done("promote", sections=named, **more)
    if answer["status"] != "completed" or answer.get("totalSections") != len(named):
        visit.expect(False, f"promote: {json.dumps(answer)[:1500]}")
    by_file = {each.file: each for each in redrafts}
    now = visit.owner.tree()
    for path in before.keys() | now.keys():
        old, new = before.get(path), now.get(path)
        if path not in by_file:
            visit.expect(old == new, f"promote changed {path}, which nobody asked for")
        elif old is None or new is None or not by_file[path].holds(old, new):
            visit.expect(False, f"promote {by_file[path]}: {_difference(old, new)}")
        else:
            visit.counts["spans written"] += 1
    return answer["batchId"]


def _difference(old: bytes | None, new: bytes | None) -> str:
    if old is None or new is None:
        return f"was {old and old[:80]}, is {new and new[:80]}"
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
    start = min(len(old), len(new)) if start is None else start
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    was, now = old[start : len(old) - end], new[start : len(new) - end]
    return f"at {start}: {was[:200]!r} is {now[:200]!r}"


async def redrafted_and_back(visit: Visit, count: int, *, model: bool = False) -> None:
    """Only the spans that were asked for change, and a rollback brings back every byte."""
    before = visit.owner.tree()
    files = visit.drafted()
    files = visit.random.sample(files, min(count, len(files)))
    done = await redraft(visit, files, model=model)
    if not done:
        return
    batch = await promote(visit, done)
    after = visit.owner.tree()
    answer = await visit.until_done("rollback", batchId=batch)
    visit.expect(answer["status"] == "completed", f"rollback: {json.dumps(answer)[:800]}")
    visit.same_tree(before, "rollback of the batch")
    visit.expect(visit.owner.status() == "", f"git status: {visit.owner.status()[:200]}")
    again = await visit.until_done("rollback", batchId=answer["batchId"])
    visit.expect(again["status"] == "completed", f"back again: {json.dumps(again)[:800]}")
    visit.same_tree(after, "rollback of the rollback")
    await visit.until_done("rollback", batchId=again["batchId"])
    visit.same_tree(before, "rollback of the rollback of the rollback")
    visit.counts["files restored"] += len(done)


# 3: others change the same files meanwhile


async def edited_elsewhere(visit: Visit, count: int) -> None:
    """What somebody changed outside the spans stays, and a rollback does the rest."""
    pages = visit.owner.built.pages
    files = [path for path in visit.drafted("toml") if "none" not in pages[path]]
    files = visit.random.sample(files, min(count, len(files)))
    files = [f for f in files if halves(visit.owner.path(f).read_bytes())[0]]
    before = visit.owner.tree()
    done = await redraft(visit, files)
    if not done:
        return
    batch = await promote(visit, done)
    edits = {each.file: _other_edit(visit, each) for each in done}
    for file, edit in edits.items():
        visit.owner.save_by_rename(file, edit(visit.owner.path(file).read_bytes()))
    answer = await visit.until_done("rollback", batchId=batch)
    visit.expect(answer["status"] == "completed", f"rollback: {json.dumps(answer)[:800]}")
    now = visit.owner.tree()
    for each in done:
        wanted = edits[each.file](before[each.file])
        if now[each.file] != wanted:
            why = _difference(wanted, now[each.file])
            visit.expect(False, f"rollback after an unrelated edit, {each}: {why}")
    rest = {path: data for path, data in now.items() if path not in edits}
    visit.same(rest, {p: d for p, d in before.items() if p not in edits}, "beside unrelated edits")
    visit.counts["rolled back under edits"] += len(done)
    visit.owner.git("checkout", "--", ".")
    visit.same_tree(before, "git checkout -- .")


def _other_edit(visit: Visit, each: Redraft) -> Callable[[bytes], bytes]:
    """Return how somebody changes the part of a file that was not redrafted."""
    phrase = phrase_of(visit, each.file)
    if each.section != "meta" or not phrase:
        return _with_key
    return lambda data: data.replace(phrase, b"mended by hand")


def _with_key(data: bytes) -> bytes:
    """Return a file with one line more in its front matter."""
    front, body = halves(data)
    lines = front.splitlines(keepends=True)
    end = b"\r\n" if lines[0].endswith(b"\r\n") else b"\n"
    return b"".join([*lines[:-1], b"reviewed_by: Rosa  # by hand" + end, lines[-1]]) + body


async def git_back_and_forth(visit: Visit, count: int) -> None:
    """Stash and pop, another branch and back: the batch can be rolled back as if nothing was."""
    owner, before = visit.owner, visit.owner.tree()
    files = visit.random.sample(visit.drafted(), count)
    done = await redraft(visit, files)
    batch = await promote(visit, done)
    after = owner.tree()
    owner.git("stash")
    visit.same_tree(before, "git stash")
    for each in done[:5]:
        row = await visit.row(each.id)
        visit.expect(row["state"] != "draft", f"after git stash {each.id} is {row['state']}")
    answer = await visit.until_done("promote", dryRun=True)
    drafts = [p for p in answer.get("sections", []) if p["section"] in {e.id for e in done}]
    visit.expect(not drafts, f"a bulk promote would undo git stash: {json.dumps(drafts)[:300]}")
    owner.git("stash", "pop")
    visit.same_tree(after, "git stash pop")
    owner.git("checkout", "-q", "-b", "winter")
    owner.git("commit", "-qam", "Redrafted")
    owner.git("checkout", "-q", "-")
    visit.same_tree(before, "git checkout of main")
    for each in done:
        await visit.row(each.id)
    owner.git("checkout", "-q", "winter")
    visit.same_tree(after, "git checkout of winter")
    answer = await visit.until_done("rollback", batchId=batch)
    visit.expect(answer["status"] == "completed", f"rollback: {json.dumps(answer)[:800]}")
    visit.same_tree(before, "rollback after stash, pop and checkout")
    owner.git("checkout", "-q", "--", ".")
    owner.git("checkout", "-q", "-")
    owner.git("branch", "-qD", "winter")
    visit.same_tree(before, "main again")
    visit.counts["files under git"] += len(done)


async def pulled_with_conflict(visit: Visit) -> None:
    """A page with conflict markers is blocked, and others go on; resolved, it works."""
    owner = visit.owner
    files = [f for f in visit.drafted("crlf") if phrase_of(visit, f)]
    torn, other = visit.random.sample(files, 2)
    phrase = phrase_of(visit, torn)
    data = owner.path(torn).read_bytes()
    owner.git("checkout", "-q", "-b", "theirs")
    owner.path(torn).write_bytes(data.replace(phrase, b"Their words"))
    owner.git("commit", "-qam", "Theirs")
    owner.git("checkout", "-q", "-")
    owner.path(torn).write_bytes(data.replace(phrase, b"Our words"))
    owner.git("commit", "-qam", "Ours")
    await visit.without_draft(f"{page_of(torn)}/body")
    owner.git("merge", "theirs", ok=False)
    markers = owner.path(torn).read_bytes()
    visit.expect(b"<<<<<<< " in markers, "git merge made no conflict")
    refused = await visit.desk.refused("edit", section=f"{page_of(torn)}/body", text="New.")
    visit.expect("merge is under way" in refused, f"edit under a merge: {refused}")
    row = await visit.row(f"{page_of(torn)}/body")
    visit.expect("merge" in json.dumps(row), f"review under a merge: {json.dumps(row)[:400]}")
    done = await redraft(visit, [other])
    before = owner.tree()
    answer = await visit.until_done("promote")
    visit.expect(answer["status"] == "completed", f"under a merge: {json.dumps(answer)[:800]}")
    visit.expect(owner.path(torn).read_bytes() == markers, "the file under a merge was written")
    changed = {path for path, data in owner.tree().items() if data != before[path]}
    said = f"{changed}, not {done}: {json.dumps(answer)[:900]}"
    visit.expect(changed == {other}, f"under a merge promote changed {said}")
    owner.path(torn).write_bytes(data.replace(phrase, b"Words of both"))
    owner.git("commit", "-qam", "Merged")
    again = Redraft(torn, "body", "replace", b"Words of both")
    change = {"old": "Words of both", "new": "Words of both anew"}
    await visit.desk.call("edit", section=again.id, replace=[change])
    await promote(visit, [again])
    owner.git("commit", "-qam", "Redrafted")
    visit.counts["merges"] += 1


def phrase_of(visit: Visit, file: str) -> bytes:
    """Return some words of a page's prose that stand there once; nothing if there are none."""
    data = visit.owner.path(file).read_bytes()
    return phrase_in(data, len(halves(data)[0])) or b""


# 4: editors


async def edited_by_hand(visit: Visit) -> None:
    """Whatever way an editor saves, its text is taken over, and nothing is reverted or lost."""
    owner = visit.owner
    files = visit.random.sample([f for f in visit.drafted() if phrase_of(visit, f)], 4)
    waysets = (
        owner.save_by_rename,
        owner.truncate_then_write,
        owner.with_backups,
        owner.with_old_times,
    )
    for way, file in zip(waysets, files, strict=True):
        id, phrase = f"{page_of(file)}/body", phrase_of(visit, file)
        await visit.without_draft(id)
        await visit.desk.call("edit", section=id, text="A draft that waits.")
        data = owner.path(file).read_bytes()
        mended = data.replace(phrase, (b"mended by hand " * 9)[: len(phrase)])  # as long as it was
        way(file, mended)
        answer = await visit.until_done("promote", section=id)
        visit.expect(
            owner.path(file).read_bytes() == mended, f"{way.__name__} {file} was written over"
        )
        visit.expect(
            "conflict" in json.dumps(answer), f"{way.__name__}: {json.dumps(answer)[:500]}"
        )
        history = await visit.history(id)
        authors = [word for word in ('"file', "adopted", "chat") if word in history]
        visit.expect(len(authors) == 3, f"history of {id} after {way.__name__}: {history[:900]}")
        await visit.desk.call("edit", section=id, discard=True)
    owner.git("commit", "-qam", "By hand")
    owner.git("clean", "-fdq", "--", owner.built.content or ".", "-e", "pressroom*")
    visit.counts["edits by hand"] += len(waysets)


async def formatted_and_crlf(visit: Visit, count: int) -> None:
    """Drafts do not become conflicts by form alone (P10)."""
    owner = visit.owner
    files = [f for f in visit.drafted("crlf", "bom") if phrase_of(visit, f)]
    for name, form in (("formatter", formatted), ("crlf", _crlf)):
        some = visit.random.sample(files, min(count, len(files)))
        start = owner.tree()
        done = [d for f in some if (d := await _redrafted(visit, f, "replace"))]
        for file in files:
            owner.save_by_rename(file, form(owner.path(file).read_bytes()))
        mine = {each.file for each in done}
        rest = {path: data for path, data in owner.tree().items() if path not in mine}
        answer = await visit.until_done("promote", sections=[each.id for each in done])
        visit.expect(
            answer["status"] == "completed" and answer.get("totalSections") == len(done),
            f"promote after {name}: {json.dumps(answer)[:1200]}",
        )
        for each in done:
            now = owner.path(each.file).read_bytes()
            visit.expect(each.phrase + b" anew" in now, f"{name}: {each} is not there")
            wanted = form(start[each.file])
            right = each.holds(wanted, now) if name == "crlf" else only_body_differs(wanted, now)
            visit.expect(right, f"{name}: {_difference(wanted, now)}")
        if "batchId" in answer:
            back = await visit.until_done("rollback", batchId=answer["batchId"])
            visit.expect(back["status"] == "completed", f"{name}: {json.dumps(back)[:600]}")
            for each in done:
                wanted, now = form(start[each.file]), owner.path(each.file).read_bytes()
                visit.expect(now == wanted, f"back after {name} {each}: {_difference(wanted, now)}")
        now = {path: data for path, data in owner.tree().items() if path not in mine}
        visit.same(rest, now, f"beside what was promoted after {name}")
        owner.git("checkout", "-q", "--", ".")
        visit.same_tree(start, f"checkout after {name}")
        visit.counts[f"files under {name}"] += len(files)


def _crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
