"""What the pages in `docs/` show is what the code does."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest
from pydantic import ValidationError
from typer.core import TyperGroup
from typer.main import get_command

from mcp_server.config import Settings, load_settings
from mcp_server.config.tables import tables_of
from mcp_server.interfaces.cli.commands import build_cli
from mcp_server.jobs.job import Job, JobState, Origin, Step
from mcp_server.jobs.registry import Registry
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.event import ProgressEvent, batch_event, job_event
from tests.benchmarks import embedding, queue, server
from tests.benchmarks.measuring import ServerSizes
from tests.benchmarks.shared import __main__ as shared
from tests.guide import Play
from tests.harness import starter
from tests.pages.__main__ import COMMAND, PARTS, written
from tests.pages.schema_words import allowed
from tests.pages.settings import STRANGERS, WORDS, schemas
from tests.specimens import BATCH, JOB
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
EVENTS = (ROOT / "docs" / "progress-events.md").read_text("utf-8")
PLUGINS = (ROOT / "docs" / "plugins.md").read_text("utf-8")
RULES = (ROOT / "docs" / "rules.md").read_text("utf-8")
MODELS = (ROOT / "docs" / "models.md").read_text("utf-8")
GUIDE = (ROOT / "docs" / "user-guide.md").read_text("utf-8")
FIGURES = (ROOT / "docs" / "figures.md").read_text("utf-8")
PAGE_LINES_MAX = 100
LINES_MAX = {
    "figures.md": 185,
    "plugins.md": 115,
    "add-a-verb.md": 400,  # all the code of a verb
    "architecture.md": 220,
    "scaling.md": 150,
    "settings.md": 120,
    "rules.md": 480,
    "tools.md": 300,
    "user-guide.md": 390,
}
"""Of pages that are longer than others, as something is looked up in them or done step by step."""
LAST = {"R": 32, "P": 14}
"""The last rule of each kind: R of the content's life, P of the pages' files."""
WENT = {"R15", "R22", "R23", "R24"}
"""Rules that P1 to P11 took the place of. Their numbers stay free: older texts refer to them."""
TELL_WHAT_WENT = {"rules.md", "test_docs.py"}
"""Files that name the rules that went, to say so."""
ORIGIN = Origin(owner="local", interface="mcp-stdio")


def blocks(language: str, page: str = EVENTS) -> list[str]:
    """The code on a page."""
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def commands(page: str) -> list[str]:
    """The lines of a page's blocks of commands."""
    return [line for block in blocks("sh", page) for line in block.splitlines()]


ALL_PAGES = [*PAGES, *sorted(ROOT.glob("*.md"))]
"""Those beside the code, too."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_short_and_linked_from_the_readme(page: Path) -> None:
    """Or nobody would read it."""
    longest = LINES_MAX.get(page.name, PAGE_LINES_MAX)
    assert len(page.read_text("utf-8").splitlines()) < longest
    assert f"(docs/{page.name})" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    """Within the repository, to a file that is there and, where one is named, to its heading."""
    for to, heading in re.findall(r"\]\(([\w./-]+)(?:#([\w-]+))?\)", page.read_text("utf-8")):
        target = (page.parent / to).resolve()
        assert target.is_file(), to
        assert not heading or heading in headings(target), heading


def headings(page: Path) -> set[str]:
    """Return the names by which a page's headings can be linked to."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_the_modules_that_a_page_names_are_there(page: Path) -> None:
    """By their path below `mcp_server/` or `tests/`, or the end of it; less those to be made."""
    there = {path.as_posix() for path in ROOT.glob("[a-z]*/**/*.py")}
    for named in re.findall(r"`([\w/]+\.py)`(?!, a new file)", page.read_text("utf-8")):
        assert any(path.endswith(f"/{named}") for path in there), named


def test_its_events_are_those_of_the_code() -> None:
    """A batch and a job, as they go over a wire."""
    shown = [json.loads(block) for block in blocks("json")]
    assert shown == [of_a_batch().as_json(), of_a_job().as_json()]


def of_a_batch() -> ProgressEvent:
    """The event of a batch after 70 seconds, with one failure so far."""
    running = a_job(
        "content-generate",
        "menu/hero",
        batch_id="b_01m8171k18bypchewmk22dhccc",
        started_at=BATCH.created_at + 65,
    )
    failed = a_job("content-generate", "about/team", reason="the model answered with no text")
    batch = replace(
        BATCH,
        id="b_01m8171k18bypchewmk22dhccc",
        origin=ORIGIN,
        completed=6,
        failed=1,
        running=(running,),
        failures=(failed,),
    )
    return batch_event(batch, now=BATCH.created_at + 70)


def of_a_job() -> ProgressEvent:
    """The event of a job that says how far it is."""
    return job_event(a_job("site-build", "menu", step=Step(1, 3, "Building Menu")))


def a_job(kind: str, subject: str, **different: Any) -> Job:
    """Make a job that runs."""
    made: dict[str, Any] = {"id": "j_01m8172m5c8k67v66mpbnvhjsh", "batch_id": None}
    return JOB._replace(kind=kind, subject=subject, origin=ORIGIN, **(made | different))


def test_its_plugin_takes_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing runs as it stands: what has ended is written down, and nothing else."""
    monkeypatch.chdir(tmp_path)
    [listing] = blocks("python")
    module: dict[str, Any] = {}
    exec(compile(listing, "diary", "exec"), module)  # the listing is what is tested
    plugins = Plugins(Registry([]))
    module["register"](plugins.context("diary"))
    [sink] = plugins.sinks
    ended = job_event(a_job("site-build", "menu", state=JobState.COMPLETED))
    for event in (of_a_batch(), of_a_job(), ended):
        anyio.run(sink.emit, event)
    written = (tmp_path / "diary.txt").read_text("utf-8")
    assert written == f"Site build menu {ended.id}: completed\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_written_from_the_code_is_what_the_code_says(page: Path) -> None:
    """Names, defaults and texts of the settings and tools."""
    text = page.read_text("utf-8")
    assert text == written(text), f"docs/{page.name} is behind the code; run: {COMMAND}"


def test_every_part_that_can_be_written_is_on_one_page() -> None:
    """No table is lost with its marks."""
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert sorted(re.findall(r"<!-- tests\.pages: (\S+) -->", text)) == sorted(PARTS)


def test_each_setting_that_may_name_something_outside_says_what_it_would_do() -> None:
    """A number or a choice can send nothing anywhere; a text or a path may."""
    free = {name for name, schema in schemas().items() if allowed(schema) in {"text", "path"}}
    assert free == set(STRANGERS) | WORDS
    for name in WORDS:
        with pytest.raises(ValidationError, match="is no id"):
            Settings.model_validate({name: "db.example/x"})


def test_every_variable_of_ours_is_on_the_page_of_settings() -> None:
    """Those that are no settings, too."""
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    for module in (ROOT / "mcp_server" / "config").glob("*.py"):
        for variable in re.findall(r'"(PRESSROOM_[A-Z_]+)"', module.read_text("utf-8")):
            assert f"`{variable}`" in page, variable


@pytest.mark.anyio
async def test_the_guides_conversations_go_as_they_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call is made, on one site, and answers what the guide says."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    play = Play(tmp_path / "my-site")
    await play.play(GUIDE)
    assert len(play.said) == len(re.findall(r"^→ ", GUIDE, flags=re.MULTILINE))


@pytest.mark.parametrize("line", commands(GUIDE))
def test_the_guides_commands_are_understood(line: str, tmp_path: Path) -> None:
    """By the command line, and by the settings where a variable stands before it."""
    words = shlex.split(line, comments=True)
    variables = dict(word.split("=", 1) for word in words if word.startswith("PRESSROOM_"))
    (tmp_path / "pressroom.toml").touch()
    assert load_settings(tmp_path, variables).brought == set()
    program, command, *arguments = words[len(variables) :]
    assert program == "pressroom"
    understood(command, arguments)


def understood(command: str, arguments: list[str]) -> None:
    """Fail where there is no such command, or it does not take such arguments."""
    nothing_is_run: Any = None
    group = get_command(build_cli(nothing_is_run))
    assert isinstance(group, TyperGroup)
    group.commands[command].make_context(command, arguments)


def test_the_guides_configuration_starts_a_server() -> None:
    """What is copied into a client's file can be read there, and is a command of ours."""
    [configuration] = blocks("json", GUIDE)
    started = json.loads(configuration)["mcpServers"]["pressroom"]
    before, command, *arguments = started["args"][started["args"].index("pressroom") :]
    assert (before, command) == ("pressroom", "serve")
    understood(command, arguments)


def test_the_guides_script_queues_the_site(tmp_path: Path) -> None:
    """It runs as it stands, in a folder with a workspace in it."""
    [script] = blocks("python", GUIDE)
    (tmp_path / "generate.py").write_text(script, "utf-8")
    starter(tmp_path / "my-site")
    folders = (str(Path(sys.executable).parent), os.environ["PATH"])
    where = {"PATH": os.pathsep.join(folders), "HOME": str(tmp_path)}

    def python(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if "XDG" not in name} | where,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=True,
        ).stdout

    said = python("generate.py", "my-site")
    python("-P", "-m", "mcp_server", "stop", "-w", "my-site")
    assert said == "Queued generation of 21 sections. Work goes on after this chat is closed.\n"


def test_the_figures_can_be_measured_under_the_names_that_they_have() -> None:
    """By the commands that the page gives."""
    of_queue, others = FIGURES.split("## The queue on PostgreSQL")
    of_shared, others = others.split("## The server")
    of_server, of_meaning = others.split("## Search and meaning")
    known = {
        of_queue: queue.FIGURES,
        of_shared: shared.figures(ServerSizes()),
        of_server: server.figures(ServerSizes()),
        of_meaning: embedding.figures(ServerSizes()),
    }
    for table, names in known.items():
        listed = re.findall(r"^\| `([a-z0-9-]+)` \|", table, flags=re.MULTILINE)
        assert listed
        assert set(listed) <= set(names)


def test_the_modules_that_the_page_of_figures_runs_are_there() -> None:
    """Each with `python -m`."""
    named = re.findall(r"python -m ([\w.]+)", FIGURES)
    assert named
    for name in named:
        assert find_spec(name), name


@pytest.mark.anyio
async def test_the_page_about_plugins_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plugin is a module of its own, its test is run as it stands there, its settings hold."""
    code, test = blocks("python", PLUGINS)
    words = ModuleType("words")
    monkeypatch.setitem(sys.modules, "words", words)
    exec(compile(code, "words.py", "exec"), vars(words))  # the listing is what is tested
    module: dict[str, Any] = {}
    exec(compile(test, "test_words.py", "exec"), module)  # and this
    await module["test_pages_are_counted"](tmp_path)
    [toml] = blocks("toml", PLUGINS)
    plugins = Plugins(Registry([]))
    plugins.add("words", words.register)
    tables = tables_of(tomllib.loads(toml)["plugins"], Path("pressroom.toml"), toml)
    assert tables is not None and plugins.read_settings(tables, {}) == []
    assert plugins.context("words").settings(words.Settings).longest == 500


def test_every_rule_that_something_refers_to_has_a_heading() -> None:
    """A reader finds what `R9` in a comment means; no number is given twice or left out."""
    told = [rule for rule, _ in rules()]
    numbers = {f"{of}{n}" for of, last in LAST.items() for n in range(1, last + 1)}
    assert len(told) == len(set(told))
    assert set(told) == numbers - WENT
    unknown = {
        f"{path.relative_to(ROOT)}: {rule}"
        for path in files_with_references()
        for rule in re.findall(r"\b[RP]\d+\b", path.read_text("utf-8"))
        if rule not in told and path.name not in TELL_WHAT_WENT
    }
    assert not unknown


def test_each_rule_names_tests_that_say_they_show_it() -> None:
    """They are there, and their docstrings name the rule."""
    for rule, text in rules():
        shown_by = named_tests(text)
        assert shown_by, f"{rule} names no test"
        for name in shown_by:
            assert re.search(rf"\b{rule}\b", docstring_of(*name)), f"{rule}: {name}"


def test_every_test_on_the_page_of_rules_exists() -> None:
    """Those of the sequences at its end, too."""
    named = named_tests(RULES)
    assert len(named) == RULES.count(".py::")
    for name in named:
        assert docstring_of(*name)


def test_every_line_on_the_page_of_models_is_shown_by_a_test() -> None:
    """And every test of a server that is nearly OpenAI's has its line."""
    folder = Path("tests") / "handlers"
    made = names_of_tests(folder / "test_near_openai.py")
    _, _, *lines = [line for line in MODELS.splitlines() if line.startswith("| ")]
    assert all("| `test_" in line for line in lines)
    named = set(re.findall(r"`(test_\w+)`", MODELS))
    waits = Path("tests") / "unit" / "content" / "test_patience.py"
    costs = Path("tests") / "promises" / "test_budget.py"
    embeds = folder / "test_embedding_by_a_provider.py"
    shown = (folder / "test_in_a_worker.py", embeds, waits, costs)
    others = set[str]().union(*map(names_of_tests, shown))
    assert made <= named <= made | others


def names_of_tests(file: Path) -> set[str]:
    """Return the names of a file's tests."""
    text = (ROOT / file).read_text("utf-8")
    return set(re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE))


def rules() -> list[tuple[str, str]]:
    """Return each rule's number and its text."""
    parts = re.split(r"^### ([RP]\d+)\. |^## ", RULES, flags=re.MULTILINE)
    return [(n, text) for n, text in zip(parts[1::2], parts[2::2], strict=True) if n]


def files_with_references() -> Iterator[Path]:
    """Yield the files of code, tests and pages."""
    yield from (ROOT / "README.md", *PAGES)
    for folder in ("mcp_server", "handlers", "tests"):
        for suffix in ("py", "sql"):
            yield from (ROOT / folder).rglob(f"*.{suffix}")


def named_tests(text: str) -> list[tuple[str, str]]:
    """Return the file and the name of each test that `text` names."""
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)


def docstring_of(file: str, test: str) -> str:
    """Return what a test says of itself; fail where there is none of that name."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.parse((ROOT / file).read_text("utf-8")).body:
        if isinstance(node, functions) and node.name == test:
            return ast.get_docstring(node) or ""
    raise AssertionError(f"there is no {test} in {file}")
