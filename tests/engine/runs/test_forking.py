"""Another attempt of a run, as its flow was and as it is now: what is done, and what is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.attempts import Engine, chain, each, effect, loop, opened, rounds, tried
from tests.engine.runs.engine.harness import flow_of
from weft_engine.flow.dump import to_data
from weft_engine.flow.model import Flow
from weft_engine.runs.survey import REASONS, Effect, Survey


@dataclass
class Case:
    """A flow that fails, the flow as it is then, and what is to happen."""

    before: Flow
    now: Flow
    first: dict[str, int]
    """How often effects happened in the run that failed."""
    second: dict[str, int]
    """How often they happen in the attempt."""
    again: dict[str, str]
    """The nodes that run again, and why."""
    effects: dict[str, int]
    """Effects that are named beforehand as done again."""
    state: str = "completed"


CASES = {
    "nothing was changed": Case(
        chain(), chain(), {"pay": 1, "beside": 1}, {}, {"check": "failed", "send": "before_failed"},
        {}, "failed",
    ),
    "what failed was mended": Case(
        chain(), chain(bad=0), {"pay": 1, "beside": 1}, {"send": 1},
        {"check": "changed", "send": "before_changed"}, {},
    ),
    "the beginning was changed": Case(
        chain(), chain(first=5), {"pay": 1, "beside": 1}, {"pay": 1, "send": 1},
        {"v": "changed", "pay": "before_changed", "check": "before_changed",
         "send": "before_changed"},
        {"pay": 1},
    ),
    "names and places were changed": Case(
        chain(),
        chain(v=("t.value", {"value": 1}, {"name": "V", "position": {"x": 9, "y": 9}}),
              pay=("e.effect", {"name": "pay", "fail": 0}, {"retry": {"max_attempts": 3}})),
        {"pay": 1, "beside": 1}, {}, {"check": "failed", "send": "before_failed"}, {}, "failed",
    ),
    "a node is new, another gone": Case(
        chain(),
        flow_of(
            {"v": ("t.value", {"value": 1}), "pay": effect("pay"), "fresh": effect("fresh")},
            ["v.out>pay.item", "pay.out>fresh.item"],
            outputs=["fresh"],
        ),
        {"pay": 1, "beside": 1}, {"fresh": 1}, {"fresh": "new"}, {},
    ),
    "what failed is disabled": Case(
        chain(), chain(check=("e.bad_io", {"value": 1}, {"disabled": True})),
        {"pay": 1, "beside": 1}, {}, {}, {},
    ),
    "a round failed": Case(
        loop(), loop(), {"pay": 2, "send": 1}, {},
        {"loop": "failed", "loop/pay": "rest", "loop/check": "failed", "loop/send": "rest",
         "end": "before_failed"},
        {}, "failed",
    ),
    "a node in a loop was mended": Case(
        loop(), loop(bad=9), {"pay": 2, "send": 1}, {"pay": 1, "send": 3, "end": 3},
        {"loop": "inside", "loop/pay": "rest", "loop/check": "changed",
         "loop/send": "before_changed", "end": "before_changed"},
        {"loop/send": 1},
    ),
    "a loop does more at once": Case(
        loop(), loop(concurrency=2, bad=9), {"pay": 2, "send": 1}, {"pay": 1, "send": 3, "end": 3},
        {"loop": "changed", "loop/pay": "rest", "loop/check": "changed",
         "loop/send": "before_changed", "end": "before_changed"},
        {"loop/send": 1},
    ),
    "a loop goes through other records": Case(
        loop(), loop(numbers=[5, 6], bad=9), {"pay": 2, "send": 1}, {"pay": 2, "send": 2, "end": 2},
        {"n": "changed", "loop": "before_changed", "loop/pay": "before_changed",
         "loop/check": "changed", "loop/send": "before_changed", "end": "before_changed"},
        {"loop/pay": 2, "loop/send": 1},
    ),
    "rounds that follow from each other": Case(
        rounds(), rounds(bad=9), {"pay": 2}, {"pay": 3},
        {"loop": "inside", "loop/pay": "rest", "loop/twice": "rest", "loop/check": "changed"},
        {"loop/pay": 1},
    ),
    "the same, unchanged": Case(
        rounds(), rounds(), {"pay": 2}, {},
        {"loop": "failed", "loop/pay": "rest", "loop/twice": "rest", "loop/check": "failed"},
        {}, "failed",
    ),
    "what caught a failure failed": Case(
        tried(), tried(), {"pay": 1, "sorry": 1, "last": 1}, {"sorry": 1, "last": 1},
        {"try": "failed", "try/check": "failed", "try/sorry": "before_failed",
         "try/worse": "failed", "try/last": "before_failed"},
        {"try/sorry": 1, "try/last": 1}, "failed",
    ),
    "what was tried was mended": Case(
        tried(), tried(bad=0), {"pay": 1, "sorry": 1, "last": 1}, {"last": 1},
        {"try": "inside", "try/check": "changed", "try/sorry": "before_changed",
         "try/worse": "before_changed", "try/last": "before_changed"},
        {"try/sorry": 1, "try/last": 1},
    ),
    "a record failed": Case(
        each(), each(), {"pay": 3}, {}, {"check": "failed", "send": "before_failed"}, {}, "failed",
    ),
    "what failed on a record was mended": Case(
        each(), each(bad=9), {"pay": 3}, {"send": 3},
        {"check": "changed", "send": "before_changed"}, {},
    ),
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with opened(tmp_path) as engine:
        yield engine


def told(survey: Survey) -> dict[str, str]:
    assert {each.reason for each in survey.again} <= REASONS.keys()
    return {each.node: each.reason for each in survey.again}


@pytest.mark.parametrize("name", CASES)
def test_what_is_done_again(engine: Engine, name: str) -> None:
    case = CASES[name]
    failed, effects = engine.run(engine.request(case.before, "one"))
    assert (failed.state, effects) == ("failed", case.first)
    request = engine.request(case.now, "two", forked_from="one", retry=True)
    survey = engine.executor.survey(request)
    assert told(survey) == case.again
    assert {each.node: each.times for each in survey.effects} == case.effects
    result, effects = engine.run(request)
    assert (result.state, effects) == (case.state, case.second)


def test_what_was_taken_over_is_taken_over_once_more(engine: Engine) -> None:
    engine.run(engine.request(chain(), "one"))
    engine.run(engine.request(chain(), "two", forked_from="one", retry=True))
    request = engine.request(chain(bad=0), "three", forked_from="two", retry=True)
    assert engine.run(request)[1] == {"send": 1}


def test_a_run_of_another_attempt_gives_what_a_whole_run_gives(engine: Engine) -> None:
    engine.run(engine.request(loop(), "one"))
    again, _ = engine.run(engine.request(loop(bad=9), "two", forked_from="one", retry=True))
    whole, _ = engine.run(engine.request(loop(bad=9), "three"))
    assert again.outputs == whole.outputs


def test_the_cause_of_a_change_is_named(engine: Engine) -> None:
    engine.run(engine.request(chain(), "one"))
    request = engine.request(chain(first=5), "two", forked_from="one", retry=True)
    causes = {each.node: each.because for each in engine.executor.survey(request).again}
    assert causes == {"v": None, "pay": "v", "check": "v", "send": "v"}


def test_inputs_count_where_they_are_read(engine: Engine) -> None:
    def flow(default: str) -> Flow:
        return flow_of(
            {
                "a": ("flow.input", {"name": "a"}),
                "b": ("flow.input", {"name": "b"}),
                "one": ("text.template", {"template": "{{ item }}"}),
                "two": ("text.template", {"template": "{{ item }}{{ inputs.a }}"}),
                "check": ("control.fail", {"message": "no"}),
            },
            ["a.value>one.item", "b.value>two.item", "two.text>check.item"],
            inputs={"a": {"type": "Text", "default": "x"},
                    "b": {"type": "Text", "default": default}},
        )  # fmt: skip

    engine.run(engine.request(flow("y"), "one"))
    request = engine.request(flow("z"), "two", forked_from="one", retry=True)
    survey = engine.executor.survey(request)
    assert told(survey) == {
        "b": "changed", "two": "before_changed", "check": "before_changed"
    }  # fmt: skip
    assert survey.taken_over == ["a", "one"]


def test_another_attempt_of_a_part_does_not_repeat_what_it_did(engine: Engine) -> None:
    engine.run(engine.request(chain(bad=0), "one"))
    part = engine.request(chain(), "two", from_node="pay", forked_from="one")
    assert engine.run(part)[1] == {"pay": 1}
    request = engine.request(chain(bad=0), "three", from_node="pay", forked_from="two", retry=True)
    assert engine.run(request)[1] == {"send": 1}


def test_outputs_that_were_handed_over_hold_as_long_as_their_node_is_the_same(
    engine: Engine,
) -> None:
    first, _ = engine.run(engine.request(chain(bad=0), "one"))
    reuse = {name: node.outputs for name, node in first.nodes.items()}
    part = engine.request(chain(), "two", from_node="check", reuse=reuse)
    assert engine.run(part)[1] == {}
    part = {"from_node": "check", "forked_from": "two", "retry": True}
    assert engine.run(engine.request(chain(bad=0), "three", **part))[1] == {"send": 1}
    changed = engine.request(chain(bad=0, first=5), "four", **part)
    assert engine.run(changed)[1] == {"pay": 1, "send": 1}


def test_inputs_that_were_replaced_are_replaced_in_the_next_attempt(engine: Engine) -> None:
    engine.run(engine.request(chain(bad=0), "one"))
    fork = engine.request(
        chain(), "two", from_node="check", forked_from="one", overrides={"check": {"item": 1}}
    )
    assert engine.run(fork)[0].state == "failed"
    fork = engine.request(chain(bad=8), "three", from_node="check", forked_from="one",
                          overrides={"check": {"item": 8}})  # fmt: skip
    assert engine.run(fork)[0].state == "failed"
    again = engine.request(chain(bad=1), "four", from_node="check", forked_from="three", retry=True)
    result, effects = engine.run(again)
    assert (result.state, effects) == ("completed", {"send": 1})
    assert result.outputs["send"]["out"]["value"] == 8


def test_a_container_that_was_tried_several_times_goes_on_with_its_last_attempt(
    engine: Engine,
) -> None:
    def flow(bad: Any) -> Flow:
        nodes = loop(bad).model_dump(exclude_defaults=True)["nodes"]
        nodes["loop"]["retry"] = {"max_attempts": 2, "delay_s": 0}
        return Flow.model_validate({**to_data(loop(bad)), "nodes": nodes})

    assert engine.run(engine.request(flow(2), "one"))[1] == {"pay": 4, "send": 2}
    request = engine.request(flow(9), "two", forked_from="one", retry=True)
    assert engine.executor.survey(request).effects == [Effect(node="loop/send", times=1)]
    assert engine.run(request)[1] == {"pay": 1, "send": 3, "end": 3}


def test_a_fork_of_a_changed_flow_takes_over_what_lies_before(engine: Engine) -> None:
    engine.run(engine.request(chain(bad=0), "one"))
    now = chain(bad=7, beside=effect("beside", fail=0), w=("t.word", {"text": "other"}))
    request = engine.request(now, "two", from_node="check", forked_from="one")
    assert told(engine.executor.survey(request)) == {"check": "chosen", "send": "before_chosen"}
    assert engine.run(request)[1] == {"send": 1}


def test_an_effect_is_not_done_again_because_of_what_it_works_with(engine: Engine) -> None:
    def flow(template: str, path: str) -> Flow:
        return flow_of(
            {
                "rows": ("data.generate", {"count": 2}),
                "note": ("file.write", {"path": "note.csv"}),
                "text": ("text.template", {"template": template}),
                "other": ("file.write", {"path": "other.txt"}),
                "read": ("file.read_text", {"path": path}),
            },
            ["rows.rows>note.rows", "rows.rows>text.item", "text.text>other.rows"],
        )

    assert engine.run(engine.request(flow("a", "gone.txt"), "one"))[0].state == "failed"
    (engine.folder / "note.csv").unlink()
    (engine.folder / "here.txt").write_text("here")
    now = engine.request(flow("b", "here.txt"), "two", forked_from="one", retry=True)
    survey = engine.executor.survey(now)
    assert "note" in survey.taken_over
    assert [each.node for each in survey.effects] == ["other"]
    result, _ = engine.run(now)
    assert result.state == "completed", result.failure
    assert not (engine.folder / "note.csv").exists()
    assert (engine.folder / "other.txt").read_text() == "b\nb\n"


def test_without_the_earlier_run_everything_is_done(engine: Engine) -> None:
    request = engine.request(chain(bad=0), "two", forked_from="gone", retry=True)
    assert set(told(engine.executor.survey(request)).values()) == {"not_reached"}
    assert engine.run(request)[1] == {"pay": 1, "send": 1, "beside": 1}
