"""A plugin's own settings: read like ours, named like ours when they are wrong, and data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from mcp_server.app import Application
from mcp_server.config import PluginTable, SettingsProblems, load_settings
from mcp_server.errors import ConfigError, Unavailable
from mcp_server.jobs.registry import Registry, discover
from mcp_server.plugin import (
    USER_ONLY,
    Done,
    JobContext,
    JobState,
    JobStatus,
    Origin,
    Outcome,
    PluginContext,
    handler,
)
from mcp_server.plugin.loading import Plugins
from tests.harness import small_site
from tests.interfaces.test_plugins import working

pytestmark = pytest.mark.anyio

ADA = Origin(owner="ada", interface="test")
SECRET = "sk-abcdefgh12345678ijkl"


class Words(BaseModel, frozen=True):
    """What can be set for the plugin of the tests."""

    longest: int = Field(default=80, ge=1)
    case: Literal["any", "lower"] = "any"
    share: float = Field(default=0.5, lt=1.5)
    labels: list[str] = []
    command: Annotated[str, USER_ONLY] = ""

    @field_validator("labels")
    @classmethod
    def _few(cls, labels: list[str]) -> list[str]:
        if len(labels) > 2:
            raise ValueError("too many\n labels")
        return labels


class Needy(BaseModel):
    """A setting without a default."""

    account: str


class Nothing(BaseModel, frozen=True, extra="forbid"):
    """No arguments."""


@handler("tell-longest", Nothing)
async def tell_longest(payload: Nothing, context: JobContext) -> Outcome:
    """Answer with a setting."""
    return Done({"longest": context.settings(Words).longest})


def plugins_of(*models: type[BaseModel]) -> Plugins:
    """Plugins of which the first is called `words`, each with settings."""
    plugins = Plugins(Registry(discover("handlers")))
    for name, model in zip(("words", "needy"), models, strict=False):
        plugins.context(name).register_settings(model)
    plugins.context("words").register_job_handler(tell_longest)
    return plugins


def read(root: Path, text: str, *, user: str = "", **environ: str) -> tuple[Plugins, list[str]]:
    """Read these settings from a workspace; return what is wrong with them, too."""
    root.mkdir(exist_ok=True)
    (root / "pressroom.toml").write_text(text, "utf-8")
    (root / "user.toml").write_text(user, "utf-8")
    loaded = load_settings(root, environ, root / "user.toml")
    plugins = plugins_of(Words)
    return plugins, list(plugins.read_settings(loaded.plugins, environ))


def test_settings_are_those_of_user_workspace_and_environment(tmp_path: Path) -> None:
    """Each overrides the one before it, key by key; the rest are the model's defaults."""
    plugins, problems = read(
        tmp_path,
        "concurrency = 2\n[plugins.words]\nlongest = 30\nshare = 1\n",
        user='[plugins.words]\nlongest = 20\ncommand = "wc"\ncase = "lower"\n',
        PRESSROOM_PLUGINS_WORDS_SHARE="0.25",
    )
    assert problems == []
    assert plugins.context("words").settings(Words) == Words(
        longest=30, share=0.25, command="wc", case="lower"
    )


def test_without_any_the_defaults_hold(tmp_path: Path) -> None:
    """Nobody has to write a table."""
    plugins, problems = read(tmp_path, "")
    assert (plugins.context("words").settings(Words), problems) == (Words(), [])


ELSEWHERE = (
    "command may not be set by a workspace; write it into the pressroom.toml among your own "
    "settings, or into PRESSROOM_PLUGINS_WORDS_COMMAND"
)
BELONGS = (
    "api_key is no setting; keys belong in the environment or in the system keyring, "
    "never in a file"
)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("longest = 'x'", "longest is 'x'; write a whole number"),
        ("longest = 0", "longest is 0; write at least 1"),
        ("share = 1.5", "share is 1.5; write less than 1.5"),
        ('case = "upper"', "case is 'upper'; write one of 'any' or 'lower'"),
        ("longst = 3", "longst is no setting; write longest"),
        ("api_key = 3", BELONGS),
        ("labels = 3", "labels: Input should be a valid list"),
        ("labels = ['a', 3]", "labels.1 is 3; write a text in quotes"),
        ("labels = ['a', 'b', 'c']", "labels: Value error, too many labels"),
        ("command = 'rm'", ELSEWHERE),
    ],
)
def test_a_mistake_names_file_line_key_and_what_to_write(
    tmp_path: Path, line: str, problem: str
) -> None:
    """As one in our own settings does; reading them is refused with the same words."""
    plugins, problems = read(tmp_path, f"[plugins.words]\n{line}\n")
    assert problems == [f"pressroom.toml:2: plugins.words.{problem}"] == list(plugins.problems)
    with pytest.raises(ConfigError) as caught:
        plugins.context("words").settings(Words)
    assert [str(caught.value)] == problems


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    """One that nothing has filled in, too, and one that no plugin has."""
    _, problems = read(
        tmp_path,
        "[plugins.words]\nlongest = 3\n",
        PRESSROOM_PLUGINS_WORDS_LONGEST="x",
        PRESSROOM_PLUGINS_WORDS_LONGST="4",
    )
    assert problems == [
        "PRESSROOM_PLUGINS_WORDS_LONGEST is 'x'; write a whole number",
        (
            "PRESSROOM_PLUGINS_WORDS_LONGST is no variable of Pressroom's and changes nothing; "
            "did you mean PRESSROOM_PLUGINS_WORDS_LONGEST?"
        ),
    ]
    _, [literal] = read(tmp_path, "", PRESSROOM_PLUGINS_WORDS_CASE="${CASE}")
    assert literal.startswith("PRESSROOM_PLUGINS_WORDS_CASE holds ${CASE} as it stands")


@pytest.mark.parametrize("shape", ["plugins = 3", "[plugins]\nwords = 3", "plugins.words = [1]"])
def test_what_is_no_table_of_a_plugin_is_refused(tmp_path: Path, shape: str) -> None:
    """By then nobody knows whose it is."""
    with pytest.raises(
        SettingsProblems, match=r"pressroom.toml:1: plugins: write \[plugins.NAME\]"
    ):
        read(tmp_path, shape)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[plugins]\nwords = {longest = 0}", ""),
        ("[limits]\nlongest = 1\n[plugins.'words']\nlongest = 0", ":4"),
        ("[plugins.words]\ncase = 'any'\n[plugins.words.longest]\n", ":3"),
    ],
)
def test_the_line_is_found_in_every_spelling(tmp_path: Path, text: str, line: str) -> None:
    """Or left out: a wrong one would mislead."""
    _, [problem] = read(tmp_path, text)
    assert problem.startswith(f"pressroom.toml{line}: plugins.words.longest is ")


@pytest.mark.parametrize("line", ["longest = {}", "labels = [{}, 1]", "{} = 1", "case = {}"])
def test_what_looks_like_a_secret_is_not_repeated(tmp_path: Path, line: str) -> None:
    """Wherever somebody has put it."""
    _, problems = read(tmp_path, f"[plugins.words]\n{line.format(repr(SECRET))}\n")
    assert problems
    assert SECRET not in " ".join(problems)


def test_a_table_of_a_plugin_that_is_not_here_is_named(tmp_path: Path) -> None:
    """It may be a slip of the pen; the workspace is used all the same."""
    plugins, problems = read(tmp_path, "[plugins.wrods]\nlongest = 3\n")
    assert problems == [
        "pressroom.toml:2: plugins.wrods.longest changes nothing: plugins with settings are: words"
    ]
    assert plugins.context("words").settings(Words) == Words()


def test_a_setting_without_a_default_has_to_be_written() -> None:
    """The message names it."""
    plugins = plugins_of(Words, Needy)
    assert plugins.read_settings({}, {}) == [
        "pressroom.toml: plugins.needy.account is missing; write it"
    ]


def test_settings_are_registered_once_and_read_in_a_workspace() -> None:
    """Anything else is the plugin's mistake, and named."""
    plugins = plugins_of(Words)
    context = plugins.context("words")
    with pytest.raises(Unavailable, match="not while a plugin registers"):
        context.settings(Words)
    with pytest.raises(ConfigError, match="No plugin has registered Needy"):
        context.settings(Needy)
    with pytest.raises(ConfigError, match="has a model of its settings already"):
        context.register_settings(Needy)
    with pytest.raises(ConfigError, match="the model of another plugin"):
        plugins.context("other").register_settings(Words)


async def test_a_handler_reads_them_and_a_mistake_fails_its_job_alone(tmp_path: Path) -> None:
    """The reason says where; the site is drafted as ever, and status notes it."""
    plugins = plugins_of(Words)
    root = small_site(tmp_path / "site", {"menu": 1})
    with (root / "pressroom.toml").open("a") as file:
        file.write("[plugins.words]\nlongest = 30\n")
    ended = await told(root, plugins)
    assert (ended.status, ended.result) == (JobState.COMPLETED, {"longest": 30})
    with (root / "pressroom.toml").open("a") as file:
        file.write("longst = 30\n")
    failed = await told(root, plugins)
    assert failed.status is JobState.FAILED
    assert failed.error is not None
    assert "plugins.words.longst is no setting; write longest" in failed.error


async def test_a_tool_that_reads_them_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    """As one of ours is that cannot use ours; the others work."""

    async def ask(arguments: Nothing, context: PluginContext) -> str:
        return await context.enqueue_job(
            tell_longest, arguments, priority=context.settings(Words).longest
        )

    plugins = plugins_of(Words)
    plugins.context("words").register_tool("ask", Nothing, ask, title="Ask", description="Asks.")
    root = small_site(tmp_path / "site", {"menu": 1})
    with (root / "pressroom.toml").open("a") as file:
        file.write("[plugins.words]\nlongest = 0\n")
    async with working(root, plugins) as chat:
        refused = await chat.refused("ask")
        drafted = await chat.run("generate-all")
        notes = (await chat.call("status"))["notes"]
    assert "plugins.words.longest is 0; write at least 1" in refused
    assert drafted["status"] == "completed"
    assert notes == ["pressroom.toml:3: plugins.words.longest is 0; write at least 1"]


class Torn(BaseModel):
    """Fails while it is checked."""

    page: str = ""

    @field_validator("page", mode="before")
    @classmethod
    def _torn(cls, page: object) -> object:
        raise LookupError("/secret/path")


def test_a_model_that_fails_is_a_mistake_of_its_plugin_alone() -> None:
    """What it raised is in the log."""
    plugins = plugins_of(Words, Torn)
    tables = {"needy": PluginTable(values={"page": "a"})}
    assert plugins.read_settings(tables, {}) == [
        "pressroom.toml: plugins.needy: checking it failed with LookupError"
    ]
    assert plugins.context("words").settings(Words) == Words()


async def told(root: Path, plugins: Plugins) -> JobStatus:
    """Run the job that answers with a setting; return how it ended."""
    async with Application(root, default_mode="embedded", plugins=plugins).running() as running:
        await running.services()
        context = plugins.context("words", ADA)
        return await context.wait_for_job(await context.enqueue_job(tell_longest, Nothing()))
