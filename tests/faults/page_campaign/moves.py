"""What is done to a site, one by one: by its tools, by people, by git."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tests.faults.page_campaign.hands import Refused, pause
from tests.faults.page_campaign.life import Life, Violation, page_of
from tests.faults.page_campaign.stored import (
    DRAFT,
    LIVE,
    heads,
    history,
    is_of_now,
    kept_pages,
    of_batch,
)
from tests.faults.page_campaign.told import (
    CONFLICT,
    META,
    canonical,
    formatted,
    other_ends,
    shown,
    texts_of,
    with_text,
    wrong_between,
)

WINDOW_S = 0.1
Move = Callable[[Life], None]
BOM = b"\xef\xbb\xbf"


# By the tools


def edit(life: Life) -> None:
    """Write a draft by hand."""
    _edited(life, *life.section())


def _edited(life: Life, file: str, id: str) -> str | None:
    if id.endswith(f"/{META}"):
        title = f"Title of {life.words.word()}"
        answer = life.call("edit", section=id, fields={"title": title})
        text = canonical(heads(life.root, DRAFT).get(id) or "") if answer else ""
        if answer and f"title: {title}" not in text:
            raise Violation(f"{id} was edited to {title!r}, and is {text!r}")
    else:
        text = life.words.text()
        answer = life.call("edit", section=id, text=text)
    if answer is None:
        return None
    life.saw(file)
    life.ever.setdefault(id, set()).add(text)
    life.counts["edited"] += 1
    return id


def edit_and_die(life: Life) -> None:
    """Write a draft, and kill the server over it: the draft is there, or it is not."""
    file, id = life.section()
    if id.endswith(f"/{META}"):
        return
    before, text, server = heads(life.root, DRAFT).get(id), life.words.text(), life.hands.server()
    life.hands.call_soon(server, "edit", section=id, text=text)
    pause(life.random.uniform(0, 0.04))
    life.hands.kill_server(server)
    now = heads(life.root, DRAFT).get(id)
    if now not in (before, text):
        raise Violation(f"{id} is {now!r}, of neither {before!r} nor {text!r}")
    if now == text:
        life.ever.setdefault(id, set()).add(text)
        life.saw(file)


def draft(life: Life) -> None:
    """Let the model draft a few sections."""
    chosen = {life.section()[1] for _ in range(life.random.randint(1, 3))}
    life.batch("generate", sections=sorted(chosen), mode="with-current", instructions="Say more.")


def publish(life: Life) -> None:
    """Write a draft and promote it: it is in the file."""
    file, id = life.section()
    if _edited(life, file, id) is None:
        return
    text, sure = heads(life.root, DRAFT).get(id), is_of_now(life.root, id)
    batch = life.batch("promote", section=id)
    if not sure:  # the file was edited under an earlier draft, which the edit went on from (R7)
        return
    if batch is None or of_batch(life.root, batch, LIVE).get(id, "") != text:
        raise Violation(f"{id} was drafted and promoted, and is not live")


def publish_and_take_back(life: Life) -> None:
    """Promote a draft and take it back, by its batch or its section: the very bytes are back."""
    publish(life)
    take_back_last(life)


def promote_some(life: Life) -> None:
    """Promote some sections, a page, or all that differ; at times with a digest."""
    id = life.section()[1]
    which: Mapping[str, object] = life.random.choice(
        (
            {},
            {"page": id.rpartition("/")[0]},
            {"sections": sorted({id, life.section()[1], life.section()[1]})},
            {"section": id, "force": True},
        )
    )
    if life.random.random() < 0.25:
        shown = life.call("promote", dryRun=True, **which)
        if shown is None or "digest" not in shown:
            return
        which = {**which, "digest": shown["digest"]}
    life.batch("promote", **which)


def take_back_last(life: Life) -> None:
    """Take the last batch back, before anybody has edited anything: the very bytes are back."""
    if life.undo is None:
        return
    batch, were = life.undo
    sections = of_batch(life.root, batch, LIVE)
    bare: Mapping[str, object] = {"batchId": batch}
    if len(sections) == 1 and life.random.random() < 0.3:
        bare = {"section": next(iter(sections))}
    back = life.batch("rollback", **bare)
    if back is None:
        raise Violation(f"{batch} cannot be taken back")
    for file, was in were.items():
        if life.files[file] != was:
            raise Violation(
                f"{file} is after the rollback of {batch}\n{shown(life.files[file])}\n"
                f"and was\n{shown(was)}"
            )
    life.counts["taken back byte for byte"] += len(were)


def roll_back(life: Life) -> None:
    """Take back the last change to a section or page, or the last batch."""
    id = life.section()[1]
    page = id.rpartition("/")[0]
    life.batch("rollback", **life.random.choice(({"section": id}, {"page": page}, {})))


def unpublish(life: Life) -> None:
    """Take a section or page off; at times bring it back at once."""
    id = life.section()[1]
    page = id.rpartition("/")[0]
    which = life.random.choice(({"section": id}, {"page": page}))
    if life.batch("unpublish", **which) is not None and life.random.random() < 0.5:
        take_back_last(life)


def review(life: Life) -> None:
    """Look at the drafts."""
    life.call("review")


def discard(life: Life) -> None:
    """Take a draft off."""
    drafted = [id for id, text in heads(life.root, DRAFT).items() if text is not None]
    if drafted:
        life.call("edit", section=life.random.choice(drafted), discard=True)


def cancel_and_retry(life: Life) -> None:
    """Promote some, cancel it, and take it up again."""
    ids = [id for _ in range(3) if (id := _edited(life, *life.section())) is not None]
    if not ids:
        return
    before, drafts = dict(life.files), heads(life.root, DRAFT)
    batch = _queued(life, "promote", sections=sorted(set(ids)))
    if batch is None:
        return
    life.call("cancel", batchId=batch)
    life.end(batch)
    life.check("promote", batch, before, drafts)
    before = dict(life.files)
    if life.call("retry", batchId=batch) is not None:
        life.end(batch)
        life.check("promote", batch, before, drafts)
        life.undo = None  # two rounds
    life.counts["batches: retry"] += 1


# By people, who save files


def edit_span(life: Life) -> None:
    """Change a section's text in its file."""
    file, id = life.section()
    if (data := _retyped(life, file, id)) is not None:
        life.put(file, data, beside=life.random.random() < 0.5)


def _retyped(life: Life, file: str, id: str) -> bytes | None:
    page, _, section = id.rpartition("/")
    text = life.words.line() if section == META else life.words.text()
    data = life.files[file]
    assert data is not None
    return with_text(page, data, section, text)


def edit_outside(life: Life) -> None:
    """Change what is no section's: front matter, and text before the first mark."""
    file = life.random.choice(life.there())
    data = life.files[file] or b""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    note = f"# note of {life.words.word()}".encode() + end
    bom = BOM if data.startswith(BOM) else b""
    rest = data.removeprefix(BOM)
    opening = b"---" + end
    if rest.startswith(opening):
        rest = opening + note + rest.removeprefix(opening)
    elif b"<!-- section: " in rest and page_of(file) == "menu":
        rest = life.words.line().encode() + end + end + rest
    else:
        return
    life.put(file, bom + rest)


def reform(life: Life) -> None:
    """Let a formatter, another line end, or a byte order mark go over some files."""
    how = life.random.choice((formatted, other_ends, _other_bom))
    for file in life.random.sample(life.there(), life.random.randint(1, len(life.there()))):
        if (data := how(life.files[file] or b"")) != life.files[file]:
            life.put(file, data)


def _other_bom(data: bytes) -> bytes:
    return data.removeprefix(BOM) if data.startswith(BOM) else BOM + data


def half_save(life: Life) -> None:
    """Save in two halves, while a promotion is asked for: nobody takes the half for the page."""
    file, other = life.section()
    id = _edited(life, file, life.random.choice(life.sections(file)))
    full = _retyped(life, file, other)
    if id is None or full is None:
        return
    drafts = heads(life.root, DRAFT)
    half = full[: life.random.randint(0, len(full) - 1)]
    life.path(file).write_bytes(half)
    life.undo = None
    life.hands.work()
    server = life.hands.server()
    call = life.hands.call_soon(server, "promote", section=id)
    pause(life.random.uniform(0.05, 1.5))
    life.put(file, full, beside=False, aged=False)
    before = dict(life.files)
    try:
        answer = life.hands.answer(server, call)
    except Refused as refused:
        life.refused("promote", str(refused))
        answer = {}
    if "batchId" in answer:
        life.end(answer["batchId"])
        life.check("promote", answer["batchId"], before, drafts)
    stored, page = history(life.root), page_of(file)
    for section, text in texts_of(page, half).items():
        fine = {*life.ever.get(f"{page}/{section}", ()), texts_of(page, full).get(section, "")}
        if text not in fine and text in stored.get(f"{page}/{section}", ()):
            raise Violation(f"half of {page}/{section} was taken for its text: {text!r}")
    if life.path(file).exists():
        life.age(file)
    life.counts["saved in halves"] += 1


def save_while_written(life: Life) -> None:
    """Save a file while a promotion of one of its sections is under way: both are kept."""
    file, other = life.section()
    id = _edited(life, file, life.random.choice(life.sections(file)))
    before = life.files[file]
    if id is None or before is None:
        return
    armed = life.random.random() < 0.4
    if armed:
        life.hands.arm()
    batch = _queued(life, "promote", section=id)
    if batch is None:
        life.hands.disarm()
        return
    pause(life.random.uniform(0, 0.08))
    met = life.files[file] = life.path(file).read_bytes()
    life.note(file)
    edited = _retyped(life, file, other)
    if met != before:  # it was written by then
        life.kept |= {before, met}
        life.saw(file)
    if edited is not None:
        life.put(file, edited, aged=life.random.random() < 0.7)
    saved_at = time.time()
    state = life.end(batch)
    if not life.hands.disarm() and armed:
        life.counts["workers killed in a write"] += 1
    if state == "failed" and life.call("retry", batchId=batch) is not None:
        life.end(batch)
    asked = {k.rpartition("/")[2]: v for k, v in of_batch(life.root, batch, LIVE).items()}
    if met == before and _in_the_window(life, file, saved_at):
        return
    _both_are_kept(life, file, batch, asked)
    if met == before:
        _owed(life, file, asked, other)
    life.unchanged(f"a save while {batch} was under way")
    life.age(file)
    life.undo = None
    life.counts["saved while written"] += 1


def _in_the_window(life: Life, file: str, saved_at: float) -> bool:
    """Whether somebody has saved between the last look at a file and its rename (P3).

    That cannot be seen by the one who renames. It is told by the time between save and rename, in
    which nothing but the rename may be done; on a busy machine the process may have to wait there.
    """
    saved, now, version = life.files[file], life.path(file).read_bytes(), life.path(file).stat()
    kept = kept_pages(life.root)
    if now == saved or saved in kept or version.st_ctime - saved_at > WINDOW_S:
        return False
    life.counts["saved in the window that P3 names"] += 1
    life.kept.add(now)
    life.files[file] = life.seen[file] = now
    life.note(file)
    life.unchanged("a save in the window")
    life.undo = None
    return True


def _both_are_kept(life: Life, file: str, batch: str, asked: Mapping[str, str | None]) -> None:
    """Fail unless what was saved is there still, less what the batch may have written into it."""
    page, saved, now = page_of(file), life.files[file], life.path(file).read_bytes()
    assert saved is not None
    for section, text in asked.items():
        life.was_live(f"{page}/{section}", text)
    if now == saved:
        return
    if problems := list(wrong_between(page, saved, now, asked)):
        raise Violation(
            f"saved while {batch} wrote {file}: {'; '.join(problems)}\n--- saved\n{shown(saved)}\n"
            f"--- after\n{shown(now)}"
        )
    life.kept |= {saved, now}
    life.saw(file)
    life.files[file] = life.seen[file] = now
    life.note(file)


def _owed(life: Life, file: str, asked: Mapping[str, str | None], other: str) -> None:
    """Note what the batch made live and did not write, as the file was just edited."""
    page, live = page_of(file), heads(life.root, LIVE)
    said = texts_of(page, life.files[file])
    due = {s: t for s, t in asked.items() if said.get(s) != t and live.get(f"{page}/{s}") == t}
    due.pop(other.rpartition("/")[2], None)
    if due:
        life.owed[page] = due


def _queued(life: Life, tool: str, **arguments: object) -> str | None:
    """Queue work; return its batch, `None` where it is refused or nothing is to be done."""
    try:
        return life.hands.queued(tool, **arguments).get("batchId")
    except Refused as refused:
        life.refused(tool, str(refused))
        return None


def rename(life: Life) -> None:
    """Rename a file: its texts and their history go with it."""
    known = [f for f in life.there() if "/" in f and not f.startswith("company/")]
    known = [f for f in known if life.seen.get(f) == life.files[f]]
    if not known:
        return
    file = life.random.choice(known)
    folder = life.random.choice((file.rpartition("/")[0], f"{file.partition('/')[0]}/moved"))
    new = f"{folder}/{life.words.word()}.md"
    life.path(new).parent.mkdir(parents=True, exist_ok=True)
    life.path(file).rename(life.path(new))
    old_id, new_id = page_of(file), page_of(new)
    life.files[new], life.undo = life.files.pop(file), None
    life.seen[new] = life.seen.pop(file)
    life.owed.pop(old_id, None)
    for texts in (life.ever, life.said):
        for id in [id for id in texts if id.rpartition("/")[0] == old_id]:
            texts[f"{new_id}/{id.rpartition('/')[2]}"] = texts.pop(id)
    life.call("review", page=new_id)
    life.counts["renamed"] += 1


def delete(life: Life) -> None:
    """Take a file away; then it stays away, comes back, or is written again by name."""
    file = life.random.choice(life.there())
    data, page = life.files[file], page_of(file)
    assert data is not None
    life.put(file, None)
    match life.random.choice(("stays", "returns", "is written", "is written")):
        case "stays":
            life.batch("promote")
        case "returns":
            life.batch("promote", page="menu")
            life.put(file, data)
        case _:
            known = life.seen.get(file) == data
            drafts = heads(life.root, DRAFT)
            same = [s for s in texts_of(page, data) if drafts.get(f"{page}/{s}") is not None]
            life.batch("promote", page=page)
            if known and not same and life.files[file] not in (data, None):
                raise Violation(
                    f"{file} came back as\n{shown(life.files[file])}\nnot\n{shown(data)}"
                )
    life.counts["deleted"] += 1


def merge(life: Life) -> None:
    """Let a merge stop in a file: nothing works on it until it is solved."""
    file, id = life.section()
    data = life.files[file]
    assert data is not None
    end = b"" if data.endswith(b"\n") else b"\n"
    life.put(file, data + end + CONFLICT)
    life.blocked.add(file)
    life.batch("promote", **life.random.choice(({}, {"page": id.rpartition("/")[0]})))
    life.unchanged("a merge") if not life.undo else None
    if life.call("edit", section=id, text=life.words.text()) is not None:
        raise Violation(f"{id} was edited while {file} is in a merge")
    life.blocked.discard(file)
    life.put(file, data)
    life.counts["merges"] += 1


# By git


def commit(life: Life) -> None:
    """Commit everything."""
    life.git_only("add", "-A", "content")
    life.git_only("commit", "-qm", "Work")


def check_out(life: Life) -> None:
    """Check some files out as they were at an earlier commit."""
    names = [f"content/{f}" for f in life.random.sample(life.there(), min(2, len(life.there())))]
    for name in names:
        life.git("checkout", "-q", life.random.choice(("HEAD", "HEAD~1", "HEAD~2")), "--", name)


def stash(life: Life) -> None:
    """Put all changes away, go on, and take them back."""
    if not life.git("stash", "-q"):
        return
    life.random.choice((draft, promote_some, review))(life)
    if not life.git("stash", "pop", "-q"):
        life.git("checkout", "-q", "HEAD", "--", "content")
        life.git("stash", "drop", "-q")


def two_servers(life: Life) -> None:
    """Ask two servers, or one twice, for the same at once: it is done once."""
    file, id = life.section()
    if _edited(life, file, id) is None:
        return
    before, drafts = dict(life.files), heads(life.root, DRAFT)
    life.hands.work()
    one, two = life.hands.server(), life.hands.server()
    first = life.hands.call_soon(one, "promote", section=id)
    if one is two:
        second = life.hands.call_soon(two, "promote", section=id)
    else:
        second = life.hands.call_soon(two, "promote")
    batches: dict[str, None] = {}
    for server, call in ((one, first), (two, second)):
        try:
            if (batch := life.hands.answer(server, call).get("batchId")) is not None:
                batches[batch] = None
        except Refused as refused:
            life.refused("promote", str(refused))
    asked: dict[str, str | None] = {}
    for batch in batches:
        life.end(batch)
        asked |= of_batch(life.root, batch, LIVE)
    for id, text in asked.items():
        if text != drafts.get(id):
            raise Violation(f"{id} was promoted as {text!r}, and drafted as {drafts.get(id)!r}")
        life.was_live(id, text)
    life.compare("promote", ", ".join(batches), before, asked)
    life.undo = None


def wait(life: Life) -> None:
    """Kill a server or worker while nothing is to be done."""
    life.random.choice((life.hands.kill_worker, life.hands.kill_server))()


MOVES: tuple[tuple[Move, int], ...] = (
    (edit, 6),
    (edit_and_die, 1),
    (draft, 4),
    (publish, 5),
    (publish_and_take_back, 5),
    (promote_some, 6),
    (take_back_last, 3),
    (roll_back, 4),
    (unpublish, 3),
    (discard, 2),
    (cancel_and_retry, 2),
    (edit_span, 6),
    (edit_outside, 4),
    (reform, 3),
    (half_save, 1),
    (save_while_written, 3),
    (rename, 2),
    (delete, 2),
    (merge, 2),
    (commit, 2),
    (check_out, 2),
    (stash, 2),
    (two_servers, 2),
    (wait, 1),
)
"""What is done, and how often beside the others."""


def live(life: Life, moves: int) -> None:
    """Do so many moves, and look at everything after each."""
    chosen = life.random.choices([m for m, _ in MOVES], [n for _, n in MOVES], k=moves)
    for move in chosen:
        life.moves.append(getattr(move, "__name__", "move"))
        began = time.monotonic()
        if life.there() and any(life.sections(f) for f in life.there()):
            move(life)
        life.unchanged(life.moves[-1])
        life.counts[f"ms: {life.moves[-1].partition(' ')[0]}"] += int(
            1000 * (time.monotonic() - began)
        )
    life.finish()
