"""Flows that call flows: what is called is found, and frozen, when the run starts."""

from typing import Any

import pytest

from tests.server.runs.flows import BROKEN, GREETING, Runner
from tests.server.support import Server
from weft_engine.flow.model import Flow
from weft_server.errors import Invalid


def calling(*names: str, disabled: bool = False) -> dict[str, Any]:
    return {
        "format": "weft/1",
        "name": "Calls",
        "nodes": {
            f"call{number}": {
                "type": "flow.call",
                "settings": {"flow": name},
                **({"disabled": True} if disabled else {}),
            }
            for number, name in enumerate(names)
        },
    }


def named(flow: dict[str, Any], name: str) -> dict[str, Any]:
    return {**flow, "name": name}


def found(runner: Runner, flow: dict[str, Any], by: Runner | None = None) -> dict[str, Any]:
    called = runner.server.app.state.runs._launcher.called
    who = (by or runner).person.id
    work = called.of(Flow.model_validate(flow), user_id=who, workspace_id=runner.workspace_id)
    answer: dict[str, Any] = runner.server.call(work).flows
    return answer


def refused(runner: Runner, flow: dict[str, Any], by: Runner | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        found(runner, flow, by)
    return caught.value.code


def test_called_flows_are_found_by_id_and_by_name(server: Server) -> None:
    runner = Runner(server)
    by_id = runner.create(named(GREETING, "By id"))
    runner.create(named(GREETING, "By name"))
    flows = found(runner, calling(by_id, "By name"))
    assert {name: flow["name"] for name, flow in flows.items()} == {
        by_id: "By id",
        "By name": "By name",
    }
    assert flows[by_id]["nodes"].keys() == GREETING["nodes"].keys()


def test_calls_within_calls_are_found_and_circles_end(server: Server) -> None:
    runner = Runner(server)
    runner.create(named(calling("Top", "Inner"), "Middle"))
    runner.create(named(GREETING, "Inner"))
    runner.create(named(GREETING, "Top"))
    assert found(runner, calling("Middle")).keys() == {"Middle", "Top", "Inner"}


CIRCLES: list[tuple[str, dict[str, str], str]] = [
    ("itself", {"A": "A"}, "A → A"),
    ("each other", {"A": "B", "B": "A"}, "B → A → B"),
    ("through others", {"A": "B", "B": "C", "C": "B"}, "B → C → B"),
]


@pytest.mark.parametrize(("case", "flows", "way"), CIRCLES, ids=[case for case, *_ in CIRCLES])
def test_flows_that_call_themselves_are_refused_with_a_fix(
    case: str, flows: dict[str, str], way: str, server: Server
) -> None:
    runner = Runner(server)
    ids = {name: runner.create(named(calling(called), name)) for name, called in flows.items()}
    checked = runner.client.post(f"/api/flows/{ids['A']}/check").json()["problems"]
    (found,) = [one for one in checked if one["code"] == "check.call_recursion"]
    assert (found["node"], found["params"]["way"]) == ("call0", way)
    assert [fix["code"] for fix in found["fixes"]] == ["fix.turn_off", "fix.remove_node"]
    refused = runner.start(ids["A"])
    assert (refused.status_code, refused.json()["code"]) == (422, "flow.invalid")
    assert refused.json()["problems"][0]["code"] == "check.call_recursion"
    patch = {"ops": found["fixes"][0]["patch"]["ops"]}
    assert runner.client.post(f"/api/flows/{ids['A']}/patches", json=patch).is_success
    again = runner.client.post(f"/api/flows/{ids['A']}/check").json()["problems"]
    assert not [one for one in again if one["code"] == "check.call_recursion"]


def test_a_circle_is_found_by_id_too(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(named(calling("X"), "By id"))
    patch = {"ops": [{"op": "set_setting", "node": "call0", "path": "flow", "value": flow_id}]}
    assert runner.client.post(f"/api/flows/{flow_id}/patches", json=patch).is_success
    checked = runner.client.post(f"/api/flows/{flow_id}/check").json()["problems"]
    assert [one["params"]["way"] for one in checked if "way" in one["params"]] == ["By id → By id"]


def test_a_disabled_call_needs_nothing(server: Server) -> None:
    assert found(Runner(server), calling("Nowhere", disabled=True)) == {}


def test_what_is_not_there_or_not_visible_is_refused(server: Server) -> None:
    runner = Runner(server)
    others = Runner(server).create(named(GREETING, "Others"))
    assert refused(runner, calling("Nowhere")) == "run.called_flow_missing"
    assert refused(runner, calling(others)) == "run.called_flow_missing"
    assert refused(runner, calling("Others")) == "run.called_flow_missing"
    mine = runner.create(named(GREETING, "Mine"))
    stranger = Runner(server)
    assert refused(runner, calling(mine), by=stranger) == "run.called_flow_missing"


def test_a_name_that_several_have_is_refused(server: Server) -> None:
    runner = Runner(server)
    for _ in range(2):
        runner.create(named(GREETING, "Twice"))
    assert refused(runner, calling("Twice")) == "run.called_flow_ambiguous"


def test_a_called_flow_with_errors_is_refused(server: Server) -> None:
    runner = Runner(server)
    runner.create(named(BROKEN, "Broken one"))
    assert refused(runner, calling("Broken one")) == "flow.invalid"


def test_a_run_is_forked_only_by_those_who_may_see_what_it_calls(server: Server) -> None:
    runner, guest = Runner(server), Runner(server)
    runner.create(named(GREETING, "Private"))
    shared = runner.create(calling("Private"))
    given = {"items": [{"email": guest.person.email, "role": "editor"}]}
    assert runner.client.put(f"/api/flows/{shared}/shares", json=given).is_success
    run = runner.run(shared)
    answer = guest.client.post(f"/api/runs/{run['id']}/fork", json={"from_node": "call0"})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.called_flow_missing")
    mine = runner.client.post(f"/api/runs/{run['id']}/fork", json={"from_node": "call0"})
    assert mine.status_code == 202, mine.text


@pytest.mark.parametrize("by", ["id", "name"])
def test_what_a_run_called_is_not_another_flow_of_that_name(server: Server, by: str) -> None:
    runner, guest = Runner(server), Runner(server)
    private = runner.create(named(GREETING, "Private"))
    name = private if by == "id" else "Private"
    shared = runner.create(calling(name))
    run = runner.run(shared)
    for given in (shared, other := runner.create(named(GREETING, name))):
        shares = {"items": [{"email": guest.person.email, "role": "editor"}]}
        assert runner.client.put(f"/api/flows/{given}/shares", json=shares).is_success
    assert guest.client.get(f"/api/flows/{other}").json()["name"] == name
    answer = guest.client.post(f"/api/runs/{run['id']}/fork", json={"from_node": "call0"})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.called_flow_missing")


def test_a_failed_run_is_tried_again_only_by_those_who_may_see_what_it_calls(
    server: Server,
) -> None:
    runner, guest = Runner(server), Runner(server)
    failing = {
        "format": "weft/1",
        "name": "Fails",
        "nodes": {
            "read": {"type": "file.read_text", "settings": {"path": "nowhere.txt"}},
            "show": {"type": "show.text"},
        },
        "edges": [
            {"source": "read", "source_port": "text", "target": "show", "target_port": "text"}
        ],
    }
    runner.create(failing)
    shared = runner.create(calling("Fails"))
    given = {"items": [{"email": guest.person.email, "role": "editor"}]}
    assert runner.client.put(f"/api/flows/{shared}/shares", json=given).is_success
    run = runner.run(shared)
    assert run["state"] == "failed"
    answer = guest.client.post(f"/api/runs/{run['id']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (422, "run.called_flow_missing")
    assert runner.client.post(f"/api/runs/{run['id']}/retry").status_code == 202
