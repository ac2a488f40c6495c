"""What a workspace that somebody else made cannot do: run code, lead outside, spend, get a key."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.config import open_workspace
from mcp_server.interfaces.cli.connect import server_command
from mcp_server.trust import StateFolder
from tests.faults.processes import end_workers
from tests.harness import content, desk, small_site, trusted
from tests.promises.moves import QUICK, gate, says, settings
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import Pipe, command, environment, over_stdio, pipe, query, serving

pytestmark = pytest.mark.anyio

KEY = "sk-users-own-key-0123456789"
FAR = {"model": "x", "model_url": "https://model.example/v1"}
SHADOWS = ("mcp", "handlers", "mcp_server", "yaml", "json", "secrets", "typing_extensions")
EARLIER = Path(__file__).parent / "databases" / "schema-3.sql"
"""A workspace's database as the version before state folders had marks left it."""

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes as POSIX has them")


def trust(root: Path, answers: str) -> str:
    """Run `pressroom trust`, give these answers, and return what it said."""
    done = subprocess.run(
        command("trust", "--workspace", str(root)),
        input=answers,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    return done.stdout + done.stderr


def state(root: Path) -> Path:
    """Make the state folder, as the first call does, and return it."""
    found = StateFolder(open_workspace(root, {}))
    found.prepare()
    return found.path


# Code


@pytest.mark.parametrize("place", [".", ".pressroom"])
def test_modules_of_a_workspace_are_not_run(tmp_path: Path, place: str) -> None:
    """Not by the server as clients are told to start it, wherever it is started, nor its worker."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker_idle_s=3)
    state(root)
    (root / "content").mkdir()
    for folder in (".", ".pressroom", "content", "pressroom"):
        for name in SHADOWS:
            shadow = root / folder / f"{name}.py"
            shadow.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    line = server_command(root)
    ends = subprocess.PIPE
    with (
        (tmp_path / "stderr").open("w") as log,
        subprocess.Popen(
            line,
            cwd=root / place,
            env=environment(),
            stdin=ends,
            stdout=ends,
            stderr=log,
            text=True,
        ) as process,
    ):
        chat = Pipe(process, "auto")
        chat.begin()
        answer = chat.call("generate-all", waitSeconds=40)
        chat.hang_up()
    assert "1 of 1 drafted" in answer["structuredContent"]["message"]
    assert not (tmp_path / "ran").exists()
    end_workers(root)


# Links, pipes


@posix
def test_links_in_the_state_folder_lead_nowhere(tmp_path: Path) -> None:
    """Those that came with the workspace, and those that a checkout puts there later."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker_idle_s=1)
    victims = tmp_path / "victims"
    victims.mkdir()
    names = (
        "worker.log",
        "worker.lock",
        "stopped",
        "export-locks/menu.lock",
        "pressroom.db-journal",
    )
    for early in (True, False):
        folder = root / ".pressroom" if early else state(root)
        (folder / "export-locks").mkdir(parents=True, exist_ok=True)
        for name in names:
            victim = victims / name.replace("/", "-")
            victim.write_text("precious\n" * 3)
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(victim)
        with pipe(root, "auto") as chat:
            chat.begin()
            for tool in ("generate-all", "promote", "status"):
                chat.call(tool, waitSeconds=2)
        subprocess.run(command("stop", "--workspace", str(root)), env=environment(), check=False)
        end_workers(root)
        assert {path.read_text() for path in victims.iterdir()} == {"precious\n" * 3}


@posix
def test_a_database_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    """It says so; nothing is made at the link's end."""
    root = small_site(tmp_path / "site", {"menu": 1})
    (state(root) / "pressroom.db").symlink_to(tmp_path / "new.db")
    with pipe(root, "auto") as chat:
        chat.begin()
        said = chat.call("status")["content"][0]["text"]
    assert "pressroom.db is a symbolic link" in said
    assert not (tmp_path / "new.db").exists()


@posix
async def test_a_content_folder_that_becomes_a_link_leads_no_page_outside(tmp_path: Path) -> None:
    """A checkout of another branch may do that while the server runs."""
    root = small_site(tmp_path / "site", {"menu": 1}, **QUICK)
    outside = tmp_path / "outside"
    outside.mkdir()
    async with desk(root) as chat:
        await chat.run("generate-all")
        (root / "content").symlink_to(outside, target_is_directory=True)
        planned = await chat.call("promote", dryRun=True)
        assert "leads out of the workspace" in json.dumps(planned)
        await chat.call("promote", waitSeconds=2)
        assert not list(outside.iterdir())
        (root / "content").unlink()
        await chat.run("promote")
    assert list(content(root)) == ["menu.md"]


@posix
@pytest.mark.parametrize("name", ["templates/x.yaml", "templates/note.yaml", "site.yaml"])
async def test_a_linked_file_of_the_site_is_refused_and_not_quoted(
    tmp_path: Path, name: str
) -> None:
    """Its target is somebody's secret."""
    root = small_site(tmp_path / "site", {"menu": 1})
    (tmp_path / "secret").write_text("AKIAPLANTEDSECRET: [\n")
    (root / "pressroom" / name).unlink(missing_ok=True)
    (root / "pressroom" / name).symlink_to(tmp_path / "secret")
    async with desk(root) as chat:
        said = await chat.refused("review")
    assert "symbolic link" in said and "PLANTED" not in said


@posix
async def test_a_pipe_among_the_templates_holds_nothing_up(tmp_path: Path) -> None:
    """The mistake is named, and the last good site goes on."""
    root = small_site(tmp_path / "site", {"menu": 1})
    async with desk(root) as chat:
        await chat.call("review")
        os.mkfifo(root / "pressroom" / "templates" / "pipe.yaml")
        answer = await chat.call("review")
    assert "not a regular file" in json.dumps(answer)


@posix
def test_settings_that_are_a_link_are_not_read(tmp_path: Path) -> None:
    """Nor is a folder of templates somewhere else."""
    root = small_site(tmp_path / "site", {"menu": 1})
    (root / "pressroom.toml").unlink()
    (root / "pressroom.toml").symlink_to("/etc/hostname")
    with pipe(root, "auto") as chat:
        chat.begin()
        assert "symbolic link" in chat.call("status")["content"][0]["text"]


# State


async def test_work_that_came_with_a_clone_is_not_taken_up(tmp_path: Path, llmock: LLMock) -> None:
    """A copy of a workspace with half a batch in it: nobody is asked anything."""
    with gate(llmock) as door:
        root = small_site(tmp_path / "site", {"menu": 2}, **settings(door.url, worker_idle_s=60))
        with pipe(root, "auto") as chat:
            chat.begin()
            chat.call("generate-all")
            await door.reached()
            end_workers(root)
        shutil.copytree(root, tmp_path / "clone")
        assert query(root, "SELECT count(*) FROM jobs WHERE state != 'completed'") == [(2,)]
        asked = len(door.keys)
        async with desk(tmp_path / "clone") as chat:
            answer = await chat.call("status", waitSeconds=2)
            assert not answer["operations"]
            assert answer["message"].startswith(".pressroom was not made here by this user")
            assert len(door.keys) == asked


def earlier(root: Path) -> None:
    """Put the database of an earlier Pressroom into the workspace, as that left it."""
    (root / ".pressroom").mkdir()
    with closing(sqlite3.connect(root / ".pressroom" / "pressroom.db")) as database:
        database.executescript(EARLIER.read_text("utf-8"))


def test_the_state_of_an_earlier_version_is_set_aside_and_taken_back_by_a_word(
    tmp_path: Path,
) -> None:
    """Each tool says so first, errors included; afterwards all of it is there again."""
    root = small_site(tmp_path / "site", {"menu": 2, "about": 1}, worker_idle_s=1)
    earlier(root)
    with pipe(root, "auto") as chat:
        chat.begin()
        for tool, arguments in (
            ("status", {}),
            ("review", {}),
            ("retry", {"batchId": "b_none"}),
            ("generate-all", {"dryRun": True}),
            ("no-such-tool", {}),
        ):
            text = chat.call(tool, **arguments)["content"][0]["text"]
            assert "`pressroom trust`" in text[:400]
        assert "set aside as .pressroom-set-aside-1" in text
        said = trust(root, "y\n")
        assert ".pressroom-set-aside-1 is in use again" in said
        first = chat.call("status")
        if first.get("isError"):  # nobody had looked since: this look finds another file
            assert "call again" in first["content"][0]["text"]
            first = chat.call("status")
        assert not first.get("isError"), first["content"][0]["text"]
        overview = first["structuredContent"]
        assert [each["type"] for each in overview["operations"]] == [
            "Content promotion",
            "Content generation",
        ]
        assert not overview["message"].startswith(".pressroom was")
        assert chat.call("review")["structuredContent"]["counts"] == {"live": 2, "draft": 1}
    assert "There is nothing to trust" in trust(root, "")
    end_workers(root)


def test_a_no_leaves_it_aside_and_ends_the_notice(tmp_path: Path) -> None:
    """Nothing is deleted."""
    root = small_site(tmp_path / "site", {"menu": 1})
    earlier(root)
    assert "stays where it is" in trust(root, "n\n")
    with pipe(root, "auto") as chat:
        chat.begin()
        assert "set aside" not in chat.call("status")["content"][0]["text"]
    assert (root / ".pressroom-set-aside-1" / "pressroom.db").exists()


def test_a_database_put_into_our_folder_is_not_used_before_a_word(tmp_path: Path) -> None:
    """A checkout can do that: git writes over ignored files."""
    root = small_site(tmp_path / "site", {"menu": 1})
    folder = state(root)
    with closing(sqlite3.connect(folder / "pressroom.db")) as database:
        database.executescript(EARLIER.read_text("utf-8"))
    with pipe(root, "auto") as chat:
        chat.begin()
        said = chat.call("status")["content"][0]["text"]
        assert "was not made in this state folder" in said and "pressroom trust" in said
        assert "is used from now on" in trust(root, "y\n")
        assert chat.call("status")["structuredContent"]["operations"]


@pytest.mark.parametrize("mark", [None, "1" * 32])
def test_a_database_and_a_mark_put_in_place_while_we_run_are_not_taken_up(
    tmp_path: Path, mark: str | None
) -> None:
    """A checkout can do that, too: what was opened is opened again only as ours."""
    root = small_site(tmp_path / "site", {"menu": 2}, worker="embedded")
    with pipe(root, "auto") as chat:
        chat.begin()
        chat.call("review")
        folder = root / ".pressroom"
        for end in ("", "-wal", "-shm"):
            (folder / f"pressroom.db{end}").unlink(missing_ok=True)
        with closing(sqlite3.connect(folder / "pressroom.db")) as database:
            database.executescript(EARLIER.read_text("utf-8"))
            database.execute("CREATE TABLE identity (mark TEXT NOT NULL)")
            database.execute("INSERT INTO identity VALUES (?)", (mark or "1" * 32,))
            database.execute("PRAGMA user_version = 4")
            database.commit()
        (folder / "mark").unlink()
        if mark is not None:
            (folder / "mark").write_text(mark)
        for _ in range(3):
            said = chat.call("status", waitSeconds=1)
            assert said["isError"], said
    end_workers(root)


def test_what_is_planted_in_a_schema_is_an_error(tmp_path: Path) -> None:
    """A trigger would run with every change; the doctor names it, the chat is not told its name."""
    root = small_site(tmp_path / "site", {"menu": 1})
    folder = state(root)
    with pipe(root, "auto") as chat:
        chat.begin()
        chat.call("status")
    with closing(sqlite3.connect(folder / "pressroom.db")) as database:
        database.execute(
            "CREATE TRIGGER planted AFTER INSERT ON jobs BEGIN DELETE FROM revisions; END"
        )
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_schema SET name = 'sqlite_x', sql = replace(sql, 'planted', 'sqlite_x') "
            "WHERE name = 'planted'"
        )
        database.commit()
    with pipe(root, "auto") as chat:
        chat.begin()
        said = chat.call("status")["content"][0]["text"]
    assert "holds what Pressroom did not put there (1: trigger)" in said
    assert "sqlite_x" not in said
    done = subprocess.run(
        command("doctor", "--workspace", str(root)),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "trigger sqlite_x" in done.stdout


# Keys and money


async def test_a_model_that_the_workspace_names_is_not_asked_before_a_word(tmp_path: Path) -> None:
    """Nor does the composer write in its place; what sends nothing works."""
    root = small_site(tmp_path / "site", {"menu": 1}, **QUICK, **FAR)
    async with desk(root) as chat:
        for tool in ("generate-all", "generate"):
            arguments = {"page": "menu"} if tool == "generate" else {}
            said = await chat.refused(tool, **arguments)
            assert "`pressroom trust`" in said and "Nothing was queued" in said
            assert "model.example" not in said
        assert (await chat.call("generate-all", dryRun=True))["status"] == "planned"
        assert (await chat.call("review"))["counts"] == {"missing": 1}
        assert "model.example:443" in trust(root, "y\n")
        assert "batchId" in await chat.call("generate-all")


async def test_a_server_on_this_machine_gets_the_texts_and_no_key_before_a_word(
    tmp_path: Path, llmock: LLMock
) -> None:
    """After it, the key goes along."""
    says(llmock, "Bread.", times=None)
    with gate(llmock) as door:
        door.open()
        root = small_site(tmp_path / "site", {"menu": 1}, **settings(door.url, worker_idle_s=1))
        async with over_stdio(
            root,
            PRESSROOM_MODEL_KEY=KEY,
            OPENAI_ORG_ID="org-1",
            OPENAI_CUSTOM_HEADERS="X-Secret: 42",
        ) as chat:
            await chat.run("generate-all")
            assert not door.headers & {"openai-organization", "x-secret"}
            assert door.keys and not any(KEY in key for key in door.keys)
            assert "may do that from now on" in trust(root, "y\n")
            await chat.run("generate-all", mode="new")
            assert door.keys[-1] == f"Bearer {KEY}"
        end_workers(root)


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
async def test_nothing_but_a_yes_is_a_yes(tmp_path: Path, answer: str) -> None:
    """Nor is a terminal that was closed."""
    root = small_site(tmp_path / "site", {"menu": 1}, **QUICK, **FAR)
    trust(root, answer)
    async with desk(root) as chat:
        assert "pressroom trust" in await chat.refused("generate-all")


async def test_a_batch_goes_on_only_with_a_model_that_may_be_asked_now(tmp_path: Path) -> None:
    """It was queued for one that the environment named, and that names none any more."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker_idle_s=60)
    far = {f"PRESSROOM_{name.upper()}": value for name, value in FAR.items()}
    with pipe(root, "auto", **far) as chat:
        chat.begin()
        batch = chat.call("generate-all")["structuredContent"]["batchId"]
        end_workers(root)
    async with desk(root) as chat:
        answer = await chat.call("status", batchId=batch, waitSeconds=45)
    assert answer["operations"][0]["status"] == "paused"
    assert "Nothing was sent" in json.dumps(answer) and "pressroom trust" in json.dumps(answer)


async def test_pages_outside_are_neither_read_nor_written_before_a_word(tmp_path: Path) -> None:
    """Nothing is drafted either: what is live there is not known (P6)."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "menu.md").write_text("<!-- section: menu/s1 -->\n\nSecret of somebody.\n")
    root = small_site(tmp_path / "site", {"menu": 1}, **QUICK, content_dir=str(outside))
    async with desk(root) as chat:
        assert "Secret" not in json.dumps(await chat.call("review", page="menu"))
        answer = await chat.call("generate-all")
        assert "pressroom trust" in json.dumps(answer) and answer["queuedSections"] == 0
        assert [path.name for path in outside.iterdir()] == ["menu.md"]
        assert "outside the workspace" in trust(root, "y\n")
        (outside / "menu.md").unlink()
        await chat.run("generate-all")
        await chat.run("promote")
    assert "Menu 1" in (outside / "menu.md").read_text()


# Mistakes of whoever starts it


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PRESSROOM_WORKSPACE", "${HOME}/site"),
        ("PRESSROOM_STATE_DIR", "${STATE}"),
        ("PRESSROOM_CONTENT_DIR", "$CONTENT"),
        ("PRESSROOM_MODEL_URL", "%URL%"),
    ],
)
def test_a_variable_left_literal_is_named(tmp_path: Path, variable: str, value: str) -> None:
    """Some clients fill them in, others hand them over as they stand."""
    root = small_site(tmp_path / "site", {"menu": 1})
    where = {} if variable == "PRESSROOM_WORKSPACE" else {"PRESSROOM_WORKSPACE": str(root)}
    done = subprocess.run(
        command("status"),
        env=environment(**where, **{variable: value}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert variable in done.stderr and "as it stands" in done.stderr


async def test_a_key_left_literal_is_sent_to_nobody(tmp_path: Path, llmock: LLMock) -> None:
    """The batch pauses and says which variable it is; nothing is lost."""
    says(llmock, "Bread.")
    root = small_site(
        tmp_path / "site", {"menu": 1}, **settings(llmock.base_url("openai"), worker_idle_s=1)
    )
    for word in (False, True):
        if word:
            trusted(root)
        async with over_stdio(root, PRESSROOM_MODEL_KEY="${MY_KEY}") as chat:
            answer = await chat.call("generate-all", waitSeconds=30)
        assert "PRESSROOM_MODEL_KEY holds ${MY_KEY}" in json.dumps(answer)
        end_workers(root)
    assert not llmock.requests


def test_a_variable_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    """A slip of the pen would change nothing, and nobody would know."""
    root = small_site(tmp_path / "site", {"menu": 1})
    with serving(root, PRESSROOM_CONCURENCY="8"):
        log = tmp_path / "site.http.stderr"
        wait_until(lambda: "PRESSROOM_CONCURRENCY" in log.read_text())
