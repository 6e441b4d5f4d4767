"""From what was built to what one job runs."""

from dataclasses import replace
from typing import Any, Final, TypeVar

from weft_engine.kernel.building import Built
from weft_engine.kernel.graph import Graph, Ref
from weft_engine.kernel.keyed import KeyedStream
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.stream import DataStream

T = TypeVar("T")

SINKS: Final = frozenset({"sink", "for_each", "sink_factory", "collect_results"})


def program(graph: Graph, pipeline: Any = None) -> Graph:
    """A copy of the graph for one job, of what leads to the pipeline if one is given.

    Raises:
        ProgramError: when there is nothing to run, or the pipeline is none of this graph.
    """
    made = Graph(list(graph.vertices), list(graph.feedback))
    if pipeline is not None:
        made = restrict(made, _end_of(graph, pipeline))
    if not any(vertex.kind in SINKS for vertex in made.vertices):
        raise ProgramError(
            "there is nothing to run: no stream ends in a sink",
            code="program.nothing_to_run",
            hint="End a stream with sink(), print() or collect(), or use execute_and_collect().",
        )
    _check_dead_letters(made)
    return made


def collecting(graph: Graph, stream: DataStream[Any]) -> tuple[Graph, str]:
    """A program that collects one stream, and the uid of the collected records."""
    _end_of(graph, stream)
    made = Graph(list(graph.vertices), list(graph.feedback))
    built = DataStream[Any](made, stream.ref, stream.ship).then(
        "collect_results", name="collect", parallelism=1, keep=True
    )
    made = restrict(made, built.ref.operator)
    _check_dead_letters(made)
    return made, made.vertices[-1].uid


def restrict(graph: Graph, end: int) -> Graph:
    """Only the operators that lead to one of them, numbered anew."""
    needed: set[int] = set()
    open_ = [end]
    while open_:
        id_ = open_.pop()
        if id_ in needed:
            continue
        needed.add(id_)
        open_ += [ref.operator for ref in graph.vertices[id_].inputs]
        open_ += [ref.operator for ref, head in graph.feedback if head == id_]
    numbers = {id_: number for number, id_ in enumerate(sorted(needed))}

    def moved(ref: Ref) -> Ref:
        return Ref(numbers[ref.operator], ref.output)

    kept = [
        replace(vertex, id=numbers[vertex.id], inputs=tuple(map(moved, vertex.inputs)))
        for vertex in graph.vertices
        if vertex.id in needed
    ]
    back = [(moved(ref), numbers[head]) for ref, head in graph.feedback if head in needed]
    return Graph(kept, back)


def is_bounded(graph: Graph) -> bool:
    """Whether all sources end by themselves."""
    sources = (v.params.get("source") for v in graph.vertices if v.kind == "source")
    return all(getattr(source, "bounded", True) for source in sources)


def _check_dead_letters(graph: Graph) -> None:
    for ref in (ref for vertex in graph.vertices for ref in vertex.inputs):
        failing = graph.vertices[ref.operator]
        if ref.output == failing.outputs and failing.policy.on_error != "route":
            raise ProgramError(
                f"the dead letters of {failing.name!r} are read, but there never are any",
                hint='Put on_error("route") right behind the operator.',
            )


def _end_of(graph: Graph, pipeline: Any) -> int:
    built = pipeline.stream if isinstance(pipeline, KeyedStream) else pipeline
    if not isinstance(built, Built):
        raise ProgramError(
            f"{pipeline!r} is not a stream", hint="Give what sink(), print() or map() returned."
        )
    if built.graph is not graph:
        raise ProgramError(
            "the stream belongs to another environment", hint="Submit it where it was built."
        )
    return built.ref.operator
