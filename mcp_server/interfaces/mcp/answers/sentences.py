"""The sentences of the answers. Pure, and the same for every interface."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from mcp_server.content.actions import moments
from mcp_server.content.actions.calls import Estimate, Planned, Quoted, Submitted
from mcp_server.content.drafting.budget import dollars
from mcp_server.content.text.visible import visible_start
from mcp_server.excerpt import as_name, shortened
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, Job
from mcp_server.jobs.records import Tally
from mcp_server.progress.verbs import VERBS, kind_name, plain_verb, verb_of
from mcp_server.progress.words import full_stop

BACKGROUND = "This operation is running in the background."
NO_OPERATIONS = "No background operations running."
GOES_ON = "Work goes on after this chat is closed."
RESUMES = "Work goes on while this server runs, and resumes when it is started again."
RESUMED = "The worker was stopped by hand; it is started again, and nothing else was queued."
NAMED_MAX = 3
"""How many failures a sentence names; the rest is counted."""
CHANGES_NAMED_MAX = 2
"""Sections of which a rollback says in a sentence what goes and comes; its rows say it of all."""
REASON_LENGTH = 160
"""Characters of a reason in a sentence or a row; the whole of it is stored."""

PAUSED_ADVICE = "retry goes on with it, cancel gives it up."


def sections(count: int) -> str:
    """Return `1 section`, `47 sections`."""
    return f"{count:,} section" + ("" if count == 1 else "s")


def short(text: str | None, length: int = REASON_LENGTH) -> str | None:
    """Return `text` on one line, at most `length` visible characters; `None` if that is empty."""
    return shortened(visible_start(text or "", length, one_line=True), length) or None


def call(tool: str, arguments: Mapping[str, object]) -> str:
    """Return a call in the form that a caller can make: `status {"batchId": "…"}`."""
    return f"{tool} {json.dumps(arguments, ensure_ascii=False)}"


def goes_and_comes(outcome: Submitted) -> str:
    """Return which live text a rollback replaces by which, and what becomes of a newer draft."""
    rows = [row for row in outcome.planned if row.conflict is None and _moves(row)]
    if not rows:
        return ""
    said = [f"{_goes_and_comes(row)}." for row in rows[:CHANGES_NAMED_MAX]]
    if len(rows) > CHANGES_NAMED_MAX:
        said.append(f"So with {len(rows) - CHANGES_NAMED_MAX:,} more.")
    if drafted := [row.section for row in rows if row.newer_draft]:
        whose = f"The newer draft of {as_name(drafted[0])}"
        if len(drafted) > 1:
            whose = f"{len(drafted):,} newer drafts, such as that of {as_name(drafted[0])},"
        way = call("edit", {"section": drafted[0], "discard": True})
        stay = "stays" if len(drafted) == 1 else "stay"
        said.append(f"{whose} {stay}: {way} discards it, and leaves what is live.")
    return " ".join(said)


def _moves(row: Planned) -> bool:
    return row.live_since is not None or row.comes_from is not None


def _goes_and_comes(row: Planned) -> str:
    gone = None if row.live_since is None else f"the live text of {moments.said(row.live_since)}"
    comes = None if row.comes_from is None else moments.said(row.comes_from)
    named = as_name(row.section)
    if gone is None:
        return f"{named}: the text of {comes} comes back"
    if comes is None:
        return f"{named}: {gone} goes, and nothing was live before it"
    return f"{named}: {gone} goes; the one of {comes} comes back"


def submitted(
    outcome: Submitted, *, again: bool = False, over: bool = False, outlives: bool = True
) -> str:
    """Return the sentence on a call that queues.

    `again`: it was a retry. `over`: the batch has ended, which another sentence tells.
    `outlives`: the worker goes on without the server. A rollback first says what goes and comes.
    """
    what = _submitted(outcome, again=again, over=over, outlives=outlives)
    return " ".join(filter(None, [goes_and_comes(outcome), what]))


def _submitted(outcome: Submitted, *, again: bool, over: bool, outlives: bool) -> str:
    verb, count = outcome.verb, outcome.count
    if outcome.batch_id is None and count == outcome.files == 0:
        return nothing(outcome)
    if outcome.dry_run:
        return f"Would {_would(outcome)}.{_about(outcome.estimate)} Nothing was queued."
    if outcome.paused_reason is not None:
        why = full_stop(short(outcome.paused_reason) or "no reason was given")
        return f"The same {verb.noun} is there already, but paused: {why} {PAUSED_ADVICE}"
    if outcome.ended_as is not None:
        return f"That request was answered before: batch {outcome.batch_id}, {outcome.ended_as}."
    if outcome.duplicate:
        is_or_was = "was" if over else "is"
        what = f"The same {verb.noun} {is_or_was} already under way; nothing more was queued."
    else:
        again_ = " again" if again else ""
        what = f"Queued {verb.noun} of {sections(count)}{verb.target}{again_}."
        if count == 0:
            what = "Queued the writing of its files again."
    files = " The pages are written to files, not deployed." if verb.writes_files else ""
    return what if over else f"{what}{files} {GOES_ON if outlives else RESUMES}"


def _about(estimate: Estimate | None) -> str:
    """Return what drafting will cost, if a model writes."""
    if estimate is None:
        return ""
    tokens = f"{estimate.input_tokens:,} tokens in, {estimate.output_tokens:,} out"
    cost = "at a price that is not known"
    if estimate.cost_usd is not None:
        cost = f"for about {dollars(estimate.cost_usd)}"
    count = estimate.from_drafts
    drafts = "1 earlier draft" if count == 1 else f"{count:,} earlier drafts"
    source = drafts if count else "its templates, as there is no earlier draft"
    return f" An estimate from {source}: {tokens}, {cost}."


def _would(outcome: Submitted) -> str:
    would = [f"{outcome.verb.would} {sections(outcome.count)}{outcome.verb.target}"]
    if outcome.files:
        files = "1 missing file" if outcome.files == 1 else f"{outcome.files} missing files"
        would = [*(would if outcome.count else ()), f"write {files} again"]
    return " and ".join(would)


def nothing(outcome: Submitted) -> str:
    """Return the sentence for an empty plan: the calls that would help, or the first reason."""
    if outcome.next_calls:
        ways = [f"{call(way.tool, way.arguments)} {way.why}" for way in outcome.next_calls]
        said = [note.said if isinstance(note, Quoted) else note for note in outcome.notes]
        return " ".join([*said, "; ".join(ways) + "."])
    if not outcome.skipped:
        return no_sections(outcome)
    held = [skipped for skipped in outcome.skipped if skipped.held]
    paused = [skipped for skipped in held if skipped.paused_reason]
    # The example is one that somebody can do most about: resume a batch, wait for one, or nothing.
    first = (paused or held or outcome.skipped)[0]
    what = "Nothing was queued." if held else no_sections(outcome)
    why = full_stop(short(first.reason) or "")
    if first.paused_reason:
        reason = full_stop(short(first.paused_reason) or "")
        why = f"is in batch {first.batch_id}, which is paused: {reason} {PAUSED_ADVICE}"
    such_as = as_name(first.section)
    return f"{what} {sections(len(outcome.skipped))} skipped, such as {such_as}: {why}"


def no_sections(outcome: Submitted) -> str:
    """Return `No sections to generate.` and the like."""
    return f"No sections to {outcome.verb.infinitive}."


def job_name(job: Job) -> str:
    """Return the name of a job outside any batch, such as `Count words menu`."""
    return short(f"{kind_name(job.kind)} {as_name(job.subject)}") or job.kind


def queued_job(job: Job, *, outlives: bool) -> str:
    """Return the sentence on a call that queued a job."""
    if job.state in ENDED_JOB_STATES:
        return job_sentence(job)
    return f"Queued: {job_name(job)}. {GOES_ON if outlives else RESUMES}"


def queued_batch(batch: Batch, sentence: str, *, outlives: bool) -> str:
    """Return the sentence on a call that queued a plugin's batch; if it has ended, `sentence`."""
    if batch.ended:
        return sentence
    jobs = f"{batch.total:,} job" + ("" if batch.total == 1 else "s")
    return f"Queued: {verb_of(batch).name}, {jobs}. {GOES_ON if outlives else RESUMES}"


def retried_batch(batch: Batch | None) -> str:
    """Return the sentence on a retry of a plugin's batch; `None` if there was nothing to retry."""
    if batch is None:
        return "Nothing was queued: all of it is done, or queued by others."
    return f"Queued again: {verb_of(batch).name}, {batch.total - batch.finished:,} left."


def concerning(id: str, newest: Job | None) -> str:
    """Return the sentence on the newest job about a section or a page."""
    if newest is None:
        return f"Nothing was queued for {as_name(id)} of late; review shows how it stands."
    return f"The last job on {as_name(id)}: {job_sentence(newest)}"


def changed(
    tallies: Sequence[Tally], edits: Sequence[tuple[str, int]], *, about: str | None, since: str
) -> str:
    """Return the sentence on what has happened since a time: how much of what, and by whom.

    `edits` are their authors, ready to be shown, each with a number; `since` is `2026-11-23`, or
    empty for all that there is.
    """
    parts = [_tallied(tally, counted=about is None) for tally in tallies]
    parts += [f"{count} {_plural('edit', count)} by {author}" for author, count in edits]
    if not parts:
        what = f" for {as_name(about)}" if about else ""
        return f"Nothing was queued{what} or edited {f'since {since}' if since else 'so far'}."
    what = f" of {as_name(about)}" if about else ""
    return f"{f'Since {since}' if since else 'So far'}{what}: {', '.join(parts)}."


def _tallied(tally: Tally, *, counted: bool) -> str:
    verb = VERBS.get(tally.kind) or plain_verb(tally.kind)
    said = f"{tally.batches} {_plural(verb.noun, tally.batches)}"
    return f"{said} ({tally.done} {verb.past})" if counted else said


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def job_sentence(job: Job) -> str:
    """Return the sentence on a job's state, and the reason if it has one."""
    reason = f": {full_stop(short(job.reason) or '')}" if job.reason else "."
    return f"{job_name(job)} is {job.state}{reason}"


def operations(active: int, paused: int, *, at_most: int) -> str:
    """Return the sentence on how many operations are in progress, and how many are paused.

    More than `at_most` are not counted.
    """
    if active == 0:
        return NO_OPERATIONS
    if active > at_most:
        return f"More than {at_most} operations in progress."
    plural = "" if active == 1 else "s"
    still = f", {paused} of them paused" if paused and active > 1 else ""
    still = ", paused" if paused and active == 1 else still
    return f"{active} operation{plural} in progress{still}."


def several(found: Sequence[Batch | Job]) -> str:
    """Return the sentence on operations that were asked for by their ids: how many stand where."""
    states = Counter(each.state.value for each in found)
    plural = "" if len(found) == 1 else "s"
    said = ", ".join(f"{count} {state}" for state, count in states.items())
    return f"{len(found)} operation{plural}: {said}."


def reviewed(counts: Mapping[str, int], about: str | None = None) -> str:
    """Return the sentence with the counts of sections by state, after what they are `about`."""
    total = sum(counts.values())
    if total == 0:
        return about or "No sections match."
    found = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    return " ".join(filter(None, [about, f"{sections(total)}: {found}."]))
