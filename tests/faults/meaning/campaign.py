"""Sites side by side, each in a workspace of its own."""

from __future__ import annotations

import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.faults.meaning.life import Life, Violation
from tests.faults.meaning.shop import install


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
    """Play these rounds; return which have failed, and what was done in all."""
    counts, failed = Counter[str](), list[int]()

    def played(number: int) -> None:
        root = folder / f"site{number}"
        done, began = Counter[str](), time.monotonic()
        problem = _problem_of(root, f"{seed}/{number}", moves, done)
        counts.update(done)
        if problem is None:
            shutil.rmtree(root, ignore_errors=True)
        else:
            failed.append(number)
            print(f"round {number} of seed {seed} ({root}):\n{problem}\n", flush=True)
        if not quiet:
            said = "well" if problem is None else "failed"
            print(f"{number}: {said}, {time.monotonic() - began:.1f} s", flush=True)

    with _shop(folder / "packages"), ThreadPoolExecutor(at_once) as pool:
        list(pool.map(played, numbers))
    if not failed and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return sorted(failed), counts


@contextmanager
def _shop(packages: Path) -> Generator[None]:
    """Have the shop's plugin installed for all processes that start meanwhile."""
    install(packages)
    sys.path.append(str(packages))
    try:
        yield
    finally:
        sys.path.remove(str(packages))


def _problem_of(root: Path, name: str, moves: int, counts: Counter[str]) -> str | None:
    """Play one round; return what went wrong in it."""
    life: Life | None = None
    try:
        life = Life(root, name, counts)
        life.live(moves)
    except Violation as violation:
        what = str(violation)
    except Exception:  # noqa: BLE001 - it is told, and the others go on
        what = traceback.format_exc()
    else:
        return None
    finally:
        if life is not None:
            life.close()
    done = "" if life is None else "\n".join(f"  {n}. {m}" for n, m in enumerate(life.done, 1))
    return f"{done}\n{what}"
