"""Merge by position and by key, on the kernel and held against what it should give."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.flows.models import merge as expected
from weft_engine.errors import WeftError
from weft_engine.kernel.environment import LocalEnvironment
from weft_engine.library.control.merge import Merge

A, B = [{"k": 1, "a": "x"}, {"k": 2, "a": "y"}], [{"k": 2, "b": "z"}, {"k": 3, "b": "w"}]


def run(node: Merge, *ways: list[Any], batch_size: int = 3) -> list[Any]:
    env = LocalEnvironment(batch_size=batch_size)
    return env.run(node.build([env.from_collection(way) for way in ways]))


def code_of(work: Callable[[], Any]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the cause is what counts
        work()
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, WeftError):
        error = error.__cause__
    assert error is not None, caught.value
    return error.code


@pytest.mark.parametrize(
    ("settings", "ways", "result"),
    [
        pytest.param({"mode": "zip"}, [[{"a": 1}], [{"b": 2}], [{"c": 3}]],
                     [{"a": 1, "b": 2, "c": 3}], id="zip"),
        pytest.param({"mode": "zip"}, [[{"a": 1}], [{"a": 2}]], [{"a": 2}], id="the later wins"),
        pytest.param({"mode": "zip"}, [[], []], [], id="zip of nothing"),
        pytest.param({"mode": "zip", "uneven": "pad"}, [[{"a": 1}, {"a": 2}], [{"b": 3}]],
                     [{"a": 1, "b": 3}, {"a": 2}], id="pad"),
        pytest.param({"mode": "zip", "uneven": "cut"}, [[{"a": 1}, {"a": 2}], [{"b": 3}]],
                     [{"a": 1, "b": 3}], id="cut"),
        pytest.param({"mode": "by_key", "key": ["k"]}, [A, B],
                     [{"k": 1, "a": "x"}, {"k": 2, "a": "y", "b": "z"}, {"k": 3, "b": "w"}],
                     id="keep missing keys"),
        pytest.param({"mode": "by_key", "key": ["k"], "missing": "drop"}, [A, B],
                     [{"k": 2, "a": "y", "b": "z"}], id="drop missing keys"),
        pytest.param({"mode": "by_key", "key": ["k"]},
                     [[{"k": 1, "a": 1}, {"k": 1, "a": 2}], [{"k": 1, "b": 3}]],
                     [{"k": 1, "a": 1, "b": 3}, {"k": 1, "a": 2, "b": 3}], id="each of one key"),
        pytest.param({"mode": "by_key", "key": ["k"], "several": "last"},
                     [[{"k": 1, "a": 1}, {"k": 1, "a": 2}], [{"k": 1, "b": 3}]],
                     [{"k": 1, "a": 2, "b": 3}], id="last of one key"),
        pytest.param({"mode": "by_key", "key": ["k"], "several": "first"},
                     [[{"k": 1, "a": 1}, {"k": 1, "a": 2}], [{"k": 1, "b": 3}]],
                     [{"k": 1, "a": 1, "b": 3}], id="first of one key"),
        pytest.param({"mode": "by_key", "key": ["k"]}, [[{"k": None, "a": 1}], [{"k": None}]],
                     [{"k": None, "a": 1}, {"k": None}], id="no key has no partner"),
        pytest.param({"mode": "by_key", "key": ["k"]}, [[{"k": 1}], [{"k": True}, {"k": "1"}]],
                     [{"k": 1}, {"k": True}, {"k": "1"}], id="1, true and text differ"),
    ],
)  # fmt: skip
def test_rows_are_joined(settings: Any, ways: Any, result: Any) -> None:
    for size in (1, 3):
        assert run(Merge(**settings), *ways, batch_size=size) == result


@pytest.mark.parametrize(
    ("settings", "ways", "code"),
    [
        pytest.param({"mode": "zip"}, [[{"a": 1}], []], "control.uneven", id="uneven"),
        pytest.param({"mode": "zip"}, [["text"], [{"a": 1}]], "data.not_a_row", id="no rows"),
        pytest.param({"mode": "by_key", "key": ["k"], "missing": "fail"}, [A, B],
                     "control.missing_key", id="missing key"),
        pytest.param({"mode": "by_key", "key": ["k"], "several": "fail"}, [[*A, *A], B],
                     "control.several_of_key", id="several of one key"),
        pytest.param({"mode": "by_key", "key": ["kk"]}, [A, B], "data.unknown_column",
                     id="no such column"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined(settings: Any, ways: Any, code: str) -> None:
    assert code_of(lambda: run(Merge(**settings), *ways)) == code


ROWS = st.lists(
    st.fixed_dictionaries(
        {"k": st.integers(0, 4) | st.none()}, optional={"a": st.integers(0, 2), "b": st.just(1)}
    ),
    max_size=6,
)


@given(
    ways=st.lists(ROWS, min_size=1, max_size=3),
    mode=st.sampled_from(["append", "all", "any", "zip", "by_key"]),
    uneven=st.sampled_from(["pad", "cut"]),
    missing=st.sampled_from(["keep", "drop"]),
    several=st.sampled_from(["each", "first", "last"]),
    size=st.integers(1, 4),
)
def test_at_any_batch_size_it_gives_what_it_should(
    ways: list[list[Any]], mode: Any, uneven: Any, missing: Any, several: Any, size: int
) -> None:
    node = Merge(mode=mode, uneven=uneven, key=["k"], missing=missing, several=several)

    assert run(node, *ways, batch_size=size) == expected(node, ways)


def test_by_key_needs_a_key() -> None:
    with pytest.raises(ValueError, match="key columns"):
        Merge(mode="by_key")
