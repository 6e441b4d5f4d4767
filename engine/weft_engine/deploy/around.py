"""What stands around the pods: accounts, volumes, network policies."""

from weft_engine.deploy.config import ClusterConfig
from weft_engine.deploy.pods import CHECKPOINTS, Manifest, labels, metadata
from weft_engine.deploy.server import PORT, server_name


def accounts(config: ClusterConfig) -> list[Manifest]:
    """Accounts without any right: neither Weft nor Ray's workers speak with Kubernetes."""
    names = {f"{config.name}-ray": "ray", server_name(config): "server"}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(config, name, part),
            "automountServiceAccountToken": False,
        }
        for name, part in names.items()
    ]


def volumes(config: ClusterConfig) -> list[Manifest]:
    """The claims: the server's data, and checkpoints unless their claim exists already."""
    data = config.server.data
    name = f"{server_name(config)}-data"
    found = [_claim(config, name, "server", "ReadWriteOnce", data.size, data.storage_class)]
    kept = config.checkpoints
    if kept is not None and kept.size is not None:
        name = f"{config.name}-{CHECKPOINTS}"
        found.append(_claim(config, name, CHECKPOINTS, kept.access, kept.size, kept.storage_class))
    return found


def _claim(
    config: ClusterConfig, name: str, part: str, access: str, size: str, storage_class: str | None
) -> Manifest:
    spec: Manifest = {"accessModes": [access], "resources": {"requests": {"storage": size}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(config, name, part),
        "spec": spec,
    }


def network_policies(config: ClusterConfig) -> list[Manifest]:
    """Whoever reaches a port of Ray can run code, so only Ray and Weft do.

    Ray's processes talk with each other, and with Weft in both directions, on ports that are chosen
    when they start; so pods are let in, not ports. Of the server, others reach the web alone.
    """
    ray = {"podSelector": {"matchLabels": {"ray.io/cluster": config.name}}}
    weft = {"podSelector": {"matchLabels": labels(config, "server")}}
    web = {"ports": [{"protocol": "TCP", "port": PORT}]}
    return [
        _policy(config, f"{config.name}-ray", "ray", ray["podSelector"], [{"from": [ray, weft]}]),
        _policy(config, server_name(config), "server", weft["podSelector"], [{"from": [ray]}, web]),
    ]


def _policy(
    config: ClusterConfig, name: str, part: str, selector: Manifest, ingress: list[Manifest]
) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(config, name, part),
        "spec": {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": ingress},
    }
