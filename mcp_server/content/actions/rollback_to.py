"""Going back to a text that was live, or to what was live at a moment (R29). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mcp_server.content.actions.calls import ChangeCall, Planned, Selector, Skipped
from mcp_server.content.actions.locks import why_untouchable
from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.restoration import restoration
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.entities.entity import Revision
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes
from mcp_server.jobs.job import NewJob

HASH = re.compile(r"[0-9a-f]{6,32}")
"""A text's hash, or its beginning; the answers show 12 digits."""


def check_going_back(call: ChangeCall) -> None:
    """Refuse a call that goes back to a text or a moment, and does not say of what.

    Raises:
        InvalidPayload: says what to name.
    """
    asked, names = call.selector, {"revision": call.revision, "asOf": call.as_of}
    given = [name for name, value in names.items() if value is not None]
    if not given:
        return
    if len(given) > 1 or call.batch_id is not None:
        others = [*given, *(["batchId"] if call.batch_id is not None else [])]
        raise InvalidPayload("rollback", [f"{' and '.join(others)}: name one of them"])
    sections = [*asked.sections, *filter(None, [asked.section])]
    pages = asked.pages or (asked.page and not asked.section)
    if call.revision is not None and (len(sections) != 1 or pages):
        raise InvalidPayload("revision", ["name the one section that it belongs to"])
    if asked == Selector():
        raise InvalidPayload("asOf", ["name the page, pages, section or sections that go back"])


def plan_to_text(
    ids: Sequence[str], revision: str, content: SiteContent, *, force: bool, exact: bool
) -> Plan:
    """Return the plan that makes a text live again which was live before.

    Raises:
        InvalidPayload: `revision` is no hash, was never live, or begins several hashes.
    """
    (id,) = ids
    before = _once_live(id, revision, content.history.get(id, ()))
    if before.hash == content.live_hash(id):
        return Plan(skipped=(Skipped(section=id, reason="is what is live already"),))
    if (why := content.why_blocked(id)) is not None:
        return Plan(skipped=(Skipped(section=id, reason=why),))
    step = restoration(id, before, content, None, force=force, exact=exact)
    return Plan(steps=(step,))


def plan_to_moment(
    ids: Sequence[str], at: float, content: SiteContent, *, force: bool, exact: bool
) -> Plan:
    """Return the plan that makes live again what was live just before the moment `at`.

    What was not live then stays as it is: taking it off is for `unpublish`.
    """
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    for id in ids:
        past = [each for each in content.history.get(id, ()) if each.created_at < at]
        if not past or past[-1].is_removal:
            skipped.append(Skipped(section=id, reason=_not_live(id, content)))
        elif past[-1].hash == content.live_hash(id):
            skipped.append(Skipped(section=id, reason="is what was live then already"))
        elif (why := why_untouchable(content, id)) is not None:
            skipped.append(Skipped(section=id, reason=why))
        else:
            steps.append(restoration(id, past[-1], content, None, force=force, exact=exact))
    return Plan(steps=tuple(steps), skipped=tuple(skipped))


def _not_live(id: str, content: SiteContent) -> str:
    if content.live_hash(id) is None:
        return "was not live then"
    return "was not live then; unpublish takes it off"


def _once_live(id: str, revision: str, history: Sequence[Revision]) -> Revision:
    """Return the revision that last made the text live whose hash begins so."""
    if HASH.fullmatch(revision) is None:
        what = f"{in_quotes(revision)} is no hash of a text"
        raise InvalidPayload("revision", [f"{what}; {_listing(id)}"])
    found = {each.hash: each for each in history if (each.hash or "").startswith(revision)}
    if len(found) > 1:
        raise InvalidPayload("revision", [f"several texts of {id} begin so: write more digits"])
    if not found:
        draft = f"edit {json.dumps({'section': id, 'restore': revision})} makes it the draft"
        what = f"no text {in_quotes(revision)} of {id} was ever live"
        raise InvalidPayload("revision", [f"{what}. If it was a draft: {draft}. {_listing(id)}"])
    (only,) = found.values()
    return only


def _listing(id: str) -> str:
    return f"review {json.dumps({'section': id, 'history': True})} lists them"
