"""The Ray cluster, as KubeRay's operator wants it told (`ray.io/v1`, KubeRay 1.6 or newer)."""

from weft_engine.deploy.config import ClusterConfig, Head, WorkerGroup
from weft_engine.deploy.pods import (
    GCS_PORT,
    RAYLET_PORT,
    Manifest,
    checkpoint_volumes,
    container_security,
    metadata,
    own_variables,
    pod,
    ray_variables,
    resources,
)


def ray_cluster(config: ClusterConfig) -> Manifest:
    """The RayCluster: token authentication, no dashboard, a Service inside the cluster only."""
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": metadata(config, config.name, "ray"),
        "spec": {
            "rayVersion": config.ray_version,
            "authOptions": {"mode": "token", "secretName": config.token.secret},
            **_autoscaling(config),
            "headGroupSpec": _head(config, config.head),
            "workerGroupSpecs": [_workers(config, group) for group in config.workers],
        },
    }


def _autoscaling(config: ClusterConfig) -> Manifest:
    if not config.autoscaling.enabled:
        return {"enableInTreeAutoscaling": False}
    return {
        "enableInTreeAutoscaling": True,
        "autoscalerOptions": {
            "version": "v2",
            "idleTimeoutSeconds": config.autoscaling.idle_timeout_s,
            "securityContext": container_security(),
        },
    }


def _head(config: ClusterConfig, head: Head) -> Manifest:
    start = {"include-dashboard": "false"}
    if not head.run_work:
        start["num-cpus"] = "0"
    container = {
        "name": "ray-head",
        "image": config.image,
        # Without ports of our own KubeRay would offer the dashboard's and the client's.
        "ports": [{"name": "gcs-server", "containerPort": GCS_PORT}],
        "resources": resources(head),
        **_probes(GCS_PORT),
    }
    account = None if config.autoscaling.enabled else f"{config.name}-ray"
    return {
        "serviceType": "ClusterIP",
        "rayStartParams": start,
        "template": _template(config, head, container, account),
    }


def _workers(config: ClusterConfig, group: WorkerGroup) -> Manifest:
    least, most = group.bounds
    container = {
        "name": "ray-worker",
        "image": group.image or config.image,
        "resources": resources(group, {group.gpu_resource: group.gpu}),
        **_probes(RAYLET_PORT),
    }
    return {
        "groupName": group.name,
        "replicas": group.replicas,
        "minReplicas": least,
        "maxReplicas": most,
        "rayStartParams": {"node-manager-port": str(RAYLET_PORT)},
        "template": _template(config, group, container, f"{config.name}-ray"),
    }


def _template(
    config: ClusterConfig, place: Head | WorkerGroup, container: Manifest, account: str | None
) -> Manifest:
    volumes, mounts = checkpoint_volumes(config)
    whole = {
        **container,
        "imagePullPolicy": config.image_pull_policy,
        "env": [*ray_variables(config), *own_variables(config)],
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }
    if not mounts:
        del whole["volumeMounts"]
    marks = metadata(config, config.name, "ray")["labels"]
    return {"metadata": {"labels": marks}, "spec": pod(config, place, [whole], volumes, account)}


def _probes(port: int) -> Manifest:
    """KubeRay's own probes ask the dashboard and its agent over HTTP, which are not there."""
    knock = {"tcpSocket": {"port": port}, "timeoutSeconds": 5}
    return {
        "readinessProbe": {
            **knock, "initialDelaySeconds": 5, "periodSeconds": 5, "failureThreshold": 24,
        },
        "livenessProbe": {
            **knock, "initialDelaySeconds": 60, "periodSeconds": 10, "failureThreshold": 12,
        },
    }  # fmt: skip
