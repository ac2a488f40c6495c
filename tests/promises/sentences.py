"""What people say to the assistant that has our tools, and which calls are right for it.

The site is a café's, as `tests/promises/test_sentences.py` sets it up: pages `home` (hero), `menu`
(lunch, prices), `about` (story, team) and `course` (intro, fee), all live; the story on the page
about has a newer draft. The key was written before anybody chose calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Call = tuple[str, Mapping[str, Any]]
"""A tool, and the arguments it is called with."""
Right = Callable[[str, Mapping[str, Any]], bool]

CHANGING = {
    "edit",
    "generate",
    "generate-all",
    "promote",
    "rollback",
    "unpublish",
    "retry",
    "cancel",
}


@dataclass(frozen=True)
class Sentence:
    """What somebody says, in which situation, and what makes a call the right one."""

    number: int
    """As in the list of sentences that the product is judged by."""
    said: str
    right: Right
    situation: str = ""

    def is_served_by(self, calls: Sequence[Call]) -> bool:
        """Whether one of the calls is right, and none changes anything that was not asked for."""
        return any(self.right(*call) for call in calls) and all(
            self.right(*call) or looks_only(*call) for call in calls
        )


def looks_only(tool: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a call changes nothing: everybody may look first."""
    return tool not in CHANGING or arguments.get("dryRun") is True


def about(section: str, arguments: Mapping[str, Any], *, or_page: bool = True) -> bool:
    """Whether the call is about this section, or its page, and nothing else."""
    page, _, name = section.partition("/")
    named = {k: v for k, v in arguments.items() if k in {"page", "section", "pages", "sections"}}
    exactly: list[dict[str, Any]] = [
        {"section": section},
        {"page": page, "section": name},
        {"page": page, "section": section},
        {"sections": [section]},
    ]
    whole: list[dict[str, Any]] = [{"page": page}, {"pages": [page]}]
    return named in (exactly + whole if or_page else exactly)


def holds(arguments: Mapping[str, Any], *words: str) -> bool:
    """Whether one of the words stands in the arguments."""
    text = json.dumps(arguments, ensure_ascii=False).lower()
    return any(word.lower() in text for word in words)


def _look_at_the_site(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "review" and not {*a} - {"limit", "cursor"}


def _show_about(tool: str, a: Mapping[str, Any]) -> bool:
    extra = {*a} - {"page", "pages", "limit"}
    return tool == "review" and about("about/", {k: a[k] for k in a if k != "limit"}) and not extra


def _use_this(tool: str, a: Mapping[str, Any]) -> bool:
    given = holds({"text": a.get("text"), "fields": a.get("fields")}, "since 1998")
    return tool == "edit" and about("about/story", a, or_page=False) and given


def _to_german(tool: str, a: Mapping[str, Any]) -> bool:
    asked = holds({"said": a.get("instructions", "")}, "german", "deutsch")
    return (
        tool == "generate"
        and about("about/", a)
        and asked
        and a.get("mode") in {None, "with-current"}
    )


def _eighty(tool: str, a: Mapping[str, Any]) -> bool:
    return tool in {"edit", "generate"} and about("course/fee", a) and holds(a, "80")


def _undo_draft(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "edit" and about("about/story", a, or_page=False) and a.get("discard") is True


def _who(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "review" and about("about/story", a) and a.get("history") is True


def _last_week(tool: str, a: Mapping[str, Any]) -> bool:
    since = str(a.get("since", ""))[:10] in {"2026-11-22", "2026-11-23"}
    return (tool == "status" and since) or (tool == "review" and a.get("history") is True)


def _what_will_publishing_do(tool: str, a: Mapping[str, Any]) -> bool:
    return (tool == "review" and a.get("plan") == "promote") or (
        tool == "promote" and a.get("dryRun") is True
    )


def _remove_team(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "unpublish" and about("about/team", a, or_page=False)


def _monday(tool: str, a: Mapping[str, Any]) -> bool:
    when = str(a.get("asOf", ""))[:10] == "2026-11-23"
    return tool in {"rollback", "review"} and about("about/", a) and when


def _will_cost(tool: str, a: Mapping[str, Any]) -> bool:
    return tool in {"generate", "generate-all"} and a.get("dryRun") is True


def _did_cost(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "status" and a.get("batchId") == "b_7"


def _offline(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "unpublish" and about("course/", a)


def _courtyard(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "review" and str(a.get("contains", "")).lower().startswith("court")


def _dead_links(tool: str, a: Mapping[str, Any]) -> bool:
    return tool == "review" and a.get("findings") is True


HANDS: Sequence[Sentence] = (
    Sentence(15, "What's on my site?", _look_at_the_site),
    Sentence(16, "Show me the about page.", _show_about),
    Sentence(
        18,
        "Use this text instead: We have baked in this courtyard since 1998.",
        _use_this,
        "You have just shown the section about/story.",
    ),
    Sentence(19, "Translate the about page to German.", _to_german),
    Sentence(
        20, "The course now costs 80 euros.", _eighty, "course/fee says that it costs 75 euros."
    ),
    Sentence(22, "Undo that draft.", _undo_draft, "The model has just drafted about/story anew."),
    Sentence(23, "Who wrote this?", _who, "You have just shown the section about/story."),
    Sentence(24, "What changed last week?", _last_week, "Today is Monday, 30 November 2026."),
    Sentence(25, "What exactly will publishing do?", _what_will_publishing_do),
    Sentence(27, "Remove the team section.", _remove_team, "It is about/team, and is live."),
    Sentence(
        28,
        "Give me last Monday's version of the about page back.",
        _monday,
        "Today is Monday, 30 November 2026.",
    ),
    Sentence(29, "What would it cost to write the whole site anew?", _will_cost),
    Sentence(
        30, "What did that cost?", _did_cost, "The batch b_7, which you queued, has just ended."
    ),
    Sentence(35, "Take the course page offline.", _offline),
    Sentence(40, "Where do we mention the courtyard?", _courtyard),
    Sentence(43, "Are there dead links?", _dead_links),
)
"""What this release serves for the first time."""
