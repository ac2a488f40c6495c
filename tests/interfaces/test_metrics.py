"""What Prometheus is told: by a real server, read as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.harness import small_site
from tests.waiting import PATIENCE_S
from tests.wire import over_http, serving

TOKEN = "sk-long-and-secret"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small site; one of its sections cannot be drafted without a template."""
    return small_site(tmp_path / "site", {"menu": 3}, synchronous="NORMAL")


@pytest.fixture
def local(root: Path) -> Iterator[str]:
    """A server on this machine only."""
    with serving(root) as url:
        yield url


def get(url: str, **headers: str) -> tuple[int, str, str]:
    """Ask for the metrics of the server at `url`; return status, type and text."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)) as connection:
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["content-type"], answer.read().decode()


def samples(url: str) -> Samples:
    """Scrape the server; return each sample by name and labels."""
    status, _, text = get(url)
    assert status == 200, text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return found[name, tuple(sorted(labels.items()))]


@pytest.mark.anyio
async def test_a_scrape_tells_jobs_attempts_and_lag(local: str, root: Path) -> None:
    """By state and kind; and how long the attempts took, where this process works."""
    async with over_http(local, root) as chat:
        before = samples(local)
        assert of(before, "pressroom_up") == 1
        assert of(before, "pressroom_jobs", state="completed") == 0
        await chat.call("generate-all", waitSeconds=30)
        await chat.call("promote", waitSeconds=30)
        found = samples(local)
    assert of(found, "pressroom_jobs", state="completed") >= 7
    assert of(found, "pressroom_queue_lag_seconds") == 0
    assert of(found, "pressroom_worker_alive") == 1
    assert of(found, "pressroom_last_claim_timestamp_seconds") > 1e9
    drafted = {"kind": "content-generate", "outcome": "done"}
    assert of(found, "pressroom_attempts_total", **drafted) == 3
    assert of(found, "pressroom_attempt_seconds_count", **drafted) == 3
    assert of(found, "pressroom_attempt_seconds_bucket", **drafted, le="+Inf") == 3
    assert of(found, "pressroom_attempt_seconds_sum", **drafted) > 0


def test_a_scraper_gets_the_format_it_asks_for(local: str) -> None:
    """The older one without being asked."""
    status, type, text = get(local, Accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert type.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert "pressroom_up 1.0" in text
    assert get(local)[1].startswith("text/plain")


def test_metrics_are_for_the_hosts_and_origins_that_may_call_the_tools(local: str) -> None:
    """A page in the user's browser cannot read them by a name of its own."""
    assert get(local, Host="evil.example")[0] == 421
    assert get(local, Origin="https://evil.example")[0] == 403
    assert get(local, Origin="http://localhost:3000")[0] == 200


def test_metrics_need_the_token_where_there_is_one(root: Path) -> None:
    """Unlike `/health`, which tells nothing."""
    names = ("--allowed-host", "127.0.0.1")
    with serving(root, "--host", "0.0.0.0", *names, PRESSROOM_TOKEN=TOKEN) as address:
        url = address.replace("0.0.0.0", "127.0.0.1")
        status, _, text = get(url)
        assert (status, "pressroom" in text) == (401, False)
        assert get(url, Authorization=f"Bearer {TOKEN}")[0] == 200


def test_a_broken_workspace_is_down_and_the_scrape_goes_on(root: Path) -> None:
    """An alarm needs an answer."""
    (root / "pressroom.toml").write_text("concurency = 4\n", "utf-8")
    with serving(root) as url:
        found = samples(url)
    assert of(found, "pressroom_up") == 0
    assert not any(name == "pressroom_jobs" for name, _ in found)
