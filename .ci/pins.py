"""Keep the versions that `uv run` resolves to: two lists under `[tool.uv]` in pyproject.toml.

They stand in for a lock file, which would name a package registry. They hold for whoever works on
this checkout, and are no part of what is built and installed from it.

    uv run --no-project .ci/pins.py               bring the lists to the newest that is allowed
    uv run --no-project .ci/pins.py check         fail where they are not what a resolution gives
    uv run --no-project .ci/pins.py lowest VENV   install the lowest that our bounds allow
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
RUN, BUILD = "constraint-dependencies", "build-constraint-dependencies"


def main(arguments: Sequence[str]) -> None:
    text = PROJECT.read_text("utf-8")
    match arguments:
        case []:
            free = _with_list(_with_list(text, RUN, []), BUILD, [])
            PROJECT.write_text(_resolved(free), "utf-8")
        case ["check"]:
            if _resolved(text) != text:
                sys.exit("The versions in pyproject.toml are not what it resolves to: run pins.py")
        case ["lowest", environment]:
            _install_lowest(text, Path(environment).resolve())
        case _:
            sys.exit(__doc__)


def _resolved(text: str) -> str:
    """Return the project file with both lists as its bounds, and the lists it has, resolve to."""
    project = tomllib.loads(text)
    with _folder(text) as folder:
        pins = _compiled(folder, *_requirements(project), "--universal")
    with _folder(text, known=project["tool"]["uv"][BUILD]) as folder:
        (folder / "build.txt").write_text("\n".join(project["build-system"]["requires"]), "utf-8")
        build_pins = _compiled(folder, "build.txt", "--universal")
    return _with_list(_with_list(text, RUN, pins), BUILD, build_pins)


def _install_lowest(text: str, environment: Path) -> None:
    """Install the lowest of what we name and, as far as they go together, the pins of the rest.

    So that a new release of something that we do not name changes nothing here. Where our own
    bounds do not go together, uv says why.
    """
    project = tomllib.loads(text)
    bounds = dict(_bounds(project))
    lowest = [f"{name}=={bound}" for name, bound in bounds.items()]
    rest = [pin for pin in project["tool"]["uv"][RUN] if _name(pin) not in bounds]
    with _folder(_with_list(text, RUN, []), known=lowest, preferred=rest) as folder:
        _compiled(folder, *_requirements(project))
        install = ("install", "--no-deps", "--python", str(environment))
        _uv_pip(folder, *install, "-r", "answer.txt", "--editable", str(PROJECT.parent))


@contextmanager
def _folder(
    text: str, *, known: Sequence[str] = (), preferred: Sequence[str] = ()
) -> Iterator[Path]:
    """Make a folder to resolve in: to what is `known`, and if it can be to the `preferred`.

    There, no lock file and nothing else that lies about in the checkout has a say.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "pyproject.toml").write_text(text, "utf-8")
        (folder / "known.txt").write_text("\n".join(known), "utf-8")
        (folder / "answer.txt").write_text("\n".join(preferred), "utf-8")
        yield folder


def _compiled(folder: Path, *options: str) -> list[str]:
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    python = project["project"]["requires-python"].removeprefix(">=")
    files = ("--constraints", "known.txt", "--output-file", "answer.txt")
    plain = ("--no-header", "--no-annotate", "--python-version", python)
    _uv_pip(folder, "compile", *files, *plain, *options)
    return (folder / "answer.txt").read_text("utf-8").splitlines()


def _uv_pip(folder: Path, *arguments: str) -> None:
    command = (os.environ.get("UV", "uv"), "pip", *arguments, "--quiet")
    if (ended := subprocess.run(command, cwd=folder, check=False)).returncode:
        sys.exit(ended.returncode)


def _requirements(project: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that ask for all that the project names, in all its groups."""
    yield "pyproject.toml"
    for name in project["dependency-groups"]:
        yield from ("--group", name)


def _bounds(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each requirement that the project names, and its lower bound."""
    groups = project["dependency-groups"].values()
    for requirement in chain(project["project"]["dependencies"], *groups):
        yield _name(requirement), requirement.partition(">=")[2].partition(",")[0]


def _name(requirement: str) -> str:
    """Return a requirement's name as a resolution writes it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def _with_list(text: str, name: str, lines: Sequence[str]) -> str:
    items = "".join(f'    "{line}",\n' for line in lines)
    found = re.compile(rf"(?<=^{name} = \[\n).*?(?=^\]$)", re.MULTILINE | re.DOTALL)
    text, count = found.subn(lambda _: items, text, count=1)
    assert count, f"pyproject.toml has a list {name}"
    return text


if __name__ == "__main__":
    main(sys.argv[1:])
