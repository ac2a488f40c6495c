"""`generate` and `generate-all`: queue the drafting of sections."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio.to_thread

from mcp_server.content.actions.answer import answer
from mcp_server.content.actions.calls import (
    Estimate,
    GenerateCall,
    Planned,
    Selector,
    Skipped,
    Submitted,
)
from mcp_server.content.actions.drafting_model import DraftingModel
from mcp_server.content.actions.estimate import Tokens, estimate, from_limits
from mcp_server.content.actions.locks import refuse_locked
from mcp_server.content.actions.looks import look_effects, on_takeovers
from mcp_server.content.actions.payloads import ContentGenerate
from mcp_server.content.actions.plan import Plan, new_job
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.selection import Selection, pages_of, select
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.submit import Conditions, Submitter, key_of
from mcp_server.content.actions.undrafted import Asked, is_mistake, why_not_drafted
from mcp_server.content.drafting.prices import Price
from mcp_server.content.drafting.prompt import DraftRequest, Mode, prompt_for
from mcp_server.entities.effects import SaveMaterial
from mcp_server.entities.store import EntityStore, PastUsage
from mcp_server.errors import InvalidPayload
from mcp_server.jobs.job import NewJob, Origin
from mcp_server.progress.verbs import GENERATE

PAST_DRAFTS_MAX = 2_000
"""Earlier drafts that an estimate is made from, the latest: more would change it little."""


class GenerateAction:
    """Queues the drafting of the selected sections."""

    def __init__(
        self,
        reader: ContentReader,
        entities: EntityStore,
        submitter: Submitter,
        model: DraftingModel,
        *,
        max_retries: int,
        related_tokens: int = 0,
    ) -> None:
        """`related_tokens`: the most that a draft is shown of other sections."""
        self._related_tokens = related_tokens
        self._reader, self._entities = reader, entities
        self._submitter, self._model = submitter, model
        self._max_retries = max_retries

    async def __call__(self, call: GenerateCall, origin: Origin) -> Submitted:
        """Read the content, plan, submit, answer. A dry run submits nothing.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
            InvalidPayload: wishes or material without a page or section; names what it could mean.
            InvalidTransition: what is named is locked.
            Unavailable: the site cannot be read, and never could; or the workspace names a model
                that its user has not trusted.
        """
        _refuse_without_selector(call)
        if before := await self._submitter.answered_before(GENERATE, call, origin):
            return before
        if not call.dry_run:
            await self._model.refuse_untrusted()
        content, notes = await self._reader.read(pages_of(call.selector))
        content = await self._reader.look(content, _to_look_at(call, content))
        selection, plan = await anyio.to_thread.run_sync(self._plan, call, content)
        submission, expected, material = None, None, hash_of_material(call.material)
        if call.dry_run:
            expected = await self._estimate(plan, content, call)
        else:
            conditions = Conditions(
                terms=self._model.terms(content.site, call.max_cost_usd),
                key=key_of(call.tool, mode_of(call), call.instructions, material, selection.ids),
                asked=key_of(mode_of(call), call.instructions, *([material] if material else [])),
                effects=(
                    *look_effects(content, plan.pages),
                    *((SaveMaterial(material, call.material),) if material else ()),
                ),
            )
            submission = await self._submitter.submit(GENERATE, plan, call, origin, conditions)
        told = answer(
            GENERATE,
            plan,
            submission,
            notes=[
                *notes,
                *on_takeovers(content, plan.pages),
                *await self._model.notes(call),
            ],
            model=self._model.name,
            dry_run=call.dry_run,
        )
        return replace(told, estimate=expected)

    async def _estimate(
        self, plan: Plan, content: SiteContent, call: GenerateCall
    ) -> Estimate | None:
        """Return what the plan would cost, `None` where no model writes or nothing is planned."""
        if self._model.is_composer or not plan.steps:
            return None
        past = await self._entities.past_usage(self._model.name, count=PAST_DRAFTS_MAX)
        price = await self._model.price()
        look = partial(expected_use, related_tokens=self._related_tokens)
        return await anyio.to_thread.run_sync(look, plan, content, call, past, price)

    def _plan(self, call: GenerateCall, content: SiteContent) -> tuple[Selection, Plan]:
        """Return selection and plan. Runs in a thread, as thousands of sections take a while."""
        selection = select(call.selector, content.site)
        refuse_locked(selection, content, "draft")
        plan = plan_generate(
            call,
            selection,
            content,
            model=self._model.name,
            requires=self._model.ability,
            max_retries=self._max_retries,
            answer_tokens=self._model.budget(call.max_cost_usd).answer_tokens,
        )
        return selection, plan


def expected_use(
    plan: Plan,
    content: SiteContent,
    call: GenerateCall,
    past: Sequence[PastUsage],
    price: Price | None,
    *,
    related_tokens: int = 0,
) -> Estimate:
    """Return what a plan would use. Run it in a thread: it may hold thousands of sections.

    Of other sections, each is taken to be shown as much as it may be.
    """
    site = content.site
    found = {step.section: site.section(step.section) for step in plan.planned}
    sections = {id: section for id, section in found.items() if section is not None}

    def unseen(template: str, id: str) -> Tokens:
        mode = mode_of(call)
        request = DraftRequest(
            site=site,
            section=sections[id],
            template=site.templates[template],
            mode=mode,
            current=DraftRequest.present(mode, content.drafts.get(id), content.live.get(id)),
            instructions=call.instructions,
            material=call.material or None,
        )
        besides = related_tokens if request.template.related else 0
        return from_limits(prompt_for(request), request.template, besides)

    templates = {id: section.template or "" for id, section in sections.items()}
    return estimate(templates, past, price, unseen)


def _to_look_at(call: GenerateCall, content: SiteContent) -> Sequence[str]:
    """Return the sections that may be drafted: of these, the page files are looked at (P2)."""
    selection = select(call.selector, content.site)
    if mode_of(call) != "leave" or selection.named:
        return selection.ids
    return [id for id in selection.ids if id not in content.drafts and id not in content.live]


def mode_of(call: GenerateCall) -> Mode:
    """Return the mode that a call means: instructions or material mean `with-current`."""
    return call.mode or ("with-current" if call.instructions or call.material else "leave")


def hash_of_material(text: str) -> str | None:
    """Return the hash under which a pasted text is stored, `None` where there is none."""
    if not text:
        return None
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _refuse_without_selector(call: GenerateCall) -> None:
    """Refuse wishes that may be meant for one page or for all: the difference is hundreds of texts.

    Raises:
        InvalidPayload: nothing is selected.
    """
    given = [name for name in ("instructions", "material") if getattr(call, name)]
    if call.tool != "generate" or not given or call.selector != Selector():
        return
    said = f'"{given[0]}": "…"'
    whole = f"generate-all {{{said}}} for the whole site, or " if given == ["instructions"] else ""
    raise InvalidPayload(
        "generate",
        [f'{given[0]} for what? Call {whole}generate {{"page": "…", {said}}} for one page'],
    )


def plan_generate(
    call: GenerateCall,
    selection: Selection,
    content: SiteContent,
    *,
    model: str,
    requires: str | None,
    max_retries: int,
    answer_tokens: int | None = None,
) -> Plan:
    """Return which of the selected sections are drafted, and why the others are not (R4)."""
    mode, material = mode_of(call), hash_of_material(call.material)
    asked = Asked(call, mode, selection, model, answer_tokens)
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    for id in selection.ids:
        section = content.site.section(id)
        reason = why_not_drafted(section, asked, content, id)
        if reason is not None:
            mistake = section is not None and is_mistake(section, content.site)
            skipped.append(Skipped(section=id, reason=reason, mistake=mistake))
            continue
        draft = content.drafts.get(id)
        payload = ContentGenerate(
            section=id,
            mode=mode,
            instructions=call.instructions,
            material=material,
            draft=draft.hash if draft else None,
        )
        planned = Planned(section=id, change="redraft" if draft else "draft")
        job = new_job(
            GENERATE.job_kind, payload, id, claim="draft", requires=requires, retries=max_retries
        )
        steps.append((planned, job))
    skipped.sort(key=lambda each: not each.mistake)  # mistakes first: an answer shows only a few
    return Plan(steps=tuple(steps), skipped=tuple(skipped))
