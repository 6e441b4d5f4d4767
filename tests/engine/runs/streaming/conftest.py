"""A Ray cluster that live runs share, as they share the engine's."""

import os
import threading
from collections.abc import Iterator

import pytest

from weft_engine.kernel.backends.on_ray import OnRay, RayPlaces
from weft_engine.runs.executors import on_ray
from weft_engine.runs.executors.on_ray import RayRoom
from weft_engine.runs.executors.remote_crew import Crew


@pytest.fixture(scope="module")
def cluster() -> Iterator[Crew]:
    """A cluster of four processors on this machine."""
    ray = OnRay(local_cpus=4)
    # It must outlive the thread that has started it.
    starter = threading.Thread(target=ray.cluster.connect)
    starter.start()
    starter.join()
    crew = Crew(RayRoom(RayPlaces(cluster=ray.cluster)))
    before = on_ray._shared, on_ray._owner
    on_ray._shared, on_ray._owner = crew, os.getpid()
    yield crew
    on_ray._shared, on_ray._owner = before
    crew.close()
    ray.close()


@pytest.fixture(params=["processes", pytest.param("ray", marks=pytest.mark.ray)])
def env(request: pytest.FixtureRequest) -> str:
    """An environment with workers."""
    if request.param == "ray":
        request.getfixturevalue("cluster")
    return str(request.param)
