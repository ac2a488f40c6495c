"""Build a made-up site: `uv run python -m tests.sites GENERATOR FOLDER --files 300`.

`all` builds one for each generator, each in a folder of its name.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from tests.sites.build import FILES, GENERATORS, build, build_all


def main() -> None:
    parser = ArgumentParser(prog="tests.sites", description=__doc__)
    parser.add_argument("generator", choices=[*GENERATORS, "all"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, help=f"pages (300; of all together {FILES})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--sound", action="store_true", help="leave out what some generators refuse"
    )
    asked = parser.parse_args()
    broken = not asked.sound
    if asked.generator == "all":
        sites = build_all(asked.folder, files=asked.files or FILES, seed=asked.seed, broken=broken)
    else:
        built = build(
            asked.generator, asked.folder, files=asked.files or 300, seed=asked.seed, broken=broken
        )
        sites = {asked.generator: built}
    for name, site in sites.items():
        print(f"{name}: {len(site.pages)} pages in {site.root / site.content}")


if __name__ == "__main__":
    main()
