"""compose.yaml as processes: a server over HTTP, two workers, a role that may do no more."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.shared.topology import SITE, TOKEN, Running, main_job, topology
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import REPOSITORY, command, environment, over_http

WORKED = "SELECT count(DISTINCT worker_id) FROM jobs"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The topology, which is started once."""
    with topology(tmp_path_factory.mktemp("topology")) as running:
        wait_until(lambda: len(_rows(running, "SELECT 1 FROM hosts WHERE role = 'worker'")) == 2)
        yield running


@pytest.mark.anyio
async def test_two_workers_do_the_main_job_of_a_server_over_http(found: Running) -> None:
    """None is started beside them, and all processes write the pages' one folder."""
    async with over_http(found.url, found.root, token=TOKEN) as chat:
        await main_job(chat, found.root)
        worker = (await chat.call("status"))["worker"]
    assert worker["message"].startswith("2 workers are running on ")
    assert {row["pid"] for row in worker["workers"]} == {
        found.processes[name].pid for name in ("worker-1", "worker-2")
    }
    assert _rows(found, WORKED) == [(2,)]


def test_a_process_has_few_connections(found: Running) -> None:
    """One writes, one reads, one listens: of three processes, nine."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pressroom'"
    wait_until(lambda: _rows(found, asked) == [(9,)])


def test_the_role_may_use_its_own_schema_only(found: Running) -> None:
    """It made its tables there; it may make nothing elsewhere, and is no superuser."""
    assert _rows(found, "SELECT count(*) > 20 FROM pg_tables WHERE tableowner = 'acme'") == [
        (True,)
    ]
    for refused in (
        "CREATE SCHEMA pressroom_other",
        "CREATE TABLE public.stray (id int)",
        "CREATE ROLE other",
        "CREATE DATABASE other",
        "ALTER SYSTEM SET work_mem = '1GB'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _rows(found, refused)
    assert _rows(found, "SHOW statement_timeout") == [("1min",)]


def test_the_doctor_finds_nothing_wrong(found: Running) -> None:
    """As the health check of a worker asks it."""
    state = found.root.parent / "state-worker-1" / "pressroom"
    done = subprocess.run(
        command("doctor", "--json", "--workspace", str(found.root)),
        env=environment(
            PRESSROOM_DATABASE=found.address,
            PRESSROOM_WORKSPACE_ID=SITE,
            PRESSROOM_CONTENT_ID=SITE,
            PRESSROOM_STATE_DIR=str(state),
        ),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    checks = json.loads(done.stdout)
    of_server = [each for each in checks if each["check"] in {"database", "worker", "queue"}]
    said = [each["message"] for each in of_server if each["level"] == "error"]
    assert (done.returncode, said) == (0, [])
    assert not any("superuser" in each["message"] for each in checks)


def test_hot_tables_are_cleared_before_they_grow(found: Running) -> None:
    """A million kept jobs do not hide 200,000 dead rows from claims."""
    asked = "SELECT reloptions::text FROM pg_class WHERE oid = 'jobs'::regclass"
    [(options,)] = _rows(found, asked)
    assert "autovacuum_vacuum_scale_factor=0.01" in str(options)


def test_compose_names_only_settings_that_there_are() -> None:
    """Docker does not run here: what can be checked is; the rest of it is run above."""
    services = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]
    assert set(services) == {"database", "server", "worker-1", "worker-2"}
    for name, service in services.items():
        assert service["healthcheck"]["test"], name
        if name != "database":
            assert service["user"] == "${PRESSROOM_UID:-10001}"
            assert service["depends_on"] == {"database": {"condition": "service_healthy"}}
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    for line in dockerfile.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            assert all((REPOSITORY / part).exists() for part in line.split()[1:-1]), line
    assert "USER 10001" in dockerfile


def _rows(found: Running, query: str) -> list[tuple[object, ...]]:
    options = f"-c search_path=pressroom_{SITE}"
    with psycopg.connect(found.address, autocommit=True, options=options) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def test_the_files_that_others_are_given_exist() -> None:
    """The role's script, as compose.yaml mounts it."""
    for name in ("role.sql", "role.sh"):
        assert (Path(REPOSITORY) / "deploy" / name).is_file()
