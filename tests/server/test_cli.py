"""The commands `weft flow`, `weft doctor`, `weft schema`, and `weft` itself."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server.support import Server
from weft_engine.flow.file import read_file
from weft_server.cli.main import COMMANDS, main

YAML = """\
format: weft/1
name: Imported
nodes:
  read:
    type: file.read_csv
    settings: {path: examples/data/sales.csv}
"""


@pytest.fixture(scope="session")
def engine() -> bool:
    return False


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    path = tmp_path / "flow.yaml"
    path.write_text(YAML)
    return path


@pytest.fixture(params=["data directory", "server"])
def where(request: pytest.FixtureRequest, server: Server) -> list[str]:
    """The arguments that name one of the two places in which flows are found."""
    if request.param == "data directory":
        return ["--data", str(server.settings.data)]
    key = server.client(server.owner).post("/api/keys", json={"name": "cli"}).json()["key"]
    return ["--server", server.url, "--key", key]


def weft(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_an_unknown_option_shows_the_usage_of_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--prot", "1"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("usage: weft doctor")
    assert "--prot" in said


def test_doctor_looks_at_the_port_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, out, _ = weft(capsys, "doctor", "--data", str(tmp_path), "--port", str(port), "--json")
    found = {finding["name"]: finding for finding in json.loads(out)}
    assert found["port"]["en"] == f"something answers at 127.0.0.1:{port}"


def test_flows_travel(
    where: list[str], flow_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = weft(capsys, "flow", "import", str(flow_file), *where, "--json")
    assert code == 0
    [made] = json.loads(out)
    assert made["name"] == "Imported"

    code, out, _ = weft(capsys, "flow", "list", *where, "--json", "--query", "imported")
    assert (code, [flow["id"] for flow in json.loads(out)]) == (0, [made["id"]])
    code, out, _ = weft(capsys, "flow", "list", *where, "--lang", "zh")
    assert code == 0
    assert made["id"] in out
    assert "名称" in out

    for wanted in (made["id"], "Imported"):
        for name in ("out.yaml", "out.json"):
            target = tmp_path / name
            assert weft(capsys, "flow", "export", wanted, *where, "--out", str(target))[0] == 0
            assert read_file(target) == read_file(flow_file)
    code, out, _ = weft(capsys, "flow", "export", "Imported", *where)
    assert (code, "name: Imported" in out) == (0, True)


def test_a_broken_file_makes_nothing(
    where: list[str], flow_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("nodes: [")
    code, _, err = weft(capsys, "flow", "import", str(flow_file), str(broken), *where)
    assert (code, "flow.file" in err) == (2, True)
    _, out, _ = weft(capsys, "flow", "list", *where, "--json", "--query", "imported")
    assert json.loads(out) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["flow", "export", "flw_missing"], "flow.not_found"),
        (["flow", "export", "No such flow"], "flow.not_found"),
        (["flow", "import", "/no/such/file.yaml"], "file.not_found"),
    ],
)
def test_what_is_not_there(
    where: list[str], arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, _, err = weft(capsys, *arguments, *where)
    assert (exit_code, code in err) == (2, True), err


def test_two_flows_of_one_name_are_told_apart(
    where: list[str], flow_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weft(capsys, "flow", "import", str(flow_file), str(flow_file), *where)[0] == 0
    code, _, err = weft(capsys, "flow", "export", "Imported", *where)
    assert (code, "flow.ambiguous_name" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--server", "http://127.0.0.1:9"], "server.unreachable"),
        (["--server", "file:///etc"], "server.unreachable"),
        (["--server", "http://["], "server.unreachable"),
        (["--data", "/no/such/directory"], "storage.missing"),
    ],
)
def test_places_without_flows(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, _, err = weft(capsys, "flow", "list", *arguments)
    assert (exit_code, code in err) == (1, True), err


def test_a_wrong_key_is_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = weft(capsys, "flow", "list", "--server", server.url, "--key", "weft_no")
    assert (code, "auth.bad_key" in err) == (1, True)


def findings(capsys: pytest.CaptureFixture[str], data: Path) -> tuple[int, dict[str, Any]]:
    code, out, _ = weft(capsys, "doctor", "--data", str(data), "--json")
    found = json.loads(out)
    assert all(finding["en"] and finding["zh"] for finding in found)
    order = ["ok", "warning", "failed"]
    worst_last = sorted(found, key=lambda finding: order.index(finding["state"]))
    return code, {finding["name"]: finding for finding in worst_last}


def test_a_healthy_server(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys, server.settings.data)
    assert code == 0
    assert found["database"]["state"] == "ok"
    assert found["node_types"]["state"] == "ok"
    assert "migrations" not in found


def test_a_machine_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys, tmp_path / "none")
    assert (code, found["data"]["state"]) == (0, "warning")
    assert "database" not in found


def test_a_damaged_database(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "weft.db").write_bytes(b"no database " * 1000)
    code, found = findings(capsys, data)
    assert (code, found["database"]["state"]) == (1, "failed")


def test_a_key_for_everybody(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "key").write_bytes(b"x" * 32)
    (data / "key").chmod(0o644)
    code, found = findings(capsys, data)
    assert (code, found["privacy"]["state"]) == (1, "failed")
    assert "chmod" in found["privacy"]["hint_en"]


def test_the_doctor_speaks_chinese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = weft(capsys, "doctor", "--data", str(tmp_path / "none"), "--lang", "zh")
    assert (code, "种节点" in out) == (0, True)


def test_the_schema_describes_every_operation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "openapi.json"
    assert weft(capsys, "schema", "--out", str(target))[0] == 0
    schema = json.loads(target.read_text())
    operations = [
        operation
        for path in schema["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["description"]
        assert operation["tags"]
    names = set(schema["components"]["schemas"])
    assert {"FlowInfo", "SessionInfo", "RunInfo", "NodeTypeList"} <= names
    assert not [name for name in names if "_" in name or "." in name]
    _, again, _ = weft(capsys, "schema")
    assert json.loads(again) == schema
    assert str(tmp_path) not in again


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "usage: weft" in capsys.readouterr().out


def test_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = weft(capsys)
    assert code == 0
    assert all(name in out for name in COMMANDS)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("weft ")
    with pytest.raises(SystemExit) as ended:
        main(["nonsense"])
    assert ended.value.code == 2


def test_light_commands_stay_light() -> None:
    """`weft check` is used in editors and hooks: it does not load the server."""
    code = (
        "import sys; from weft_server.cli.main import main\n"
        "try: main(['check', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'litestar', 'sqlalchemy', 'uvicorn', 'pycrdt', 'ray'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
