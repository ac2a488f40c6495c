"""Jobs that follow in steps what was said of their batch, as `jobs.rules.following` has it.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from mcp_server.jobs.job import Job, JobState
from mcp_server.jobs.rules.following import OVERRIDES, What, state_after
from mcp_server.storage.sql.queue.rows import job_of, whole
from mcp_server.storage.sql.transaction import Asked, Row, Transaction


def say(
    tx: Transaction,
    batch: int,
    what: What,
    *,
    now: float = 0.0,
    reason: str | None = None,
    requires: str | None = None,
    leave_out: Collection[str] = (),
) -> None:
    """Let all jobs that a batch has by now follow this, instead of what was said before.

    Pausing needs no time.
    """
    tx.run("forget_following", batch=batch, what=json.dumps(sorted(OVERRIDES[what])))
    tx.run(
        "put_following",
        batch=batch,
        what=what,
        now=now,
        reason=reason,
        requires=requires,
        leave_out=json.dumps(sorted(leave_out)),
    )


def said(tx: Transaction, batch: int, what: What) -> Row | None:
    """Return what jobs of a batch still follow, if it is this."""
    rows = tx.all("list_following_of", batch=batch)
    return next((row for row in rows if row["what"] == what), None)


def forget(tx: Transaction, said: Row) -> None:
    """Write down that all jobs have followed."""
    tx.run("forget_following", batch=said["batch"], what=json.dumps([said["what"]]))


def next_jobs(tx: Transaction, said: Row, *, limit: int) -> list[int]:
    """Return the next jobs that are to follow; there are no more if they are less than `limit`."""
    asked = {"batch": said["batch"], "after": said["after"], "until": said["until"]}
    return [row["id"] for row in tx.all("list_next_of_batch", **asked, limit=limit)]


def note(tx: Transaction, said: Row, jobs: Sequence[int], *, limit: int) -> None:
    """Write down that these jobs have followed."""
    if len(jobs) < limit:
        forget(tx, said)
    else:
        tx.run("move_following", batch=said["batch"], what=said["what"], after=jobs[-1])


def follow(tx: Transaction, said: Row, jobs: Sequence[int]) -> None:
    """Bring jobs to where their batch is: cancelled, paused, or resumed."""
    rows, now = json.dumps(jobs), said["said_at"]
    match What(said["what"]):
        case What.CANCEL:
            tx.run("cancel_jobs", jobs=rows, reason=said["reason"], now=now)
            tx.run("unpause_jobs", jobs=rows, counted=0, requires=None, now=now)
        case What.PAUSE:
            tx.run("pause_jobs", jobs=rows)
        case What.RESUME:
            tx.run("unpause_jobs", jobs=rows, counted=1, requires=said["requires"], now=now)
        case What.RETRY:
            raise AssertionError("it takes jobs up, see `submission`")


def freed(tx: Transaction, keys: Collection[str], asked: Sequence[Asked]) -> list[list[Row]]:
    """Return what is asked about these keys, of which no job is left that is cancelled.

    Those that have not followed yet hold them no longer: where there are any, they follow first.
    """
    said, *found = tx.together([("list_following", {}), *asked])
    if not said:  # almost always
        return found
    _free_keys(tx, keys)
    return tx.together(asked)


def _free_keys(tx: Transaction, keys: Collection[str]) -> None:
    behind: dict[int, list[int]] = {}
    for row in tx.all("list_behind", keys=json.dumps(list(keys))):
        behind.setdefault(row["batch"], []).append(row["id"])
    for batch, jobs in behind.items():
        [said] = tx.all("list_following_of", batch=batch)  # what cancels overrides all else
        follow(tx, said, jobs)


def follow_one(tx: Transaction, job: Row) -> Row | None:
    """Let a job follow before something is done with it; return its row."""
    said = _of_job(tx.all("list_following_of", batch=job["batch"]), job["id"])
    if said is not None:
        follow(tx, said, [job["id"]])
    return tx.one("get_job_by_row", id=job["id"])


def shown(tx: Transaction, rows: Iterable[Row]) -> list[Job]:
    """Return jobs, those that are behind as what they will be."""
    rows = list(rows)
    behind = _by_batch(tx)
    if not behind:  # almost always
        return whole(job_of, rows)

    def as_said(row: Row) -> Job:
        return _as_said(job_of(row), _of_job(behind.get(row["batch"], ()), row["id"]))

    return whole(as_said, rows)


def states(tx: Transaction, batch: int) -> Mapping[int, JobState] | None:
    """Return what a batch's jobs are, or will be; `None` if all of them are that already."""
    behind = tx.all("list_following_of", batch=batch)
    if not behind:
        return None
    found: dict[int, JobState] = {}
    for row in tx.all("list_states_of_batch", batch=batch):
        state, said = JobState(row["state"]), _of_job(behind, row["id"])
        if said is not None:
            due = row["due_at"] <= said["said_at"]
            what, counted = What(said["what"]), bool(row["counted"])
            state = state_after(what, state, counted=counted, due=due)
        found[row["id"]] = state
    return found


def _by_batch(tx: Transaction) -> dict[int, list[Row]]:
    behind: dict[int, list[Row]] = {}
    for row in tx.all("list_following"):
        behind.setdefault(row["batch"], []).append(row)
    return behind


def _of_job(behind: Iterable[Row], job: int) -> Row | None:
    """Return what a job is still to follow; what a retry will take up stays until it does."""
    for said in behind:
        if said["what"] != What.RETRY and said["after"] < job <= said["until"]:
            return said
    return None


def _as_said(job: Job, said: Row | None) -> Job:
    if said is None:
        return job
    now = said["said_at"]
    state = state_after(What(said["what"]), job.state, counted=job.counted, due=job.due_at <= now)
    if state is JobState.CANCELLED and job.state is not state:
        return job._replace(
            state=state, ended_at=now, code="cancelled", reason=said["reason"], attempt_id=None
        )
    return job._replace(state=state)
