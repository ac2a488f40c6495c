"""Wrong calls over a real pipe: each gets one clear line, and nothing is queued."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Era, small_site
from tests.wire import ERAS, Pipe, over_http, over_stdio, pipe, query, serving

LEAKS = re.compile(r"Traceback|\.py\b|/tmp|/work|/home|site-packages|pydantic|errors\.|sqlite3")
"""What no client may be told."""

WHOLE = {"mode": "new", "dryRun": True}


@pytest.fixture(scope="module", params=ERAS)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipe]:
    """One server for all, on a drafted site, spoken to without a library's checks."""
    root = tmp_path_factory.mktemp("bad") / "site"
    small_site(root, {"menu": 5, "home": 3}, worker="embedded")
    with pipe(root, request.param) as opened:
        opened.begin()
        opened.call("generate-all", waitSeconds=30)
        yield opened


@pytest.fixture
def batch_id(client: Pipe) -> str:
    """The batch that drafted the site."""
    return client.call("status")["structuredContent"]["operations"][-1]["batchId"]


def refused(client: Pipe, tool: str, **arguments: Any) -> str:
    """Return why a call is refused; nothing may be queued, nothing leaked."""
    before = queued(client)
    result = client.call(tool, **arguments)
    assert result.get("isError"), result
    (block,) = result["content"]
    said: str = block["text"]
    assert queued(client) == before
    assert not LEAKS.search(said), said
    assert said.isprintable(), "one line"
    assert len(said) < 500
    return said


def queued(client: Pipe) -> list[str]:
    """Return all batches."""
    operations = client.call("status", limit=100)["structuredContent"]["operations"]
    return [operation["batchId"] for operation in operations]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("generate", {"page": "menuu"}, "no page 'menuu'. Did you mean menu"),
        ("generate", {"section": "menu/s11"}, "no section 'menu/s11'. Did you mean menu/s1"),
        ("promote", {"page": "menu", "section": "s9"}, "no section 'menu/s9'. Did you mean menu/"),
        ("rollback", {"sections": ["menu/s1", "home/s9"]}, "no section 'home/s9'. Did you mean"),
        ("review", {"pages": ["home", "hom"]}, "no page 'hom'. Did you mean home"),
        ("generate", {"section": "s1"}, "write it as page/section, or name the page"),
        ("generate", {"page": "home", "section": "menu/s1"}, "is not on the page 'home'"),
        ("generate", {"page": "zebra"}, "`review` lists pages and sections"),
    ],
)
def test_an_unknown_page_or_section_names_the_nearest(
    client: Pipe, tool: str, arguments: dict[str, Any], words: str
) -> None:
    """A model corrects itself with the next call."""
    assert words in refused(client, tool, **arguments)


@pytest.mark.parametrize("tool", ["status", "cancel", "retry", "promote", "rollback"])
def test_an_unknown_batch_names_the_nearest(client: Pipe, batch_id: str, tool: str) -> None:
    """One letter was copied wrong."""
    wrong = batch_id[:-1] + ("0" if batch_id[-1] != "0" else "1")
    said = refused(client, tool, batchId=wrong)
    assert f"There is no batch '{wrong}'. Did you mean {batch_id}?" in said


@pytest.mark.parametrize("tool", ["status", "cancel", "retry", "promote", "rollback"])
def test_the_id_of_a_job_is_no_batch_and_is_told_as_what_it_is(
    client: Pipe, batch_id: str, tool: str
) -> None:
    """It is not taken for a mistyped id of a batch."""
    shown = client.call("status", batchId=batch_id, detail="full")["structuredContent"]
    job_id = shown["sections"][0]["jobId"]
    said = refused(client, tool, batchId=job_id)
    assert "no batch" in said and f'status {{"jobId": "{job_id}"}}' in said
    assert "Did you mean" not in said


def test_the_id_of_a_batch_is_no_job(client: Pipe, batch_id: str) -> None:
    """The answer says where it belongs."""
    assert f'status {{"batchId": "{batch_id}"}}' in refused(client, "status", jobId=batch_id)


def test_blanks_around_an_id_are_taken_off(client: Pipe, batch_id: str) -> None:
    """They were copied along. A blank alone is an id that there is not, and never all there is."""
    shown = client.call("status", batchId=f" {batch_id}\n")["structuredContent"]
    assert shown["operations"][0]["batchId"] == batch_id
    shown = client.call("review", page=" menu ", sections=[" home/s1"])["structuredContent"]
    assert sum(shown["counts"].values()) == 6
    for tool in ("promote", "rollback"):
        assert "There is no batch ' '" in refused(client, tool, batchId=" ")


def test_capitals_in_an_id_are_a_typing_mistake(client: Pipe, batch_id: str) -> None:
    """Some keyboards begin everything with one."""
    assert f"Did you mean {batch_id}?" in refused(client, "status", batchId=batch_id.upper())


@pytest.mark.parametrize("id", ["../x", "..", "menu\0", "x" * 300, "\ud83d", "Menü", "menu/s1/x"])
@pytest.mark.parametrize("argument", ["page", "section", "pages", "sections"])
def test_an_id_that_is_no_slug_is_refused(client: Pipe, argument: str, id: str) -> None:
    """A path, a NUL, half an emoji; whatever it is, it is not looked up and not repeated raw."""
    value = [id] if argument.endswith("s") else id
    assert argument.removesuffix("s") in refused(client, "generate", **{argument: value})


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("generate", {"pgae": "menu"}, 'unknown argument "pgae"; did you mean page?'),
        ("generate-all", {"page": "menu"}, 'unknown argument "page"'),
        ("generate-all", {"dry_run": True}, 'unknown argument "dry_run"; did you mean dryRun?'),
        ("promote", {"batch-id": "b_1"}, 'unknown argument "batch-id"; did you mean batchId?'),
        ("cancel", {"batchId": "b_1", "jobid": "j_1"}, 'unknown argument "jobid"'),
        ("generate", {"x" * 5000: 1}, "unknown argument one of 5,000 characters"),
        ("generate", {"page": 5}, "page must be text of at most 400 characters, not 5"),
        (
            "generate",
            {"page": ["menu"]},
            'page must be text of at most 400 characters, not ["menu"]',
        ),
        ("generate", {"sections": {"a": 1}}, "sections must be a list"),
        ("generate", {"sections": [["a"]]}, "sections[0] must be text"),
        ("generate", {"sections": ["menu/s1"] * 1001}, "not a list of 1,001"),
        ("generate", {"sections": "[" * 5000}, "sections[0] must be text"),
        ("generate", {"dryRun": "perhaps"}, 'dryRun must be true or false, not "perhaps"'),
        ("generate", {"mode": "NEW"}, "mode must be one of leave, new, with-current"),
        ("generate", {"instructions": "x" * 8001}, "instructions must be text of at most 8,000"),
        ("generate", {"waitSeconds": 46}, "waitSeconds must be a number from 0 to 45, not 46"),
        ("promote", {"waitSeconds": -1}, "waitSeconds must be a number from 0 to 45, not -1"),
        ("status", {"waitSeconds": "soon"}, "waitSeconds must be a number from 0 to 45"),
        ("retry", {"batchId": "b_1", "waitSeconds": 10**400}, "waitSeconds must be a number"),
        ("retry", {}, "batchId is missing"),
        ("edit", {"section": "menu/s1", "replace": [{"new": "a"}]}, "replace[0].old is missing"),
        ("edit", {"section": "menu/s1", "fields": {}}, "nothing is given to change"),
        ("generate", {"material": " x "}, 'generate {"page": "…", "material": "…"}'),
        ("status", {"limit": 0}, "limit must be a whole number from 1 to 200, not 0"),
        ("status", {"cursor": -1}, "cursor must be a whole number from 0 to"),
        ("status", {"cursor": 10**30}, "cursor must be a whole number from 0 to"),
        ("review", {"cursor": 10**30}, "cursor must be a whole number from 0 to"),
        ("review", {"state": ["gone"]}, "state[0] must be one of missing, static, draft"),
        ("cancel", {}, "give either batchId or jobId"),
        ("cancel", {"batchId": "b_1", "jobId": "j_1"}, "give either batchId or jobId"),
        ("status", {"batchId": "b_1", "jobId": "j_1"}, "give only one of batchId, jobId"),
        ("promote", {"digest": "0123"}, "is no longer what '0123' stood for; nothing was changed"),
        ("status", {"jobId": "j_1"}, "There is no job 'j_1'"),
        ("promot", {}, "There is no tool 'promot'. Did you mean promote? The tools are:"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_allowed(
    client: Pipe, tool: str, arguments: dict[str, Any], words: str
) -> None:
    """In our own words, over the pipe as in the process."""
    assert words in refused(client, tool, **arguments)


def test_a_list_as_text_is_read_and_an_empty_one_is_absent(client: Pipe) -> None:
    """As Claude Desktop sends lists, and as models fill in what they need not."""

    def planned(**arguments: Any) -> list[str]:
        answer = client.call("generate", **WHOLE, **arguments)["structuredContent"]
        return [row["section"] for row in answer["sections"]]

    assert planned(sections='["menu/s1", "home/s2"]') == ["menu/s1", "home/s2"]
    assert planned(sections="menu/s1") == ["menu/s1"]
    assert planned(pages='["home"]') == ["home/s1", "home/s2", "home/s3"]
    everything = planned()
    assert len(everything) == 8
    nothings: tuple[object, ...] = ([], "", "[]", None)
    for empty in nothings:
        assert planned(sections=empty) == everything
    assert planned(page="", section="", pages=[], sections=[]) == everything


def test_a_message_that_is_no_call_gets_a_protocol_error_or_nothing(client: Pipe) -> None:
    """And the conversation goes on."""
    for params in ({"name": 5}, {}, {"name": "status", "arguments": [1]}):
        error = client.answer(client.request("tools/call", **params))["error"]
        assert error["code"] == -32602
        assert not LEAKS.search(json.dumps(error))
    assert client.process.stdin is not None
    for line in ("no JSON", "[]", "{}", '"text"', "\0", "[" * 10_000, ""):
        client.process.stdin.write(f"{line}\n")
    assert client.call("status")["structuredContent"]["message"]


def test_half_an_emoji_in_a_wish_is_no_reason_to_leave_a_call_unanswered(client: Pipe) -> None:
    """Hosts cut texts at any place."""
    answer = client.call("generate-all", **WHOLE, instructions="shorter \ud83d")
    assert answer["structuredContent"]["totalSections"] == 8
    assert client.call("generate-all", **WHOLE, instructions="a\0b")["structuredContent"]


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_batch_of_another_owner_does_not_exist(tmp_path: Path, era: Era) -> None:
    """Neither named, nor listed, nor among the nearest; and it cannot be stopped."""
    root = small_site(tmp_path / "site", {"menu": 3}, composer_delay_s=1, worker_idle_s=0.5)
    async with over_stdio(root) as local:
        batch_id = (await local.call("generate-all"))["batchId"]
        job_id = query(root, "SELECT job_id FROM jobs")[0][0]
        with serving(root, PRESSROOM_TOKEN="sk-one") as url:
            async with over_http(url, root, era=era, token="sk-one") as other:
                for tool in ("status", "cancel", "retry", "promote", "rollback"):
                    said = await other.refused(tool, batchId=batch_id)
                    assert said == f"There is no batch '{batch_id}'. `status` lists the batches."
                for tool in ("status", "cancel"):
                    assert "There is no job" in await other.refused(tool, jobId=job_id)
                assert (await other.call("status"))["operations"] == []
                held = await other.call("generate-all")
                assert batch_id not in json.dumps(held)
                assert held["queuedSections"] == 0
        seen = await local.call("status", batchId=batch_id, waitSeconds=30)
    assert seen["message"] == "3 of 3 drafted."
