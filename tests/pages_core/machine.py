"""Any sequence of what persons, editors, git, failing disks and two servers do to one page."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.pages_core.scan import Piece, Scan
from tests.pages_core.world import COUNTS, PAGE, Plan, World, needs_lock

SECTIONS = ("hero", "body", "notes")
SHAPES = (
    "Fresh pasta daily, number {n}.",
    "* one of {n}\n* two of {n}\n\nAnd what comes after the list.",
    "### Third level {n}\n\nA paragraph that is long enough to be told from others.",
    "```yaml\nkey: {n}\n<!-- section: hero -->\n```\n\nAfter the code.",
    "Soup {n}",
    "Two lines,\nnumber {n}\n\n\nand a gap of two blank lines.",
    "| a | b |\n|---|---|\n| {n} | x |",
)
FRONTS = (
    "",
    "---\ntitle: Menu\nweight: 5\n---\n",
    "---\n# ours\nlayout: wide\n---\n\n",
    "---\n---\n",
)
SITES = ("toggle", "first", "last", "static", "keys", "split")
ENDINGS = ("done", "done", "done", "failed", "crashed", "unconfirmed")
sections = st.sampled_from(SECTIONS)
shapes = st.integers(0, len(SHAPES) - 1)


class PageLife(RuleBasedStateMachine):
    """One page, from any file or none."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.number = 0
        self.full: bytes | None = None
        COUNTS["sequences"] += 1

    @initialize(
        plan=st.sampled_from(("single", "single", "marks", "marks", "meta", "meta marks", "split")),
        front=st.sampled_from(FRONTS),
        there=st.sampled_from(("none", "file", "file")),
        crlf=st.booleans(),
        shape=shapes,
    )
    def begin(self, plan: str, front: str, there: str, crlf: bool, shape: int) -> None:
        """Begin with a site, and with a file or without."""
        keys = ("title", "description")[: 1 + shape % 2] if "meta" in plan else ()
        named = SECTIONS if "marks" in plan else ("body",)
        self.world.plan = Plan(sections=named, keys=keys, split=plan == "split")
        if there == "none":
            return
        text = front + "\n" + self._body(plan, shape)
        data = text.replace("\n", "\r\n").encode() if crlf and shape % 2 else text.encode()
        self.world.disk.put(self.world.plan.file, data)

    def _body(self, plan: str, shape: int) -> str:
        if "marks" in plan:
            named = enumerate(SECTIONS[: 1 + shape % 3])
            texts = [f"<!-- section: {s} -->\n{self.text(shape + n)}\n\n" for n, s in named]
            return "A lead that is nobody's.\n\n" + "".join(texts)
        if plan == "split":
            texts = [self.text(shape + number) for number in range(3)]
            return "{}\n\n## Hero\n\n{}\n\n## Notes\n\n{}\n".format(*texts)
        return self.text(shape) + "\n"

    def text(self, shape: int) -> str:
        """Return a text that there was not yet."""
        self.number += 1
        return SHAPES[shape % len(SHAPES)].format(n=self.number)

    # What Pressroom is asked to do

    @rule()
    def look(self) -> None:
        """A submit looks, and stores what it found."""
        self.world.store_look()

    @rule(section=sections, shape=shapes)
    def draft(self, section: str, shape: int) -> None:
        """Draft a text."""
        self.world.store.drafts.setdefault(section, []).append(self.text(shape))

    @rule(section=sections, looks=st.booleans(), shape=shapes)
    def promote(self, section: str, looks: bool, shape: int) -> None:
        """Make the newest draft live; without a look, the file may have moved since the plan."""
        if self._refused(section, looks=looks):
            return
        drafts = self.world.store.drafts.setdefault(section, [])
        if not drafts:
            drafts.append(self.text(shape))
        self.world.ask(section, drafts[-1])
        COUNTS["promote"] += 1

    @rule(section=sections, shape=shapes, ending=st.sampled_from(ENDINGS))
    def publish(self, section: str, shape: int, ending: str) -> None:
        """Draft, promote and export."""
        self.draft(section, shape)
        self.promote(section, looks=True, shape=shape)
        self.export(ending)

    @rule(shape=shapes, ending=st.sampled_from(ENDINGS))
    def publish_all(self, shape: int, ending: str) -> None:
        """Draft, promote and export all that the page has."""
        parts = self.world.plan.layout(self.world.data).parts
        for number, section in enumerate(part.section for part in parts if not part.keys):
            self.draft(section, shape + number)
            self.promote(section, looks=True, shape=shape)
        self.export(ending)

    @rule(section=st.sampled_from((*SECTIONS, "")), ending=st.sampled_from(ENDINGS))
    def take_off(self, section: str, ending: str) -> None:
        """Look, take a text or the whole page off the site, and export."""
        self.world.store_look()
        for name in [s for s in self.world.store.live if section in {"", s} and self._is_live(s)]:
            self.world.ask(name, None, "unpublish")
        self.export(ending)

    @rule(shape=shapes)
    def publish_again_meanwhile(self, shape: int) -> None:
        """While one server writes, another looks, somebody promotes, and the other stores."""
        if not self.world.begin():
            return
        self.other_server_looks()
        for section in [*self.world.asked]:
            if section != "meta" and self.world.asked[section] is not None:
                self.world.ask(section, self.text(shape))
        self.other_server_stores()
        self.world.finish("done")
        self.world.store_look()
        COUNTS["promoted while it was written"] += 1

    @rule(section=sections, back=st.integers(1, 3), ending=st.sampled_from(ENDINGS))
    def take_back(self, section: str, back: int, ending: str) -> None:
        """Roll back and export."""
        self.roll_back(section, back, looks=True)
        self.export(ending)

    @rule(shape=shapes, looks=st.booleans())
    def promote_meta(self, shape: int, looks: bool) -> None:
        """Make another title live."""
        if self.world.plan.keys and not self._refused("meta", looks=looks):
            self.number += 1
            lines = [f"title: Title {self.number}", f"description: Words {self.number}"]
            self.world.ask("meta", "\n".join(lines[: len(self.world.plan.keys)]))
            COUNTS["promote meta"] += 1

    @rule(section=st.sampled_from((*SECTIONS, "meta")), back=st.integers(1, 3), looks=st.booleans())
    def roll_back(self, section: str, back: int, looks: bool) -> None:
        """Make an earlier text live again; of what was first published, none."""
        texts = self.world.store.live.get(section, [])
        if not texts or self._refused(section, looks=looks):
            return
        texts = self.world.store.live[section]
        if back < len(texts):
            self.world.ask(section, texts[-1 - back].text, "rollback")
        elif texts[0].author != "adopted":
            self.world.ask(section, None, "rollback")
        COUNTS["rollback"] += 1

    @rule(section=sections)
    def unpublish(self, section: str) -> None:
        """Take a text off the site."""
        if self._is_live(section):
            self.world.ask(section, None, "unpublish")
            COUNTS["unpublish"] += 1

    @rule()
    def unpublish_page(self) -> None:
        """Take the page off the site."""
        if self.number % 3:
            return
        for section in [s for s in self.world.store.live if self._is_live(s)]:
            self.world.ask(section, None, "unpublish")
        COUNTS["unpublish page"] += 1

    @rule(ending=st.sampled_from(ENDINGS))
    def export(self, ending: str) -> None:
        """Write what is due, all at once."""
        if self.world.begin():
            self.world.finish(ending)

    @rule()
    def export_begins(self) -> None:
        """Record the intention; anything may come before the rename."""
        self.world.begin()

    @precondition(lambda self: self.world.under is not None)
    @rule(ending=st.sampled_from(ENDINGS))
    def export_ends(self, ending: str) -> None:
        """Rename, or fail, or be killed."""
        self.world.finish(ending)

    @rule()
    def other_server_looks(self) -> None:
        """Another server looks, and is slow to store."""
        self.world.other = (self.world.looked(), self.world.store.hashes())

    @precondition(lambda self: self.world.other is not None)
    @rule()
    def other_server_stores(self) -> None:
        """It stores, unless somebody was faster; where a write is open it needs the lock."""
        assert self.world.other is not None
        (looked, live), self.world.other = self.world.other, None
        if looked.blocked is not None or needs_lock(looked) or not looked.moved:
            return
        if self.world.store.save_look(looked, live):
            COUNTS["other server: stored"] += 1
            self.world.after_look(looked.stored())
        else:
            COUNTS["other server: conflict"] += 1

    # What others do to the file

    @rule(section=sections, shape=shapes)
    def edit_span(self, section: str, shape: int) -> None:
        """Somebody changes a section's text in the file."""
        scan = self.world.scan()
        piece = scan.piece(section) or scan.pieces[-1 if scan.marked else 0]
        if self.world.data is not None:
            self._retext(piece, self.text(shape), scan)
            self._person_put(scan.joined(), "edit of a span")

    @rule(where=st.sampled_from(("lead", "comment", "weight", "title", "untitled")))
    def edit_outside(self, where: str) -> None:
        """Somebody changes what is no section's."""
        if self.world.data is None:
            return
        self.number += 1
        scan, end = self.world.scan(), self._line_end()
        if where == "lead" and scan.marked:
            scan.pieces[0].lines.insert(0, f"Lead {self.number}.".encode() + end + end)
        elif scan.front is not None and where == "comment":
            scan.front.insert(1, f"# note {self.number}".encode() + end)
        elif scan.front is not None and where == "untitled":
            scan.front = [line for line in scan.front if not line.startswith(b"title:")]
        elif scan.front is not None and where in {"weight", "title"}:
            line = f"{where}: {self.number}".encode() + end
            scan.front = [line for line in scan.front if not line.startswith(where.encode())]
            scan.front.insert(len(scan.front) - 1, line)
        elif scan.front is None:
            scan.front = [b"---" + end, f"weight: {self.number}".encode() + end, b"---" + end]
        self._person_put(scan.joined(), "edit outside")

    @rule(section=sections, how=st.sampled_from(("all", "mark", "text", "twice", "to the end")))
    def take_out(self, section: str, how: str) -> None:
        """Somebody takes a mark, a text, or both out of the file, or copies or moves them."""
        scan = self.world.scan()
        piece = scan.piece(section)
        if piece is None or self.world.data is None:
            return
        if how in {"all", "to the end"}:
            scan.pieces.remove(piece)
        if how == "mark":
            piece.opening = b""
        if how == "text":
            piece.lines = []
        if how in {"twice", "to the end"}:
            scan.pieces[-1].lines.append(self._line_end())
            scan.pieces.append(piece)
        self._person_put(scan.joined(), f"{how} of a section out")

    @rule(section=sections, shape=shapes)
    def add_section(self, section: str, shape: int) -> None:
        """Somebody writes a section with its mark."""
        scan, end = self.world.scan(), self._line_end()
        if self.world.data is None or scan.piece(section) is not None:
            return
        mark = f"<!-- section: {section} -->"
        opening = f"## {section.title()}" if self.world.plan.split else mark
        scan.pieces[-1].lines.append(end + end)
        piece = Piece(section, opening.encode() + end)
        self._retext(piece, self.text(shape), scan)
        scan.pieces.append(piece)
        self._person_put(scan.joined(), "section added")

    @rule(share=st.integers(0, 100), looks=st.booleans())
    def half_saved(self, share: int, looks: bool) -> None:
        """An editor truncates, writes a part; it settles like that, or a look comes too early."""
        if (data := self.world.data) is not None:
            cut = data[: len(data) * share // 100]
            self.full = data
            self._person_put(cut, "half saved")
            if looks:
                self.world.store_look()

    @precondition(lambda self: self.full is not None)
    @rule()
    def fully_saved(self) -> None:
        """And then all of it."""
        self._person_put(self.full, "fully saved")
        self.full = None

    @rule(pick=st.integers(0, 1000))
    def check_out(self, pick: int) -> None:
        """`git checkout` of any bytes that the file ever had."""
        if self.world.disk.held:
            held = self.world.disk.held
            self._person_put(held[pick % len(held)], "checkout")

    @rule()
    def format(self) -> None:
        """A formatter goes over the whole file."""
        if (data := self.world.data) is not None:
            lines = data.replace(b"\n* ", b"\n- ").replace(b"\n\n\n", b"\n\n")
            self._person_put(lines.rstrip(b"\r\n") + self._line_end(), "formatter")

    @rule(how=st.sampled_from(("crlf", "lf", "bom", "no final newline")))
    def change_ends(self, how: str) -> None:
        """Line ends, the mark of byte order or the final newline change."""
        if (data := self.world.data) is None:
            return
        lf = data.replace(b"\r\n", b"\n")
        changed = {
            "crlf": lf.replace(b"\n", b"\r\n"),
            "lf": lf,
            "bom": b"\xef\xbb\xbf" + data.removeprefix(b"\xef\xbb\xbf"),
            "no final newline": data.rstrip(b"\r\n"),
        }
        self._person_put(changed[how], how)

    @rule(solved=st.sampled_from((True, True, True, False)))
    def merge(self, solved: bool) -> None:
        """A merge leaves its marks in the file, for a while."""
        if (data := self.world.data) is None:
            return
        marks = b"\n<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n"
        self._person_put(data + marks, "merge")
        self.world.store_look()
        if solved:
            self._person_put(data, "merge solved")

    @rule()
    def delete(self) -> None:
        """The file goes, or its folder does."""
        if self.world.data is not None:
            self._person_put(None, "deleted")

    @rule()
    def come_back(self) -> None:
        """It comes back as it was."""
        if self.world.data is None and self.world.disk.held:
            self._person_put(self.world.disk.held[-1], "came back")

    @precondition(lambda self: self.world.under is None)
    @rule(moves=st.sampled_from((True, True, False)))
    def rename(self, moves: bool) -> None:
        """The page's file has another name; the file itself may not have moved along."""
        if self.number % 3:
            return
        old, plan = self.world.plan.file, self.world.plan
        new = f"{PAGE}.markdown" if old.endswith(".md") else f"{PAGE}.md"
        before, plan.file = self.world.data, new
        if moves:
            self.world.disk.rename(old, new)
        self.world.must.clear()
        self.world.touched = self.world.touched or self.world.data != before
        COUNTS["renamed"] += 1

    # What happens to `site.yaml`

    @rule(section=sections, how=st.sampled_from(SITES))
    def change_site(self, section: str, how: str) -> None:
        """A section comes, goes, moves, becomes static; a key of `meta` comes or goes."""
        plan = self.world.plan
        rest = tuple(name for name in plan.sections if name != section)
        if how == "toggle" and section in plan.sections:
            plan.sections = rest or plan.sections
        elif how in {"toggle", "last"}:
            plan.sections = (*rest, section)
        elif how == "first":
            plan.sections = (section, *rest)
        elif how == "static":
            self.number += 1
            if section in plan.static and self.number % 2:
                del plan.static[section]
            else:
                plan.static[section] = f"Static {self.number}"
        elif how == "keys" and plan.keys:
            plan.keys = ("title",) if len(plan.keys) == 2 else ("title", "description")
        elif how == "split" and self.number % 4 == 0:
            plan.split = not plan.split
        self.world.must.clear()
        self.world.changed_site = True
        COUNTS[f"site: {how}"] += 1

    @precondition(lambda self: self.world.plan.keys)
    @rule(looks=st.booleans())
    def change_keys(self, looks: bool) -> None:
        """The template of `meta` names another key, or one less."""
        if looks:
            self.world.store_look()
        self.change_site("body", "keys")

    @rule(key=st.sampled_from(("title", "lang")), value=st.sampled_from(("A", "B", "yes", None)))
    def declare(self, key: str, value: str | None) -> None:
        """`site.yaml` declares a key of the front matter otherwise."""
        front = {k: v for k, v in self.world.plan.front.items() if k != key}
        self.world.plan.front = front if value is None else {**front, key: value}
        COUNTS["site: front"] += 1

    def teardown(self) -> None:
        """In the end everything that was asked for and left alone is in the file."""
        world = self.world
        world.finish("done")
        for _ in range(3):
            if world.begin():
                world.finish("done")
        looked = world.looked()
        if looked.blocked is not None:
            COUNTS["end: blocked"] += 1
            return
        drafted = {p.section for p in looked.layout.parts if p.static is None}
        for section in world.must & drafted:
            text = world.asked.get(section)
            assert world.shown(section) == (text or ""), f"{section} never came: {text!r}"
        COUNTS["end: quiet"] += 1

    # Parts of the above

    def _refused(self, section: str, *, looks: bool) -> bool:
        looked = self.world.store_look() if looks else None
        return looked is not None and looked.blocked is not None

    def _is_live(self, section: str) -> bool:
        texts = self.world.store.live.get(section)
        return bool(texts and texts[-1].text is not None)

    def _person_put(self, data: bytes | None, what: str) -> None:
        """Change the file as somebody else; what this touches need not come any more."""
        world = self.world
        before = {section: world.shown(section) for section in world.asked}
        world.disk.put(world.plan.file, data)
        world.touched = True
        touched = {s for s, text in before.items() if data is None or world.shown(s) != text}
        world.must -= touched
        if touched and data is None:
            world.must.clear()
        COUNTS[f"others: {what}"] += 1

    def _line_end(self) -> bytes:
        return b"\r\n" if b"\r\n" in (self.world.data or b"") else b"\n"

    def _retext(self, piece: Piece, text: str, scan: Scan) -> None:
        end = self._line_end()
        piece.lines = [line.encode() + end for line in ["", *text.split("\n"), ""]]
