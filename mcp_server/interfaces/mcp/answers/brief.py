"""The answer of `review` with `brief`: what a chat writes a section from, between marks. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp_server.content.actions.brief import Brief
from mcp_server.excerpt import as_name, shortened
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.fit import DETAIL_BYTES_MAX
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import ReviewReply
from mcp_server.interfaces.mcp.answers.review import HASH_LENGTH, NOTE_LENGTH

DOCUMENT_BYTES_MAX = DETAIL_BYTES_MAX - 4_000
"""Of the material; what is said of it comes besides."""
PART_LENGTH = 4_000
"""Characters that are left of a long part of it, if all of it is too long."""
LONG_PARTS = ("related", "pages", "current", "facts", "sectionFacts")
"""Those that may be long, in the order in which they are cut."""


def brief_reply(brief: Brief, marks: Marks) -> ReviewReply:
    """Return the answer: rules in our words, the material as data, and the call that ends it."""
    text = marks.text(_fitted(brief.document), DOCUMENT_BYTES_MAX)
    notes = [marks.note(note, NOTE_LENGTH) for note in brief.notes]
    return ReviewReply(
        message=f"Write {as_name(brief.section)} from the brief, then hand it in by edit.",
        counts={},
        sections=[],
        brief=text,
        marks=marks.meaning_if_in(text, *notes),
        notes=[*brief.rules, *notes],
        next=sentences.call("edit", _call(brief)),
    )


def _call(brief: Brief) -> dict[str, Any]:
    fields = {"fields": dict.fromkeys(brief.fields, "…")} if brief.fields else {"text": "…"}
    seen = {"contentHash": brief.hash[:HASH_LENGTH]} if brief.hash else {}
    return {"section": brief.section, **fields, **seen}


def _fitted(document: Mapping[str, Any]) -> str:
    """Return the material as JSON; parts that are too long are cut."""
    text = _dumped(document)
    for part in LONG_PARTS:
        if len(text.encode()) <= DOCUMENT_BYTES_MAX:
            break
        if part in document:
            cut = shortened(_dumped(document[part]), PART_LENGTH)
            document = {**document, part: cut}
            text = _dumped(document)
    return text


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
