"""The site as the pure core has it: plans, decisions and effects, and a list for a database."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, cast

from mcp_server.content.actions.calls import ChangeCall, EditCall, GenerateCall, Selector, Submitted
from mcp_server.content.actions.changes import change_of
from mcp_server.content.actions.digest import check_digest, digest_of, moved_since
from mcp_server.content.actions.edit_plan import plan_edit
from mcp_server.content.actions.generate import plan_generate
from mcp_server.content.actions.history import is_still_of
from mcp_server.content.actions.locks import refuse_locked
from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.promote_plan import plan_promote
from mcp_server.content.actions.rollback import plan_rollback_of_batch, plan_undo
from mcp_server.content.actions.rollback_target import RollbackTarget
from mcp_server.content.actions.selection import Selection, select
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.submit import changes_of
from mcp_server.content.actions.unpublish import plan_unpublish
from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    DiscardDraft,
    Expectation,
    MarkWithdrawn,
    Require,
    SaveRemoval,
    SaveRevision,
)
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Entity, Revision
from mcp_server.errors import CallerError
from mcp_server.jobs.job import Batch, BatchState, Origin
from mcp_server.jobs.outcome import Done
from mcp_server.progress.verbs import VERBS
from tests.lifecycle.life import Shown
from tests.lifecycle.model import SECTIONS, Call
from tests.unit.content.texts import note, site_of, text

ORIGIN = Origin(owner="ada", interface="test")
CHAT = Author(kind="chat", name="test")


class Unmet(Exception):
    """An effect found something else than it expects."""


@dataclass
class PureSite:
    """`Played` on the pure core."""

    now: float = 1_000_000.0
    locked: set[str] = field(default_factory=set[str])
    stored: list[Revision] = field(default_factory=list[Revision])
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    """What each batch is."""
    spent: dict[str, str] = field(default_factory=dict[str, str])
    _numbers: count[int] = field(default_factory=lambda: count(1))

    async def generate(self, words: dict[str, str]) -> str | None:
        content, call = self._content(), GenerateCall(mode="new")
        chosen = Selection(ids=tuple(words), named=True)
        plan = plan_generate(call, chosen, content, model="writer", requires=None, max_retries=0)
        if not plan.steps:
            return None
        batch = self._batch("generate")
        for planned, _ in plan.steps:
            id, before = planned.section, content.drafts.get(planned.section)
            made = text(id, words[id], base=content.live_hash(id))
            self._apply([SaveRevision(made, before.hash if before else ABSENT)], batch)
        return batch

    async def edit(self, section: str, word: str, *, restored: bool) -> bool:
        said = [each for each in self._of(section) if each.markdown == word] if restored else []
        call = EditCall(text=None if restored else word, restore=said[0].hash if said else None)
        return self._edit(call, section, said)

    async def discard(self, section: str) -> bool:
        return self._edit(EditCall(discard=True), section, self._of(section, PREVIEW))

    def _edit(self, call: EditCall, section: str, past: Sequence[Revision]) -> bool:
        try:
            change = plan_edit(call, section, self._content(), CHAT, past)
        except CallerError:
            return False
        self._apply([change.effect], None)
        return True

    async def call(self, call: Call, digest: str | None = None) -> tuple[str | None, bool]:
        if digest in self.spent:
            return self.spent[digest], False
        content, called = self._content(), _called(call, digest)
        try:
            plan = await self._plan(call, called, content)
            if digest is not None:
                self._check(call, called, plan, content)
                changes = changes_of(plan, content)
                return self._at_once(call, digest, [done for _, done in changes]), False
        except (CallerError, Unmet):
            return None, True
        return (self._one_by_one(call, plan), False) if plan.steps else (None, False)

    async def dry(self, call: Call) -> str | None:
        try:
            plan = await self._plan(call, _called(call, None), self._content())
        except CallerError:
            return None
        self.now += 0.01  # no two dry runs come in the same millisecond
        return digest_of(VERBS[call.tool], plan.planned, force=False, at=self.now)

    async def lock(self, section: str, *, locked: bool) -> None:
        (self.locked.add if locked else self.locked.discard)(section)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    async def shown(self) -> Shown:
        content = self._content()
        found = {id: (content.live.get(id), content.drafts.get(id)) for id in SECTIONS}
        return {
            id: (
                live.current.markdown if live else None,
                draft.current.markdown if draft else None,
                bool(draft and draft.withdrawn),
            )
            for id, (live, draft) in found.items()
        }

    async def words(self, section: str) -> set[str]:
        return {each.markdown for each in self._of(section) if each.markdown}

    # Calls

    async def _plan(self, call: Call, called: ChangeCall, content: SiteContent) -> Plan:
        stored = {each.entity_id for each in self.stored}
        selection = select(Selector(sections=call.sections), content.site, stored)
        refuse_locked(selection, content, call.tool)
        match call.tool:
            case "promote":
                drafted = self._drafted(call.batch) if call.batch else None
                return plan_promote(called, selection, content, drafted=drafted)
            case "unpublish":
                return plan_unpublish(called, selection, content)
            case _:
                return await self._rollback(called, selection, content)

    async def _rollback(
        self, called: ChangeCall, selection: Selection, content: SiteContent
    ) -> Plan:
        known = cast("Any", self)
        target = await RollbackTarget(known, known).find(called, selection, content, ORIGIN)
        exact = called.digest is not None
        if target is None:
            return plan_undo(selection.ids, content, force=False, exact=exact)
        if isinstance(target, Submitted):
            return Plan()
        ids = selection.ids
        return plan_rollback_of_batch(
            target.id, ids, content, named=False, force=False, exact=exact
        )

    def _drafted(self, batch: str) -> Mapping[str, bool]:
        past = {id: self._of(id, PREVIEW) for id in SECTIONS}
        return {
            id: is_still_of(batch, drafts)
            for id, drafts in past.items()
            if any(each.batch_id == batch for each in drafts)
        }

    def _check(self, call: Call, called: ChangeCall, plan: Plan, content: SiteContent) -> None:
        assert called.digest is not None
        moved = moved_since(called.digest, SECTIONS, content)
        verb = VERBS[call.tool]
        check_digest(called.digest, verb, plan.planned, force=False, now=self.now, moved=moved)

    def _one_by_one(self, call: Call, plan: Plan) -> str:
        batch = self._batch(call.tool)
        for _, job in plan.steps:
            outcome = change_of(job, self._content())
            if isinstance(outcome, Done):
                self._try(outcome.effects, batch)
        return batch

    def _at_once(self, call: Call, digest: str, changes: Sequence[Done]) -> str:
        batch = self._batch(call.tool)
        self._apply([effect for done in changes for effect in done.effects], batch)
        self.spent[digest] = batch
        return batch

    # What `RollbackTarget` asks of batches

    async def get(self, id: str, *, owner: str) -> Batch:
        """Return a batch; all of them have ended."""
        return _batch_of(id, self.kinds[id])

    async def list(self, *, owner: str, active: bool, limit: int) -> Sequence[Batch]:
        """Return what is unfinished: nothing."""
        return ()

    # What is stored

    def _batch(self, kind: str) -> str:
        id = f"b{next(self._numbers)}"
        self.kinds[id] = kind
        return id

    def _of(self, section: str, type: str | None = None) -> list[Revision]:
        return [e for e in self.stored if e.entity_id == section and type in (None, e.type)]

    def _content(self) -> SiteContent:
        past = {id: self._of(id, PRODUCTION) for id in SECTIONS}
        stacks = {id: draft_stack(self._of(id, PREVIEW)) for id in SECTIONS}
        return SiteContent(
            site=site_of(*(note(id, locked=id in self.locked) for id in SECTIONS)),
            drafts={
                id: Entity(current=each[-1], withdrawn=each[-1].withdrawn)
                for id, each in stacks.items()
                if each
            },
            live={
                id: Entity(current=each[-1])
                for id, each in past.items()
                if each and not each[-1].is_removal
            },
            history={id: each for id, each in past.items() if each},
        )

    def _try(self, effects: Iterable[object], batch: str) -> None:
        with suppress(Unmet):
            self._apply(effects, batch)

    def _apply(self, effects: Iterable[object], batch: str | None) -> None:
        """Apply all effects, or none."""
        before = list(self.stored)
        try:
            for effect in effects:
                self._apply_one(effect, batch)
        except Unmet:
            self.stored = before
            raise

    def _apply_one(self, effect: object, batch: str | None) -> None:
        match effect:
            case Require(type, id, expects):
                self._expect(type, id, expects)
            case SaveRevision(revision, expects) | SaveRemoval(revision, expects):
                self._expect(revision.type, revision.entity_id, expects)
                self._save(replace(revision, batch_id=batch))
            case DiscardDraft(id, expects, author):
                self._expect(PREVIEW, id, expects)
                self._save(text(id, None, author=author))
            case MarkWithdrawn(id, hash):
                self.stored = [
                    replace(each, withdrawn=True)
                    if (each.type, each.entity_id, each.hash) == (PREVIEW, id, hash)
                    else each
                    for each in self.stored
                ]
            case _:
                pass  # the page's file is no part of this

    def _expect(self, type: str, id: str, expects: Expectation) -> None:
        content = self._content()
        found = (content.drafts if type == PREVIEW else content.live).get(id)
        if expects is not ANY and (found.hash if found else ABSENT) != expects:
            raise Unmet(id)

    def _save(self, revision: Revision) -> None:
        number = len(self.stored) + 1
        self.stored.append(replace(revision, id=number, created_at=self.now, withdrawn=False))


def _called(call: Call, digest: str | None) -> ChangeCall:
    return ChangeCall(selector=Selector(sections=call.sections), batch_id=call.batch, digest=digest)


def _batch_of(id: str, kind: str) -> Batch:
    made: dict[str, Any] = dict.fromkeys(("round", "total", "completed", "change"), 1)
    made |= dict.fromkeys(("skipped", "failed", "cancelled"), 0)
    made |= dict.fromkeys(("created_at", "started_at", "ended_at"), 0.0)
    return Batch(
        id=id, kind=kind, state=BatchState.COMPLETED, reason=None, origin=ORIGIN, terms={}, **made
    )


def at_once(call: Coroutine[object, None, None]) -> None:
    """Run what never waits, as nothing of the pure core does."""
    try:
        call.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")
