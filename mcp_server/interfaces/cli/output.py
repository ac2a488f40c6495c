"""What `status`, `job` and `doctor` print: lines for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mcp_server.content.text.visible import visible
from mcp_server.excerpt import is_seen
from mcp_server.interfaces.cli.spelling import as_commands, unmarked
from mcp_server.jobs.job import Job, JobState
from mcp_server.jobs.result import as_shown

MARKS = {"ok": "ok     ", "warning": "WARNING", "error": "ERROR  "}
"""What each finding of the doctor begins with: of one width, and in letters any terminal has."""


LEVELS = ("refused", "held", "noted")
"""What the checks find, the worst first."""
MORE_SECTIONS = "… and more; those that failed, run or are paused come first."
MORE_OPERATIONS = "… and older ones."
"""What is said where not all is shown."""

SECTION_WIDTH_MAX = 40
"""Columns at most that a list is aligned to; a longer name makes its own line longer."""


def job_lines(job: Job) -> Iterator[str]:
    """Yield a job for a person to read: its state and facts, then payload and result as JSON."""
    yield f"{job.id}  {job.kind} {visible(job.subject)}".rstrip() + f": {job.state}"
    for name, value in _facts(job):
        yield f"  {name:<9} {visible(value)}"
    yield from _block("payload", job.payload)
    if (result := as_shown(job.result)) is not None:
        yield from _block("result", result)


def status_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield an answer of `status`: operations, sections and files, what comes next, the worker."""
    yield one_line(as_commands(str(answer.get("message", ""))))
    yield from map(_operation, answer.get("operations", ()))
    yield from _sections(answer.get("sections", ()))
    if "nextCursor" in answer:
        more = MORE_SECTIONS if answer.get("sections") else MORE_OPERATIONS
        yield f"  {more} --cursor {answer['nextCursor']} shows them."
    yield from _files(answer.get("files", ()), answer.get("fileCount", 0))
    if next := answer.get("next"):
        yield one_line(as_commands(f"Next: {next}"))
    if job := answer.get("job"):
        yield f"`pressroom job {job['jobId']}` shows its payload and its result."
    worker: Mapping[str, Any] = answer.get("worker", {})
    if message := worker.get("message"):
        yield one_line(str(message))
    yield from (one_line(as_commands(note)) for note in answer.get("notes", ()))


def finding_lines(findings: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield a line for each finding, with its advice below, and at the end how many there are."""
    for finding in findings:
        mark = MARKS[finding["level"]]
        yield f"{mark}  {finding['check']}: {one_line(finding['message'])}"
        if finding["advice"]:
            yield f"{'':{len(mark)}}  -> {one_line(finding['advice'])}"
    counts = {level: sum(f["level"] == level for f in findings) for level in MARKS}
    if counts["error"]:
        yield f"{_plural(counts['error'], 'error')}, {_plural(counts['warning'], 'warning')}."
    elif counts["warning"]:
        yield f"It works; {_plural(counts['warning'], 'warning')}."
    else:
        yield "All is well."


def check_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was found, section by section, then the notes and a sentence."""
    for finding in result["findings"]:
        message = one_line(finding["message"])
        yield f"{finding['level'].upper():<7}  {finding['section']}: {message}"
    yield from map(one_line, result["notes"])
    counts = Counter(finding["level"] for finding in result["findings"])
    said = ", ".join(f"{counts[level]} {level}" for level in LEVELS if counts[level])
    texts = "1 text" if result["texts"] == 1 else f"{result['texts']} texts"
    yield f"{texts} checked: {said or 'all is well'}."


def as_json(value: object) -> str:
    """Return `value` as indented JSON, with what nobody sees or a terminal obeys escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return "".join(c if is_seen(c) or c == "\n" else json.dumps(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return `text` on one line, without control characters that a terminal would obey."""
    return " ".join(visible(text).split())


def _operation(operation: Mapping[str, Any]) -> str:
    id = operation.get("batchId") or operation.get("jobId")
    words = [id, *(operation.get(key) for key in ("type", "status", "progress"))]
    words += [unmarked(operation.get("currentTask", "")), operation.get("startedAt")]
    words += [f"by {operation['by']}"] if "by" in operation else []
    return "  " + one_line(" · ".join(str(word) for word in words if word))


def _sections(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield where each section stands and why, with the id of its job for `pressroom job`."""
    names = [one_line(row["section"]) for row in rows]
    width = min(SECTION_WIDTH_MAX, max(map(len, names), default=0))
    for name, row in zip(names, rows, strict=True):
        why = one_line(": ".join(str(row[key]) for key in ("code", "reason") if row.get(key)))
        if "hashFrom" in row or "hashTo" in row:
            why += f" {row.get('hashFrom', 'nothing')} -> {row.get('hashTo', 'nothing')}"
        yield f"    {name:<{width}}  {row['state']:<10}  {row.get('jobId', '')}  {why}".rstrip()


def _files(files: Sequence[str], count: int) -> Iterator[str]:
    if files:
        more = f", and {count - len(files)} more" if count > len(files) else ""
        yield "  " + one_line(f"Files: {', '.join(files)}{more}")


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    if job.batch_id is not None:
        yield "batch", f"{job.batch_id}, round {job.round}"
    yield "asked by", f"{job.origin.owner} through {job.origin.interface}"
    if job.code is not None or job.reason is not None:
        yield "reason", ": ".join(part for part in (job.code, job.reason) if part)
    yield "attempts", _attempts(job)
    if job.step is not None:
        yield "step", f"{job.step.current:g}/{job.step.total:g} {job.step.message}".rstrip()
    yield "created", _time(job.created_at)
    if job.state in (JobState.SCHEDULED, JobState.PENDING):
        yield "due", _time(job.due_at)
    if job.started_at is not None:
        yield "started", _time(job.started_at)
    if job.ended_at is not None:
        yield "ended", _time(job.ended_at)
    if job.requires is not None:
        yield "requires", job.requires


def _attempts(job: Job) -> str:
    lost = f", {job.crashes} more lost with their worker" if job.crashes else ""
    return f"{job.attempts} of at most {job.max_retries + 1}{lost}"


def _block(name: str, value: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {name}:"
    for line in as_json(value).splitlines():
        yield f"    {line}"


def _time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):  # no date: stored before times were checked
        return f"{at:g} s after 1970"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
