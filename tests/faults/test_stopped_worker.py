"""The worker is stopped: kindly, by hand, by the operating system, or because nothing is left."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mcp_server.entities.page_files import bytes_hash
from tests.faults.invariants import assert_each_section_once, assert_sound
from tests.faults.processes import (
    Moment,
    announced,
    children,
    completed,
    end_workers,
    has_ended,
    hasten,
    hasty_site,
    kill,
    looked,
    pressroom,
    processing,
    queued,
    reach,
    state,
    stop,
    taken_up,
    wait_ended,
    workers,
    working,
)
from tests.harness import content
from tests.locking import is_locked
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import Pipe, alter, command, environment, pipe, query


def test_a_worker_that_is_told_to_end_finishes_what_it_runs(tmp_path: Path) -> None:
    """SIGTERM: what runs has its grace, what waits stays in the queue, nothing is lost."""
    root = hasty_site(tmp_path / "site", 1, 8, composer_delay_s=3)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        worker = working(root)
        wait_until(lambda: taken_up(root) == 4)
        kill(chat.process.pid)
    kill(worker, signal.SIGTERM)
    wait_until(lambda: workers(root) == [])
    assert jobs(root) == [("completed", 1, 0)] * 4 + [("pending", 0, 0)] * 4
    hasten(root)
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, batch)
    assert assert_each_section_once(root, batch, 8).crashes == 0
    end_workers(root)


def test_what_has_no_grace_is_given_back_at_no_cost(tmp_path: Path) -> None:
    """Neither a try nor a crash is counted, and nothing of it is written."""
    root = hasty_site(tmp_path / "site", 1, 6, composer_delay_s=5, grace_s=0)
    with pipe(root, "auto") as chat:
        chat.begin()
        queued(chat)
        worker = working(root)
        wait_until(lambda: taken_up(root) == 4)
        kill(chat.process.pid)
    kill(worker, signal.SIGTERM)
    wait_until(lambda: workers(root) == [])
    assert jobs(root) == [("pending", 0, 0)] * 6
    assert announced(root) == []
    assert_sound(root)


def test_a_second_signal_ends_a_worker_at_once(tmp_path: Path) -> None:
    """Whatever the grace, as for somebody at a terminal: what runs is given back at no cost."""
    root = hasty_site(tmp_path / "site", 1, 6, composer_delay_s=60, grace_s=600)
    with pipe(root, "auto") as chat, by_hand(root) as worker:
        chat.begin()
        queued(chat)
        wait_until(lambda: taken_up(root) == 4)
        kill(chat.process.pid)
        kill(worker.pid, signal.SIGINT)
        wait_until(lambda: "finishing what runs" in (tmp_path / "by-hand.log").read_text("utf-8"))
        kill(worker.pid, signal.SIGINT)
        assert worker.wait(PATIENCE_S) == 0
    assert jobs(root) == [("pending", 0, 0)] * 6
    assert_sound(root)


def test_a_worker_stopped_by_hand_stays_ended_until_work_is_queued(tmp_path: Path) -> None:
    """Servers old and new leave it be; the next call that queues work starts one for all of it."""
    root = hasty_site(tmp_path / "site", 2, 40, composer_delay_s=2)
    with pipe(root, "auto") as chat:
        chat.begin()
        first = queued(chat, "generate", page="p1")
        working(root)
        reach(root, first, Moment(2, 0))
        hasten(root)
        assert stop(root) == (
            "The worker has stopped. What is queued waits for a retry, or for more work.\n"
        )
        wait_until(lambda: workers(root) == [])
        before = jobs(root)
        assert {crashes for _, _, crashes in before} == {0}
        assert "pending" in {name for name, _, _ in before}
        with pipe(root, "auto") as another:
            another.begin()
            wait_until(looked(root, 2.2))
        assert (workers(root), jobs(root)) == ([], before)
        second = queued(chat, "generate", page="p2")
        wait_ended(root, first, second)
    for batch in (first, second):
        assert_each_section_once(root, batch, 40)
    end_workers(root)


def test_a_worker_that_was_starting_while_it_was_stopped_leaves(tmp_path: Path) -> None:
    """A server had just started it: it sees the mark, touches nothing and ends."""
    root = hasty_site(tmp_path / "site", 1, 4, composer_delay_s=60)
    with pipe(root, "auto") as chat:
        chat.begin()
        stop(root)
        batch = queued(chat)
        worker = working(root)
        kill(chat.process.pid)
    kill(worker)
    stop(root)
    pressroom("worker", "--detached", "--workspace", str(root))
    assert not has_ended(root, batch)
    hasten(root)
    with by_hand(root):  # somebody wants it now
        wait_ended(root, batch)
    assert_sound(root)


def test_a_stop_that_was_cut_off_holds_no_later_work_up(tmp_path: Path) -> None:
    """`pressroom stop` is killed while the worker uses its grace: the next call starts one."""
    root = hasty_site(tmp_path / "site", 2, 2, composer_delay_s=2, grace_s=3)
    with pipe(root, "auto") as chat:
        chat.begin()
        first = queued(chat, "generate", page="p1")
        working(root)
        wait_until(lambda: processing(root) == 2)
        with subprocess.Popen(command("stop", "--workspace", str(root))) as stopping:
            wait_until((root / ".pressroom" / "stopped").exists)
            stopping.kill()
        wait_ended(root, first)
        second = queued(chat, "generate", page="p2")
        wait_ended(root, second)
    assert_each_section_once(root, second, 2)
    end_workers(root)


def test_stop_signals_no_process_that_is_not_the_worker(tmp_path: Path) -> None:
    """A dead worker's number may be somebody else's by now."""
    root = hasty_site(tmp_path / "site", 1, 4, composer_delay_s=60)
    with pipe(root, "auto") as chat, subprocess.Popen(["sleep", "600"]) as bystander:
        chat.begin()
        queued(chat)
        dead = working(root)
        hasten(root)
        kill(dead)
        wait_until(lambda: dead not in workers(root))
        working(root)
        alter(root, "UPDATE hosts SET pid = ? WHERE pid = ?", bystander.pid, dead)
        stop(root)
        assert workers(root) == []
        assert bystander.poll() is None
        bystander.kill()
    assert_sound(root)


def test_a_frozen_worker_goes_on_where_it_was(tmp_path: Path) -> None:
    """A laptop sleeps longer than a lease: no work is done twice, and none counts as crashed."""
    root = hasty_site(tmp_path / "site", 2, 8, composer_delay_s=1)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        worker = working(root)
        reach(root, batch, Moment(3, 0))
        freeze(root, worker)
        wait_until(looked(root, 2.2))
        assert workers(root) == [worker]
        assert not has_ended(root, batch)
        kill(worker, signal.SIGCONT)
        wait_ended(root, batch)
    assert assert_each_section_once(root, batch, 16).crashes == 0
    end_workers(root)


def test_a_frozen_worker_whose_work_was_taken_over_writes_nothing(tmp_path: Path) -> None:
    """Two workers: one stops for longer than its lease, the other finishes, the first wakes up."""
    root = hasty_site(tmp_path / "site", 2, 6, composer_delay_s=0.5, several_workers=True)
    pressroom("status", "--workspace", str(root))  # makes the database
    with by_hand(root) as one, by_hand(root) as two:
        wait_until(lambda: set(announced(root)) == {one.pid, two.pid})
        with pipe(root, "auto", PRESSROOM_WORKER="embedded") as chat:
            chat.begin()
            batch = queued(chat)
            wait_until(lambda: running(root, one.pid) > 0)
            kill(chat.process.pid)
        freeze(root, one.pid)
        held = running(root, one.pid)
        wait_ended(root, batch)
        end = assert_each_section_once(root, batch, 12)
        assert end.crashes >= held
        woken = query(root, "SELECT max(seen_at) FROM hosts")[0][0]
        kill(one.pid, signal.SIGCONT)
        wait_until(lambda: seen(root, one.pid) > woken)
        one.terminate()  # its lanes end before it does
        one.wait(PATIENCE_S)
        assert assert_each_section_once(root, batch, 12) == end


def test_a_worker_frozen_over_a_page_does_not_bring_it_back(tmp_path: Path) -> None:
    """It wakes up after a rollback, between the record of a page's file and the file itself."""
    root = hasty_site(tmp_path / "site", 12, 1, composer_delay_s=0, several_workers=True)
    pressroom("status", "--workspace", str(root))  # makes the database
    with by_hand(root) as one, pipe(root, "auto") as chat:
        chat.begin()
        wait_until(lambda: announced(root) == [one.pid])
        wait_ended(root, queued(chat))
        promoted = frozen_over_a_page(root, chat, one.pid)
        back = queued(chat, "rollback", batchId=promoted)
        wait_until(lambda: len(announced(root)) > 1)  # one has taken over
        wait_until(looked(root, 2.2))
        woken = query(root, "SELECT max(seen_at) FROM hosts")[0][0]
        kill(one.pid, signal.SIGCONT)
        wait_until(lambda: seen(root, one.pid) > woken)
        wait_ended(root, back)
        one.terminate()  # its lanes end before it does
        one.wait(PATIENCE_S)
        assert state(root, back) == "completed"
        assert content(root) == {}
    assert_sound(root)
    end_workers(root)


def test_what_is_saved_while_a_worker_is_frozen_over_the_page_stays(tmp_path: Path) -> None:
    """Somebody's text is not overwritten by who looked before it was there: a conflict."""
    root = hasty_site(tmp_path / "site", 12, 1, composer_delay_s=0)
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, queued(chat))
        worker = working(root)
        promoted = frozen_over_a_page(root, chat, worker)
        pages = sorted(unwritten(root, worker))
        (root / "content").mkdir(exist_ok=True)  # it may be the first page of all
        for page in pages:
            (root / "content" / f"{page}.md").write_text("saved meanwhile")
        kill(worker, signal.SIGCONT)
        wait_ended(root, promoted)
        found = content(root)
        assert {found[f"{page}.md"] for page in pages} == {b"saved meanwhile"}
        assert state(root, promoted) == "failed"
    assert_sound(root)
    end_workers(root)


def test_a_worker_killed_between_record_and_rename_leaves_nobodys_edit(tmp_path: Path) -> None:
    """P1: the next look settles the intention; every page is written, once and by us."""
    root = hasty_site(tmp_path / "site", 12, 1, composer_delay_s=0)
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, queued(chat))
        worker = working(root)
        promoted = frozen_over_a_page(root, chat, worker)
        assert unwritten(root, worker)
        kill(worker)
        wait_ended(root, promoted)
        assert state(root, promoted) == "completed"
        assert sorted(content(root)) == sorted(f"p{number}.md" for number in range(1, 13))
        assert query(root, "SELECT count(*) FROM revisions WHERE author_kind = 'file'") == [(0,)]
        assert query(root, "SELECT count(*) FROM page_files WHERE intent IS NOT NULL") == [(0,)]
    assert_sound(root)
    end_workers(root)


def test_several_workers_are_stopped_together(tmp_path: Path) -> None:
    """Whoever works this workspace is asked to end, lock or not."""
    root = hasty_site(tmp_path / "site", 1, 12, composer_delay_s=0.5, several_workers=True)
    pressroom("status", "--workspace", str(root))  # makes the database
    with by_hand(root) as one, by_hand(root) as two:
        wait_until(lambda: set(announced(root)) == {one.pid, two.pid})
        assert "2 workers have stopped" in stop(root)
        assert one.wait(PATIENCE_S) == two.wait(PATIENCE_S) == 0
    assert announced(root) == []


def test_an_idle_worker_leaves_no_trace_and_the_next_call_starts_another(tmp_path: Path) -> None:
    """The process ends, its row goes, and its server keeps no zombie of it."""
    root = hasty_site(tmp_path / "site", 2, 2, composer_delay_s=0, worker_idle_s=0.3)
    with pipe(root, "auto") as chat:
        chat.begin()
        first = queued(chat, "generate", page="p1")
        worker = working(root)
        wait_ended(root, first)
        wait_until(lambda: workers(root) == [])
        assert announced(root) == []
        wait_until(lambda: children(chat.process.pid) == [])
        second = queued(chat, "generate", page="p2")
        wait_ended(root, second)
        assert state(root, second) == "completed"
        assert completed(root, second) == 2
        assert worker not in workers(root)
        wait_until(lambda: workers(root) == [])
    assert_sound(root)


def jobs(root: Path) -> list[tuple[str, int, int]]:
    """Return state, attempts and crashes of every job, oldest first."""
    rows = query(root, "SELECT state, attempts, crashes FROM jobs ORDER BY state, id")
    return [(name, attempts, crashes) for name, attempts, crashes in rows]


def running(root: Path, pid: int) -> int:
    """Return how many attempts a worker has started and not ended."""
    return query(
        root,
        "SELECT count(*) FROM jobs JOIN hosts ON hosts.id = jobs.worker_id "
        "WHERE pid = ? AND jobs.state = 'processing' AND jobs.started_at IS NOT NULL",
        pid,
    )[0][0]


def seen(root: Path, pid: int) -> float:
    """Return when a process last said that it lives."""
    return query(root, "SELECT max(seen_at) FROM hosts WHERE pid = ?", pid)[0][0] or 0.0


def freeze(root: Path, pid: int) -> None:
    """Stop a process at a moment at which it holds no lock on the database."""

    def is_frozen() -> bool:
        kill(pid, signal.SIGSTOP)
        wait_until(lambda: stands_still(pid))
        if is_locked(root):
            kill(pid, signal.SIGCONT)
            return False
        return True

    wait_until(is_frozen)


def stands_still(pid: int) -> bool:
    """Whether every thread of a process has stopped; one may still be in a call of the kernel."""
    stats = [task / "stat" for task in Path(f"/proc/{pid}/task").glob("*")]  # none but on Linux
    return all(stat.read_text().rpartition(") ")[2][0] in "tTZ" for stat in stats)


def frozen_over_a_page(root: Path, chat: Pipe, pid: int) -> str:
    """Promote until the worker is frozen over a file that is recorded and not written.

    Return the batch, which has pages left for others.
    """
    sections = [f"p{number}/s1" for number in range(1, 13)]
    caught: list[str] = []

    def is_caught() -> bool:
        promoted = queued(chat, "promote", sections=sections)
        while not has_ended(root, promoted):
            freeze(root, pid)
            if unwritten(root, pid):
                caught.append(promoted)
                return True
            kill(pid, signal.SIGCONT)
        wait_ended(root, queued(chat, "rollback", batchId=promoted))
        return False

    wait_until(is_caught)
    return caught[0]


def unwritten(root: Path, pid: int) -> set[str]:
    """Return the pages whose file a worker has recorded in the export it runs and not written."""
    rows = query(
        root,
        "SELECT page, intent FROM page_files JOIN jobs ON jobs.subject = page "
        "JOIN hosts ON hosts.id = jobs.worker_id WHERE pid = ? AND kind = 'content-export' "
        "AND jobs.state = 'processing' AND intent IS NOT NULL",
        pid,
    )
    found = {name: bytes_hash(text) for name, text in content(root).items()}
    due = {page: json.loads(intent).get("hash") for page, intent in rows}
    return {page for page, hash in due.items() if hash and found.get(f"{page}.md") != hash}


@contextmanager
def by_hand(root: Path) -> Generator[subprocess.Popen[bytes]]:
    """Run a worker in the foreground, as `pressroom worker` does."""
    log = root.parent / "by-hand.log"
    with (
        log.open("ab") as lines,
        subprocess.Popen(
            command("worker", "--workspace", str(root)), stderr=lines, env=environment()
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
