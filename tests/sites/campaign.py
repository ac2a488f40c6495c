"""Works on a made-up site as its owner would: `python -m tests.sites.campaign --generator hugo`.

With `--generator all`, on one of each generator. Everything is real: the server over its pipes,
the worker, git, a model over HTTP. What is found wrong is printed; without any it ends with 0.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from argparse import ArgumentParser
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import anyio

from tests.harness import trusted
from tests.sites import comings, stages
from tests.sites.build import GENERATORS, build
from tests.sites.owner import Owner, copied
from tests.sites.stages import Visit
from tests.sites.told_anew import told_anew
from tests.wire import over_stdio

FILES = 250
PAGES = 23
"""Redrafted on each of nine sites: 200 and some over all."""

Stage = Callable[[Visit], Awaitable[None]]


def all_stages(pages: int) -> dict[str, Stage]:
    """Return what is done, in order."""
    return {
        "promoted": stages.promoted_whole,
        "redrafted": lambda visit: stages.redrafted_and_back(visit, pages),
        "by a model": lambda visit: stages.redrafted_and_back(
            visit, max(3, pages // 4), model=True
        ),
        "edited elsewhere": lambda visit: stages.edited_elsewhere(visit, max(4, pages // 2)),
        "git": lambda visit: stages.git_back_and_forth(visit, max(4, pages // 3)),
        "pull": stages.pulled_with_conflict,
        "by hand": stages.edited_by_hand,
        "formatted": lambda visit: stages.formatted_and_crlf(visit, max(4, pages // 4)),
        "come and go": comings.come_and_go,
        "renamed": comings.renamed,
        "folder away": comings.folder_away,
        "two for one": comings.two_for_one,
        "odd pages": comings.odd_pages,
    }


async def campaign(
    generator: str, folder: Path, *, files: int, seed: int, pages: int, only: Sequence[str] = ()
) -> Visit:
    """Build a site in `folder`, do all of it there, and return what was counted and wrong."""
    owner = Owner(build(generator, folder / generator, files=files, seed=seed))
    return await worked_on(owner, seed=seed, pages=pages, only=only)


async def worked_on(owner: Owner, *, seed: int, pages: int, only: Sequence[str] = ()) -> Visit:
    """Import the site, do all of it there, and return what was counted and wrong."""
    async with visiting(owner, *(("--split", "h2") if "split" in only else ()), seed=seed) as visit:
        await _staged(visit, pages, only)
    return visit


@asynccontextmanager
async def visiting(owner: Owner, *arguments: str, seed: int) -> AsyncGenerator[Visit]:
    """Put a site into git, import it, and talk to a server there that has a model."""
    owner.git("init", "-q")
    owner.git("add", "-A")
    owner.git("commit", "-qm", "The site")
    with told_anew() as model:
        visit = Visit(owner, None, Random(seed))  # type: ignore[arg-type] - no desk yet
        await stages.imported(visit, *arguments)
        with (owner.root / "pressroom.toml").open("a") as settings:
            settings.write(f'\nmodel = "m"\nmodel_url = "{model}"\n')
        trusted(owner.root)
        owner.git("add", "-A")
        owner.git("commit", "-qm", "Pressroom")
        try:
            async with over_stdio(owner.root) as desk:
                visit.desk = desk
                yield visit
        finally:
            await anyio.to_thread.run_sync(owner.stop)


async def _staged(visit: Visit, pages: int, only: Sequence[str]) -> None:
    todo = all_stages(pages)
    if "split" in only:
        splits: Stage = lambda visit: comings.split(visit, pages)  # noqa: E731 - as those above
        todo = {"split": splits}
    for name, stage in todo.items():
        if only and name not in only:
            continue
        began, known = time.perf_counter(), len(visit.problems)
        try:
            await stage(visit)
        except Exception as problem:  # noqa: BLE001 - the campaign goes on
            visit.expect(False, f"{name}: {problem!r} {traceback.format_exc(limit=-2)}")
            visit.owner.git("checkout", "-q", "-f", "master", ok=False)
            visit.owner.git("reset", "-q", "--hard")
            await _without_drafts(visit)
        took = time.perf_counter() - began
        print(f"  {name}: {took:.1f} s, {len(visit.problems) - known} problems", flush=True)
        for problem in visit.problems[known:]:
            print(f"    {problem}", flush=True)


async def _without_drafts(visit: Visit) -> None:
    """Take off what a stage that was broken off has left, or the next would promote it."""
    while rows := (await visit.desk.call("review", state=["draft", "changed"])).get("sections"):
        for row in rows:
            await visit.desk.call("edit", section=row["section"], discard=True)


def main() -> None:
    parser = ArgumentParser(prog="tests.sites.campaign", description=__doc__)
    parser.add_argument("--generator", choices=[*GENERATORS, "all"], default="all")
    parser.add_argument("--files", type=int, default=FILES, help="of each site")
    parser.add_argument("--pages", type=int, default=PAGES, help="redrafted, of each site")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--site", type=Path, help="a real site, of which a copy is worked on")
    parser.add_argument("--content", default="", help="its folder of pages")
    parser.add_argument("--folder", type=Path, help="where to leave the sites")
    asked = parser.parse_args()
    if asked.site is not None:
        folder = Path(tempfile.mkdtemp(prefix="campaign-")) / asked.site.name
        owner = Owner(copied(asked.site, folder, asked.content))
        visit = anyio.run(
            lambda: worked_on(owner, seed=asked.seed, pages=asked.pages, only=asked.only)
        )
        print(", ".join(f"{name} {count:,}" for name, count in visit.counts.items()))
        sys.exit(f"{len(visit.problems)} problems" if visit.problems else 0)
    names = GENERATORS if asked.generator == "all" else (asked.generator,)
    counts, problems = Counter[str](), list[str]()
    for name in names:
        folder = asked.folder or Path(tempfile.mkdtemp(prefix="campaign-"))
        print(name, folder, flush=True)
        visit = anyio.run(
            lambda n=name, f=folder: campaign(
                n, f, files=asked.files, seed=asked.seed, pages=asked.pages, only=asked.only
            )
        )
        counts += visit.counts
        problems += visit.problems
    print(", ".join(f"{name} {count:,}" for name, count in counts.items()))
    sys.exit(f"{len(problems)} problems" if problems else 0)


if __name__ == "__main__":
    main()
