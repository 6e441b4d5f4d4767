"""Parts that the pods of a deployment have in common."""

from collections.abc import Sequence
from typing import Any, Final

from weft_engine.deploy.config import ClusterConfig, Place, SecretRef

GCS_PORT: Final = 6379
RAYLET_PORT: Final = 6380
"""Ray chooses one at random unless told; this one is fixed so that a probe finds it."""
USER: Final = 1000
CHECKPOINTS: Final = "checkpoints"

Manifest = dict[str, Any]


def metadata(config: ClusterConfig, name: str, part: str) -> Manifest:
    """Name, namespace and the labels that tell what belongs together."""
    return {"name": name, "namespace": config.namespace, "labels": labels(config, part)}


def labels(config: ClusterConfig, part: str) -> dict[str, str]:
    """The recommended labels of Kubernetes."""
    return {
        "app.kubernetes.io/name": "weft",
        "app.kubernetes.io/instance": config.name,
        "app.kubernetes.io/component": part,
    }


def head_address(config: ClusterConfig) -> str:
    """Where the Ray cluster's head answers, by the name of the Service that KubeRay makes."""
    return f"{config.name}-head-svc:{GCS_PORT}"


def from_secret(name: str, ref: SecretRef) -> Manifest:
    """A variable whose value only Kubernetes reads."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": ref.secret, "key": ref.key}}}


def ray_variables(config: ClusterConfig) -> list[Manifest]:
    """What every process that speaks with Ray needs; Ray's authentication is off by default."""
    return [
        {"name": "RAY_AUTH_MODE", "value": "token"},
        from_secret("RAY_AUTH_TOKEN", config.token),
        {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"},
    ]


def own_variables(config: ClusterConfig) -> list[Manifest]:
    """The variables that the configuration asks for."""
    return [from_secret(variable.name, variable) for variable in config.env]


def resources(place: Place, gpus: dict[str, int] | None = None) -> Manifest:
    """Requests equal limits: Ray counts on what it was given."""
    amounts = {"cpu": place.cpu, "memory": place.memory}
    amounts |= {name: str(count) for name, count in (gpus or {}).items() if count}
    return {"requests": amounts, "limits": dict(amounts)}


def container_security() -> Manifest:
    """No way to more rights than the process starts with."""
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def checkpoint_claim(config: ClusterConfig) -> str | None:
    """The claim of the checkpoint volume, if there is one."""
    if config.checkpoints is None:
        return None
    return config.checkpoints.claim or f"{config.name}-{CHECKPOINTS}"


def checkpoint_volumes(config: ClusterConfig) -> tuple[list[Manifest], list[Manifest]]:
    """The volumes of a pod and the mounts of its container for checkpoints."""
    claim = checkpoint_claim(config)
    if config.checkpoints is None or claim is None:
        return [], []
    volume = {"name": CHECKPOINTS, "persistentVolumeClaim": {"claimName": claim}}
    return [volume], [{"name": CHECKPOINTS, "mountPath": config.checkpoints.path}]


def pod(
    config: ClusterConfig,
    place: Place,
    containers: Sequence[Manifest],
    volumes: Sequence[Manifest],
    account: str | None,
) -> Manifest:
    """The specification of a pod.

    `enableServiceLinks` is off because Kubernetes would set WEFT_PORT to `tcp://…` for a Service
    named `weft`. Files keep their modes when a volume is mounted again (`OnRootMismatch`): the
    server refuses a key file that a group can read.
    """
    spec: Manifest = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [{"name": name} for name in config.image_pull_secrets],
        "nodeSelector": dict(place.node_selector),
        "tolerations": [_toleration(one.model_dump()) for one in place.tolerations],
        "containers": list(containers),
        "volumes": list(volumes),
    }
    if account is None:
        # KubeRay puts the account of its autoscaler here, which needs its token.
        del spec["serviceAccountName"], spec["automountServiceAccountToken"]
    return {key: value for key, value in spec.items() if value not in ([], {})}


def _toleration(given: Manifest) -> Manifest:
    given["tolerationSeconds"] = given.pop("seconds")
    return {key: value for key, value in given.items() if value is not None}
