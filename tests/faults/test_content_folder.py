"""The folder of the page files is read-only, or away for a while: it is said, and on it goes."""

from __future__ import annotations

from pathlib import Path

from tests.faults.invariants import assert_sound
from tests.faults.processes import end_workers, hasty_site, queued, state, wait_ended
from tests.faults.test_full_disk import text
from tests.faults.test_refusing_database import read_only, writable
from tests.harness import content
from tests.wire import pipe


def test_a_read_only_content_folder_is_said_and_made_writable_retry_writes_it(
    tmp_path: Path,
) -> None:
    """The texts are live and the files as they were; nothing lies about, and nobody restarts."""
    root = hasty_site(tmp_path / "site", 2, 1, composer_delay_s=0, max_retries=0)
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, queued(chat))
        wait_ended(root, queued(chat, "promote", page="p1"))
        before = content(root)
        with read_only(root / "content"):
            batch = queued(chat, "promote")
            wait_ended(root, batch)
            assert state(root, batch) == "failed"
            assert "read-only" in text(chat.call("status", batchId=batch))
            assert content(root) == before
            writable(root / "content")
            queued(chat, "retry", batchId=batch)
            wait_ended(root, batch)
        assert state(root, batch) == "completed"
        assert sorted(path.name for path in (root / "content").iterdir()) == ["p1.md", "p2.md"]
        assert content(root)["p1.md"] == before["p1.md"]
    assert_sound(root)
    end_workers(root)


def test_a_content_folder_that_is_away_comes_back_as_it_was(tmp_path: Path) -> None:
    """P5: as one that is unmounted: it is not made anew, and nothing in it counts as removed."""
    root = hasty_site(tmp_path / "site", 2, 1, composer_delay_s=0)
    there, away = root / "content", tmp_path / "away"
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, queued(chat))
        wait_ended(root, queued(chat, "promote"))
        before = content(root)
        chat.call("edit", section="p1/s1", text="A text that waits.")
        there.rename(away)
        refusal = chat.call("promote")["structuredContent"]
        assert "missing" in str(refusal["skipped"]), refusal
        assert "missing" in text(chat.call("review", page="p2"))
        assert not there.exists()
        away.rename(there)
        assert content(root) == before
        assert "missing" not in text(chat.call("review", page="p2"))
        batch = queued(chat, "promote")
        wait_ended(root, batch)
        assert state(root, batch) == "completed"
        after = content(root)
        assert after["p2.md"] == before["p2.md"]
        assert b"A text that waits." in after["p1.md"]
    assert_sound(root)
    end_workers(root)
