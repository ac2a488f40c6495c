"""The folder of the page files, on a real disk: how they are looked at, locked and written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from mcp_server.content.pages.disk import PAGE_BYTES_MAX, ExportFailed, PageHeld
from mcp_server.content.pages.layout import Blocked, Layout, Part
from mcp_server.content.pages.look import Looked
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.sight import OLD_S, SETTLED_S, Ask, Sight
from mcp_server.content.pages.write import Writing, plan_write, to_write
from mcp_server.entities.entity import text_hash
from mcp_server.entities.page_files import KnownFile
from tests.waiting import PATIENCE_S

MENU = Layout(page="menu", file="menu.md", parts=(Part(section="body"),))
ABOUT = Layout(page="about", file="about.md", parts=(Part(section="body"),))
NESTED = Layout(page="posts/2024/hello", file="posts/2024/hello.md", parts=(Part(section="body"),))
LATER = 1e12
"""A moment at which every file is old."""


class Times:
    """The two clocks of a test: how late it is, and how long it has been."""

    def __init__(self) -> None:
        self.late, self.since = LATER, 0.0

    def wall(self) -> float:
        """Return how late it is."""
        return self.late

    def monotonic(self) -> float:
        """Return how long it has been."""
        return self.since


def files_in(root: Path, times: Times | None = None, *, at: Path | None = None) -> PageFiles:
    """Return the page files of a workspace, as another process has them for itself."""
    times = times or Times()
    return PageFiles(
        root,
        at or root / "content",
        root / "export-locks",
        monotonic=times.monotonic,
        wall=times.wall,
    )


def put(root: Path, file: str, data: bytes | str) -> Path:
    """Write a file as a person does."""
    path = root / "content" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def sight(files: PageFiles, layout: Layout = MENU, known: KnownFile | None = None) -> Sight:
    """Look at a page's file as a call does."""
    return files.look([Ask(layout=layout, known=known)])[layout.page]


def seen(
    files: PageFiles,
    layout: Layout = MENU,
    known: KnownFile | None = None,
    live: Mapping[str, str | None] | None = None,
) -> Looked:
    """Look at a page's whole file, as an export does."""
    hashes = {s: None if text is None else text_hash(text) for s, text in (live or {}).items()}
    ask = Ask(layout=layout, known=known, live=hashes, whole=True)
    looked = files.look([ask])[layout.page].looked
    assert looked is not None
    return looked


def why_blocked(files: PageFiles, layout: Layout = MENU) -> str:
    """Return why a page's file cannot be worked on."""
    blocked = seen(files, layout).blocked
    assert blocked is not None
    return blocked.reason


def planned(looked: Looked, body: str | None) -> Writing:
    """Return the write that makes this the body."""
    live = {"body": body}
    writing = plan_write(looked, to_write(looked, live), earlier=None)
    assert writing is not None and not isinstance(writing, Blocked)
    return writing


def write(files: PageFiles, body: str | None, layout: Layout = MENU) -> KnownFile:
    """Make this the body of the page's file, as an export does."""
    first = seen(files, layout, live={"body": "Whatever."})
    looked = seen(files, layout, first.known, {"body": body})
    return files.write(layout, planned(looked, body))


def names_in(folder: Path) -> list[str]:
    """Return what lies in a folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


# Looking


def test_a_file_is_read_once_and_then_only_where_its_state_has_changed(tmp_path: Path) -> None:
    """P2: in a folder below, too; what is the same costs a stat."""
    path = put(tmp_path, NESTED.file, "Hello.\n")
    files = files_in(tmp_path)
    met = sight(files, NESTED)
    assert met.looked is not None and met.looked.ground["body"].text == "Hello."
    known = met.looked.known
    assert sight(files, NESTED, known).looked is None
    path.write_text("Hello there.\n")
    taken = sight(files, NESTED, known).looked
    assert taken is not None and taken.taken["body"].text == "Hello there."


def test_a_file_that_changed_within_a_tick_of_the_clock_is_read_again(tmp_path: Path) -> None:
    """P2: two writes may leave one state; so that of a file of just now is not remembered."""
    path, times = put(tmp_path, "menu.md", "One.\n"), Times()
    files = files_in(tmp_path, times)
    times.late = path.stat().st_ctime + SETTLED_S / 2
    known = seen(files).known
    assert known.stat is None
    times.late = path.stat().st_ctime + 2 * SETTLED_S
    assert seen(files).known.stat is not None


@pytest.mark.parametrize("data", [b"One.\r\n\r\nTwo.\r\n", b"\xef\xbb\xbfOne.\n\nTwo.\n"])
def test_line_ends_and_a_byte_order_mark_are_no_text_and_stay(data: bytes, tmp_path: Path) -> None:
    """P7: what is read has neither, what is written keeps both."""
    path, files = put(tmp_path, "menu.md", data), files_in(tmp_path)
    assert seen(files).ground["body"].text == "One.\n\nTwo."
    write(files, "One.\n\nThree.")
    assert path.read_bytes() == data.replace(b"Two", b"Three")


def test_a_folder_that_is_not_there_has_no_files_and_removes_none(tmp_path: Path) -> None:
    """P5: the file is missing, as after an unmount; a page that never had one is only new."""
    put(tmp_path, NESTED.file, "Hello.\n")
    files = files_in(tmp_path)
    known = seen(files, NESTED).known
    (tmp_path / "content").rename(tmp_path / "elsewhere")
    away = seen(files, NESTED, known, {"body": "Hello."})
    assert (away.missing, away.known.gone, away.blocked) == (True, {"body"}, None)
    assert not seen(files, ABOUT).missing


def test_a_link_is_not_followed_and_where_it_leads_is_not_told(tmp_path: Path) -> None:
    """P6: a file of a clone could otherwise be anything on this machine, and be shown to a chat."""
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "menu.md").symlink_to(tmp_path / "secret.md")
    why = why_blocked(files_in(tmp_path))
    assert "link" in why
    assert str(tmp_path) not in why


def test_a_linked_folder_below_the_content_folder_is_not_followed(tmp_path: Path) -> None:
    """P6: nor does a page's file come to lie behind it."""
    (tmp_path / "elsewhere" / "2024").mkdir(parents=True)
    (tmp_path / "elsewhere" / "2024" / "hello.md").write_text("Hello.\n")
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "posts").symlink_to(tmp_path / "elsewhere")
    assert why_blocked(files_in(tmp_path), NESTED)


def test_the_content_folder_may_be_a_link_to_another_place_in_the_workspace(
    tmp_path: Path,
) -> None:
    """Somebody may point `content` at the folder of their site's generator."""
    (tmp_path / "hugo").mkdir()
    (tmp_path / "content").symlink_to(tmp_path / "hugo")
    write(files_in(tmp_path), "Soup.")
    assert (tmp_path / "hugo" / "menu.md").read_text() == "Soup.\n"


def test_a_content_folder_that_leads_outside_is_not_used(tmp_path: Path) -> None:
    """Neither by a link, nor by its path before the user has permitted it."""
    root, outside = tmp_path / "site", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "menu.md").write_text("Soup.\n")
    (root / "content").symlink_to(outside)
    assert "leads out of the workspace" in why_blocked(files_in(root))
    stranger = PageFiles(root, outside, root / "locks", trusted=lambda: False, wall=Times().wall)
    assert "pressroom trust" in why_blocked(stranger)
    assert stranger.listed().missing is not None
    assert seen(files_in(root, at=outside)).ground["body"].text == "Soup."


def test_what_cannot_be_a_page_is_not_read(tmp_path: Path) -> None:
    """P6: a folder of that name, a huge file, a folder's name that is a file's."""
    (tmp_path / "content" / "menu.md").mkdir(parents=True)
    assert "not a regular file" in why_blocked(files_in(tmp_path))
    with put(tmp_path, "about.md", "").open("wb") as file:
        file.truncate(PAGE_BYTES_MAX + 1)
    assert "larger than 4 MiB" in why_blocked(files_in(tmp_path), ABOUT)
    put(tmp_path, "posts", "a file")
    assert "belongs to a file" in why_blocked(files_in(tmp_path), NESTED)


@pytest.mark.skipif(os.name != "posix", reason="permission bits are a matter of POSIX")
@pytest.mark.skipif(os.name == "posix" and os.getuid() == 0, reason="everything can be read")
def test_a_file_that_may_not_be_read_is_blocked_with_the_reason(tmp_path: Path) -> None:
    """P6: the other pages go on."""
    put(tmp_path, "menu.md", "Soup.\n").chmod(0)
    put(tmp_path, "about.md", "Us.\n")
    files = files_in(tmp_path)
    assert "permission is denied" in why_blocked(files)
    assert seen(files, ABOUT).blocked is None


# Being saved


def test_new_bytes_count_when_two_equal_looks_lie_two_seconds_apart(tmp_path: Path) -> None:
    """P3: by a clock that nobody sets; each change in between begins the wait anew."""
    path, times = put(tmp_path, "menu.md", "Half a sen"), Times()
    files = files_in(tmp_path, times)
    times.late = path.stat().st_ctime + 2 * SETTLED_S
    assert sight(files).settles_in_s == SETTLED_S
    times.since += SETTLED_S / 2
    assert sight(files).settles_in_s == SETTLED_S / 2
    path.write_text("Half a sentence.\n")
    times.since += SETTLED_S / 2
    assert sight(files).settles_in_s == SETTLED_S
    times.since += SETTLED_S
    assert sight(files).settles_in_s == 0


def test_an_old_file_is_not_being_saved(tmp_path: Path) -> None:
    """P3: or the first look at a big site would have to wait for it."""
    path, times = put(tmp_path, "menu.md", "Soup.\n"), Times()
    times.late = path.stat().st_ctime + 2 * OLD_S
    assert sight(files_in(tmp_path, times)).settles_in_s == 0


def test_our_own_last_write_is_known_whatever_its_age(tmp_path: Path) -> None:
    """P3: a promote right after another one waits for nobody, done or not yet recorded."""
    times = Times()
    files = files_in(tmp_path, times)
    writing = planned(seen(files), "Soup.")
    after = files.write(MENU, writing)
    times.late = (tmp_path / "content" / "menu.md").stat().st_ctime
    for known in (after, writing.known):
        found = sight(files, known=known)
        assert found.settles_in_s == 0
        assert found.looked is not None and not found.looked.taken
    assert sight(files).settles_in_s == SETTLED_S


# Writing


def test_a_page_is_written_byte_for_byte_and_nothing_else_is_left(tmp_path: Path) -> None:
    """P7: its folders are made, and no temporary file remains."""
    files = files_in(tmp_path)
    write(files, "Caffè.", NESTED)
    path = tmp_path / "content" / NESTED.file
    path.write_bytes("---\nlayout:  wide # stays\n---\r\n\n\nCaffè.   \n\n\n".encode())
    write(files, "Tè.", NESTED)
    expected = "---\nlayout:  wide # stays\n---\r\n\n\nTè."
    assert path.read_bytes().decode().startswith(expected)
    assert names_in(path.parent) == ["hello.md"]


@pytest.mark.skipif(os.name != "posix", reason="permission bits are a matter of POSIX")
def test_a_page_can_be_read_by_a_web_server_and_keeps_its_permissions(tmp_path: Path) -> None:
    """A new file follows the umask; a later export does not change what somebody set."""
    path, files = tmp_path / "content" / "menu.md", files_in(tmp_path)
    plain = tmp_path / "plain"
    plain.touch()
    write(files, "One.")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    write(files, "Two.")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("then", ["Whole.", None])
def test_what_a_killed_writer_left_behind_goes_with_the_next_export(
    tmp_path: Path, then: str | None
) -> None:
    """The temporary file of the page, whatever is in it, and that of no other."""
    path, files = tmp_path / "content" / "menu.md", files_in(tmp_path)
    known = files.write(MENU, planned(seen(files), "As it was."))
    left, other = put(tmp_path, ".menu.md.tmp", "half of"), put(tmp_path, ".team.md.tmp", "half of")
    files.write(MENU, planned(seen(files, known=known, live={"body": then}), then))
    assert (left.exists(), other.exists()) == (False, True)
    assert path.exists() is (then is not None)


@pytest.mark.anyio
async def test_what_a_killed_writer_left_behind_goes_though_nothing_is_to_be_written(
    tmp_path: Path,
) -> None:
    """Somebody has edited the file since: the next who has the page to himself clears up."""
    files = files_in(tmp_path)
    left, other = put(tmp_path, ".menu.md.tmp", "half of"), put(tmp_path, ".team.md.tmp", "half of")
    async with files.locked(MENU):
        assert (left.exists(), other.exists()) == (False, True)


@pytest.mark.skipif(os.name != "posix", reason="links need no rights on POSIX")
def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    """Whoever publishes a site to be cloned cannot have another file overwritten by it."""
    path, outside = tmp_path / "content" / "menu.md", tmp_path / "precious"
    path.parent.mkdir()
    outside.write_text("kept")
    (path.parent / ".menu.md.tmp").symlink_to(outside)
    write(files_in(tmp_path), "Whole.")
    assert (path.read_text(), outside.read_text()) == ("Whole.\n", "kept")
    assert not path.is_symlink()


@pytest.mark.parametrize("then", ["Text.", None])
def test_what_was_saved_since_the_last_look_is_neither_replaced_nor_removed(
    tmp_path: Path, then: str | None
) -> None:
    """P3: the export fails, to look once more; and nothing of it is left."""
    files, path = files_in(tmp_path), tmp_path / "content" / "menu.md"
    known = files.write(MENU, planned(seen(files), "As it was."))
    writing = planned(seen(files, known=known, live={"body": then}), then)
    path.write_text("Saved meanwhile")
    action = "removed" if then is None else "written"
    with pytest.raises(ExportFailed, match=f"cannot be {action}: it was changed a moment ago"):
        files.write(MENU, writing)
    assert path.read_text() == "Saved meanwhile"
    assert names_in(path.parent) == ["menu.md"]


def test_what_came_since_the_last_look_is_not_replaced(tmp_path: Path) -> None:
    """P3: a page that is new here may have been written by somebody at the same moment."""
    files = files_in(tmp_path)
    writing = planned(seen(files), "Text.")
    path = put(tmp_path, "menu.md", "Theirs.")
    with pytest.raises(ExportFailed, match="it was changed a moment ago"):
        files.write(MENU, writing)
    assert path.read_text() == "Theirs."


def test_what_was_removed_since_the_last_look_is_not_written(tmp_path: Path) -> None:
    """P5: nothing missing comes back unless somebody names it; removing it again is harmless."""
    files, path = files_in(tmp_path), tmp_path / "content" / "menu.md"
    known = files.write(MENU, planned(seen(files), "As it was."))
    change = planned(seen(files, known=known, live={"body": "Text."}), "Text.")
    removal = planned(seen(files, known=known, live={"body": None}), None)
    path.unlink()
    with pytest.raises(ExportFailed, match="cannot be written: it was removed a moment ago"):
        files.write(MENU, change)
    files.write(MENU, removal)
    path.parent.rmdir()
    files.write(MENU, removal)
    assert not path.parent.exists()


def test_a_page_that_cannot_be_cleared_up_after_is_not_removed(tmp_path: Path) -> None:
    """What says that it failed has changed nothing."""
    files, path = files_in(tmp_path), tmp_path / "content" / "menu.md"
    known = files.write(MENU, planned(seen(files), "Text."))
    (path.parent / ".menu.md.tmp").mkdir()
    removal = planned(seen(files, known=known, live={"body": None}), None)
    with pytest.raises(ExportFailed, match="a folder of that name is in the way"):
        files.write(MENU, removal)
    assert path.read_text() == "Text.\n"


def test_a_failed_write_says_why_and_not_where_this_machine_keeps_it(tmp_path: Path) -> None:
    """A folder in the way, and one whose name is a file's: one clear line each."""
    files, path = files_in(tmp_path), tmp_path / "content" / "menu.md"
    writing = planned(seen(files), "Text.")
    path.mkdir(parents=True)
    (path / "kept").touch()
    with pytest.raises(ExportFailed) as caught:
        files.write(MENU, writing)
    assert str(caught.value).startswith("content/menu.md cannot be written: ")
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.page == "menu"
    assert names_in(path.parent) == ["menu.md"]
    (path / "kept").unlink()
    path.rmdir()
    path.parent.rmdir()
    path.parent.touch()
    with pytest.raises(ExportFailed, match="belongs to a file"):
        files.write(MENU, writing)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from mcp_server.content.pages.disk import ExportFailed
from tests.unit.content.test_page_files import files_in, write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write(files_in(Path(sys.argv[1])), "x" * 100_000)
except ExportFailed as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a matter of POSIX")
def test_a_write_that_stops_half_way_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """A real process whose disk space runs out during the write: the old text stays."""
    path = put(tmp_path, "menu.md", "Old.\n")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert "refused:" in done.stderr
    assert path.read_text(encoding="utf-8") == "Old.\n"
    assert names_in(path.parent) == ["menu.md"]


# One at a time


@pytest.mark.anyio
async def test_a_page_is_exported_by_one_at_a_time(tmp_path: Path) -> None:
    """Whoever waits in vain is told why; another page is nobody else's."""
    async with files_in(tmp_path).locked(MENU):
        async with files_in(tmp_path).locked(ABOUT, within_s=0):
            pass
        with pytest.raises(PageHeld) as failed:
            async with files_in(tmp_path).locked(MENU, within_s=0):
                raise AssertionError("two at once")
    async with files_in(tmp_path).locked(MENU, within_s=0):
        pass
    assert str(failed.value) == (
        f"content/menu.md cannot be exported: process {os.getpid()} is in the middle of it and "
        "does not go on; let it go on, or end it"
    )


@pytest.mark.anyio
async def test_pages_in_folders_have_locks_of_their_own(tmp_path: Path) -> None:
    """A page of the same name in another folder is another page."""
    other = Layout(page="hello", file="hello.md")
    async with files_in(tmp_path).locked(NESTED):
        async with files_in(tmp_path).locked(other, within_s=0):
            pass
        with pytest.raises(PageHeld, match=r"content/posts/2024/hello\.md"):
            async with files_in(tmp_path).locked(NESTED, within_s=0):
                raise AssertionError("two at once")


@pytest.mark.anyio
async def test_who_waits_for_a_page_gets_it_when_it_is_free(tmp_path: Path) -> None:
    """In the order of the locks, not of time: nothing of the second is done before the first."""
    done: list[str] = []

    async def second() -> None:
        async with files_in(tmp_path).locked(MENU):
            done.append("second")

    async with anyio.create_task_group() as group, files_in(tmp_path).locked(MENU):
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        done.append("first")
    assert done == ["first", "second"]


@pytest.mark.anyio
async def test_who_gives_up_waiting_leaves_the_page_to_others(tmp_path: Path) -> None:
    """A wait that is cancelled holds nothing."""

    async def waits() -> None:
        async with files_in(tmp_path).locked(MENU):
            raise AssertionError("two at once")

    async with files_in(tmp_path).locked(MENU), anyio.create_task_group() as group:
        group.start_soon(waits)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    async with files_in(tmp_path).locked(MENU, within_s=0):
        pass


@pytest.mark.anyio
async def test_a_lock_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """The export is tried again, as with a file that cannot be written."""
    (tmp_path / "export-locks").write_text("no folder")
    with pytest.raises(ExportFailed, match=r"export-locks/menu\.lock cannot be taken: its folder"):
        async with files_in(tmp_path).locked(MENU):
            raise AssertionError("not alone")


@pytest.mark.anyio
async def test_an_export_waits_while_git_changes_files(tmp_path: Path) -> None:
    """As in a checkout or a rebase; once the index is free it goes on."""
    lock = tmp_path / ".git" / "index.lock"
    lock.parent.mkdir()
    (tmp_path / "content").mkdir()
    lock.touch()
    files, done = files_in(tmp_path), anyio.Event()

    async def waits() -> None:
        await files.git_is_done()
        assert not lock.exists()
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(waits)
        lock.unlink()
        with anyio.fail_after(PATIENCE_S):
            await done.wait()
