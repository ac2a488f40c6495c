"""Settings and the workspace: what holds, where it is found, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from mcp_server.config import (
    Settings,
    SettingsProblems,
    Workspace,
    find_workspace,
    load_settings,
    open_workspace,
)
from mcp_server.errors import ConfigError, Unavailable


def workspace(folder: Path, settings: str = "") -> Path:
    """Make a workspace with these settings and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pressroom.toml").write_text(settings, encoding="utf-8")
    return folder


def problems_of(folder: Path, settings: str, **environ: str) -> list[str]:
    """Return what is wrong with these settings."""
    with pytest.raises(SettingsProblems) as caught:
        open_workspace(workspace(folder, settings), environ)
    assert isinstance(caught.value, ConfigError)
    return list(caught.value.problems)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    """No model is the composer."""
    nobodys = tmp_path / "none.toml"  # the user of the tests has settings
    settings = open_workspace(workspace(tmp_path), {}, user_file=nobodys).settings
    assert settings == Settings()
    assert (settings.model, settings.concurrency, settings.synchronous) == (None, 4, "FULL")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """An empty variable counts as not set: hosts pass those for what a user left empty."""
    environ = {
        "PRESSROOM_CONCURRENCY": "8",
        "PRESSROOM_MODEL": "anthropic:claude",
        "PRESSROOM_SEVERAL_WORKERS": "true",
        "PRESSROOM_WORKER": "",
        "PRESSROOM_TOKEN": "no setting, but somebody else's variable",
    }
    root = workspace(tmp_path, 'concurrency = 2\nworker = "embedded"\n')
    settings = load_settings(root, environ).settings
    assert (settings.concurrency, settings.model) == (8, "anthropic:claude")
    assert (settings.several_workers, settings.worker) == (True, "embedded")


def test_settings_by_themselves_do_not_read_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What holds is what was handed in."""
    monkeypatch.setenv("PRESSROOM_CONCURRENCY", "8")
    assert Settings().concurrency == 4


def test_settings_cannot_be_changed() -> None:
    """They are shared."""
    with pytest.raises(ValidationError):
        Settings().concurrency = 5  # pyright: ignore[reportAttributeAccessIssue] - is the test


@pytest.mark.parametrize("model", ["composer", "", "  "])
def test_the_composer_is_no_model(model: str) -> None:
    """By its name or by nothing."""
    assert Settings(model=model).model is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("concurency = 4", "pressroom.toml:1: concurency is no setting; write concurrency"),
        ("concurrency = 65", "pressroom.toml:1: concurrency is 65; write at most 64"),
        ("concurrency = 0", "pressroom.toml:1: concurrency is 0; write at least 1"),
        ('concurrency = "x"', "pressroom.toml:1: concurrency is 'x'; write a whole number"),
        ("time_limit_s = 0", "pressroom.toml:1: time_limit_s is 0; write more than 0"),
        ('grace_s = "x"', "pressroom.toml:1: grace_s is 'x'; write a number"),
        ("grace_s = nan", "pressroom.toml:1: grace_s is nan; write at most 3,600"),
        ("several_workers = 3", "pressroom.toml:1: several_workers is 3; write true or false"),
        (
            'worker = "on"',
            "pressroom.toml:1: worker is 'on'; write one of 'auto', 'embedded' or 'detached'",
        ),
        ("model = 3", "pressroom.toml:1: model is 3; write a text in quotes"),
        (
            'model_url = "localhost"',
            "pressroom.toml:1: model_url is no address; write one such as http://127.0.0.1:11434/v1",
        ),
        (
            'model = "gpt"',
            (
                "pressroom.toml: model 'gpt' names no provider; write "
                '"anthropic:NAME" or "openai:NAME", or set model_url'
            ),
        ),
        (
            'model_url = "http://127.0.0.1:1/v1"',
            "pressroom.toml: model_url needs a model; write the model's name on that server too",
        ),
        (
            'database = "postgresql://me@db.example/sites"',
            (
                "pressroom.toml: database needs a workspace_id (or PRESSROOM_WORKSPACE_ID); write "
                "the site's name in small letters, the same on every machine"
            ),
        ),
        (
            'embedder = "lokal"',
            (
                'pressroom.toml:1: embedder is no embedder; write one of "auto", "local", "words", '
                '"off", or a provider\'s model, such as "openai:text-embedding-3-small"'
            ),
        ),
        (
            'embedder = "server:nomic"',
            (
                "pressroom.toml: embedder 'server:nomic' needs model_url; write the server's "
                "address too"
            ),
        ),
        (
            "heartbeat_s = 15",
            (
                "pressroom.toml: heartbeat_s (15) must be less than half of lease_s (30); "
                "write heartbeat_s = 10"
            ),
        ),
    ],
)
def test_a_mistake_names_file_line_key_and_what_to_write(
    tmp_path: Path, line: str, problem: str
) -> None:
    """So that it can be mended without reading anything else."""
    assert problems_of(tmp_path, line) == [problem]


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """Those of the environment by their variable."""
    found = problems_of(
        tmp_path, "concurrency = 99\nmodle = 1\n[extra]\na = 1\n", PRESSROOM_MAX_RETRIES="x"
    )
    assert [problem.split(" is ")[0] for problem in found] == [
        "pressroom.toml:1: concurrency",
        "PRESSROOM_MAX_RETRIES",
        "pressroom.toml:2: modle",
        "pressroom.toml:3: extra",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a = = b", "pressroom.toml: this is no TOML"),
        (b"# x\nmodel = '\xff'", "pressroom.toml:2: this is no UTF-8 text"),
        (b"a = " + b"[" * 5000, "pressroom.toml: this is no TOML"),
        (b"#" * 300_000, "pressroom.toml: more than 262144 bytes"),
    ],
)
def test_a_file_that_is_no_settings_file_is_one_clear_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    """No traceback of a parser."""
    (tmp_path / "pressroom.toml").write_bytes(content)
    with pytest.raises(SettingsProblems, match=problem):
        open_workspace(tmp_path, {})


def test_the_parts_of_a_workspace_lie_in_its_folder(tmp_path: Path) -> None:
    """All paths are absolute."""
    found = open_workspace(workspace(tmp_path), {})
    assert found.site_file == tmp_path / "pressroom" / "site.yaml"
    assert found.templates_dir == tmp_path / "pressroom" / "templates"
    assert found.content_dir == tmp_path / "content"
    assert found.database == tmp_path / ".pressroom" / "pressroom.db"
    assert found.worker_lock == tmp_path / ".pressroom" / "worker.lock"
    assert found.worker_log == tmp_path / ".pressroom" / "worker.log"


def test_the_state_may_lie_elsewhere(tmp_path: Path) -> None:
    """For a workspace on a network or synchronised folder."""
    environ = {"PRESSROOM_STATE_DIR": str(tmp_path / "state")}
    found = open_workspace(workspace(tmp_path / "site"), environ)
    assert found.database == tmp_path / "state" / "pressroom.db"


@pytest.mark.parametrize("content", ["../out", "link", "pressroom/content", ".pressroom"])
def test_the_content_folder_must_not_lead_astray(tmp_path: Path, content: str) -> None:
    """Out of the workspace by `..` or a link, or into what holds other things."""
    root = workspace(tmp_path / "site")
    (root / "link").symlink_to(tmp_path, target_is_directory=True)
    found = problems_of(root, f"content_dir = '{content}'")
    assert len(found) == 1
    assert f"content_dir '{content}'" in found[0]


@pytest.mark.parametrize("content", [".", "pressroom/.."])
def test_the_content_folder_may_be_the_workspace_itself(tmp_path: Path, content: str) -> None:
    """As a site of Jekyll has it; it is said in one way or another."""
    root = workspace(tmp_path / "site")
    for written in (content, str(root / content)):
        workspace(root, f"content_dir = '{written}'")
        assert open_workspace(root, {}).content_dir == root


def test_a_content_folder_that_leads_back_to_the_workspace_is_refused(tmp_path: Path) -> None:
    """Each page would be there again, and again below that; and an empty text is no folder."""
    root = workspace(tmp_path / "site")
    (root / "here").symlink_to(root, target_is_directory=True)
    [problem] = problems_of(root, "content_dir = 'here'")
    assert "is a link to the workspace itself" in problem
    [problem] = problems_of(root, "content_dir = ''")
    assert "is empty" in problem


def test_the_content_folder_may_be_any_absolute_one(tmp_path: Path) -> None:
    """Such as the one of a site generator."""
    root = workspace(tmp_path / "site", f"content_dir = '{tmp_path / 'hugo'}'")
    assert open_workspace(root, {}).content_dir == tmp_path / "hugo"


def test_the_nearest_workspace_upward_is_found(tmp_path: Path) -> None:
    """From a folder inside of it."""
    outer, inner = workspace(tmp_path / "a"), workspace(tmp_path / "a" / "b")
    below = inner / "c" / "d"
    below.mkdir(parents=True)
    assert find_workspace(None, {}, below).root == inner
    assert find_workspace(None, {}, outer).root == outer


def test_what_is_named_wins(tmp_path: Path) -> None:
    """The argument over the variable, the variable over the current folder."""
    one, two, here = (workspace(tmp_path / name) for name in ("one", "two", "here"))
    environ = {"PRESSROOM_WORKSPACE": str(two)}
    assert find_workspace(Path("one"), environ, tmp_path).root == one
    assert find_workspace(None, environ, here).root == two
    assert find_workspace(None, {"PRESSROOM_WORKSPACE": ""}, here).root == here


def test_the_current_folder_is_never_taken_for_lack_of_a_workspace(tmp_path: Path) -> None:
    """It says how to make one instead."""
    with pytest.raises(Unavailable, match="pressroom init DIR"):
        find_workspace(None, {}, tmp_path)


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_named_folder_without_settings_is_no_workspace(tmp_path: Path, name: str) -> None:
    """A name that leads nowhere does not fall back to another workspace."""
    here = workspace(tmp_path / "here")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unavailable, match="pressroom init DIR"):
        find_workspace(tmp_path / name, {}, here)
    with pytest.raises(Unavailable, match="PRESSROOM_WORKSPACE"):
        find_workspace(None, {"PRESSROOM_WORKSPACE": str(tmp_path / name)}, here)


def test_a_workspace_is_a_value(tmp_path: Path) -> None:
    """Equal when its parts are."""
    root = workspace(tmp_path)
    assert isinstance(open_workspace(root, {}), Workspace)
    assert open_workspace(root, {}) == open_workspace(root, {})


@pytest.mark.parametrize(
    "text", ["[limits]\na-kind = 2\nb = 3\n", "limits = {a-kind = 2, b = 3}\n"]
)
def test_limits_are_a_table_of_kinds(tmp_path: Path, text: str) -> None:
    """Whether a kind is known is not known here: plugins bring some."""
    assert open_workspace(workspace(tmp_path, text), {}).settings.limits == {"a-kind": 2, "b": 3}


def test_limits_in_the_environment_are_pairs(tmp_path: Path) -> None:
    """They replace the table as a whole, as other settings are replaced."""
    folder = workspace(tmp_path, "[limits]\nother = 9\n")
    environ = {"PRESSROOM_LIMITS": "a-kind=2, b = 3"}
    assert open_workspace(folder, environ).settings.limits == {"a-kind": 2, "b": 3}


@pytest.mark.parametrize(
    ("text", "environ", "problem"),
    [
        ("[limits]\na = 0\n", {}, "pressroom.toml:1: limits.a is 0; write at least 1"),
        ("limits = 3\n", {}, "limits is 3; write [limits] and below it lines such as"),
        ("", {"PRESSROOM_LIMITS": "a"}, "PRESSROOM_LIMITS.a is ''; write a whole number"),
        ("", {"PRESSROOM_LIMITS": "a=many"}, "PRESSROOM_LIMITS.a is 'many'; write a whole number"),
    ],
)
def test_a_limit_that_is_none_is_named(
    tmp_path: Path, text: str, environ: dict[str, str], problem: str
) -> None:
    """With what to write instead."""
    [found] = problems_of(tmp_path, text, **environ)
    assert problem in found


@pytest.mark.parametrize(
    "more",
    ["", "/", "/chat/completions", "/chat/completions/", "/completions", "/responses", "/models"],
)
def test_a_whole_endpoint_as_model_url_is_cut_to_where_the_api_begins(
    tmp_path: Path, more: str
) -> None:
    """It is what examples of curl show; the paths of requests are put after it."""
    for begin in ("http://127.0.0.1:11434/v1", "https://completions/v1", "https://models.example"):
        (tmp_path / "pressroom.toml").write_text(f'model = "m"\nmodel_url = "{begin}{more}"\n')
        assert load_settings(tmp_path, {}).settings.model_url == begin


def budget_of(folder: Path, own: str, users: str = "", **environ: str) -> dict[str, float]:
    """Return what of `[budget]` holds: by the workspace's file, its user's, and the environment."""
    file = folder / "user.toml"
    file.write_text(users, encoding="utf-8")
    settings = load_settings(workspace(folder, own), environ, file).settings
    return settings.budget.model_dump(exclude_defaults=True)


def test_a_workspaces_file_only_lowers_what_its_user_allows(tmp_path: Path) -> None:
    """A stranger may have written it, and a price of nothing would make any budget last."""
    own = "[budget]\nbatch_usd = 9\nday_usd = 1\ninput_usd = 0\noutput_usd = 0\n"
    users = "[budget]\nbatch_usd = 2\nday_usd = 5\n"
    assert budget_of(tmp_path, own, users) == {"batch_usd": 2, "day_usd": 1}
    assert budget_of(tmp_path, own, "[budget]\nbatch_usd = 2\n") == {"batch_usd": 2, "day_usd": 1}
    free = {"batch_usd": 9, "day_usd": 1, "input_usd": 0, "output_usd": 0}
    assert budget_of(tmp_path, own) == free


def test_what_the_environment_says_of_the_budget_wins_name_by_name(tmp_path: Path) -> None:
    """What it does not name stays."""
    own, users = "[budget]\nbatch_usd = 9\n", "[budget]\nday_usd = 5\n"
    found = budget_of(tmp_path, own, users, PRESSROOM_BUDGET="day_usd=50, answer_tokens=900")
    assert found == {"batch_usd": 9, "day_usd": 50, "answer_tokens": 900}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[budget]\nbatch = 2", "budget.batch is no setting"),
        ("budget = 2", "write a table: [budget], and below it lines such as batch_usd = 2"),
        ("[budget]\nday_usd = -1", "budget.day_usd is -1; write at least 0"),
        ("[budget]\nday_usd = inf", "budget.day_usd is inf; write a number"),
        ("[budget]\ninput_usd = 1", "input_usd and output_usd are set together"),
    ],
)
def test_a_mistake_in_the_budget_is_named(tmp_path: Path, written: str, said: str) -> None:
    """With its line, and what to write."""
    [problem] = problems_of(tmp_path, written)
    assert problem.startswith("pressroom.toml:1: budget") and said in problem
