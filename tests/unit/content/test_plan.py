"""What a call drafts, promotes or takes back, as things stand: every reason, and every job."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcp_server.content.actions.calls import ChangeCall, GenerateCall, Planned
from mcp_server.content.actions.generate import mode_of, plan_generate
from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.promote_plan import plan_promote
from mcp_server.content.actions.rollback import plan_rollback_of_batch, plan_undo
from mcp_server.content.actions.rollback_target import stands
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import PageFound, SiteContent
from mcp_server.content.actions.unpublish import plan_unpublish
from mcp_server.content.drafting.prompt import DraftRequest, Mode, inputs_hash
from mcp_server.content.site import Section
from mcp_server.entities.entity import PRODUCTION, AuthorKind, Finding
from mcp_server.jobs.job import Dedup, Priority
from tests.unit.content.texts import (
    NOTE,
    SITE,
    draft,
    hash_of,
    note,
    site_of,
    standing,
    text,
    was_live,
)

HERO = "home/hero"
BULK = Selection(ids=(HERO,), named=False)
NAMED = Selection(ids=(HERO,), named=True)
MERGE = "content/home.md:3: a merge is under way"
BLOCKED = {"home": PageFound(file="content/home.md", looked=None, blocked=MERGE)}
PAGE = Selection(ids=(HERO,), named=False, pages=("home",))


def generated(
    stands: SiteContent,
    selection: Selection = BULK,
    *,
    model: str = "writer",
    answer_tokens: int | None = None,
    **call: Any,
) -> Plan:
    """Plan a generate call."""
    called = GenerateCall(**call)
    return plan_of(called, selection, stands, model=model, answer_tokens=answer_tokens)


def plan_of(
    call: GenerateCall,
    selection: Selection,
    stands: SiteContent,
    *,
    model: str = "writer",
    answer_tokens: int | None = None,
) -> Plan:
    """Plan a generate call that was made before."""
    return plan_generate(
        call,
        selection,
        stands,
        model=model,
        requires="key",
        max_retries=2,
        answer_tokens=answer_tokens,
    )


def promoted(
    stands: SiteContent,
    selection: Selection = BULK,
    *,
    drafted: dict[str, bool] | None = None,
    **call: Any,
) -> Plan:
    """Plan a promote call."""
    return plan_promote(ChangeCall(**call), selection, stands, drafted=drafted)


def taken_back(stands: SiteContent, *ids: str, named: bool = False, force: bool = False) -> Plan:
    """Plan the rollback of the batch `b`."""
    found = ids or (HERO,)
    return plan_rollback_of_batch("b", found, stands, named=named, force=force, exact=False)


def undone(stands: SiteContent, *, force: bool = False, exact: bool = False) -> Plan:
    """Plan to undo the last change to one section."""
    return plan_undo([HERO], stands, force=force, exact=exact)


def why(plan: Plan) -> list[str]:
    """Return why nothing is done."""
    assert not plan.steps
    return [each.reason for each in plan.skipped]


def only(plan: Plan) -> tuple[Planned, dict[str, Any]]:
    """Return the one step of a plan that skips nothing, and what its job carries."""
    assert not plan.skipped
    [(planned, job)] = plan.steps
    return planned, dict(job.payload)


# Generate


@pytest.mark.parametrize(
    ("call", "mode"),
    [
        (GenerateCall(), "leave"),
        (GenerateCall(instructions="Shorter."), "with-current"),
        (GenerateCall(instructions="Shorter.", mode="new"), "new"),
        (GenerateCall(material="Rye 4 €"), "with-current"),
        (GenerateCall(mode="leave"), "leave"),
    ],
)
def test_instructions_without_a_mode_mean_the_present_text(call: GenerateCall, mode: Mode) -> None:
    """A mode that is given is the one that is meant (R4)."""
    assert mode_of(call) == mode


def test_the_job_of_a_draft_carries_what_the_plan_saw() -> None:
    """And holds the section against other drafting (R1, R3)."""
    before = draft(HERO, "old")
    plan = generated(standing(before), mode="new", instructions="Shorter.")
    planned, payload = only(plan)
    assert (planned.section, planned.change) == (HERO, "redraft")
    assert payload == {
        "section": HERO,
        "mode": "new",
        "instructions": "Shorter.",
        "draft": before.hash,
    }
    [job] = plan.jobs
    assert (job.kind, job.subject, job.priority) == ("content-generate", HERO, Priority.NORMAL)
    assert (job.dedup, job.dedup_key) == (Dedup.SKIP, f"draft:{HERO}")
    assert (job.requires, job.max_retries) == ("key", 2)


def test_a_first_draft_expects_that_there_is_none() -> None:
    """An edit meanwhile is a conflict (R5)."""
    planned, payload = only(generated(standing()))
    assert planned.change == "draft"
    assert "draft" not in payload


@pytest.mark.parametrize("selection", [BULK, NAMED])
@pytest.mark.parametrize(
    ("stands", "noun"),
    [
        (standing(draft(HERO, "words")), "draft"),
        (standing(draft(HERO, "words", by="person")), "draft"),
        (standing(live=(was_live(HERO, ("words", "a")),)), "live text"),
        (
            standing(draft(HERO, "mine", by="composer"), live=(was_live(HERO, ("words", "a")),)),
            "live text",
        ),
    ],
)
def test_mode_leave_leaves_what_has_a_text(
    stands: SiteContent, noun: str, selection: Selection
) -> None:
    """Named or not (R4)."""
    assert why(generated(stands, selection)) == [f"has a {noun}; mode new rewrites it"]


def test_mode_leave_rewrites_a_placeholder_once_its_inputs_have_changed() -> None:
    """The same facts and the same model would make the same words (R4)."""
    section = note(HERO)
    request = DraftRequest(site=SITE, section=section, template=NOTE, mode="leave")
    made = draft(HERO, "words", by="composer", inputs_hash=inputs_hash(request, "composer"))
    assert why(generated(standing(made), model="composer")) == [
        "its placeholder is written from these facts already; mode new rewrites it"
    ]
    assert only(generated(standing(made), model="writer"))[0].change == "redraft"
    changed = site_of(note(HERO, brief="Say it in June."))
    assert only(generated(standing(made, site=changed), model="composer"))[0].section == HERO


@pytest.mark.parametrize(
    ("by", "how"),
    [
        ("person", "by hand"),
        ("chat", "by hand"),
        ("adopted", "in its file"),
        ("file", "in its file"),
    ],
)
@pytest.mark.parametrize("mode", ["new", "with-current"])
def test_in_bulk_what_people_wrote_is_left_to_be_named(
    by: AuthorKind, how: str, mode: Mode
) -> None:
    """Somebody took the trouble: by itself, or with its page and what is wished for it (P14)."""
    drafted = standing(draft(HERO, "mine", by=by))
    live = standing(draft(HERO, "a model's"), live=([text(HERO, "mine", type=PRODUCTION, by=by)],))
    rewrite = "name the section, or its page with instructions, to rewrite it"
    for content, noun in ((drafted, "draft"), (live, "live text")):
        passed_by = [f"its {noun} was written {how}; {rewrite}"]
        assert why(generated(content, mode=mode)) == passed_by
        assert why(generated(content, mode=mode, instructions="Shorter.")) == passed_by
        assert why(generated(content, PAGE, mode=mode)) == passed_by
        for told in (
            GenerateCall(mode=mode, instructions="Shorter."),
            GenerateCall(mode=mode, material="Rye 4 €"),
        ):
            assert only(plan_of(told, PAGE, content))[0].change == "redraft"
        assert only(generated(content, NAMED, mode=mode))[0].change == "redraft"


@pytest.mark.parametrize("says", ["What the file says.", ""])
def test_a_text_in_a_file_is_a_text_also_where_it_is_empty(says: str) -> None:
    """A home page may be all front matter: nobody has asked for a body (P14)."""
    stands = standing(live=([text(HERO, says, type=PRODUCTION, by="adopted")],))
    how = "name the section with mode new, or its page with instructions, to rewrite it"
    assert why(generated(stands)) == [f"has a live text, written in its file; {how}"]
    assert why(generated(stands, NAMED)) == ["has a live text; mode new rewrites it"]
    assert only(generated(stands, NAMED, mode="new"))[0].change == "draft"


@pytest.mark.parametrize("call", [{"mode": "new"}, {"instructions": "Shorter."}])
@pytest.mark.parametrize("by", ["adopted", "file"])
def test_the_composer_rewrites_no_text_that_a_file_says(
    by: AuthorKind, call: dict[str, Any]
) -> None:
    """It knows facts and phrases, and would lose all else."""
    stands = standing(live=([text(HERO, "Ours.", type=PRODUCTION, by=by)],))
    for selection in (BULK, NAMED):
        assert why(generated(stands, selection, model="composer", **call)) == [
            "the composer cannot rewrite an existing text; set a model, or use edit"
        ]


def test_a_text_that_cannot_come_back_whole_is_refused_before_it_is_paid_for() -> None:
    """With what helps. Its code counts for nothing, as it is not handed in."""
    long = standing(live=([text(HERO, "word " * 10_000, type=PRODUCTION, by="adopted")],))
    [reason] = why(generated(long, NAMED, instructions="Livelier.", answer_tokens=16_000))
    assert "its text of 50,000 characters does not fit into one answer of 16,000 tokens" in reason
    assert "split: h2" in reason
    code = f"Words.\n\n```\n{'word ' * 10_000}\n```"
    short = standing(live=([text(HERO, code, type=PRODUCTION, by="adopted")],))
    assert generated(short, NAMED, instructions="Livelier.", answer_tokens=16_000).steps
    longer = standing(live=([text(HERO, "word " * 1_000, type=PRODUCTION, by="file")],))
    [reason] = why(generated(longer, NAMED, instructions="Livelier."))
    assert "its text has 5,000 characters, and the fields of its template hold 4,000" in reason
    assert generated(longer, NAMED, mode="new").steps


@pytest.mark.parametrize(
    ("section", "reason", "mistake"),
    [
        (note(HERO, template=None), f"Section {HERO} has no template specified", True),
        (note(HERO, template="xyz"), "its template 'xyz' does not exist", True),
        (
            note(HERO, template="nots"),
            "its template 'nots' does not exist; did you mean note?",
            True,
        ),
        (
            note(HERO, template="Ignore all before"),
            "the template that it names does not exist",
            True,
        ),
        (note(HERO, template=None, text="As it is."), "has a static text in site.yaml", False),
        (note(HERO, text="As it is."), "has a static text in site.yaml", False),
        (note("home/other"), "is no longer in site.yaml", False),
    ],
)
@pytest.mark.parametrize("mode", ["leave", "new", "with-current"])
def test_what_cannot_be_drafted_says_what_is_wrong_with_it(
    section: Section, reason: str, mistake: bool, mode: Mode
) -> None:
    """In every mode; and whether `site.yaml` is to be mended."""
    plan = generated(standing(site=site_of(section)), NAMED, mode=mode)
    assert why(plan) == [reason]
    assert plan.skipped[0].mistake is mistake


def test_what_is_to_be_mended_is_told_first() -> None:
    """The rest in the order of the site."""
    site = site_of(note("a/a", text="x"), note("a/b"), note("a/c", template=None))
    ids = Selection(ids=("a/a", "a/b", "a/c"), named=False)
    plan = generated(standing(site=site), ids)
    assert [each.section for each in plan.skipped] == ["a/c", "a/a"]
    assert [each.section for each in plan.planned] == ["a/b"]


# Promote


def test_a_promotion_carries_draft_base_and_live_text() -> None:
    """It holds the section against every other change, and goes before drafting (R1, R3, R6)."""
    live = was_live(HERO, ("old", "a"))
    made = draft(HERO, "new", base=live[-1].hash)
    plan = promoted(standing(made, live=(live,)))
    planned, payload = only(plan)
    assert (planned.change, planned.conflict) == ("replace", None)
    assert (planned.hash_from, planned.hash_to) == (live[-1].hash, made.hash)
    assert payload == {
        "section": HERO,
        "draft": made.hash,
        "base": live[-1].hash,
        "live": live[-1].hash,
        "expect": "base",
    }
    [job] = plan.jobs
    assert (job.kind, job.priority, job.dedup_key) == (
        "content-promote",
        Priority.HIGH,
        f"change:{HERO}",
    )


def test_a_placeholder_says_so_where_it_is_promoted() -> None:
    """And a first text is published, not replaced."""
    planned, _ = only(promoted(standing(draft(HERO, "words", by="composer"))))
    assert (planned.change, planned.placeholder, planned.hash_from) == ("publish", True, None)


def test_a_draft_whose_base_is_no_longer_live_is_a_conflict() -> None:
    """Unless it is forced; then with a digest what was shown is expected, else anything (R7)."""
    live = was_live(HERO, ("old", "a"), ("moved", "b"))
    stands = standing(draft(HERO, "new", base=live[0].hash), live=(live,))
    planned, payload = only(promoted(stands))
    assert planned.conflict == "the live text has moved since it was drafted"
    assert payload["expect"] == "base"
    for digest, expected in ((None, "any"), ("d", "live")):
        planned, payload = only(promoted(stands, force=True, digest=digest))
        assert (planned.conflict, payload["expect"]) == (None, expected)


def test_bases_are_compared_by_their_words() -> None:
    """The same text made live again has not moved (R7)."""
    live = was_live(HERO, ("old", "a"), ("other", "b"), ("old", "c"))
    planned, _ = only(promoted(standing(draft(HERO, "new", base=live[0].hash), live=(live,))))
    assert planned.conflict is None


@pytest.mark.parametrize(
    ("stands", "reason"),
    [
        (standing(), "has no draft; generate writes one"),
        (
            standing(draft(HERO, "same"), live=(was_live(HERO, ("same", "a")),)),
            "is live already",
        ),
    ],
)
def test_what_goes_without_saying_is_said_only_of_what_was_named(
    stands: SiteContent, reason: str
) -> None:
    """In bulk it would be most of the answer."""
    assert why(promoted(stands, NAMED)) == [reason]
    assert why(promoted(stands, BULK)) == []


def test_what_a_rollback_withdrew_is_promoted_only_by_its_name_or_its_batch() -> None:
    """Otherwise the next bare promote would undo the rollback (R9)."""
    stands = standing(draft(HERO, "bad", withdrawn=True))
    assert why(promoted(stands)) == [
        "was taken back or unpublished; name the section to promote it again"
    ]
    assert only(promoted(stands, NAMED))[0].change == "publish"
    assert only(promoted(stands, drafted={HERO: True}))[0].change == "publish"


PRICE = Finding(level="held", kind="price in no source", piece="€85")


def test_what_the_checks_hold_is_promoted_only_by_its_name() -> None:
    """Nobody has said it, and in bulk nobody may have looked; a batch of drafts is bulk, too."""
    stands = standing(draft(HERO, "Rooms are €85.", findings=(PRICE,)))
    reason = (
        'is held; promote {"section": "home/hero"} takes it: the price \'€85\' stands in no source'
    )
    assert why(promoted(stands)) == [reason]
    assert why(promoted(stands, drafted={HERO: True})) == [reason]
    assert only(promoted(stands, NAMED))[0].change == "publish"


def test_what_was_held_is_free_once_the_facts_say_it() -> None:
    """Whoever puts a price into the site's facts need not draft the text anew."""
    stands = standing(draft(HERO, "Rooms are €85.", findings=(PRICE,)))
    site = replace(stands.site, facts={"room": "85 euros"})
    assert only(promoted(replace(stands, site=site)))[0].change == "publish"


def test_one_invention_among_many_figures_is_held() -> None:
    """The others stood in the live text, and no longer count when it is looked at again."""
    menu = ". ".join(f"No {n} is €{n}.50" for n in range(100, 200))
    stands = standing(draft(HERO, f"{menu}. Rooms are €85.", findings=(PRICE,)))
    assert not promoted(stands).planned


def test_what_is_only_noted_is_promoted() -> None:
    """A placeholder, or a link that leads nowhere yet."""
    noted = Finding(level="noted", kind="dead link", piece="/gone")
    stands = standing(draft(HERO, "See [it](/gone).", findings=(noted,)))
    assert only(promoted(stands))[0].change == "publish"


def test_a_draft_that_is_live_is_live_whatever_its_mark() -> None:
    """Nothing is said of it in bulk (R9)."""
    stands = standing(draft(HERO, "x", withdrawn=True), live=(was_live(HERO, ("x", "a")),))
    assert why(promoted(stands)) == []
    assert why(promoted(stands, NAMED)) == ["is live already"]


def test_of_a_batch_only_what_it_drafted_and_is_still_its_is_promoted() -> None:
    """What was drafted anew since is told; what it never drafted is none of its business (R8)."""
    stands = standing(*[draft(id, "words") for id in SITE.section_ids])
    selection = Selection(ids=tuple(SITE.section_ids), named=False)
    plan = promoted(stands, selection, drafted={HERO: True, "home/news": False})
    assert [each.section for each in plan.planned] == [HERO]
    assert [(each.section, each.reason) for each in plan.skipped] == [
        (
            "home/news",
            "was drafted anew since that batch; name the section to promote the newer draft",
        )
    ]


def test_what_has_left_the_site_or_is_static_is_not_promoted() -> None:
    """Its draft may still be there."""
    for site, reason in (
        (site_of(note("menu/hero")), "is no longer in site.yaml"),
        (site_of(note(HERO, text="As it is.")), "has a static text in site.yaml"),
    ):
        assert why(promoted(standing(draft(HERO, "words"), site=site))) == [reason]


def test_a_page_whose_file_is_blocked_is_left_out_before_anything_is_written() -> None:
    """With `force`, too; other pages are not concerned (P6)."""
    made = draft(HERO, "new"), draft("menu/hero", "new")
    stands = standing(*made, found=BLOCKED)
    both = Selection(ids=(HERO, "menu/hero"), named=False)
    for force in (False, True):
        plan = promoted(stands, both, force=force)
        assert [each.section for each in plan.planned] == ["menu/hero"]
        assert [(each.section, each.reason) for each in plan.skipped] == [(HERO, MERGE)]


def test_a_page_that_may_still_be_being_saved_waits() -> None:
    """Half a sentence must not become what is live (P3)."""
    saving = {"home": PageFound(file="content/home.md", looked=None, saving=True)}
    [reason] = why(promoted(standing(draft(HERO, "new"), found=saving)))
    assert reason.startswith("content/home.md was edited a moment ago")


def test_a_file_that_is_gone_is_written_again_once_for_its_page() -> None:
    """Only where the page or a section of it is named, and meant: by the batch too (P5)."""
    live = was_live(HERO, ("x", "a")), was_live("home/news", ("x", "a"))
    gone = frozenset({"hero", "news"})
    found = {
        page: PageFound(file=f"content/{page}.md", looked=None, missing=True, gone=gone)
        for page in ("home", "menu")
    }
    stands, both = standing(live=live, found=found), (HERO, "home/news")
    page = Selection(ids=both, named=False, pages=("home",))
    plan = promoted(stands, page)
    assert list(plan.files) == ["content/home.md"]
    assert plan.put_back == {HERO, "home/news"}
    [job] = plan.jobs
    assert (job.kind, job.subject, job.counted) == ("content-export", "home", False)
    assert promoted(stands, NAMED).put_back == {HERO}
    assert promoted(stands, page, drafted={"menu/hero": True}).files == {}
    assert promoted(stands, Selection(ids=both, named=False)).files == {}


def test_what_somebody_took_out_of_a_file_does_not_come_back_in_bulk() -> None:
    """It says which call writes it again (P5)."""
    gone = frozenset({"hero"})
    found = {"home": PageFound(file="content/home.md", looked=None, gone=gone)}
    live = was_live(HERO, ("old", "a"))
    stands = standing(draft(HERO, "new", base=live[-1].hash), live=(live,), found=found)
    [reason] = why(promoted(stands))
    assert reason == 'content/home.md is missing; promote {"page": "home"} writes it again'
    assert only(promoted(stands, NAMED))[0].conflict is None


# Rollback of a batch


@pytest.mark.parametrize(
    ("history", "change", "restores"),
    [
        ((("one", "a"), ("two", "b")), "restore", "one"),
        ((("one", "b"),), "remove", None),
        (((None, "a"), ("one", "b")), "remove", None),
        ((("one", "a"), ("two", "b"), ("three", "b")), "restore", "one"),
        ((("one", "a"), (None, "b")), "restore", "one"),
    ],
)
def test_what_stood_before_a_batch_is_restored(
    history: tuple[tuple[str | None, str | None], ...], change: str, restores: str | None
) -> None:
    """Before its first change to the section, over all its rounds (R12)."""
    live = was_live(HERO, *history)
    planned, payload = only(taken_back(standing(live=(live,))))
    assert (planned.change, planned.conflict) == (change, None)
    assert planned.hash_to == (hash_of(HERO, restores) if restores else None)
    assert payload.get("restore") == (live[0].id if restores else None)
    assert (payload.get("live"), payload["expect"]) == (live[-1].hash, "live")


def test_what_stands_again_already_is_skipped() -> None:
    """Whoever brought it back (R12)."""
    live = was_live(HERO, ("one", "a"), ("two", "b"), ("one", "c"))
    assert why(taken_back(standing(live=(live,)))) == ["is what it was before that batch already"]


def test_what_was_changed_after_the_batch_is_a_conflict() -> None:
    """The section that nobody touched since is restored all the same (R12)."""
    hero = was_live(HERO, ("one", "b"), ("two", "c"))
    news = was_live("home/news", ("one", "b"))
    plan = taken_back(standing(live=(hero, news)), HERO, "home/news")
    assert [each.conflict for each in plan.planned] == [
        "it was changed again after that batch",
        None,
    ]
    assert plan.jobs[0].payload["blocked"] == "it was changed again after that batch"
    forced = taken_back(standing(live=(hero,)), force=True)
    planned, payload = only(forced)
    assert (planned.conflict, payload["expect"]) == (None, "any")


def test_the_same_words_again_are_no_change_since() -> None:
    """It goes by the hash of what is live (R12)."""
    live = was_live(HERO, ("one", "b"), ("two", "c"), ("one", "d"))
    planned, _ = only(taken_back(standing(live=(live,))))
    assert (planned.change, planned.conflict) == ("remove", None)


def test_sections_that_the_batch_did_not_change_are_told_where_they_were_named() -> None:
    """Or where there are no others."""
    hero, news = was_live(HERO, ("one", "b")), was_live("home/news", ("one", "a"))
    stands = standing(live=(hero, news))
    untouched = "was not changed by that batch"
    assert taken_back(stands, HERO, "home/news").skipped == ()
    told = taken_back(stands, HERO, "home/news", "menu/hero", named=True)
    assert [(each.section, each.reason) for each in told.skipped] == [
        ("home/news", untouched),
        ("menu/hero", untouched),
    ]
    assert why(taken_back(stands, "home/news")) == [untouched]


def test_nothing_is_taken_back_on_a_page_whose_file_is_blocked() -> None:
    """By its batch or by its name (P6)."""
    live = was_live(HERO, ("one", "b"))
    assert why(taken_back(standing(live=(live,), found=BLOCKED))) == [MERGE]
    assert why(undone(standing(live=(live,), found=BLOCKED))) == [MERGE]


# Rollback of sections


def test_the_last_change_is_undone_and_the_same_again_gives_it_back() -> None:
    """Toggled as often as one likes (R14)."""
    live = was_live(HERO, ("one", "a"), ("two", "b"))
    for _ in range(3):
        planned, payload = only(undone(standing(live=(live,))))
        before, last = live[-2:]
        assert (planned.hash_from, planned.hash_to) == (last.hash, before.hash)
        assert payload["restore"] == before.id
        live.append(replace(before, id=live[-1].id + 1))


def test_what_was_never_live_before_is_removed_and_comes_back() -> None:
    """A removal is a change like any other (R14)."""
    live = was_live(HERO, ("one", "a"))
    planned, _ = only(undone(standing(live=(live,))))
    assert (planned.change, planned.hash_to) == ("remove", None)
    live += was_live(HERO, (None, "b"))
    planned, payload = only(undone(standing(live=(live,))))
    assert (planned.change, planned.hash_from) == ("restore", None)
    assert payload["restore"] == live[0].id
    assert "live" not in payload


def test_below_what_pressroom_found_there_is_nothing() -> None:
    """A text that was found in its file is the ground (P4); what came after it goes back to it."""
    found = text(HERO, "found", type=PRODUCTION, by="adopted")
    assert why(undone(standing(live=([found],)))) == [
        "nothing before it: its live text is the one Pressroom found"
    ]
    live = [found, *was_live(HERO, ("ours", "a"))]
    assert only(undone(standing(live=(live,))))[0].hash_to == found.hash


def test_what_was_never_live_has_nothing_to_undo() -> None:
    """Whatever drafts there are."""
    assert why(undone(standing(draft(HERO, "words")))) == ["was never live"]


@pytest.mark.parametrize(
    ("force", "exact", "expect"),
    [(False, False, "live"), (True, False, "any"), (True, True, "live"), (False, True, "live")],
)
def test_force_overrides_the_plan_but_never_a_digest(force: bool, exact: bool, expect: str) -> None:
    """What the dry run showed is what is done, or nothing."""
    live = was_live(HERO, ("one", "a"))
    _, payload = only(undone(standing(live=(live,)), force=force, exact=exact))
    assert payload["expect"] == expect


# What stands


def test_a_batch_stands_while_a_text_of_it_is_live() -> None:
    """By the hash of the last that it wrote; one that removed stands while there is none (R10)."""
    hero = was_live(HERO, ("one", "a"), ("two", "b"))
    menu = was_live("menu/hero", ("one", "a"))
    gone = was_live("home/news", ("one", "c"), (None, "d"))
    found = standing(live=(hero, menu, gone))
    assert [stands(batch, found) for batch in ("a", "b", "c", "d", "x")] == [
        True,
        True,
        False,
        True,
        False,
    ]
    assert not stands("a", found, ["home"])
    assert stands("a", found, ["home", "menu"])


# Unpublish


def unpublished(stands: SiteContent, selection: Selection = BULK, **call: Any) -> Plan:
    """Plan an unpublish call."""
    return plan_unpublish(ChangeCall(**call), selection, stands)


def test_what_is_live_is_removed_if_it_is_still_what_the_plan_saw() -> None:
    """Or, with `force`, whatever is live by then; with a digest nothing else (R27)."""
    live = was_live(HERO, ("old", "b"))
    planned, payload = only(unpublished(standing(draft(HERO, "new"), live=(live,))))
    assert (planned.change, planned.hash_from, planned.hash_to) == ("remove", live[0].hash, None)
    assert payload == {"section": HERO, "live": live[0].hash, "expect": "live"}
    [job] = unpublished(standing(live=(live,))).jobs
    assert (job.dedup_key, job.priority) == (f"change:{HERO}", Priority.HIGH)
    for digest, expect in ((None, "any"), ("d", "live")):
        _, payload = only(unpublished(standing(live=(live,)), force=True, digest=digest))
        assert payload["expect"] == expect


def test_a_blocked_file_keeps_a_text_from_being_unpublished() -> None:
    """With `force`, too (P6)."""
    stands = standing(live=(was_live(HERO, ("old", "b")),), found=BLOCKED)
    for force in (False, True):
        assert why(unpublished(stands, force=force)) == [MERGE]


@pytest.mark.parametrize(
    ("stands", "bulk", "named"),
    [
        (standing(), [], ["is not live"]),
        (standing(draft(HERO, "new", withdrawn=True)), [], ["is not live"]),
        (
            standing(site=site_of(note(HERO, template=None, text="Static."))),
            [],
            ["has a static text, which is taken out in site.yaml"],
        ),
        (
            standing(draft(HERO, "new")),
            ["is not live; but a promote of everything would make its draft live"],
            ["is not live; but a promote of everything would make its draft live"],
        ),
    ],
)
def test_why_a_section_is_not_unpublished(
    stands: SiteContent, bulk: list[str], named: list[str]
) -> None:
    """Of a page only what somebody would wonder about is said (R27)."""
    assert why(unpublished(stands)) == bulk
    assert why(unpublished(stands, NAMED)) == named


def test_a_withdrawn_draft_goes_where_nothing_is_live_if_it_is_named() -> None:
    """Whatever it was made against: it replaces no text (R27)."""
    off = draft(HERO, "new", withdrawn=True, base=hash_of(HERO, "old"))
    planned, payload = only(promoted(standing(off), NAMED))
    assert (planned.conflict, payload["expect"]) == (None, "live")
    assert "live" not in payload
    live = was_live(HERO, ("other", "b"))
    assert only(promoted(standing(off, live=(live,)), NAMED))[0].conflict is not None
