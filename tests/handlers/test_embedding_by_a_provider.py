"""Embedding by a provider's model, through a real worker and real HTTP."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from llmock.pytest_plugin import LLMock

from mcp_server.app.installation import HANDLERS
from mcp_server.entities.meaning import EMBEDDING
from mcp_server.jobs.job import Job, JobState
from mcp_server.jobs.registry import Registry, discover
from mcp_server.meaning.provider import LENGTH_MAX
from mcp_server.plugin.loading import Plugins
from tests.embeddings_server import WIDTH, Embeddings, embeddings, good, numbers, refuse, rows
from tests.harness import Desk, desk, small_site, trusted, write_settings
from tests.interfaces.test_doctor import findings
from tests.promises.moves import parts_of
from tests.waiting import until

pytestmark = pytest.mark.anyio

MODEL = "openai:text-embedding-3-small"
TART = "## Menu\n\nRhubarb tart."
PIE = "## Pie\n\nQuince pie."


@pytest.fixture
def server() -> Generator[Embeddings]:
    """A server that embeds well until it is told otherwise."""
    with embeddings() as running:
        yield running


def site(folder: Path, server: Embeddings, sections: int = 1, **more: object) -> Path:
    """Make a workspace that embeds at this server, with its user's trust."""
    settings = {"model_url": server.url, "embedder": "server:m", **more}
    return trusted(small_site(folder / "site", {"menu": sections}, **settings))


async def left(root: Path) -> int:
    """Return how many texts search does not know whole."""
    async with parts_of(root) as parts:
        return (await parts.meaning.count())["left"]


async def all_embedded(root: Path) -> None:
    """Wait until a worker has embedded all texts."""
    await until(partial(left, root), lambda count: count == 0)


async def newest(root: Path) -> Job | None:
    """Return the last job that embeds what has changed."""
    async with parts_of(root) as parts:
        return await parts.store.newest_with_key(EMBEDDING)


async def ended(root: Path, *states: JobState) -> Job:
    """Wait until that job is in one of these states; return it."""
    job = await until(partial(newest, root), lambda job: job is not None and job.state in states)
    assert job is not None
    return job


async def names(root: Path) -> Sequence[str]:
    """Return the names of what has made the stored vectors."""
    async with parts_of(root) as parts:
        return await parts.meaning.embedders()


async def found(chat: Desk, query: str) -> Sequence[str]:
    """Return what a search finds among the sections."""
    answer = await chat.call("search", query=query, type="section")
    return [row["id"] for row in answer["found"]]


async def notes(chat: Desk) -> str:
    """Return the notes of a search."""
    return "\n".join((await chat.call("search", query="rhubarb")).get("notes", ()))


# Well


async def test_a_provider_s_vectors_are_stored_and_compared(tmp_path: Path, llmock: LLMock) -> None:
    """Of length one, under the model's name and their width; a question is asked for, too."""
    root = trusted(small_site(tmp_path, {"menu": 1}, embedder=MODEL))
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
        answer = await chat.call("search", query=TART)
        assert answer["found"][0]["why"] == "both"
        assert "notes" not in answer, answer
    async with parts_of(root) as parts:
        assert await parts.meaning.embedders() == [f"{MODEL}:1536"]
        [vector] = await parts.meaning.vectors(after=0, embedder=f"{MODEL}:1536", limit=9)
    unpacked = struct.unpack("<1536f", vector.data)
    assert sum(number * number for number in unpacked) == pytest.approx(1, abs=1e-3)
    assert llmock.requests[0].body["input"] == [TART]


async def test_a_restart_embeds_nothing_again(tmp_path: Path, server: Embeddings) -> None:
    """The width is known from what is stored, before the first answer."""
    root = site(tmp_path, server)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
    [name] = await names(root)
    assert name.startswith("server:m@") and name.endswith(f":{WIDTH}")
    assert server.url not in name
    asked = len(server.asked)
    async with desk(root) as chat:
        assert await found(chat, TART) == ["menu/s1"]
    assert await left(root) == 0
    assert not any(TART in texts and len(texts) == 1 for texts in server.asked[asked + 1 :])


async def test_a_changed_embedder_embeds_all_again_and_says_partly_meanwhile(
    tmp_path: Path, server: Embeddings
) -> None:
    """Vectors of the other one are not compared; words are found all the time."""
    root = trusted(small_site(tmp_path / "site", {"menu": 2}, embedder="local"))
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await chat.call("edit", section="menu/s2", text=PIE)
        await all_embedded(root)
    assert await names(root) == ["use-multilingual-v3:512"]
    write_settings(root, model_url=server.url, embedder="server:m")
    trusted(root)
    server.replies[:] = [server.hang]
    async with desk(root) as chat:
        await until(lambda: bool(server.asked))
        server.replies[:] = [good]  # for questions
        assert "Partly: 2 texts" in await notes(chat)
        assert await found(chat, "quince") == ["menu/s2"]
        server.over.set()
        await all_embedded(root)
        assert "Partly" not in await notes(chat)
        answer = await chat.call("search", query=PIE)
        assert answer["found"][0]["id"] == "menu/s2" and answer["found"][0]["why"] == "both"
    [name] = await names(root)
    assert name.endswith(f":{WIDTH}")


async def test_a_model_that_became_another_under_its_name_embeds_all_again(
    tmp_path: Path, server: Embeddings
) -> None:
    """At the next start: then the first answer says how wide its vectors are."""
    root = site(tmp_path, server, 2)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
    server.replies[:] = [lambda texts: rows([numbers(text, 4) for text in texts])]
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s2", text=PIE)
        await until(partial(names, root), lambda them: [n.endswith(":4") for n in them] == [True])
        await all_embedded(root)
        assert (await found(chat, TART))[0] == "menu/s1"


# In pieces


async def test_requests_are_small_and_long_texts_are_cut(
    tmp_path: Path, server: Embeddings
) -> None:
    """So many texts, so many characters; what stands first in a text is what counts."""
    root = site(tmp_path, server, 40)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.call("edit", section="menu/s1", text=f"{TART}\n\n{'word ' * 9_000}")
        await all_embedded(root)
    assert max(len(texts) for texts in server.asked) <= 16
    longest = max((text for texts in server.asked for text in texts), key=len)
    assert longest.startswith(TART) and len(longest) <= LENGTH_MAX


async def test_a_text_that_is_too_long_for_a_model_is_halved(
    tmp_path: Path, server: Embeddings
) -> None:
    """The others beside it are embedded as they are."""

    def short_only(texts: Sequence[str]) -> tuple[int, str]:
        if any(len(text) > 2_000 for text in texts):
            return refuse(400, "maximum context length is 512 tokens")(texts)
        return good(texts)

    server.replies[:] = [short_only]
    root = site(tmp_path, server, 3)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.call("edit", section="menu/s1", text=f"{TART}\n\n{'word ' * 1_200}")
        await all_embedded(root)
    async with parts_of(root) as parts:
        vectors = await parts.meaning.vectors(after=0, embedder=(await names(root))[0], limit=9)
    assert {each.entity_id for each in vectors} == {"menu/s1", "menu/s2", "menu/s3"}


async def test_one_text_that_a_provider_refuses_keeps_no_other_from_being_embedded(
    tmp_path: Path, server: Embeddings
) -> None:
    """It is found by its words, and is not asked for again and again."""

    def no_tarts(texts: Sequence[str]) -> tuple[int, str]:
        bad = any("Rhubarb" in text for text in texts)
        return refuse(400, "something about it")(texts) if bad else good(texts)

    server.replies[:] = [no_tarts]
    root = site(tmp_path, server, 3)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
        assert "menu/s1" in await found(chat, "rhubarb")


# Trouble


async def test_a_provider_that_is_busy_is_asked_again_and_words_are_found_meanwhile(
    tmp_path: Path, server: Embeddings
) -> None:
    """As late as it says; what was the reason is in search's note until then."""
    server.replies[:] = [refuse(429)]
    server.retry_after = "3600"
    root = site(tmp_path, server, 2)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        waiting = await until(partial(newest, root), lambda job: job and job.code == "retrying")
        assert waiting is not None and "HTTP 429" in (waiting.reason or "")
        assert await found(chat, "rhubarb") == ["menu/s1"]
        said = await notes(chat)
        assert "Partly: 1 text" in said and "HTTP 429" in said
        asked = sum(TART in texts for texts in server.asked)

        await chat.call("edit", section="menu/s2", text=PIE)  # a later text waits for no hour
        await until(lambda: found(chat, "quince"), lambda ids: ids == ["menu/s2"])
        assert sum(TART in texts for texts in server.asked) == asked, "nor is it asked too soon"


async def test_a_provider_that_fails_once_is_asked_again(
    tmp_path: Path, server: Embeddings
) -> None:
    """With a backoff, and it counts as a retry."""
    server.replies[:] = [refuse(500), good]
    root = site(tmp_path, server)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
    done = await ended(root, JobState.COMPLETED)
    assert (done.attempts, done.reason, len(server.asked)) == (2, None, 2)


async def test_a_key_that_is_refused_fails_the_job_and_says_what_helps(
    tmp_path: Path, server: Embeddings
) -> None:
    """Old and new texts are found by their words; the next start tries it again, once."""
    server.replies[:] = [refuse(401)]
    root = site(tmp_path, server, 2)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        failed = await ended(root, JobState.FAILED)
        assert failed.code == "embedding-failed"
        assert "PRESSROOM_MODEL_KEY" in (failed.reason or "")
        assert "PRESSROOM_MODEL_KEY" in await notes(chat)
        assert await found(chat, "rhubarb") == ["menu/s1"]
        told = (await run_sync(partial(findings, root, code=0)))["embedder"]
        assert any(each["level"] == "warning" and "_KEY" in each["message"] for each in told)
    server.replies[:] = [good]
    async with desk(root) as chat:
        await all_embedded(root)
        assert "Partly" not in await notes(chat)


async def test_a_server_on_this_machine_that_wants_a_key_is_given_none_without_trust(
    tmp_path: Path, server: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked, and that is said."""
    monkeypatch.setenv("PRESSROOM_MODEL_KEY", "secret-key")
    server.replies[:] = [refuse(401)]
    root = small_site(tmp_path, {"menu": 1}, model_url=server.url, embedder="server:m")
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        failed = await ended(root, JobState.FAILED)
    said = failed.reason or ""
    assert said.startswith("m wants a key, and was given none: the embedder in")
    assert "pressroom trust" in said and "nothing was sent" not in said
    assert server.asked and not any("secret-key" in (key or "") for key in server.keys)


NOT_VECTORS: dict[str, tuple[Callable[[Sequence[str]], tuple[int, str]], str]] = {
    "NaN": (lambda texts: rows([[float("nan"), 1.0]] * len(texts)), "NaN"),
    "infinity": (lambda texts: rows([[float("inf"), 1.0]] * len(texts)), "NaN or infinity"),
    "too large": (lambda texts: rows([[1e300, 1.0]] * len(texts)), "infinity"),
    "zeros": (lambda texts: rows([[0.0, 0.0]] * len(texts)), "zeros"),
    "too few": (lambda texts: rows([numbers(text) for text in texts[1:]]), "for 2 texts"),
    "too many": (lambda texts: rows([[1.0]] * (len(texts) + 1)), "3 vectors"),
    "several widths": (
        lambda texts: rows([[1.0] * (n + 1) for n, _ in enumerate(texts)]),
        "widths",
    ),
    "texts": (lambda texts: rows([["a", "b"]] * len(texts)), "no numbers"),
    "empty": (lambda texts: rows([list[float]()] * len(texts)), "width"),
}


@pytest.mark.parametrize("what", NOT_VECTORS)
async def test_what_cannot_be_compared_fails_the_job_with_the_reason(
    tmp_path: Path, server: Embeddings, what: str
) -> None:
    """Nothing of it is stored, and search goes on by words."""
    reply, says = NOT_VECTORS[what]
    root = site(tmp_path, server, 2)
    server.replies[:] = [reply]
    async with desk(root) as chat:
        await chat.run("generate-all")
        failed = await ended(root, JobState.FAILED)
        assert failed.code == "embedding-failed" and says in (failed.reason or ""), failed.reason
        assert len(await found(chat, "note")) == 2
    assert await names(root) == []


async def test_another_width_in_the_middle_fails_the_job(
    tmp_path: Path, server: Embeddings
) -> None:
    """While a worker lives, its model has one width."""
    root = site(tmp_path, server, 2)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
        server.replies[:] = [lambda texts: rows([[1.0, 0.0]] * len(texts))]
        await chat.call("edit", section="menu/s2", text=PIE)
        failed = await ended(root, JobState.FAILED)
        assert f"2 numbers, after others of {WIDTH}" in (failed.reason or "")
        assert await found(chat, "quince") == ["menu/s2"]
    assert len(await names(root)) == 1


@asynccontextmanager
async def impatient(root: Path, seconds: float) -> AsyncGenerator[Desk]:
    """Run a desk whose worker lets an attempt to embed take no longer."""
    handlers = [
        replace(each, timeout_s=seconds) if each.kind == EMBEDDING else each
        for each in discover(HANDLERS)
    ]
    async with desk(root, plugins=Plugins(Registry(handlers))) as chat:
        yield chat


async def test_an_attempt_that_takes_too_long_is_made_again_and_words_come_first(
    tmp_path: Path, server: Embeddings
) -> None:
    """A server that says nothing at all holds up nobody who looks for words."""
    root = site(tmp_path, server)
    server.replies[:] = [server.hang]
    async with impatient(root, 0.3) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await until(lambda: len(server.asked) > 1)
        server.replies[:] = [good]
        assert await found(chat, "rhubarb") == ["menu/s1"]
        await all_embedded(root)


async def test_an_untrusted_workspace_sends_nothing(tmp_path: Path, llmock: LLMock) -> None:
    """Neither texts nor questions; its words are found, and the note says what to do."""
    root = small_site(tmp_path / "site", {"menu": 1}, embedder=MODEL)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        failed = await ended(root, JobState.FAILED)
        assert "pressroom trust" in (failed.reason or "")
        assert await found(chat, "rhubarb") == ["menu/s1"]
        assert "pressroom trust" in await notes(chat)
        assert llmock.requests == []
    async with desk(trusted(root)):
        await all_embedded(root)
    assert llmock.requests


async def test_an_untrusted_server_on_this_machine_gets_no_key(
    tmp_path: Path, server: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked, as a model there is."""
    monkeypatch.setenv("PRESSROOM_MODEL_KEY", "sk-local-0123456789")
    settings: dict[str, Any] = {"model_url": server.url, "embedder": "server:m"}
    root = small_site(tmp_path / "site", {"menu": 2}, **settings)
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
        assert "sk-local" not in json.dumps(server.keys)
        trusted(root)
        await chat.call("edit", section="menu/s2", text=PIE)
        await all_embedded(root)
    assert server.keys[-1] == "Bearer sk-local-0123456789"
