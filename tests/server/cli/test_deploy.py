"""`weft deploy`: the command, its errors, and what the manifests promise."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.server.cli.deploy_configs import CONFIGS
from tests.server.cli.weft import ROOT, start, weft
from weft_engine.deploy.example import example
from weft_engine.deploy.manifests import as_yaml, manifests, remarks, secrets
from weft_engine.deploy.reading import load_config, read_config

EXAMPLE = ROOT / "examples/deploy/cluster.yaml"


def every(text: str) -> list[dict[str, Any]]:
    return [one for found in manifests(load_config(text)).values() for one in found]


def one(text: str, kind: str, end: str = "") -> dict[str, Any]:
    return next(m for m in every(text) if m["kind"] == kind and m["metadata"]["name"].endswith(end))


def pods(text: str) -> list[dict[str, Any]]:
    spec = one(text, "RayCluster")["spec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    templates = [one(text, "Deployment")["spec"]["template"], *(g["template"] for g in groups)]
    return [template["spec"] for template in templates]


# The command


def test_the_example_is_the_shipped_one_and_can_be_used(tmp_path: Path) -> None:
    printed = weft("deploy", "cluster", "--example")
    assert printed.code == 0
    assert printed.out == EXAMPLE.read_text() == example()
    file = tmp_path / "cluster.yaml"
    file.write_text(printed.out)
    assert weft("deploy", "cluster", "--config", file).code == 0


def test_the_chinese_example_says_the_same() -> None:
    printed = weft("deploy", "cluster", "--example", "--lang", "zh")
    assert "清单" in printed.out
    assert load_config(printed.out) == load_config(example())
    keys = [line.split("#")[0] for line in example().splitlines()]
    assert [line.split("#")[0] for line in printed.out.splitlines()] == keys


def test_files_are_written_whole_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "manifests"
    printed = weft("deploy", "cluster", "--config", EXAMPLE).out
    for _ in range(2):
        outcome = weft("deploy", "cluster", "--config", EXAMPLE, "--output", folder)
        assert outcome.code == 0
        assert outcome.out == ""
        files = sorted(folder.iterdir())
        assert [file.name for file in files] == list(manifests(read_config(EXAMPLE)))
        assert "".join(file.read_text() for file in files) == printed
    assert "needs the Secret weft-database with url" in outcome.err
    assert (
        "5 个文件"
        in weft("deploy", "cluster", "--config", EXAMPLE, "--output", folder, "--lang", "zh").err
    )


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    outcome = weft("deploy", "cluster", "--config", EXAMPLE, "--output", taken)
    assert outcome.code == 1
    assert "deploy.not_written" in outcome.err


def test_json_has_everything() -> None:
    outcome = weft("deploy", "cluster", "--config", EXAMPLE, "--json")
    found = outcome.json()
    assert found["manifests"] == manifests(read_config(EXAMPLE))
    assert {"name": "weft-ray-token", "keys": ["auth_token"]} in found["secrets"]
    assert "RayCluster" in found["unchecked"]


def test_json_as_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps(yaml.safe_load(CONFIGS["gpus"])))
    assert read_config(file) == load_config(CONFIGS["gpus"])


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(CONFIGS["least"] + "hed: {}\nserver: {cpu: two}\n")
    outcome = weft("deploy", "cluster", "--config", file)
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        f"{file}: deploy.unknown_key line 4: there is no key 'hed' — Did you mean 'head'?",
        f"{file}: deploy.bad_quantity line 5: server.cpu: 'two' is not a number of processors"
        " — Write 2, 0.5 or 500m.",
    ]
    error = weft("deploy", "cluster", "--config", file, "--json").json()["error"]
    assert error["params"]["line"] == 4
    assert error["params"]["nearest"] == "head"
    assert [other["code"] for other in error["params"]["others"]] == ["deploy.bad_quantity"]


@pytest.mark.parametrize("words", [(), ("cluster",), ("cluster", "--example", "--config", "x")])
def test_unclear_arguments(words: tuple[str, ...]) -> None:
    assert weft("deploy", *words).code == 2


# What the manifests promise


@pytest.mark.parametrize("name", CONFIGS)
def test_yaml_says_what_is_meant(name: str) -> None:
    found = every(CONFIGS[name])
    text = as_yaml(found)
    assert list(yaml.safe_load_all(text)) == found
    assert "&id" not in text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20))
def test_text_stays_text(text: str) -> None:
    assert yaml.safe_load(as_yaml([{"a": text, "b": [text]}])) == {"a": text, "b": [text]}


@pytest.mark.parametrize("name", CONFIGS)
def test_ray_is_closed_but_to_weft(name: str) -> None:
    text = CONFIGS[name]
    cluster = one(text, "RayCluster")["spec"]
    assert cluster["authOptions"]["mode"] == "token"
    head = cluster["headGroupSpec"]
    assert head["serviceType"] == "ClusterIP"
    assert head["rayStartParams"]["include-dashboard"] == "false"
    assert [p["containerPort"] for p in head["template"]["spec"]["containers"][0]["ports"]] == [
        6379
    ]
    for pod in pods(text):
        for container in pod["containers"]:
            env = {variable["name"]: variable for variable in container["env"]}
            assert env["RAY_AUTH_MODE"]["value"] == "token"
            assert "value" not in env["RAY_AUTH_TOKEN"]
    server = one(text, "Deployment")["spec"]["template"]["metadata"]["labels"]
    [rule] = one(text, "NetworkPolicy", "-ray")["spec"]["ingress"]
    assert [source["podSelector"]["matchLabels"] for source in rule["from"]] == [
        {"ray.io/cluster": "weft"},
        server,
    ]
    ray, web = one(text, "NetworkPolicy", "-server")["spec"]["ingress"]
    assert [source["podSelector"]["matchLabels"] for source in ray["from"]] == [
        {"ray.io/cluster": "weft"}
    ]
    assert web == {"ports": [{"protocol": "TCP", "port": 8900}]}


@pytest.mark.parametrize("name", CONFIGS)
def test_pods_may_do_little(name: str) -> None:
    for pod in pods(CONFIGS[name]):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["enableServiceLinks"] is False
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
        assert pod.get("automountServiceAccountToken") is False or name == "autoscaling"


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_referred_to_is_there(name: str) -> None:
    text = CONFIGS[name]
    config = load_config(text)
    claims = {m["metadata"]["name"] for m in every(text) if m["kind"] == "PersistentVolumeClaim"}
    names = {m["metadata"]["name"] for m in every(text) if m["kind"] == "ServiceAccount"}
    if config.checkpoints is not None and config.checkpoints.claim is not None:
        claims.add(config.checkpoints.claim)
    for pod in pods(text):
        assert pod.get("serviceAccountName") in {*names, None}
        volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
        for volume in volumes.values():
            assert volume.get("persistentVolumeClaim", {}).get("claimName") in {*claims, None}
        for container in pod["containers"]:
            assert {m["name"] for m in container.get("volumeMounts", ())} <= volumes.keys()
    needed = {(need.name, key) for need in secrets(config) for key in need.keys}
    assert needed == set(_secret_keys(every(text)))
    assert all(m["kind"] != "Secret" for m in every(text))


def _secret_keys(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if "secretKeyRef" in value:
            yield value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]
        for inner in value.values():
            yield from _secret_keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_keys(inner)


def test_workers_get_what_was_asked() -> None:
    [group] = one(CONFIGS["gpus"], "RayCluster")["spec"]["workerGroupSpecs"]
    pod = group["template"]["spec"]
    limits = pod["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "8", "memory": "32Gi", "amd.com/gpu": "2"}
    assert pod["nodeSelector"] == {"kubernetes.io/arch": "amd64", "gpu": "true"}
    assert pod["tolerations"][1] == {
        "key": "spot", "operator": "Equal", "value": "yes", "effect": "NoExecute",
        "tolerationSeconds": 30,
    }  # fmt: skip
    assert pod["containers"][0]["image"].startswith("registry.example.com/weft-rocm@")


def test_a_running_server_is_never_doubled() -> None:
    spec = one(CONFIGS["least"], "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_remarks() -> None:
    assert remarks(load_config(CONFIGS["least"])) == ["sqlite", "no_checkpoints"]
    assert remarks(load_config(CONFIGS["checkpoints on one machine"])) == ["sqlite", "one_node"]
    text = CONFIGS["least"].replace(":0.1.0", "")
    assert "moving_image" in remarks(load_config(text))
    assert remarks(load_config(example())) == []


def test_the_server_starts_with_its_variables_and_answers_its_probes(tmp_path: Path) -> None:
    config = CONFIGS["server"].replace("database: {secret: db, key: url}", "")
    container = one(config, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    env = {v["name"]: v["value"] for v in container["env"] if "value" in v}
    env |= {"WEFT_DATA": str(tmp_path / "data" / "weft"), "WEFT_PORT": "0"}
    assert container["command"] == ["weft", "serve"]
    process = start("serve", **{k: v for k, v in env.items() if k.startswith("WEFT_")})
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container[probe]["httpGet"]
            headers = {header["name"]: header["value"] for header in asked["httpHeaders"]}
            for host in (headers["Host"], "weft-server.default", "weft.example.com"):
                while (status := _ask(address + asked["path"], host)) == 503:
                    pass  # the engine is about to start; a kubelet asks again, too
                assert status == 200
        assert _ask(f"{address}/api/health", "elsewhere.example.com") == 400
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _ask(url: str, host: str) -> int:
    request = urllib.request.Request(url, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "import sys; from weft_server.cli.main import main; "
        f"main(['deploy', 'cluster', '--config', {str(EXAMPLE)!r}, '--json']); "
        "print([m for m in ('litestar', 'sqlalchemy', 'ray', 'jsonschema') if m in sys.modules], "
        "file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "[]"
