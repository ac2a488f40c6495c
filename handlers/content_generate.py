"""Draft one section."""

from __future__ import annotations

from dataclasses import replace

from mcp_server import (
    PREVIEW,
    PRODUCTION,
    BudgetTaken,
    ComposerGap,
    ContentGenerate,
    Done,
    Drafted,
    DraftRequest,
    Entity,
    Fail,
    JobContext,
    ModelAccountEmpty,
    ModelBusy,
    ModelKeyRefused,
    ModelRefused,
    ModelRejected,
    ModelUnknown,
    ModelUntrusted,
    Outcome,
    OverBudget,
    Pause,
    Retry,
    Revision,
    SaveRevision,
    Skip,
    Snooze,
    expect_hash,
    handler,
    is_superseded,
    page_of,
    page_text_for,
)


@handler("content-generate", ContentGenerate)
async def content_generate(payload: ContentGenerate, context: JobContext) -> Outcome:
    """Write the section's draft. Safe to run twice: a draft that changed meanwhile is kept."""
    if (locked := await context.why_locked(payload.section)) is not None:
        return Skip(locked)
    look = await context.look(page_of(payload.section))
    if look is not None and look.found.blocked is not None:
        return Fail("conflict", look.found.blocked)
    request = await _request(payload, context)
    if not isinstance(request, DraftRequest):
        return request
    draft = await context.entities.get(PREVIEW, payload.section)
    live = await context.entities.get(PRODUCTION, payload.section)
    # The effect below expects the same; looking here too saves asking the model, which costs money.
    if (draft.hash if draft else None) != payload.draft:
        return Fail("conflict", f"the draft of {payload.section} has changed since it was planned")
    drafted = await _drafted(request, context)
    if not isinstance(drafted, Drafted):
        return drafted
    revision = Revision(
        type=PREVIEW,
        entity_id=payload.section,
        template=request.template.name,
        fields=drafted.fields,
        markdown=drafted.markdown,
        author=drafted.author,
        base=_base(payload, draft, live),
        site_hash=request.site.hash,
        inputs_hash=drafted.inputs_hash,
        instructions=payload.instructions,
        material=payload.material,
        related={each.section: each.hash for each in request.related},
        findings=drafted.findings,
        input_tokens=drafted.input_tokens,
        output_tokens=drafted.output_tokens,
        cost_usd=drafted.cost_usd,
    )
    # If the draft was edited while the model wrote, the edit stays; the paid text is kept (R5).
    save = SaveRevision(revision, expect_hash(payload.draft), keep_on_conflict=True)
    return Done({"section": payload.section, "words": len(drafted.markdown.split())}, (save,))


async def _request(payload: ContentGenerate, context: JobContext) -> DraftRequest | Skip | Fail:
    site = await context.site(page_of(payload.section))
    section = site.section(payload.section)
    if section is None:
        return Skip("is no longer in site.yaml")
    template = site.templates.get(section.template or "")
    if template is None:
        return Fail("no-template", f"Section {payload.section} has no template specified")
    stored = await context.entities.snapshot([section.page])
    draft, live = stored.drafts.get(payload.section), stored.live.get(payload.section)
    request = DraftRequest(
        site=site,
        section=section,
        template=template,
        mode=payload.mode,
        current=DraftRequest.present(payload.mode, draft, live),
        instructions=payload.instructions,
        material=await _material(payload, context),
        page_text=page_text_for(section, site, stored.drafts, stored.live),
    )
    return replace(request, related=await context.related(request, stored))


async def _material(payload: ContentGenerate, context: JobContext) -> str | None:
    """Return the text that was pasted as a source; it was stored with the batch."""
    if payload.material is None:
        return None
    return await context.entities.get_material(payload.material)


async def _drafted(request: DraftRequest, context: JobContext) -> Drafted | Outcome:
    """Return the section's text, or the outcome of what went wrong."""
    try:
        return await context.draft(request)
    except ComposerGap as gap:
        return Fail("missing-facts", str(gap))
    except (BudgetTaken, ModelBusy) as busy:
        return _later(busy)
    # `ModelUnknown` is a subclass of `ModelRejected`: its clause has to stand first.
    except (
        ModelKeyRefused,
        ModelAccountEmpty,
        ModelUnknown,
        ModelUntrusted,
        OverBudget,
    ) as trouble:
        return Pause(str(trouble))
    except ModelRefused as refused:
        return Fail("invalid-answer", str(refused))
    except ModelRejected as rejected:
        return Fail("model-rejected", str(rejected))


def _later(busy: BudgetTaken | ModelBusy) -> Outcome:
    """Return when to try again: a request that was turned away was no try of this section."""
    if isinstance(busy, BudgetTaken):
        return Snooze(busy.again_at, str(busy))
    if busy.again_at is not None:
        return Snooze(busy.again_at, str(busy))
    if busy.advice is not None:
        return Pause(f"{busy} {busy.advice}")
    return Retry(str(busy), after_s=busy.after_s)


def _base(payload: ContentGenerate, draft: Entity | None, live: Entity | None) -> str | None:
    """Return the live text the new draft is made against (R7)."""
    live_hash = live.hash if live else None
    if payload.mode != "with-current" or draft is None or draft.hash == live_hash:
        return live_hash
    if is_superseded(draft, live):
        return live_hash
    # The model revised the draft and never saw a live text that is newer than the draft's base.
    return draft.current.base
