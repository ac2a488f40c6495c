"""Lets real generators build made-up sites: `python -m tests.sites.builds --generator hugo`.

Each is installed by itself, from the registries that `uvx`, `npm` and `apt-get` are set up for. A
site is built as it is, imported, with pages redrafted, and after their rollback; then the starter
as that generator's pages. What is found wrong is printed; without any it ends with 0.
"""

from __future__ import annotations

import re
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import anyio

from tests.harness import desk, read_site, starter, trusted, write_site
from tests.sites import stages
from tests.sites.build import GENERATORS, Built, build
from tests.sites.builders import Builder, NotHad, files_in
from tests.sites.campaign import visiting
from tests.sites.owner import Owner
from tests.sites.stages import Redraft, Visit

WORD = b" anew"
"""What a redraft of a phrase adds to it, as the stages do it."""
REDRAFTED = re.compile(rb"told anew|All new|Of \d+: ")
"""What their other redrafts write, in whatever a generator makes of it."""
UNPUBLISHED = {"draft", "future"}


def differing(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[str]:
    """Return the paths of what is not the same in both."""
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


async def site_built(builder: Builder, owner: Owner, *, seed: int, pages: int) -> Visit:
    """Build the site before and after all that is done to it."""
    first, second = await _built(builder, owner), await _built(builder, owner)
    async with visiting(owner, seed=seed) as visit:
        if hides := builder.recipe.hides:
            _hide(owner.root / hides[0], *hides[1:])
        _expect_same(visit, first, second, "two builds of the same")
        _expect_same(visit, first, await _built(builder, owner), "imported")
        files = visit.random.sample(visit.drafted(), min(pages, len(visit.drafted())))
        half = len(files) // 2
        done = await stages.redraft(visit, files[:half])
        done += await stages.redraft(visit, files[half:], model=True)
        batch = await stages.promote(visit, done)
        _expect_redrafts(visit, first, await _built(builder, owner), done)
        await visit.until_done("rollback", batchId=batch)
        _expect_same(visit, first, await _built(builder, owner), "rolled back")
    return visit


def _hide(settings: Path, after: str, lines: str) -> None:
    settings.write_text(settings.read_text().replace(after, after + lines))


async def _built(builder: Builder, owner: Owner) -> Mapping[str, bytes] | str:
    built = await anyio.to_thread.run_sync(builder.build, owner.root)
    return built if isinstance(built, str) else files_in(built, builder.recipe.varies)


Files = Mapping[str, bytes] | str


def _expect_same(visit: Visit, first: Files, now: Files, what: str) -> None:
    if isinstance(first, str) or isinstance(now, str):
        visit.expect(False, f"{what}: {now if isinstance(now, str) else first}")
        return
    differs = differing(first, now)
    visit.expect(not differs, f"{what}: {len(differs)} of {len(first)} differ: {differs[:5]}")
    visit.counts[f"{what}, files alike"] += len(first) - len(differs)


def _expect_redrafts(visit: Visit, first: Files, now: Files, done: Sequence[Redraft]) -> None:
    """What differs shows a redrafted text, and each such text is shown."""
    if isinstance(first, str) or isinstance(now, str):
        visit.expect(False, f"redrafted: {now if isinstance(now, str) else first}")
        return
    differs = differing(first, now)
    # VitePress keeps each page a second time, in a `.lean.js` without texts.
    shown_in = {path: path.replace(".lean.js", ".js") for path in differs}
    others = [path for path, of in shown_in.items() if not _is_redraft(first.get(of), now.get(of))]
    visit.expect(not others, f"redrafted: {len(others)} others differ: {others[:5]}")
    was, shown = (b"\n".join(files.values()) for files in (first, now))
    for each in done:
        published = visit.owner.built.pages[each.file].isdisjoint(UNPUBLISHED)
        if published and each.how == "replace" and each.phrase in was:
            visit.expect(each.phrase + WORD in shown, f"{each} is not shown")
            visit.counts["redrafted phrases shown"] += each.phrase + WORD in shown
    visit.counts["outputs with redrafts"] += len(differs)


def _is_redraft(old: bytes | None, new: bytes | None) -> bool:
    """Whether one was made of the other by redrafts; a list by title may have another order."""
    if old is None or new is None:
        return False
    same = sorted(old.split(b"\n")) == sorted(new.split(b"\n"))
    return same or bool(REDRAFTED.search(new)) or new.replace(WORD, b"") == old


async def starter_built(builder: Builder, bare: Built, folder: Path) -> Iterator[str]:
    """Write the starter's pages into a site that has none, and build it; return what is wrong."""
    place = builder.recipe.pages or bare.content
    workspace = starter(folder, content_dir=str(bare.root / place))
    site = read_site(workspace)
    for page in site["pages"][::2] if builder.recipe.mdx else ():
        page["file"] = f"{page['id']}.mdx"
    write_site(workspace, site)
    async with desk(trusted(workspace)) as talk:
        await talk.run("generate-all")
        await talk.run("promote")
    built = await _built(builder, Owner(bare))
    return iter([built]) if isinstance(built, str) else _wrong_in(built, site["pages"])


def _wrong_in(built: Mapping[str, bytes], pages: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield which pages are not shown, and where more is printed than texts."""
    html = {path: data.decode() for path, data in built.items() if path.endswith(".html")}
    for page in pages:
        if not any(re.search(rf"\b{page['id']}\b", path) for path in html):
            yield f"no page {page['id']} among {sorted(html)}"
    for path, text in html.items():
        printed = re.sub(r"(?s)<!--.*?-->|<(script|style|head)\b.*?</\1>", "", text)
        if found := re.search(r"sections?:|(title|description): |\{/\*|&lt;!--", printed):
            yield f"{path} prints {printed[found.start() - 40 : found.end() + 80]!r}"


def main() -> None:
    parser = ArgumentParser(prog="tests.sites.builds", description=__doc__)
    parser.add_argument("--generator", choices=[*GENERATORS, "all"], default="all")
    parser.add_argument("--files", type=int, default=60, help="of each site")
    parser.add_argument("--pages", type=int, default=10, help="redrafted, of each site")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tools", type=Path, help="where generators are, or are installed")
    asked = parser.parse_args()
    wrong = 0
    for name in GENERATORS if asked.generator == "all" else (asked.generator,):
        folder = Path(tempfile.mkdtemp(prefix="builds-"))
        builder = Builder(name, asked.tools or folder / "tools")
        try:
            print(f"{name} {builder.install()}, in {folder}", flush=True)
        except NotHad as error:
            print(f"{name} could not be had: {error}", flush=True)
            continue
        owner = Owner(build(name, folder / name, files=asked.files, seed=asked.seed, broken=False))
        visit = anyio.run(
            lambda b=builder, o=owner: site_built(b, o, seed=asked.seed, pages=asked.pages)
        )
        bare = build(name, folder / "bare", files=0)
        at_starter = anyio.run(starter_built, builder, bare, folder / "starter")
        problems = [*visit.problems, *(f"starter: {each}" for each in at_starter)]
        print("  " + ", ".join(f"{what} {count:,}" for what, count in visit.counts.items()))
        print("".join(f"  {each}\n" for each in problems) or "  all as it should be", flush=True)
        wrong += len(problems)
    sys.exit(f"{wrong} problems" if wrong else 0)


if __name__ == "__main__":
    main()
