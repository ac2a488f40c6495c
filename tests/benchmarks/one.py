"""Measures one system once, in a process of its own: its threads, signals and memory go with it.

    python -m tests.benchmarks.one '{"system": "huey", "figures": ["drain-1"], …}'

The answer is a JSON line per figure in the file `answer`.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from pydantic import BaseModel

from tests.benchmarks.across import delays_across
from tests.benchmarks.contending import contended
from tests.benchmarks.memory import peak_kb
from tests.benchmarks.place import Durability, Place, Queue, Sizes
from tests.benchmarks.pressroom import PressroomQueue
from tests.benchmarks.pressroom import open_queue as open_pressroom
from tests.benchmarks.rows import PileState, pile_up
from tests.benchmarks.systems import SYSTEMS

AT_ONCE = 50
CONCURRENCY = 50
PAUSE_S = (0.03, 0.13)
"""Between two pings: long enough that the worker is idle again, and out of step with its polls."""
UNHEARD_TURNS = 5
"""Drains of each sort: a difference of some percent is less than what two drains differ by."""
SETTLE_S = 0.5
"""How long a worker starts up before it counts as idle."""

Values = Mapping[str, float]


class Order(BaseModel, frozen=True, extra="forbid"):
    """What is to be measured, where, and where the answer goes."""

    system: str
    figures: tuple[str, ...]
    durability: Durability
    sizes: Sizes
    folder: Path
    answer: Path
    postgres: Mapping[str, str] = {}
    """By figure, the address of a fresh database."""


async def measure(order: Order, figure: str) -> Values:
    """Measure one figure on fresh storage."""
    with TemporaryDirectory(dir=order.folder, prefix=f"{order.system}-") as folder:
        place = Place(
            folder=Path(folder),
            durability=order.durability,
            postgres=order.postgres.get(figure),
        )
        jobs = SYSTEMS[order.system].jobs_max.get(figure, sys.maxsize)
        if figure in OWN:
            return await OWN[figure](place, order.sizes)
        async with _opened(order.system, place) as queue:
            return {figure: await _common(queue, figure, order.sizes, jobs)}


def _opened(system: str, place: Place) -> AbstractAsyncContextManager[Queue]:
    return import_module(SYSTEMS[system].module).open_queue(place)


async def _common(queue: Queue, figure: str, sizes: Sizes, jobs_max: int) -> float:
    """Measure what every system has; return jobs a second."""
    what, _, number = figure.partition("-")
    match what:
        case "drain":
            count = min(sizes.jobs, jobs_max)
            await queue.enqueue_many(count)
            return await queue.drain(count, int(number))
        case "bulk":
            count = min(sizes.bulk, jobs_max)
            return await _rate(count, lambda: queue.enqueue_many(count))
        case _:
            count = min(sizes.enqueues, jobs_max) // AT_ONCE * AT_ONCE
            if number == "1":
                return await _rate(count, lambda: queue.enqueue_each(count))
            return await _rate(count, lambda: queue.enqueue_at_once(count, AT_ONCE))


async def _rate(count: int, run: Callable[[], Awaitable[None]]) -> float:
    begun = time.perf_counter()
    await run()
    return count / (time.perf_counter() - begun)


async def _start(place: Place, sizes: Sizes) -> Values:
    async with open_pressroom(place) as queue, anyio.create_task_group() as tasks:
        tasks.start_soon(queue.worker(CONCURRENCY).run)
        await anyio.sleep(SETTLE_S)
        await _ping(queue, sizes.pings)
        while len(queue.delays_s) < sizes.pings:
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    return _percentiles("start", queue.delays_s)


async def _start_across(place: Place, sizes: Sizes) -> Values:
    async with open_pressroom(place) as queue:
        delays = await delays_across(place, sizes.pings, lambda: _ping(queue, sizes.pings))
    return _percentiles("start-across", delays)


async def _ping(queue: PressroomQueue, count: int) -> None:
    for _ in range(count):
        await queue.ping()
        await anyio.sleep(random.uniform(*PAUSE_S))


def _percentiles(figure: str, delays_s: Sequence[float]) -> Values:
    ranks = statistics.quantiles(delays_s, n=20, method="inclusive")
    return {f"{figure}-p50": ranks[9] * 1000, f"{figure}-p95": ranks[18] * 1000}


async def _drain_kept(place: Place, sizes: Sizes) -> Values:
    return {"drain-kept": await _drain_beside(place, sizes, sizes.kept, "completed")}


async def _drain_pending(place: Place, sizes: Sizes) -> Values:
    return {"drain-pending": await _drain_beside(place, sizes, sizes.waiting, "pending")}


async def _drain_others(place: Place, sizes: Sizes) -> Values:
    return {"drain-others": await _drain_beside(place, sizes, sizes.waiting, "pending", "other")}


async def _drain_scheduled(place: Place, sizes: Sizes) -> Values:
    return {"drain-scheduled": await _drain_beside(place, sizes, sizes.waiting, "scheduled")}


async def _drain_beside(
    place: Place, sizes: Sizes, pile: int, state: PileState, kind: str = "noop"
) -> float:
    pile_up(place.file, pile, state, kind)
    async with open_pressroom(place) as queue:
        await queue.enqueue_many(sizes.jobs)
        return await queue.drain(sizes.jobs, CONCURRENCY)


async def _unheard(place: Place, sizes: Sizes) -> Values:
    """Drain in turns without a subscriber, after one that has gone, and with steps beside."""
    rates = {"plain": list[float](), "unheard": list[float](), "reporting": list[float]()}
    async with open_pressroom(place) as queue:
        for turn in range(UNHEARD_TURNS):
            names = list(rates)
            for name in (names, names[::-1])[turn % 2]:
                rates[name].append(await _drain_unheard(queue, sizes.jobs, name))
    plain, unheard, reporting = (statistics.median(found) for found in rates.values())
    return {
        "unheard-cost": 100 * (1 - unheard / plain),
        "reporting-cost": 100 * (1 - reporting / plain),
    }


async def _drain_unheard(queue: PressroomQueue, count: int, name: str) -> float:
    await queue.enqueue_many(count, "reporting-noop" if name == "reporting" else "noop")
    if name == "plain":
        return await queue.drain(count, CONCURRENCY)
    await queue.subscribe_and_leave()
    return await queue.drain(count, CONCURRENCY)


async def _idle(place: Place, sizes: Sizes) -> Values:
    values: dict[str, float] = {}
    async with open_pressroom(place) as queue, anyio.create_task_group() as tasks:
        tasks.start_soon(queue.worker(CONCURRENCY).run)
        await anyio.sleep(SETTLE_S)
        memory_kb, cpu_s = peak_kb(), time.process_time()
        await anyio.sleep(sizes.idle_s)
        values["idle-cpu"] = 100 * (time.process_time() - cpu_s) / sizes.idle_s
        values["idle-growth"] = peak_kb() - memory_kb
        tasks.cancel_scope.cancel()
    return values


OWN: Mapping[str, Callable[[Place, Sizes], Awaitable[Values]]] = {
    "start": _start,
    "start-across": _start_across,
    "contended": contended,
    "drain-kept": _drain_kept,
    "drain-pending": _drain_pending,
    "drain-others": _drain_others,
    "drain-scheduled": _drain_scheduled,
    "unheard": _unheard,
    "idle": _idle,
}
"""What only Pressroom is asked."""


async def main(order: Order) -> None:
    """Measure each figure; one that breaks does not cost the others."""
    for figure in order.figures:
        try:
            values = dict(await measure(order, figure))
            line = json.dumps({"figure": figure, "values": values})
        except Exception as error:  # noqa: BLE001 -- told where the table is printed
            traceback.print_exc()
            line = json.dumps({"figure": figure, "error": f"{type(error).__name__}: {error}"})
        with order.answer.open("a", encoding="utf-8") as answer:
            answer.write(line + "\n")


if __name__ == "__main__":
    anyio.run(main, Order.model_validate_json(sys.argv[1]))
