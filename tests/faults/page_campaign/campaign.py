"""Lives of sites side by side, each in a workspace of its own."""

from __future__ import annotations

import shutil
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random

from tests.faults.page_campaign.life import Life, Violation
from tests.faults.page_campaign.moves import live
from tests.faults.page_campaign.site import Words
from tests.sites.told_anew import told_anew


def run(
    folder: Path,
    numbers: Sequence[int],
    *,
    seed: int,
    moves: int,
    at_once: int = 1,
    keep: bool = False,
    quiet: bool = True,
) -> tuple[list[int], Counter[str]]:
    """Live these lives; return which have failed, and what was done in all."""
    words = Words(Random(seed), count(10**6))
    counts, failed = Counter[str](), list[int]()

    def lived(number: int) -> None:
        root = folder / f"site{number}"
        done, began = Counter[str](), time.monotonic()
        problem = _problem_of(root, f"{seed}/{number}", model, moves, done)
        counts.update(done)
        if problem is None:
            shutil.rmtree(root, ignore_errors=True)
        else:
            failed.append(number)
            print(f"sequence {number} of seed {seed} ({root}):\n{problem}\n", flush=True)
        if not quiet:
            said = "well" if problem is None else "failed"
            print(f"{number}: {said}, {time.monotonic() - began:.1f} s", flush=True)

    with told_anew(words.line) as model, ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lived, numbers))
    if not failed and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return sorted(failed), counts


def _problem_of(root: Path, name: str, model: str, moves: int, counts: Counter[str]) -> str | None:
    """Live one life; return what went wrong in it."""
    life: Life | None = None
    try:
        life = Life(root, name, model, counts)
        live(life, moves)
    except Violation as violation:
        what = str(violation)
    except Exception:  # noqa: BLE001 - it is told, and the others go on
        what = traceback.format_exc()
    else:
        return None
    finally:
        if life is not None:
            life.hands.close()
    done = "" if life is None else "\n".join(f"  {n}. {m}" for n, m in enumerate(life.moves, 1))
    return f"{done}\n{what}"
