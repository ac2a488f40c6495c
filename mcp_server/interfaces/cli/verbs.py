"""The commands that do what the tools do, in the same words: each calls the tool of its name.

What an argument may be is checked, and said, by the tool. The docstrings are help texts.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mcp_server.interfaces.cli.arguments import file_text, given_text, replacements, selected
from mcp_server.interfaces.cli.options import (
    AsOfOption,
    BatchArgument,
    BatchOption,
    CostOption,
    CursorOption,
    DigestOption,
    DryRunOption,
    FollowOption,
    ForceOption,
    InstructionsOption,
    JsonOption,
    KeyOption,
    LimitOption,
    ModeOption,
    PageOption,
    RevisionOption,
    SectionOption,
    Targets,
    WorkspaceOption,
)
from mcp_server.interfaces.cli.tool_call import How, call, queue


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
        "material": file_text(material),
        "maxCostUsd": max_cost_usd,
        "dryRun": dry_run,
        "requestKey": request_key,
    }
    queue(context, "generate", arguments, How(workspace, follow=follow, json=json))


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
    queue(context, "generate-all", arguments, How(workspace, follow=follow, json=json))


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
    call(context, "review", arguments, How(workspace, json=json))


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
    call(context, "search", arguments, How(workspace, json=json))


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
        "text": given_text(text),
        "fields": fields,
        "replace": replacements(replace or (), with_ or ()),
        "restore": restore,
        "discard": discard,
        "contentHash": content_hash,
        "dryRun": dry_run,
    }
    call(context, "edit", arguments, How(workspace, json=json))


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
    queue(context, "promote", arguments, How(workspace, follow=follow, json=json))


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
    queue(context, "rollback", arguments, How(workspace, follow=follow, json=json))


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
    queue(context, "unpublish", arguments, How(workspace, follow=follow, json=json))


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
    queue(context, "retry", arguments, How(workspace, follow=follow, json=json))


def cancel(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="A batch, or one job of it.")],
    *,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Stop what has not finished, and say what was already done, which stays."""
    name = "jobId" if id.startswith("j_") else "batchId"
    call(context, "cancel", {name: id}, How(workspace, json=json))


VERBS = (generate, generate_all, review, search, edit, promote, rollback, unpublish, retry, cancel)
