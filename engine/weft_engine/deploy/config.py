"""What a cluster configuration may say."""

from importlib.metadata import version
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from weft_engine.deploy.quantities import Bytes, Processors

FORMAT = "weft-cluster/1"
OLDEST_RAY = (2, 55)
"""The oldest Ray that Weft works with; token authentication is there since 2.52."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40)]
"""A DNS label; short, because Kubernetes appends to it and ends at 63 characters."""
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
ObjectName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=253)
]
SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=253)]
Image = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._/:@]*$", max_length=500)
]
LabelKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$",
        max_length=317,
    ),
]
LabelValue = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)?$", max_length=63)
]
HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
Folder = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9][-A-Za-z0-9._]*)+$")]

_OURS = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SecretRef(_Part):
    """One key of a Secret that exists already. Its value is never read or written here."""

    secret: ObjectName
    key: SecretKey


class SecretVariable(SecretRef):
    """An environment variable whose value is in a Secret."""

    name: Variable


class Toleration(_Part):
    """A taint of nodes that pods accept."""

    key: LabelKey | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: int | None = Field(None, ge=0)
    """How long a pod stays on a node after it got such a taint."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("has a value, which `operator: Exists` does not take")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("needs a key unless it has `operator: Exists`")
        if self.seconds is not None and self.effect != "NoExecute":
            raise ValueError("may have `seconds` with `effect: NoExecute` only")
        return self


class Place(_Part):
    """What a pod gets, and where it may run."""

    cpu: Processors = "1"
    memory: Bytes = "2Gi"
    node_selector: dict[LabelKey, LabelValue] = {}
    tolerations: tuple[Toleration, ...] = ()


class Head(Place):
    """The pod that holds Ray's control store."""

    cpu: Processors = "2"
    memory: Bytes = "4Gi"
    run_work: bool = False
    """Whether nodes of flows may run there too."""


class WorkerGroup(Place):
    """Alike pods on which nodes of flows run."""

    name: Name
    replicas: int = Field(1, ge=0, le=10_000)
    min: int | None = Field(None, ge=0, le=10_000)
    """`replicas` when left out."""
    max: int | None = Field(None, ge=0, le=10_000)
    """`replicas` when left out."""
    cpu: Processors = "2"
    memory: Bytes = "8Gi"
    gpu: int = Field(0, ge=0, le=64)
    gpu_resource: LabelKey = "nvidia.com/gpu"
    image: Image | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest number of pods."""
        least = self.replicas if self.min is None else self.min
        return least, self.replicas if self.max is None else self.max

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        least, most = self.bounds
        if not least <= self.replicas <= most:
            raise ValueError(f"has {self.replicas} replicas, not from {least} to {most}")
        if most == 0:
            raise ValueError("has room for no pod; leave the group out, or raise `max`")
        return self


class Autoscaling(_Part):
    """Let Ray add and remove pods, from `min` to `max` of each group."""

    enabled: bool = False
    idle_timeout_s: int = Field(60, ge=0, le=86_400)


class Volume(_Part):
    """A disk that outlives pods."""

    size: Bytes
    storage_class: ObjectName | None = None
    """The cluster's default when left out."""


class Checkpoints(_Part):
    """Where streams keep their checkpoints: one volume, seen by the server and all workers."""

    size: Bytes | None = None
    storage_class: ObjectName | None = None
    access: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    claim: ObjectName | None = None
    """A claim that exists already, instead of a new one."""
    path: Folder = "/checkpoints"

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.size is None) == (self.claim is None):
            raise ValueError("needs either a `size` for a new volume or the name of a `claim`")
        if self.claim is not None and self.storage_class is not None:
            raise ValueError("has a `claim`, which brings its own storage class")
        return self


class ServerService(_Part):
    """How the web server is reached."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    port: int = Field(80, ge=1, le=65_535)


class Server(Place):
    """The Weft server: web, live documents and the supervisor of runs."""

    replicas: Literal[1] = 1
    """Live documents have one authority, so there is one."""
    cpu: Processors = "2"
    memory: Bytes = "4Gi"
    database: SecretRef | None = None
    """Where the PostgreSQL address is; SQLite on the data volume when left out."""
    data: Volume = Volume(size="10Gi")
    service: ServerService = ServerService()
    hosts: tuple[HostName, ...] = ()
    """Names by which browsers call the server, besides those of the Service."""
    behind_https: bool = False
    """Whether something in front of the server speaks https: cookies are then for https only."""
    setup_remote: bool = False
    """Let the first account be made from another machine, with the link in the log."""


class ClusterConfig(_Part):
    """A Weft server and the Ray cluster it runs flows on."""

    format: Literal["weft-cluster/1"]
    name: Name
    namespace: Label = "default"
    image: Image
    """Has Weft with Ray in it; used by all pods."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[ObjectName, ...] = ()
    ray_version: str = Field(default_factory=lambda: version("ray"), pattern=r"^\d+\.\d+\.\d+$")
    """The one in the image; by default the one installed where this is read."""
    token_secret: ObjectName | None = None
    """The Secret with Ray's token, under `auth_token`; `NAME-ray-token` when left out."""
    head: Head = Head()
    workers: tuple[WorkerGroup, ...] = (WorkerGroup(name="workers"),)
    autoscaling: Autoscaling = Autoscaling()
    env: tuple[SecretVariable, ...] = ()
    """Variables of the server and of all Ray pods."""
    checkpoints: Checkpoints | None = None
    server: Server = Server()

    @property
    def token(self) -> SecretRef:
        """Where Ray's token is; the key is the one that KubeRay looks for."""
        secret = self.token_secret or f"{self.name}-ray-token"
        return SecretRef(secret=secret, key="auth_token")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if tuple(map(int, self.ray_version.split(".")[:2])) < OLDEST_RAY:
            oldest = ".".join(map(str, OLDEST_RAY))
            raise ValueError(
                f"has ray_version {self.ray_version}; {oldest} is the oldest that works"
            )
        if not self.workers:
            raise ValueError("has no worker group; leave `workers` out to get one")
        groups = [group.name for group in self.workers]
        _no_twins(groups, "worker groups")
        names = [variable.name for variable in self.env]
        _no_twins(names, "variables")
        for name in names:
            if name in _OURS or name.startswith("WEFT_"):
                raise ValueError(f"sets {name} in `env`, which is set by other keys")
        return self


def _no_twins(names: list[str], what: str) -> None:
    twin = next((name for name in names if names.count(name) > 1), None)
    if twin is not None:
        raise ValueError(f"has two {what} named {twin!r}")
