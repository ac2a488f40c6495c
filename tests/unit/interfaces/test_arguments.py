"""What the tools take."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_server.content.actions.calls import Selector
from mcp_server.errors import InvalidPayload
from mcp_server.interfaces.mcp.tools.arguments import added_by_host, parse
from mcp_server.interfaces.mcp.tools.generate import (
    INSTRUCTIONS_LENGTH_MAX,
    GenerateAllArguments,
    GenerateArguments,
)
from mcp_server.interfaces.mcp.tools.retry import RetryArguments
from mcp_server.interfaces.mcp.tools.review import ReviewArguments
from mcp_server.interfaces.mcp.tools.status import StatusArguments


def generate(**raw: Any) -> GenerateArguments:
    """The arguments of a call of `generate`."""
    return parse("generate", GenerateArguments, raw)


def refused(**raw: Any) -> str:
    """Why a call of `generate` is refused."""
    with pytest.raises(InvalidPayload) as refusal:
        generate(**raw)
    return str(refusal.value)


def test_nothing_selected_is_everything() -> None:
    """Absent, empty and null are the same."""
    nothing = Selector()
    assert generate().selector == nothing
    assert generate(page="", sections=[], pages=None).selector == nothing


def test_a_selector_is_taken_as_it_is_written() -> None:
    """`page/section` and the bare id beside a page are told apart further down."""
    assert generate(section="menu/hero").selector == Selector(section="menu/hero")
    assert generate(page="menu", section="hero").selector == Selector(page="menu", section="hero")


def test_a_list_that_comes_as_text_is_still_a_list() -> None:
    """Some clients send JSON in a string, some a bare id."""
    assert generate(sections='["menu/hero", "menu/prices"]').selector.sections == (
        "menu/hero",
        "menu/prices",
    )
    assert generate(pages="menu").selector.pages == ("menu",)
    assert generate(pages="[]").selector.pages == ()


def test_text_that_is_no_list_however_deep_is_refused_and_not_a_crash() -> None:
    """A parser that gives up is the caller's mistake, not ours."""
    assert "pages[0] must be text of at most 400 characters" in refused(pages="[" * 100_000)


def test_stream_is_the_long_wait() -> None:
    """Its older name; a wait that is given in seconds is taken at its word."""
    assert generate(stream=True).wait_s == 45
    assert generate(stream=True, waitSeconds=5).wait_s == 5
    assert generate(stream=False).wait_s == 0
    assert generate().wait_s == 0


def test_status_knows_whether_a_wait_was_asked_for() -> None:
    """It waits unasked, but not against the caller's word."""
    assert parse("status", StatusArguments, {}).asked_wait_s is None
    assert parse("status", StatusArguments, {"waitSeconds": 0}).asked_wait_s == 0
    assert parse("status", StatusArguments, {"stream": True}).asked_wait_s == 45


def test_numbers_and_truth_values_may_come_as_text() -> None:
    """Models write them so now and then."""
    arguments = parse("review", ReviewArguments, {"limit": "5", "diff": "true", "state": "draft"})
    assert (arguments.limit, arguments.diff, arguments.state) == (5, True, ["draft"])


@pytest.mark.parametrize("name", ["dry_run", "dryrun", "DryRun"])
def test_another_spelling_is_unknown_but_recognised(name: str) -> None:
    """One spelling on the wire, and a hint to it."""
    assert "did you mean dryRun?" in refused(**{name: True})


def test_arguments_of_later_versions_are_unknown() -> None:
    """What is not built yet is not accepted in silence."""
    assert 'unknown argument "approval"' in refused(approval=True)


def test_all_mistakes_are_told_at_once() -> None:
    """One round trip is enough to mend them."""
    message = refused(mode="fast", waitSeconds=-1, dryRun="perhaps", page=7)
    assert message.count(" must be ") == 4


@pytest.mark.parametrize("wait", [46, -1, float("nan"), float("inf"), "soon"])
def test_a_wait_is_0_to_45_seconds(wait: object) -> None:
    """Longer ones would run into what clients allow."""
    assert "waitSeconds must be a number from 0 to 45" in refused(waitSeconds=wait)


def test_ids_lists_and_instructions_have_a_length() -> None:
    """Each refusal says which."""
    assert "page must be text of at most 400" in refused(page="x" * 500)
    assert "section must be text of at most 465" in refused(section="x" * 500)
    assert "sections[1] must be" in refused(sections=["a/b", "x" * 500])
    assert "pages must be a list of at most 1,000" in refused(pages=["a"] * 1_001)
    longest = "x" * INSTRUCTIONS_LENGTH_MAX
    assert generate(instructions=longest).instructions == longest
    assert "at most 8,000 characters" in refused(instructions=longest + "x")


def test_a_refusal_stays_short() -> None:
    """Whatever was sent."""
    assert len(refused(page={"x": "y" * 10_000}, mode="z" * 10_000)) < 600


def test_wishes_of_blanks_are_none() -> None:
    """They would have every text of the page written anew."""
    call = generate(instructions=" \n", material="\t ").call("generate", Selector(page="menu"))
    assert (call.instructions, call.material) == ("", "")


def test_retry_needs_its_batch() -> None:
    """The only argument that is required anywhere."""
    with pytest.raises(InvalidPayload, match="retry: batchId is missing"):
        parse("retry", RetryArguments, {})


def test_generate_all_takes_no_selector() -> None:
    """The whole site is the whole site."""
    with pytest.raises(InvalidPayload, match='unknown argument "page"'):
        parse("generate-all", GenerateAllArguments, {"page": "menu"})


def test_an_empty_text_is_absent_wherever_it_stands() -> None:
    """Models fill in what they need not."""
    found = generate(mode="", instructions="", waitSeconds="", dryRun="", requestKey="", pages="")
    assert found == generate()
    assert parse("status", StatusArguments, {"detail": "", "limit": "", "batchId": ""}) == parse(
        "status", StatusArguments, {}
    )
    assert 'unknown argument "pgae"' in refused(pgae="")
    with pytest.raises(InvalidPayload, match="retry: batchId is missing"):
        parse("retry", RetryArguments, {"batchId": ""})


def test_what_a_host_adds_is_told_from_what_a_model_writes() -> None:
    """Only what the tool does not know itself."""
    raw = {"toolCallId": "call_1", "sessionId": "s", "page": "menu", "pgae": "menu"}
    assert added_by_host(raw, {"page"}) == ["toolCallId", "sessionId"]
    assert added_by_host(raw, {"page", "sessionId"}) == ["toolCallId"]


def test_a_nul_is_left_out_of_a_wish_and_is_part_of_no_id() -> None:
    """PostgreSQL keeps none, and can look for none; an id of nothing else is not absent."""
    call = generate(instructions="a\0b", material="\0soup: 4 €", requestKey="k\0").call(
        "generate", Selector()
    )
    assert (call.instructions, call.material) == ("ab", "soup: 4 €")
    assert call.request_key == "k\ufffd"
    assert parse("status", StatusArguments, {"batchId": "\0"}).batch_id == "\ufffd"
    assert generate(page="menu\0", sections=["\0"]).selector == Selector(
        page="menu\ufffd", sections=("\ufffd",)
    )


def test_half_an_emoji_as_a_name_or_an_id_is_refused_in_words() -> None:
    """It can be neither looked up nor written."""
    assert r'unknown argument "\ud800"' in refused(**{"\ud800": 5})
    for name in ("page", "section", "requestKey", "mode", "instructions"):
        assert rf"{name} must be" in refused(**{name: "\ud800"})


def test_what_is_nested_too_deep_to_be_shown_is_refused_in_words() -> None:
    """Over HTTP it gets that far."""
    deep: object = 0
    for _ in range(100_000):
        deep = [deep]
    assert "not what is nested too deep" in refused(page=deep)
