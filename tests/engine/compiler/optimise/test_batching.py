"""Nodes that are called for many records at a time give what they give one by one."""

import threading
from typing import Any, ClassVar, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.compiler.optimise.row_flows import CATALOGUE, run
from weft_engine.compiler.batching import BatchSize, Failed, call_in_batches
from weft_engine.compiler.calls import Call
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.ports import work_of
from weft_engine.nodes.spec import NodeSpec
from weft_engine.nodes.types import Json, Row, Skip, Text
from weft_engine.runs.outputs import OutputStore

ZH = Zh(title="批", summary="批。")


def info(**more: Any) -> NodeInfo:
    return NodeInfo(category="process", icon="x", title="Batch", zh=ZH, **more)


class Batches:
    """The sizes of batches, by node."""

    def __init__(self) -> None:
        self.found: dict[str, list[int]] = {}
        self.lock = threading.Lock()

    def note(self, name: str, count: int) -> None:
        with self.lock:
            self.found.setdefault(name, []).append(count)


seen = Batches()


def double(item: Any) -> Any:
    if item["a"] is None:
        raise ValueError("no number")
    return {"a": item["a"] * 2}


class Light(NodeType):
    """Doubles, in a stretch.

    >>> Light().process({"a": 1})
    {'a': 2}
    """

    type: Literal["t.light"] = "t.light"
    info = info()
    batch_size: int = 64

    def process(self, item: Json) -> Row:
        """One."""
        return double(item)

    def process_batch(self, item: list[Json]) -> list[Row]:
        """Many."""
        seen.note(self.type, len(item))
        return [double(each) for each in item]


class Model(Light):
    """Doubles, as a service that is asked.

    >>> Model().process({"a": 1})
    {'a': 2}
    """

    type: Literal["t.model"] = "t.model"  # type: ignore[assignment]
    info = info(cost="model")


class Waits(NodeType):
    """Doubles, as a service that is waited for.

    >>> Waits().type
    't.waits'
    """

    type: Literal["t.waits"] = "t.waits"
    info = info(cost="model")

    async def process(self, item: Json, ctx: NodeContext) -> Row:
        """One."""
        return double(item)

    async def process_batch(self, item: list[Json], ctx: NodeContext) -> list[Row]:
        """Many."""
        seen.note(ctx.node_id, len(item))
        return [double(each) for each in item]


KINDS = ["t.light", "t.model", "t.waits"]


@pytest.fixture(autouse=True)
def _types(monkeypatch: pytest.MonkeyPatch) -> None:
    seen.found.clear()
    catalogue = Catalogue([Light, Model, Waits, *CATALOGUE])
    assert not catalogue.problems, catalogue.problems
    monkeypatch.setattr("tests.engine.compiler.optimise.row_flows.CATALOGUE", catalogue)


def flow(kind: str, values: list[Any], **more: Any) -> Flow:
    return Flow.model_validate(
        {
            "name": "Batches",
            "nodes": {
                "s": {"type": "t.rows", "settings": {"rows": [{"a": value} for value in values]}},
                "b": {"type": kind, **more},
            },
            "edges": [{"source": "s", "source_port": "rows", "target": "b", "target_port": "item"}],
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_many_at_a_time_in_order(kind: str) -> None:
    made = run(flow(kind, list(range(300))), batch_size=128, store=OutputStore)

    assert made.result.failure is None
    assert [row["a"] for row in made.outputs["b"]["out"]] == list(range(0, 600, 2))
    sizes = seen.found["b" if kind == "t.waits" else kind]
    assert sum(sizes) == 300
    assert max(sizes) > 1
    assert max(sizes) <= 64
    assert made.seen("b")["in"] == 300


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("policy", "given_out"),
    [("skip", [0, 2, 8]), ("continue", [0, 2, None, None, 8]), ("route", [0, 2, 8])],
)
def test_policies_hold_record_by_record(kind: str, policy: str, given_out: list[Any]) -> None:
    made = run(flow(kind, [0, 1, None, None, 4], on_error=policy), store=OutputStore)

    assert [row and row["a"] for row in made.outputs["b"]["out"]] == given_out
    if policy == "route":
        assert [row["item"]["a"] for row in made.outputs["b"]["error"]] == [None, None]


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_that_fails_is_found(kind: str) -> None:
    values: list[Any] = [*range(40), None, *range(40)]
    made = run(flow(kind, values), store=OutputStore, batch_size=64)

    assert made.result.failure is not None
    assert made.result.failure["message"] == "no number"
    assert made.result.failure["sample"] == {"a": None}


@pytest.mark.parametrize("kind", ["t.model", "t.waits"])
def test_single_records_are_tried_again(kind: str) -> None:
    retry = {"max_attempts": 2, "delay_s": 0.0}
    made = run(flow(kind, [1, None, 3], on_error="skip", retry=retry), store=OutputStore)

    assert [row["a"] for row in made.outputs["b"]["out"]] == [2, 6]
    assert made.result.nodes["b"].attempts == 2


def test_not_where_calls_have_a_time_limit() -> None:
    made = run(flow("t.model", [1, 2, 3], timeout_s=60), store=OutputStore)

    assert [row["a"] for row in made.outputs["b"]["out"]] == [2, 4, 6]
    assert "t.model" not in seen.found


def test_templates_are_filled_in_many_at_a_time() -> None:
    made = run(
        flow("text.template", [1, 2], settings={"template": "{{ item.a }} of {{ run.node }}"})
    )
    assert made.outputs["b"]["text"] == ["1 of b", "2 of b"]


# How many


def test_it_grows_while_a_record_gets_cheaper() -> None:
    size = BatchSize(most=100)
    sizes = []
    for count in (16, 32, 64, 100, 100):
        assert size.size == count
        size.took(count, 0.001 * count**0.5)
        sizes.append(size.size)
    assert sizes[-1] == 100


def test_it_stays_when_nothing_is_gained() -> None:
    size = BatchSize()
    for _ in range(3):
        size.took(size.size, 0.001 * size.size)
    assert size.size == 32


@pytest.mark.parametrize(("most", "first"), [(1, 1), (4, 4), (1000, 16)])
def test_the_most(most: int, first: int) -> None:
    assert BatchSize(most).size == first


def test_it_shrinks_when_it_takes_too_long_and_when_it_fails() -> None:
    size = BatchSize(bound_s=0.5)
    size.took(16, 0.6)
    assert size.size == 8
    size.took(8, 0.1)
    assert size.size == 8
    size.failed(8)
    assert size.size == 4
    size.took(4, 0.1)
    assert size.size == 8


class Checked(NodeType):
    """Refuses some.

    >>> Checked().process("a")
    'A'
    """

    type: Literal["t.checked"] = "t.checked"
    info = info()
    most: ClassVar[int] = 1000

    def process(self, text: Text, mark: Text = "") -> Text:
        """One."""
        return self.process_batch([text], [mark])[0]

    def process_batch(self, text: list[Text], mark: list[Text]) -> list[Text]:
        """Many."""
        if len(text) > self.most:
            raise MemoryError
        if "bad" in text:
            raise ValueError("bad")
        return [each.upper() + end for each, end in zip(text, mark, strict=True)]


@given(
    texts=st.lists(st.sampled_from(["a", "b", "bad"]), max_size=60),
    most=st.sampled_from([1, 3, 1000]),
)
def test_answers_are_those_of_single_calls(texts: list[str], most: int) -> None:
    Checked.most = most
    call = Call(Checked(), work_of(Checked), (), None)  # type: ignore[arg-type]
    rows = [{"text": text, **({"mark": "!"} if at % 2 else {})} for at, text in enumerate(texts)]
    answers = call_in_batches(call, rows, BatchSize())

    told = [str(each.error) if isinstance(each, Failed) else each[0] for each in answers]
    ends = ["!" if at % 2 else "" for at in range(len(texts))]
    assert told == [
        "bad" if text == "bad" else text.upper() + end
        for text, end in zip(texts, ends, strict=True)
    ]


def test_wrong_answers_are_refused() -> None:
    class Short(Checked):
        def process_batch(self, text: list[Text], mark: list[Text]) -> list[Text]:
            return []

    call = Call(Short(), work_of(Short), (), None)  # type: ignore[arg-type]
    (answer,) = call_in_batches(call, [{"text": "a"}], BatchSize())
    assert isinstance(answer, Failed)
    assert getattr(answer.error, "code", "") == "node.bad_output"


# What may have it


class Ways(NamedTuple):
    """Two ways."""

    yes: Text | Skip
    no: Text | Skip


def test_the_trait_is_derived() -> None:
    assert NodeSpec.of(Light).traits.batchable is True
    assert work_of(Light).batched is True


@pytest.mark.parametrize("wrong", ["effects", "ports", "asynchronous"])
def test_who_may_not_have_it(wrong: str) -> None:
    class Other(NodeType):
        """Other."""

        type: Literal["t.other"] = "t.other"
        info = info(effects=wrong == "effects")

        def process(self, text: Text) -> Text:
            return text

        if wrong == "asynchronous":

            async def process_batch(self, text: list[Text]) -> list[Text]:
                return text

        elif wrong == "ports":

            def process_batch(self, other: list[Text]) -> list[Text]:
                return other

        else:

            def process_batch(self, text: list[Text]) -> list[Text]:
                return text

    with pytest.raises(TypeError, match="Other"):
        work_of(Other)
