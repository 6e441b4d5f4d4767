"""A configuration becomes files of manifests, and says what must be there beforehand."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from weft_engine.deploy.around import accounts, network_policies, volumes
from weft_engine.deploy.config import ClusterConfig, SecretRef
from weft_engine.deploy.pods import Manifest
from weft_engine.deploy.ray_cluster import ray_cluster
from weft_engine.deploy.server import deployment, service

_PLAIN: Final = re.compile(r"^[A-Za-z/][A-Za-z0-9_./-]*$")
_NOT_TEXT: Final = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}


class SecretNeed(NamedTuple):
    """A Secret that must exist, and the keys that are looked up in it."""

    name: str
    keys: tuple[str, ...]


def manifests(config: ClusterConfig) -> dict[str, list[Manifest]]:
    """All manifests by file name, in the order in which they are applied."""
    return {
        "10-accounts.yaml": accounts(config),
        "20-volumes.yaml": volumes(config),
        "30-network.yaml": network_policies(config),
        "40-ray.yaml": [ray_cluster(config)],
        "50-server.yaml": [deployment(config), service(config)],
    }


def secrets(config: ClusterConfig) -> list[SecretNeed]:
    """What the manifests refer to; nothing of it is written."""
    keys: dict[str, dict[str, None]] = {name: {} for name in config.image_pull_secrets}
    for ref in _references(config):
        keys.setdefault(ref.secret, {})[ref.key] = None
    return [SecretNeed(name, tuple(found)) for name, found in sorted(keys.items())]


def _references(config: ClusterConfig) -> Iterator[SecretRef]:
    yield config.token
    if config.server.database is not None:
        yield config.server.database
    yield from config.env


def remarks(config: ClusterConfig) -> list[str]:
    """Names of what is allowed but seldom meant: keys of texts in the reader's language."""
    found = []
    if config.server.database is None:
        found.append("sqlite")
    if config.checkpoints is None:
        found.append("no_checkpoints")
    elif config.checkpoints.access == "ReadWriteOnce":
        found.append("one_node")
    if config.image.endswith(":latest") or not re.search(r"[:@][^/]+$", config.image):
        found.append("moving_image")
    return found


def as_yaml(documents: list[Manifest]) -> str:
    """YAML that every reader takes for the same text, whichever version of YAML it knows."""
    return "".join(
        "---\n" + yaml.dump(_plain(one), Dumper=_Dumper, sort_keys=False, width=1000)
        for one in documents
    )


def _plain(value: Any) -> Any:
    """Without shared parts, which YAML would write as anchors."""
    return json.loads(json.dumps(value))


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Items of lists stand deeper than their key.
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # `1e3`, `0o7` and `on` are text in one version of YAML and not in another.
    plain = _PLAIN.match(value) and value.lower() not in _NOT_TEXT
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)
