"""Files that are met half-way: half saved, saved from an old buffer, torn by a merge, left over."""

from __future__ import annotations

import json

import anyio

from tests.sites.byte_checks import halves
from tests.sites.owner import formatted
from tests.sites.stages import Redraft, Visit, page_of, phrase_of, promote


async def half_saved(visit: Visit) -> None:
    """A file that is empty, or half there, is not written; its whole text is taken over then."""
    owner, desk = visit.owner, visit.desk
    for file in visit.random.sample([f for f in visit.drafted() if phrase_of(visit, f)], 3):
        id, phrase, data = f"{page_of(file)}/body", phrase_of(visit, file), owner.path(file)
        await visit.without_draft(id)
        await desk.call("edit", section=id, text="A draft that waits.")
        mended = data.read_bytes().replace(phrase, b"mended in two steps")
        before = owner.tree() | {file: mended}
        with owner.path(file).open("wb") as opened:
            await _refused(visit, id, "empty")
            visit.expect(data.read_bytes() == b"", f"{file} was written while it was being saved")
            opened.write(mended[: len(mended) // 2])
            opened.flush()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_refused, visit, id, "half")
                opened.write(mended[len(mended) // 2 :])
                opened.flush()
        visit.same_tree(before, f"{file}, saved in two steps")
        row = await visit.row(id)
        visit.expect("mended in two steps" in row["live"], f"half saved: {json.dumps(row)[:400]}")
        visit.expect(row["state"] == "outdated", f"half saved: {json.dumps(row)[:400]}")
        await visit.without_draft(id)
    owner.git("checkout", "-q", "--", ".")
    visit.counts["half saved"] += 3


async def _refused(visit: Visit, id: str, how: str) -> None:
    answer = await visit.until_done("promote", section=id)
    said = json.dumps(answer)
    why = "it is empty though it had text" if how == "empty" else "conflict"
    visit.expect(why in said, f"promote of {how} {id}: {said[:600]}")


async def torn_batch(visit: Visit, count: int) -> None:
    """A pull that clashes with one page of a batch: it goes back in two steps, byte for byte."""
    owner, before = visit.owner, visit.owner.tree()
    files = [f for f in visit.drafted("crlf") if phrase_of(visit, f)]
    files = visit.random.sample(files, count)
    done = [Redraft(f, "body", "replace", phrase_of(visit, f)) for f in files]
    torn = done[0]
    owner.git("checkout", "-q", "-b", "summer")
    data = owner.path(torn.file).read_bytes()
    owner.path(torn.file).write_bytes(data.replace(torn.phrase, b"Words of summer"))
    owner.git("commit", "-qam", "Theirs")
    owner.git("checkout", "-q", "-")
    for each in done:
        await visit.without_draft(each.id)
        change = {"old": each.phrase.decode(), "new": f"{each.phrase.decode()} anew"}
        await visit.desk.call("edit", section=each.id, replace=[change])
    batch = await promote(visit, done)
    owner.git("commit", "-qam", "Redrafted")
    owner.git("merge", "summer", ok=False)
    markers = owner.path(torn.file).read_bytes()
    visit.expect(b"<<<<<<< " in markers, "git merge made no conflict")
    answer = await visit.until_done("rollback", batchId=batch)
    said = json.dumps(answer)
    visit.expect("merge is under way" in said, f"rollback under a merge: {said[:600]}")
    visit.same_tree(before | {torn.file: markers}, "rollback of the rest of a batch")
    owner.path(torn.file).write_bytes(data.replace(torn.phrase, torn.phrase + b" anew"))
    answer = await visit.until_done("rollback", batchId=batch)
    visit.expect(answer["status"] == "completed", f"rollback: {json.dumps(answer)[:800]}")
    visit.same_tree(before, "rollback of a batch after a merge")
    owner.git("commit", "-qam", "Merged, and taken back")
    owner.git("branch", "-qD", "summer")
    visit.counts["batches torn by a merge"] += 1


async def old_buffer(visit: Visit) -> None:
    """An editor that had the file open before a promote saves: its text is live, none is lost."""
    owner, desk = visit.owner, visit.desk
    files = [f for f in visit.drafted("crlf", "bom") if phrase_of(visit, f)]
    for file in visit.random.sample(files, 3):
        id, phrase, path = f"{page_of(file)}/body", phrase_of(visit, file), owner.path(file)
        await visit.without_draft(id)
        buffer = path.read_bytes()
        change = {"old": phrase.decode(), "new": f"{phrase.decode()} anew"}
        await desk.call("edit", section=id, replace=[change])
        batch = await promote(visit, [Redraft(file, "body", "replace", phrase)])
        promoted, hashes = path.read_bytes(), [(await visit.row(id))["liveHash"]]
        saved = formatted(buffer.replace(phrase, b"from an old buffer"))
        owner.save_by_rename(file, saved)
        answer = await visit.until_done("promote")
        visit.expect(path.read_bytes() == saved, f"{file}, saved from an old buffer, was written")
        visit.expect(answer["totalSections"] == 0, f"old buffer: {json.dumps(answer)[:600]}")
        row = await visit.row(id)
        visit.expect(row["state"] == "live", f"old buffer: {json.dumps(row)[:400]}")
        hashes.append(row["liveHash"])
        answer = await visit.until_done("rollback", batchId=batch)
        visit.expect("changed again" in json.dumps(answer), f"old buffer: {json.dumps(answer)}")
        await visit.until_done("rollback", section=id)
        visit.expect(path.read_bytes() != saved, f"old buffer: {id} cannot be brought back")
        visit.expect(
            halves(path.read_bytes())[1].strip() == halves(promoted)[1].strip(),
            f"old buffer: what was promoted of {id} did not come back",
        )
        history = await visit.history(id)
        kept = hashes[0] != hashes[1] and all(hash in history for hash in hashes)
        visit.expect(kept, f"old buffer: {hashes} in {history[:900]}")
    owner.git("checkout", "-q", "--", ".")
    visit.counts["saved from an old buffer"] += 3


async def leftovers(visit: Visit) -> None:
    """Files that tools leave beside a page for a while are written by nobody, and block no page."""
    owner, before = visit.owner, visit.owner.tree()
    file = visit.random.choice([f for f in visit.drafted("mdx", "bundle") if phrase_of(visit, f)])
    path, stem = owner.path(file), owner.path(file).stem
    names = [f"{stem}_{each}_4711{path.suffix}" for each in ("BACKUP", "BASE", "LOCAL", "REMOTE")]
    names += [f"._{path.name}", f"{path.name}.orig", f"{path.name}.rej", "4913", f"{stem} copy.md"]
    for name in names:
        data = b"\x00\x05\x16\x07\xff" if name.startswith("._") else path.read_bytes()
        path.with_name(name).write_bytes(data)
    there = owner.tree()
    done = Redraft(file, "body", "replace", phrase_of(visit, file))
    await visit.without_draft(done.id)
    change = {"old": done.phrase.decode(), "new": f"{done.phrase.decode()} anew"}
    await visit.desk.call("edit", section=done.id, replace=[change])
    batch = await promote(visit, [done])
    await visit.until_done("promote", force=True)
    await visit.until_done("rollback", batchId=batch)
    visit.same_tree(there, "beside what a tool left")
    for name in names:
        path.with_name(name).unlink()
    answer = await visit.until_done("promote")
    visit.expect(answer["totalSections"] == 0, f"after leftovers: {json.dumps(answer)[:600]}")
    visit.same_tree(before, "after what a tool left")
    visit.counts["leftovers"] += len(names)
