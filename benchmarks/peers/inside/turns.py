"""What the programs here share: which work is wanted, and how its times are told."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

LAYERS = WIDTH = 10
SLEEP_S = 0.02


def before(layer: int, at: int) -> list[tuple[int, int]]:
    """The two nodes of the layer before on which a node depends; none for the first layer."""
    return [(layer - 1, at), (layer - 1, (at + 1) % WIDTH)] if layer else []


def ends_with(kind: str) -> float:
    """What the sum over the last layer has to be: each node adds its two inputs, or gives 1."""
    return WIDTH * (2.0**LAYERS if kind == "trivial" else 1.0)


def work(kind: str, a: float, b: float) -> float:
    """What a node does, where nodes may block."""
    if kind == "trivial":
        return a + b
    time.sleep(SLEEP_S)
    return 1.0


async def work_async(kind: str, a: float, b: float) -> float:
    """What a node does, where nodes wait together."""
    if kind == "trivial":
        return a + b
    await asyncio.sleep(SLEEP_S)
    return 1.0


class Rounds:
    """How often the work is done, and what it took; the first time does not count.

    The command line is `KIND KEPT ROUNDS`; what depends on the first two is the caller's.
    """

    def __init__(self) -> None:
        self.kind = sys.argv[1]
        self.taken: list[tuple[float, float]] = []

    def tell(self, once: Callable[[], float]) -> None:
        """Do the work; seconds by the clock and of this process go to standard output."""
        for _ in range(int(sys.argv[3]) + 1):
            began = time.perf_counter(), time.process_time()
            self._note(began, once())
        self._say()

    async def tell_async(self, once: Callable[[], Awaitable[float]]) -> None:
        """As `tell`, of work that is waited for."""
        for _ in range(int(sys.argv[3]) + 1):
            began = time.perf_counter(), time.process_time()
            self._note(began, await once())
        self._say()

    def _note(self, began: tuple[float, float], total: float) -> None:
        self.taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        if total != ends_with(self.kind):
            raise SystemExit(f"the sum is {total}, not {ends_with(self.kind)}")

    def _say(self) -> None:
        print(json.dumps({"taken": self.taken[1:]}), flush=True)
