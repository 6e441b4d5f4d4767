"""50,000 records through generate, set, filter and count, by REST: seconds and memory."""

import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil

from benchmarks.peers.environments import Environments, NotInstallableError

RECORDS: Final = 50_000
KEPT: Final = sum(1 for number in range(RECORDS) if number * 2 % 3 == 0)
PATIENCE_S = 300
Ask = Callable[[], int]
"""Lets the flow run once, and answers how many records were left."""


@contextmanager
def weft(_environments: Environments, home: Path) -> Iterator[tuple[Ask, psutil.Process]]:
    """Ours, as a user starts it."""
    command = [sys.executable, "-m", "weft_server.cli.main", "serve", "--port", "0"]
    with started([*command, "--data", str(home / "data")], home, {}) as process:
        url = said(home, r"serves at (http://\S+)")
        client = httpx2.Client(base_url=url, headers={"Origin": url}, timeout=PATIENCE_S)
        token = (home / "data" / "setup-token").read_text().strip()
        person = {"email": "a@example.org", "name": "A", "password": "only for measuring 7"}
        session = client.post("/api/setup", json={"token": token, **person}).json()
        client.headers["X-CSRF-Token"] = session["csrf_token"]
        fields = [{"name": "number", "expression": "item"}]
        double = [{"name": "double", "expression": "item.number * 2"}]
        nodes = {
            "make": {"type": "data.generate", "settings": {"count": RECORDS, "fields": fields}},
            "set": {"type": "data.map", "settings": {"fields": double}},
            "keep": {"type": "data.filter", "settings": {"where": "item.double % 3 == 0"}},
            "count": {"type": "data.group"},
        }
        names = list(nodes)
        edges = [
            {"source": a, "source_port": "rows", "target": b, "target_port": "rows"}
            for a, b in pairwise(names)
        ]
        flow = {"format": "weft/1", "name": "Count", "nodes": nodes, "edges": edges}
        flow_id = client.post("/api/flows", json={"flow": flow}).json()["id"]

        def ask() -> int:
            run = client.post(f"/api/flows/{flow_id}/runs?wait=120", json={}).json()
            assert run["state"] == "completed", run
            page = client.get(f"/api/runs/{run['id']}/nodes/count?side=output").json()
            return int(page["outputs"]["rows"]["records"][0]["count"])

        yield ask, process
        client.close()


@contextmanager
def node_red(environments: Environments, home: Path) -> Iterator[tuple[Ask, psutil.Process]]:
    """Node-RED: a message for each record, joined at the end."""
    port = free_port()
    settings = f'module.exports = {{uiHost: "127.0.0.1", uiPort: {port}, flowFile: "flows.json"}};'
    (home / "settings.js").write_text(settings)
    make = (
        f"const list = []; for (let i = 0; i < {RECORDS}; i++) list.push({{number: i}});"
        "msg.payload = list; return msg;"
    )
    add = "msg.payload = {count: msg.payload.reduce((a, b) => a + b, 0)}; return msg;"
    steps: list[dict[str, Any]] = [
        {"type": "http in", "url": "/count", "method": "post"},
        {"type": "function", "func": make, "outputs": 1},
        {"type": "split", "splt": "\\n", "spltType": "str", "arraySplt": 1, "arraySpltType": "len"},
        {"type": "function", "func": "msg.payload.double = msg.payload.number * 2; return msg;"},
        {"type": "function", "func": "msg.payload = msg.payload.double % 3 ? 0 : 1; return msg;"},
        {"type": "join", "mode": "auto"},
        {"type": "function", "func": add},
        {"type": "http response"},
    ]  # fmt: skip
    flows: list[dict[str, Any]] = [{"id": "tab", "type": "tab", "label": "Count"}]
    for at, step in enumerate(steps):
        wires = [[f"n{at + 1}"]] if at + 1 < len(steps) else []
        flows.append({"id": f"n{at}", "z": "tab", "x": 0, "y": 0, "wires": wires, **step})
    (home / "flows.json").write_text(json.dumps(flows))
    command = [str(environments.node()), str(environments.node_red()), "-u", str(home)]
    with started([*command, "-s", str(home / "settings.js")], home, {}) as process:
        url = f"http://127.0.0.1:{port}"
        until(url, "/flows")
        with httpx2.Client(base_url=url, timeout=PATIENCE_S) as client:
            yield lambda: counted(client.post("/count", json={})), process


@contextmanager
def n8n(environments: Environments, home: Path) -> Iterator[tuple[Ask, psutil.Process]]:
    """n8n: webhook, set, split out, set, filter, summarize."""
    port = free_port()
    env = {
        **environments.surroundings(),
        "N8N_USER_FOLDER": str(home),
        "N8N_PORT": str(port),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_SECURE_COOKIE": "false",
        "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
        "N8N_RUNNERS_BROKER_PORT": str(free_port()),
    }
    program = environments.n8n()
    with started([str(environments.node()), str(program), "start"], home, env) as process:
        url = f"http://127.0.0.1:{port}"
        until(url, "/healthz/readiness")
        headers = {"browser-id": "benchmark"}
        with httpx2.Client(base_url=url, timeout=PATIENCE_S, headers=headers) as client:
            owner = {"email": "a@example.org", "firstName": "A", "lastName": "B"}
            body = {**owner, "password": "Only4measuring"}
            client.post("/rest/owner/setup", json=body).raise_for_status()
            made = client.post("/rest/workflows", json=_n8n_flow())
            made.raise_for_status()
            found = made.json()["data"]
            path = f"/rest/workflows/{found['id']}/activate"
            client.post(path, json={"versionId": found["versionId"]}).raise_for_status()
            until(url, "/webhook/count", method="POST")
            key = "count_double"
            yield lambda: counted(client.post("/webhook/count", json={}), key), process


def _n8n_flow() -> dict[str, Any]:
    # Without its Code node: that works in a process apart, whose offers a busy machine lets expire.
    made = f"={{{{ Array.from({{length: {RECORDS}}}, (_, i) => ({{number: i}})) }}}}"
    make = {"id": "m", "name": "list", "type": "array", "value": made}
    count = {"values": [{"aggregation": "count", "field": "double"}]}
    double = {"id": "a", "name": "double", "type": "number", "value": "={{ $json.number * 2 }}"}
    condition = {
        "id": "c",
        "leftValue": "={{ $json.double % 3 }}",
        "rightValue": 0,
        "operator": {"type": "number", "operation": "equals"},
    }
    options = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2}
    where = {"options": options, "conditions": [condition], "combinator": "and"}
    steps: list[tuple[str, str, float, dict[str, Any]]] = [
        ("Webhook", "webhook", 2, {"httpMethod": "POST", "path": "count",
                                   "responseMode": "lastNode", "options": {}}),
        ("Make", "set", 3.4, {"assignments": {"assignments": [make]}, "options": {}}),
        ("Split", "splitOut", 1, {"fieldToSplitOut": "list", "options": {}}),
        ("Set", "set", 3.4, {"assignments": {"assignments": [double]},
                             "includeOtherFields": True, "options": {}}),
        ("Filter", "filter", 2.2, {"conditions": where, "options": {}}),
        ("Count", "summarize", 1.1, {"fieldsToSummarize": count, "options": {}}),
    ]  # fmt: skip
    nodes = [
        {
            "id": name,
            "name": name,
            "type": f"n8n-nodes-base.{kind}",
            "typeVersion": version,
            "position": [200 * at, 0],
            "parameters": parameters,
            **({"webhookId": "count"} if kind == "webhook" else {}),
        }
        for at, (name, kind, version, parameters) in enumerate(steps)
    ]
    connections = {
        a[0]: {"main": [[{"node": b[0], "type": "main", "index": 0}]]} for a, b in pairwise(steps)
    }
    settings = {"executionOrder": "v1"}
    return {"name": "Count", "nodes": nodes, "connections": connections, "settings": settings}


SERVERS = {"Weft": weft, "Node-RED": node_red, "n8n": n8n}
ROUNDS = {"Weft": 3, "Node-RED": 3, "n8n": 1}
"""How often each counts in a turn: n8n takes as long for one as the others for dozens."""
WARM: Final = {"n8n"}
"""Those that have run once when they are ready."""
Found = dict[str, dict[str, list[float]]]
"""`seconds` of each run, `idle` and `peak` memory of each start in megabytes, by system."""


def take(environments: Environments, turns: int, only: list[str]) -> tuple[Found, list[str]]:
    """Every server, turn by turn, each started anew; and what went wrong."""
    found: Found = {}
    trouble: list[str] = []
    for turn in range(turns):
        for name, serve in SERVERS.items():
            if only and name not in only:
                continue
            print(f"turn {turn + 1}: {name}, {RECORDS:,} records", file=sys.stderr)
            try:
                with (
                    tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
                    serve(environments, Path(home)) as (ask, process),
                ):
                    one = once(ask, process, ROUNDS[name], warm=name in WARM)
            except (NotInstallableError, RuntimeError, httpx2.HTTPError) as error:
                trouble.append(f"{name}: {type(error).__name__} {str(error)[:200]}")
                continue
            print(f"{name}: {one}", file=sys.stderr)
            of_it = found.setdefault(name, {"seconds": [], "idle": [], "peak": []})
            for key, values in one.items():
                of_it[key] += values
    return found, trouble


def once(
    ask: Ask, process: psutil.Process, rounds: int, *, warm: bool = False
) -> dict[str, list[float]]:
    """Some runs, and the memory of all processes meanwhile; a cold one before is not counted."""
    idle = memory(process)
    seconds, peak, over = [], [idle], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            peak.append(memory(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(warm, rounds + 1):
            began = time.perf_counter()
            left = ask()
            took = time.perf_counter() - began
            if left != KEPT:
                raise RuntimeError(f"{left} records are left, not {KEPT}")
            if number:
                seconds.append(took)
    finally:
        over.set()
        watcher.join()
    return {"seconds": seconds, "idle": [idle], "peak": [max(peak)]}


def counted(answer: httpx2.Response, key: str = "count") -> int:
    """How many records were left, as a server answers.

    Raises:
        RuntimeError: it answers something else.
    """
    try:
        return int(answer.json()[key])
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"answered {answer.status_code}: {answer.text[:150]}") from error


def memory(process: psutil.Process) -> float:
    """Resident memory of a process and all below it, in megabytes."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += each.memory_info().rss
    return total / 1e6


def table(found: Found) -> str:
    """Medians as a table in Markdown."""
    lines = [
        f"| {RECORDS:,} records | seconds | records a second | memory before | most memory |",
        "|---|---|---|---|---|",
    ]
    for name, each in found.items():
        median = statistics.median(each["seconds"])
        lines.append(
            f"| {name} | {median:.2f}, best {min(each['seconds']):.2f} | {RECORDS / median:,.0f} |"
            f" {statistics.median(each['idle']):,.0f} MB |"
            f" {statistics.median(each['peak']):,.0f} MB |"
        )
    return "\n".join(lines)


@contextmanager
def started(command: list[str], home: Path, env: dict[str, str]) -> Iterator[psutil.Process]:
    """A server in a folder, stopped with all that it started."""
    with (home / "said").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=home if env else None,
            env={**os.environ, **env, "PYTHONUNBUFFERED": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        seen = psutil.Process(process.pid)
        try:
            yield seen
        finally:
            below = []
            with contextlib.suppress(psutil.Error):
                below = seen.children(recursive=True)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for each in psutil.wait_procs(below, timeout=5)[1]:
                with contextlib.suppress(psutil.Error):
                    each.kill()


def said(home: Path, pattern: str) -> str:
    """What a server says of itself.

    Raises:
        RuntimeError: it does not say it in time.
    """
    for _ in range(PATIENCE_S * 10):
        found = re.search(pattern, (home / "said").read_text(errors="replace"))
        if found:
            return found.group(1)
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def until(url: str, path: str, method: str = "GET") -> None:
    """Wait until a server answers with 200.

    Raises:
        RuntimeError: it does not in time.
    """
    for _ in range(200):
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.request(method, url + path, timeout=PATIENCE_S).status_code == 200:
                return
        time.sleep(0.2)
    raise RuntimeError("the server did not start")


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])
