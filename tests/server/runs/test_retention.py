"""Old runs and what they leave behind."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from tests.server.runs.flows import GREETING, WAITING, Runner
from tests.server.support import Server
from weft_server.database import utc_now
from weft_server.runs.retention import too_old
from weft_server.runs.tables import RunActivationRow, RunEventRow, RunNodeRow, RunRow


def blobs(server: Server) -> set[str]:
    return {path.name for path in (server.settings.data / "blobs").glob("??/*")}


def sweep(server: Server) -> list[str]:
    removed: list[str] = server.call(server.app.state.runs._retention.sweep(grace_s=-60))
    return removed


def ended_before(server: Server, run_id: str, days: float) -> None:
    with server.database.transaction() as session:
        row = session.get_one(RunRow, run_id)
        row.ended_at = utc_now() - timedelta(days=days)
        session.add(row)


def deleted(server: Server, days: float) -> list[str]:
    with server.database.transaction() as session:
        return too_old(session, days)


def rows_of(session: Session, run_id: str) -> list[Any]:
    rows: list[Any] = [session.get(RunRow, run_id)]
    for table in (RunNodeRow, RunEventRow, RunActivationRow):
        rows += session.exec(select(table).where(table.run_id == run_id)).all()
    return [row for row in rows if row is not None]


def test_runs_that_ended_long_ago_go_with_all_they_have(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    old, young = (runner.run(flow_id)["id"] for _ in range(2))
    ended_before(server, old, 11)
    assert old in deleted(server, days=10)
    with server.database.read() as session:
        assert rows_of(session, old) == []
    assert runner.info(young)["state"] == "completed"


def test_a_run_that_has_not_ended_is_never_too_old(server: Server) -> None:
    runner = Runner(server)
    run_id = runner.begin(runner.create(WAITING))
    assert run_id not in deleted(server, days=0)
    runner.client.post(f"/api/runs/{run_id}/cancel")
    runner.ended(run_id)


def test_blobs_go_when_the_last_run_that_names_them_does(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    before = blobs(server)
    shared, other = "s" * 100_000, "o" * 100_000
    first = runner.run(flow_id, {"inputs": {"who": shared}})["id"]
    second = runner.run(flow_id, {"inputs": {"who": shared}})["id"]
    third = runner.run(flow_id, {"inputs": {"who": other}})["id"]
    made = blobs(server) - before
    assert made
    sweep(server)
    assert made <= blobs(server)
    for run_id in (first, third):
        ended_before(server, run_id, 11)
    server.call(_forget(server, deleted(server, days=10)))
    gone = set(sweep(server))
    assert gone & made
    assert (blobs(server) & made) == made - gone
    page = runner.client.get(f"/api/runs/{second}/nodes/show").json()
    assert page["inputs"]["text"]["value"] == f"Hello {shared}!"


async def _forget(server: Server, run_ids: list[str]) -> None:
    server.app.state.runs._retention._client.forget(run_ids)


def test_a_folder_of_blobs_that_is_not_there_is_no_trouble(server: Server, tmp_path: Path) -> None:
    assert sweep(server) is not None
