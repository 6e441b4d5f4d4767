"""Every pass on its own, and the plan they make together."""

from typing import Any

import pytest

from weft_engine.kernel.connectors import Source
from weft_engine.kernel.graph import Graph, Ref, Ship, Vertex
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.physical import PhysicalPlan, Stage
from weft_engine.kernel.planner import explain, make_physical
from weft_engine.kernel.policy import PLAIN, Policy
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.settings import Settings


class Numbers(Source[int]):
    def __init__(self, splits: int = 1, *, timed: bool = False) -> None:
        self.count = splits
        self.timed = timed

    def splits(self) -> range:
        return range(self.count)


def even(value: int) -> bool:
    return value % 2 == 0


def digit(value: int) -> int:
    return value % 10


def source(graph: Graph, name: str = "numbers", splits: int = 1, **more: Any) -> Ref:
    return Ref(graph.add("source", name=name, params={"source": Numbers(splits)}, **more).id)


def then(graph: Graph, kind: str, *refs: Ref, **more: Any) -> Ref:
    with graph.owned("", more.pop("policy", PLAIN)):
        return Ref(graph.add(kind, *refs, **more).id)


def plan(graph: Graph, parallelism: int = 1, **more: Any) -> PhysicalPlan:
    return make_physical(graph, Settings(parallelism=parallelism, **more), "test")


def shape(made: PhysicalPlan) -> list[tuple[list[str], int]]:
    return [([spec.name for spec in stage.operators], stage.parallelism) for stage in made.stages]


def wiring(made: PhysicalPlan) -> list[tuple[int, int, str]]:
    return [(edge.source, edge.target, edge.exchange) for edge in made.edges]


def uids(stage: Stage) -> list[str]:
    return [spec.uid for spec in stage.operators]


def test_operators_nobody_reads_are_left_out() -> None:
    graph = Graph()
    ref = source(graph)
    then(graph, "map", ref, name="forgotten", params={"fn": abs})
    then(graph, "for_each", ref, name="seen", params={"fn": abs})
    then(graph, "map", ref, name="kept", params={"fn": abs}, keep=True)
    made = plan(graph)
    assert shape(made) == [(["numbers"], 1), (["seen"], 1), (["kept"], 1)]
    assert "'forgotten' is left out" in explain(made)


def test_a_program_without_effects_is_refused() -> None:
    graph = Graph()
    then(graph, "map", source(graph), params={"fn": abs})
    with pytest.raises(ProgramError) as caught:
        plan(graph)
    assert caught.value.code == "program.nothing_to_run"


def test_one_thread_for_neighbours() -> None:
    graph = Graph()
    ref = then(graph, "map", source(graph), name="map", params={"fn": abs})
    then(graph, "sink", ref, name="out")
    assert shape(plan(graph)) == [(["numbers", "map", "out"], 1)]
    assert shape(plan(graph, chaining=False)) == [
        (["numbers"], 1),
        (["map"], 1),
        (["out"], 1),
    ]


@pytest.mark.parametrize(
    "more", [{"chain": False}, {"placement": "gpu"}, {"ships": (Ship("broadcast"),)}]
)
def test_what_keeps_neighbours_apart(more: dict[str, Any]) -> None:
    graph = Graph()
    ref = then(graph, "map", source(graph, parallelism=2), name="map", params={"fn": abs}, **more)
    then(graph, "sink", ref, name="out", placement=more.get("placement", ""))
    made = plan(graph, 2)
    assert shape(made) == [(["numbers"], 2), (["map", "out"], 2)]
    assert made.stages[1].placement == more.get("placement", "")


def test_failure_outputs_are_never_chained() -> None:
    graph = Graph()
    ref = then(graph, "map", source(graph), params={"fn": abs}, policy=Policy(on_error="route"))
    then(graph, "sink", ref)
    then(graph, "sink", Ref(ref.operator, 1))
    made = plan(graph)
    assert [len(stage.operators) for stage in made.stages] == [3, 1]
    assert [(edge.operator, edge.output) for edge in made.edges] == [(1, 1)]


def test_sources_run_once_for_every_split() -> None:
    graph = Graph()
    for name, splits, more in [("a", 1, {}), ("b", 3, {}), ("c", 9, {}), ("d", 1, {"at": 2})]:
        wanted = {"parallelism": more["at"]} if more else {}
        then(graph, "sink", source(graph, name, splits, **wanted), name=f"{name} out")
    assert shape(plan(graph, 4)) == [
        (["a"], 1),
        (["a out"], 4),
        (["b"], 3),
        (["b out"], 4),
        (["c", "c out"], 4),
        (["d"], 2),
        (["d out"], 4),
    ]


def test_hash_to_a_single_subtask_needs_no_exchange_when_chained() -> None:
    graph = Graph()
    ref = then(
        graph,
        "reduce_running",
        source(graph),
        name="sum",
        params={"fn": max},
        ships=(Ship("hash", digit),),
    )
    then(graph, "sink", ref, name="out")
    made = plan(graph)
    assert shape(made) == [(["numbers", "sum", "out"], 1)]
    assert made.stages[0].operators[1].key is digit
    apart = plan(graph, chaining=False)
    assert wiring(apart) == [(0, 1, "hash"), (1, 2, "forward")]
    spread = plan(graph, 4)
    assert wiring(spread) == [(0, 1, "hash")]
    assert spread.edges[0].key is digit


def test_operators_on_the_whole_stream_run_once() -> None:
    graph = Graph()
    ref = then(graph, "map", source(graph, splits=4), name="map", params={"fn": abs})
    ref = then(graph, "sort", ref, name="sort")
    then(graph, "sink", ref, name="out")
    made = plan(graph, 4)
    assert shape(made) == [(["numbers", "map"], 4), (["sort"], 1), (["out"], 4)]
    assert wiring(made) == [(0, 1, "gather"), (1, 2, "rebalance")]
    assert "'sort' runs as 1: it looks at the stream as a whole" in explain(made)


@pytest.mark.parametrize(
    ("more", "settings", "said"),
    [
        ({"kind": "sort", "parallelism": 2}, {}, "can only run as one"),
        ({"kind": "map", "parallelism": 0}, {}, "0 subtasks"),
        (
            {"kind": "reduce_running", "parallelism": 9, "ships": (Ship("hash", digit),)},
            {"key_groups": 8},
            "8 groups only",
        ),
        ({"kind": "map", "parallelism": 3, "ships": (Ship("forward"),)}, {}, "cannot go forward"),
        ({"kind": "map"}, {"key_groups": 100}, "power of two"),
        ({"kind": "map"}, {"parallelism": 0}, "at least 1"),
        ({"kind": "map", "uid": "source-0"}, {}, "'numbers' and 'it' both have the uid"),
        ({"kind": "map", "uid": ""}, {}, "empty uid"),
    ],
)
def test_what_cannot_run_is_said(more: dict[str, Any], settings: Any, said: str) -> None:
    graph = Graph()
    ref = then(graph, more.pop("kind"), source(graph), name="it", params={"fn": abs}, **more)
    then(graph, "sink", ref)
    with pytest.raises(ProgramError) as caught:
        make_physical(graph, Settings(**settings), "test")
    assert said in str(caught.value) + caught.value.hint
    assert caught.value.hint


def test_unions_are_only_wiring() -> None:
    graph = Graph()
    inner = then(graph, "union", source(graph, "a"), source(graph, "b"), name="inner")
    outer = then(graph, "union", inner, source(graph, "c"), name="outer")
    then(graph, "sink", outer, name="out")
    made = plan(graph)
    assert shape(made) == [(["a"], 1), (["b"], 1), (["c"], 1), (["out"], 1)]
    assert [(edge.source, edge.target, edge.port) for edge in made.edges] == [
        (0, 3, 0),
        (1, 3, 0),
        (2, 3, 0),
    ]
    assert made.stages[3].operators[0].inputs == 1


def test_a_stream_united_with_itself_counts_twice() -> None:
    graph = Graph()
    ref = source(graph)
    united = then(graph, "union", ref, ref)
    then(graph, "sink", then(graph, "filter", united, params={"fn": Inline("item")}), name="out")
    assert wiring(plan(graph)) == [(0, 1, "forward"), (0, 1, "forward")]


def test_the_ships_of_a_union_hold_unless_its_reader_wants_another() -> None:
    graph = Graph()
    united = then(
        graph,
        "union",
        source(graph, "a"),
        source(graph, "b"),
        ships=(Ship("broadcast"), Ship("auto")),
    )
    then(graph, "sink", united, name="one")
    then(graph, "reduce_running", united, keep=True, ships=(Ship("hash", digit),))
    made = plan(graph, 2)
    assert [exchange for _, _, exchange in wiring(made)] == [
        "broadcast",
        "rebalance",
        "hash",
        "hash",
    ]


def test_a_union_with_wishes_of_its_own_stays() -> None:
    graph = Graph()
    united = then(graph, "union", source(graph, "a"), source(graph, "b"), parallelism=2)
    then(graph, "sink", united, name="out")
    assert shape(plan(graph)) == [(["a"], 1), (["b"], 1), (["union"], 2), (["out"], 1)]


def test_filters_move_before_a_rebalance() -> None:
    graph = Graph()
    ref = source(graph)
    ref = then(
        graph,
        "filter",
        ref,
        name="first",
        params={"fn": Inline("item > 0")},
        ships=(Ship("rebalance"),),
    )
    ref = then(graph, "filter", ref, name="second", params={"fn": Inline("item < 9")})
    ref = then(graph, "filter", ref, name="opaque", params={"fn": even})
    then(graph, "sink", ref, name="out")
    made = plan(graph, 4)
    assert shape(made) == [(["numbers", "first", "second"], 1), (["opaque", "out"], 4)]
    assert wiring(made) == [(0, 1, "rebalance")]


def test_filters_move_before_a_union() -> None:
    graph = Graph()
    united = then(graph, "union", source(graph, "a"), source(graph, "b"))
    ref = then(graph, "filter", united, uid="keep", name="keep", params={"fn": Inline("item")})
    then(graph, "reduce_running", ref, name="sum", keep=True, ships=(Ship("hash", digit),))
    made = plan(graph, 2)
    assert shape(made) == [(["a", "keep"], 1), (["b", "keep"], 1), (["sum"], 2)]
    assert [uids(stage)[-1] for stage in made.stages[:2]] == ["keep.0", "keep.1"]
    assert wiring(made) == [(0, 2, "hash"), (1, 2, "hash")]


@pytest.mark.parametrize(
    "more",
    [
        {"params": {"fn": even}},
        {"params": {"fn": Inline("item")}, "policy": Policy(on_error="route")},
        {"params": {"fn": Inline("item")}, "ships": (Ship("broadcast"),)},
    ],
)
def test_filters_that_stay(more: dict[str, Any]) -> None:
    graph = Graph()
    ref = source(graph)
    more = {"ships": (Ship("rebalance"),), **more}
    then(graph, "sink", then(graph, "filter", ref, name="filter", **more), name="out")
    assert shape(plan(graph, 2)) == [(["numbers"], 1), (["filter", "out"], 2)]


def test_times_go_as_far_as_they_are_known() -> None:
    graph = Graph()
    plain = source(graph, "plain")
    timed = then(graph, "timestamps", plain, name="timed")
    mapped = then(graph, "map", timed, name="mapped", params={"fn": abs})
    both = then(graph, "union", mapped, plain)
    then(graph, "sink", both, name="mixed")
    then(graph, "sink", then(graph, "drop_times", mapped, name="dropped"), name="no times")
    then(graph, "sink", then(graph, "sort", mapped, name="sorted"), name="no times either")
    made = plan(graph)
    timed_names = {s.name for stage in made.stages for s in stage.operators if s.timed}
    assert timed_names == {"timed", "mapped"}


def test_feedback_leads_back_and_keeps_its_body_alive() -> None:
    graph = Graph()
    loop = then(graph, "iterate", source(graph), name="loop")
    body = then(graph, "map", loop, name="body", params={"fn": abs})
    graph.feedback.append((body, loop.operator))
    then(graph, "sink", loop, name="out")
    made = plan(graph)
    assert wiring(made) == [
        (0, 1, "forward"),
        (1, 2, "forward"),
        (1, 3, "forward"),
        (2, 1, "forward"),
    ]
    assert [edge.feedback for edge in made.edges] == [False, False, False, True]
    assert made.edges[3].port == 1


def test_keys_of_several_inputs() -> None:
    graph = Graph()
    keys = (Ship("hash", digit), Ship("hash", abs))
    ref = then(graph, "co_process", source(graph, "a"), source(graph, "b"), ships=keys)
    then(graph, "sink", ref)
    spec = plan(graph).stages[2].operators[0]
    assert (spec.key, spec.keys, spec.inputs) == (digit, (digit, abs), 2)


def test_the_graph_is_left_as_it_was() -> None:
    graph = Graph()
    united = then(graph, "union", source(graph, "a"), source(graph, "b"))
    then(graph, "sink", united)
    before: list[Vertex] = list(graph.vertices)
    plan(graph, 4)
    assert graph.vertices == before


def test_records_in_several_hands_are_copied_when_objects_are_not_reused() -> None:
    graph = Graph()
    ref = then(graph, "map", source(graph), name="map", params={"fn": abs})
    then(graph, "sink", ref, name="one")
    then(graph, "sink", ref, name="other")
    reused = [s.copies for stage in plan(graph).stages for s in stage.operators]
    made = plan(graph, object_reuse=False)
    copied = {s.name for stage in made.stages for s in stage.operators if s.copies}
    assert not any(reused)
    assert copied == {"map", "one", "other"}


def test_state_that_comes_of_broadcast_records_is_shared() -> None:
    graph = Graph()
    rules, numbers = source(graph, "rules"), source(graph, "numbers")
    ships = (Ship("auto"), Ship("broadcast"))
    told = then(graph, "co_process", numbers, rules, name="told", ships=ships)
    other = then(graph, "co_process", numbers, rules, name="other")
    awaited = then(graph, "async_map", rules, name="awaited", ships=(Ship("broadcast"),))
    keyed = (Ship("hash", digit), Ship("hash", digit))
    joined = then(graph, "join", numbers, rules, name="joined", ships=keyed)
    for ref in (told, other, awaited, joined):
        then(graph, "sink", ref)
    made = plan(graph, parallelism=3)
    shared = {spec.name: spec.shared for stage in made.stages for spec in stage.operators}
    assert {name for name, is_shared in shared.items() if is_shared} == {"told", "joined"}
