from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.kernel.streaming.reference import drive, fixed_windows, steps
from weft_engine.kernel.testing import OperatorHarness
from weft_engine.kernel.windows import Session, Sliding, Tumbling


def key(record):
    return record[0]


def pair(left, right):
    return (left, right)


def harness_of(assigner, how, lateness):
    params = {
        "assigner": assigner,
        "fn": pair,
        "how": how,
        "sides": ("late",),
        "lateness_ms": lateness,
    }
    return OperatorHarness("window_join", params, keys=(key, key), inputs=2, timed=True)


def pairs(found, how):
    lefts = [record[1:] for record in found if record[0] == 0]
    rights = [record[1:] for record in found if record[0] == 1]
    if how in ("right", "outer"):
        lefts = lefts or [None]
    if how in ("left", "outer"):
        rights = rights or [None]
    return [(left, right) for left in lefts for right in rights]


@given(
    st.sampled_from([Tumbling(10), Sliding(12, 5), Sliding(5, 5), Sliding(9, 3, offset=2)]),
    steps,
    st.sampled_from(["inner", "left", "right", "outer"]),
    st.sampled_from([0, 5]),
)
def test_joined_windows_are_those_of_the_definition(assigner, story, how, lateness):
    out, late = drive(harness_of(assigner, how, lateness), story, ports=2)
    fired, too_late = fixed_windows(assigner, story, lateness, ports=2)
    assert Counter(out) == Counter(
        (joined, window.end - 1) for _, window, found in fired for joined in pairs(found, how)
    )
    assert Counter(late) == Counter(too_late)


def test_sessions_are_joined_when_they_touch():
    harness = harness_of(Session(10), "outer", 0)
    harness.push([(0, 0, "a")], times=[0], port=0).push([(0, 9, "b")], times=[9], port=1)
    harness.push([(0, 50, "c")], times=[50], port=1).end()
    assert harness.timed_output() == [
        (((0, 0, "a"), (0, 9, "b")), 18),
        ((None, (0, 50, "c")), 59),
    ]
