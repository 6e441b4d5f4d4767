"""The Weft server: one pod that serves the web, supervises runs and is a member of the cluster."""

from typing import Final

from weft_engine.deploy.config import ClusterConfig
from weft_engine.deploy.pods import (
    RAYLET_PORT,
    Manifest,
    checkpoint_volumes,
    container_security,
    from_secret,
    head_address,
    labels,
    metadata,
    own_variables,
    pod,
    ray_variables,
    resources,
)

PORT: Final = 8900
_DATA: Final = "/data"
_OBJECT_STORE: Final = 256 * 2**20
"""Bytes of shared memory of the server's part of Ray; it runs no tasks and holds few objects."""


def server_name(config: ClusterConfig) -> str:
    """The name of all that belongs to the server."""
    return f"{config.name}-server"


def service(config: ClusterConfig) -> Manifest:
    """How browsers and API clients reach the server."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(config, server_name(config), "server"),
        "spec": {
            "type": config.server.service.type,
            "selector": labels(config, "server"),
            "ports": [
                {
                    "name": "http",
                    "port": config.server.service.port,
                    "targetPort": "http",
                    "protocol": "TCP",
                }
            ],
        },
    }


def deployment(config: ClusterConfig) -> Manifest:
    """One replica, replaced and never doubled: the data folder has one owner."""
    volumes, mounts = checkpoint_volumes(config)
    claim = {"claimName": f"{server_name(config)}-data"}
    volumes = [
        {"name": "data", "persistentVolumeClaim": claim},
        {"name": "ray", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": str(2 * _OBJECT_STORE)}},
        *volumes,
    ]
    shared = [{"name": "ray", "mountPath": "/tmp/ray"}, {"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
    containers = [
        _weft(config, [{"name": "data", "mountPath": _DATA}, *shared, *mounts]),
        _ray_node(config, shared),
    ]
    account = server_name(config)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(config, server_name(config), "server"),
        "spec": {
            "replicas": config.server.replicas,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels(config, "server")},
            "template": {
                "metadata": {"labels": labels(config, "server")},
                "spec": pod(config, config.server, containers, volumes, account),
            },
        },
    }


def _weft(config: ClusterConfig, mounts: list[Manifest]) -> Manifest:
    return {
        "name": "weft",
        "image": config.image,
        "imagePullPolicy": config.image_pull_policy,
        "command": ["weft", "serve"],
        "ports": [{"name": "http", "containerPort": PORT}],
        "env": [*_settings(config), *ray_variables(config), *own_variables(config)],
        "resources": resources(config.server),
        "securityContext": container_security(),
        "volumeMounts": mounts,
        "startupProbe": {**_ask("/api/health"), "periodSeconds": 2, "failureThreshold": 90},
        "readinessProbe": {**_ask("/api/ready"), "periodSeconds": 5},
        "livenessProbe": {**_ask("/api/health"), "periodSeconds": 10, "failureThreshold": 6},
    }


def _ask(path: str) -> Manifest:
    # The server answers to names it knows; the probe would call it by the pod's address.
    host = [{"name": "Host", "value": "localhost"}]
    return {"httpGet": {"path": path, "port": "http", "httpHeaders": host}, "timeoutSeconds": 5}


def _settings(config: ClusterConfig) -> list[Manifest]:
    server, name = config.server, server_name(config)
    names = [name, f"{name}.{config.namespace}", f"{name}.{config.namespace}.svc", *server.hosts]
    # A folder of its own below the mount, whose rights are Kubernetes' affair.
    values = {
        "WEFT_DATA": f"{_DATA}/weft",
        "WEFT_HOST": "0.0.0.0",  # noqa: S104 - a pod's own network; the policy says who gets there
        "WEFT_PORT": str(PORT),
        "WEFT_TRUSTED_HOSTS": " ".join(names),
        "WEFT_RAY_ADDRESS": head_address(config),
    }
    if server.behind_https:
        values["WEFT_SECURE_COOKIES"] = "true"
        values["WEFT_TRUSTED_ORIGINS"] = " ".join(f"https://{host}" for host in server.hosts)
    if server.setup_remote:
        values["WEFT_SETUP_REMOTE"] = "true"
    settings: list[Manifest] = [
        {"name": key, "value": value} for key, value in values.items() if value
    ]
    if server.database is not None:
        settings.append(from_secret("WEFT_DATABASE", server.database))
    return settings


def _ray_node(config: ClusterConfig, mounts: list[Manifest]) -> Manifest:
    """The pod's own member of the cluster, without processors: a driver needs one beside it."""
    return {
        "name": "ray-node",
        "image": config.image,
        "imagePullPolicy": config.image_pull_policy,
        "command": ["ray", "start", "--block"],
        "args": [
            f"--address={head_address(config)}",
            "--num-cpus=0",
            "--num-gpus=0",
            f"--object-store-memory={_OBJECT_STORE}",
            f"--node-manager-port={RAYLET_PORT}",
        ],
        "env": ray_variables(config),
        "resources": {
            "requests": {"cpu": "250m", "memory": "1Gi"},
            "limits": {"memory": "2Gi"},
        },
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }
