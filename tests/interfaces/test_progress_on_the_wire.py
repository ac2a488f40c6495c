"""Progress as it stands on the wire: on a call that is open, increasing, in words; never later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Era, small_site
from tests.waiting import wait_until
from tests.wire import ERAS, Pipe, over_http, pipe, serving

pytestmark = pytest.mark.parametrize("era", ERAS)

Note = tuple[float, float | None, str | None]

LINE = re.compile(r"(\d+)/(\d+) (queued|· (drafting|promoting|rolling back|writing) \S+.*|· \w.*)")
"""`7/21 · drafting menu/hero`."""


def site(root: Path, *, delay_s: float) -> Path:
    """Make a site of twenty sections."""
    settings = {"composer_delay_s": delay_s, "worker_idle_s": 0.5}
    return small_site(root, {"menu": 12, "home": 8}, **settings)


def progress(messages: Sequence[dict[str, Any]]) -> dict[str, list[Note]]:
    """Return the progress of each token; none may come before its call or after its answer."""
    notes: dict[str, list[Note]] = {}
    answered: set[str] = set()
    for message in messages:
        if message.get("method") == "notifications/progress":
            params = message["params"]
            token = params["progressToken"]
            assert token not in answered, f"after its answer: {message}"
            note = (params["progress"], params.get("total"), params.get("message"))
            notes.setdefault(token, []).append(note)
        elif "method" not in message:
            answered.add(f"p{message['id']}")
    return notes


def check(notes: Sequence[Note]) -> None:
    """Check what holds of the progress of every call."""
    assert all(before[0] < after[0] for before, after in pairwise(notes)), notes
    for value, total, message in notes:
        assert total is not None
        assert 0 <= value <= total
        matched = LINE.fullmatch(message or "")
        assert matched, message
        finished = int(matched[1])
        # All may be finished while files are still written: the total is said only at the end.
        assert finished <= value or finished == total > value > total - 1, notes
        assert int(matched[2]) == total


def test_each_token_carries_progress_only_while_its_call_is_open(tmp_path: Path, era: Era) -> None:
    """Every line of a whole conversation: queueing, waits that see the end, one that does not."""
    with pipe(site(tmp_path / "site", delay_s=0.4), era) as client:
        client.begin()
        queued = client.call("generate-all")["structuredContent"]
        first_wait = client.call("status", batchId=queued["batchId"], waitSeconds=30)
        assert first_wait["structuredContent"]["operations"][0]["status"] == "completed"
        client.call("promote", waitSeconds=30)
        client.call("rollback", waitSeconds=30)
        unseen = client.call("generate-all", mode="new", waitSeconds=0.2)["structuredContent"]
        assert unseen["status"] in {"pending", "processing"}
        client.call("status", batchId=unseen["batchId"], waitSeconds=30)
        assert client.hang_up() == 0
    notes = progress(client.messages)
    for of_a_call in notes.values():
        check(of_a_call)
    generate_all, waited, promoted, rolled_back, cut, _ = notes.values()
    assert generate_all == [(0, 20, "0/20 queued")]
    assert waited[-1] == (20, 20, "20/20 · done")
    assert len(waited) > 2, "a wait shows more than a beginning and an end"
    for queueing in (promoted, rolled_back, cut):
        assert queueing[0] == (0, 20, "0/20 queued")
    for seen in (promoted, rolled_back):
        assert seen[-1] == (20, 20, "20/20 · done")
    assert cut[-1][0] < 20


def test_retry_says_first_how_many_it_takes_up(tmp_path: Path, era: Era) -> None:
    """The total is the new round's."""
    with pipe(site(tmp_path / "site", delay_s=0.5), era) as client:
        client.begin()
        batch_id = client.call("generate-all")["structuredContent"]["batchId"]
        finish_some(client, batch_id)
        client.call("cancel", batchId=batch_id)
        again = client.call("retry", batchId=batch_id, waitSeconds=30)["structuredContent"]
        rest = again["queuedSections"]
        client.hang_up()
    notes = list(progress(client.messages).values())[-1]
    check(notes)
    assert 0 < rest < 20
    assert notes[0] == (0, rest, f"0/{rest} queued")
    assert notes[-1] == (rest, rest, f"{rest}/{rest} · done")


def finish_some(client: Pipe, batch_id: str) -> None:
    """Return when at least one section is done, and not all."""

    def has_some() -> bool:
        answer = client.call("status", batchId=batch_id, waitSeconds=0.2)["structuredContent"]
        return not answer["operations"][0]["progress"].startswith("0/")

    wait_until(has_some)


def test_a_call_without_a_token_gets_an_answer_and_nothing_else(tmp_path: Path, era: Era) -> None:
    """Not every client wants progress."""
    with pipe(site(tmp_path / "site", delay_s=0), era) as client:
        client.begin()
        heard = len(client.messages)
        meta = client.quiet_meta()
        params = {"name": "generate-all", "arguments": {"waitSeconds": 30}, "_meta": meta}
        client.send({"id": 99, "method": "tools/call", "params": params})
        answer = client.answer(99)["result"]["structuredContent"]
        client.hang_up()
    assert answer["status"] == "completed"
    assert [message.get("id") for message in client.messages[heard:]] == [99]


def test_status_waits_unasked_only_where_progress_is_wanted(tmp_path: Path, era: Era) -> None:
    """Who wants none may give up after a few seconds; a batch that hangs cannot end the wait."""
    with pipe(site(tmp_path / "site", delay_s=60), era) as client:
        client.begin()
        batch_id = client.call("generate-all")["structuredContent"]["batchId"]
        waits = client.call_soon("status", batchId=batch_id)
        params = {"name": "status", "arguments": {"batchId": batch_id}}
        meta = client.quiet_meta()
        client.send({"id": "quiet", "method": "tools/call", "params": {**params, "_meta": meta}})
        heard: list[object] = []
        while (message := client.read()) is not None and message.get("id") != "quiet":
            heard.append(message.get("id"))
        client.call("cancel", batchId=batch_id)
        assert client.answer(waits)["result"]["structuredContent"]["operations"]
    assert waits not in heard, "it was called first, and answered later"


@pytest.mark.anyio
async def test_the_same_reaches_a_client_over_http(tmp_path: Path, era: Era) -> None:
    """The worker is in the server's process there."""
    root = site(tmp_path / "site", delay_s=0.1)
    with serving(root) as url:
        async with over_http(url, root, era=era) as chat:
            assert chat.progress is not None
            batch_id = (await chat.call("generate-all"))["batchId"]
            assert chat.progress == [(0, 20, "0/20 queued")]
            chat.progress.clear()
            seen = await chat.call("status", batchId=batch_id, waitSeconds=30)
            assert seen["operations"][0]["status"] == "completed"
            check(chat.progress)
            assert chat.progress[-1] == (20, 20, "20/20 · done")
            chat.progress.clear()
            await chat.call("promote", waitSeconds=30)
    check(chat.progress)
    assert chat.progress[0] == (0, 20, "0/20 queued")
    assert chat.progress[-1] == (20, 20, "20/20 · done")


def test_a_stream_is_followed_to_the_end(tmp_path: Path, era: Era) -> None:
    """`stream: true`, of what queues and of `status`: progress until the end, then the answer."""
    with pipe(site(tmp_path / "site", delay_s=0.2), era) as client:
        client.begin()
        drafted = client.call("generate", stream=True)["structuredContent"]
        again = client.call("generate-all", mode="new")["structuredContent"]
        seen = client.call("status", batchId=again["batchId"], stream=True)["structuredContent"]
        assert client.hang_up() == 0
    assert drafted["status"] == seen["operations"][0]["status"] == "completed"
    queueing, _, looking = progress(client.messages).values()
    for notes in (queueing, looking):
        check(notes)
        assert len(notes) > 2, "a stream shows more than a beginning and an end"
        assert notes[-1] == (20, 20, "20/20 · done")
