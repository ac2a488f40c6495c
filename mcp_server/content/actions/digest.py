"""The digest of a dry run: it stands for what a call changes, once, and for a day (R28). Pure.

Nothing is stored for it: it carries the time of its dry run, and a hash of that and of all that
would be changed. It guards against change, not against the model: whoever can call can look again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence

from mcp_server.content.actions.calls import Planned
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes
from mcp_server.progress.verbs import Verb

LAPSES_S = 24 * 3600
"""How long a digest is good for: who looked yesterday looks again."""
NAMED_MAX = 3
"""Sections that a refusal names; the rest is counted."""
FORM = re.compile(r"([0-9a-f]{11})-[0-9a-f]{16}")
"""Milliseconds since the epoch (until the year 2527), and the hash."""
LOOK_ANEW = "look at a new dry run and pass its digest"


def digest_of(verb: Verb, planned: Sequence[Planned], *, force: bool, at: float) -> str | None:
    """Return the digest of what a dry run at this time shows.

    `None` if nothing is changed, if something would be a conflict (it could not be done as a
    whole), and for verbs that change no live text.
    """
    if not planned or not verb.writes_files or any(each.conflict for each in planned):
        return None
    return _digest(verb, planned, force=force, time=f"{int(at * 1000):011x}")


def check_digest(
    digest: str,
    verb: Verb,
    planned: Sequence[Planned],
    *,
    force: bool,
    now: float,
    moved: Iterable[str],
) -> None:
    """Return if the digest is that of what is planned now, and still good.

    `moved` are the sections to name if it is not.

    Raises:
        InvalidPayload: it has lapsed, or stands for something else; says what.
    """
    if problem := _problem(digest, verb, planned, force=force, now=now, moved=moved):
        raise refused(problem)


def refused(problem: str, then: str = LOOK_ANEW) -> InvalidPayload:
    """Return the refusal of a call with a digest: nothing of it was done."""
    return InvalidPayload("digest", [f"{problem}; nothing was changed: {then}"])


def moved_since(digest: str, ids: Iterable[str], content: SiteContent) -> Sequence[str]:
    """Return the sections of which a draft or a live text is newer than the digest's dry run."""
    form = FORM.fullmatch(digest)
    if form is None:
        return ()
    at = int(form[1], 16) / 1000
    stored = {id: [content.drafts.get(id), content.live.get(id)] for id in ids}
    return [
        id for id, found in stored.items() if any(e and e.current.created_at > at for e in found)
    ]


def named(ids: Sequence[str]) -> str:
    """Return the first of these sections, and how many more there are."""
    more = f" and {len(ids) - NAMED_MAX} more" if len(ids) > NAMED_MAX else ""
    return ", ".join(ids[:NAMED_MAX]) + more


def _problem(
    digest: str,
    verb: Verb,
    planned: Sequence[Planned],
    *,
    force: bool,
    now: float,
    moved: Iterable[str],
) -> str | None:
    form = FORM.fullmatch(digest)
    quoted = in_quotes(digest)
    time = form[1] if form else ""
    if form and now - int(time, 16) / 1000 >= LAPSES_S:
        return f"{quoted} has lapsed: a dry run is good for 24 hours"
    if conflicts := [each for each in planned if each.conflict]:
        return f"{conflicts[0].section} would be a conflict: {conflicts[0].conflict}"
    if form and digest == _digest(verb, planned, force=force, time=time):
        return None
    if form and digest == _digest(verb, planned, force=not force, time=time):
        return f"{quoted} was made {'without' if force else 'with'} force"
    changed = list(moved)
    which = f" ({named(changed)} changed since)" if changed else ""
    return f"what would be changed is no longer what {quoted} stood for{which}"


def _digest(verb: Verb, planned: Sequence[Planned], *, force: bool, time: str) -> str:
    found = hashlib.blake2b(json.dumps([verb.kind, force, time]).encode(), digest_size=8)
    # Sorted, and without what else is said: the digest must not change unless the changes do. Row
    # by row: one long call of the JSON encoder would hold up all threads meanwhile.
    for row in sorted([p.section, p.hash_from or "", p.hash_to or ""] for p in planned):
        found.update(json.dumps(row).encode())
    return f"{time}-{found.hexdigest()}"
