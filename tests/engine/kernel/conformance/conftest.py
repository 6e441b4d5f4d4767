"""Every program here runs on every backend."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from weft_engine.kernel.backends.backend import Backend, Deployment
from weft_engine.kernel.backends.inline import Inline
from weft_engine.kernel.backends.processes import Processes
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.environment import StreamEnvironment

BACKENDS: Mapping[str, Callable[[], Backend]] = {
    "inline": Inline,
    "threads": Threads,
    "processes": lambda: Processes(2),
}


class Shared:
    """A backend that jobs use one after the other; closed when all tests are done."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.name = backend.name
        self.stepping = backend.stepping

    def deploy(self, *args: Any) -> Deployment:
        return self._backend.deploy(*args)

    def close(self) -> None:
        pass


class SharedEnvironment(StreamEnvironment):
    """Submits to a given backend."""

    def __init__(self, backend: Backend, name: str, config: Mapping[str, Any]) -> None:
        super().__init__(name, config)
        self._backend = backend

    def backend(self) -> Backend:
        return Shared(self._backend)


MakeEnvironment = Callable[..., SharedEnvironment]


@pytest.fixture(scope="module", params=[*BACKENDS, pytest.param("ray", marks=pytest.mark.ray)])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "ray":
        yield request.getfixturevalue("ray_cluster")
        return
    made = BACKENDS[request.param]()
    yield made
    made.close()


@pytest.fixture
def make_env(backend: Backend, request: pytest.FixtureRequest) -> MakeEnvironment:
    def make(**config: Any) -> SharedEnvironment:
        return SharedEnvironment(backend, request.node.name, config)

    return make
