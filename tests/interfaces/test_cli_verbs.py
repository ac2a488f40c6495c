"""The commands that do what the tools do: their words, their output and their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from mcp_server.errors import ConfigError, OtherText
from mcp_server.interfaces.cli import Board, Called, Runners, build_cli, run_cli
from mcp_server.interfaces.cli.spelling import option
from mcp_server.interfaces.mcp.tools.arguments import names_of
from mcp_server.interfaces.mcp.tools.catalogue import TOOLS
from tests.harness import small_site
from tests.interfaces.test_cli import pressroom, runners
from tests.promises.moves import live
from tests.waiting import wait_until

QUEUED = {
    "message": "Queued generation of 1 section.",
    "status": "queued",
    "batchId": "b_1",
    "totalSections": 1,
    "queuedSections": 1,
    "next": 'status {"batchId": "b_1"}',
}
IN_OTHER_WORDS = {
    "search": {"query"},
    "retry": {"batchId"},
    "cancel": {"batchId", "jobId"},
    "status": {"batchId", "jobId", "ids"},
}
"""Arguments that a command takes by their place."""
ELSEWHERE = {"waitSeconds", "stream", "pages", "sections", "detail"}
"""`--follow` waits, options repeat, and a terminal has room for all that there is."""


def answering(answer: Mapping[str, Any]) -> tuple[Runners, list[tuple[str, Mapping[str, Any]]]]:
    """Return runners whose tools all answer this, and the calls that they were given."""
    calls: list[tuple[str, Mapping[str, Any]]] = []

    def call(
        workspace: Path | None,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        board: Board | None,
        answered: Callable[[Mapping[str, Any]], None],
    ) -> Called:
        calls.append((tool, arguments))
        answered(answer)
        return Called(answer=answer, worker="A worker is running.")

    return replace(runners(ConfigError("unused")), call=call), calls


def left(found: Runners, *words: str) -> int:
    """Run a command; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        run_cli(found, words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("promote menu/hero", {"section": "menu/hero"}),
        ("promote menu", {"page": "menu"}),
        ("promote --page menu --section hero", {"page": "menu", "section": "hero"}),
        ("promote menu home/hero", {"pages": ["menu"], "sections": ["home/hero"]}),
        ("promote a/b --section a/c", {"pages": [], "sections": ["a/c", "a/b"]}),
        ("promote --batch b_1 --force", {"batchId": "b_1", "force": True}),
        ("generate --mode new --dry-run", {"mode": "new", "dryRun": True}),
        ("generate-all --instructions shorter", {"instructions": "shorter"}),
        ("retry b_1 --request-key k", {"batchId": "b_1", "requestKey": "k"}),
        ("cancel b_1", {"batchId": "b_1"}),
        ("cancel j_1", {"jobId": "j_1"}),
        (
            "edit a/b --replace 9 --with 8",
            {"section": "a/b", "replace": [{"old": "9", "new": "8"}]},
        ),
        ("edit a/b --discard", {"section": "a/b", "discard": True}),
        ("review --history --as-of 2026-11-24", {"history": True, "asOf": "2026-11-24"}),
        ("review --state live --state draft --diff", {"state": ["live", "draft"], "diff": True}),
    ],
)
def test_a_command_gives_its_tool_what_was_written(line: str, arguments: Mapping[str, Any]) -> None:
    """By place or by option, in the tool's own words."""
    found, calls = answering(QUEUED)
    words = line.split()
    assert left(found, *words) == 0
    given = {name: value for name, value in calls[0][1].items() if value != []}
    assert (calls[0][0], given) == (words[0], {k: v for k, v in arguments.items() if v != []})


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_command_has_an_option_for_each_argument_of_its_tool(tool: Any) -> None:
    """Of the same name; a new argument of a tool is a new option."""
    cli = typer.main.get_command(build_cli(runners(ConfigError("unused"))))
    command = getattr(cli, "commands")[tool.name]  # noqa: B009 - of a group
    there = {name for parameter in command.params for name in parameter.opts}
    by_place = IN_OTHER_WORDS.get(tool.name, set())
    wanted = {option(name) for name in names_of(tool.arguments) - by_place - ELSEWHERE}
    assert wanted <= there


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *(("queued", 0), ("completed", 0), ("planned", 0), ("processing", 0)),
        *(("paused", 1), ("failed", 1), ("cancelled", 1)),
    ],
)
def test_the_exit_code_says_whether_a_script_may_go_on(
    status: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """With 1 not; JSON is one document, and nothing else."""
    found, _ = answering({**QUEUED, "status": status})
    assert left(found, "promote", "--json") == code
    assert json.loads(capsys.readouterr().out)["status"] == status
    assert left(found, "promote") == code
    lines = capsys.readouterr().out.splitlines()
    assert lines == [QUEUED["message"], "Next: pressroom status b_1", "A worker is running."]


def test_material_is_read_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read, or is empty, is no text to write from: nothing is called."""
    found, calls = answering(QUEUED)
    prices, empty = tmp_path / "prices.txt", tmp_path / "empty.txt"
    prices.write_text("Soup: 7 €\n", "utf-8")
    empty.write_text(" \n", "utf-8")
    assert left(found, "generate", "menu", "--material", str(prices)) == 0
    assert calls[0][1]["material"] == "Soup: 7 €\n"
    assert left(found, "generate", "menu", "--material", str(empty)) == 2
    assert left(found, "generate", "menu", "--material", str(tmp_path / "none.txt")) == 2
    assert "No such file" in capsys.readouterr().err
    assert len(calls) == 1


def test_a_brief_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Each part on a line of its own; a text keeps its indents."""
    brief = '<text-abc>\n{"section": "a/b", "facts": {"price": "7 €\\u001b[2J"}}\n</text-abc>'
    row = {"section": "a/b", "state": "draft", "draft": "<text-abc>\n- a\n  - b\n</text-abc>"}
    found, _ = answering({"message": "Write.", "brief": brief, "sections": [row]})
    assert left(found, "review", "a/b", "--brief") == 0
    shown = capsys.readouterr().out.splitlines()
    assert '      "price": "7 €\\u001b[2J"' in shown
    assert shown[-2:] == ["        - a", "          - b"]


def test_what_was_found_is_shown_with_its_place_and_piece(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Words that stand apart are one question."""
    row = {"type": "section", "id": "a/b", "state": "live", "why": "both", "file": "content/a.md"}
    fact = {"type": "fact", "id": "facts.tea", "why": "same words"}
    rows = [{**row, "snippet": "<text-abc>… tea\x1b[2J</text-abc>"}, {**fact, "snippet": "tea: 3"}]
    found, calls = answering({"message": "2 found.", "found": rows, "nextCursor": 2})
    assert left(found, "search", "green", "tea", "--state", "live") == 0
    assert calls[0][:2] == ("search", {"query": "green tea", "state": ["live"]})
    assert capsys.readouterr().out.splitlines() == [
        "2 found.",
        "    a/b · both · live · content/a.md",
        "        … tea[2J",
        "    facts.tea · fact: same words",
        "        tea: 3",
        "… and more: the same with --cursor 2.",
    ]


def test_a_refusal_shows_the_text_that_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    """Below our words, and apart from them."""

    def call(*arguments: object, **options: object) -> Called:
        raise OtherText("a/b", "it now says the words below", words="# A\n\npressroom: \x1b[2Jno\n")

    assert left(replace(runners(ConfigError("unused")), call=call), "edit", "a/b") == 2
    said = capsys.readouterr().err.splitlines()
    first = "pressroom: a/b: it now says the words below. Nothing was changed."
    assert said == [first, "  # A", "  pressroom: [2Jno"]


def test_what_is_held_is_shown_with_the_command_that_takes_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without the marks that are there for models."""
    row = {"section": "a/b", "state": "draft", "findings": ["held: price <text-abc>9 €</text-abc>"]}
    reason = 'is held; promote {"section": "a/b"} takes it: the price \'9 €\''
    skipped = [{"section": "a/b", "reason": reason}]
    found, _ = answering({"message": "Done.", "sections": [row], "skipped": skipped})
    assert left(found, "promote") == 0
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "    a/b  draft · findings: held: price 9 €",
        "  skipped a/b: is held; pressroom promote a/b takes it: the price '9 €'",
    ]


def test_an_interrupt_while_it_is_followed_says_what_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And has an exit code of its own."""

    def call(*arguments: object, **options: object) -> Called:
        raise KeyboardInterrupt

    assert left(replace(runners(ConfigError("unused")), call=call), "promote", "-f") == 130
    assert "What was queued goes on" in capsys.readouterr().err


def test_a_text_that_has_moved_is_shown_below_the_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without what a terminal would obey, and no command in it is spelled as one of ours."""

    def call(*arguments: object, **options: object) -> Called:
        raise OtherText(
            "a/b", "it says the words below", words='\x1b[2JSoup.\n\npromote {"page": 7}'
        )

    assert left(replace(runners(ConfigError("unused")), call=call), "edit", "a/b", "--discard") == 2
    assert capsys.readouterr().err.splitlines() == [
        "pressroom: a/b: it says the words below. Nothing was changed.",
        "  [2JSoup.",
        '  promote {"page": 7}',
    ]


def test_ids_are_completed_from_the_workspace(tmp_path: Path) -> None:
    """Pages and sections as they are in `site.yaml`."""
    root = small_site(tmp_path / "site", {"menu": 2, "home": 1})
    line = f"pressroom promote -w {root} me"
    done = pressroom(_PRESSROOM_COMPLETE="complete_bash", COMP_CWORD="4", COMP_WORDS=line)
    assert done.stdout.splitlines() == ["menu", "menu/s1", "menu/s2"]


def test_the_main_job_is_done_from_a_terminal(tmp_path: Path) -> None:
    """Drafted, followed to its end, made live and taken back; a worker of its own does it."""
    root = small_site(tmp_path / "site", {"menu": 2}, worker_idle_s=5)
    where = ("-w", root)
    drafted = pressroom("generate", "menu", "--follow", *where)
    assert drafted.returncode == 0, drafted.stderr
    lines = drafted.stdout.splitlines()
    assert lines[0] == "Queued generation of 2 sections. Work goes on when this command has ended."
    assert "2 of 2 drafted." in lines
    assert lines[-1].startswith("Next: pressroom promote --batch-id b_")
    promoted = pressroom("promote", "menu/s1", "--follow", "--json", *where)
    assert promoted.returncode == 0, promoted.stderr
    assert json.loads(promoted.stdout)["message"].startswith("1 of 1 promoted. Files: content/")
    assert live(root) == {"menu/s1": "note 1 of menu"}
    assert pressroom("rollback", "--follow", *where).returncode == 0
    assert live(root) == {}


def test_what_was_edited_at_a_terminal_is_taken_in_by_search(tmp_path: Path) -> None:
    """A worker is started for it, whom the command does not wait for; a dry run starts none."""
    root = small_site(tmp_path / "site", {"menu": 1}, embedder="words", worker_idle_s=1)
    edit = ("edit", "menu/s1", "--text", "## Menu\n\nPumpkin soup.", "-w", root)
    assert pressroom(*edit, "--dry-run").returncode == 0
    assert not (root / ".pressroom" / "worker.log").exists()
    assert pressroom(*edit).returncode == 0

    def is_known() -> bool:
        found = json.loads(pressroom("search", "pumpkin", "--json", "-w", root).stdout)
        return not any(note.startswith("Partly") for note in found.get("notes", []))

    wait_until(is_known)
