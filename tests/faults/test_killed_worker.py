"""The detached worker dies at any moment, any number of times: nothing is lost or doubled."""

from __future__ import annotations

import random
from pathlib import Path

from tests import databases
from tests.faults.invariants import assert_each_section_once, assert_sound, ended
from tests.faults.processes import (
    Moment,
    announced,
    end_workers,
    hasty_site,
    kill,
    moments,
    queued,
    reach,
    seed,
    strike,
    wait_ended,
    workers,
    working,
)
from tests.harness import content
from tests.waiting import wait_until
from tests.wire import pipe, query


def test_a_batch_survives_ten_deaths_of_its_worker(tmp_path: Path) -> None:
    """Sixty sections, ten SIGKILLs: each section has one new revision, the round one end."""
    root = hasty_site(tmp_path / "site", 4, 15)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        at = moments(random.Random(seed()), 10, jobs=60, within_s=0.3)
        killed = strike(root, batch, at)
        wait_ended(root, batch)
        assert len(set(killed)) >= 10
        assert_each_section_once(root, batch, 60)
    end_workers(root)


def test_of_two_servers_one_starts_the_next_worker(tmp_path: Path) -> None:
    """Both find the work and the free lock; one new worker lives, each section is drafted once.

    Of a shared database no lock is held: both may start one, and these share what is left.
    """
    root = hasty_site(tmp_path / "site", 2, 12, composer_delay_s=0.5)
    with pipe(root, "auto") as one, pipe(root, "legacy") as two:
        one.begin()
        two.begin()
        calls = one.call_soon("generate-all"), two.call_soon("generate-all")
        answers = [chat.answer(id)["result"] for chat, id in zip((one, two), calls, strict=True)]
        (batch,) = {answer["structuredContent"]["batchId"] for answer in answers}
        started: list[int] = []
        for moment in (Moment(0, 0.2), Moment(4, 0.1), Moment(8, 0)):
            started.append(working(root))
            reach(root, batch, moment)
            kill(started[-1])
        started.append(working(root))
        wait_ended(root, batch)
        if databases.address() is None:
            wait_until(lambda: workers(root) == started[-1:])  # who came too late has left
            assert set(announced(root)) == set(started)
        else:
            assert {*started} <= {*announced(root)}
            assert len(workers(root)) <= 2
        assert_each_section_once(root, batch, 24)
    end_workers(root)


def test_a_worker_that_dies_while_it_exports_leaves_whole_files_of_ours(tmp_path: Path) -> None:
    """Killed between recording and renaming: each file is known, complete, and alone."""
    root = hasty_site(tmp_path / "site", 40, 1, composer_delay_s=0)
    rng = random.Random(seed())
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, queued(chat))
        batch = queued(chat, "promote")
        strike(root, batch, moments(rng, 6, jobs=80, within_s=0.05))
        wait_ended(root, batch)
        assert_each_section_once(root, batch, 40)
        assert sorted(path.name for path in (root / "content").iterdir()) == sorted(content(root))
        assert len(content(root)) == 40
        # Were one not ours, this would be a conflict.
        back = queued(chat, "rollback", batchId=batch)
        wait_ended(root, back)
        assert ended(root, back).state == "completed"
        assert content(root) == {}
    end_workers(root)


def test_a_death_before_the_first_section_costs_no_attempt(tmp_path: Path) -> None:
    """What was claimed and not started, or not claimed at all, is as it was."""
    root = hasty_site(tmp_path / "site", 1, 4)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        wait_until(lambda: bool(workers(root)))
        kill(workers(root)[0])
        wait_ended(root, batch)
        assert_sound(root)
        assert query(root, "SELECT DISTINCT attempts FROM jobs") == [(1,)]
    end_workers(root)
