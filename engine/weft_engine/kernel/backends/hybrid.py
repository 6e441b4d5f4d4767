"""Subtasks here and there: every stage on the workers that its placement names."""

from collections.abc import Mapping

from weft_engine.errors import KernelError
from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.cluster import ClusterBackend
from weft_engine.kernel.backends.on_ray import OnRay
from weft_engine.kernel.backends.processes import Processes


class Hybrid(ClusterBackend):
    """Runs a job on the workers of several backends.

    `Hybrid({"local": Processes(), "gpu": OnRay("head:6379", resources={"GPU": 1})})`. A stage goes
    to the backend that its placement names, or to the first one if it has none. Records between
    them go over sockets as within each of them.
    """

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        """Make the backend, which lets go of the others when it is closed.

        Args:
            backends: By placement label. Worker processes take the place of a backend that has no
                workers of its own, such as `Threads`.
        """
        if not backends:
            raise KernelError("A hybrid backend needs at least one other.")
        made = {
            label: backend if isinstance(backend, ClusterBackend) else Processes()
            for label, backend in backends.items()
        }
        on_ray = next((backend for backend in made.values() if isinstance(backend, OnRay)), None)
        if on_ray is not None:
            for backend in made.values():
                if isinstance(backend, Processes):
                    backend.receive_at(lambda: on_ray.host)
        super().__init__(
            "hybrid",
            {label: backend.pools[""] for label, backend in made.items()},
            workers={label: _count(backend) for label, backend in made.items()},
            label=next(iter(made)),
        )


def _count(backend: ClusterBackend) -> int | None:
    return backend.workers if isinstance(backend.workers, int) else None
