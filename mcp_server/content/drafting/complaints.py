"""Why an answer does not fit its template, and what is stored of one that does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from mcp_server.content.checks.objections import objection_to
from mcp_server.content.drafting.prompt import DraftRequest
from mcp_server.content.template import Template
from mcp_server.content.text import markdown
from mcp_server.content.text.fields import answer_model, problems
from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.content.text.openings import left_open_more, runs_more


def complaint_about(template: Template, fields: Mapping[str, Any]) -> str | None:
    """Return why `fields` do not fit the template, in words that say what to change.

    They are checked as they would be stored: an optional field that is null or empty is absent.
    The complaint quotes nothing from the fields, as it may be shown to people and in a chat.
    """
    try:
        stored = answer_model(template).model_validate(dict(fields))
    except ValidationError:
        return "; ".join(problems(template, dict(fields)))
    tidy = _tidy(stored)
    return "; ".join(problems(template, tidy)) or markdown.round_trip_problem(template, tidy)


def complaint_about_answer(request: DraftRequest, fields: Mapping[str, Any]) -> str | None:
    """Return the same for a model's answer, which must also hold nothing that runs in a page.

    Nor may it leave open what the present text does not: that would swallow the next section (P8).
    """
    template = request.template
    if (complaint := complaint_about(template, fields)) is not None:
        return complaint
    tidy = tidied(template, fields)
    if (objection := objection_to(template, tidy, request.before)) is not None:
        return objection
    if template.front_matter:
        return None
    present = (request.current.markdown if request.current is not None else None) or ""
    text = markdown.render(template, tidy)
    if (reason := left_open_more(present, text, style=request.marks)) is not None:
        return reason
    if request.marks is MarkStyle.MDX and runs_more(present, text):
        return "MDX would run what stands in braces; write \\{ where the sign is meant"
    return None


def tidied(template: Template, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields that fit the template as they are stored: an empty optional one is absent."""
    return _tidy(answer_model(template).model_validate(dict(fields)))


def _tidy(answer: BaseModel) -> dict[str, Any]:
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)
