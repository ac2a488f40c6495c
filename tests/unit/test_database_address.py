"""Which database an address names: the one that the driver would ask, or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from mcp_server.config import (
    database_of,
    holds_password,
    manner_of,
    open_workspace,
    without_its_password,
)
from mcp_server.trust import Grants, StateFolder

HONEST = {
    "postgresql://good/db": "good:5432/db",
    "postgres://me@GOOD:99/db": "good:99/db",
    "postgresql://me:secret@good/db?sslmode=require": "good:5432/db",
    "postgresql://[::1]:7/db": "::1:7/db",
    "postgresql://me@/db?host=/run/pg&port=6": "/run/pg:6/db",
    "postgresql://%2Frun%2FPG/db": "/run/PG:5432/db",
    "postgresql://good/d%62": "good:5432/db",
    "postgresql://good/?dbname=db": "good:5432/db",
    "postgresql://good/db?hostaddr=192.0.2.7": "good at 192.0.2.7:5432/db",
    "postgresql:///db?service=mine": ":5432/db (service mine)",
    "postgresql://me@One:6,two:7/db?target_session_attrs=read-write": "one:6,two:7/db",
    "postgresql://one,two:7/db": "one:5432,two:7/db",
    "postgresql://one,[::1]/db": "one:5432,::1:5432/db",
    "postgresql://one%2Ctwo/db": "one:5432,two:5432/db",
    "postgresql://one,two/db?port=7": "one:7,two:7/db",
    "postgresql://me@/db?host=/run/a,/run/b&port=6,7": "/run/a:6,/run/b:7/db",
}
TWO_WAYS = [
    "postgresql://good/db?host=evil",
    "postgresql://good/db?%68ost=evil",
    "postgresql://good:99/db?port=1",
    "postgresql://good/db?dbname=other",
    "postgresql:///db?host=good&host=evil",
    "postgresql://me@good/db?user=postgres",
    "postgresql://u@good@evil/db",
    "postgresql://u:p@good#@evil/db",
    "postgresql://u@good\\@evil/db",
    "postgresql://good/db#?host=evil",
    "postgresql://h?host=e/db",
    "postgresql://u@/secret@h/db",
    "postgresql://good/db?service=x&servicefile=here.conf",
    "postgresql://good/db%0Ax",
    "postgresql://good/\u202edb",
    "postgresql://good:port/db",
    "postgresql://good,evil:port/db",
    "postgresql://good:1,other:2/db?port=3",
    "postgresql://one,two,three/db?port=1,2",
    "postgresql://good/db?host=one,two",
    "postgresql:///db?host=/run/pg,here/pg",
]


@pytest.mark.parametrize(("address", "place"), HONEST.items())
def test_an_address_names_the_database_that_the_driver_would_ask(address: str, place: str) -> None:
    """Host, port and name are those that it takes, however they are written."""
    assert database_of(address) == place
    taken = conninfo_to_dict(address)
    assert str(taken["dbname"]) in place
    hosts, ports = (str(taken.get(key) or "").split(",") for key in ("host", "port"))
    for number, host in enumerate(hosts):
        port = ports[number % len(ports)] or 5432
        assert host.lower() in place.split(",")[number].lower()
        assert f":{port}" in place.split(",")[number]


@pytest.mark.parametrize("address", TWO_WAYS)
def test_what_can_be_read_in_two_ways_is_no_address(address: str) -> None:
    """So nobody says yes to one server, and is taken to another."""
    assert database_of(address) is None


def test_who_has_permitted_one_server_has_not_permitted_another(tmp_path: Path) -> None:
    """Its file is changed later: what was said holds for the server that was named."""

    def grants(address: str) -> Grants:
        settings = f'database = "{address}"\nworkspace_id = "site"\n'
        (tmp_path / "pressroom.toml").write_text(settings, "utf-8")
        workspace = open_workspace(tmp_path, {})
        return Grants(workspace, StateFolder(workspace, user_dir=tmp_path.parent / "user"))

    asked = grants("postgresql://good/db")
    workspace = open_workspace(tmp_path, {})
    StateFolder(workspace, user_dir=tmp_path.parent / "user").trust(
        {need.grant for need in asked.missing()}
    )
    assert grants("postgresql://GOOD:5432/d%62").of_database()
    assert not grants("postgresql://good/db?hostaddr=192.0.2.7").of_database()
    assert not grants("postgresql://good/db?service=evil").of_database()


def test_two_manners_are_never_written_alike() -> None:
    """Or a yes to one would be a yes to the other."""
    safe = "postgresql://me@h/db?application_name=a&sslmode=verify-full"
    alike = "postgresql://h/db?application_name=a%2C%20sslmode%3Dverify-full%2C%20user%3Dme"
    assert manner_of(safe) == "application_name=a, sslmode=verify-full, user=me"
    assert manner_of(alike) != manner_of(safe)
    again = "postgresql://h/db?application_name=a%252C%20sslmode%3Dverify-full%252C%20user%3Dme"
    assert manner_of(again) not in {manner_of(alike), manner_of(safe)}


@pytest.mark.parametrize("address", ["postgresql://me:@h/db", "postgresql://h/db?password="])
def test_an_empty_password_is_none(address: str) -> None:
    """The driver looks for one elsewhere then."""
    assert not holds_password(address)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:secret@h/db",
        "postgresql://me:secret@h:6,i:7/db",
        "postgresql://h/db?password=secret",
        "postgresql://h/db?%70assword=secret&sslmode=require",
        "postgresql://me@/db?host=/run/pg&sslpassword=secret",
    ],
)
def test_a_password_is_seen_and_taken_out_wherever_it_stands(address: str) -> None:
    """What is left names the same database."""
    assert holds_password(address)
    bare = without_its_password(address)
    assert "secret" not in bare
    assert not holds_password(bare)
    assert database_of(bare) == database_of(address)
    assert conninfo_to_dict(bare)["dbname"] == "db"
