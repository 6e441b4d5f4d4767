"""Every manifest of `weft deploy` fits the schema of its kind."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator, ValidationError

from tests.server.cli.deploy_configs import CONFIGS
from weft_engine.deploy.config import ClusterConfig
from weft_engine.deploy.example import example
from weft_engine.deploy.manifests import manifests
from weft_engine.deploy.reading import load_config
from weft_engine.deploy.schema import read_schemas

ROOT = Path(__file__).parents[3]
RAY = Draft202012Validator(json.loads((ROOT / "tests/data/kubernetes/raycluster.json").read_text()))
ALL = {**CONFIGS, "the example": example()}


def every(config: ClusterConfig) -> list[dict[str, Any]]:
    return [one for found in manifests(config).values() for one in found]


def validate(manifest: dict[str, Any]) -> None:
    if manifest["kind"] != "RayCluster":
        kubernetes_validate.validate(manifest, "1.37", strict=True)
        return
    RAY.validate(manifest)
    spec = manifest["spec"]
    for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]:
        pods = {"apiVersion": "v1", "kind": "PodTemplate", "template": group["template"]}
        kubernetes_validate.validate(pods, "1.37", strict=True)


@pytest.mark.parametrize("name", ALL)
def test_every_manifest_fits_its_schema(name: str) -> None:
    for manifest in every(load_config(ALL[name])):
        validate(manifest)


def _head(cluster: dict[str, Any]) -> Any:
    return cluster["spec"]["headGroupSpec"]["template"]["spec"]


BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "ray: unknown key": ("RayCluster", lambda m: m["spec"].update(rayVerson="2")),
    "ray: wrong kind": ("RayCluster", lambda m: m["spec"].update(rayVersion=2)),
    "ray: no pods": ("RayCluster", lambda m: m["spec"]["headGroupSpec"].pop("template")),
    "ray: unknown key in a pod": ("RayCluster", lambda m: _head(m).update(containrs=[])),
    "ray: probe": (
        "RayCluster",
        lambda m: _head(m)["containers"][0]["readinessProbe"].update(periodSeconds="5"),
    ),
    "unknown key": ("Deployment", lambda m: m["spec"].update(replicaCount=1)),
    "service": ("Service", lambda m: m["spec"]["ports"][0].update(port="http")),
    "policy": ("NetworkPolicy", lambda m: m["spec"].update(ingres=[])),
    "claim": ("PersistentVolumeClaim", lambda m: m["spec"].update(accessModes="ReadWriteOnce")),
    "account": ("ServiceAccount", lambda m: m.update(automountServiceAccountToken="no")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_schemas_see_mistakes(name: str) -> None:
    kind, spoil = BROKEN[name]
    found = next(one for one in every(load_config(example())) if one["kind"] == kind)
    spoilt = copy.deepcopy(found)
    spoil(spoilt)
    with pytest.raises(ValidationError):
        validate(spoilt)


PUBLISHED = [Path(p) for p in os.environ.get("WEFT_KUBERNETES_SCHEMAS", "").split(":") if p]


@pytest.mark.skipif(not PUBLISHED, reason="WEFT_KUBERNETES_SCHEMAS names no schema of a cluster")
def test_every_manifest_fits_what_a_cluster_publishes() -> None:
    schemas = read_schemas(PUBLISHED)
    for name, text in ALL.items():
        found = every(load_config(text))
        assert ("ray.io/v1", "RayCluster") in schemas.kinds
        assert {(one["apiVersion"], one["kind"]) for one in found} <= schemas.kinds
        assert [problem.message for problem in schemas.check(found)] == [], name
