"""Errors as data."""

import pickle
import traceback
from typing import Any

import pytest

from weft_engine.error_codes import CODES, register_codes
from weft_engine.errors import (
    ExpressionError,
    Failure,
    FlowError,
    FlowFileError,
    KernelError,
    NodeError,
    PatchError,
    ResourceError,
    WeftError,
    preview,
)

TREE = [WeftError, FlowError, FlowFileError, PatchError, ExpressionError, NodeError, ResourceError,
        KernelError]  # fmt: skip


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_a_code(kind: type[WeftError]) -> None:
    error = kind("it broke", hint="mend it", params={"at": 3})

    assert error.code in CODES
    assert str(error) == "it broke"
    assert error.as_dict() == {
        "code": kind.code, "message": "it broke", "hint": "mend it", "params": {"at": 3},
    }  # fmt: skip


@pytest.mark.parametrize("kind", TREE)
def test_errors_travel_between_processes(kind: type[WeftError]) -> None:
    error = kind("it broke", code="node.failed", hint="mend it", params={"at": 3}, retryable=True)
    back = pickle.loads(pickle.dumps(error))

    assert (type(back), back.as_dict(), back.retryable) == (kind, error.as_dict(), True)


def test_codes_are_plain_sentences() -> None:
    assert all(code == code.lower() and " " not in code for code in CODES)
    assert all(sentence.endswith(".") for sentence in CODES.values())


def test_a_code_keeps_its_meaning() -> None:
    register_codes({"node.failed": CODES["node.failed"]})
    with pytest.raises(ValueError, match="taken"):
        register_codes({"node.failed": "Something else."})


def test_a_failure_describes_the_whole_chain() -> None:
    class HttpError(Exception):
        status_code = 503

    def fail() -> None:
        try:
            try:
                raise FileNotFoundError(2, "No such file", "a.csv")
            except FileNotFoundError as first:
                raise HttpError("upstream") from first
        except HttpError as second:
            raise NodeError("reading failed", code="file.not_found", hint="Look") from second

    with pytest.raises(NodeError) as caught:
        fail()
    failure = Failure.of(caught.value, node="read", attempt=2, sample={"password": "x", "n": 1})

    assert (failure.code, failure.node, failure.attempt) == ("file.not_found", "read", 2)
    found = [(cause.type.rpartition(".")[2], cause.errno, cause.status) for cause in failure.chain]
    assert found == [
        ("NodeError", None, None), ("HttpError", None, 503), ("FileNotFoundError", 2, None),
    ]  # fmt: skip
    assert failure.sample == {"password": "•••", "n": 1}
    assert Failure.model_validate_json(failure.model_dump_json()) == failure


def test_a_failure_of_something_unforeseen() -> None:
    failure = Failure.of(ValueError())

    assert (failure.code, failure.message) == ("node.crashed", "ValueError")


class WordlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_a_failure_that_cannot_describe_itself() -> None:
    assert Failure.of(WordlessError()).message == "WordlessError"


def test_a_chain_that_bites_its_tail() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one

    assert len(Failure.of(one).chain) == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None), (True, True), (3, 3), (1.5, 1.5), (float("nan"), "nan"),
        ("x" * 900, "x" * 499 + "…"),
        ({"api_key": "secret", "Authorization": "Bearer", "token": None},
         {"api_key": "•••", "Authorization": "•••", "token": None}),
        ([[[[[1]]]]], [[[["…"]]]]), (list(range(30)), [*range(20), "…"]), ({1, 2} & {2}, [2]),
        (b"bytes", "<bytes>"), ("\ud800", "?"), ({i: i for i in range(22)},
                                               {**{str(i): i for i in range(20)}, "…": "2 more"}),
    ],
)  # fmt: skip
def test_previews_are_short_and_keep_secrets(value: Any, shown: Any) -> None:
    assert preview(value) == shown


def test_tracebacks_show_the_hint() -> None:
    error = pickle.loads(pickle.dumps(FlowError("it broke", hint="mend it")))

    shown = "".join(traceback.format_exception(error))
    assert shown.count("Hint: mend it") == 1
    assert "Hint" not in "".join(traceback.format_exception(FlowError("it broke")))
