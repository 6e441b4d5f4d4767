"""The event streams of runs and workspaces."""

import socket as sockets
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.runs.flows import (
    ENDS,
    GREETING,
    WAITING,
    Listener,
    Runner,
    close_code,
    socket,
    wait_until,
)
from tests.server.support import Server
from weft_server.database import utc_now
from weft_server.ids import new_id
from weft_server.runs.tables import RunEventRow, RunRow


def test_an_ended_run_is_told_from_its_beginning(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    with runner.listen(f"/ws/runs/{run['id']}") as events:
        told = events.until_end()
    stored = runner.client.get(f"/api/runs/{run['id']}/events").json()["items"]
    assert told == stored


@pytest.mark.parametrize("after", [1, 5, -1])
def test_a_reader_resumes_behind_a_number(server: Server, after: int) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    after = after if after > 0 else run["last_seq"] - 1
    with runner.listen(f"/ws/runs/{run['id']}?after={after}") as events:
        told = events.until_end()
    assert [event["seq"] for event in told] == list(range(after + 1, run["last_seq"] + 1))


def test_readers_who_come_at_any_time_see_every_event_once(server: Server) -> None:
    runner = Runner(server)
    run_id = runner.begin(runner.create(WAITING))
    with runner.listen(f"/ws/runs/{run_id}") as early:
        first = [next(early), next(early)]
        with runner.listen(f"/ws/runs/{run_id}?after=1") as late:
            runner.file("gate.txt").write_text("open")
            seen_early = [event["seq"] for event in first + early.until_end()]
            seen_late = [event["seq"] for event in late.until_end()]
    last = runner.info(run_id)["last_seq"]
    assert seen_early == list(range(1, last + 1))
    assert seen_late == list(range(2, last + 1))


def test_events_are_told_while_the_run_goes_on(server: Server) -> None:
    runner = Runner(server)
    run_id = runner.start(runner.create(WAITING)).json()["id"]
    with runner.listen(f"/ws/runs/{run_id}") as events:
        told = [next(events)]
        while told[-1]["type"] != "node_started":
            told.append(next(events))
        assert runner.info(run_id)["state"] == "running"
        assert runner.info(run_id)["nodes"]["wait"]["state"] == "running"
        runner.file("gate.txt").write_text("open")
        told += events.until_end()
    assert told[-1]["type"] == "run_completed"


def store_long_run(runner: Runner, count: int, size: int) -> str:
    """A run with so many events on disk, most of them progress."""
    run_id, flow_id = new_id("run"), runner.create(GREETING)
    with runner.server.database.transaction() as session:
        session.add(
            RunRow(
                id=run_id,
                number=1,
                flow_id=flow_id,
                workspace_id=runner.workspace_id,
                state="completed",
                inputs="{}",
                env="local",
                created_at=utc_now(),
                last_seq=count,
                definition="{}",
            )
        )
        session.flush()
        pad = "x" * size
        for seq in range(1, count + 1):
            kind = "log" if seq % 10 == 0 else "node_progress"
            kind = "run_completed" if seq == count else kind
            session.add(
                RunEventRow(
                    run_id=run_id,
                    seq=seq,
                    at="2026-01-01T00:00:00.000Z",
                    type=kind,
                    node="a",
                    data=f'{{"message":"{pad}","level":"info"}}',
                )
            )
    return run_id


def test_progress_that_was_overtaken_is_left_out_of_long_replays(server: Server) -> None:
    runner = Runner(server)
    run_id = store_long_run(runner, 2_250, 1)
    with runner.listen(f"/ws/runs/{run_id}") as events:
        told = events.until_end()
    seen = [event["seq"] for event in told]
    assert seen == sorted(set(seen))
    assert [event["seq"] for event in told if event["type"] == "log"] == list(range(10, 2_250, 10))
    assert len(told) < 600
    assert told[-1]["seq"] == 2_250


def test_a_reader_who_does_not_read_is_cut_off_and_resumes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft_server.runs.stream.SLOW_S", 0.5)
    runner = Runner(server)
    run_id = store_long_run(runner, 3_000, 40_000)
    raw = sockets.create_connection(("127.0.0.1", server.port))
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 262_144)
    with socket(server, f"/ws/runs/{run_id}", runner.person, sock=raw) as connection:
        listener = Listener(connection)
        seen = [next(listener)["seq"]]
        wait_until(lambda: f"run:{run_id}" not in server.app.state.bus._topics)
        with pytest.raises(ConnectionClosed) as caught:
            seen.extend(event["seq"] for event in listener)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 4429
    assert seen[-1] < 3_000
    with runner.listen(f"/ws/runs/{run_id}?after={seen[-1]}") as again:
        resumed = again.until_end()
    assert resumed[0]["seq"] > seen[-1]
    assert resumed[-1]["seq"] == 3_000


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "1.5", "%EF%BC%91"])
def test_a_number_that_is_none_is_refused(server: Server, after: str) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    with socket(server, f"/ws/runs/{run['id']}?after={after}", runner.person) as connection:
        assert close_code(connection) == 4400


PATHS = ["/ws/runs/{run}", "/ws/workspaces/{workspace}/events"]


@pytest.mark.parametrize("path", PATHS)
def test_who_may_not_listen(server: Server, path: str) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    real = path.format(run=run["id"], workspace=runner.workspace_id)
    stranger = runner.invite(None).person
    cases = [
        (socket(server, real, None), 4401),
        (socket(server, real, runner.person, origin="http://evil.example"), 4403),
        (socket(server, real, stranger), 4404),
        (socket(server, path.format(run="run_none", workspace="wsp_none"), runner.person), 4404),
    ]
    for connection, code in cases:
        with connection:
            assert close_code(connection) == code


@pytest.mark.parametrize("path", PATHS)
def test_listening_ends_with_the_right_to_it(server: Server, path: str) -> None:
    runner = Runner(server)
    run_id = runner.begin(runner.create(WAITING))
    viewer = runner.invite("viewer").person
    real = path.format(run=run_id, workspace=runner.workspace_id)
    with socket(server, real, viewer) as connection:
        if path.startswith("/ws/runs"):
            next(Listener(connection))
        removed = runner.client.delete(f"/api/workspaces/{runner.workspace_id}/members/{viewer.id}")
        assert removed.is_success
        assert close_code(connection) == 4404
    runner.client.post(f"/api/runs/{run_id}/cancel")


@pytest.mark.parametrize("path", PATHS)
def test_listening_ends_with_the_session(server: Server, path: str) -> None:
    runner = Runner(server)
    run_id = runner.begin(runner.create(WAITING))
    viewer = runner.invite("viewer").person
    with socket(
        server, path.format(run=run_id, workspace=runner.workspace_id), viewer
    ) as connection:
        assert server.client(viewer).delete("/api/session").is_success
        assert close_code(connection) == 4401
    runner.client.post(f"/api/runs/{run_id}/cancel")


def test_a_program_listens_with_its_key(server: Server) -> None:
    runner = Runner(server)
    key = runner.client.post("/api/keys", json={"name": "robot"}).json()["key"]
    run = runner.run(runner.create(GREETING))
    with socket(
        server, f"/ws/runs/{run['id']}", None, origin=None, Authorization=f"Bearer {key}"
    ) as connection:
        assert Listener(connection).until_end()[-1]["type"] == "run_completed"


def test_what_a_reader_says_changes_nothing(server: Server) -> None:
    runner = Runner(server)
    run_id = runner.begin(runner.create(WAITING))
    with socket(server, f"/ws/runs/{run_id}?after=1000000", runner.person) as connection:
        for said in ("", "{", "x" * 10_000, b"\x00\x01\xff"):
            connection.send(said)
        assert runner.client.post(f"/api/runs/{run_id}/cancel").is_success
    assert runner.ended(run_id)["state"] == "cancelled"


def of_flow(events: Listener, flow_id: str) -> dict[str, Any]:
    return next(event for event in events if event.get("flow") == flow_id)


def test_a_workspace_hears_of_its_runs_and_flows(server: Server) -> None:
    runner = Runner(server)
    with runner.listen(f"/ws/workspaces/{runner.workspace_id}/events") as events:
        flow_id = runner.create(GREETING)
        created = of_flow(events, flow_id)
        assert created["type"] == "flow_created"
        run = runner.run(flow_id)
        told = [of_flow(events, flow_id)]
        while told[-1].get("state") != "completed":
            told.append(of_flow(events, flow_id))
        assert runner.client.delete(f"/api/flows/{flow_id}").is_success
        deleted = of_flow(events, flow_id)
        assert deleted["type"] == "flow_deleted"
        assert deleted["by"]["name"] == runner.client.get("/api/session").json()["user"]["name"]
    assert told[0]["type"] == "run_created"
    assert {event["type"] for event in told[1:]} == {"run_state"}
    assert {event["run"] for event in told} == {run["id"]}
    assert {event["number"] for event in told} == {1}
    seqs = [event["seq"] for event in (created, *told)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_a_reader_of_a_workspace_resumes(server: Server) -> None:
    runner = Runner(server)
    path = f"/ws/workspaces/{runner.workspace_id}/events"
    with runner.listen(path) as events:
        first = runner.create(GREETING)
        seq = of_flow(events, first)["seq"]
    second = runner.create(GREETING)
    with runner.listen(f"{path}?after={seq}") as events:
        event = next(events)
        assert (event["type"], event["flow"], event["seq"]) == ("flow_created", second, seq + 1)
    with runner.listen(f"{path}?after=1") as events:
        assert next(events)["type"] == "reset"


def test_guests_hear_of_the_flows_shared_with_them_alone(server: Server) -> None:
    runner = Runner(server)
    shared, private = runner.create(GREETING), runner.create(GREETING)
    guest = runner.invite(None).person
    answer = runner.client.put(
        f"/api/flows/{shared}/shares", json={"items": [{"email": guest.email, "role": "viewer"}]}
    )
    assert answer.is_success, answer.text
    with socket(server, f"/ws/workspaces/{runner.workspace_id}/events", guest) as connection:
        listener = Listener(connection)
        runner.run(private)
        run = runner.run(shared)
        event = next(listener)
        assert (event["type"], event["flow"], event["run"]) == ("run_created", shared, run["id"])


def test_guests_hear_of_called_runs_only_where_they_may_see_the_calling_one(
    server: Server,
) -> None:
    runner = Runner(server)
    shared = runner.create(GREETING)
    settings = {"flow": shared, "isolated": True}
    call = {"type": "flow.call", "settings": settings}
    private = runner.create({"format": "weft/1", "name": "Private", "nodes": {"call": call}})
    of_called, of_both = runner.invite(None).person, runner.invite(None).person
    people = {shared: [of_called, of_both], private: [of_both]}
    for flow, guests in people.items():
        items = [{"email": guest.email, "role": "viewer"} for guest in guests]
        answer = runner.client.put(f"/api/flows/{flow}/shares", json={"items": items})
        assert answer.is_success, answer.text
    path = f"/ws/workspaces/{runner.workspace_id}/events"
    with socket(server, path, of_called) as one, socket(server, path, of_both) as other:
        called_only, both = Listener(one), Listener(other)
        run = runner.run(private)
        event = next(event for event in both if event["type"] == "called_run_created")
        assert (event["flow"], event["parent"], event["callers"]) == (shared, run["id"], [private])
        own = runner.run(shared)
        event = next(called_only)
        assert (event["type"], event["run"]) == ("run_created", own["id"])


def test_the_end_is_the_last_event(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    events = runner.client.get(f"/api/runs/{run['id']}/events").json()["items"]
    assert [event["type"] for event in events if event["type"] in ENDS] == ["run_completed"]
    assert events[-1]["type"] == "run_completed"
