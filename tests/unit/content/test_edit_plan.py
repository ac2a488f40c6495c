"""What an edit makes of a draft, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.content.actions.calls import EditCall
from mcp_server.content.actions.edit_draft import Change
from mcp_server.content.actions.edit_plan import check_call, plan_edit
from mcp_server.content.actions.edit_replace import plan_replace
from mcp_server.content.actions.site_content import PageFound, SiteContent
from mcp_server.content.text.replace import Replacement
from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.effects import DiscardDraft, SaveRevision
from mcp_server.entities.entity import (
    PRODUCTION,
    Author,
    Entity,
    Finding,
    Revision,
    page_of,
)
from mcp_server.errors import CallerError, InvalidPayload, InvalidTransition, OtherText
from tests.unit.content.texts import SITE, draft, hash_of, note, site_of, standing, text, was_live

HERO, NEWS = "home/hero", "home/news"
CHAT = Author(kind="chat", name="test")


def edit(content: SiteContent, id: str = HERO, **call: Any) -> Change:
    """Plan an edit by the chat."""
    return plan_edit(EditCall(**call), id, content, CHAT)


def swap(old: str, new: str) -> tuple[Replacement]:
    """Return the one replacement."""
    return (Replacement(old=old, new=new),)


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"text": "x", "discard": True},
        {"fields": {}, "restore": "0" * 12},
        {"replace": swap("same", "same")},
        {"text": "x", "content_hash": "12"},
        {"restore": "not a hash"},
    ],
)
def test_a_call_is_exactly_one_edit(call: dict[str, Any]) -> None:
    """What is half said is refused before anything is read."""
    with pytest.raises(InvalidPayload):
        check_call(EditCall(**call))


def test_what_went_live_is_held_no_more_when_it_is_edited() -> None:
    """R32: somebody has promoted the price by name; a typo mended beside it asks for no more."""
    price = Finding(level="held", kind="price in no source", piece="€85")
    held = draft(HERO, "Roms are €85.", findings=(price,))
    for live, found in (((), (price,)), ((was_live(HERO, ("Roms are €85.", "b")),), ())):
        change = edit(standing(held, live=live), replace=swap("Roms", "Rooms"))
        assert change.after is not None and change.after.findings == found


def test_an_edit_starts_from_the_draft_or_else_from_the_live_text() -> None:
    """Its base is that of the draft, unless that is live or there is none (R7)."""
    lived = was_live(HERO, ("old", "a"))
    of_live = edit(standing(live=(lived,)), replace=swap("old", "new"))
    assert (of_live.after or lived[0]).base == hash_of(HERO, "old")
    older = draft(HERO, "words", base="f" * 32)
    assert edit(standing(older, live=(lived,)), text="new").after.base == "f" * 32  # type: ignore[union-attr]
    same = draft(HERO, "old", base="f" * 32)
    of_same = edit(standing(same, live=(lived,)), text="new")
    assert of_same.after is not None and of_same.after.base == hash_of(HERO, "old")


def test_the_draft_is_the_chats_and_expects_the_one_that_it_was_made_from() -> None:
    """So a redraft that ends in between is a conflict, and nobody's words are lost (R5)."""
    before = draft(HERO, "words", batch_id="b", input_tokens=5)
    change = edit(standing(before), text="new")
    assert isinstance(change.effect, SaveRevision)
    assert change.effect.expects == before.hash
    saved = change.effect.revision
    assert (saved.author, saved.batch_id, saved.input_tokens) == (CHAT, None, None)
    assert (saved.markdown, saved.fields) == ("new", {})


def test_given_fields_replace_and_the_rest_stays() -> None:
    """They are checked as a model's answer is; a text that has none takes none."""
    stands = standing(draft(HERO, "words"))
    change = edit(stands, fields={"text": "New words."})
    assert change.after is not None
    assert (change.after.fields, change.after.markdown) == ({"text": "New words."}, "New words.")
    for wrong in ({"nix": 1}, {"text": ""}, {"text": "# Heading"}, {"text": "<script>x</script>"}):
        with pytest.raises(InvalidPayload, match="fields"):
            edit(stands, fields=wrong)
    plain = standing(draft(HERO, "words", fields={}))
    with pytest.raises(InvalidPayload, match="change it with text"):
        edit(plain, fields={"text": "x"})


def test_a_replacement_keeps_the_fields_that_the_text_is_made_of() -> None:
    """What does not fit them any more stands as a text."""
    stands = standing(draft(HERO, "A price of 80."))
    kept = edit(stands, replace=swap("80", "90")).after
    assert kept is not None and kept.fields == {"text": "A price of 90."}
    plain = edit(stands, replace=swap("A price", "# A price")).after
    assert plain is not None and (plain.markdown, plain.fields) == ("# A price of 80.", {})


@pytest.mark.parametrize(
    "wrong",
    ["  \n", "\u200b", "x" * 100_001, "<!-- section: a/b -->", "```\ncode", "<script>x</script>"],
)
def test_a_text_that_would_break_the_page_is_refused(wrong: str) -> None:
    """So is one that is none, or that runs."""
    with pytest.raises(InvalidPayload, match="text"):
        edit(standing(draft(HERO, "words")), text=wrong)


@pytest.mark.parametrize("opened", ["```\ncode", "<!-- note", "<div>", "{% if x %}", "::: tip"])
def test_a_text_that_would_swallow_the_next_section_is_refused(opened: str) -> None:
    """What its predecessor left open already it may leave open, too (P8)."""
    found = f"Words {{% if x %}}y{{% endif %}} <b>{{{{ x }}}}</b>\n\n<div>\n\n</div>\n\n{opened}"
    whole = standing(draft(HERO, "Words.", fields={}))
    with pytest.raises(InvalidPayload, match="open"):
        edit(whole, text=f"Words.\n\n{opened}")
    left = standing(draft(HERO, found, fields={}))
    change = edit(left, replace=swap("Words", "More words"))
    assert change.after is not None
    assert change.after.markdown == found.replace("Words", "More words")


def test_the_longest_page_can_grow_by_a_piece() -> None:
    """A history of releases has more characters than any other text, and gets longer each time."""
    long = "- Mended.\n" * 30_000
    stands = standing(draft(HERO, f"{long}Begun.", fields={}))
    after = edit(stands, replace=swap("Begun.", "Begun.\n- Ended.")).after
    assert after is not None
    assert after.markdown == f"{long}Begun.\n- Ended."


def test_a_replacement_changes_nothing_beside_it() -> None:
    """Neither a tab in code nor a soft hyphen: they were there before us."""
    before = "    code first\n\nPota\u00adtoes.\n\n```make\nall:\n\tbake\n```"
    change = edit(standing(draft(HERO, before, fields={})), replace=swap("code", "co\u200bde\t"))
    assert change.after is not None
    assert change.after.markdown == before.replace("code", "code\t")


def test_a_text_keeps_its_tabs_and_the_code_that_it_begins_with() -> None:
    """Blank lines around it, and what nobody sees, are no part of it."""
    change = edit(standing(), text="\n\n    all:\n    \tbake\u200b\n\nWords. \n")
    assert change.after is not None
    assert change.after.markdown == "    all:\n    \tbake\n\nWords."


def test_a_draft_that_is_held_for_lost_syntax_is_held_until_that_is_back() -> None:
    """A typo that is mended beside it changes nothing (P14)."""
    gone = Finding(level="held", kind="existing syntax gone", piece="{{< toc >}}")
    held = standing(draft(HERO, "Some wrods.", fields={}, findings=(gone,)))
    change = edit(held, replace=swap("wrods", "words"))
    assert change.after is not None and gone in (change.after.findings or ())


def test_what_stands_in_the_text_already_may_stay() -> None:
    """It is a person's own."""
    stands = standing(draft(HERO, "<script>theirs</script> and 80", fields={}))
    change = edit(stands, replace=swap("80", "90"))
    assert change.after is not None and (change.after.markdown or "").endswith("90")


def test_a_mark_that_is_an_example_or_was_there_may_stay() -> None:
    """A page about marks can be edited; a new mark of one's own is still refused."""
    shown = "A page.\n\n```html\n<!-- section: hero -->\n```"
    stands = standing(draft(HERO, shown))
    assert edit(stands, replace=swap("A page", "Our page")).after is not None
    assert edit(stands, text=shown.replace("A page", "Our page")).after is not None
    was = standing(draft(HERO, "Words.\n\n<!-- section: old -->\n\nMore."))
    assert edit(was, replace=swap("More", "Less")).after is not None
    with pytest.raises(InvalidPayload, match="divides the page's file"):
        edit(was, text="<!-- section: old -->\n\n<!-- section: old -->")


def test_a_text_that_moved_since_it_was_read_is_shown() -> None:
    """With the words that stand there now, apart from ours."""
    stands = standing(draft(HERO, "now"))
    now = hash_of(HERO, "now")
    for digits in (now, now[:12]):
        assert edit(stands, text="new", content_hash=digits).after is not None
    with pytest.raises(OtherText) as refused:
        edit(stands, text="new", content_hash=hash_of(HERO, "before")[:12])
    assert refused.value.words == "now"
    assert "now" not in str(refused.value).split(";")[0]


def test_over_several_sections_those_without_it_are_left_out() -> None:
    """Each that has it must have it once; none at all is refused."""
    stands = standing(draft(HERO, "80 euros"), draft(NEWS, "none"), draft("menu/hero", "80, too"))
    call = EditCall(replace=swap("80", "90"))
    found = plan_replace(call, [HERO, NEWS, "menu/hero"], stands, CHAT)
    assert [change.section for change in found.changes] == [HERO, "menu/hero"]
    assert found.without == 1
    with pytest.raises(InvalidPayload, match="in none of the 2"):
        plan_replace(EditCall(replace=swap("70", "90")), [HERO, NEWS], stands, CHAT)
    twice = standing(draft(HERO, "80 or 80"), draft(NEWS, "80"))
    with pytest.raises(OtherText, match="2 times"):
        plan_replace(call, [HERO, NEWS], twice, CHAT)


def test_locked_static_and_unknown_sections_are_refused() -> None:
    """Each with what helps; a draft of one that is no longer there can be discarded."""
    site = site_of(note(HERO, locked=True), note(NEWS, template=None, text="static"))
    gone = draft("menu/hero", "words")
    stands = standing(draft(HERO, "words"), gone, site=site, locks={HERO: "site.yaml:7"})
    with pytest.raises(InvalidTransition, match=r"locked in site\.yaml:7"):
        edit(stands, text="x")
    with pytest.raises(InvalidPayload, match=r"static text in site\.yaml"):
        edit(stands, NEWS, text="x")
    with pytest.raises(InvalidTransition, match="no longer"):
        edit(stands, "menu/hero", text="x")
    assert edit(stands, "menu/hero", discard=True).after is None
    torn = PageFound(file="a.md", looked=None, blocked="a.md:3: a merge is under way in it")
    stands = standing(draft(HERO, "words"), found={page_of(HERO): torn})
    with pytest.raises(InvalidTransition, match=r"a\.md:3: a merge is under way"):
        edit(stands, text="x")
    found = plan_replace(
        EditCall(replace=swap("words", "x")),
        [HERO, NEWS],
        standing(
            draft(HERO, "words"),
            draft(NEWS, "words"),
            site=site_of(note(HERO, locked=True), note(NEWS)),
        ),
        CHAT,
    )
    assert (found.locked, [change.section for change in found.changes]) == ((HERO,), [NEWS])


def test_over_several_sections_those_in_blocked_files_are_left_out_by_name() -> None:
    """P6: with file, line and reason; the others go on, and if there are none it is refused."""
    torn = PageFound(file="b.md", looked=None, blocked="b.md:3: a merge is under way in it")
    stands = standing(draft(HERO, "80 euros"), draft("menu/hero", "80, too"), found={"menu": torn})
    call = EditCall(replace=swap("80", "90"))
    found = plan_replace(call, [HERO, "menu/hero"], stands, CHAT)
    assert [change.section for change in found.changes] == [HERO]
    assert [(each.section, each.reason) for each in found.left] == [("menu/hero", torn.blocked)]
    with pytest.raises(InvalidTransition, match=r"menu/hero.*b\.md:3: a merge is under way"):
        plan_replace(call, ["menu/hero"], stands, CHAT)
    pages = [replace(page, file=f"{page.id}.html") for page in SITE.pages if page.id == "menu"]
    kept = replace(SITE, pages=(*(p for p in SITE.pages if p.id != "menu"), *pages))
    stands = standing(draft(HERO, "80 euros"), draft("menu/hero", "80, too"), site=kept)
    found = plan_replace(call, [HERO, "menu/hero"], stands, CHAT)
    assert [each.reason for each in found.left] == ["its file is HTML, which is kept as it is"]


def test_a_restored_text_is_the_chats_and_a_placeholder_stays_one() -> None:
    """Its hash is enough of it to name it, if no other text begins so."""
    past = [text(HERO, "one", by="composer"), text(HERO, "two", type=PRODUCTION, batch_id="b")]
    stands, call = standing(draft(HERO, "now")), EditCall(restore="0" * 12)
    placeholder = plan_edit(call, HERO, stands, CHAT, past[:1]).after
    assert placeholder is not None and placeholder.is_placeholder
    lived = plan_edit(call, HERO, stands, CHAT, past[1:]).after
    assert lived is not None and (lived.author, lived.batch_id) == (CHAT, None)
    for wrong in ([], past):
        with pytest.raises(InvalidPayload, match="restore"):
            plan_edit(call, HERO, stands, CHAT, wrong)


# Any sequence, beside a plain model


@dataclass
class Draft:
    """What the model knows of one draft."""

    says: str
    base: str | None
    by_hand: bool
    withdrawn: bool = False


@dataclass
class Plain:
    """The model: a list of drafts, the present one last, and what is live."""

    drafts: list[Draft] = field(default_factory=list[Draft])
    live: str | None = None
    locked: bool = False

    @property
    def base(self) -> str | None:
        """The base of a draft that is edited now."""
        top = self.drafts[-1] if self.drafts else None
        if top is None or top.says == self.live or (top.withdrawn and self.live is None):
            return self.live
        return top.base


@dataclass
class Kept:
    """What a store keeps: every revision, and the live text; effects are applied to it."""

    history: list[Revision] = field(default_factory=list[Revision])
    lived: list[Revision] = field(default_factory=list[Revision])

    def content(self, *, locked: bool) -> SiteContent:
        """Return what a plan is made from."""
        stack = draft_stack(self.history)
        drafts = [Entity(current=stack[-1], withdrawn=stack[-1].withdrawn)] if stack else []
        site = site_of(note(HERO, locked=locked))
        return standing(*drafts, live=(self.lived,) if self.lived else (), site=site)

    def apply(self, effect: SaveRevision | DiscardDraft) -> None:
        """Do as the store does."""
        number = len(self.history) + 1
        match effect:
            case SaveRevision(revision):
                self.history.append(replace(revision, id=number))
            case DiscardDraft(_, _, author):
                self.history.append(replace(text(HERO, None), author=author, id=number))


MOVES = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("abc")),
    st.tuples(st.just("restore"), st.integers(0, 20)),
    st.tuples(st.just("redraft"), st.sampled_from("abc")),
    st.tuples(st.sampled_from(["discard", "promote", "take back", "lock"]), st.none()),
)


@settings(max_examples=150)
@given(st.lists(MOVES, max_size=25))
def test_any_sequence_of_edits_is_what_a_plain_list_says(moves: list[tuple[str, Any]]) -> None:
    """R30: discards go back one by one, marks come back with their drafts, nothing is lost."""
    plain, kept = Plain(), Kept()
    for move, value in moves:
        stored = len(kept.history)
        _move(move, value, plain, kept)
        assert len(kept.history) >= stored
        stack = draft_stack(kept.history)
        assert [(d.says, d.base, d.by_hand, d.withdrawn) for d in plain.drafts] == [
            (r.markdown, _said(r.base, kept), r.author.by_hand, r.withdrawn) for r in stack
        ]


def _move(move: str, value: Any, plain: Plain, kept: Kept) -> None:
    content = kept.content(locked=plain.locked)
    match move:
        case "lock":
            plain.locked = not plain.locked
        case "promote" if plain.drafts:
            plain.live = plain.drafts[-1].says
            kept.lived.append(draft_stack(kept.history)[-1].as_type(PRODUCTION))
        case "take back" if plain.live is not None:
            _take_back(plain, kept)
        case "redraft":
            plain.drafts.append(Draft(value, plain.live, by_hand=False))
            kept.history.append(text(HERO, value, base=content.live_hash(HERO)))
        case "write" | "restore" | "discard":
            _edit(move, value, content, plain, kept)
        case _:
            pass


def _edit(move: str, value: Any, content: SiteContent, plain: Plain, kept: Kept) -> None:
    texts = [revision for revision in kept.history if not revision.is_removal]
    if move == "write":
        if _planned(EditCall(text=value), content, plain, kept):
            plain.drafts.append(Draft(value, plain.base, by_hand=True))
    elif move == "discard":
        if _planned(EditCall(discard=True), content, plain, kept, kept.history):
            plain.drafts.pop()
    elif texts:
        found: Revision = texts[int(value) % len(texts)]
        if _planned(EditCall(restore=found.hash), content, plain, kept, [found]):
            plain.drafts.append(Draft(found.markdown or "", plain.base, by_hand=True))


def _planned(
    call: EditCall,
    content: SiteContent,
    plain: Plain,
    kept: Kept,
    past: Sequence[Revision] = (),
) -> bool:
    """Plan an edit and apply it; False where it is refused, as it must be exactly then."""
    refuses = plain.locked or (call.discard and not plain.drafts)
    try:
        change = plan_edit(call, HERO, content, CHAT, past)
    except CallerError:
        assert refuses
        return False
    assert not refuses
    kept.apply(change.effect)
    return True


def _take_back(plain: Plain, kept: Kept) -> None:
    """Take the live text back, as a rollback to nothing does: its drafts are withdrawn."""
    for each in plain.drafts:
        each.withdrawn = each.withdrawn or each.says == plain.live
    live = kept.lived.pop()
    kept.history = [replace(r, withdrawn=r.withdrawn or r.hash == live.hash) for r in kept.history]
    kept.lived.clear()
    plain.live = None


def _said(base: str | None, kept: Kept) -> str | None:
    """Return the words of which this is the hash."""
    return next((says for says in "abc" if base == hash_of(HERO, says)), None)
