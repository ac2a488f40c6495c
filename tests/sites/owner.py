"""Somebody who has a site: its files, its git, and what editors and formatters do to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.sites.build import Built
from tests.wire import REPOSITORY, command, environment

OURS = {"pressroom", ".pressroom", ".git"}
BROKEN = {"merge conflict", "latin-1", "never closes"}
PROSE = re.compile(rb"[^\s\[\]{}<>*_`|#\\:~=!$&+/\"'()-][^\[\]{}<>*_`|#\\:~=!$&+/\"'()\r\n]{30,}")

CODE = re.compile(rb"[<>{}=]|^[ \t]|^(?:import|export|title|label)\b")
"""A line with one of these may hold words that are none for readers."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A site that was built, and is a workspace."""

    built: Built

    @property
    def root(self) -> Path:
        """The site's folder."""
        return self.built.root

    @property
    def content(self) -> Path:
        """The folder of its pages."""
        return self.root / self.built.content

    def path(self, file: str) -> Path:
        """Return where a page's file is."""
        return self.content / file

    def tree(self) -> dict[str, bytes]:
        """Return every file in the content folder, less what Pressroom keeps for itself."""
        return {
            path.relative_to(self.content).as_posix(): path.read_bytes() for path in self._all()
        }

    def _all(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.content):
            if Path(folder) == self.content:
                folders[:] = [name for name in folders if name not in OURS]
            for name in names:
                path = Path(folder) / name
                if name != "pressroom.toml" and path.is_file():
                    yield path

    def init(self, *arguments: str) -> str:
        """Run `pressroom init` here; return what it says."""
        return self.run(*command("init", str(self.root), *arguments))

    def stop(self) -> None:
        """Stop the worker that the server left behind."""
        subprocess.run(
            command("stop", "--workspace", str(self.root)),
            env=environment(),
            capture_output=True,
            check=False,
        )

    def git(self, *arguments: str, ok: bool = True) -> str:
        """Run git here."""
        named = ("-c", "user.name=Rosa", "-c", "user.email=rosa@example.org")
        return self.run("git", *named, *arguments, ok=ok)

    def status(self) -> str:
        """Return what git says has changed, less Pressroom's own files."""
        said = self.git("status", "--short", "--", ".", ":!pressroom", ":!pressroom.toml")
        return said.strip()

    def run(self, *line: str, ok: bool = True) -> str:
        """Run a command here; return what it says."""
        variables = environment(PYTHONPATH=str(REPOSITORY))
        done = subprocess.run(
            line, cwd=self.root, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not ok, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    # How a file comes to have another text

    def save_by_rename(self, file: str, data: bytes) -> None:
        """Write beside it, and rename: vim, VS Code on some disks, and most tools."""
        path = self.path(file)
        beside = path.with_name(f"{path.name}.tmp")
        beside.write_bytes(data)
        beside.replace(path)

    def truncate_then_write(self, file: str, data: bytes) -> None:
        """Empty it, and write in two steps: nano, and editors of old."""
        with self.path(file).open("wb") as opened:
            opened.flush()
            os.fsync(opened.fileno())
            opened.write(data[: len(data) // 2])
            opened.flush()
            opened.write(data[len(data) // 2 :])

    def with_backups(self, file: str, data: bytes) -> None:
        """Write as Emacs and vim do, who leave their own files beside it."""
        path = self.path(file)
        path.with_name(f"{path.name}~").write_bytes(path.read_bytes())
        path.with_name(f"{path.name}.swp").write_bytes(b"b0VIM 9.0")
        path.with_name(f".#{path.name}").symlink_to("rosa@home.1234")
        path.with_name(f"#{path.name}#").write_bytes(data[:40])
        path.write_bytes(data)

    def with_old_times(self, file: str, data: bytes) -> None:
        """Write and set the times back, as tools do that copy from elsewhere."""
        path = self.path(file)
        was = path.stat()
        path.write_bytes(data)
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def copied(site: Path, folder: Path, content: str) -> Built:
    """Copy a site that is there, and return what its pages are like, as far as it matters."""
    left_out = shutil.ignore_patterns(*OURS, "pressroom.toml", "node_modules")
    shutil.copytree(site, folder, ignore=left_out, symlinks=True)
    inside = folder / content
    paths = sorted(path for path in inside.rglob("*") if path.suffix in {".md", ".mdx"})
    plain = [path for path in paths if path.is_file() and not path.is_symlink()]
    pages = {p.relative_to(inside).as_posix(): _traits(p.read_bytes()) for p in plain}
    return Built(folder, content, pages)


def _traits(data: bytes) -> frozenset[str]:
    text = data.removeprefix(b"\xef\xbb\xbf")
    has = {
        "toml": text.startswith(b"+++"),
        "none": not text.startswith((b"---", b"+++")),
        "crlf": b"\r\n" in data,
        "bom": text != data,
        "front only": not text.split(b"\n---", 1)[-1].strip(b"\n- "),
    }
    return frozenset(name for name, there in has.items() if there)


def phrase_in(data: bytes, body_at: int) -> bytes | None:
    """Return some words of plain prose that stand once in the file, in a line of prose only."""
    for found in PROSE.finditer(data, body_at):
        words = found[0].strip().split(b" ")
        phrase = b" ".join(words[:4]) if len(words) > 5 else found[0][4:16].strip()
        if len(phrase) > 7 and data.count(phrase) == 1 and _is_text(phrase):
            line = data[data.rfind(b"\n", 0, found.start()) + 1 : data.find(b"\n", found.end())]
            if CODE.search(line) is None:
                return phrase
    return None


def _is_text(phrase: bytes) -> bool:
    try:
        return bool(phrase.decode("utf-8").strip())
    except UnicodeDecodeError:
        return False


def formatted(data: bytes) -> bytes:
    """Return a text as a formatter leaves it: other bullets and emphasis, and blank lines."""
    fenced, lines = False, list[str]()
    for line in data.decode("utf-8").split("\n"):
        if re.match(r"\s*(```|~~~)", line):
            fenced = not fenced
        lines.append(line if fenced else re.sub(r"^( {0,3})[*+] (?=\S)", r"\1- ", line))
    return "\n".join(lines).rstrip("\n").encode() + b"\n"
