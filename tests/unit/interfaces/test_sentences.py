"""The sentences of the answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.content.actions.calls import Planned, Skipped, Submitted
from mcp_server.interfaces.mcp.answers import batch_sentences, sentences
from mcp_server.jobs.job import Batch, BatchState, Job
from mcp_server.jobs.records import Cancelled
from mcp_server.progress.verbs import GENERATE, PROMOTE, ROLLBACK, Verb


def submitted(verb: Verb, count: int, batch_id: str | None = "batch_1") -> Submitted:
    """A call that queued `count` sections."""
    planned = tuple(Planned(section=f"menu/s{i}", change="draft") for i in range(count))
    return Submitted(
        verb=verb, total_sections=count, planned=planned, batch_id=batch_id if count else None
    )


@pytest.mark.parametrize(
    ("verb", "count", "beginning"),
    [
        (GENERATE, 1, "Queued generation of 1 section."),
        (GENERATE, 5, "Queued generation of 5 sections."),
        (GENERATE, 47, "Queued generation of 47 sections."),
        (PROMOTE, 12, "Queued promotion of 12 sections to production."),
        (ROLLBACK, 3, "Queued rollback of 3 sections."),
    ],
)
def test_what_was_queued_reads_the_same_for_one_and_for_many(
    verb: Verb, count: int, beginning: str
) -> None:
    """And says that the chat is not needed any more."""
    sentence = sentences.submitted(submitted(verb, count))
    assert sentence.startswith(beginning)
    assert sentence.endswith("Work goes on after this chat is closed.")


def test_production_is_files_and_not_a_deployment() -> None:
    """Nobody looks for the text on the web at once."""
    assert "written to files, not deployed" in sentences.submitted(submitted(PROMOTE, 2))
    assert "deployed" not in sentences.submitted(submitted(GENERATE, 2))


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        (GENERATE, "No sections to generate."),
        (PROMOTE, "No sections to promote."),
        (ROLLBACK, "No sections to roll back."),
    ],
)
def test_nothing_to_do_is_said_plainly(verb: Verb, sentence: str) -> None:
    """It is not an error."""
    assert sentences.submitted(submitted(verb, 0)) == sentence


def test_nothing_to_do_because_of_skips_gives_the_first_reason() -> None:
    """Otherwise somebody asks again at once."""
    skipped = (Skipped(section="menu/hero", reason="has a draft; mode new rewrites it"),)
    outcome = replace(submitted(GENERATE, 0), skipped=skipped)
    assert sentences.submitted(outcome) == (
        "No sections to generate. 1 section skipped, such as menu/hero: "
        "has a draft; mode new rewrites it."
    )


def test_a_paused_duplicate_says_why_and_names_both_ways_on() -> None:
    """Or nobody would know what to do with it (R2)."""
    outcome = replace(submitted(GENERATE, 2), duplicate=True, paused_reason="the key is refused")
    sentence = sentences.submitted(outcome)
    assert "paused: the key is refused." in sentence
    assert "retry" in sentence
    assert "cancel" in sentence


@pytest.mark.parametrize(
    ("active", "paused", "sentence"),
    [
        (0, 0, "No background operations running."),
        (1, 0, "1 operation in progress."),
        (3, 0, "3 operations in progress."),
        (3, 1, "3 operations in progress, 1 of them paused."),
        (1, 1, "1 operation in progress, paused."),
        (200, 0, "200 operations in progress."),
        (201, 1, "More than 200 operations in progress."),
    ],
)
def test_operations_are_counted(active: int, paused: int, sentence: str) -> None:
    """None, one, several, paused ones among them, and more than were looked at."""
    assert sentences.operations(active, paused, at_most=200) == sentence


def test_a_running_batch_says_how_far_it_is(batch: Batch) -> None:
    """With what is left of it, where that is known."""
    sentence = batch_sentences.batch_sentence(batch, (), (), "about 2 minutes")
    assert sentence == "Content generation: 7/40 · waiting, about 2 minutes left."


def test_one_failure_in_forty_names_it_and_what_retry_takes_up(ended: Batch, job: Job) -> None:
    """So that nobody fears that all forty are drafted again."""
    batch = replace(ended, state=BatchState.FAILED, completed=39, failed=1)
    assert batch_sentences.batch_sentence(batch, [job], (), None) == (
        "39 of 40 drafted, 1 failed: menu/hero (the model did not answer in time); "
        "retry takes up only that one."
    )


def test_many_failures_are_counted_and_the_first_are_named(ended: Batch, job: Job) -> None:
    """A sentence stays a sentence."""
    batch = replace(ended, state=BatchState.FAILED, completed=20, failed=20)
    sentence = batch_sentences.batch_sentence(batch, [job] * 20, (), None)
    assert sentence.count("menu/hero") == 3
    assert "; and 17 more; retry takes up only those 20." in sentence


def test_a_conflict_is_not_for_retry(ended: Batch, job: Job) -> None:
    """Somebody has to look (R17)."""
    batch = replace(ended, state=BatchState.FAILED, completed=39, failed=1)
    sentence = batch_sentences.batch_sentence(batch, [job._replace(code="conflict")], (), None)
    assert "retry takes up" not in sentence
    assert "a conflict is not retried" in sentence


def test_a_file_that_was_edited_is_for_retry(ended: Batch, job: Job) -> None:
    """R17: once the edit is undone, `retry` writes the file; the section itself is done."""
    batch = replace(ended, kind="promote", state=BatchState.FAILED)
    export = job._replace(kind="content-export", subject="menu", counted=False, code="conflict")
    sentence = batch_sentences.batch_sentence(batch, [export], (), None)
    assert "retry takes up only that one" in sentence
    assert "is not retried" not in sentence


def test_a_file_that_was_not_written_is_told_apart_from_sections(ended: Batch, job: Job) -> None:
    """An export is not counted, but it makes the batch failed (R21)."""
    batch = replace(ended, kind="promote", state=BatchState.FAILED)
    export = job._replace(kind="content-export", subject="menu", counted=False, reason="disk full")
    sentence = batch_sentences.batch_sentence(batch, [export], (), None)
    assert sentence.startswith("40 of 40 promoted, 1 not written to a file: menu (disk full)")


def test_a_round_that_only_wrote_files_says_so_in_a_sentence(ended: Batch) -> None:
    """It begins as one does, and counts no sections."""
    files = replace(ended, kind="promote", total=0, completed=0)
    assert batch_sentences.batch_sentence(files, (), (), None) == "Its files are written."
    failed = replace(files, state=BatchState.FAILED)
    assert batch_sentences.batch_sentence(failed, (), (), None) == "No file written."


def test_a_promotion_names_the_files(ended: Batch) -> None:
    """The first of them."""
    files = [f"content/p{i}.md" for i in range(5)]
    sentence = batch_sentences.batch_sentence(replace(ended, kind="promote"), (), files, None)
    assert sentence == (
        "40 of 40 promoted. Files: content/p0.md, content/p1.md, content/p2.md and 2 more; "
        "written to content/, not deployed."
    )
    elsewhere = batch_sentences.batch_sentence(
        replace(ended, kind="promote"), (), ["src/pages/a.md (removed)"], None
    )
    assert elsewhere.endswith("; written to src/pages/, not deployed.")
    outside = batch_sentences.batch_sentence(replace(ended, kind="promote"), (), ["a.md"], None)
    assert outside.endswith("Files: a.md; written, not deployed.")


def test_a_paused_batch_says_why_and_how_to_go_on(batch: Batch) -> None:
    """In its own sentence."""
    paused = replace(batch, state=BatchState.PAUSED, reason="The key was refused.")
    assert batch_sentences.batch_sentence(paused, (), (), None) == (
        "Content generation is paused after 7 of 40: The key was refused. "
        "retry goes on with it, cancel gives it up."
    )


def test_a_cancellation_says_what_was_done_and_what_never_started(batch: Batch) -> None:
    """And that a promotion that was half done is half live."""
    found = Cancelled(batch=replace(batch, kind="promote"), stopped=2, dropped=30, done=8)
    sentence = batch_sentences.cancelled(found)
    assert "2 stopped while running, 30 never started, 8 already done" in sentence
    assert "rollback" in sentence


def test_reasons_are_short_visible_and_on_one_line() -> None:
    """Some come from a model."""
    assert sentences.short("a\u202e\nb\u200b " + "c" * 500, 20) == "a b " + "c" * 15 + "…"
    assert sentences.short("\u200b") is None


def test_a_review_counts_its_sections() -> None:
    """By state."""
    assert sentences.reviewed({"live": 2, "draft": 1, "missing": 0}) == (
        "3 sections: 2 live, 1 draft."
    )
    assert sentences.reviewed({}) == "No sections match."
