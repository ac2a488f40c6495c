"""Drafting one section: by a model, or by the composer. It never touches the database.

How a draft ends badly is an exception, which the handler maps to an outcome:

    ComposerGap            Fail("missing-facts")
    ModelRefused           Fail("invalid-answer")
    ModelBusy              Snooze until `again_at`; where there is none, Pause if it has
                           `advice`, else Retry, after `after_s`
    ModelKeyRefused        Pause
    ModelUntrusted         Pause
    ModelAccountEmpty      Pause
    OverBudget             Pause
    BudgetTaken            Snooze until `again_at`
    ModelUnknown           Pause (a subclass of ModelRejected: catch it first)
    ModelRejected          Fail("model-rejected")
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread
from pydantic import SecretStr

from mcp_server.clock import Clock, SystemClock
from mcp_server.content.checks.told import as_noted, still_gone
from mcp_server.content.drafting.complaints import complaint_about, complaint_about_answer
from mcp_server.content.drafting.composer import ComposerGap, compose
from mcp_server.content.drafting.errors import (
    ModelAccountEmpty,
    ModelBusy,
    ModelKeyRefused,
    ModelRefused,
    ModelRejected,
    ModelTrouble,
    ModelUnknown,
    ModelUntrusted,
    Usage,
)
from mcp_server.content.drafting.existing import ExistingSyntax
from mcp_server.content.drafting.model import KeyLeftLiteral, ModelChoice, check_variables, find_key
from mcp_server.content.drafting.patience import Patience
from mcp_server.content.drafting.prompt import DraftRequest, Mode, inputs_hash, prompt_for
from mcp_server.content.text import markdown
from mcp_server.content.text.fields import answer_model
from mcp_server.content.text.meta import NotMeta, meta_fields
from mcp_server.content.text.visible import visible_fields
from mcp_server.entities.entity import Author, Finding

if TYPE_CHECKING:
    from mcp_server.content.drafting.client import ModelClient
    from mcp_server.content.drafting.purse import Purse

__all__ = [
    "ComposerDrafter",
    "ComposerGap",
    "DraftRequest",
    "Drafted",
    "Drafter",
    "Mode",
    "ModelAccountEmpty",
    "ModelBusy",
    "ModelDrafter",
    "ModelKeyRefused",
    "ModelRefused",
    "ModelRejected",
    "ModelTrouble",
    "ModelUnknown",
    "ModelUntrusted",
    "StepReport",
    "Usage",
    "drafter_for",
    "inputs_hash",
]

StepReport = Callable[[int, int, str], Awaitable[None]]
"""Takes how far a draft has come: current, total, what is being done."""

STEPS = ("reading the facts", "writing", "checking")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A section's text, checked against its template, and what it cost (`None`: not known)."""

    fields: dict[str, Any]
    markdown: str
    author: Author
    inputs_hash: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    findings: tuple[Finding, ...] = ()
    """What the checks have to say of it."""


class Drafter(Protocol):
    """Writes sections, any number at a time, within one event loop."""

    async def draft(
        self, request: DraftRequest, report: StepReport, purse: Purse | None = None
    ) -> Drafted:
        """Return the text of one section; it fits its template and survives the round trip.

        What it costs is paid from the purse; without one, nobody counts it.

        Raises:
            ComposerGap: the composer lacks facts for a required field.
            ModelTrouble: one of its subclasses says how asking the model ended.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open; the drafter can be used again all the same."""
        ...


def drafter_for(
    choice: ModelChoice,
    *,
    composer_delay_s: float = 0.0,
    keyless: bool = False,
    environ: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> Drafter:
    """Return the drafter for `choice`; keep one for each model and event loop.

    Nothing heavy is imported and no key is looked for before the first draft; with `keyless`, none
    is looked for at all.
    """
    if choice.is_composer:
        return ComposerDrafter(composer_delay_s=composer_delay_s)
    return ModelDrafter(choice, keyless=keyless, environ=environ, clock=clock)


class ComposerDrafter:
    """Writes from facts and phrases; follows no instructions and heeds no mode.

    `composer_delay_s` makes each section take that long, so that a demonstration can be watched.
    """

    def __init__(self, *, composer_delay_s: float = 0.0) -> None:
        self._pause_s = composer_delay_s / len(STEPS)

    async def draft(
        self,
        request: DraftRequest,
        report: StepReport,
        purse: Purse | None = None,  # noqa: ARG002 -- it costs nothing
    ) -> Drafted:
        """See `Drafter.draft`. The same request gives the same text."""
        for done, doing in enumerate(STEPS, start=1):
            await report(done, len(STEPS), doing)
            if self._pause_s:
                await anyio.sleep(self._pause_s)
        # A file that comes from elsewhere may hold what nobody sees, as a model's answer may.
        fields = visible_fields(compose(request.site, request.section, request.template))
        if wrong := complaint_about(request.template, fields):
            raise ComposerGap(request.section.entity_id, request.template.name, misfit=wrong)
        return await _checked(request, fields, Author(kind="composer", name="composer"), Usage())

    async def aclose(self) -> None:
        """Nothing is open."""


class ModelDrafter:
    """Asks a model, and asks again if the answer does not fit the template."""

    def __init__(
        self,
        choice: ModelChoice,
        *,
        keyless: bool = False,
        environ: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
    ) -> None:
        self._choice, self._keyless, self._environ = choice, keyless, environ
        self._clock, self._patience = clock or SystemClock(), Patience()
        self._client: ModelClient | None = None
        self._retired: list[ModelClient] = []
        self._opening = anyio.Lock()

    async def draft(
        self, request: DraftRequest, report: StepReport, purse: Purse | None = None
    ) -> Drafted:
        """See `Drafter.draft`."""
        await report(1, len(STEPS), STEPS[0])
        # In a thread: a present text may have a hundred thousand characters.
        prompt = await anyio.to_thread.run_sync(prompt_for, request)
        client = await self._opened()
        fit = partial(complaint_about_answer, request)
        existing = ExistingSyntax(request.hidden, fit, _values_of(request))
        try:
            with self._patience.counting(self._clock):
                await report(2, len(STEPS), STEPS[1])
                answer = await client.ask(
                    prompt,
                    answer_model(request.template),
                    existing.complaint,
                    purse,
                )
        except ModelKeyRefused:
            # The user may mend the key while this process runs.
            self._retire(client)
            if self._keyless:
                # None was sent: what is missing is the user's permission, not the key.
                raise ModelUntrusted(self._choice.name, wants_key=True) from None
            raise
        await report(3, len(STEPS), STEPS[2])
        author = Author(kind="model", name=self._choice.name)
        lost = existing.lost(answer.fields)
        return await _checked(request, existing.restored(answer.fields), author, answer.usage, lost)

    async def aclose(self) -> None:
        """Close the connections to the provider."""
        if self._client is not None:
            self._retire(self._client)
        while self._retired:
            await self._retired.pop().aclose()

    def _retire(self, client: ModelClient) -> None:
        """Make the next draft look for the key again; others may be using `client`, so keep it."""
        if self._client is client:
            self._client = None
            self._retired.append(client)

    async def _opened(self) -> ModelClient:
        async with self._opening:
            if self._client is None:
                self._client = await anyio.to_thread.run_sync(self._open)
            return self._client

    def _open(self) -> ModelClient:
        return _client_type()(self._choice, self._key())

    def _key(self) -> SecretStr | None:
        try:
            check_variables(self._choice, self._environ)
            return None if self._keyless else find_key(self._choice, self._environ)
        except KeyLeftLiteral as error:
            raise ModelKeyRefused(self._choice.name, status=None, hint=str(error)) from None


def _values_of(request: DraftRequest) -> Mapping[str, str]:
    """Return the front matter's values that the present text has; of another section none."""
    if not request.template.front_matter or request.before is None:
        return {}
    try:
        return meta_fields(request.before.markdown or "")
    except NotMeta:
        return {}


def findings_of(request: DraftRequest, text: str) -> tuple[Finding, ...]:
    """Return what the checks have to say of a text that was written for `request`."""
    # A fifth of a second, which a server does not spend before its first answer.
    from mcp_server.content.checks.check import check  # noqa: PLC0415
    from mcp_server.content.checks.sources import sources_of  # noqa: PLC0415

    sources = sources_of(
        request.site,
        request.section,
        instructions=request.instructions,
        material=f"{request.material or ''}\n\n{request.page_text}".strip() or None,
        before=request.before,
    )
    return check(
        text,
        section=request.section,
        site=request.site,
        template=request.template,
        sources=sources,
    )


async def _checked(
    request: DraftRequest,
    fields: dict[str, Any],
    author: Author,
    usage: Usage,
    lost: tuple[Finding, ...] = (),
) -> Drafted:
    # In a thread: a text and its sources are read word by word.
    return await anyio.to_thread.run_sync(_drafted, request, fields, author, usage, lost)


def _drafted(
    request: DraftRequest,
    fields: dict[str, Any],
    author: Author,
    usage: Usage,
    lost: tuple[Finding, ...],
) -> Drafted:
    text = markdown.render(request.template, fields)
    gone = dict.fromkeys((*lost, *still_gone(request.before, text)))
    found = (*gone, *findings_of(request, text))
    return Drafted(
        fields=fields,
        markdown=text,
        findings=as_noted(found) if author.kind == "composer" else found,
        author=author,
        inputs_hash=inputs_hash(request, author.name),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
    )


def _client_type() -> type[ModelClient]:
    """Import what asking a model needs: that takes seconds, so call this in a thread."""
    # Imported here too: otherwise the first check of an answer would, in the event loop.
    import_module("mcp_server.content.text.parsed")
    from mcp_server.content.drafting.client import ModelClient  # noqa: PLC0415 - seconds to import

    return ModelClient
