"""The grid in LangGraph: a node of the state for each node; kept by its SQLite checkpointer."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from turns import LAYERS, WIDTH, Rounds, before, work_async

Step = Callable[[dict[str, float]], Awaitable[dict[str, float]]]


def name_of(layer: int, at: int) -> str:
    return f"n{layer}_{at}"


def step_of(kind: str, layer: int, at: int) -> Step:
    name = name_of(layer, at)
    needed = [name_of(*each) for each in before(layer, at)]

    async def step(state: dict[str, float]) -> dict[str, float]:
        a, b = [state[each] for each in needed] or (1.0, 1.0)
        return {name: await work_async(kind, a, b)}

    return step


def graph_of(kind: str, saver: Any) -> Any:
    places = [(layer, at) for layer in range(LAYERS) for at in range(WIDTH)]
    state = TypedDict("State", {name_of(*place): float for place in places})  # type: ignore[misc]
    graph = StateGraph(state)
    for layer, at in places:
        graph.add_node(name_of(layer, at), step_of(kind, layer, at))
        needed = [name_of(*each) for each in before(layer, at)]
        graph.add_edge(needed or START, name_of(layer, at))
    graph.add_edge([name_of(LAYERS - 1, at) for at in range(WIDTH)], END)
    return graph.compile(checkpointer=saver)


async def main() -> None:
    kind, kept = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as home:
        path = str(Path(home) / "checkpoints.db")
        saver = AsyncSqliteSaver.from_conn_string(path) if kept == "durable" else nullcontext()
        async with saver as opened:
            graph = graph_of(kind, opened)
            numbers = iter(range(1_000_000))

            async def once() -> float:
                config = {"configurable": {"thread_id": str(next(numbers))}}
                more = {"durability": "sync"} if kept == "durable" else {}
                found = await graph.ainvoke({}, config, **more)
                return float(sum(found[name_of(LAYERS - 1, at)] for at in range(WIDTH)))

            await Rounds().tell_async(once)


asyncio.run(main())
