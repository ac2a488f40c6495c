"""The commands that do what the tools do, in the same words: each calls the tool of its name.

What an argument may be is checked, and said, by the tool. The docstrings are help texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_server.interfaces.cli.answers import answer_lines
from mcp_server.interfaces.cli.lines import Unseen
from mcp_server.interfaces.cli.output import as_json, one_line
from mcp_server.interfaces.cli.runners import Board, Called
from mcp_server.interfaces.cli.shared import (
    EXIT_INTERRUPTED,
    EXIT_UNWELL,
    WorkspaceOption,
    board,
    runners_of,
)

UNDONE = frozenset({"failed", "cancelled", "paused"})
"""States of an answer that a script must not go on from."""

INTERRUPTED = "No longer watching. What was queued goes on while a worker runs."
"""A worker that was started for it runs on; one that runs in this process (`worker = "embedded"`)
ends with it, and the next goes on."""


def _ids(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield what a page or section that is being typed may become."""
    found = runners_of(context).ids(context.params.get("workspace"))
    yield from (id for id in found if id.startswith(incomplete))


def _pages(context: typer.Context, incomplete: str) -> Iterator[str]:
    yield from (id for id in _ids(context, incomplete) if "/" not in id)


Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PAGE | PAGE/SECTION]...",
        help="Pages, such as menu, or sections, such as menu/hero; a page in a folder: --page.",
        autocompletion=_ids,
    ),
]
PageOption = Annotated[
    list[str] | None, typer.Option(metavar="ID", help="A page; repeatable.", autocompletion=_pages)
]
SectionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PAGE/SECTION",
        help="A section, or its bare id beside --page; repeatable.",
        autocompletion=_ids,
    ),
]
BatchOption = Annotated[str | None, typer.Option("--batch-id", "--batch", metavar="ID")]
BatchArgument = Annotated[str, typer.Argument(metavar="BATCH")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done; nothing is queued.")
]
DigestOption = Annotated[
    str | None,
    typer.Option(metavar="DIGEST", help="What a dry run answered: refused if anything changed."),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Go on although the live text has changed.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="The same call with the same key is answered the same."),
]
ModeOption = Annotated[
    str | None,
    typer.Option(metavar="leave|new|with-current", help="What becomes of present texts."),
]
InstructionsOption = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Wishes for the writing.")
]
CostOption = Annotated[
    float | None,
    typer.Option(metavar="USD", help="The batch pauses before it would cost more."),
]
AsOfOption = Annotated[
    str | None, typer.Option(metavar="WHEN", help="At the end of a day (2026-11-24) or time.")
]
RevisionOption = Annotated[
    str | None, typer.Option(metavar="HASH", help="An earlier text, by its hash.")
]
LimitOption = Annotated[int | None, typer.Option(metavar="ROWS", help="Rows at most.")]
CursorOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Where the answer before has ended.")
]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Show it as it goes on, until it is over.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the answer as the tool gives it, for programs.")
]


def generate(
    context: typer.Context,
    targets: Targets = None,
    *,
    page: PageOption = None,
    section: SectionOption = None,
    mode: ModeOption = None,
    instructions: InstructionsOption = None,
    material: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A text to write from; `-` reads it from stdin."),
    ] = None,
    max_cost_usd: CostOption = None,
    dry_run: DryRunOption = False,
    request_key: KeyOption = None,
    follow: FollowOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Queue the drafting of the chosen pages and sections; nothing goes live."""
    arguments = {
        **selected(targets, page, section),
        "mode": mode,
        "instructions": instructions,
        "material": _read_file(material),
        "maxCostUsd": max_cost_usd,
        "dryRun": dry_run,
        "requestKey": request_key,
    }
    _queue(context, "generate", arguments, How(workspace, follow=follow, json=json))


def generate_all(
    context: typer.Context,
    *,
    mode: ModeOption = None,
    instructions: InstructionsOption = None,
    max_cost_usd: CostOption = None,
    dry_run: DryRunOption = False,
    request_key: KeyOption = None,
    follow: FollowOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Queue the drafting of the whole site; nothing goes live."""
    arguments = {
        "mode": mode,
        "instructions": instructions,
        "maxCostUsd": max_cost_usd,
        "dryRun": dry_run,
        "requestKey": request_key,
    }
    _queue(context, "generate-all", arguments, How(workspace, follow=follow, json=json))


def review(
    context: typer.Context,
    targets: Targets = None,
    *,
    page: PageOption = None,
    section: SectionOption = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="Only in this state; repeatable.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="What a promotion would change.")] = False,
    findings: Annotated[
        bool, typer.Option("--findings", help="Only where a check finds something, as a dead link.")
    ] = False,
    contains: Annotated[
        str | None, typer.Option(metavar="WORDS", help="Only sections with these words.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="All their texts and files, newest first.")
    ] = False,
    as_of: AsOfOption = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="What a drafter is given, to write it by hand.")
    ] = False,
    plan: Annotated[
        str | None,
        typer.Option(metavar="VERB", help="What promote, rollback or unpublish would do."),
    ] = None,
    batch_id: BatchOption = None,
    revision: RevisionOption = None,
    force: ForceOption = False,
    limit: LimitOption = None,
    cursor: CursorOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show the state and the texts of each section, now or once, or what a call would change."""
    arguments = {
        **selected(targets, page, section),
        "state": state,
        "diff": diff,
        "contains": contains,
        "findings": findings,
        "history": history,
        "asOf": as_of,
        "brief": brief,
        "plan": plan,
        "batchId": batch_id,
        "revision": revision,
        "force": force,
        "limit": limit,
        "cursor": cursor,
    }
    _call(context, "review", arguments, How(workspace, json=json))


def search(
    context: typer.Context,
    query: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help="What to look for, in any words.")
    ],
    *,
    type: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Only section, page, fact, or a plugin's; repeatable."),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="Only live, draft or withdrawn texts; repeatable."),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(metavar="LANGUAGE", help="Such as de; repeatable.")
    ] = None,
    limit: LimitOption = None,
    cursor: CursorOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Find sections, pages and facts by what they mean and by their words."""
    arguments = {
        "query": " ".join(query),
        "type": type,
        "state": state,
        "language": language,
        "limit": limit,
        "cursor": cursor,
    }
    _call(context, "search", arguments, How(workspace, json=json))


def edit(
    context: typer.Context,
    targets: Targets = None,
    *,
    page: PageOption = None,
    section: SectionOption = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="MARKDOWN", help="The whole text; `-` reads it from stdin."),
    ] = None,
    fields: Annotated[
        str | None, typer.Option(metavar="JSON", help="The template's fields to set.")
    ] = None,
    replace: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD", help="What stands exactly once, with --with; repeatable."),
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NEW", help="What comes in place of each --replace."),
    ] = None,
    restore: Annotated[
        str | None, typer.Option(metavar="HASH", help="An earlier text becomes the draft.")
    ] = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Go back to the draft before, or none.")
    ] = False,
    content_hash: Annotated[
        str | None, typer.Option(metavar="HASH", help="Refused if the text is another by now.")
    ] = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write or change a draft at once; what is live stays."""
    arguments = {
        **selected(targets, page, section),
        "text": _read(text),
        "fields": fields,
        "replace": replacements(replace or (), with_ or ()),
        "restore": restore,
        "discard": discard,
        "contentHash": content_hash,
        "dryRun": dry_run,
    }
    _call(context, "edit", arguments, How(workspace, json=json))


def promote(
    context: typer.Context,
    targets: Targets = None,
    *,
    page: PageOption = None,
    section: SectionOption = None,
    batch_id: BatchOption = None,
    digest: DigestOption = None,
    force: ForceOption = False,
    dry_run: DryRunOption = False,
    request_key: KeyOption = None,
    follow: FollowOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Queue making drafts live: those that are named, those of a batch, or all that differ."""
    arguments = {
        **selected(targets, page, section),
        "batchId": batch_id,
        "digest": digest,
        "force": force,
        "dryRun": dry_run,
        "requestKey": request_key,
    }
    _queue(context, "promote", arguments, How(workspace, follow=follow, json=json))


def rollback(
    context: typer.Context,
    targets: Targets = None,
    *,
    page: PageOption = None,
    section: SectionOption = None,
    batch_id: BatchOption = None,
    revision: RevisionOption = None,
    as_of: AsOfOption = None,
    digest: DigestOption = None,
    force: ForceOption = False,
    dry_run: DryRunOption = False,
    request_key: KeyOption = None,
    follow: FollowOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Queue putting back what stood before: of the latest promotion, or of what is named."""
    arguments = {
        **selected(targets, page, section),
        "batchId": batch_id,
        "revision": revision,
        "asOf": as_of,
        "digest": digest,
        "force": force,
        "dryRun": dry_run,
        "requestKey": request_key,
    }
    _queue(context, "rollback", arguments, How(workspace, follow=follow, json=json))


def unpublish(
    context: typer.Context,
    targets: Targets = None,
    *,
    page: PageOption = None,
    section: SectionOption = None,
    digest: DigestOption = None,
    force: ForceOption = False,
    dry_run: DryRunOption = False,
    request_key: KeyOption = None,
    follow: FollowOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Queue taking live texts off production, their files too; rollback brings them back."""
    arguments = {
        **selected(targets, page, section),
        "digest": digest,
        "force": force,
        "dryRun": dry_run,
        "requestKey": request_key,
    }
    _queue(context, "unpublish", arguments, How(workspace, follow=follow, json=json))


def retry(
    context: typer.Context,
    batch_id: BatchArgument,
    *,
    max_cost_usd: CostOption = None,
    request_key: KeyOption = None,
    follow: FollowOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Take up again what a batch has not done."""
    arguments = {"batchId": batch_id, "maxCostUsd": max_cost_usd, "requestKey": request_key}
    _queue(context, "retry", arguments, How(workspace, follow=follow, json=json))


def cancel(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="A batch, or one job of it.")],
    *,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Stop what has not finished, and say what was already done, which stays."""
    name = "jobId" if id.startswith("j_") else "batchId"
    _call(context, "cancel", {name: id}, How(workspace, json=json))


VERBS = (generate, generate_all, review, search, edit, promote, rollback, unpublish, retry, cancel)


@dataclass(frozen=True, slots=True)
class How:
    """How a command calls its tool."""

    workspace: Path | None
    follow: bool = False
    json: bool = False


def selected(
    targets: Sequence[str] | None, pages: Sequence[str] | None, sections: Sequence[str] | None
) -> Mapping[str, Any]:
    """Return the arguments that select what is named: in order, by place or by option."""
    pages = [*(pages or ()), *(each for each in targets or () if "/" not in each)]
    sections = [*(sections or ()), *(each for each in targets or () if "/" in each)]
    beside = not targets and len(pages) <= 1 and len(sections) <= 1  # a page, and a bare id on it
    if beside or len(pages) + len(sections) <= 1:
        return {"page": next(iter(pages), None), "section": next(iter(sections), None)}
    return {"pages": pages, "sections": sections}


def replacements(old: Sequence[str], new: Sequence[str]) -> Sequence[Mapping[str, str]]:
    """Return the changes of an edit.

    Raises:
        BadParameter: one has no other half.
    """
    if len(old) != len(new):
        raise typer.BadParameter("each --replace goes with one --with", param_hint="--replace")
    return [{"old": each, "new": other} for each, other in zip(old, new, strict=True)]


def _read(text: str | None) -> str | None:
    """Return a text that was given, or what stdin has where that is `-`."""
    return typer.get_text_stream("stdin").read() if text == "-" else text


def _read_file(name: str | None) -> str | None:
    """Return what a file holds, or stdin where it is named `-`.

    Raises:
        BadParameter: it cannot be read, or holds no text.
    """
    try:
        text = _read(name) if name in (None, "-") else Path(name).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise typer.BadParameter(f"{name}: {why}", param_hint="--material") from None
    if text is not None and not text.strip():
        raise typer.BadParameter(f"{name}: it is empty", param_hint="--material")
    return text


def given(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments that were given. An empty text is the tool's to judge."""
    return {
        name: v for name, v in arguments.items() if v is not None and v is not False and v != []
    }


def _queue(context: typer.Context, tool: str, arguments: Mapping[str, Any], how: How) -> None:
    """Call a tool that queues work; end with 1 if what it answers with was not done."""
    called = _call(context, tool, arguments, how)
    if called.worker is not None and not how.json:
        typer.echo(one_line(called.worker))
    if called.answer.get("status") in UNDONE:
        raise typer.Exit(EXIT_UNWELL)


def _call(context: typer.Context, tool: str, arguments: Mapping[str, Any], how: How) -> Called:
    """Call a tool, and print its answer: lines as they come, or JSON at the end."""
    try:
        called = _called(context, tool, given(arguments), how)
    except KeyboardInterrupt:
        typer.echo(INTERRUPTED, err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if how.json:
        typer.echo(as_json(called.answer))
    elif how.follow and "operation" in called.answer:
        _print({key: called.answer[key] for key in ("message", "next") if key in called.answer})
    return called


def _called(context: typer.Context, tool: str, arguments: Mapping[str, Any], how: How) -> Called:
    def answered(answer: Mapping[str, Any]) -> None:
        if not how.json:
            left_out = {"next"} if how.follow else set[str]()  # it is what is done now
            _print({key: value for key, value in answer.items() if key not in left_out})

    with _place(how) as place:
        return runners_of(context).call(
            how.workspace, tool, arguments, board=place, answered=answered
        )


def _place(how: How) -> AbstractContextManager[Board | None]:
    """Return where the batch is shown as it goes on."""
    if not how.follow:
        return nullcontext()
    return nullcontext(Unseen()) if how.json else board()


def _print(answer: Mapping[str, Any]) -> None:
    for line in answer_lines(answer):
        typer.echo(line)
