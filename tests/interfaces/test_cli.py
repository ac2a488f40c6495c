"""The command line as its user has it: a process, its output and its exit code."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.content.actions.payloads import export_of
from mcp_server.errors import ConfigError
from mcp_server.interfaces.cli import Runners, run_cli
from mcp_server.interfaces.cli.connect import claude_code_line, desktop_config
from mcp_server.interfaces.cli.conversation import CallFailed, conversation
from mcp_server.jobs.job import Origin
from tests.harness import desk, small_site, trusted
from tests.promises.moves import held, parts_of, settings
from tests.waiting import PATIENCE_S

HEAVY = ("mcp", "pydantic_ai", "rich", "keyring")
"""What must not be paid for by whoever only asks a question."""

VERBS = (
    "generate",
    "generate-all",
    "review",
    "promote",
    "rollback",
    "unpublish",
    "retry",
    "cancel",
)
COMMANDS = (
    *(
        "serve",
        "init",
        *VERBS,
        "status",
        "wait",
        "job",
        "worker",
        "stop",
        "check",
        "doctor",
        "demo",
        "database",
    ),
)


def pressroom(
    *arguments: str | Path, cwd: Path | None = None, encoding: str = "utf-8", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with no settings but those that are given."""
    inherited = {key: value for key, value in os.environ.items() if "PRESSROOM" not in key}
    return subprocess.run(
        [sys.executable, "-m", "mcp_server", *map(str, arguments)],
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        encoding=encoding,
        timeout=PATIENCE_S,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.glob("**/*")
        if path.is_file()
    }


def assert_one_line(done: subprocess.CompletedProcess[str]) -> None:
    """Check that trouble was told in one line on stderr, with exit code 2."""
    assert done.stdout == ""
    assert done.stderr.startswith("pressroom: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


def test_help_names_every_command() -> None:
    """And the first line says what this is for."""
    done = pressroom("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Its help ends well and is not empty."""
    done = pressroom(command, "--help")
    assert done.returncode == 0
    assert "--help" in done.stdout


def test_version_is_that_of_the_distribution() -> None:
    """One line, as bug reports quote it."""
    done = pressroom("--version")
    assert (done.returncode, done.stdout) == (0, f"pressroom {version('pressroom')}\n")


def test_asking_for_help_imports_nothing_heavy() -> None:
    """The command line and the worker never pay for the protocol's library."""
    script = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print([m for m in {HEAVY!r} if m in sys.modules]))\n"
        "sys.argv = ['pressroom', '--help']\n"
        "from mcp_server.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_options_of_http_are_refused_without_it() -> None:
    """A port that would be ignored in silence is a port that somebody waits on."""
    done = pressroom("serve", "--port", "9000")
    assert done.returncode == 2
    assert "only with --http" in done.stderr


def test_init_makes_a_workspace_and_a_second_one_is_refused(tmp_path: Path) -> None:
    """The starter site is there, and what was changed in it since stays."""
    folder = tmp_path / "site"
    first = pressroom("init", folder)
    assert first.returncode == 0, first.stderr
    assert (folder / "pressroom.toml").is_file()
    assert f"--workspace {folder}" in first.stdout
    (folder / "pressroom" / "site.yaml").write_text("title: Mine\n", encoding="utf-8")
    before = contents(folder)
    assert_one_line(pressroom("init", folder))
    assert contents(folder) == before


@pytest.mark.parametrize("command", ["status", "stop", "worker"])
def test_without_a_workspace_one_line_says_so(command: str, tmp_path: Path) -> None:
    """Neither the present folder nor any other is taken in its place."""
    assert_one_line(pressroom(command, cwd=tmp_path))
    assert_one_line(pressroom(command, "--workspace", tmp_path / "nowhere"))
    assert contents(tmp_path) == {}


def test_status_of_a_new_workspace_says_that_nothing_runs(tmp_path: Path) -> None:
    """And leaves the site as it is."""
    pressroom("init", tmp_path)
    done = pressroom("status", "--workspace", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No background operations running." in done.stdout


def test_init_without_a_name_makes_nothing(tmp_path: Path) -> None:
    """An empty variable of a script is not the folder that it runs in."""
    done = pressroom("init", "", cwd=tmp_path)
    assert done.returncode == 2
    assert "name a folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_status_of_an_unknown_batch_is_one_line(tmp_path: Path) -> None:
    """It names the id that does not exist."""
    pressroom("init", tmp_path)
    done = pressroom("status", "--workspace", tmp_path, "--batch", "batch_x")
    assert_one_line(done)
    assert "batch_x" in done.stderr


@pytest.mark.anyio
async def test_wait_ends_with_the_batch_and_says_what_became_of_it(tmp_path: Path) -> None:
    """By its exit code too: a script goes on only where all of it is done."""
    root = small_site(tmp_path / "site", {"menu": 3})
    where = ("--workspace", root)
    async with desk(root) as chat:
        batch_id = (await chat.call("generate-all"))["batchId"]
        waited = partial(pressroom, "wait", batch_id, *where)
        done = await anyio.to_thread.run_sync(waited)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Content generation {batch_id} is completed: 3/3 · done.\n"
    idle = pressroom("wait", *where)
    assert (idle.returncode, idle.stdout) == (0, "Nothing waits, and nothing runs.\n")
    same = pressroom("wait", *where, "--batch", batch_id)
    assert (same.returncode, same.stdout) == (0, done.stdout)
    assert_one_line(pressroom("wait", "b_none", *where))
    assert "name one, not two" in pressroom("wait", "b_1", "--batch", "b_2", *where).stderr


@pytest.mark.anyio
async def test_wait_comes_back_at_once_from_what_is_paused(tmp_path: Path, llmock: LLMock) -> None:
    """With 1, why, and what goes on with it: nothing of it happens by itself."""
    root = small_site(tmp_path / "site", {"menu": 2}, **settings(llmock.base_url("openai")))
    trusted(root)
    llmock.fail(401, times=None)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        await hand.work(1)
    named = pressroom("wait", batch, "--workspace", root, "--timeout", "600")
    whole = pressroom("wait", "--workspace", root, "--timeout", "600")
    assert (named.returncode, named.stdout) == (whole.returncode, whole.stdout) == (1, "")
    says = f"Content generation {batch} is paused: 0/2 · paused: The key was refused (HTTP 401)"
    goes_on = f"retry the batch. `pressroom retry {batch}` goes on with it, "
    assert named.stderr.startswith(says)
    assert goes_on in named.stderr
    assert whole.stderr == f"Nothing runs. {named.stderr}"


@pytest.mark.anyio
async def test_wait_that_runs_out_names_what_is_outstanding(tmp_path: Path) -> None:
    """On stderr, with why nothing happens, where nothing does."""
    root = small_site(tmp_path / "site", {"menu": 2})
    async with parts_of(root) as parts:
        job = export_of("menu/s1").job._replace(delay_s=3600)
        await parts.jobs.queue.enqueue(job, origin=Origin("local", "test"))
    out = pressroom("wait", "--workspace", root, "--timeout", "0.05")
    assert (out.returncode, out.stdout) == (1, "")
    assert out.stderr.startswith("Waiting for idle timed out after 50ms; outstanding: menu (sched")
    assert "No worker is running" in out.stderr


@pytest.mark.anyio
async def test_what_a_client_with_a_token_has_queued_is_seen_and_waited_for(tmp_path: Path) -> None:
    """Who can read the database is the user of all of it; a script waits for all."""
    root = small_site(tmp_path / "site", {"menu": 2})
    where = ("--workspace", root)
    async with held(root) as hand, desk(root, owner="token-1234") as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        assert batch in pressroom("status", *where).stdout
        out = pressroom("wait", *where, "--timeout", "0.05")
        assert out.returncode == 1
        assert f"outstanding: batch {batch} (pending)" in out.stderr
        await hand.finish()
    done = pressroom("wait", batch, *where)
    assert (done.returncode, done.stderr) == (0, "")
    one = pressroom("status", batch, *where)
    assert "    menu/s1  completed   j_" in one.stdout
    assert f"Next: pressroom promote --batch-id {batch} --dry-run" in one.stdout
    job = next(word for word in one.stdout.split() if word.startswith("j_"))
    assert f"`pressroom job {job}`" in pressroom("status", job, *where).stdout
    assert pressroom("job", job, *where).returncode == 0


@pytest.mark.anyio
async def test_what_a_streams_encoding_lacks_is_a_question_mark(tmp_path: Path) -> None:
    """Where output goes into a pipe on Windows, that is cp1252; no command dies of a letter."""
    root = small_site(tmp_path / "site", {"menu": 1})
    said = "Короче, with 🍕"
    async with desk(root) as chat:
        batch = (await chat.run("generate-all", mode="new", instructions=said))["batchId"]
        whole = await chat.call("status", batchId=batch, detail="full")
    narrow = partial(pressroom, encoding="cp1252", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    shown = narrow("job", whole["sections"][0]["jobId"], "-w", root)
    assert shown.returncode == 0, shown.stderr
    assert '"instructions": "??????, with ?"' in shown.stdout
    (root / "pressroom" / "site.yaml").write_text("title: Короче: 🍕\n", encoding="utf-8")
    assert "Traceback" not in narrow("doctor", "-w", root).stderr
    made = narrow("init", tmp_path / "Меню")
    assert made.returncode == 0, made.stderr
    wrong = narrow("status", "-w", tmp_path / "Карта")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("pressroom: ")


def test_stop_without_a_worker_says_so(tmp_path: Path) -> None:
    """That is no trouble: what was wanted is the case."""
    pressroom("init", tmp_path)
    done = pressroom("stop", "--workspace", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "worker" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "token"),
    [
        (("--host", "0.0.0.0"), None),
        (("--host", "0.0.0.0"), "a-token-of-some-length"),
        (("--host", "0.0.0.0", "--allowed-host", "example.org"), None),
    ],
)
def test_an_open_address_without_token_and_hosts_is_refused(
    arguments: tuple[str, ...], token: str | None, tmp_path: Path
) -> None:
    """Whoever can reach the port could publish: it does not start."""
    pressroom("init", tmp_path)
    where = ("--workspace", tmp_path)
    done = pressroom("serve", "--http", *where, *arguments, PRESSROOM_TOKEN=token or "")
    assert_one_line(done)


@pytest.mark.parametrize(
    "trouble",
    [
        ConfigError("the setting is wrong"),
        ExceptionGroup("tasks", [ExceptionGroup("inner", [ConfigError("the setting is wrong")])]),
    ],
)
def test_expected_trouble_is_one_line_and_exit_code_2(
    trouble: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a task group wrapped it."""
    with pytest.raises(SystemExit) as left:
        run_cli(runners(trouble), ["status"])
    said = capsys.readouterr()
    assert left.value.code == 2
    assert said.err == "pressroom: the setting is wrong\n"
    assert said.out == ""


def test_our_own_mistakes_are_not_hidden() -> None:
    """A traceback is what a bug report needs."""
    with pytest.raises(ExceptionGroup) as caught:
        run_cli(runners(ExceptionGroup("tasks", [ConfigError("x"), ValueError("y")])), ["status"])
    assert caught.value.subgroup(ValueError) is not None


def runners(trouble: Exception) -> Runners:
    """Return runners for a command line whose `status` fails."""

    def status(
        workspace: Path | None, operation_id: str | None, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        raise trouble

    def unused(*arguments: object, **options: object) -> Any:
        raise AssertionError((arguments, options))

    return Runners(
        serve_stdio=unused,
        serve_http=unused,
        run_worker=unused,
        stop_worker=unused,
        call=unused,
        ids=unused,
        status=status,
        follow=unused,
        wait=unused,
        job=unused,
        check=unused,
        doctor=unused,
        trust=unused,
        move_database=unused,
    )


@pytest.mark.anyio
async def test_a_server_that_does_not_start_is_one_clear_line() -> None:
    """With the last that it said, and not a traceback of the client's."""
    command = [sys.executable, "-c", "import sys; sys.exit('the disk is on fire')"]
    with anyio.fail_after(PATIENCE_S), pytest.raises(CallFailed) as caught:
        async with conversation(command, {}):
            pass
    assert str(caught.value).endswith("It said: the disk is on fire")


def test_clients_are_given_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They start the server from any folder, without the user's PATH."""
    monkeypatch.chdir(tmp_path)
    server = json.loads(desktop_config(Path("my site")))["mcpServers"]["pressroom"]
    assert Path(server["command"]).is_absolute()
    assert server["args"][-2:] == ["--workspace", str(tmp_path.resolve() / "my site")]
    line = shlex.split(claude_code_line(Path("my site")))
    assert line == ["claude", "mcp", "add", "pressroom", "--", server["command"], *server["args"]]
