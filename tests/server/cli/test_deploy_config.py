"""What a configuration and a schema of `weft deploy` may be, and how mistakes are told."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.server.cli.deploy_configs import CONFIGS
from tests.server.cli.weft import ROOT, weft
from weft_engine.deploy.codes import CODES, DeployError
from weft_engine.deploy.quantities import amount
from weft_engine.deploy.reading import load_config
from weft_engine.deploy.schema import read_schemas

EXAMPLE = ROOT / "examples/deploy/cluster.yaml"

MISTAKES = {
    "empty": ("", "deploy.bad_value", "format: weft-cluster/1"),
    "list": ("[]", "deploy.bad_value", "format"),
    "no yaml": ("a: [", "deploy.malformed", ""),
    "twice": ("name: a\nname: b", "deploy.malformed", ""),
    "no format": ("name: weft\nimage: a", "deploy.missing_key", "Add `format"),
    "other format": ("format: weft/1\nname: weft\nimage: a", "deploy.bad_value", "weft-cluster/1"),
    "no image": ("format: weft-cluster/1\nname: weft", "deploy.missing_key", "image"),
    "synonym": ("workers: [{name: a, maxReplicas: 3}]", "deploy.unknown_key", "'max'"),
    "nested key": ("server: {databse: {}}", "deploy.unknown_key", "'database'"),
    "far key": ("zzzz: 1", "deploy.unknown_key", "Keys are format, name"),
    "dashboard": ("head: {dashboard: true}", "deploy.unknown_key", "Keys are cpu"),
    "gigabytes": ("head: {memory: 4GB}", "deploy.bad_quantity", "4Gi"),
    "no unit": ("head: {memory: 4}", "deploy.bad_quantity", "4Gi"),
    "milli bytes": ("head: {memory: 500m}", "deploy.bad_quantity", "512Mi"),
    "negative": ("head: {cpu: -1}", "deploy.bad_quantity", "0.5"),
    "no processor": ("head: {cpu: 0}", "deploy.bad_quantity", "1m"),
    "true": ("head: {cpu: true}", "deploy.bad_quantity", ""),
    "half a gpu": ("workers: [{name: a, gpu: 0.5}]", "deploy.bad_value", ""),
    "bounds": ("workers: [{name: a, replicas: 3, max: 2}]", "deploy.bad_value", ""),
    "no room": ("workers: [{name: a, replicas: 0}]", "deploy.bad_value", ""),
    "no workers": ("workers: []", "deploy.bad_value", ""),
    "twins": ("workers: [{name: a}, {name: a}]", "deploy.bad_value", ""),
    "upper case": ("namespace: Weft", "deploy.bad_value", "small letters"),
    "long": (f"token_secret: {'a' * 300}", "deploy.bad_value", ""),
    "two servers": ("server: {replicas: 2}", "deploy.bad_value", "one authority"),
    "two values": ("server: {service: {type: loadbalancer}}", "deploy.bad_value", "LoadBalancer"),
    "old ray": ("ray_version: 2.40.0", "deploy.bad_value", ""),
    "half a version": ('ray_version: "2.60"', "deploy.bad_value", "2.60.0"),
    "a value": ("env: [{name: KEY, value: v, secret: s, key: k}]", "deploy.unknown_key", ""),
    "a bad name": ("env: [{name: 1KEY, secret: s, key: k}]", "deploy.bad_value", "variable"),
    "a name of ours": (
        "env: [{name: RAY_AUTH_MODE, secret: s, key: k}]", "deploy.bad_value", "",
    ),
    "a weft name": ("env: [{name: WEFT_HOST, secret: s, key: k}]", "deploy.bad_value", ""),
    "no volume": ("checkpoints: {}", "deploy.bad_value", ""),
    "two volumes": ("checkpoints: {size: 1Gi, claim: a}", "deploy.bad_value", ""),
    "no path": ("checkpoints: {size: 1Gi, path: ../a}", "deploy.bad_value", "absolute"),
    "image": ("image_pull_policy: never", "deploy.bad_value", "Never"),
    "toleration": (
        "head: {tolerations: [{key: a, operator: Exists, value: b}]}", "deploy.bad_value", "",
    ),
}  # fmt: skip
WHOLE = {"empty", "list", "no yaml", "twice", "no format", "other format", "no image"}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_a_way_out(name: str) -> None:
    text, code, hint = MISTAKES[name]
    with pytest.raises(DeployError) as caught:
        load_config(text if name in WHOLE else CONFIGS["least"] + text)
    assert caught.value.code == code
    assert code in CODES
    assert hint in caught.value.hint
    if name not in WHOLE and "workers" not in name and caught.value.params["path"]:
        assert caught.value.params["line"] == 4


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    outcome = weft("deploy", "cluster", "--config", tmp_path / "none.yaml")
    assert outcome.code == 2
    assert "deploy.not_found" in outcome.err
    assert "--example" in outcome.err


@given(st.integers(1, 10**6), st.sampled_from(["", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_amounts_are_what_they_say(number: int, unit: str) -> None:
    scale = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    assert amount(f"{number}{unit}") == number * scale[unit]


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1gb", "1e", "0x1", "1,5", "--1", "1.2.3", "٣"])
def test_no_amounts(text: str) -> None:
    assert amount(text) is None


CRD = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "ray.io",
        "names": {"kind": "RayCluster"},
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "apiVersion": {"type": "string"},
                            "kind": {"type": "string"},
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "rayVersion": {"type": "string"},
                                    "port": {"x-kubernetes-int-or-string": True},
                                },
                            },
                        },
                    }
                },
            }
        ],
    },
}


@pytest.mark.parametrize("form", ["yaml", "list", "openapi"])
def test_a_schema_of_the_cluster_stops_what_does_not_fit(form: str, tmp_path: Path) -> None:
    schema = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]  # type: ignore[index]
    gvk = [{"group": "ray.io", "version": "v1", "kind": "RayCluster"}]
    text = {
        "yaml": yaml.safe_dump(CRD),
        "list": json.dumps({"kind": "List", "items": [CRD]}),
        "openapi": json.dumps(
            {"definitions": {"io.ray/x": {**schema, "x-kubernetes-group-version-kind": gvk}}}
        ),
    }[form]
    file = tmp_path / "schema"
    file.write_text(text)
    found = read_schemas([file])
    good = {
        "apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "a"},
        "spec": {"rayVersion": "2", "port": "http"},
    }  # fmt: skip
    assert found.check([good]) == []
    assert found.check([{**good, "spec": {"rayVersion": 2}}])[0].code == "deploy.schema_mismatch"
    folder = tmp_path / "manifests"
    outcome = weft("deploy", "cluster", "--config", EXAMPLE, "--schema", file, "--output", folder)
    assert outcome.code == 2
    assert "deploy.schema_mismatch RayCluster 'weft' does not fit" in outcome.err
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "{", "a: [", "kind: Pod", "[]"])
def test_a_file_without_schema(text: str, tmp_path: Path) -> None:
    file = tmp_path / "schema"
    file.write_text(text)
    with pytest.raises(DeployError) as caught:
        read_schemas([file])
    assert caught.value.code == "deploy.bad_schema"
    assert "kubectl" in caught.value.hint
