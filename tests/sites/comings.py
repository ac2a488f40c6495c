"""Files of collections that come, go, move and clash; pages that are split by their headings."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from tests.sites.byte_checks import halves
from tests.sites.owner import phrase_in
from tests.sites.stages import Redraft, Visit, page_of, phrase_of, promote

NEW = b"---\ntitle: A new page\n---\n\nIt came by hand, as pages come, and says a thing or two.\n"


async def come_and_go(visit: Visit) -> None:
    """A new file is a page; one that goes away is missing, and comes back by name only (P5)."""
    owner, desk, before = visit.owner, visit.desk, visit.owner.tree()
    near = visit.random.choice([f for f in visit.drafted("mdx", "bundle") if "/" in f])
    new = str(PurePosixPath(near).with_name("zz-new-page.md"))
    owner.path(new).write_bytes(NEW)
    row = await visit.row(f"{page_of(new)}/body")
    visit.expect(row["state"] == "live", f"a new file: {json.dumps(row)[:300]}")
    phrase = phrase_in(NEW, len(halves(NEW)[0])) or b""
    made = Redraft(new, "body", "replace", phrase)
    change = {"old": phrase.decode(), "new": f"{phrase.decode()} anew"}
    await desk.call("edit", section=made.id, replace=[change])
    await promote(visit, [made])
    written = owner.path(new).read_bytes()
    owner.path(new).unlink()
    row = await visit.row(made.id)
    visit.expect("missing" in json.dumps(row), f"a file that went: {json.dumps(row)[:300]}")
    await visit.until_done("promote")
    visit.expect(not owner.path(new).exists(), "a bulk promote wrote a file that somebody removed")
    answer = await visit.until_done("promote", page=page_of(new))
    visit.expect(
        owner.path(new).exists() and phrase in owner.path(new).read_bytes(),
        f"promote of the page that is missing: {json.dumps(answer)[:500]}",
    )
    kept = owner.path(new).read_bytes() if owner.path(new).exists() else b""
    visit.expect(kept == written, f"a file that came back: {kept!r}, was {written!r}")
    owner.path(new).unlink(missing_ok=True)
    visit.same_tree(before, "a file that came and went")
    visit.counts["files that came and went"] += 1


async def renamed(visit: Visit) -> None:
    """The page under its new name has the texts, and what was drafted."""
    owner, desk, before = visit.owner, visit.desk, visit.owner.tree()
    files = visit.drafted("mdx", "bundle", "toml") or visit.drafted("mdx", "bundle")
    old = visit.random.choice([f for f in files if "/" in f])
    await visit.without_draft(f"{page_of(old)}/body")
    await desk.call("edit", section=f"{page_of(old)}/body", text="A draft that waits.")
    new = str(PurePosixPath(old).with_name("zz-renamed-page.md"))
    owner.path(old).rename(owner.path(new))
    row = await visit.row(f"{page_of(new)}/body")
    visit.expect(
        row["state"] in {"changed", "draft"}, f"rename: the draft: {json.dumps(row)[:400]}"
    )
    answer = json.dumps(await desk.call("review", section=f"{page_of(new)}/body", history=True))
    visit.expect("A draft that waits" in answer, f"rename: the history: {answer[:400]}")
    owner.path(new).rename(owner.path(old))
    row = await visit.row(f"{page_of(old)}/body")
    visit.expect(row["state"] in {"changed", "draft"}, f"renamed back: {json.dumps(row)[:400]}")
    await visit.without_draft(f"{page_of(old)}/body")
    visit.same_tree(before, "a file that was renamed")
    visit.counts["files renamed"] += 1


async def folder_away(visit: Visit) -> None:
    """A folder that is unmounted and comes back: nothing is written, nothing is lost."""
    owner, before = visit.owner, visit.owner.tree()
    folders = {str(PurePosixPath(f).parent) for f in visit.drafted() if "/" in f}
    folder = visit.random.choice(sorted(folders))
    files = [f for f in visit.drafted() if str(PurePosixPath(f).parent) == folder]
    for file in files[:3]:  # what was never stored is a page as long as its file is there
        await visit.without_draft(f"{page_of(file)}/body")
        await visit.desk.call("edit", section=f"{page_of(file)}/body", text="A draft.")
        await visit.desk.call("edit", section=f"{page_of(file)}/body", discard=True)
    aside = owner.root.parent / f"{owner.root.name} aside"
    owner.path(folder).rename(aside)
    rows = [await visit.row(f"{page_of(file)}/body") for file in files[:3]]
    visit.expect(
        all("missing" in json.dumps(row) for row in rows), f"away: {json.dumps(rows)[:400]}"
    )
    await visit.until_done("promote")
    visit.expect(not owner.path(folder).exists(), "a bulk promote made a folder that was away")
    aside.rename(owner.path(folder))
    for file in files[:3]:
        row = await visit.row(f"{page_of(file)}/body")
        there = "is missing" not in json.dumps({**row, "live": "", "draft": ""})
        visit.expect(there, f"back: {json.dumps(row)[:400]}")
    visit.same_tree(before, "a folder that was away")
    visit.counts["folders away"] += 1


async def two_for_one(visit: Visit) -> None:
    """`x.md` and `x/index.md` block each other, and nobody else."""
    owner, desk = visit.owner, visit.desk
    file = visit.random.choice([f for f in visit.drafted("bundle") if "/" in f])
    id = f"{page_of(file)}/body"
    await visit.without_draft(id)
    other = f"{page_of(file)}/index.md"
    owner.path(other).parent.mkdir(exist_ok=True)
    owner.path(other).write_bytes(NEW)
    refused = await desk.refused("edit", section=id, text="New.")
    visit.expect("two files claim one page" in refused, f"two files for one id: {refused}")
    row = await visit.row(id)
    visit.expect("two files" in json.dumps(row), f"review of two files: {json.dumps(row)[:400]}")
    answer = await visit.until_done("promote")
    visit.expect(answer["status"] == "completed", f"beside two files: {json.dumps(answer)[:400]}")
    owner.path(other).unlink()
    await desk.call("edit", section=id, text="New.")
    await desk.call("edit", section=id, discard=True)
    owner.path(other).parent.rmdir() if not any(owner.path(other).parent.iterdir()) else None
    visit.counts["two files for one page"] += 1


async def odd_pages(visit: Visit) -> None:
    """HTML is left alone; TOML is no text of ours, and its body is; drafts are shown as such."""
    owner, desk, pages = visit.owner, visit.desk, visit.owner.built.pages
    for file in [f for f in pages if f.endswith(".html")][:2]:
        said = await desk.refused("edit", section=f"{page_of(file)}/body", text="New.")
        visit.expect("There is no " in said or "html" in said.lower(), f"HTML: {said}")
    drafted = [f for f in visit.drafted() if "draft" in pages[f]][:2]
    for file in drafted:
        row = json.dumps((await desk.call("review", page=page_of(file)))["sections"])
        visit.expect("not published" in row, f"draft: true is not shown: {row[:400]}")
    for file in [f for f in visit.drafted() if "toml" in pages[f] and phrase_of(visit, f)][:2]:
        phrase = phrase_of(visit, file)
        each = Redraft(file, "body", "replace", phrase)
        await visit.without_draft(each.id)
        change = {"old": phrase.decode(), "new": f"{phrase.decode()} anew"}
        await desk.call("edit", section=each.id, replace=[change])
        batch, before = "", owner.tree()
        batch = await promote(visit, [each])
        await visit.until_done("rollback", batchId=batch)
        visit.same_tree(before, "rollback under TOML")
    visit.counts["odd pages"] += len(drafted)


async def split(visit: Visit, count: int) -> None:
    """A section is what follows a heading; others, and the headings, stay."""
    before = visit.owner.tree()
    answer = await visit.until_done("promote")
    visit.expect(answer["totalSections"] == 0, f"split, promote all: {answer['message']}")
    files = [f for f in visit.drafted("no h2", "front only") if phrase_of(visit, f)]
    done: list[Redraft] = []
    for file in visit.random.sample(files, min(count, len(files))):
        data = visit.owner.path(file).read_bytes()
        rows = (await visit.desk.call("review", page=page_of(file)))["sections"]
        phrase = phrase_of(visit, file)
        holding = [r for r in rows if phrase.decode() in str(r.get("live", ""))]
        visit.counts["split sections"] += len(rows)
        if len(holding) != 1 or b"\n## " not in data:
            continue
        each = Redraft(file, holding[0]["section"].rpartition("/")[2], "replace", phrase)
        change = {"old": phrase.decode(), "new": f"{phrase.decode()} anew"}
        await visit.desk.call("edit", section=each.id, replace=[change])
        done.append(each)
    visit.expect(bool(done), "no split page could be edited")
    batch = await promote(visit, done)
    answer = await visit.until_done("rollback", batchId=batch)
    visit.expect(answer["status"] == "completed", f"split, rollback: {json.dumps(answer)[:500]}")
    visit.same_tree(before, "split, rollback")
