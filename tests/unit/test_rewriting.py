"""A workspace's file with another value in it keeps every other byte."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest

from mcp_server.config import holds_password, rewritten, without_its_password, write_settings_file
from mcp_server.errors import Unavailable

VALUES = {"database": "postgresql://me@db/sites", "workspace_id": "site"}
LINES = 'database = "postgresql://me@db/sites"\nworkspace_id = "site"\n'


def _rewritten(folder: Path, text: str, values: dict[str, str] = VALUES) -> str:
    (folder / "pressroom.toml").write_bytes(text.encode())
    return rewritten(folder, values)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", LINES),
        ("concurrency = 2\n", f"{LINES}concurrency = 2\n"),
        ("# mine\n\n[budget]\n", f"# mine\n{LINES}\n[budget]\n"),
        ("\ufeffconcurrency = 2\n", f"\ufeff{LINES}concurrency = 2\n"),
        (
            "database=\"\" # here\nworkspace_id = 'old'\n",
            'database="postgresql://me@db/sites" # here\nworkspace_id = "site"\n',
        ),
        (
            '"database" = "x\\"y"\r\n',
            'workspace_id = "site"\r\n"database" = "postgresql://me@db/sites"\r\n',
        ),
        ("# no line end", LINES + "# no line end"),
        (
            '[plugins.x]\ndatabase = "theirs"\n# database = ""\n',
            f'{LINES}[plugins.x]\ndatabase = "theirs"\n# database = ""\n',
        ),
        (
            'model = """\ndatabase = "x"\n"""\n',
            f'{LINES}model = """\ndatabase = "x"\n"""\n',
        ),
    ],
)
def test_the_values_are_set_and_all_else_stays(tmp_path: Path, before: str, after: str) -> None:
    """Wherever they stood, or where none stood; tables and long texts are left alone."""
    assert _rewritten(tmp_path, before) == after
    assert _rewritten(tmp_path, after) == after, "done twice, it does no more"


def test_in_the_starters_file_they_stand_below_what_explains_them(tmp_path: Path) -> None:
    """As somebody who reads it would put them."""
    starter = resources.files("mcp_server.content").joinpath("starter", "pressroom.toml")
    before = starter.read_text("utf-8")
    lines = _rewritten(tmp_path, before).splitlines()
    for name, value in VALUES.items():
        at = lines.index(f'{name} = "{value}"')
        assert lines[at - 1] == f'# {name} = ""'
        del lines[at]
    assert lines == before.splitlines()


def test_a_value_of_several_lines_is_left_to_its_user(tmp_path: Path) -> None:
    """Who is told what to write."""
    with pytest.raises(Unavailable, match=r"write it as one line, database = "):
        _rewritten(tmp_path, 'database = """\npostgresql://me@here/x"""\n')


def test_the_file_is_replaced_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    """Nothing else is left in the folder."""
    file = tmp_path / "pressroom.toml"
    file.write_text("concurrency = 1\n")
    file.chmod(0o640)
    (tmp_path / "pressroom.toml.new").write_text("from a try that was killed")
    write_settings_file(tmp_path, "concurrency = 2\r\n")
    assert file.read_bytes() == b"concurrency = 2\r\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["pressroom.toml"]
    assert tomllib.loads(file.read_text()) == {"concurrency": 2}


@pytest.mark.parametrize(
    ("address", "bare"),
    [
        ("postgresql://me@db/x", "postgresql://me@db/x"),
        ("postgresql://me:secret@db:5433/x", "postgresql://me@db:5433/x"),
        ("postgres://me:s%40t@/x?host=/run&port=1", "postgres://me@/x?host=/run&port=1"),
        ("postgresql://db/x?password=secret&user=me", "postgresql://db/x?user=me"),
        ("postgresql://me:@[::1]/x?password=secret", "postgresql://me@[::1]/x"),
    ],
)
def test_a_password_is_taken_out_of_an_address(address: str, bare: str) -> None:
    """And nothing else."""
    assert without_its_password(address) == bare
    assert not holds_password(bare)
