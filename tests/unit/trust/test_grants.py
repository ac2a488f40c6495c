"""What a workspace asks for beyond its own folder, and whether its user has said yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.config import (
    SettingsProblems,
    holds_password,
    manner_of,
    open_workspace,
    without_its_password,
)
from mcp_server.trust import Grants, StateFolder, destination, is_loopback

EVIL = "https://model.evil.example/v1"


def grants_of(folder: Path, settings: str, **environ: str) -> Grants:
    """Return what the user trusts in a workspace with these settings."""
    folder.mkdir(exist_ok=True)
    (folder / "pressroom.toml").write_text(settings, "utf-8")
    workspace = open_workspace(folder, environ)
    return Grants(workspace, StateFolder(workspace, user_dir=folder.parent / "user"))


def say_yes(folder: Path, settings: str, **environ: str) -> None:
    """Trust all that these settings ask for."""
    grants = grants_of(folder, settings, **environ)
    workspace = open_workspace(folder, environ)
    state = StateFolder(workspace, user_dir=folder.parent / "user")
    state.trust({need.grant for need in grants.missing()})


@pytest.mark.parametrize(
    ("settings", "setting", "would"),
    [
        ('model = "anthropic:claude"', "model", "the model provider anthropic, with your key"),
        (f'model = "x"\nmodel_url = "{EVIL}"', "model_url", "https://model.evil.example:443"),
        ('content_dir = "/srv/pages"', "content_dir", "in '/srv/pages', outside the workspace"),
        (
            'embedder = "voyageai:voyage-4"',
            "embedder",
            "the model provider voyageai, with your key",
        ),
        (
            f'embedder = "server:m"\nmodel_url = "{EVIL}"',
            "model_url",
            "https://model.evil.example:443",
        ),
        ('model = "openai:x"\nembedder = "openai:y"', "model", "the model provider openai"),
    ],
)
def test_what_the_workspaces_file_sends_or_writes_elsewhere_needs_a_word(
    tmp_path: Path, settings: str, setting: str, would: str
) -> None:
    """It is asked with what it would do; once it was said it is asked no more."""
    [need] = grants_of(tmp_path / "site", settings).missing()
    assert need.setting == setting
    assert would in need.would
    say_yes(tmp_path / "site", settings)
    assert not grants_of(tmp_path / "site", settings).missing()


@pytest.mark.parametrize("settings", ["", 'model = "composer"', 'content_dir = "pages"'])
def test_what_stays_in_the_workspace_needs_none(tmp_path: Path, settings: str) -> None:
    """The demo and most clones ask nothing."""
    grants = grants_of(tmp_path / "site", settings)
    assert not grants.missing()
    assert grants.of_model("composer", None) == "trusted"


def test_what_the_user_set_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment, or in a settings file of their own."""
    environ = {"PRESSROOM_MODEL": "x", "PRESSROOM_MODEL_URL": EVIL}
    grants = grants_of(tmp_path / "site", 'model = "y"\nmodel_url = "http://a/b"', **environ)
    assert not grants.missing()
    assert grants.of_model("x", EVIL) == "trusted"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "pressroom").mkdir(parents=True)
    (tmp_path / "config" / "pressroom" / "pressroom.toml").write_text('model = "openai:gpt"\n')
    grants = grants_of(tmp_path / "site", "")
    assert not grants.missing()
    assert grants.of_model("openai:gpt", None) == "trusted"
    assert [n.setting for n in grants_of(tmp_path / "site", 'model = "openai:x"').missing()] == [
        "model"
    ]


def test_a_url_of_the_workspace_is_not_the_users_because_the_model_is(tmp_path: Path) -> None:
    """The texts would go where the file says."""
    settings = f'model = "x"\nmodel_url = "{EVIL}"'
    grants = grants_of(tmp_path / "site", settings, PRESSROOM_MODEL="openai:gpt")
    assert [need.setting for need in grants.missing()] == ["model_url"]
    assert grants.of_model("openai:gpt", EVIL) == "untrusted"


def test_another_model_of_the_same_provider_needs_no_new_word_and_another_host_does(
    tmp_path: Path,
) -> None:
    """Neither does another path on the same server; another port is another server."""
    site = tmp_path / "site"
    say_yes(site, 'model = "anthropic:small"')
    assert grants_of(site, 'model = "anthropic:large"').of_model("anthropic:large", None) == (
        "trusted"
    )
    assert grants_of(site, 'model = "openai:gpt"').missing()
    say_yes(site, f'model = "x"\nmodel_url = "{EVIL}"')
    assert not grants_of(site, f'model = "y"\nmodel_url = "{EVIL}/other"').missing()
    for url in ("https://model.evil.example:8443/v1", "http://model.evil.example/v1"):
        assert grants_of(site, f'model = "x"\nmodel_url = "{url}"').missing()


def test_a_new_state_folder_is_trusted_with_nothing(tmp_path: Path) -> None:
    """A stranger's clone in the place of the user's own workspace inherits no word."""
    site, settings = tmp_path / "site", 'model = "anthropic:x"'
    say_yes(site, settings)
    (site / ".pressroom").rename(tmp_path / "gone")
    assert grants_of(site, settings).missing()


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://localhost:1/v1", True),
        ("http://LOCALHOST:1/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://localhost.evil.example/v1", False),
        ("http://127.0.0.1.evil.example/v1", False),
        ("http://127.1/v1", False),
        ("http://0.0.0.0/v1", False),
        ("http://192.168.0.1/v1", False),
        ("http://[::ffff:8.8.8.8]/v1", False),
        (EVIL, False),
    ],
)
def test_a_server_on_this_machine_is_asked_without_a_word_and_given_no_key(
    tmp_path: Path, url: str, own: bool
) -> None:
    """By its looks alone: a name may stand for another machine tomorrow."""
    assert is_loopback(url) is own
    grants = grants_of(tmp_path / "site", f'model = "x"\nmodel_url = "{url}"')
    assert grants.of_model("x", url) == ("keyless" if own else "untrusted")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://A.example/v1", "host:https://a.example:443"),
        ("http://a.example:8080", "host:http://a.example:8080"),
        ("http://[::1]/v1", "host:http://[::1]:80"),
    ],
)
def test_a_server_is_its_scheme_host_and_port(url: str, where: str) -> None:
    """Written in one way."""
    assert destination("x", url) == where


def test_a_workspace_that_takes_the_users_server_out_of_the_way_decides_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The texts would go to the provider, with the key for it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "pressroom").mkdir(parents=True)
    own = 'model = "openai:gpt"\nmodel_url = "https://own.example/v1"\n'
    (tmp_path / "config" / "pressroom" / "pressroom.toml").write_text(own)
    assert not grants_of(tmp_path / "site", "").missing()
    grants = grants_of(tmp_path / "site", 'model_url = ""')
    assert [need.setting for need in grants.missing()] == ["model_url"]
    assert grants.of_model("openai:gpt", None) == "untrusted"


@pytest.mark.parametrize(
    ("own", "settings", "trust"),
    [
        ('embedder = "openai:x"', "", "trusted"),
        ('model = "openai:x"', 'embedder = "openai:y"', "untrusted"),
        (f'model = "x"\nmodel_url = "{EVIL}"', 'embedder = "server:m"', "trusted"),
        ("", f'embedder = "server:m"\nmodel_url = "{EVIL}"', "untrusted"),
        ("", 'embedder = "server:m"\nmodel_url = "http://127.0.0.1:1/v1"', "keyless"),
        (
            'embedder = "server:m"\nmodel_url = "https://own.example"',
            f'model_url = "{EVIL}"',
            "untrusted",
        ),
    ],
)
def test_texts_are_embedded_where_the_user_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, settings: str, trust: str
) -> None:
    """Not where a workspace's file names a provider, or another server."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "pressroom").mkdir(parents=True)
    (tmp_path / "config" / "pressroom" / "pressroom.toml").write_text(own)
    grants = grants_of(tmp_path / "site", settings)
    assert grants.of_embedder() == trust
    assert bool(grants.missing()) == (trust != "trusted")


GOOD = "postgresql://good.example/site"


@pytest.mark.parametrize(
    "address",
    [
        f"{GOOD}?hostaddr=192.0.2.66",
        f"{GOOD}?service=evil",
        f"{GOOD}?port=6666",
        "postgresql://good.example:6666/site",
        "postgresql://good.example,evil.example/site",
        "postgresql://postgres@good.example/site",
        f"{GOOD}?user=postgres",
        f"{GOOD}?sslmode=disable",
        f"{GOOD}?sslmode=verify-full&sslrootcert=theirs.pem",
        f"{GOOD}?options=-csession_replication_role%3Dreplica",
    ],
)
def test_a_yes_to_one_database_is_none_to_another_that_looks_like_it(
    tmp_path: Path, address: str
) -> None:
    """What stands behind the question mark decides where the driver connects to."""
    driver = pytest.importorskip("psycopg.conninfo")
    assert driver.conninfo_to_dict(address) != driver.conninfo_to_dict(GOOD)
    say_yes(tmp_path / "site", f'database = "{GOOD}"\nworkspace_id = "site"\n')
    there = grants_of(tmp_path / "site", f'database = "{GOOD}"\nworkspace_id = "site"\n')
    assert there.of_database()
    other = grants_of(tmp_path / "site", f'database = "{address}"\nworkspace_id = "site"\n')
    assert not other.of_database()


def test_how_a_database_is_reached_is_permitted_however_it_is_written(tmp_path: Path) -> None:
    """The question names the role and the rest, and holds no password."""
    asked = f"{GOOD}?user=me&sslmode=verify-full&connect_timeout="
    file = 'database = "{}"\nworkspace_id = "site"\n'
    [need] = grants_of(tmp_path / "site", file.format(asked)).missing()
    assert "good.example:5432/site, as 'site' (sslmode=verify-full, user=me)" in need.would
    say_yes(tmp_path / "site", file.format(asked))
    again = "postgresql://me@good.example:5432/site?sslmode=verify-full"
    assert grants_of(tmp_path / "site", file.format(again)).of_database()
    assert manner_of("postgresql://me:secret@h/n?sslpassword=secret") == "user=me"


def test_who_permitted_an_address_of_the_files_may_say_it_themselves(tmp_path: Path) -> None:
    """With a password, say; the site there is the one that the file named before."""
    file = 'database = "postgresql://me@good.example/site"\nworkspace_id = "site"\n'
    say_yes(tmp_path / "site", file)
    own = {"PRESSROOM_DATABASE": f"{GOOD}?user=other&sslmode=require"}
    assert grants_of(tmp_path / "site", file, **own).of_database()
    for other in ("sit", "site2"):
        file = f'workspace_id = "{other}"'
        assert not grants_of(tmp_path / "site", file, **own).of_database()


@pytest.mark.parametrize("brought", ['workspace_id = "another"', 'content_id = "theirs"'])
def test_a_file_points_the_users_database_nowhere_without_their_word(
    tmp_path: Path, brought: str
) -> None:
    """A repository would name another site of theirs. How it is reached is the user's business."""
    environ = {"PRESSROOM_DATABASE": f"{GOOD}?sslmode=require"}
    own = environ | {"PRESSROOM_WORKSPACE_ID": "mine"}
    assert grants_of(tmp_path / "site", "", **own).of_database()
    said = environ if brought.startswith("workspace_id") else own
    assert not grants_of(tmp_path / "site", brought, **said).of_database()
    say_yes(tmp_path / "site", brought, **said)
    assert grants_of(tmp_path / "site", brought, **said).of_database()
    elsewhere = said | {"PRESSROOM_DATABASE": f"{GOOD}?sslmode=verify-full"}
    assert grants_of(tmp_path / "site", brought, **elsewhere).of_database()
    both = own | {"PRESSROOM_CONTENT_ID": "mine"}
    assert grants_of(tmp_path / "site", brought, **both).of_database()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://good.example#@evil.example/site",
        "postgresql://good.example?x@evil.example/site",
        "postgresql://me@good.example@evil.example/site",
        f"{GOOD}?host=evil.example",
        "postgresql://me@good.example/site?user=postgres",
        f"{GOOD}?ho%73t=evil.example",
        f"{GOOD}?host=good.example&host=evil.example",
        f"{GOOD}?host=",
        f"{GOOD}?dbname=other",
        f"{GOOD}?x=1?host=evil.example",
        "POSTGRESQL://good.example/site",
    ],
)
def test_an_address_that_the_driver_may_read_otherwise_is_none(
    tmp_path: Path, address: str
) -> None:
    """Nobody is asked for a word about one host that is meant for another."""
    with pytest.raises(SettingsProblems, match="database is no address of a database"):
        grants_of(tmp_path / "site", f'database = "{address}"\nworkspace_id = "site"\n')


def test_an_address_with_a_password_in_any_place_is_refused_in_the_file(tmp_path: Path) -> None:
    """The file may be in a repository."""
    for held in ("postgresql://me:x@h/n", f"{GOOD}?pass%77ord=x", f"{GOOD}?sslpassword=x"):
        with pytest.raises(SettingsProblems, match="holds a password"):
            grants_of(tmp_path / "site", f'database = "{held}"\nworkspace_id = "site"\n')
        assert not holds_password(without_its_password(held))
