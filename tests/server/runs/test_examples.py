"""Every example runs on the server as seeded, in both languages: answered, called, and live."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.server.runs.flows import wait_until
from tests.server.support import PASSWORD, Server

NAMES = {
    "en": {"ask": "Reorder with approval", "calls": "Letters by another flow"},
    "zh": {"ask": "审批后补货", "calls": "调用流程写信"},
}
LIVE = {"en": "Live sensors", "zh": "实时传感器"}
WORDS = {
    "en": {"approved": "Please send us", "rejected": "Nothing is ordered"},
    "zh": {"approved": "请发货", "rejected": "没有下单"},
}


@pytest.fixture(scope="module", params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def client(language: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """The first person of a server whose workspace was furnished in a language."""
    server = Server(tmp_path_factory.mktemp("examples") / "data")
    try:
        client = server.client()
        body = {
            "token": server.settings.setup_token_file.read_text().strip(),
            "email": "ada@example.org",
            "name": "Ada",
            "password": PASSWORD,
            "language": language,
        }
        client.headers["X-CSRF-Token"] = client.post("/api/setup", json=body).json()["csrf_token"]
        yield client
    finally:
        server.stop()


@pytest.fixture(scope="module")
def flows(client: httpx2.Client) -> dict[str, str]:
    """The seeded flows by name."""
    items = client.get("/api/flows").json()["items"]
    return {flow["name"]: flow["id"] for flow in items}


def start(client: httpx2.Client, flow_id: str, wait: int = 0) -> Any:
    answer = client.post(f"/api/flows/{flow_id}/runs?wait={wait}", json={})
    assert answer.is_success, answer.text
    return answer.json()


def output(client: httpx2.Client, run_id: str, node: str, port: str = "view") -> Any:
    page = client.get(f"/api/runs/{run_id}/nodes/{node}?side=output").json()
    return page["outputs"][port]


def test_every_example_completes(
    client: httpx2.Client, flows: dict[str, str], language: str
) -> None:
    others = {NAMES[language]["ask"], LIVE[language]}
    assert others < set(flows)
    states = {}
    for name in flows.keys() - others:
        run = start(client, flows[name], wait=60)
        states[name] = (run["state"], run.get("failure"))
    assert states == dict.fromkeys(states, ("completed", None))
    assert len(states) >= 12


@pytest.mark.parametrize(("answer", "node"), [("approved", "placed"), ("rejected", "not_placed")])
def test_the_order_waits_for_somebody(
    client: httpx2.Client, flows: dict[str, str], language: str, answer: str, node: str
) -> None:
    run_id = start(client, flows[NAMES[language]["ask"]])["id"]
    path = f"/api/runs/{run_id}"
    wait_until(lambda: client.get(path).json()["state"] == "paused")
    (wait,) = client.get(path).json()["waits"]
    assert (wait["node"], wait["kind"]) == ("ask", "approval")
    assert wait["message"].endswith("?" if language == "en" else "？")
    order = wait["data"]["item"]
    assert len(order["products"]) == 3
    name = f"{wait['node']}@{wait['scope']}"
    signal = {"id": "a1", "name": name, "payload": {"approved": answer == "approved"}}
    taken = client.post(f"{path}/signals", json=signal)
    assert taken.is_success, taken.text
    wait_until(lambda: client.get(path).json()["state"] == "completed")
    (said,) = output(client, run_id, node)["records"]
    assert said.startswith(WORDS[language][answer])
    assert str(order["pieces"]) in said
    (other,) = {"placed", "not_placed"} - {node}
    assert output(client, run_id, other)["records"] == []


def test_letters_come_from_the_flow_that_is_called(
    client: httpx2.Client, flows: dict[str, str], language: str
) -> None:
    """Changing the called flow changes every letter of the next run."""
    run = start(client, flows[NAMES[language]["calls"]], wait=60)
    letters = output(client, run["id"], "show")["records"]
    assert len(letters) == 12
    assert len(set(letters)) > 3
    said = "Dear " if language == "en" else "欢迎"
    assert any(said in letter for letter in letters)


def test_live_sensors_give_means_and_alarms_until_they_are_stopped(
    client: httpx2.Client, flows: dict[str, str], language: str
) -> None:
    run_id = start(client, flows[LIVE[language]])["id"]
    path = f"/api/runs/{run_id}"

    def shown(node: str) -> list[dict[str, Any]]:
        page = client.get(f"{path}/nodes/{node}?side=output")
        views = page.json()["outputs"] if page.is_success else {}
        return list(views["view"]["records"]) if "view" in views else []

    wait_until(lambda: {row["sensor"] for row in shown("means")} == {"cellar", "office", "roof"})
    wait_until(lambda: shown("alarms"))
    assert all(15 < row["degrees"] < 30 for row in shown("means"))
    assert all(row["degrees"] > 27.5 for row in shown("alarms"))
    assert client.get(path).json()["state"] == "running"
    assert client.post(f"{path}/cancel").is_success
    wait_until(lambda: client.get(path).json()["state"] == "cancelled")
