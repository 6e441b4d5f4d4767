"""What the nodes of a live run are given, put together when it starts."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.streaming_lowered import Around
from weft_engine.compiler.streaming_steps import Key
from weft_engine.kernel.settings import Settings
from weft_engine.runs.run import RunRequest
from weft_engine.runs.streaming.context import LiveNodeContext, RunFacts
from weft_engine.runs.streaming.ingress import Events
from weft_engine.runs.streaming.places import Places
from weft_engine.runs.streaming.watch import NodeWatch


def facts_of(
    request: RunRequest, compiled: Compiled, places: Places, values: Mapping[Key, Any]
) -> RunFacts:
    """The run as plain data.

    Args:
        request: What was asked for.
        compiled: The flow.
        places: Its folders.
        values: What the nodes before the stream gave; single values are known to expressions.
    """
    flow = compiled.flow
    inputs = {name: given.default for name, given in flow.inputs.items()}
    single: dict[str, Any] = {}
    for (node, port), value in values.items():
        outputs = compiled.wiring.nodes[node].outputs
        if not outputs[port].type.stream:
            single[node] = value if len(outputs) == 1 else single.get(node, {}) | {port: value}
    return RunFacts(
        run_id=request.run_id,
        root_id=places.root(request.continues),
        files_root=request.files_root,
        confined=request.confined,
        inputs={**inputs, **request.inputs},
        variables=dict(flow.variables),
        allow_hosts=request.allow_hosts,
        nodes=single,
    )


def around_of(facts: RunFacts, places: Places, settings: Settings) -> Around:
    """What lowering gives to operators; all of it travels to workers."""
    return Around(
        context=partial(LiveNodeContext, facts),
        watch=partial(_watch, facts.run_id, places.points),
        events=partial(_events, places.ingress, settings.checkpoint_keep),
        parallelism=settings.parallelism,
    )


def _watch(run_id: str, points: Path, node: str) -> NodeWatch:
    return NodeWatch(run_id, node, points)


def _events(path: Path, keep: int, node: str) -> Events:
    return Events(path, node, keep)
