"""The list of flows shows what became of the last run of each."""

from tests.server.support import Server


def test_a_run_shows_in_the_list(server: Server) -> None:
    client = server.client(server.owner)
    flow = client.get("/api/flows", params={"query": "sales report"}).json()["items"][0]
    assert flow["last_run"] is None
    run = client.post(f"/api/flows/{flow['id']}/runs", params={"wait": 60}).json()
    assert run["state"] == "completed", run
    listed = client.get("/api/flows", params={"query": "sales report"}).json()["items"][0]
    assert listed["last_run"]["id"] == run["id"]
    assert listed["last_run"]["state"] == "completed"
    assert client.get(f"/api/flows/{flow['id']}").json()["last_run"] == listed["last_run"]
