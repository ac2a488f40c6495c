"""The server always starts: without a workspace, with a broken one. Each tool says how to mend it.

What was mended is taken up by the next call, without a restart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import (
    Desk,
    Era,
    desk,
    read_site,
    small_site,
    starter,
    trusted,
    write_settings,
    write_site,
)
from tests.wire import ERAS, alter, over_stdio, pipe, query

pytestmark = pytest.mark.anyio

CALLS: dict[str, dict[str, Any]] = {
    "generate-all": {},
    "generate": {"page": "menu"},
    "status": {},
    "review": {},
    "edit": {"section": "menu/hero", "text": "Soup."},
    "promote": {},
    "rollback": {},
    "unpublish": {"page": "menu"},
    "search": {"query": "menu"},
    "retry": {"batchId": "b_1"},
    "cancel": {"batchId": "b_1"},
}
"""One call of each tool."""

OF_THE_SITE = ("generate-all", "generate", "review", "edit", "promote", "rollback", "unpublish")
"""The tools that need `site.yaml`; the others look only at what was queued."""


async def all_refuse(chat: Desk, *words: str, tools: tuple[str, ...] = tuple(CALLS)) -> None:
    """Check that each tool says these words, and where nothing lies on this machine."""
    for tool in tools:
        said = await chat.refused(tool, **CALLS[tool])
        assert all(word in said for word in words), f"{tool}: {said}"
        assert str(chat.root) not in said
        assert "Traceback" not in said


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_workspace_each_tool_says_how_to_make_one(tmp_path: Path, era: Era) -> None:
    """The server was started in a folder that is none, and it becomes one."""
    root = tmp_path / "folder"
    root.mkdir()
    async with over_stdio(root, era=era, named=False) as chat:
        assert chat.client.server_info is not None
        assert chat.client.server_info.name == "pressroom"
        listed = {tool.name for tool in (await chat.client.list_tools()).tools}
        assert listed == set(CALLS)
        await all_refuse(chat, "There is no workspace", "pressroom init DIR", "--workspace")
        starter(root, worker_idle_s=0.5)
        assert (await chat.call("generate-all", dryRun=True))["totalSections"] == 21


async def test_a_named_folder_that_is_no_workspace_is_told_and_taken_up_later(
    tmp_path: Path,
) -> None:
    """The message says by which name it was given, not where it lies."""
    root = tmp_path / "folder"
    root.mkdir()
    async with over_stdio(root) as chat:
        await all_refuse(chat, "--workspace", "holds no pressroom.toml", "pressroom init DIR")
        starter(root, worker_idle_s=0.5)
        assert (await chat.call("status"))["operations"] == []


async def test_wrong_settings_are_told_line_by_line_and_taken_up_when_mended(
    tmp_path: Path,
) -> None:
    """All of them at once."""
    root = small_site(tmp_path / "site", {"menu": 2}, concurrency=0, modle="openai:x")
    async with over_stdio(root) as chat:
        await all_refuse(
            chat,
            "pressroom.toml:1: concurrency is 0; write at least 1",
            "pressroom.toml:2: modle is no setting; write model",
        )
        write_settings(root, worker_idle_s=0.5)
        assert (await chat.call("generate-all", waitSeconds=30))["status"] == "completed"


@pytest.mark.parametrize("era", ERAS)
async def test_a_broken_site_is_told_with_its_line_and_taken_up_when_mended(
    tmp_path: Path, era: Era
) -> None:
    """What needs no site goes on meanwhile; a template that is broken is told as well."""
    root = small_site(tmp_path / "site", {"menu": 3}, worker_idle_s=0.5)
    good = read_site(root)
    site_file = root / "pressroom" / "site.yaml"
    site_file.write_text("title: [\n")
    (root / "pressroom" / "templates" / "hero.yaml").write_text("prompt: 5\n")
    async with over_stdio(root, era=era) as chat:
        await all_refuse(chat, "pressroom/site.yaml:2: this is no YAML", tools=OF_THE_SITE)
        await all_refuse(chat, "pressroom/templates/hero.yaml:", tools=OF_THE_SITE)
        assert (await chat.call("status"))["operations"] == []
        site_file.unlink()
        await all_refuse(chat, "pressroom/site.yaml:1: the file is missing", tools=OF_THE_SITE)
        (root / "pressroom" / "templates" / "hero.yaml").unlink()
        write_site(root, good)
        drafted = await chat.call("generate-all", waitSeconds=30)
        assert drafted["message"].startswith("Queued generation of 3 sections. 3 of 3 drafted.")


async def test_the_last_good_site_goes_on_and_the_mistake_is_said(tmp_path: Path) -> None:
    """A typo while somebody edits stops nobody."""
    root = small_site(tmp_path / "site", {"menu": 3}, worker_idle_s=0.5)
    async with over_stdio(root) as chat:
        await chat.call("review")
        (root / "pressroom" / "site.yaml").write_text("title: [\n")
        planned = await chat.call("generate-all", dryRun=True)
        assert planned["totalSections"] == 3
        assert any("pressroom/site.yaml:2" in note for note in planned["notes"])
        reviewed = await chat.call("review")
        assert reviewed["counts"] == {"missing": 3}
        assert any("pressroom/site.yaml:2" in note for note in reviewed["notes"])


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_that_is_started_meanwhile_goes_on_with_the_last_good_site(
    tmp_path: Path, era: Era
) -> None:
    """Each chat starts one: a typo must not keep anybody from taking a promotion back."""
    root = small_site(tmp_path / "site", {"menu": 3}, worker_idle_s=0.5)
    async with over_stdio(root, era=era) as chat:
        await chat.run("generate-all")
        await chat.run("promote")
    (root / "pressroom" / "site.yaml").write_text("title: [\n")
    async with over_stdio(root, era=era) as chat:
        for tool, arguments in (
            ("review", {}),
            ("promote", {"dryRun": True}),
            ("generate-all", {"mode": "new", "dryRun": True}),
            ("rollback", {"dryRun": True}),
        ):
            answer = await chat.call(tool, **arguments)
            assert any("pressroom/site.yaml:2: this is no YAML" in n for n in answer["notes"])
        taken = await chat.run("rollback")
        assert taken["status"] == "completed", taken
        assert not (root / "content" / "menu.md").exists()


async def test_a_text_that_a_comment_cuts_short_is_said_once_with_its_line(tmp_path: Path) -> None:
    """In the first answer that reads the site as it is written now; doctor says it each time."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker_idle_s=0.5)
    site_file = root / "pressroom" / "site.yaml"
    site_file.write_text(
        site_file.read_text().replace("description: A site", "description: Site #1")
    )
    async with desk(root) as chat:
        for tool in ("review", "generate-all"):
            await chat.refused("review", page="nowhere")  # said in no answer, so it is still to say
            [note] = (await chat.call(tool))["notes"][:1]
            assert note.startswith("The site may not be meant as it is read: <text-"), note
            assert "pressroom/site.yaml:2: '#1' is taken for a comment, and 'Site' is all" in note
            assert "notes" not in await chat.call("review")
            site_file.write_text(site_file.read_text().replace("title: ", "title: My ", 1))


async def test_a_job_is_shown_whose_site_another_version_has_stored(tmp_path: Path) -> None:
    """Only the name of its template is not known then."""
    root = small_site(tmp_path / "site", {"menu": 1}, worker_idle_s=0.5)
    async with desk(root) as chat:
        await chat.run("generate-all")
        ((job_id,),) = query(root, "SELECT job_id FROM jobs")
        shown = await chat.call("status", jobId=job_id)
        assert "menu/s1 is completed" in shown["message"]
        alter(root, "UPDATE sites SET document = '{}'")
        assert (await chat.call("status", jobId=job_id))["message"] == shown["message"]


Damage = Callable[[Path], None]


def a_file_as_state_folder(root: Path) -> None:
    """Nothing can be written below a file, whoever one is."""
    (root / ".pressroom").write_text("no folder")


def a_folder_as_database(root: Path) -> None:
    """SQLite cannot open it."""
    trusted(root)
    (root / ".pressroom" / "pressroom.db").mkdir()


def no_database_at_all(root: Path) -> None:
    """Some other file of that name."""
    trusted(root)
    (root / ".pressroom" / "pressroom.db").write_text("These are my notes.\n" * 500)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (a_file_as_state_folder, ("cannot be written", ".pressroom", "PRESSROOM_STATE_DIR")),
        (a_folder_as_database, ("The database", "cannot be opened")),
        (no_database_at_all, ("The database", "is not a database")),
    ],
)
async def test_a_state_folder_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, damage: Damage, words: tuple[str, ...]
) -> None:
    """It names what is wrong; what is there is left as it is, and it is taken up when mended."""
    root = small_site(tmp_path / "site", {"menu": 2}, worker_idle_s=0.5)
    damage(root)
    state = root / ".pressroom"
    before = {p: p.read_bytes() for p in (state, *state.rglob("*")) if p.is_file()}
    async with over_stdio(root) as chat:
        await all_refuse(chat, *words)
        assert "\n" not in await chat.refused("status")
        assert {p: p.read_bytes() for p in before} == before
        state.rename(tmp_path / "kept")
        assert (await chat.call("generate-all", waitSeconds=30))["status"] == "completed"


async def test_a_database_of_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    """Whoever goes back to an older version is told so, and loses nothing."""
    root = small_site(tmp_path / "site", {"menu": 2}, worker_idle_s=0.2)
    async with over_stdio(root) as chat:
        await chat.call("generate-all", waitSeconds=30)
    ((known,),) = query(root, "PRAGMA user_version")
    alter(root, "PRAGMA user_version = 99")
    async with over_stdio(root) as chat:
        await all_refuse(chat, "written by a newer Pressroom (schema 99", "Upgrade Pressroom")
        assert query(root, "SELECT count(*) FROM revisions") == [(2,)]
        alter(root, f"PRAGMA user_version = {known}")
        assert (await chat.call("review"))["counts"] == {"draft": 2}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a running process has no new limits")
def test_a_disk_that_takes_no_more_is_one_clear_line_and_nothing_is_lost(tmp_path: Path) -> None:
    """Half a batch is none; with room again, the same call works in the same server."""
    import resource

    root = small_site(tmp_path / "site", {f"page{n}": 30 for n in range(1, 11)}, worker="embedded")
    with pipe(root, "legacy") as client:
        client.begin()
        client.call("generate", section="page1/s1", waitSeconds=30)
        room = resource.prlimit(client.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(client.process.pid, resource.RLIMIT_FSIZE, (16_384, room[1]))
        refusal = client.call("generate-all")
        assert refusal["isError"]
        (block,) = refusal["content"]
        assert "The database (pressroom.db) could not be read or written: the disk" in block["text"]
        assert str(tmp_path) not in block["text"]
        assert client.call("review")["structuredContent"]["counts"] == {"missing": 299, "draft": 1}
        resource.prlimit(client.process.pid, resource.RLIMIT_FSIZE, room)
        assert query(root, "SELECT count(*) FROM batches") == [(1,)]
        done = client.call("generate-all", waitSeconds=30)["structuredContent"]
        assert done["message"].startswith("Queued generation of 299 sections.")
        assert client.hang_up() == 0
    assert query(root, "PRAGMA integrity_check") == [("ok",)]
