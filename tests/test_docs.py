"""What the pages in `docs/` show is what the code does."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

from mcp_server.config.tables import tables_of
from mcp_server.jobs.job import Job, JobState, Origin, Step
from mcp_server.jobs.registry import Registry
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.event import ProgressEvent, batch_event, job_event
from tests.specimens import BATCH, JOB

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
EVENTS = (ROOT / "docs" / "progress-events.md").read_text("utf-8")
PLUGINS = (ROOT / "docs" / "plugins.md").read_text("utf-8")
RULES = (ROOT / "docs" / "rules.md").read_text("utf-8")
LINES_MAX = {"rules.md": 300}
"""Of pages in which something is looked up; nobody reads them from top to bottom."""
ORIGIN = Origin(owner="local", interface="mcp-stdio")


def blocks(language: str, page: str = EVENTS) -> list[str]:
    """The code on a page; unless it is named, on that about progress events."""
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_short_and_linked_from_the_readme(page: Path) -> None:
    """Or nobody would read it."""
    assert len(page.read_text("utf-8").splitlines()) < LINES_MAX.get(page.name, 100)
    assert f"docs/{page.name}" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.name)
def test_the_modules_that_a_page_names_are_there(page: Path) -> None:
    """By their path below `mcp_server/` or `tests/`, or the end of it."""
    there = {path.as_posix() for path in ROOT.glob("*/**/*.py")}
    for named in re.findall(r"`([\w/]+\.py)`", page.read_text("utf-8")):
        assert any(path.endswith(f"/{named}") for path in there), named


def test_its_events_are_those_of_the_code() -> None:
    """A batch and a job, as they go over a wire."""
    shown = [json.loads(block) for block in blocks("json")]
    assert shown == [of_a_batch().as_json(), of_a_job().as_json()]


def of_a_batch() -> ProgressEvent:
    """The event of a batch after 70 seconds, with one failure so far."""
    running = a_job("content-generate", "menu/hero", batch_id="b_01m8171k18bypchewmk22dhccc")
    failed = a_job("content-generate", "about/team", reason="the model answered with no text")
    batch = replace(
        BATCH,
        id="b_01m8171k18bypchewmk22dhccc",
        origin=ORIGIN,
        completed=6,
        failed=1,
        running=(running,),
    )
    return batch_event(batch, now=BATCH.created_at + 70, failures=[failed])


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
    assert told == [f"R{n}" for n in range(1, len(told) + 1)]
    unknown = {
        f"{path.relative_to(ROOT)}: {rule}"
        for path in files_with_references()
        for rule in re.findall(r"\bR\d+\b", path.read_text("utf-8"))
        if rule not in told
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
    assert len(named) == RULES.count("::")
    for name in named:
        assert docstring_of(*name)


def rules() -> list[tuple[str, str]]:
    """Return each rule's number and its text."""
    parts = re.split(r"^### (R\d+)\. |^## ", RULES, flags=re.MULTILINE)
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
